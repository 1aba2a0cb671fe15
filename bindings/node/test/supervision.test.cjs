'use strict';
// What the engine does about failures, with actors in JavaScript: attempts, restarts, fallbacks, and callbacks
// that do not return.
const test = require('node:test');
const assert = require('node:assert');
const { reflow, until } = require('./support.cjs');
const { Network, actor } = reflow;

async function withSink(add) {
  const seen = [];
  const net = new Network({ watchdogMs: 40 });
  add(net);
  net.add('sink', actor({ inports: ['in'] }, (ctx, v) => { seen.push(v); })).connect('a.out', 'sink.in');
  return { net, seen };
}

test('a firing that fails is tried again, synchronous or not', async () => {
  for (const wrap of [(body) => body, (body) => async (ctx, v) => body(ctx, v)]) {
    let calls = 0;
    const { net, seen } = await withSink((to) => to.add('a',
      actor({ inports: ['in'], outports: ['out'] }, wrap((ctx, v) => {
        if (++calls < 3) throw new Error('not yet');
        return { out: v };
      })), { failure: { retries: 5, backoff_ms: 1 } }));
    await net.start();
    await net.send('a.in', 'x');
    await net.idle({ timeout: 10000 });
    assert.deepStrictEqual([calls, seen], [3, ['x']]);
    assert.strictEqual(net.report().a.failed, 0);
    await net.close();
  }
});

test('a node that restarts has a new instance, and the old one is torn down', async () => {
  const life = [];
  class Fragile {
    static inports = ['in'];
    static outports = ['out'];
    constructor() { life.push('new'); this.count = 0; }
    setup() { life.push('setup'); }
    run(ctx, value) {
      this.count++;
      if (value === 'bad') throw new Error('bad');
      return { out: this.count };
    }
    teardown() { life.push('teardown'); }
  }
  const { net, seen } = await withSink((to) => to.add('a', Fragile,
    { failure: { then: 'restart', restarts: 3, within_ms: 60000 } }));
  await net.start();
  for (const value of ['good', 'good', 'bad', 'good']) {
    await net.send('a.in', value);
    await net.idle({ timeout: 10000 });
  }
  assert.deepStrictEqual(seen, [1, 2, 1]);
  await net.close();
  assert.deepStrictEqual(life, ['new', 'setup', 'teardown', 'new', 'setup', 'teardown']);
});

test('a fallback stands in for what fails', async () => {
  const { net, seen } = await withSink((to) => to.add('a',
    actor({ inports: ['in'], outports: ['out'] }, async () => { throw new Error('never'); }),
    { failure: { fallback: { value: 'instead', port: 'out' } } }));
  await net.start();
  await net.sendMany('a.in', [1, 2]);
  await net.idle({ timeout: 10000 });
  assert.deepStrictEqual(seen, ['instead', 'instead']);
  await net.close();
});

test('an actor that does not return is named', async () => {
  const stuck = [];
  const net = new Network({ watchdogMs: 40 });
  net.add('loop', actor({ inports: ['in'] }, () => {
    const until = Date.now() + 400;
    while (Date.now() < until);
  }));
  const events = net.events({ kinds: ['ActorStuck'] });
  (async () => { for await (const event of events) stuck.push(event.node); })();
  await net.start();
  await net.send('loop.in', 1);
  await net.idle({ timeout: 10000 });
  await until(() => stuck.length > 0, 'the event');
  assert.deepStrictEqual(stuck, ['loop']);
  await net.close();
});

test('an asynchronous actor that blocks the loop is named', async () => {
  for (const mode of ['own', 'hosted']) {
    const stuck = [];
    const net = new Network({ mode, watchdogMs: 40 });
    const told = () => Object.values(net.metrics().nodes).reduce((sum, node) => sum + node.stuck, 0);
    let expected = 0;
    const block = (value) => {
      if (value !== 'block') return;
      expected++;
      const until = Date.now() + 60000;
      while (told() < expected && Date.now() < until);
    };
    net.add('at once', actor({ inports: ['in'] }, async (ctx, value) => block(value)))
      .add('later', actor({ inports: ['in'] }, async (ctx, value) => {
        await new Promise((resolve) => { setImmediate(resolve); });
        block(value);
      }))
      .add('promise', actor({ inports: ['in'] }, (ctx, value) => new Promise((resolve) => {
        setImmediate(resolve);
      }).then(() => block(value))))
      .add('free', actor({ inports: ['in'] }, async () => {}), { firing: { watchdog_ms: 0 } });
    const events = net.events({ kinds: ['ActorStuck'] });
    (async () => { for await (const event of events) stuck.push(event.node); })();
    await net.start();
    for (const node of ['at once', 'later', 'promise']) {
      stuck.length = 0;
      await net.send('free.in', 1);
      await net.send(`${node}.in`, 'block');
      await net.idle({ timeout: 60000 });
      await until(() => stuck.length > 0, 'the event');
      assert.deepStrictEqual([...new Set(stuck)], [node]);
    }
    await net.close();
  }
});

test('a failure that nobody takes stops the network', async () => {
  const net = new Network();
  net.add('a', actor({ inports: ['in'] }, () => { throw new Error('end'); }),
    { failure: { then: 'escalate' } });
  await net.start();
  await net.send('a.in', 1);
  await until(() => net.state === 'stopped', 'the stop');
  await assert.rejects(net.send('a.in', 2), { code: 'ERR_REFLOW_CLOSED' });
  await net.close();
});
