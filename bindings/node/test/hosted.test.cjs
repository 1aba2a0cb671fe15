'use strict';
// Mode hosted: networks that run in the event loop of Node, in turns with what else is there.
const test = require('node:test');
const assert = require('node:assert');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { Worker } = require('node:worker_threads');
const { packageName, reflow, runProgram, until } = require('./support.cjs');
const { Network, Peer, actor } = reflow;

const wait = { timeout: 60000 };
const inOut = { inports: ['in'], outports: ['out'] };
const double = () => actor(inOut, (ctx, value) => ({ out: 2 * value }));
const turn = () => new Promise((resolve) => { setImmediate(resolve); });

async function taken(stream, count) {
  const seen = [];
  for (let i = 0; i < count; i++) seen.push((await stream.next()).value);
  return seen;
}

test('the whole life of a network, with promises in setup, run and teardown', async () => {
  const told = [];
  class Sum {
    static inports = ['in'];
    static outports = ['out'];
    async setup() { await turn(); this.sum = 0; told.push('setup'); }
    run(ctx, value) { this.sum += value; }
    finish() { return { out: this.sum }; }
    async teardown() { await turn(); told.push('teardown'); }
  }
  const later = actor({ ...inOut, maxConcurrency: 4 }, async (ctx, value) => {
    await turn();
    return { out: value };
  });
  const net = new Network({ mode: 'hosted', portCapacity: 2 }).add('d', double()).add('l', later).add('s', Sum)
    .connect('d.out', 'l.in').connect('l.out', 's.in');
  const out = net.stream('s.out');
  await net.start();
  assert.strictEqual(await net.sendMany('d.in', Array.from({ length: 1000 }, (_, i) => i)), 1000);
  await net.idle(wait);
  await net.drain(wait);
  assert.deepStrictEqual(await taken(out, 1), [999000]);
  assert.strictEqual((await out.next()).done, true);
  assert.strictEqual(net.state, 'drained');
  await net.close();
  assert.deepStrictEqual(told, ['setup', 'teardown']);
});

test('actors run in turns of the loop, and on its thread alone', async () => {
  let fired = 0;
  const net = new Network({ mode: 'hosted' }).add('n', actor({ inports: ['in'] }, () => { fired++; }));
  await net.start();
  assert.strictEqual(net.trySend('n.in', 1), true);
  assert.strictEqual(fired, 0); // not inside of the call
  await until(() => fired === 1, 'the turn');
  assert.deepStrictEqual(net.metrics().workers, []);
  await net.close();
});

test('a network that works for long leaves the loop to others', async () => {
  const net = new Network({ mode: 'hosted' }).add('endless', actor({ outports: ['n'] }, function* () {
    for (let n = 0; ; n++) yield { n };
  })).add('sink', actor({ inports: ['in'] }, () => {})).connect('endless.n', 'sink.in');
  await net.start();
  let timers = 0;
  let turns = 0;
  const timer = setInterval(() => { timers++; }, 1);
  const before = net.counters('sink').fired;
  await until(() => { turns++; return timers >= 5; }, 'timers');
  clearInterval(timer);
  assert.ok(turns >= 5 && net.counters('sink').fired > before);
  net.endSources();
  await net.drain(wait);
  await net.close();
});

test('timers of the engine are those of the loop', async () => {
  const net = new Network({ mode: 'hosted' }).add('late', 'Delay', { ms: 30 }).add('later', 'Delay', { ms: 60 })
    .connect('late.out', 'later.in').initial('late.in', 'x');
  const out = net.stream('later.out');
  const began = performance.now();
  await net.start();
  assert.deepStrictEqual(await taken(out, 1), ['x']);
  assert.ok(performance.now() - began >= 85, `${performance.now() - began} ms`);
  await net.idle(wait);
  await net.close();
});

test('firings that go on emit as fast as their receivers take', async () => {
  const much = actor({ ...inOut, maxConcurrency: 4 }, async (ctx, value) => {
    for (let i = 0; i < 1000; i++) await ctx.emit('out', value * 1000 + i);
  });
  const net = new Network({ mode: 'hosted', portCapacity: 8 }).add('l', much);
  const out = net.stream('l.out', { capacity: 8 });
  await net.start();
  const reading = taken(out, 3000);
  await net.sendMany('l.in', [0, 1, 2]);
  assert.deepStrictEqual(await reading, Array.from({ length: 3000 }, (_, i) => i));
  await net.idle(wait);
  await net.close();
});

