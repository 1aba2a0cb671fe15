'use strict';
// Actors in all their forms.
const test = require('node:test');
const assert = require('node:assert');
const { collect, reflow, until } = require('./support.cjs');
const { Network, actor, ReflowError } = reflow;

const range = (n) => Array.from({ length: n }, (_, i) => i);

test('emit, return and both, in order', async () => {
  const both = actor({ inports: ['in'], outports: ['out'] }, (ctx, value) => {
    for (let i = 0; i < value; i++) ctx.emit('out', i);
    return { out: 'end' };
  });
  assert.deepStrictEqual(await collect(reflow, (net) => net.add('d', both), [2, 0, 1]),
    [0, 1, 'end', 'end', 0, 'end']);
});

test('a generator is left in order when what it yields is refused', async () => {
  const left = [];
  const refused = [5, { nope: 1 }, { out: () => 1 }, Promise.resolve(1)];
  const net = new Network();
  net.add('d', actor({ inports: ['in'], outports: ['out'] }, function* one(ctx, index) {
    try {
      yield refused[index];
    } finally {
      left.push(index);
      if (index === 2) yield { out: 'behind' };
    }
  }));
  await net.start();
  await net.sendMany('d.in', range(refused.length));
  await net.idle({ timeout: 10000 });
  assert.deepStrictEqual(left, range(refused.length));
  const letters = net.deadLetters();
  assert.strictEqual(letters.length, refused.length);
  await net.close();
});

test('one firing may emit more than crosses at once', async () => {
  const many = actor({ inports: ['in'], outports: ['out'] }, (ctx, value) => {
    for (let i = 0; i < value; i++) ctx.emit('out', i % 3 ? i : `${i}`);
  });
  const seen = await collect(reflow, (net) => net.add('d', many), [20000]);
  assert.deepStrictEqual(seen, range(20000).map((i) => (i % 3 ? i : `${i}`)));
});

test('several inports: a value of each, or one after the other', async () => {
  const add = actor({ inports: ['a', 'b'], outports: ['out'] }, (ctx, a, b) => ({ out: a + b }));
  const either = actor({ inports: ['a', 'b'], outports: ['out'], await: 'any' },
    (ctx, value) => ({ out: `${ctx.port}:${value}` }));
  const net = new Network();
  const sums = [];
  const ports = [];
  net.add('add', add).add('either', either)
    .add('s', actor({ inports: ['in'] }, (ctx, v) => { sums.push(v); }))
    .add('p', actor({ inports: ['in'] }, (ctx, v) => { ports.push(v); }))
    .connect('add.out', 's.in').connect('either.out', 'p.in');
  await net.start();
  await net.sendMany('add.a', [1, 2, 3]);
  await net.sendMany('add.b', [10, 20, 30]);
  await net.send('either.a', 1);
  await net.idle();
  await net.send('either.b', 2);
  await net.idle();
  assert.deepStrictEqual(sums, [11, 22, 33]);
  assert.deepStrictEqual(ports, ['a:1', 'b:2']);
  await net.close();
});

test('classes: configuration, setup, state, finish, teardown', async () => {
  const life = [];
  class Sum {
    static inports = ['in'];
    static outports = ['out'];
    constructor(config) { this.factor = config.factor ?? 1; life.push(`new ${this.factor}`); }
    async setup(ctx) { await null; this.total = 0; life.push(`setup ${ctx.id}`); }
    run(ctx, value) { this.total += value * this.factor; }
    finish(ctx) { life.push('finish'); ctx.emit('out', this.total); return { out: 'last' }; }
    async teardown() { await null; life.push('teardown'); }
  }
  const seen = [];
  const net = new Network();
  net.add('sum', Sum, { factor: 3 }).add('sink', actor({ inports: ['in'] }, (ctx, v) => { seen.push(v); }))
    .connect('sum.out', 'sink.in');
  await net.start();
  await net.sendMany('sum.in', [1, 2, 3]);
  await net.drain();
  await net.close();
  assert.deepStrictEqual(seen, [18, 'last']);
  assert.deepStrictEqual(life, ['new 3', 'setup sum', 'finish', 'teardown']);
});

test('each node has state of its own', async () => {
  const count = actor({ inports: ['in'], outports: ['out'] }, (ctx) => {
    ctx.state.n = (ctx.state.n ?? 0) + 1;
    return { out: `${ctx.id} ${ctx.state.n} ${ctx.config.tag}` };
  });
  const net = new Network();
  const seen = [];
  net.add('a', count, { tag: 'x' }).add('b', count, { tag: 'y' })
    .add('s', actor({ inports: ['in'] }, (ctx, v) => { seen.push(v); }))
    .connect('a.out', 's.in').connect('b.out', 's.in');
  await net.start();
  for (const to of ['a.in', 'b.in', 'a.in']) {
    await net.send(to, 0);
    await net.idle();
  }
  assert.deepStrictEqual(seen, ['a 1 x', 'b 1 y', 'a 2 x']);
  await net.close();
});

