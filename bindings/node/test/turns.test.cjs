'use strict';
// Actors that take long leave the loop of Node to others, too.
const test = require('node:test');
const assert = require('node:assert');
const { reflow, until } = require('./support.cjs');
const { Network, actor } = reflow;

const wait = { timeout: 60000 };
const packets = Array.from({ length: 100 }, (_, i) => i);

function work(milliseconds) {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
}

// The most that was done between two turns of the loop, told by work() calls of 5 ms and not by a clock: a busy machine
// makes it less.
async function mostAtOnce(mode, make, drive) {
  let most = 0;
  let now = 0;
  const step = () => {
    work(5);
    most = Math.max(most, ++now);
  };
  const net = new Network({ mode });
  net.add('d', make(step));
  await net.start();
  let over = false;
  const turn = () => {
    now = 0;
    if (!over) setImmediate(turn);
  };
  turn();
  await drive(net);
  over = true;
  await net.close();
  return most;
}

// All at once: they wait until the node goes on.
async function sendTogether(net) {
  await net.pause();
  await net.sendMany('d.in', packets);
  net.resume();
}

async function sendAll(net) {
  await sendTogether(net);
  await net.idle(wait);
}

const inOut = { inports: ['in'], outports: ['out'] };
const forms = {
  'a function': [(step) => actor(inOut, (ctx, value) => { step(); return { out: value }; }), sendAll],
  'a class': [(step) => class Slow {
    static inports = ['in'];
    run() { step(); }
  }, sendAll],
  'a generator': [(step) => actor({ outports: ['out'] }, function* all() {
    for (const out of packets) {
      step();
      yield { out };
    }
  }), (net) => net.idle(wait)],
  'an async function': [(step) => actor({ ...inOut, maxConcurrency: 100, ordered: false }, async (ctx, value) => {
    step();
    await new Promise((resolve) => { setTimeout(resolve, 5); });
    return { out: value };
  }), sendAll],
  'a batch that comes again one by one': [(step) => actor({ inports: ['in'], batch: true }, (ctx, values) => {
    if (values.length > 1) throw new Error('one by one');
    step();
  }), sendAll],
};

for (const mode of ['own', 'hosted']) {
  for (const [form, [make, drive]] of Object.entries(forms)) {
    test(`${form} that takes 5 ms for a packet, mode ${mode}: timers have their turn behind a few`, async () => {
      const most = await mostAtOnce(mode, make, drive);
      assert.ok(most >= 1 && most <= 6, `${most} packets between two turns of the loop`);
    });
  }
}

test('a function that becomes slow is noticed', async () => {
  let seen = 0;
  const most = await mostAtOnce('own', (step) => actor({ inports: ['in'] }, () => {
    if (++seen > 20000) step();
  }), async (net) => {
    await net.sendMany('d.in', Array.from({ length: 20100 }, (_, i) => i));
    await net.idle(wait);
  });
  assert.ok(most <= 70, `${most} packets between two turns of the loop`);
});

test('async firings that begin later keep their order, and are cancelled like others', async () => {
  const begun = [];
  const net = new Network({ log: () => {} });
  const ended = [];
  net.add('d', actor({ ...inOut, maxConcurrency: 50, ordered: false }, async (ctx, value) => {
    work(3);
    begun.push(value);
    return { out: value };
  })).add('s', actor({ inports: ['in'] }, (ctx, value) => { ended.push(value); })).connect('d.out', 's.in');
  await net.start();
  await sendTogether(net);
  await net.idle(wait);
  assert.deepStrictEqual([begun, ended], [packets, packets]);
  await sendTogether(net);
  await until(() => begun.length > packets.length, 'the first one');
  assert.ok(net.cancel('d') > 0);
  await net.idle(wait);
  assert.strictEqual(ended.length + net.deadLetterCounts().total, 2 * packets.length);
  assert.ok(begun.length < 2 * packets.length, 'what was cancelled before it began is not begun');
  await net.close();
});
