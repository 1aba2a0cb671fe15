// Events: their order and content, bounds, filters, listeners and ends.
import test from 'node:test';
import assert from 'node:assert';
import { Network, ReflowError, actor } from 'reflow';
import support from './support.cjs';

const { runProgram, until } = support;

const pass = actor({ inports: ['in'], outports: ['out'] }, (ctx, value) => {
  if (value === 'bad') throw new RangeError('this one is bad');
  return { out: value };
});

const network = () => new Network().add('a', pass).add('b', pass).connect('a.out', 'b.in');

async function all(stream) {
  const events = [];
  for await (const event of stream) events.push(event);
  return events;
}

test('a network tells of its life, of messages and of failures, in order', async () => {
  const net = network();
  const events = all(net.events({ kinds: ['NetworkStarted', 'ActorStarted', 'MessageSent', 'ActorFailed', 'DeadLetter',
    'NetworkShutdown'] }));
  await net.start();
  await net.send('a.in', { text: 'x', n: 2n });
  await net.idle();
  await net.send('a.in', 'bad');
  await net.idle();
  await net.close();
  const told = await events;
  assert.strictEqual(told.at(0).kind, 'NetworkStarted');
  assert.strictEqual(told.at(-1).kind, 'NetworkShutdown');
  assert.ok(told.every((event, i) => i === 0 || event.sequence > told[i - 1].sequence));
  assert.ok(told.every((event) => event.missed === 0 && Math.abs(event.timestamp - Date.now()) < 60000));
  const sent = told.find((event) => event.kind === 'MessageSent');
  assert.deepStrictEqual(
    [sent.node, sent.port, sent.peer, sent.peerPort, sent.message],
    ['a', 'out', 'b', 'in', { text: 'x', n: 2 }]);
  const failed = told.find((event) => event.kind === 'ActorFailed');
  assert.strictEqual(failed.node, 'a');
  assert.match(failed.error, /this one is bad/);
  assert.match(failed.trace, /RangeError[^]*events\.test\.mjs/);
  const letter = told.find((event) => event.kind === 'DeadLetter');
  assert.deepStrictEqual([letter.node, letter.id], ['a', 1]);
});

test('only what is asked for comes: kinds and nodes', async () => {
  const net = network();
  const events = all(net.events({ kinds: 'ActorCompleted', nodes: 'b' }));
  await net.start();
  await net.sendMany('a.in', [1, 2, 3]);
  await net.idle();
  await net.close();
  const told = await events;
  assert.ok(told.length > 0);
  assert.ok(told.every((event) => event.kind === 'ActorCompleted' && event.node === 'b'));
  assert.strictEqual(told.reduce((sum, event) => sum + event.count, 0), 3);
});

test('a reader that is slow loses events and is told how many; nobody waits for it', async () => {
  const net = network();
  const stream = net.events({ kinds: 'MessageSent', capacity: 10 });
  await net.start();
  await net.sendMany('a.in', Array.from({ length: 5000 }, (_, i) => i));
  await net.idle();
  await net.send('a.in', 'last');
  await net.idle();
  const closing = net.close();
  const told = await all(stream);
  await closing;
  assert.ok(told.length <= 20, `${told.length}`);
  // a hears from outside, b from a: what is sent between nodes counts
  const lost = told.reduce((sum, event) => sum + event.missed, 0);
  assert.ok(stream.missed >= lost, `${stream.missed} and ${lost}`); // some behind the last that came
  assert.ok(told.length + stream.missed >= 5001 && told.length > 0);
});

test('listeners of a kind, once and off', async () => {
  const net = network();
  const seen = [];
  const failed = (event) => seen.push(event.error);
  net.on('ActorFailed', failed).once('NetworkStarted', (event) => seen.push(event.kind));
  const shutdown = new Promise((resolve) => { net.on('NetworkShutdown', resolve); });
  await net.start();
  await net.send('a.in', 'bad');
  await net.idle();
  await net.close();
  await shutdown;
  assert.strictEqual(seen[0], 'NetworkStarted');
  assert.strictEqual(seen.length, 2);
  assert.match(seen[1], /bad/);
  assert.strictEqual(net.off('ActorFailed', failed).listenerCount('ActorFailed'), 0);
  assert.throws(() => net.on('ActorFaild', failed), /did you mean 'ActorFailed'/);
});

