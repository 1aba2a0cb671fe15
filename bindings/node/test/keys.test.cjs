'use strict';
// Keys and pools of nodes: values that the engine keeps, in calls of the node, from outside, and in snapshots.
const test = require('node:test');
const assert = require('node:assert');
const { reflow } = require('./support.cjs');
const { Network, StateTable, actor, flow } = reflow;

const idle = { timeout: 60000 };
const inOut = { inports: ['in'], outports: ['out'] };

// Runs a body inside of a firing for each value, and gives what it emits.
async function inside(body, values, options = {}) {
  const net = new Network(options).add('n', actor(inOut, body));
  const out = net.stream('n.out');
  await net.start();
  for (const value of values) await net.send('n.in', value);
  await net.idle(idle);
  assert.deepStrictEqual(net.deadLetters().map((letter) => letter.message), []);
  const seen = [];
  for (let i = 0; i < values.length; i++) seen.push((await out.next()).value);
  return { net, seen };
}

for (const mode of ['own', 'inline', 'simulated']) {
  test(`mode ${mode}: an actor keeps values under keys and in pools`, async () => {
    const body = (ctx, value) => {
      assert.ok(ctx.keys instanceof StateTable);
      ctx.keys.set('count', (ctx.keys.get('count') ?? 0) + 1);
      const users = ctx.pool('users').set(`u${value}`, { value, big: 2n ** 60n });
      users.set('last', value);
      return { out: [ctx.keys.get('count'), users.size, [...users].map(([id]) => id), ctx.pool('other').size] };
    };
    const { net, seen } = await inside(body, [7, 5], { mode });
    assert.deepStrictEqual(seen, [[1, 2, ['u7', 'last'], 0], [2, 3, ['u7', 'last', 'u5'], 0]]);
    const told = await net.withState('n', ({ keys, pool }) => [keys.toObject(), pool('users').toObject()]);
    assert.deepStrictEqual(told, [{ count: 2 },
      { u7: { value: 7, big: 2n ** 60n }, last: 5, u5: { value: 5, big: 2n ** 60n } }]);
    await net.close();
  });

  test(`mode ${mode}: a host changes what a node keeps, and the node sees it`, async () => {
    const body = (ctx, value) => ({ out: (ctx.keys.get('factor') ?? 1) * value });
    const { net, seen } = await inside(body, [3], { mode });
    assert.deepStrictEqual(seen, [3]);
    const out = net.stream('n.out');
    await out.opened();
    const before = await net.withState('n', ({ keys }) => {
      const had = keys.has('factor');
      keys.set('factor', 10);
      return had;
    });
    assert.strictEqual(before, false);
    await net.send('n.in', 3);
    await net.idle(idle);
    assert.strictEqual((await out.next()).value, 30);
    await net.close();
  });
}

test('a table is like a Map whose order is that of its names', async () => {
  const body = (ctx) => {
    const { keys } = ctx;
    keys.set('z', 1).set('10', 2).set('2', null).set('__proto__', 'p').set('signal', flow).set('z', 3);
    const all = [...keys].map(([name, value]) => [name, value?.kind ?? value]);
    const found = [keys.size, keys.get('2'), keys.has('2'), keys.get('none'), keys.has('none'), keys.get('__proto__'),
      keys.delete('10'), keys.delete('10'), keys.size, Object.keys(keys.toObject()).length];
    keys.clear();
    ctx.pool('p').set('a', 1);
    ctx.pool('q').set('a', 2);
    ctx.pool('p').clear();
    return { out: { all, found: found.map((one) => one ?? String(one)), after: keys.size,
      pools: [ctx.pool('p').size, ctx.pool('q').get('a')] } };
  };
  const { net, seen } = await inside(body, [0]);
  assert.deepStrictEqual(seen, [{
    all: [['z', 3], ['10', 2], ['2', null], ['__proto__', 'p'], ['signal', 'Flow']],
    found: [5, 'null', true, 'undefined', false, 'p', true, false, 4, 4],
    after: 0, pools: [0, 2],
  }]);
  await net.close();
});

test('setup, finish and teardown of a class reach them, also behind a promise', async () => {
  const torn = [];
  class Keeps {
    static inports = ['in'];
    static outports = ['out'];
    static stateless = true;
    async setup(ctx) {
      await new Promise((resolve) => { setImmediate(resolve); });
      ctx.keys.set('sum', 100);
    }
    run(ctx, value) { ctx.keys.set('sum', ctx.keys.get('sum') + value); }
    finish(ctx) { return { out: ctx.keys.get('sum') }; }
    teardown(ctx) { torn.push(ctx.keys.get('sum')); }
  }
  const net = new Network().add('n', Keeps);
  const out = net.stream('n.out');
  await net.start();
  await net.sendMany('n.in', [1, 2, 3]);
  await net.drain(idle);
  assert.strictEqual((await out.next()).value, 106);
  await net.close();
  assert.deepStrictEqual(torn, [106]);
});

