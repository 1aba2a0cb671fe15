'use strict';
// Firings that go on after their call: promises, their order, their end, and what they emit meanwhile.
const test = require('node:test');
const assert = require('node:assert');
const path = require('node:path');
const { collect, packageName, reflow, until } = require('./support.cjs');
const { handles } = require(path.join(path.dirname(packageName), 'binding.cjs'));
const { Network, actor } = reflow;

const range = (n) => Array.from({ length: n }, (_, i) => i);
const turn = () => new Promise((resolve) => { setImmediate(resolve); });

test('promises: async functions, functions that return promises, thenables', async () => {
  const bodies = [
    async (ctx, v) => { await turn(); return { out: v + 1 }; },
    (ctx, v) => Promise.resolve({ out: v + 1 }),
    (ctx, v) => ({ then: (resolve) => setImmediate(resolve, { out: v + 1 }) }),
    (ctx, v) => (v % 2 ? Promise.resolve({ out: v + 1 }) : { out: v + 1 }),
  ];
  for (const body of bodies) {
    const seen = await collect(reflow, (net) => net.add('d',
      actor({ inports: ['in'], outports: ['out'] }, body)), range(200));
    assert.deepStrictEqual(seen, range(200).map((i) => i + 1), String(body));
  }
});

test('a firing that waits for itself is told so', async () => {
  for (const options of [{}, { mode: 'hosted' }, { mode: 'inline' }]) {
    const other = new Network().add('t', actor({ inports: ['in'] }, () => {}));
    await other.start();
    const told = [];
    const net = new Network(options).add('n', actor({ inports: ['in'] }, async () => {
      await turn();
      for (const wait of [() => net.idle(), () => net.drain(), async () => { await turn(); await net.idle(); }]) {
        await wait().catch((error) => told.push(error));
      }
      await other.idle({ timeout: 60000 }); // of another one it may wait
    }));
    await net.start();
    await net.send('n.in', 1);
    await net.idle({ timeout: 60000 });
    assert.deepStrictEqual(told.map(({ code }) => code), Array(3).fill('ERR_REFLOW_WOULD_DEADLOCK'));
    assert.match(told[0].message, /idle\(\) inside of a firing of node 'n' waits for that firing itself/);
    await net.close();
    await other.close();
  }
});

test('a firing that nobody waits for any more may wait for its network', async () => {
  for (const options of [{}, { mode: 'hosted' }]) {
    const waited = [];
    let tell;
    const failed = new Promise((resolve) => { tell = resolve; });
    const net = new Network(options).add('n', actor({ inports: ['in'], timeout: 10 }, async () => {
      await failed; // its time is over
      await net.idle({ timeout: 60000 }).then(() => waited.push('idle'), (error) => waited.push(error.code));
    }));
    net.on('ActorFailed', tell);
    await net.start();
    await net.send('n.in', 1);
    await failed;
    await until(() => waited.length > 0, 'the wait');
    await net.close();
    assert.deepStrictEqual(waited, ['idle']);
  }
});

test('as many at once as were asked for, in order or as they end', async () => {
  for (const ordered of [true, false]) {
    let now = 0;
    let most = 0;
    const waiting = [];
    const work = actor({ inports: ['in'], outports: ['out'], maxConcurrency: 8, ordered }, async (ctx, v) => {
      most = Math.max(most, ++now);
      await new Promise((resolve) => { waiting.push(resolve); });
      now--;
      return { out: v };
    });
    const seen = [];
    const net = new Network();
    net.add('w', work).add('s', actor({ inports: ['in'] }, (ctx, v) => { seen.push(v); }))
      .connect('w.out', 's.in');
    await net.start();
    await net.sendMany('w.in', range(40));
    while (seen.length < 40) {
      await until(() => waiting.length > 0 || seen.length === 40, 'firings');
      waiting.pop()?.(); // the newest first
      await turn();
    }
    assert.strictEqual(most, 8);
    if (ordered) assert.deepStrictEqual(seen, range(40));
    else assert.notDeepStrictEqual(seen, range(40));
    assert.deepStrictEqual([...seen].sort((a, b) => a - b), range(40));
    await net.close();
  }
});

test('emit in an asynchronous firing follows its receivers', async () => {
  let waits = 0;
  const source = actor({ outports: ['out'] }, async (ctx) => {
    for (let i = 0; i < 3000; i++) {
      const wait = ctx.emit('out', i);
      if (wait !== undefined) {
        waits++;
        await wait;
      }
    }
  });
  const seen = [];
  const net = new Network({ portCapacity: 16 });
  net.add('a', source).add('s', actor({ inports: ['in'] }, (ctx, v) => { seen.push(v); }))
    .connect('a.out', 's.in');
  await net.start();
  const { helped } = handles();
  while (seen.length < 3000) await turn();
  assert.deepStrictEqual(seen, range(3000));
  assert.ok(waits > 0);
  assert.strictEqual(handles().helped, helped, 'a thread has waited for room');
  await net.idle({ timeout: 10000 });
  await net.close();
});

test('emit without waiting keeps everything, in order', async () => {
  const source = actor({ inports: ['in'], outports: ['out'] }, async (ctx, n) => {
    for (let i = 0; i < n; i++) ctx.emit('out', i);
    return { out: 'end' };
  });
  const seen = await collect(reflow, (net) => net.add('d', source), [5000]);
  assert.deepStrictEqual(seen, [...range(5000), 'end']);
});

