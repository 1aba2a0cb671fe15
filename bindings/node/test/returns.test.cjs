'use strict';
// What functions return: ports and nothing else, all of it or nothing.
const test = require('node:test');
const assert = require('node:assert');
const { reflow } = require('./support.cjs');
const { Network, actor, Message, flow } = reflow;

const range = (n) => Array.from({ length: n }, (_, i) => i);
const ports = { inports: ['in'], outports: ['out', 'more'] };

// What a function emits for packet 1 on both outports, and how its firing has failed.
async function outcome(body, options = {}) {
  const seen = [];
  const failures = [];
  const note = (port) => actor({ inports: ['in'] }, (ctx, value) => { seen.push([port, value]); });
  const net = new Network({ log: () => {}, ...options.network })
    .add('d', actor({ ...ports, ...options.actor }, body)).add('o', note('out')).add('m', note('more'))
    .connect('d.out', 'o.in').connect('d.more', 'm.in');
  net.on('ActorFailed', ({ error, trace }) => failures.push({ error, trace }));
  await net.start();
  await net.send('d.in', 1);
  await net.drain({ timeout: 60000 });
  const letters = net.deadLetters();
  await net.close();
  assert.strictEqual(failures.length, letters.length);
  return { seen, failure: failures[0], status: letters[0]?.status };
}

const forms = {
  'a function': [(make) => () => make()],
  'a function that goes on': [(make) => async () => make()],
  'a function behind a promise': [(make) => () => Promise.resolve().then(make)],
  'a generator': [(make) => function* one() { yield make(); }],
  'an asynchronous generator': [(make) => async function* one() { yield make(); }],
  'a batch': [(make) => make, { actor: { batch: true } }],
};

const others = {
  Date: () => new Date(), Set: () => new Set(['out']), RegExp: () => /out/, WeakMap: () => new WeakMap(),
  WeakSet: () => new WeakSet(), Buffer: () => Buffer.from('out'), Float64Array: () => new Float64Array(2),
  DataView: () => new DataView(new ArrayBuffer(2)), ArrayBuffer: () => new ArrayBuffer(2), String: () => Object('out'),
  Message: () => Message.parse('{"out": 1}'), Flow: () => flow, URL: () => new URL('file:///out'), Empty: () => new (class Empty {})(),
};

for (const [form, [wrap, options]] of Object.entries(forms)) {
  test(`${form} that returns what has no ports fails, and the error names it`, async () => {
    for (const [name, make] of Object.entries(others)) {
      const { seen, failure, status } = await outcome(wrap(make), options);
      assert.deepStrictEqual([seen, status], [[], 'REFLOW_ERROR_TYPE'], name);
      assert.match(failure.error, name === 'Flow' ? /returned a Message/ : new RegExp(`returned an? ${name}`));
    }
  });

  test(`${form}: an error that is returned fails it like one that is thrown`, async () => {
    const { seen, failure, status } = await outcome(wrap(function lost() { return new RangeError('no such row'); }), options);
    assert.deepStrictEqual([seen, status], [[], 'REFLOW_ERROR_HOST']);
    assert.match(failure.error, /RangeError: no such row/);
    assert.match(failure.trace, /lost/);
  });

  test(`${form}: a Map of ports, an instance of a class, and an object without prototype`, async () => {
    const batch = options?.actor?.batch === true;
    const [one, two] = batch ? [[1], [2]] : [1, 2];
    class Both { out = one; more = two; }
    for (const make of [() => new Map([['out', one], ['more', two]]), () => new Both(),
      () => Object.assign(Object.create(null), { out: one, more: two })]) {
      const { seen, failure } = await outcome(wrap(make), options);
      assert.strictEqual(failure, undefined);
      assert.deepStrictEqual(seen.sort(), [['more', 2], ['out', 1]]);
    }
    const { failure } = await outcome(wrap(() => new Map([[1, one]])), options);
    assert.match(failure.error, /no outport/);
  });

  test(`${form}: a return that fails emits nothing of what it has`, async () => {
    const value = options?.actor?.batch ? [1] : 1;
    for (const wrong of [{ out: value, oot: value }, { out: value, more: options?.actor?.batch ? [() => 1] : () => 1 },
      { out: value, more: options?.actor?.batch ? 5 : { get of() { throw new Error('of'); } } }]) {
      const { seen, failure } = await outcome(wrap(() => wrong), options);
      assert.deepStrictEqual(seen, []);
      assert.match(failure.error, /'oot' \(did you mean|a function|a number|of/);
    }
  });
}

test('what was emitted before a return that fails stays, and so do the firings around it', async () => {
  const seen = [];
  const net = new Network({ log: () => {} });
  net.add('d', actor(ports, (ctx, value) => {
    ctx.emit('out', `e${value}`);
    return value % 2 ? { out: value, more: Symbol('odd') } : { out: value };
  })).add('s', actor({ inports: ['in'] }, (ctx, value) => { seen.push(value); })).connect('d.out', 's.in');
  await net.start();
  await net.sendMany('d.in', range(3000));
  await net.idle({ timeout: 60000 });
  await net.close();
  assert.deepStrictEqual(seen, range(3000).flatMap((value) => (value % 2 ? [`e${value}`] : [`e${value}`, value])));
});

test('finish: a return that fails emits nothing', async () => {
  const seen = [];
  const net = new Network({ log: () => {} });
  net.add('d', class Last {
    static inports = ['in'];
    static outports = ['out'];
    run() {}
    finish() { return { out: 1, oot: 2 }; }
  }).add('s', actor({ inports: ['in'] }, (ctx, value) => { seen.push(value); })).connect('d.out', 's.in');
  await net.start();
  await net.drain({ timeout: 60000 }).catch(() => {});
  await net.close();
  assert.deepStrictEqual(seen, []);
});

test('a class without run is refused where it is given', () => {
  class NoRun { static run() {} }
  const invalid = { code: 'ERR_REFLOW_INVALID_ARGUMENT', message: /class NoRun has no method run\(ctx, value\).*static/ };
  assert.throws(() => actor({ inports: ['in'] }, NoRun), invalid);
  assert.throws(() => new Network().add('n', NoRun), invalid);
  assert.throws(() => new Network().register(class {}), { code: 'ERR_REFLOW_INVALID_ARGUMENT', message: /without a name/ });
  // Functions of the old way are functions.
  actor({ inports: ['in'] }, function old() { this.n = 0; }); // eslint-disable-line func-names
});