test('a firing that goes on reaches them by withState', async () => {
  const body = async (ctx, value) => {
    assert.throws(() => ctx.keys.get('sum'), { code: 'ERR_REFLOW_INVALID_STATE', hint: /withState/ });
    await null;
    const sum = await ctx.withState(({ keys }) => {
      keys.set('sum', (keys.get('sum') ?? 0) + value);
      return keys.get('sum');
    });
    return { out: sum };
  };
  const { net, seen } = await inside(body, [1, 2, 3]);
  assert.deepStrictEqual(seen, [1, 3, 6]);
  await net.close();
});

test('a snapshot has them, also of a class that keeps nothing itself', async () => {
  class Counts {
    static inports = ['in'];
    static outports = ['out'];
    static stateless = true;
    run(ctx, value) {
      ctx.pool('seen').set(value, ctx.pool('seen').size);
      return { out: [...ctx.pool('seen')] };
    }
  }
  const make = () => new Network().add('n', Counts);
  const first = make();
  await first.start();
  await first.sendMany('n.in', ['b', 'a']);
  await first.idle(idle);
  const snapshot = await first.snapshot();
  await first.close();
  const second = make();
  await second.restore(snapshot);
  const out = second.stream('n.out');
  await second.start();
  await second.send('n.in', 'c');
  assert.deepStrictEqual((await out.next()).value, [['b', 0], ['a', 1], ['c', 2]]);
  await second.close();
});

test('nodes of the engine have them, too, and a node keeps its own', async () => {
  const body = (ctx, value) => { ctx.keys.set('mine', value); };
  const net = new Network().add('a', actor({ inports: ['in'] }, body)).add('b', actor({ inports: ['in'] }, body))
    .add('c', 'Counter').initial('c.in', 0);
  await net.start();
  await net.send('a.in', 'A');
  await net.send('b.in', 'B');
  await net.idle(idle);
  const of = (node) => net.withState(node, ({ keys }) => keys.toObject());
  assert.deepStrictEqual([await of('a'), await of('b'), await of('c')], [{ mine: 'A' }, { mine: 'B' }, {}]);
  await net.close();
});

test('what is out of hand, and what is wrong, is refused, and the network stays usable', async () => {
  let kept;
  let store;
  const body = (ctx, value) => {
    kept = ctx;
    for (const wrong of [1, undefined, null, {}]) {
      assert.throws(() => ctx.keys.get(wrong), { code: 'ERR_REFLOW_INVALID_ARGUMENT', message: /key has to be a string/ });
      assert.throws(() => ctx.pool(wrong), { code: 'ERR_REFLOW_INVALID_ARGUMENT', message: /name of a pool/ });
    }
    assert.throws(() => ctx.pool('p').set(4, 1), { message: /an id in a pool has to be a string/ });
    assert.throws(() => ctx.keys.set('k', { f() {} }), { code: 'ERR_REFLOW_TYPE', message: /\$\.f/ });
    assert.strictEqual(ctx.keys.has('k'), false);
    // A value that reaches for the keys while it is converted.
    class Reaching {
      toJSON() { return ctx.keys.set('inner', 1).get('inner'); }
    }
    ctx.keys.set('outer', new Reaching());
    return { out: [ctx.keys.get('outer'), ctx.keys.get('inner'), value] };
  };
  const { net, seen } = await inside(body, [1]);
  assert.deepStrictEqual(seen, [[1, 1, 1]]);
  assert.throws(() => kept.keys.get('outer'), { code: 'ERR_REFLOW_INVALID_STATE' });
  await net.withState('n', (state) => { store = state; });
  assert.throws(() => store.keys.get('outer'), { code: 'ERR_REFLOW_CLOSED' });
  assert.throws(() => store.pool('p').clear(), { code: 'ERR_REFLOW_CLOSED' });
  await assert.rejects(net.withState('m', () => {}), { code: 'ERR_REFLOW_NOT_FOUND', message: /no node 'm'/ });
  await assert.rejects(net.withState('n', () => {}, { component: 'Log' }), { code: 'ERR_REFLOW_TYPE', node: 'n' });
  await assert.rejects(net.withState('n', async () => { throw new Error('late'); }), { code: 'ERR_REFLOW_TYPE', message: /promise/ });
  await assert.rejects(net.withState('n', () => { throw new RangeError('mine'); }), RangeError);
  await assert.rejects(net.withState('n'), { code: 'ERR_REFLOW_INVALID_ARGUMENT' });
  await assert.rejects(net.withState('n', () => {}, { timout: 1 }), /did you mean 'timeout'/);
  assert.strictEqual(await net.withState('n', ({ keys }) => keys.get('outer')), 1);
  await net.stop();
  await assert.rejects(net.withState('n', () => {}), { code: 'ERR_REFLOW_INVALID_STATE' });
  await net.close();
  await assert.rejects(net.withState('n', () => {}), { code: 'ERR_REFLOW_CLOSED' });
});

test('a node has room for so many bytes', async () => {
  const half = Buffer.alloc(2 ** 27 + 1);
  const body = (ctx) => {
    ctx.keys.set('first', half);
    assert.throws(() => ctx.keys.set('second', half),
      { code: 'ERR_REFLOW_LIMIT', message: /there is no room for key 'second' of node 'n'/, hint: /268435456 bytes/ });
    ctx.keys.clear();
    return { out: ctx.keys.size };
  };
  const { net, seen } = await inside(body, [1]);
  assert.deepStrictEqual(seen, [0]);
  await net.close();
});