test('batches: arrays of any values, typed arrays of numbers', async () => {
  const sizes = [];
  const upper = actor({ inports: ['in'], outports: ['out'], batch: true }, (ctx, values) => {
    sizes.push(values.length);
    return { out: values.map((v) => v.toUpperCase()) };
  });
  const texts = range(3000).map((i) => `t${i}`);
  assert.deepStrictEqual(await collect(reflow, (net) => net.add('d', upper), texts),
    texts.map((t) => t.toUpperCase()));
  assert.ok(sizes.length < 1000, `${sizes.length} batches`);
  const square = actor({ inports: ['in'], outports: ['out'], batch: 'numbers' }, (ctx, values) => {
    assert.ok(values instanceof Float64Array);
    return { out: values.map((v) => v * v) };
  });
  assert.deepStrictEqual(await collect(reflow, (net) => net.add('d', square), range(10000)),
    range(10000).map((i) => i * i));
});

test('sources: generators, iterables, asynchronous ones, with more than fits', async () => {
  const sources = {
    generator: function* source() { for (let i = 0; i < 20000; i++) yield { out: i }; },
    async: async function* source() { for (let i = 0; i < 2000; i++) yield { out: i }; },
    iterable: range(5000).map((out) => ({ out })),
  };
  for (const [name, body] of Object.entries(sources)) {
    const seen = await collect(reflow, (net) => net.add('d', actor({ outports: ['out'] }, body)));
    assert.deepStrictEqual(seen, range(seen.length), name);
    assert.strictEqual(seen.length, { generator: 20000, async: 2000, iterable: 5000 }[name], name);
  }
});

test('a generator for each input', async () => {
  const words = actor({ inports: ['in'], outports: ['out'] }, function* words(ctx, text) {
    for (const word of text.split(' ')) yield { out: word };
  });
  const long = range(5000).join(' ');
  const seen = await collect(reflow, (net) => net.add('d', words), ['a b', long, 'c']);
  assert.deepStrictEqual(seen, ['a', 'b', ...long.split(' '), 'c']);
});

test('an endless source stops with its network, and its generator is closed', async () => {
  let closed = false;
  const net = new Network();
  const endless = actor({ outports: ['out'] }, function* endless() {
    try {
      for (let i = 0; ; i++) yield { out: i };
    } finally {
      closed = true;
    }
  });
  let seen = 0;
  net.add('s', endless).add('k', actor({ inports: ['in'] }, () => { seen++; })).connect('s.out', 'k.in');
  await net.start();
  await until(() => seen > 5000, 'the traffic');
  await net.close();
  assert.ok(closed);
});

test('a large batch of slow firings leaves the loop to others', async () => {
  const net = new Network();
  let n = 0;
  let longest = 0;
  net.add('a', actor({ inports: ['in'] }, () => {
    const until = performance.now() + 0.25;
    while (performance.now() < until);
    n++;
  }));
  await net.start();
  net.sendMany('a.in', range(3000));
  for (let before = 0; n < 3000;) {
    await new Promise((resolve) => { setImmediate(resolve); });
    longest = Math.max(longest, n - before);
    before = n;
  }
  // 64 firings of 0.25 ms are 16 ms, and a turn goes on for 5 ms when the engine is quick.
  assert.ok(longest <= 400, `${longest} firings in a turn of the loop`);
  await net.close();
});

test('elements of array ports, in every kind of firing', async () => {
  const out = { name: 'out', array: true };
  const bodies = [
    (ctx, v) => { ctx.emit('out', v, v % 2); },
    async (ctx, v) => { await null; ctx.emit('out', v, v % 2); },
    class { run() {} finish(ctx) { for (const v of [0, 1, 2, 3]) ctx.emit('out', v, v % 2); } },
  ];
  for (const body of bodies) {
    const net = new Network();
    const seen = [[], []];
    net.add('a', actor({ inports: ['in'], outports: [out] }, body));
    for (const i of [0, 1]) {
      net.add(`s${i}`, actor({ inports: ['in'] }, (ctx, v) => { seen[i].push(v); }))
        .connect(`a.out[${i}]`, `s${i}.in`);
    }
    await net.start();
    await net.sendMany('a.in', range(4));
    await net.drain();
    await net.close();
    assert.deepStrictEqual(seen, [[0, 2], [1, 3]], String(body));
  }
});

test('wrong definitions are told of at once', () => {
  const cases = [
    [() => actor({ inports: 'in' }, () => {}), /inports is no array/],
    [() => actor({ inport: ['in'] }, () => {}), /no option 'inport'.*did you mean 'inports'/],
    [() => actor({ inports: ['in'] }, 5), /a function, a class with run/],
    [() => actor({ inports: ['in'] }, (ctx, a, b) => b), /has 3 parameters, but gets 2/],
    [() => actor({ inports: ['in'], await: 'some' }, () => {}), /await is 'some'/],
    [() => actor({ inports: ['in'], maxBatch: 0 }, () => {}), /maxBatch is 0/],
    [() => actor(null, () => {}), /object with inports/],
    [() => new Network({ worker: 1 }), /no option 'worker'.*did you mean 'workers'/],
    [() => new Network().add('a', () => {}), /wrap the function/],
    [() => new Network().add(1, 'Log'), /string/],
    [() => new Network().connect('a', 5), /the inport is 5/],
  ];
  for (const [make, text] of cases) {
    assert.throws(make, (error) => error instanceof ReflowError && error.status === -1 &&
      text.test(error.message), String(text));
  }
});
