'use strict';
// What goes wrong, in every place: told by class, code, place and hint; the network stays usable.
const test = require('node:test');
const assert = require('node:assert');
const os = require('node:os');
const path = require('node:path');
const { packageName, reflow, until } = require('./support.cjs');
const { Graph, Network, actor, ReflowError } = reflow;
const { handles } = require(path.join(path.dirname(packageName), 'binding.cjs'));

const keep = (into) => actor({ inports: ['in'] }, (ctx, value) => { into.push(value); });

// A network with an actor whose errors are collected.
async function failing(body, options = {}) {
  const errors = [];
  const out = [];
  const net = new Network();
  net.add('a', actor({ inports: ['in'], outports: ['out'], ...options }, body))
    .add('e', keep(errors)).add('o', keep(out)).connect('a.error', 'e.in').connect('a.out', 'o.in');
  await net.start();
  return { net, errors, out };
}

test('an exception fails its firing alone, and reaches the error port', async () => {
  const { net, errors, out } = await failing((ctx, value) => {
    if (value % 2) throw new RangeError(`odd ${value}`);
    return { out: value };
  });
  await net.sendMany('a.in', [0, 1, 2, 3, 4]);
  await net.idle();
  assert.deepStrictEqual(out, [0, 2, 4]);
  assert.deepStrictEqual(errors.map((e) => e.message).sort().map((m) => /RangeError: odd [13]/.test(m)),
    [true, true]);
  assert.strictEqual(net.report().a.failed, 2);
  await net.close();
});

test('a rejection, a throw in a generator, and what is no Error, are the same', async () => {
  const bodies = [
    async () => { await null; throw new Error('mine'); },
    () => Promise.reject(new Error('mine')),
    function* one() { yield { out: 1 }; throw new Error('mine'); },
    async function* two() { yield { out: 1 }; throw new Error('mine'); },
    () => { throw 'mine'; },
    () => { throw { toString() { throw new Error('no'); }, mine: 'mine' }; },
    () => { throw null; },
  ];
  for (const [i, body] of bodies.entries()) {
    const { net, errors } = await failing(body);
    await net.sendMany('a.in', [1, 2]);
    await net.idle({ timeout: 5000 });
    assert.strictEqual(errors.length, 2, String(body));
    if (i < 6) assert.match(errors[0].message, /mine/, String(body));
    await net.close();
  }
});

test('wrong results are told of with what would be right', async () => {
  const cases = [
    [() => 5, /returned a number.*return \{ out: value \}/],
    [() => 'text', /returned a string/],
    [() => [1], /returned an array/],
    [() => ({ Out: 1 }), /no outport 'Out'.*did you mean 'out'/],
    [() => ({ out: () => 1 }), /\$.*a function/],
    [(ctx) => ctx.emit('nowhere', 1), /no outport 'nowhere'.*'out'/],
    [(ctx) => ctx.emit('out', { a: [Symbol('s')] }), /\$\.a\[0\].*a symbol/],
    [() => new Date(), /no outport|nothing/],
  ];
  for (const [body, text] of cases.slice(0, 7)) {
    for (const form of [body, async (...args) => body(...args)]) {
      const { net, errors } = await failing(form);
      await net.send('a.in', 1);
      await net.idle({ timeout: 5000 });
      assert.strictEqual(errors.length, 1, String(body));
      assert.match(errors[0].message, text, String(body));
      await net.close();
    }
  }
});

test('emitting after the firing has ended is refused', async () => {
  let kept;
  const { net } = await failing((ctx) => { kept = ctx; return { out: 1 }; });
  await net.send('a.in', 1);
  await net.idle();
  assert.throws(() => kept.emit('out', 2), { code: 'ERR_REFLOW_CLOSED' });
  await net.close();
  assert.throws(() => kept.emit('out', 2), { code: 'ERR_REFLOW_CLOSED' });
  const second = await failing(async (ctx) => { kept = ctx; });
  await second.net.send('a.in', 1);
  await second.net.idle();
  assert.throws(() => kept.emit('out', 2), { code: 'ERR_REFLOW_CLOSED' });
  await second.net.close();
});

test('a failing constructor or setup fails the start, with the error as cause', async () => {
  const own = new TypeError('no database');
  for (const at of ['constructor', 'setup', 'async setup']) {
    class Bad {
      static inports = ['in'];
      constructor() { if (at === 'constructor') throw own; }
      setup() {
        if (at === 'setup') throw own;
        if (at === 'async setup') return Promise.reject(own);
        return undefined;
      }
      run() {}
    }
    const net = new Network();
    net.add('bad', Bad);
    await assert.rejects(net.start(), (error) => {
      assert.ok(error instanceof ReflowError);
      assert.match(error.message, /no database/);
      assert.strictEqual(error.cause, own);
      assert.strictEqual(error.node, 'bad');
      return true;
    });
    await net.close();
  }
});