test('events, pausing, changes, state and streams of bytes work there', async () => {
  const net = new Network({ mode: 'hosted' }).add('n', actor(inOut, (ctx, value) => {
    ctx.keys.set('last', value);
    if (value < 0) throw new Error('negative');
    return { out: value };
  }));
  const events = net.events({ kinds: ['ActorCompleted', 'ActorFailed', 'NetworkIdle', 'NetworkShutdown'] });
  const out = net.stream('n.out');
  await net.start();
  await net.send('n.in', -1);
  for (;;) if ((await events.next()).value.kind === 'ActorFailed') break;
  await net.idle(wait);
  await net.pause('n');
  await net.send('n.in', 5);
  await assert.rejects(net.idle(wait), { code: 'ERR_REFLOW_WOULD_BLOCK' });
  assert.strictEqual(await net.step(1), 1);
  net.resume();
  assert.deepStrictEqual(await taken(out, 1), [5]);
  assert.strictEqual(await net.withState('n', ({ keys }) => keys.get('last')), 5);
  const change = await net.replace('n', double()).apply(undefined, { newState: true });
  assert.strictEqual(change.nodesReplaced, 1);
  await net.send('n.in', 21);
  assert.deepStrictEqual(await taken(out, 1), [42]);
  const writer = net.openStream();
  const reader = net.acceptStream(writer.handle);
  await Promise.all([writer.from(['a', 'b']), reader.collect().then((all) => assert.strictEqual(all.toString(), 'ab'))]);
  assert.ok((await net.snapshot()).length > 0);
  await net.stop();
  const kinds = [];
  for await (const { kind } of events) kinds.push(kind);
  assert.strictEqual(kinds.at(-1), 'NetworkShutdown');
  await net.close();
});

test('components of the engine that read files, and a watchdog', async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'reflow hosted '));
  const file = path.join(folder, 'rows.jsonl');
  fs.writeFileSync(file, Array.from({ length: 3000 }, (_, i) => `{"i":${i}}\n`).join(''));
  const net = new Network({ mode: 'hosted', watchdogMs: 1 }).add('read', 'JsonlRead', { path: file });
  let sum = 0;
  net.add('n', actor({ inports: ['in'] }, (ctx, { i }) => {
    sum += i;
    const until = performance.now() + (i === 0 ? 5 : 0);
    while (performance.now() < until);
  })).connect('read.out', 'n.in');
  const stuck = net.events({ kinds: ['ActorStuck'], nodes: 'n' });
  await net.start();
  assert.strictEqual((await stuck.next()).value.node, 'n');
  await net.idle(wait);
  assert.strictEqual(sum, 2999 * 1500);
  await net.close();
  fs.rmSync(folder, { recursive: true });
});

test('what it has not is refused, and the network stays usable', async () => {
  class Late {
    static inports = ['in'];
    static outports = ['out'];
    run(ctx, value) { return { out: value }; }
    async finish() { await null; return { out: 1 }; }
  }
  const net = new Network({ mode: 'hosted' }).add('n', Late);
  const out = net.stream('n.out');
  const events = net.events({ kinds: ['ActorFailed'] });
  await net.start();
  await assert.rejects(net.checkpoint('/tmp/x'), { code: 'ERR_REFLOW_UNSUPPORTED' });
  await net.send('n.in', 3);
  assert.deepStrictEqual(await taken(out, 1), [3]);
  await net.drain(wait);
  assert.match((await events.next()).value.error, /promise/);
  await net.close();
  assert.throws(() => new Network({ mode: 'hosted', seed: 1 }), { code: 'ERR_REFLOW_INVALID_ARGUMENT' });
  class Fails {
    static inports = ['in'];
    async setup() { await turn(); throw new Error('no device'); }
    run() {}
  }
  const failing = new Network({ mode: 'hosted' }).add('f', Fails);
  await assert.rejects(failing.start(), /no device/);
  await failing.close();
});

test('closing inside of an actor, twice, and before the start', async () => {
  let closed;
  const net = new Network({ mode: 'hosted' }).add('n', actor({ inports: ['in'] }, () => { closed ??= net.close(); }));
  await net.start();
  await net.sendMany('n.in', [1, 2, 3]);
  await until(() => closed !== undefined, 'the firing');
  await closed;
  assert.strictEqual(net.state, 'stopped');
  await new Network({ mode: 'hosted' }).close();
});

test('a hundred of them at once', async () => {
  const nets = Array.from({ length: 100 }, () => new Network({ mode: 'hosted' }).add('d', double()));
  const sums = await Promise.all(nets.map(async (net, number) => {
    const out = net.stream('d.out');
    await net.start();
    await net.sendMany('d.in', Array.from({ length: 50 }, (_, i) => i * number));
    const sum = (await taken(out, 50)).reduce((a, b) => a + b, 0);
    await net.close();
    return sum;
  }));
  assert.deepStrictEqual(sums, nets.map((_, number) => number * 49 * 50));
});

