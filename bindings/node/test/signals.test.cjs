'use strict';
// An AbortSignal ends the waits of sending and receiving, and nothing is lost or doubled by that.
const test = require('node:test');
const assert = require('node:assert');
const { getEventListeners } = require('node:events');
const { reflow, until } = require('./support.cjs');
const { Network, actor } = reflow;

const wait = { timeout: 60000 };
const reason = new Error('nobody waits any more');
const invalid = { code: 'ERR_REFLOW_INVALID_ARGUMENT' };
const turn = () => new Promise((resolve) => { setImmediate(resolve); });
const pass = () => actor({ inports: ['in'], outports: ['out'] }, (ctx, value) => ({ out: value }));

// A network whose node takes nothing, with as much in its inport as goes in, and what the node has seen.
async function full(mode) {
  const seen = [];
  const net = new Network({ mode, portCapacity: 4, log: () => {} });
  net.add('d', actor({ inports: ['in'] }, (ctx, value) => { seen.push(value); }));
  await net.start();
  await net.pause();
  let filled = 0;
  while (net.trySend('d.in', `f${filled}`)) filled++;
  return { net, seen, first: Array.from({ length: filled }, (_, i) => `f${i}`) };
}

for (const mode of ['own', 'hosted']) {
  test(`send: what waits is taken back, and what waits beside it goes in its order, mode ${mode}`, async () => {
    const { net, seen, first } = await full(mode);
    const abort = new AbortController();
    const { signal } = abort;
    const before = net.send('d.in', 'before');
    const taken = net.send('d.in', 'taken back', { signal });
    const between = net.sendMany('d.in', ['b1', 'b2', 'b3']);
    const many = net.sendMany('d.in', ['m1', 'm2'], { signal });
    const behind = net.send('d.in', 'behind', { signal: new AbortController().signal });
    abort.abort(reason);
    await assert.rejects(taken, reason);
    await assert.rejects(many, reason);
    await assert.rejects(net.send('d.in', 'never', { signal }), reason);
    await assert.rejects(net.sendMany('d.in', ['never'], { signal }), reason);
    net.resume();
    await Promise.all([before, between, behind]);
    await net.idle(wait);
    assert.deepStrictEqual(seen, [...first, 'before', 'b1', 'b2', 'b3', 'behind']);
    await net.close();
  });

  test(`sendMany: what has gone in stays, and nothing comes behind an abort, mode ${mode}`, async () => {
    const { net, seen, first } = await full(mode);
    const abort = new AbortController();
    const values = Array.from({ length: 10000 }, (_, i) => i);
    const sending = net.sendMany('d.in', values, { signal: abort.signal });
    await net.step(2);
    await until(() => net.peek('d.in').includes(1), 'room for two');
    abort.abort(reason);
    await assert.rejects(sending, reason);
    net.resume();
    await net.idle(wait);
    assert.deepStrictEqual(seen, [...first, 0, 1]);
    await net.close();
  });

  test(`a signal keeps no listeners of waits that have ended, mode ${mode}`, async () => {
    const { net, first, seen } = await full(mode);
    const { signal } = new AbortController();
    const stream = new Network({ mode }).add('d', pass());
    const packets = stream.stream('d.out');
    await stream.start();
    const sending = [net.send('d.in', 'a', { signal }), net.sendMany('d.in', ['b', 'c'], { signal })];
    const next = packets.next({ signal });
    assert.ok(getEventListeners(signal, 'abort').length >= 3);
    net.resume();
    await stream.send('d.in', 'n', { signal });
    assert.deepStrictEqual(await next, { done: false, value: 'n' });
    await Promise.all(sending);
    await net.idle({ ...wait, signal });
    await turn();
    assert.deepStrictEqual(getEventListeners(signal, 'abort'), []);
    assert.deepStrictEqual(seen, [...first, 'a', 'b', 'c']);
    await stream.close();
    await net.close();
  });
}