test('unknown components, nodes and ports have hints', async () => {
  const net = new Network();
  net.add('x', 'Filtre');
  await assert.rejects(net.start(), { code: 'ERR_REFLOW_NOT_FOUND', hint: /Filter/ });
  await net.close();
  const other = new Network();
  other.add('log', 'Log').initial('log.in', 'first');
  assert.throws(() => other.add('log', 'Log'), { code: 'ERR_REFLOW_ALREADY_EXISTS' });
  assert.throws(() => other.connect('log.out', 'lag.in'), { code: 'ERR_REFLOW_NOT_FOUND', hint: /log/ });
  await other.start();
  await assert.rejects(other.send('lag.in', 1), { code: 'ERR_REFLOW_NOT_FOUND', hint: /log/ });
  await assert.rejects(other.send('log.inn', 1), { code: 'ERR_REFLOW_NOT_FOUND', hint: /in/ });
  await assert.rejects(other.stream('log.nope').next(), { code: 'ERR_REFLOW_NOT_FOUND' });
  await other.close();
});

test('every method answers in every state', async () => {
  const net = new Network();
  net.add('a', keep([]));
  const use = {
    send: () => net.send('a.in', 1),
    trySend: async () => net.trySend('a.in', 1),
    sendMany: () => net.sendMany('a.in', [1]),
    idle: () => net.idle(),
    drain: () => net.drain(),
    report: async () => net.report(),
    endSources: async () => net.endSources(),
  };
  for (const [name, call] of Object.entries(use)) {
    await assert.rejects(call(), { code: 'ERR_REFLOW_INVALID_STATE' }, name);
  }
  assert.strictEqual(net.state, 'created');
  await net.start();
  assert.strictEqual(net.state, 'running');
  await assert.rejects(net.start(), { code: 'ERR_REFLOW_INVALID_STATE' });
  await assert.rejects(net.add('b', 'Nobody').apply(), { code: 'ERR_REFLOW_NOT_FOUND' });
  await net.stop();
  await net.stop();
  assert.strictEqual(net.state, 'stopped');
  await assert.rejects(net.send('a.in', 1), { code: 'ERR_REFLOW_CLOSED' });
  await net.close();
  await net.close();
  await net.stop();
  for (const name of ['send', 'trySend', 'sendMany', 'idle', 'drain', 'report', 'endSources']) {
    await assert.rejects(use[name](), { code: 'ERR_REFLOW_CLOSED' }, name);
  }
  assert.throws(() => net.add('b', 'Log'), { code: 'ERR_REFLOW_CLOSED' });
  for (const call of [() => net.on('ActorFailed', () => {}), () => net.once('ActorFailed', () => {}), () => net.events()]) {
    assert.throws(call, { code: 'ERR_REFLOW_CLOSED' });
  }
  await assert.rejects(net.start(), { code: 'ERR_REFLOW_CLOSED' });
  await assert.rejects(net.stream('a.out').next(), { code: 'ERR_REFLOW_CLOSED' });
});

test('timeouts of waits are errors of their own', async () => {
  let release;
  const { net } = await failing(() => new Promise((resolve) => { release = resolve; }));
  await net.send('a.in', 1);
  await until(() => release !== undefined, 'the firing');
  await assert.rejects(net.idle({ timeout: 20 }), { code: 'ERR_REFLOW_TIMEOUT' });
  await assert.rejects(net.idle({ timeout: -1 }), { code: 'ERR_REFLOW_INVALID_ARGUMENT' });
  const reason = new Error('enough');
  await assert.rejects(net.idle({ signal: AbortSignal.abort(reason) }), reason);
  const abort = new AbortController();
  const aborted = net.idle({ signal: abort.signal, timeout: 600000 });
  abort.abort(reason);
  await assert.rejects(aborted, reason);
  // However many wait, no thread waits for them.
  const before = handles().helped;
  const waits = Array.from({ length: 40 }, (_, i) => net.idle(i % 2 ? {} : { timeout: 600000 }));
  await new Promise((resolve) => setImmediate(resolve));
  assert.ok(handles().helped < before + 20, `${handles().helped - before} calls wait on threads`);
  release();
  await Promise.all(waits);
  await net.idle();
  await net.close();
});

test('who waits for an idle network is told when it closes', async () => {
  const { net } = await failing(() => new Promise(() => {}));
  await net.send('a.in', 1);
  const waits = [net.idle(), net.idle({ timeout: 600000 })];
  await net.close();
  await Promise.all(waits); // a network that has been stopped is idle
});