test('a stream ends by close(), by leaving the loop, by its signal, and with the network', async () => {
  const net = network();
  const closed = net.events();
  const waiting = closed.next();
  closed.close();
  assert.deepStrictEqual(await waiting, { value: undefined, done: true });
  const controller = new AbortController();
  const aborted = net.events({ signal: controller.signal });
  const ended = aborted.next();
  controller.abort();
  assert.strictEqual((await ended).done, true);
  assert.throws(() => net.events({ signal: controller.signal }), { name: 'AbortError' });
  const left = net.events();
  await net.start();
  for await (const event of left) {
    assert.strictEqual(event.kind, 'NetworkStarted');
    break;
  }
  assert.strictEqual((await left.next()).done, true);
  await net.close();
  const never = network();
  const unread = all(never.events());
  await never.close();
  assert.deepStrictEqual(await unread, []);
});

test('wrong options are refused', () => {
  const net = network();
  for (const [options, text] of [
    [{ kind: 'x' }, /did you mean 'kinds'/], [{ kinds: ['ActorFailled'] }, /did you mean 'ActorFailed'/], [[], /object/],
  ]) {
    assert.throws(() => net.events(options), (error) => error instanceof ReflowError && text.test(error.message));
  }
});

test('what a full stream has lost is counted where it was lost, also at the end', async () => {
  for (let round = 0; round < 20; round++) {
    const net = network();
    const stream = net.events({ kinds: ['MessageSent', 'NetworkShutdown'], capacity: 4 });
    await net.start();
    await net.sendMany('a.in', Array.from({ length: 1000 }, (_, i) => i));
    await net.idle();
    await net.close();
    const told = await all(stream);
    assert.deepStrictEqual(told.slice(0, 4).map((event) => [event.message, event.missed]), [[0, 0], [1, 0], [2, 0], [3, 0]]);
    assert.strictEqual(told.length + stream.missed, 1001);
  }
});

test('a listener that throws takes no other event along', async () => {
  const { code, stdout, stderr } = await runProgram(`
    const told = [];
    process.on('uncaughtException', (error) => told.push(error.message));
    (async () => {
      const net = new Network({ mode: 'hosted', logLevel: 'trace', log: () => { throw new Error('log'); } });
      net.add('d', actor({ inports: ['in'] }, (ctx, value) => { throw new Error('actor'); }));
      let seen = 0;
      net.on('ActorFailed', () => { seen++; throw new Error('listener'); });
      await net.start();
      await net.sendMany('d.in', [1, 2, 3]);
      await net.idle();
      await net.close();
      setTimeout(() => console.log(seen, told.filter((text) => text === 'listener').length, told.includes('log')), 50);
    })();`);
  assert.strictEqual(code, 0, stderr);
  assert.strictEqual(stdout, '3 3 true\n');
});

test('what teardown throws is a warning of the log', async () => {
  // Also of a process that ends behind it.
  for (const mode of ['own', 'simulated']) {
    const { code, stderr } = await runProgram(`
      class Ends { static inports = ['in']; run() {} teardown() { throw new Error('still open'); } }
      const net = new Network({ mode: '${mode}' }).add('t', Ends);
      net.start().then(() => net.close());`);
    assert.strictEqual(code, 0, stderr);
    assert.match(stderr, /^WARN {2}t: teardown has failed: still open$/m);
  }
  for (const mode of ['own', 'inline', 'hosted']) {
    for (const promise of mode === 'own' ? [false, true] : [false]) {
      const lines = [];
      const net = new Network({ mode, log: (line) => lines.push(line) });
      net.add('t', class Ends {
        static inports = ['in'];

        run() {}

        teardown() {
          const error = new Error('still open');
          if (promise) return Promise.reject(error);
          throw error;
        }
      });
      await net.start();
      await net.close();
      await until(() => lines.length > 0, 'the warning');
      const { level, node, text } = lines[0];
      assert.deepStrictEqual([level, node, text], ['warn', 't', 'teardown has failed: still open']);
    }
  }
});