test('sendMany: an asynchronous iterator that is waited for is left', async () => {
  const { net, seen, first } = await full('own');
  net.resume();
  const abort = new AbortController();
  let asked = 0;
  let left = false;
  const values = {
    [Symbol.asyncIterator]() { return this; },
    next() { return asked++ < 2 ? Promise.resolve({ done: false, value: asked }) : new Promise(() => {}); },
    async return() { left = true; throw new Error('not heard'); },
  };
  const sending = net.sendMany('d.in', values, { signal: abort.signal });
  await until(() => asked === 3, 'the third one');
  abort.abort(reason);
  await assert.rejects(sending, reason);
  await net.idle(wait);
  assert.strictEqual(left, true);
  assert.deepStrictEqual(seen, [...first, 1, 2]);
  await net.close();
});

for (const mode of ['own', 'hosted', 'inline', 'simulated']) {
  test(`next: the wait ends, and no packet is lost by that, mode ${mode}`, async () => {
    const net = new Network({ mode }).add('d', pass());
    const stream = net.stream('d.out');
    const early = new AbortController();
    const unstarted = stream.next({ signal: early.signal });
    early.abort(reason);
    await assert.rejects(unstarted, reason);
    await net.start();
    const abort = new AbortController();
    const waits = [stream.next({ signal: abort.signal }), stream.next(), stream.next({ signal: abort.signal }), stream.next()];
    await turn();
    abort.abort(reason);
    await assert.rejects(waits[0], reason);
    await assert.rejects(waits[2], reason);
    await assert.rejects(stream.next({ signal: abort.signal }), reason);
    await net.sendMany('d.in', [1, 2, 3]);
    const values = await Promise.all([waits[1], waits[3], stream.next({ signal: new AbortController().signal })]);
    assert.deepStrictEqual(values.map(({ value }) => value), [1, 2, 3]);
    // Aborts and packets at the same time: each packet comes once, in order.
    const got = [];
    const total = 300;
    const sending = (async () => {
      for (let i = 0; i < total; i++) await net.send('d.in', i);
    })();
    while (got.length < total) {
      const now = new AbortController();
      const next = stream.next({ signal: now.signal });
      if (got.length % 3 === 0) setImmediate(() => now.abort(reason));
      else if (got.length % 3 === 1) queueMicrotask(() => queueMicrotask(() => now.abort(reason)));
      try {
        got.push((await next).value);
      } catch (error) {
        assert.strictEqual(error, reason);
        got.push((await stream.next()).value);
      }
    }
    await sending;
    assert.deepStrictEqual(got, Array.from({ length: total }, (_, i) => i));
    await net.close();
    assert.deepStrictEqual(await stream.next({ signal: new AbortController().signal }), { done: true, value: undefined });
  });
}

test('options that nobody knows, and signals that are none, are refused', async () => {
  const net = new Network().add('d', pass());
  const stream = net.stream('d.out');
  await net.start();
  const hint = { ...invalid, message: /did you mean 'signal'/ };
  await assert.rejects(net.send('d.in', 1, { singal: AbortSignal.abort() }), hint);
  await assert.rejects(net.send('d.in', 1, { timeout: 5 }), invalid);
  await assert.rejects(net.send('d.in', 1, 5), invalid);
  await assert.rejects(net.sendMany('d.in', [1], { singal: AbortSignal.abort() }), hint);
  await assert.rejects(stream.next({ singal: AbortSignal.abort() }), hint);
  await assert.rejects(net.idle({ singal: AbortSignal.abort() }), hint);
  await assert.rejects(net.drain({ timout: 5 }), invalid);
  await assert.rejects(net.stop({ timout: 5 }), invalid);
  assert.throws(() => net.trySend('d.in', 1, { signal: AbortSignal.abort() }), invalid);
  assert.throws(() => net.stream('d.out', { capcity: 5 }), { ...invalid, message: /did you mean 'capacity'/ });
  assert.throws(() => net.readable('d.out', { capcity: 5 }), invalid);
  assert.throws(() => net.writable('d.in', { highwatermark: 5 }), invalid);
  for (const signal of [5, 'abort', {}, null]) {
    await assert.rejects(net.send('d.in', 1, { signal }), invalid);
    await assert.rejects(stream.next({ signal }), invalid);
    await assert.rejects(net.idle({ signal }), invalid);
  }
  await net.drain(wait);
  assert.deepStrictEqual(await stream.next(), { done: true, value: undefined });
  await net.close();
});
