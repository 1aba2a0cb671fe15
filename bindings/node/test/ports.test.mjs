// Ports by their names: what is refused where it is written, elements of array ports, and what the program feeds.
import test from 'node:test';
import assert from 'node:assert';
import { once, on } from 'node:events';
import { Graph, Network, actor, run } from 'reflow';

const invalid = (message) => ({ code: 'ERR_REFLOW_INVALID_ARGUMENT', message });
const tee = () => actor({ name: 'Tee-js', inports: ['in'], outports: ['out'] }, (ctx, value) => ({ out: value }));
const many = () => actor({ name: 'Many', inports: [{ name: 'in', array: true }],
  outports: [{ name: 'out', array: true }] }, (ctx, value) => ({ out: [ctx.index, value] }));

async function collected(stream) {
  const all = [];
  for await (const value of stream) all.push(value);
  return all;
}

test('a port of a node is named with its node', async () => {
  await using(new Network(), async (net) => {
    net.add('a', tee()).add('b', tee());
    assert.throws(() => net.connect('a', 'b.in'), invalid(/'a' is no port of a node \(write 'node.port'/));
    assert.throws(() => net.connect('a.out', 'b'), invalid(/'b' is no port/));
    assert.throws(() => net.initial('in', 1), invalid(/'in' is no port/));
    assert.throws(() => new Graph().addNode('x', 'Tee').addNode('y', 'Tee').connect('x', 'y.in'), invalid(/'x' is no port/));
  });
});

test('an element of an array port is not the port', async () => {
  await using(new Network(), async (net) => {
    net.add('m', many()).exposeInport('third', 'm.in[2]');
    const all = collected(net.stream('m.out'));
    assert.throws(() => net.stream('m.out[1]'), { code: 'ERR_REFLOW_UNSUPPORTED', message: /element of an array port/ });
    await net.start();
    for (const place of ['m.in[2]', { node: 'm', port: 'in', index: 2 }]) {
      await assert.rejects(net.send(place, 1), { code: 'ERR_REFLOW_UNSUPPORTED', message: /exposeInport\('name', 'm.in\[2\]'\)/ });
    }
    assert.throws(() => net.peek('m.in[2]'), { code: 'ERR_REFLOW_UNSUPPORTED' });
    await net.send('third', 'x');
    await net.idle();
    await net.stop();
    assert.deepStrictEqual(await all, [[2, 'x']]);
  });
});

test('the program feeds a component of the engine, whose inport has to get something', async () => {
  await using(new Network(), async (net) => {
    net.add('m', 'Map', { value: 'it + 1' });
    net.exposeOutport('result', 'm.out');
    const all = collected(net.stream('result'));
    await net.start();
    await net.sendMany('m.in', [1, 2]);
    await net.idle();
    await net.stop();
    assert.deepStrictEqual(await all, [2, 3]);
  });
});

test('one that gets nothing is told of', async () => {
  const warned = once(process, 'warning');
  await using(new Network(), async (net) => {
    net.add('m', 'Map', { value: 'it' });
    await net.start();
    await net.idle();
  });
  const [warning] = await warned;
  assert.strictEqual(warning.name, 'ReflowWarning');
  assert.match(warning.message, /'m.in' needs packets and is not connected/);
});

test('inputs of a join are fed side by side', async () => {
  const Pair = actor({ inports: ['a', 'b'], outports: ['out'] }, (ctx, a, b) => ({ out: a - b }));
  const graph = new Graph().addNode('p', 'Pair').addInport('a', 'p.a').addInport('b', 'p.b').addOutport('o', 'p.out');
  const numbers = Array.from({ length: 20_000 }, (_, i) => i);
  const { outputs } = await run(graph, { actors: { Pair }, inputs: { a: numbers, b: numbers } });
  assert.deepStrictEqual(outputs.o, numbers.map(() => 0));
});

test('functions of node:events take a network', async () => {
  await using(new Network(), async (net) => {
    net.add('bad', actor({ name: 'Bad', inports: ['in'] }, () => { throw new Error('no'); }));
    const failed = once(net, 'ActorFailed');
    const failures = on(net, 'ActorFailed');
    await net.start();
    await net.send('bad.in', 1);
    assert.strictEqual((await failed)[0].node, 'bad');
    assert.strictEqual((await failures.next()).value[0].node, 'bad');
    await failures.return();
    net.on('ActorStarted', () => {}).removeAllListeners();
    assert.strictEqual(net.listenerCount('ActorStarted'), 0);
    assert.throws(() => net.on('ActorFaild', () => {}), invalid(/did you mean/));
  });
});

test('a listener in the place of one that was called once misses nothing', async () => {
  await using(new Network(), async (net) => {
    net.add('t', tee());
    const seen = [];
    const again = (event) => {
      seen.push(event.node);
      if (seen.length < 3) net.once('MessageReceived', again);
    };
    net.once('MessageReceived', again);
    await net.start();
    await net.sendMany('t.in', [1, 2, 3]);
    await net.idle();
    await until(() => seen.length === 3);
    assert.strictEqual(net.listenerCount('MessageReceived'), 0);
  });
});

test('a port that is named by an object is looked up once', async () => {
  await using(new Network(), async (net) => {
    net.add('t', tee());
    await net.start();
    for (let i = 0; i < 2000; i++) await net.send({ node: 't', port: 'in' }, i);
    global.gc();
    const before = process.memoryUsage().rss;
    for (let i = 0; i < 100_000; i++) await net.send({ node: 't', port: 'in' }, i);
    await net.idle();
    global.gc();
    const grown = process.memoryUsage().rss - before; // 85 MB when each was kept
    assert.ok(grown < 40e6, `${grown} bytes`);
  });
});

test('streams of events can be disposed of', async () => {
  await using(new Network(), async (net) => {
    net.add('t', tee());
    const events = net.events();
    await events[Symbol.asyncDispose ?? Symbol.for('nodejs.asyncDispose')]();
    assert.deepStrictEqual(await events.next(), { value: undefined, done: true });
  });
});

test('options of an actor are looked at', () => {
  const make = (options) => () => actor({ name: 'A', inports: ['in'], ...options }, () => {});
  for (const [options, message] of [
    [{ priority: 'urgent' }, /priority is 'urgent' \(it is one of 'normal', 'high', 'low'\)/],
    [{ priority: 'source' }, /priority is 'source'/],
    [{ await: 'toString' }, /await is 'toString'/],
    [{ batch: 'numpy' }, /batch is 'numpy'/],
    [{ name: 5 }, /name is 5/],
    [{ name: '' }, /name is ''/],
    [{ title: 5 }, /title is 5/],
    [{ ordered: 'no' }, /ordered is 'no' \(it is true or false\)/],
    [{ inports: [{ name: 'in', requird: true }] }, /port 'in' has no setting 'requird' \(did you mean 'required'/],
    [{ inports: [{ name: 'in', type: 5 }] }, /type and description of port 'in'/],
    [{ inports: [{ name: 'in', capacity: -1 }] }, /capacity of port 'in' is -1/],
  ]) assert.throws(make(options), invalid(message));
  make({ priority: 'normal' })();
});

test('a class is one kind of node', async () => {
  class Twice {
    static inports = ['in'];
    static outports = ['out'];
    run(ctx, value) { return { out: value * 2 }; }
  }
  await using(new Network(), async (net) => {
    assert.strictEqual(net.register(Twice), 'Twice');
    net.add('a', Twice).add('b', Twice).connect('a.out', 'b.in');
    assert.deepStrictEqual(['a', 'b'].map((id) => net.graph().toJSON().processes[id].component), ['Twice', 'Twice']);
    assert.throws(() => net.register(() => {}), invalid(/no actor \(make it with actor/));
    assert.throws(() => net.register(Twice, 5), invalid(/the id of a component/));
  });
});

test('toJSON of a plain object', async () => {
  await using(new Network(), async (net) => {
    net.add('t', tee());
    const all = collected(net.stream('t.out'));
    await net.start();
    const self = { a: 1, toJSON() { return this; } };
    await net.sendMany('t.in', [{ toJSON() { return { a: 1 }; } }, { inner: { b: 2, toJSON: () => [3] } }, self]);
    await net.idle();
    await net.stop();
    assert.deepStrictEqual(await all, [{ a: 1 }, { inner: [3] }, { a: 1 }]);
  });
});

async function until(holds) {
  while (!holds()) await new Promise(setImmediate);
}

async function using(net, work) {
  try {
    await work(net);
  } finally {
    await net.close();
  }
}