test('an actor of many packets that fails goes on behind the failure, in batches too', async () => {
  const wrong = (value) => value % 1000 === 500;
  const check = (value) => {
    if (wrong(value)) throw new Error(`no ${value}`);
    return value;
  };
  const sent = Array.from({ length: 5000 }, (_, i) => i);
  for (const [body, options] of [
    [(ctx, value) => ({ out: check(value) }), {}],
    [(ctx, values) => ({ out: values.map(check) }), { batch: true, maxBatch: 100 }],
    [(ctx, values) => { for (const value of values) ctx.emit('out', check(value)); }, { batch: true }],
    [(ctx, values) => { for (const value of values) ctx.emit('out', check(value)); }, { batch: 'numbers' }],
    // What is returned cannot be converted.
    [(ctx, values) => ({ out: values.map((value) => (wrong(value) ? () => 1 : value)) }), { batch: true }],
    [(ctx, values) => { values.sort().reverse(); return { out: values.map(check) }; }, { batch: true, maxBatch: 1 }],
  ]) {
    const { net, out, errors } = await failing(body, options);
    await net.sendMany('a.in', sent);
    await net.idle();
    assert.deepStrictEqual(out, sent.filter((value) => !wrong(value)), String(body));
    assert.strictEqual(errors.length, 5);
    await net.close();
  }
});

test('one bad packet of a batch of numbers fails alone', async () => {
  let calls = 0;
  const net = new Network();
  const out = [];
  net.add('a', actor({ inports: ['in'], outports: ['out'], batch: 'numbers' }, (ctx, values) => {
    calls++;
    return { out: values.map((value) => value * 2) };
  })).add('o', keep(out)).connect('a.out', 'o.in');
  await net.start();
  await net.sendMany('a.in', [1, 2, 3, 'a', 5, null, 7]);
  await net.idle();
  assert.deepStrictEqual(out, [2, 4, 6, 10, 14]);
  assert.deepStrictEqual(net.deadLetters().map((letter) => letter.packets.map((packet) => packet.message)), [['a'], [null]]);
  assert.ok(calls <= 7, `${calls} calls`);
  await net.close();
});

test('ports that a node does not have are told where they are named', async () => {
  const double = actor({ inports: ['in'], outports: ['out'] }, (ctx, value) => ({ out: value * 2 }));
  const net = new Network().add('d', double).add('log', 'Log');
  for (const [from, to, node, port, text] of [
    ['d.outt', 'log.in', 'd', 'outt', /no outport 'outt', which the connection d\.outt -> log\.in names.*did you mean 'out'/],
    ['d.out', 'log.inn', 'log', 'inn', /Log has no inport 'inn'.*did you mean 'in'/],
    [{ node: 'd', port: 'in' }, 'log.in', 'd', 'in', /no outport 'in'/],
  ]) {
    assert.throws(() => net.connect(from, to), (error) => {
      assert.deepStrictEqual([error.code, error.node, error.port], ['ERR_REFLOW_GRAPH', node, port]);
      assert.match(error.message, text);
      return true;
    });
  }
  net.connect('d.out', 'log.in').connect('d.error', 'log.in');
  await net.start();
  await net.send('d.in', 21);
  await net.idle({ timeout: 5000 });
  await net.close();
});

test('options that are no numbers of things are refused', () => {
  for (const options of [{ workers: NaN }, { workers: '2' }, { workers: -1 }, { workers: 2 ** 32 }, { portCapacity: 1.5 },
    { watchdogMs: Infinity }, { portCapacityBytes: null }]) {
    const [key] = Object.keys(options);
    assert.throws(() => new Network(options), { code: 'ERR_REFLOW_INVALID_ARGUMENT', message: new RegExp(`'${key}'`),
      hint: /whole number from 0/ });
  }
  assert.throws(() => actor({ inports: ['a', 'b', 'a'] }, () => {}), { message: /inports has 'a' twice/ });
});

test('a message has the place, as the engine and the other languages write it', async () => {
  const missing = path.join(os.tmpdir(), 'reflow-there-is-no-such-file.json');
  assert.throws(() => Graph.load(missing), { file: missing, message: `${missing}: cannot open: no such file or directory` });
  const document = '{"processes":\n {"x": {"component": "Logg"}, "y": 3}}';
  assert.throws(() => Graph.parse(document, { name: 'g.json' }),
    { message: 'g.json:2:36: expected an object for a node, found an integer at $.processes.y' });
  const graph = Graph.parse(document.replace(', "y": 3', ''));
  for (const wrong of [graph, 'g.json', null, 7]) {
    assert.throws(() => new Network(wrong), { code: 'ERR_REFLOW_INVALID_ARGUMENT', message: /Network\.from\(graph\)/ });
  }
  const net = Network.from(graph);
  await assert.rejects(net.start(),
    { message: "node 'x': no component named 'Logg' at $.processes.x.component (did you mean 'Log'?)" });
  const other = new Network().add('x', keep([]));
  await other.start();
  await assert.rejects(async () => other.send('x.inn', 1),
    { message: "node 'x', port 'inn': no inport 'inn' (did you mean 'in'?)" });
  await assert.rejects(async () => other.send('x', 1),
    { message: "port 'x': the graph exposes no inport 'x' (a port of a node is 'node.port')" });
  await assert.rejects(async () => other.send('x.in', { when: Symbol('x') }),
    { message: 'cannot make a message of $.when: a symbol', path: '$.when' });
  await assert.rejects(async () => other.send('x.in', 1, { envelope: { correlation: 'x' } }),
    { hint: "make it with the option 'envelopes: true'" });
  await other.close();
});