// What a network has done is told before its rest lets the process end. Many who ask beside it make the engine late to tell.
async function lastWords(others, asked, mode = 'own') {
  const { code, stdout, stderr } = await runProgram(`
    const { once } = require('node:events');
    const net = new Network({ mode: '${mode}', ${mode === 'own' ? 'workers: 1' : ''} });
    net.add('bad', actor({ name: 'Bad', inports: ['in'] }, async () => { throw new Error('no'); }));
    const others = Array.from({ length: ${others} }, () => net.events({ kinds: 'ActorFailed' }));
    ${asked}
    net.start().then(() => net.send('bad.in', 1)).then(() => { net.idle(); });
    failed.then(([event]) => { console.log(event.kind, event.node, others.length); });
  `);
  assert.strictEqual(code, 0, stderr);
  return stdout;
}

test('a process does not end before it is told what its network has done', async () => {
  const told = 'ActorFailed bad 2000\n';
  for (const mode of ['own', 'hosted', 'inline', 'simulated']) {
    assert.strictEqual(await lastWords(2000, "const failed = once(net, 'ActorFailed');", mode), told, mode);
  }
  // A listener that makes the network go on is told of that, too.
  assert.strictEqual(await lastWords(2000, `
    let left = 5;
    const failed = new Promise((resolve) => {
      net.on('ActorFailed', (event) => { if (left-- > 0) net.send('bad.in', left); else resolve([event]); });
    });`), told);
});

test('open streams do not keep a process whose network is at rest: full, sampled, filtered and closed ones', async () => {
  for (const options of ["{ kinds: 'ActorFailed', capacity: 1 }", "{ kinds: 'MessageReceived', sample: 100 }",
    "{ nodes: 'nobody' }", "{ kinds: 'NetworkShutdown' }"]) {
    for (const use of ['', 'stream.close();', 'setImmediate(() => stream.close());']) {
      for (const mode of ['own', 'inline']) {
        assert.strictEqual(await lastWords(0, `
          const stream = net.events(${options});
          ${use}
          for (const kind of ['NetworkShutdown', 'ActorStuck']) net.on(kind, () => {});
          const failed = once(net, 'ActorFailed');`, mode), 'ActorFailed bad 0\n', `${options} ${use} ${mode}`);
      }
    }
  }
});

test('a full stream does not count an end that it was not asked for', async () => {
  for (let seed = 0; seed < 20; seed++) {
    const net = new Network({ mode: 'simulated', seed });
    net.add('a', 'Map', { value: 'it' }).add('b', 'Map', { value: 'it' }).connect('a.out', 'b.in');
    const stream = net.events({ kinds: 'MessageSent', capacity: 1 });
    await net.start();
    await net.send('a.in', 1);
    while (net.counters('b').received < 1) net.turn(1);
    await net.close(); // and nobody has taken from it yet
    assert.deepStrictEqual((await all(stream)).map((event) => event.message), [1]);
    assert.strictEqual(stream.missed, 0, `seed ${seed}`);
  }
});

test('a stream ends when its network stops, and one that is opened then ends at once', async () => {
  const net = network();
  const events = all(net.events({ kinds: 'NetworkShutdown' }));
  const others = all(net.events({ kinds: 'ActorFailed' }));
  await net.start();
  await net.stop();
  assert.deepStrictEqual((await events).map((event) => event.kind), ['NetworkShutdown']);
  assert.deepStrictEqual(await others, []);
  assert.deepStrictEqual(await all(net.events()), []);
  await net.close();
});
