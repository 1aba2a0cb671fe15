'use strict';
// What comes out of networks and goes in: iterators and Node streams, with back-pressure.
const test = require('node:test');
const assert = require('node:assert');
const { Readable } = require('node:stream');
const { pipeline } = require('node:stream/promises');
const { reflow, until } = require('./support.cjs');
const { Network, actor } = reflow;

const range = (n) => Array.from({ length: n }, (_, i) => i);
const pass = () => actor({ inports: ['in'], outports: ['out'] }, (ctx, value) => { ctx.emit('out', value); });

async function passing(options) {
  const net = new Network(options);
  net.add('p', pass());
  return net;
}

test('a stream gives all packets, and ends with its network', async () => {
  const net = await passing();
  const stream = net.stream('p.out');
  await net.start();
  const reading = (async () => {
    const seen = [];
    for await (const value of stream) seen.push(value);
    return seen;
  })();
  await net.sendMany('p.in', range(20000));
  await net.drain();
  assert.deepStrictEqual(await reading, range(20000));
  await net.close();
});

test('a stream ends by stop, by close, and by its own end', async () => {
  for (const end of ['stop', 'close']) {
    const net = await passing();
    const stream = net.stream('p.out');
    await net.start();
    const next = stream.next();
    await net[end]();
    assert.deepStrictEqual(await next, { done: true, value: undefined });
    await net.close();
  }
  const net = await passing();
  const stream = net.stream('p.out');
  await net.start();
  const next = stream.next();
  await stream.return();
  assert.deepStrictEqual(await next, { done: true, value: undefined });
  for await (const value of stream) assert.fail(String(value));
  await net.close();
});

test('breaking out of a stream holds nobody back', async () => {
  const net = await passing({ portCapacity: 8 });
  const stream = net.stream('p.out', { capacity: 8 });
  await net.start();
  const sending = net.sendMany('p.in', range(5000));
  const seen = [];
  for await (const value of stream) {
    seen.push(value);
    if (value === 2) break;
  }
  assert.strictEqual(await sending, 5000);
  assert.deepStrictEqual(seen, [0, 1, 2]);
  await net.close();
});

test('a stream that is not read holds its sender back, and loses nothing', async () => {
  const net = await passing({ portCapacity: 16 });
  const stream = net.stream('p.out', { capacity: 16 });
  await net.start();
  let sent = 0;
  const sending = (async () => { for (const i of range(2000)) { await net.send('p.in', i); sent++; } })();
  const first = await stream.next();
  assert.strictEqual(first.value, 0);
  await until(() => net.report().p.waiting >= 16, 'the full port');
  assert.ok(sent < 1500, `${sent} were sent`);
  for (let i = 1; i < 2000; i++) assert.strictEqual((await stream.next()).value, i);
  await sending;
  await net.close();
});

test('a stream of a network that runs, two at a time, and concurrent reads', async () => {
  const net = await passing();
  await net.start();
  const a = net.stream('p.out');
  const b = net.stream('p.out');
  await Promise.all([a.opened(), b.opened()]);
  await net.sendMany('p.in', range(10));
  const [x, y] = await Promise.all([
    Promise.all(range(10).map(() => a.next())), Promise.all(range(10).map(() => b.next()))]);
  assert.deepStrictEqual(x.map((r) => r.value), range(10));
  assert.deepStrictEqual(y.map((r) => r.value), range(10));
  await net.close();
});

test('Node streams in and out', async () => {
  const net = await passing({ portCapacity: 32 });
  const readable = net.readable('p.out');
  await net.start();
  const seen = [];
  readable.on('data', (value) => { seen.push(value); });
  await pipeline(Readable.from(range(5000)), net.writable('p.in'));
  await net.drain();
  await until(() => readable.readableEnded || readable.destroyed, 'the end');
  assert.deepStrictEqual(seen, range(5000));
  await net.close();
});

test('packets that are null go through Node streams as what stands for them, or are refused', async () => {
  const NONE = Symbol('none');
  const net = await passing();
  const readable = net.readable('p.out', { nulls: NONE });
  const refusing = net.readable('p.out');
  await net.start();
  await pipeline(Readable.from([1, NONE, 0, '', false, 2]), net.writable('p.in', { nulls: NONE }));
  await net.drain();
  const seen = [];
  for await (const value of readable) seen.push(value);
  assert.deepStrictEqual(seen, [1, NONE, 0, '', false, 2]);
  await assert.rejects(async () => { for await (const value of refusing) assert.strictEqual(value, 1); },
    (error) => error.code === 'ERR_REFLOW_TYPE' && error.message.includes('nulls'));
  await net.close();
});

test('a Node stream into a network that is closed fails', async () => {
  const net = await passing();
  await net.start();
  const writable = net.writable('p.in');
  await net.close();
  await assert.rejects(pipeline(Readable.from([1]), writable), { code: 'ERR_REFLOW_CLOSED' });
});

test('a Readable is a source', async () => {
  const net = new Network();
  const seen = [];
  net.add('s', actor({ outports: ['out'] }, Readable.from(range(300).map((out) => ({ out })))))
    .add('k', actor({ inports: ['in'] }, (ctx, v) => { seen.push(v); })).connect('s.out', 'k.in');
  await net.start();
  await net.idle({ timeout: 5000 });
  assert.deepStrictEqual(seen, range(300));
  await net.close();
});

