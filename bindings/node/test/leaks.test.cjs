'use strict';
// What lives behind JavaScript goes when nobody needs it, and memory stays flat over ten million packets.
const test = require('node:test');
const assert = require('node:assert');
const path = require('node:path');
const { packageName, reflow, runProgram } = require('./support.cjs');
const { Network, actor, transfer } = reflow;
const { handles } = require(path.join(path.dirname(packageName), 'binding.cjs'));

// Collects garbage until the counts are those; finalisers run in turns of the loop.
async function counts(expected) {
  const deadline = Date.now() + 60000;
  let now;
  do {
    global.gc();
    await new Promise((resolve) => { setImmediate(resolve); });
    now = handles();
    if (Object.entries(expected).every(([key, count]) => now[key] === count)) return;
  } while (Date.now() < deadline);
  assert.deepStrictEqual(now, { ...now, ...expected });
}

const NOTHING = { networks: 0, nodes: 0, lent: 0, shared: 0, pending: 0, outputs: 0 };
const collects = { skip: typeof global.gc === 'function' ? false : 'needs --expose-gc' };

test('networks, nodes, streams, firings and shared memory are let go of', collects, async () => {
  await (async () => {
    for (let round = 0; round < 5; round++) {
      const net = new Network();
      const self = { net }; // a cycle through the actor
      net.add('a', actor({ inports: ['in'], outports: ['out'] }, async (ctx, v) => {
        assert.ok(self.net);
        return { out: v };
      }));
      const stream = net.stream('a.out');
      await net.start();
      await net.send('a.in', Buffer.alloc(100_000));
      await net.send('a.in', transfer(new Float64Array(100_000)));
      assert.strictEqual((await stream.next()).value.length, 100_000);
      await stream.next();
      if (round % 2) await net.close(); // others are collected as they are
      else await net.idle();
    }
  })();
  await counts(NOTHING);
});

test('a network that never started, and one whose start failed', collects, async () => {
  await (async () => {
    new Network().add('a', 'Log');
    const net = new Network();
    net.add('a', 'Nonsense');
    await assert.rejects(net.start());
  })();
  await counts(NOTHING);
});

test('firings that never end go with their network', collects, async () => {
  await (async () => {
    const net = new Network();
    net.add('a', actor({ inports: ['in'], maxConcurrency: 50 }, () => new Promise(() => {})));
    await net.start();
    await net.sendMany('a.in', Array(30).fill(1));
    await net.stop();
    await net.close();
  })();
  await counts({ networks: 0, nodes: 0 });
});

test('ten million packets leave the memory as it was', collects, async () => {
  const { code, stdout, stderr } = await runProgram(`
    (async () => {
      const net = new Network();
      net.add('a', actor({ inports: ['in'], outports: ['out'] }, (ctx, v) => ({ out: v + 0.5 })))
        .add('b', actor({ inports: ['in'], batch: true }, () => {})).connect('a.out', 'b.in');
      await net.start();
      const data = Array.from({ length: 100000 }, (_, i) => (i % 100 ? i : { text: 'x' + i }));
      const rounds = async (n) => {
        for (let i = 0; i < n; i++) await net.sendMany('a.in', data);
        await net.idle();
        gc();
        return process.memoryUsage().rss;
      };
      const before = await rounds(20);
      const after = await rounds(100);
      console.log(JSON.stringify({ fired: net.report().b.received, grown: (after - before) / 2 ** 20 }));
      await net.close();
    })();`, { args: ['--expose-gc'], timeout: 110000 });
  assert.strictEqual(code, 0, stderr);
  const { fired, grown } = JSON.parse(stdout);
  // Goes up and down by twenty; a leak of six bytes a packet is more than this.
  assert.strictEqual(fired, 12_000_000);
  assert.ok(grown < 64, `${grown} MiB more`);
});