test('peers bring packets to it, and take them away', async () => {
  const net = new Network({ mode: 'hosted' }).add('d', double()).add('e', double());
  const out = net.stream('e.out');
  const alpha = new Peer({ networkId: 'alpha', bindAddress: '127.0.0.1' }).attach(net);
  await net.start();
  await alpha.start();
  const far = new Network({ mode: 'hosted' }).add('d', 'd@alpha').add('up', double()).add('end', double())
    .connect('up.out', 'd.in').connect('d.out', 'end.in');
  const back = far.stream('end.out');
  const beta = new Peer({ networkId: 'beta', noPort: true }).attach(far);
  await beta.start();
  await beta.connect(`127.0.0.1:${alpha.port}`, wait);
  await far.start();
  await beta.send('alpha', 'e', 'in', 4, { confirmed: true });
  assert.deepStrictEqual(await taken(out, 1), [8]);
  await far.sendMany('up.in', [1, 2, 3]);
  assert.deepStrictEqual(await taken(back, 3), [8, 16, 24]);
  await Promise.all([beta.close(), alpha.close()]);
  await Promise.all([net.close(), far.close()]);
});

// ---- processes

test('the process ends by itself when all is idle, and not before', async () => {
  const { code, stdout, stderr } = await runProgram(`
    const net = new Network({ mode: 'hosted' });
    net.add('late', 'Delay', { ms: 50 }).add('n', actor({ inports: ['in'], maxConcurrency: 2 }, async (ctx, value) => {
      await new Promise((resolve) => { setTimeout(resolve, 20).unref(); });
      console.log(value);
    })).connect('late.out', 'n.in').initial('late.in', 'one');
    net.start().then(() => net.send('late.in', 'two'));`);
  assert.deepStrictEqual([code, stdout, stderr], [0, 'one\ntwo\n', '']);
});

test('the process can exit at any moment', async () => {
  const make = (where) => `
    const net = new Network({ mode: 'hosted' });
    net.add('n', actor({ inports: ['in'], outports: ['out'] }, (ctx, value) => { ${where === 'run' ? 'if (value === 500) process.exit(7);' : ''}
      return { out: value }; })).connect('n.out', 'n.in').initial('n.in', 1);
    net.add('late', actor({ inports: ['in'] }, async () => { await new Promise(() => {}); })).initial('late.in', 1);
    net.start().then(() => {
      net.sendMany('n.in', Array.from({ length: 1000 }, (_, i) => i));
      ${where === 'timer' ? 'setTimeout(() => process.exit(7), 30);' : ''}
      ${where === 'closing' ? 'setTimeout(() => { net.close(); process.exit(7); }, 30);' : ''}
      ${where === 'draining' ? 'setTimeout(() => { net.drain(); setTimeout(() => process.exit(7), 5); }, 30);' : ''}
    });`;
  for (const where of ['run', 'timer', 'closing', 'draining']) {
    const { code, signal, stderr } = await runProgram(make(where));
    assert.deepStrictEqual([where, code, signal, stderr], [where, 7, null, '']);
  }
});

test('workers with hosted networks can be terminated in the middle of traffic', async () => {
  const source = `
    const { parentPort } = require('node:worker_threads');
    const { Network, actor } = require(${JSON.stringify(packageName)});
    const net = new Network({ mode: 'hosted' });
    let told = 0;
    net.add('n', actor({ inports: ['in'], outports: ['out'] }, (ctx, value) => {
      if (told++ === 1000) parentPort.postMessage('runs');
      return { out: value };
    })).connect('n.out', 'n.in').initial('n.in', 1);
    net.start();`;
  await Promise.all(Array.from({ length: 8 }, async () => {
    const worker = new Worker(source, { eval: true });
    await new Promise((resolve, reject) => { worker.once('message', resolve).once('error', reject); });
    await worker.terminate();
  }));
});

test('nothing of it is left behind', { skip: typeof gc !== 'function' }, async () => {
  const native = require(path.join(path.dirname(packageName), 'binding.cjs'));
  await until(() => { gc(); return native.handles().networks === 0; }, 'the end of those before');
  await (async () => {
    for (let i = 0; i < 20; i++) {
      const net = new Network({ mode: 'hosted' }).add('d', double());
      if (i % 2 === 0) net.add('late', 'Delay', { ms: 3_600_000 }).initial('late.in', 1); // a timer that does not come
      await net.start();
      await net.sendMany('d.in', [1, 2, 3]);
      if (i % 2 === 0) await net.close(); // the others are collected
    }
  })();
  await until(() => { gc(); return native.handles().networks === 0 && native.handles().nodes === 0; }, 'the end of all');
});
