'use strict';
// Networks without threads: mode simulated, where the order of steps is drawn from a seed and time is logical, mode
// inline, recordings that are repeated, and what reflow/testing makes of them.
const test = require('node:test');
const assert = require('node:assert');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { packageName, reflow, runProgram } = require('./support.cjs');
const { Network, Replay, actor } = reflow;
const { seed, simulated, testNetwork } = require(path.join(path.dirname(packageName), 'testing.cjs'));

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'reflow single '));
test.after(() => fs.rmSync(folder, { recursive: true }));

const double = () => actor({ name: 'Double', inports: ['in'], outports: ['out'] }, (ctx, value) => ({ out: 2 * value }));

class Sum {
  static inports = ['in'];
  static outports = ['out'];
  setup() { this.sum = 0; }
  run(ctx, value) { this.sum += value; }
  finish() { return { out: this.sum }; }
}

async function taken(stream, count) {
  const seen = [];
  for (let i = 0; i < count; i++) seen.push((await stream.next()).value);
  return seen;
}

for (const mode of ['inline', 'simulated']) {
  test(`mode ${mode}: the whole life of a network on the thread of JavaScript`, async () => {
    const net = new Network({ mode, portCapacity: 2 }).add('d', double()).add('s', Sum).connect('d.out', 's.in');
    const out = net.stream('s.out');
    await net.start();
    assert.strictEqual(await net.sendMany('d.in', [1, 2, 3, 4, 5]), 5);
    await net.send('d.in', 6);
    await net.idle({ timeout: 60000 });
    await net.drain({ timeout: 60000 });
    assert.deepStrictEqual(await taken(out, 1), [42]);
    assert.strictEqual((await out.next()).done, true);
    assert.strictEqual(net.state, 'drained');
    await net.close();
    assert.strictEqual(net.state, 'stopped');
  });

  test(`mode ${mode}: nothing runs but inside calls that wait`, async () => {
    let fired = 0;
    const net = new Network({ mode }).add('n', actor({ inports: ['in'] }, () => { fired++; }));
    await net.start();
    assert.strictEqual(net.trySend('n.in', 1), true);
    for (let i = 0; i < 20; i++) await new Promise((resolve) => { setImmediate(resolve); });
    assert.strictEqual(fired, 0);
    net.turn();
    assert.strictEqual(fired, 1);
    await net.close();
  });

  test(`mode ${mode}: actors that go on later, and readers that wait for them`, async () => {
    const later = actor({ inports: ['in'], outports: ['out'], maxConcurrency: 4 }, async (ctx, value) => {
      await new Promise((resolve) => { setImmediate(resolve); });
      for (let i = 0; i < 300; i++) await ctx.emit('out', value * 1000 + i);
    });
    const net = new Network({ mode, portCapacity: 8 }).add('l', later);
    const out = net.stream('l.out', { capacity: 8 });
    await net.start();
    const reading = taken(out, 900);
    await net.sendMany('l.in', [0, 1, 2]);
    const expected = [0, 1, 2].flatMap((n) => Array.from({ length: 300 }, (_, i) => n * 1000 + i));
    assert.deepStrictEqual(await reading, expected);
    await net.idle({ timeout: 60000 });
    await net.close();
  });

  test(`mode ${mode}: what fails is told as elsewhere`, async () => {
    const net = new Network({ mode, portCapacity: 1 });
    net.add('n', actor({ inports: ['in'], outports: ['out'] }, (ctx, value) => {
      if (value < 0) throw new Error('negative');
      if (value === 7) net.turn();
      return { out: value };
    }));
    const out = net.stream('n.out', { capacity: 1 });
    await net.start();
    await net.send('n.in', -1);
    await net.idle({ timeout: 60000 });
    assert.match(net.deadLetters()[0].message, /negative/);
    await net.send('n.in', 7); // a turn in a turn
    await net.idle({ timeout: 60000 });
    assert.match(net.deadLetters()[1].message, /callback|inside/);
    // Nobody reads: at some point there is no room, and nothing that could make some.
    const full = async () => { for (let i = 0; i < 100; i++) await net.send('n.in', i + 10); };
    await assert.rejects(full(), { code: 'ERR_REFLOW_WOULD_BLOCK' });
    assert.deepStrictEqual(await taken(out, 2), [10, 11]);
    await net.close();
    class Waits {
      static inports = ['in'];
      async setup() { await null; }
      run() {}
    }
    const waiting = new Network({ mode }).add('w', Waits);
    await assert.rejects(waiting.start(), { code: 'ERR_REFLOW_UNSUPPORTED', message: /promise/ });
    await waiting.close();
  });
}