test('sendMany takes whatever can be iterated', async () => {
  const net = await passing();
  const stream = net.stream('p.out');
  await net.start();
  const all = [[1, 'a', null, undefined, true, { x: 1 }], new Set([2, 3]), new Float64Array([4.5, 5]),
    (function* three() { yield 6; yield 7; })(), (async function* four() { yield 8; })(), 'ab', []];
  const sizes = [];
  for (const values of all) sizes.push(await net.sendMany('p.in', values));
  assert.deepStrictEqual(sizes, [6, 2, 2, 2, 1, 2, 0]);
  await net.drain();
  const seen = [];
  for await (const value of stream) seen.push(value);
  assert.deepStrictEqual(seen, [1, 'a', null, undefined, true, { x: 1 }, 2, 3, 4.5, 5, 6, 7, 8, 'a', 'b']);
  await assert.rejects(net.sendMany('p.in', 5), { code: 'ERR_REFLOW_INVALID_ARGUMENT' });
  await net.close();
});

test('trySend tells when a port is full', async () => {
  const net = new Network({ portCapacity: 4 });
  net.add('a', actor({ inports: ['in'] }, () => new Promise(() => {})));
  await net.start();
  let sent = 0;
  await until(() => {
    if (!net.trySend('a.in', sent)) return true;
    sent++;
    return false;
  }, 'a full port');
  assert.ok(sent >= 4 && sent < 100, `${sent}`);
  await net.close();
});

test('senders that wait are told when the network ends', async () => {
  const net = new Network({ portCapacity: 2 });
  net.add('a', actor({ inports: ['in'] }, () => new Promise(() => {})));
  await net.start();
  const sends = Promise.allSettled(range(20).map((i) => net.send('a.in', i)));
  await net.close();
  const ends = await sends;
  assert.ok(ends.some((end) => end.status === 'rejected' && end.reason.code === 'ERR_REFLOW_CLOSED'));
  assert.ok(ends.slice(-10).every((end) => end.status === 'rejected'));
});

test('signals end waits and streams', async () => {
  const net = new Network();
  net.add('a', actor({ inports: ['in'], outports: ['out'] }, () => new Promise(() => {})));
  const abort = new AbortController();
  const stream = net.stream('a.out', { signal: abort.signal });
  await net.start();
  await net.send('a.in', 1);
  const next = stream.next();
  const idle = assert.rejects(net.idle({ signal: abort.signal }), { message: 'enough' });
  const drain = assert.rejects(net.drain({ signal: abort.signal }), { message: 'enough' });
  abort.abort(new Error('enough'));
  await Promise.all([idle, drain]);
  assert.deepStrictEqual(await next, { done: true, value: undefined });
  await assert.rejects(net.idle({ signal: abort.signal }), { message: 'enough' });
  await net.close();
});

test('a stream of a network that is never started ends with it', async () => {
  const net = await passing();
  const next = net.stream('p.out').next();
  await net.close();
  await assert.rejects(next, { code: 'ERR_REFLOW_CLOSED' });
});

test('await using, where the language has it', async () => {
  const net = await passing();
  await net.start();
  const dispose = Symbol.asyncDispose ?? Symbol.for('nodejs.asyncDispose');
  await net[dispose]();
  assert.strictEqual(net.state, 'stopped');
});

for (const mode of ['own', 'hosted', 'inline']) {
  test(`idle waits for what sendMany was given, though nobody waits for that, mode ${mode}`, async () => {
    for (const [values, count] of [[range(3), 3], [range(20000), 20000], [new Float64Array(9000), 9000], [new Set(range(5000)), 5000],
      [(function* () { yield* range(9000); })(), 9000]]) {
      let seen = 0;
      const net = new Network({ mode }).add('d', actor({ inports: ['in'] }, () => { seen++; }));
      await net.start();
      net.sendMany('d.in', values);
      await net.idle({ timeout: 60000 });
      assert.strictEqual(seen, count);
      await net.close();
    }
  });
}

test('idle tells that its time is over while something is sent that never ends', async () => {
  const net = new Network().add('d', actor({ inports: ['in'] }, () => {}));
  await net.start();
  const abort = new AbortController();
  const sending = net.sendMany('d.in', (function* () { for (;;) yield 1; })(), { signal: abort.signal });
  await assert.rejects(net.idle({ timeout: 50 }), { code: 'ERR_REFLOW_TIMEOUT' });
  abort.abort();
  await assert.rejects(sending, { name: 'AbortError' });
  await net.idle({ timeout: 60000 });
  await net.close();
});

test('behind the end: stop has nothing to do, a stream that was there ends, and a new one is refused', async () => {
  const net = await passing();
  const stream = net.stream('p.out');
  await net.start();
  await net.close();
  await net.stop();
  await net.close();
  assert.deepStrictEqual(await stream.next(), { done: true, value: undefined });
  await assert.rejects(net.stream('p.out').next(), { code: 'ERR_REFLOW_CLOSED' });
  await assert.rejects(net.idle(), { code: 'ERR_REFLOW_CLOSED' });
});