test('a timeout aborts the signal and fails the firing; the next one goes on', async () => {
  const errors = [];
  const begun = [];
  let aborted;
  const net = new Network();
  net.add('a', actor({ inports: ['in'], timeout: 30 }, async (ctx, v) => {
    begun.push(v);
    if (v === 'slow') {
      const { signal } = ctx;
      if (!signal.aborted) await new Promise((resolve) => { signal.addEventListener('abort', resolve); });
      aborted = signal.reason;
    }
  })).add('e', actor({ inports: ['in'] }, (ctx, v) => { errors.push(v); })).connect('a.error', 'e.in');
  await net.start();
  await net.sendMany('a.in', ['slow', 'fast', 'fast']);
  await net.idle({ timeout: 10000 });
  assert.strictEqual(aborted.code, 'ERR_REFLOW_CANCELLED');
  // On a busy machine those that are fast may take longer than that as well.
  assert.ok(errors.length >= 1 && errors.length <= 3);
  for (const error of errors) assert.match(error.message, /time/);
  assert.deepStrictEqual(begun, ['slow', 'fast', 'fast']);
  assert.strictEqual(net.report().a.fired, 3);
  await net.close();
});

test('a stop aborts what is pending, and what is emitted then is refused', async () => {
  let signal;
  let late;
  const net = new Network();
  net.add('a', actor({ inports: ['in'], outports: ['out'], maxConcurrency: 2 }, async (ctx) => {
    signal = ctx.signal;
    await new Promise((resolve) => { signal.addEventListener('abort', resolve); });
    try {
      ctx.emit('out', 1);
    } catch (error) {
      late = error;
    }
  }));
  await net.start();
  await net.send('a.in', 1);
  await until(() => signal !== undefined, 'the firing');
  await net.stop();
  await until(() => late !== undefined, 'the abort');
  assert.strictEqual(late.code, 'ERR_REFLOW_CLOSED');
  await net.close();
});

test('a signal that is asked for late is aborted already', async () => {
  let reason;
  let release;
  const net = new Network();
  net.add('a', actor({ inports: ['in'] }, async (ctx) => {
    await new Promise((resolve) => { release = resolve; });
    reason = ctx.signal.aborted;
  }));
  await net.start();
  await net.send('a.in', 1);
  await until(() => release !== undefined, 'the firing');
  await net.stop();
  release();
  await until(() => reason !== undefined, 'the end');
  assert.strictEqual(reason, true);
  await net.close();
});

test('asynchronous generators of inputs, and of sources with an early end', async () => {
  const letters = actor({ inports: ['in'], outports: ['out'] }, async function* letters(ctx, text) {
    for (const letter of text) {
      await turn();
      yield { out: letter };
    }
  });
  assert.deepStrictEqual(await collect(reflow, (net) => net.add('d', letters), ['ab', '', 'c']),
    ['a', 'b', 'c']);
  let closed = false;
  let turns = 0;
  const net = new Network();
  net.add('s', actor({ outports: ['out'] }, async function* endless() {
    try {
      for (let i = 0; ; i++) {
        turns++;
        await turn();
        yield { out: i };
      }
    } finally {
      closed = true;
    }
  }));
  await net.start();
  await until(() => turns > 3, 'the source');
  await net.close();
  await until(() => closed, 'the end of the generator');
});

test('an actor sends to its own network and to another one', async () => {
  const seen = [];
  const other = new Network();
  other.add('k', actor({ inports: ['in'] }, (ctx, v) => { seen.push(v); }));
  await other.start();
  const net = new Network();
  net.add('a', actor({ inports: ['in'] }, async (ctx, v) => {
    await other.send('k.in', v);
    if (v > 0) await net.send('a.in', v - 1);
  }));
  await net.start();
  await net.send('a.in', 5);
  await net.idle();
  await other.idle();
  assert.deepStrictEqual(seen, [5, 4, 3, 2, 1, 0]);
  await net.close();
  await other.close();
});

test('the signal of a function that returns a promise is aborted with its firing', async () => {
  for (const early of [true, false]) {
    const told = [];
    let at;
    const net = new Network({ log: () => {} });
    net.add('a', actor({ inports: ['in'], outports: ['out'] }, (ctx, value) => {
      if (value === 0) return undefined;
      const listen = () => ctx.signal.addEventListener('abort', () => { told.push([value, ctx.signal.reason.code]); });
      if (early) listen(); // before anybody can know that a promise comes
      return new Promise((resolve, reject) => {
        if (!early) setImmediate(listen);
        if (value === 2) resolve();
        at = reject;
      });
    }), { firing: { timeout_ms: 50 } });
    await net.start();
    await net.sendMany('a.in', [0, 1]);
    await until(() => told.length > 0, 'the abort');
    assert.deepStrictEqual(told, [[1, 'ERR_REFLOW_CANCELLED']]);
    at(new Error('late'));
    await net.send('a.in', 2);
    await net.idle();
    await net.close();
    assert.deepStrictEqual(told, [[1, 'ERR_REFLOW_CANCELLED']]);
  }
});

test('the signal of a firing that has ended tells of the end of its node', async () => {
  let signal;
  const net = new Network();
  net.add('a', actor({ inports: ['in'] }, (ctx) => { signal = ctx.signal; }));
  await net.start();
  await net.send('a.in', 1);
  await net.idle();
  assert.strictEqual(signal.aborted, false);
  await net.close();
  assert.strictEqual(signal.aborted, true);
});