test('a seed means an order: the same again, and others with other seeds', async () => {
  const order = async (number) => {
    const told = [];
    const net = new Network({ mode: 'simulated', seed: number });
    for (const id of ['a', 'b', 'c', 'd']) {
      net.add(id, actor({ inports: ['in'] }, (ctx, value) => { told.push(`${id}${value}`); }));
    }
    await net.start();
    for (let i = 0; i < 3; i++) for (const id of ['a', 'b', 'c', 'd']) net.trySend(`${id}.in`, i);
    await net.idle({ timeout: 60000 });
    await net.close();
    return told.join(' ');
  };
  const all = new Set();
  for (let number = 0; number < 8; number++) {
    const first = await order(number);
    assert.strictEqual(await order(number), first);
    all.add(first);
  }
  assert.ok(all.size > 1);
});

test('time is logical: an hour passes at once', async () => {
  const net = testNetwork();
  net.add('late', 'Delay', { ms: 3_600_000 }).initial('late.in', 'x');
  const out = net.stream('late.out');
  await net.start();
  const began = Date.now();
  await net.idle({ timeout: 600000 });
  assert.deepStrictEqual(await taken(out, 1), ['x']);
  assert.ok(Date.now() - began < 600000);
  await net.close();
});

test('time is that of the clock while a firing goes on after its call: limits are no shorter, and the signal tells', async () => {
  const told = [];
  const net = testNetwork();
  net.add('a', actor({ inports: ['in'], outports: ['out'], maxConcurrency: 4, timeout: 10000 }, async (ctx, value) => {
    ctx.signal.addEventListener('abort', () => told.push([value, ctx.signal.reason.code]));
    if (value === 'never') await new Promise(() => {});
    // Longer than nothing by any clock, and far from the limit.
    await new Promise((resolve) => { setTimeout(resolve, 5); });
    return { out: value };
  }));
  net.add('b', actor({ inports: ['in'], timeout: 40 }, async (ctx) => {
    await new Promise((resolve) => { ctx.signal.addEventListener('abort', resolve); });
    told.push(['b', ctx.signal.reason.code]);
  }));
  net.add('late', 'Delay', { ms: 3_600_000 }).initial('late.in', 'x');
  const out = net.stream('a.out');
  const late = net.stream('late.out');
  await net.start();
  await net.sendMany('a.in', [1, 2, 3]);
  await net.idle({ timeout: 600000 });
  assert.deepStrictEqual((await taken(out, 3)).sort(), [1, 2, 3]);
  assert.deepStrictEqual(await taken(late, 1), ['x']); // an hour later, and at once
  const began = performance.now();
  await net.send('b.in', 1);
  await net.idle({ timeout: 600000 });
  assert.ok(performance.now() - began >= 35);
  assert.deepStrictEqual(told, [['b', 'ERR_REFLOW_CANCELLED']]);
  assert.deepStrictEqual(net.deadLetters().map((letter) => [letter.node, letter.status]), [['b', 'REFLOW_ERROR_TIMEOUT']]);
  await net.close();
});

test('a recording is repeated, and tells what differs', async () => {
  const file = path.join(folder, 'run.recording');
  const net = new Network({ mode: 'simulated', seed: 5, record: file, batchPackets: 1 }).add('d', double()).add('s', Sum)
    .connect('d.out', 's.in');
  const out = net.stream('s.out');
  await net.start();
  await net.sendMany('d.in', [1, 2, 3]);
  await net.drain({ timeout: 60000 });
  assert.deepStrictEqual(await taken(out, 1), [12]);
  net.flushRecording();
  await net.close();

  const again = new Replay(file, { actors: { Double: double(), Sum } });
  assert.strictEqual(again.header.seed, '5');
  assert.strictEqual(await again.run(1), true);
  assert.strictEqual(again.state.firings, 1);
  assert.strictEqual(await again.run(), false);
  assert.strictEqual(again.network.counters('s').received, 3);
  assert.strictEqual(again.state.truncated, false);
  await again.close();

  const triple = actor({ inports: ['in'], outports: ['out'] }, (ctx, value) => ({ out: 3 * value }));
  const other = new Replay(file, { actors: { Double: triple, Sum } });
  await assert.rejects(other.run(), { code: 'ERR_REFLOW_FAILED', node: 'd' });
  await other.close();
  const without = new Replay(file);
  await assert.rejects(without.run(), { code: 'ERR_REFLOW_NOT_FOUND' });
  await without.close();
  assert.throws(() => new Replay(path.join(folder, 'none')), { code: 'ERR_REFLOW_IO' });
  fs.writeFileSync(path.join(folder, 'text'), 'no recording');
  assert.throws(() => new Replay(path.join(folder, 'text')), { code: 'ERR_REFLOW_PARSE' });
});

