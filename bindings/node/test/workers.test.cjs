'use strict';
// worker_threads: each has engines of its own, and may end at any moment.
const test = require('node:test');
const assert = require('node:assert');
const { Worker } = require('node:worker_threads');
const { packageName } = require('./support.cjs');

function worker(source) {
  return new Worker(`'use strict';
    const { parentPort } = require('node:worker_threads');
    const { Network, actor } = require(${JSON.stringify(packageName)});
    ${source}`, { eval: true });
}

const message = (from) => new Promise((resolve, reject) => {
  from.once('message', resolve);
  from.once('error', reject);
});
const exit = (of) => new Promise((resolve) => { of.once('exit', resolve); });

const TRAFFIC = `
  const net = new Network({ workers: 1 });
  net.add('s', actor({ outports: ['out'] }, function* source() { for (let i = 0; ; i++) yield { out: i }; }))
    .add('f', actor({ inports: ['in'], outports: ['out'], maxConcurrency: 4 }, async (ctx, v) => ({ out: v })))
    .add('k', actor({ inports: ['in'] }, (ctx, v) => { if (v === 100) parentPort.postMessage('works'); }))
    .connect('s.out', 'f.in').connect('f.out', 'k.in');
  net.start();`;

test('50 workers start, work and are terminated in the middle of traffic', async () => {
  for (let round = 0; round < 5; round++) {
    const all = Array.from({ length: 10 }, () => worker(TRAFFIC));
    const said = await Promise.all(all.map(message));
    assert.deepStrictEqual(said, Array(10).fill('works'));
    await Promise.all(all.map((one) => one.terminate()));
  }
});

test('workers are terminated at once, while they load and start', async () => {
  const all = Array.from({ length: 10 }, () => worker(TRAFFIC));
  for (const [i, one] of all.entries()) {
    for (let turn = 0; turn < i * 20; turn++) await new Promise((resolve) => { setImmediate(resolve); });
    await one.terminate();
  }
});

test('a worker whose network is idle ends by itself', async () => {
  const one = worker(`
    const net = new Network();
    net.add('a', actor({ inports: ['in'] }, (ctx, v) => { parentPort.postMessage(v); }));
    net.start().then(() => net.send('a.in', 42));`);
  const [said, code] = await Promise.all([message(one), exit(one)]);
  assert.deepStrictEqual([said, code], [42, 0]);
});

test('process.exit in an actor of a worker ends the worker alone', async () => {
  const one = worker(`
    const net = new Network();
    net.add('a', actor({ inports: ['in'] }, () => { process.exit(9); }));
    net.start().then(() => net.sendMany('a.in', Array(5000).fill(1)));`);
  assert.strictEqual(await exit(one), 9);
});

test('an endless actor in a worker is ended by terminate', async () => {
  const one = worker(`
    const net = new Network();
    net.add('a', actor({ inports: ['in'] }, () => { parentPort.postMessage('inside'); for (;;); }));
    net.start().then(() => net.sendMany('a.in', Array(5000).fill(1)));`);
  assert.strictEqual(await message(one), 'inside');
  await one.terminate();
});

test('a worker ends while its setup, its idle and its senders wait', async () => {
  const one = worker(`
    class Slow { static inports = ['in']; setup() { parentPort.postMessage('setup'); return new Promise(() => {}); }
      run() {} }
    const net = new Network();
    net.add('a', Slow);
    net.start();`);
  assert.strictEqual(await message(one), 'setup');
  await one.terminate();
});
