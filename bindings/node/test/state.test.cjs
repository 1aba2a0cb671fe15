'use strict';
// What actors in JavaScript keep: in snapshots, across changes of a network, and where it cannot be saved.
const test = require('node:test');
const assert = require('node:assert');
const { reflow } = require('./support.cjs');
const { Network, actor } = reflow;

const idle = { timeout: 60000 };

class Sum {
  static inports = ['in'];
  static outports = ['out'];
  static stateVersion = 2;
  constructor() { this.sum = 0; }
  save() { return { sum: this.sum }; }
  load(saved, version) { this.sum = saved.sum; this.version = version; }
  run(ctx, value) {
    this.sum += value;
    return { out: this.version === undefined ? this.sum : [this.sum, this.version] };
  }
}

const counting = () => actor({ inports: ['in'], outports: ['out'] }, (ctx) => {
  ctx.state.count = (ctx.state.count ?? 0) + 1;
  return { out: ctx.state.count };
});

const later = () => actor({ inports: ['in'], outports: ['out'] }, async (ctx, value) => {
  ctx.state.last = [ctx.state.last ?? null, value];
  return { out: ctx.state.last };
});

async function outputs(make, port, values, from) {
  const net = make();
  const out = net.stream(port);
  if (from !== undefined) await net.restore(from);
  await net.start();
  for (const value of values) await net.send('n.in', value);
  await net.idle(idle);
  const seen = [];
  for (let i = 0; i < values.length; i++) seen.push((await out.next()).value);
  return { net, seen };
}

for (const [name, node, before, after] of [
  ['the state of a function', counting, [1, 2], [3]],
  ['the state of an asynchronous function', later, [[null, 'a'], [[null, 'a'], 'b']], [[[[null, 'a'], 'b'], 'c']]],
]) {
  test(`a snapshot has ${name}`, async () => {
    const make = () => new Network().add('n', node());
    const first = await outputs(make, 'n.out', ['a', 'b'], undefined);
    assert.deepStrictEqual(first.seen, before);
    const snapshot = await first.net.snapshot();
    await first.net.close();
    const second = await outputs(make, 'n.out', ['c'], snapshot);
    assert.deepStrictEqual(second.seen, after);
    await second.net.close();
  });
}

test('a snapshot has what save of a class gives, and load gets it with its version', async () => {
  const make = () => new Network().add('n', Sum);
  const first = await outputs(make, 'n.out', [1, 2], undefined);
  assert.deepStrictEqual(first.seen, [1, 3]);
  const snapshot = await first.net.snapshot();
  await first.net.close();
  const second = await outputs(make, 'n.out', [10], snapshot);
  assert.deepStrictEqual(second.seen, [[13, 2]]);
  await second.net.close();
});

test('a node that is replaced keeps its state, unless it is to be new', async () => {
  for (const [options, expected] of [[undefined, [1, 2]], [{ newState: true }, [1, 1]]]) {
    const net = new Network().add('n', counting(), { a: 1 });
    const out = net.stream('n.out');
    await net.start();
    await net.send('n.in', 0);
    await net.idle(idle);
    const graph = net.graph();
    graph.setConfig('n', { a: 2 });
    assert.strictEqual((await net.apply(graph, options)).nodesReplaced, 1);
    await net.send('n.in', 0);
    await net.idle(idle);
    assert.deepStrictEqual([(await out.next()).value, (await out.next()).value], expected);
    await net.close();
  }
});

test('save and load may be asynchronous; what they throw is told, and the network goes on', async () => {
  const make = (save, load) => {
    class Node {
      static inports = ['in'];
      static outports = ['out'];
      constructor() { this.kept = 0; }
      save() { return save(this); }
      load(saved) { return load(this, saved); }
      run() { return { out: ++this.kept }; }
    }
    return () => new Network().add('n', Node);
  };
  const turn = () => new Promise((resolve) => { setImmediate(resolve); });
  const slow = make(async (node) => { await turn(); return node.kept; }, async (node, saved) => { await turn(); node.kept = saved; });
  const first = await outputs(slow, 'n.out', [0, 0], undefined);
  const snapshot = await first.net.snapshot();
  await first.net.close();
  const second = await outputs(slow, 'n.out', [0], snapshot);
  assert.deepStrictEqual(second.seen, [3]);
  await second.net.close();

  const failing = make(() => { throw new Error('cannot save'); }, () => {});
  const third = await outputs(failing, 'n.out', [0], undefined);
  await assert.rejects(third.net.snapshot(), (error) => error.node === 'n' && /cannot save/.test(error.message));
  await third.net.send('n.in', 0);
  await third.net.idle(idle);
  await third.net.close();
  const refusing = make((node) => node.kept, () => { throw new Error('too old'); })();
  await assert.rejects(refusing.restore(snapshot), (error) => error.node === 'n' && /too old/.test(error.message));
  await refusing.close();
});

test('what cannot be saved says so: a generator, a class without save, a value that cannot be converted', async () => {
  const endless = actor({ outports: ['out'] }, function* () { for (let i = 0; ; i++) yield { out: i }; });
  class Plain {
    static inports = ['in'];
    run() {}
  }
  const odd = actor({ inports: ['in'] }, (ctx) => { ctx.state.call = () => {}; });
  for (const [node, code, message] of [
    [endless, 'ERR_REFLOW_UNSUPPORTED', /iterator/], [Plain, 'ERR_REFLOW_UNSUPPORTED', /'Plain'.*save and load/],
    [odd, 'ERR_REFLOW_TYPE', /\$\.call/]]) {
    const net = new Network({ portCapacity: 4 }).add('n', node);
    const stream = node === endless ? net.stream('n.out', { capacity: 4 }) : undefined;
    await net.start();
    if (stream === undefined) {
      await net.send('n.in', 0);
      await net.idle(idle);
    } else {
      await stream.next();
    }
    await assert.rejects(net.snapshot(), (error) => {
      assert.strictEqual(error.code, code);
      assert.match(error.message, message);
      assert.strictEqual(error.node, 'n');
      return true;
    });
    await net.close();
  }
  class Half {
    static inports = ['in'];
    save() {}
    run() {}
  }
  assert.throws(() => new Network().add('n', Half), { code: 'ERR_REFLOW_INVALID_ARGUMENT', message: /load/ });
});

test('a class that says it keeps nothing needs no save', async () => {
  class Pure {
    static inports = ['in'];
    static outports = ['out'];
    static stateless = true;
    run(ctx, value) { return { out: value + 1 }; }
  }
  const make = () => new Network().add('n', Pure);
  const first = await outputs(make, 'n.out', [1], undefined);
  const snapshot = await first.net.snapshot();
  await first.net.close();
  const second = await outputs(make, 'n.out', [2], snapshot);
  assert.deepStrictEqual(second.seen, [3]);
  await second.net.close();
});