test('async functions are recorded, and played back without a call', async () => {
  const file = path.join(folder, 'async.recording');
  const ended = [];
  const release = [];
  const gates = [1, 2, 3, 4, 5].map((i) => new Promise((open) => { release[i] = open; }));
  release[5]();
  const later = () => actor({ name: 'Later', inports: ['in'], outports: ['out'], maxConcurrency: 4, ordered: false }, async (ctx, value) => {
    await gates[value]; // those that came later end first
    ended.push(value);
    release[value]();
    if (value === 3) throw new Error('three');
    return { out: value * 10 };
  });
  const net = new Network({ mode: 'simulated', seed: 2, record: file }).add('a', later()).add('d', double()).connect('a.out', 'd.in');
  const out = net.stream('d.out');
  await net.start();
  await net.sendMany('a.in', [1, 2, 3, 4]);
  await net.idle({ timeout: 60000 });
  assert.deepStrictEqual(await taken(out, 3), [80, 40, 20]);
  const told = net.counters('a');
  net.flushRecording();
  await net.close();
  assert.deepStrictEqual(ended, [4, 3, 2, 1]);

  const again = new Replay(file, { actors: { Later: later(), Double: double() } });
  assert.strictEqual(await again.run(), false);
  assert.strictEqual(again.state.reason, '');
  assert.strictEqual(again.state.truncated, false);
  const { fired, failed, sent } = again.network.counters('a');
  assert.deepStrictEqual([fired, failed, sent], [told.fired, told.failed, told.sent]);
  assert.strictEqual(again.network.counters('d').received, 3);
  assert.strictEqual(ended.length, 4);
  await again.close();
});

test('options that do not fit are refused', () => {
  assert.throws(() => new Network({ mode: 'simulate' }), /did you mean 'simulated'/);
  assert.throws(() => new Network({ seed: 3 }), { code: 'ERR_REFLOW_INVALID_ARGUMENT', message: /seed/ });
  assert.throws(() => new Network({ mode: 'simulated', seed: -1 }), { code: 'ERR_REFLOW_INVALID_ARGUMENT' });
  assert.throws(() => new Network({ record: 'x' }), { code: 'ERR_REFLOW_INVALID_ARGUMENT', message: /recording/ });
  assert.throws(() => new Network().turn(), { code: 'ERR_REFLOW_UNSUPPORTED' });
  assert.throws(() => simulated(3), { code: 'ERR_REFLOW_INVALID_ARGUMENT' });
  assert.throws(() => simulated(() => {}, { sedes: 3 }), /did you mean 'seeds'/);
});

test('simulated() tries several orders, and a failure tells its seed and what was done', async () => {
  const tried = [];
  const body = simulated(async (net, more) => {
    tried.push(more);
    net.add('d', double());
    const out = net.stream('d.out');
    await net.start();
    await net.send('d.in', 4);
    await net.idle();
    assert.deepStrictEqual(await taken(out, 1), [8]);
    if (tried.length === 3) throw new Error('on purpose');
  }, { seeds: 5 });
  await assert.rejects(body('argument'), (error) => {
    assert.match(error.message, new RegExp(`on purpose\nwith REFLOW_SEED=${seed() + 2}\n  d: fired 1, received 1, sent 1`));
    return true;
  });
  assert.deepStrictEqual(tried, ['argument', 'argument', 'argument']);
});

test('seeds come from the environment', async () => {
  const program = `
    const { simulated, seed } = require(require('node:path').join(require('node:path').dirname(${JSON.stringify(packageName)}), 'testing.cjs'));
    let runs = 0;
    simulated(async () => { runs++; })().then(() => console.log(seed(), runs));`;
  for (const [env, expected] of [[{ REFLOW_SEED: '7' }, '7 1'], [{ REFLOW_SEEDS: '3' }, '1 3'], [{}, '1 10']]) {
    const clean = { REFLOW_SEED: '', REFLOW_SEEDS: '', ...env };
    assert.strictEqual((await runProgram(program, { env: clean })).stdout.trim(), expected);
  }
  const wrong = await runProgram(program, { env: { REFLOW_SEED: 'x' } });
  assert.match(wrong.stderr, /REFLOW_SEED is 'x'/);
});
