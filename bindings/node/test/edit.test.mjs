// A running network is edited piece by piece, stops where a function says so, and ends in time.
import test from 'node:test';
import assert from 'node:assert';
import { Network, actor } from 'reflow';

const idle = { timeout: 60000 };
const times = (factor) => actor({ name: `Times${factor}`, inports: ['in'], outports: ['out'] },
  (ctx, value) => ({ out: factor * value }));

async function taken(stream, count) {
  const seen = [];
  for (let i = 0; i < count; i++) seen.push((await stream.next()).value);
  return seen;
}

test('nodes and connections are added, replaced and removed while it runs, as one step', async () => {
  const net = new Network().add('a', times(2)).add('b', times(10)).connect('a.out', 'b.in');
  const out = net.stream('b.out');
  await net.start();
  await net.send('a.in', 1);
  assert.deepStrictEqual(await taken(out, 1), [20]);
  // One more between them, of a kind that the network does not know yet.
  net.disconnect('a.out', 'b.in').add('m', times(3)).connect('a.out', 'm.in').connect('m.out', 'b.in');
  await net.send('a.in', 1);
  assert.deepStrictEqual(await taken(out, 1), [20], 'nothing has changed before apply');
  const change = await net.apply();
  assert.deepStrictEqual([change.nodesAdded, change.nodesKept, change.connectionsAdded, change.connectionsRemoved],
    [1, 2, 2, 1]);
  await net.send('a.in', 1);
  assert.deepStrictEqual(await taken(out, 1), [60]);
  assert.strictEqual((await net.replace('m', times(7)).apply()).nodesReplaced, 1);
  await net.send('a.in', 1);
  assert.deepStrictEqual(await taken(out, 1), [140]);
  await net.remove('m').connect('a.out', 'b.in').initial('b.in', 5).apply();
  await net.idle(idle);
  assert.deepStrictEqual(Object.keys(net.report()), ['a', 'b']);
  assert.deepStrictEqual(await taken(out, 1), [50]);
  await net.close();
});

test('the same edits make the graph before the start', async () => {
  const net = new Network().add('a', times(2)).add('x', times(3)).add('b', 'Nobody').connect('a.out', 'x.in');
  net.replace('b', times(5), { note: 1 }).remove('x').connect('a.out', 'b.in').disconnect('a.out', 'b.in').connect('a.out', 'b.in');
  const out = net.stream('b.out');
  await net.start();
  await net.send('a.in', 1);
  assert.deepStrictEqual(await taken(out, 1), [10]);
  assert.deepStrictEqual(net.graph().toJSON().processes.b.metadata, { note: 1 });
  await net.close();
});

test('an edit that is wrong is refused at once, and one that cannot run by apply; the network goes on', async () => {
  const net = new Network().add('a', times(2));
  const out = net.stream('a.out');
  await assert.rejects(net.apply(), { code: 'ERR_REFLOW_INVALID_STATE' });
  await net.start();
  await assert.rejects(net.apply(), { code: 'ERR_REFLOW_INVALID_STATE', message: /nothing to apply/ });
  assert.throws(() => net.remove('b'), { code: 'ERR_REFLOW_NOT_FOUND' });
  assert.throws(() => net.replace('b', 'Log'), { code: 'ERR_REFLOW_NOT_FOUND' });
  assert.throws(() => net.add('a', times(3)), { code: 'ERR_REFLOW_ALREADY_EXISTS' });
  assert.throws(() => net.add('c', 3), { code: 'ERR_REFLOW_INVALID_ARGUMENT' });
  net.add('l', 'Logg');
  await assert.rejects(net.apply(), { code: 'ERR_REFLOW_NOT_FOUND' });
  // What failed is forgotten: the next edits begin with what runs.
  await net.add('b', times(3)).connect('a.out', 'b.in').apply();
  await net.send('a.in', 4);
  assert.deepStrictEqual(await taken(out, 1), [8]);
  assert.deepStrictEqual(Object.keys(net.report()), ['a', 'b']);
  await net.close();
  assert.throws(() => net.add('z', times(1)), { code: 'ERR_REFLOW_CLOSED' });
});

test('a breakpoint asks a function', async () => {
  const asked = [];
  const net = new Network().add('a', times(1));
  const stops = net.events({ kinds: 'Breakpoint' });
  await net.start();
  const number = net.breakAt({ node: 'a', inport: 'in', when: (value) => { asked.push(value); return value === 3; } });
  await net.sendMany('a.in', [1, 2, 3, 4]);
  assert.strictEqual((await stops.next()).value.message, 3);
  await net.pause();
  assert.deepStrictEqual(asked, [1, 2, 3]);
  net.unbreak(number).resume();
  await net.idle(idle);
  assert.strictEqual(net.counters('a').fired, 4);
  await net.close();
});

test('a function of a breakpoint that throws stops nothing, and warns', async () => {
  const warned = new Promise((resolve) => { process.once('warning', resolve); });
  const net = new Network().add('a', times(1));
  await net.start();
  net.breakAt({ node: 'a', when: () => { throw new Error('cannot tell'); } });
  await net.send('a.in', 1);
  await net.idle(idle);
  assert.strictEqual(net.counters('a').fired, 1);
  assert.match((await warned).message, /breakpoint.*cannot tell/s);
  await net.close();
});

test('close and stop wait for a teardown so long as they are told, and name it', async () => {
  class Endless {
    static inports = ['in'];
    run() {}
    teardown() { return new Promise(() => {}); }
  }
  for (const end of ['close', 'stop']) {
    const net = new Network({ closeTimeout: 30 }).add('a', times(1)).add('stuck', Endless);
    await net.start();
    await assert.rejects(net[end](), { code: 'ERR_REFLOW_TIMEOUT', message: /teardown of node 'stuck' has not ended within 30 ms/ });
    assert.strictEqual(net.state, 'stopped');
    if (end === 'stop') await net.close();
  }
  assert.throws(() => new Network({ closeTimeout: -1 }), { code: 'ERR_REFLOW_INVALID_ARGUMENT' });
});

test('close ends a start whose setup never does', async () => {
  let begin;
  const begun = new Promise((resolve) => { begin = resolve; });
  class Slow {
    static inports = ['in'];
    setup() {
      begin();
      return new Promise(() => {});
    }
    run() {}
  }
  const net = new Network({ closeTimeout: 30 }).add('slow', Slow);
  const starting = assert.rejects(net.start(), { code: 'ERR_REFLOW_TIMEOUT', message: /setup of node 'slow'/ });
  await begun;
  await assert.rejects(net.close(), { code: 'ERR_REFLOW_TIMEOUT', message: /setup of node 'slow'/ });
  await starting;
});

test('a teardown that ends in time is waited for', async () => {
  let ended = false;
  class Slow {
    static inports = ['in'];
    run() {}
    async teardown() {
      for (let i = 0; i < 5; i++) await new Promise((resolve) => { setImmediate(resolve); });
      ended = true;
    }
  }
  const net = new Network().add('slow', Slow);
  await net.start();
  await net.close();
  assert.strictEqual(ended, true);
});
