'use strict';
// How programs end: by themselves when nothing goes on, and in the middle of everything.
const test = require('node:test');
const assert = require('node:assert');
const path = require('node:path');
const { packageName, runProgram } = require('./support.cjs');

// An endless source into a slow and a fast actor: traffic that never ends by itself.
const TRAFFIC = `
  let seen = 0;
  const traffic = () => {
    const net = new Network();
    net.add('s', actor({ outports: ['out'] }, function* source() { for (let i = 0; ; i++) yield { out: i }; }))
      .add('d', actor({ inports: ['in'], outports: ['out'] }, (ctx, v) => ({ out: v })))
      .add('k', actor({ inports: ['in'] }, (ctx, v) => { seen++; hook(v); }))
      .connect('s.out', 'd.in').connect('d.out', 'k.in');
    return net;
  };
  let hook = () => {};
`;

async function ends(source, { code = 0, stdout, options } = {}) {
  const began = Date.now();
  const result = await runProgram(source, options);
  assert.strictEqual(result.signal, null, `${result.signal} ${result.stderr}`);
  assert.strictEqual(result.code, code, result.stderr);
  if (stdout !== undefined) assert.strictEqual(result.stdout.trim(), stdout);
  return { ...result, took: Date.now() - began };
}

test('a program that requires the package ends', async () => {
  await ends('');
});

test('a program ends by itself when its network is idle, without close', async () => {
  await ends(`
    const net = new Network();
    net.add('a', actor({ inports: ['in'] }, (ctx, value) => { console.log('got', value); }));
    net.start().then(() => net.send('a.in', 1));`, { stdout: 'got 1' });
});

test('what was sent is worked off before the end', async () => {
  await ends(`
    let n = 0;
    const net = new Network();
    net.add('a', actor({ inports: ['in'], maxConcurrency: 8 }, async () => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      if (++n === 100) console.log('all');
    }));
    net.start().then(() => net.sendMany('a.in', Array(100).fill(0)));`, { stdout: 'all' });
});

test('a stream that nobody feeds does not keep the process', async () => {
  await ends(`
    const net = new Network();
    net.add('a', actor({ inports: ['in'], outports: ['out'] }, (ctx, value) => ({ out: value })));
    const stream = net.stream('a.out');
    (async () => { for await (const v of stream) console.log(v); })();
    net.start().then(() => net.send('a.in', 5));`, { stdout: '5' });
});

test('a process that exits in the middle of traffic', async () => {
  await ends(`${TRAFFIC}
    hook = () => { if (seen === 1) setTimeout(() => { console.log(seen > 0); process.exit(3); }, 50); };
    traffic().start();`,
  { code: 3, stdout: 'true' });
});

test('process.exit in an actor, in setup, in teardown, in an asynchronous actor', async () => {
  await ends(`${TRAFFIC} hook = () => { if (seen > 5000) process.exit(4); }; traffic().start();`, { code: 4 });
  for (const method of ['setup', 'teardown']) {
    await ends(`
      class A { static inports = ['in']; run() {} ${method}() { process.exit(5); } }
      const net = new Network();
      net.add('a', A).initial('a.in', 1);
      net.start().then(() => net.close());`, { code: 5 });
  }
  await ends(`
    const net = new Network();
    net.add('a', actor({ inports: ['in'] }, async () => { await null; process.exit(6); })).initial('a.in', 1);
    net.start();`, { code: 6 });
});

test('an exception that nobody catches ends the process in the middle of traffic', async () => {
  const { stderr } = await ends(`${TRAFFIC}
    traffic().start().then(() => setTimeout(() => { throw new Error('fatal'); }, 20));`, { code: 1 });
  assert.match(stderr, /fatal/);
});

test('a signal ends the process', async () => {
  const result = await runProgram(`${TRAFFIC}
    traffic().start().then(() => setTimeout(() => process.kill(process.pid, 'SIGTERM'), 20));`);
  assert.strictEqual(result.signal, 'SIGTERM');
});

test('close in an actor, and in the middle of traffic', async () => {
  await ends(`${TRAFFIC}
    const net = traffic();
    hook = () => { if (seen === 3000) net.close().then(() => console.log('closed')); };
    net.start();`, { stdout: 'closed' });
  await ends(`${TRAFFIC}
    const net = traffic();
    net.start().then(() => new Promise((resolve) => setTimeout(resolve, 20))).then(() => net.close())
      .then(() => console.log('closed', net.state));`, { stdout: 'closed stopped' });
});

test('close while a setup waits: its signal tells', async () => {
  await ends(`
    class Slow {
      static inports = ['in'];
      setup(ctx) { return new Promise((resolve, reject) => {
        ctx.signal.addEventListener('abort', () => reject(ctx.signal.reason));
        queueMicrotask(() => net.close().then(() => console.log('closed')));
      }); }
      run() {}
    }
    const net = new Network();
    net.add('a', Slow).initial('a.in', 1);
    net.start().catch((error) => console.log(error.cause.code));`, { stdout: 'ERR_REFLOW_CANCELLED\nclosed' });
});

test('exit while senders wait, streams are read and firings are pending', async () => {
  await ends(`
    const net = new Network({ portCapacity: 4 });
    net.add('never', actor({ inports: ['in'], outports: ['out'] }, () => new Promise(() => {})));
    const stream = net.stream('never.out');
    net.start().then(async () => {
      for (let i = 0; i < 20; i++) net.send('never.in', i).catch(() => {});
      stream.next();
      net.idle().catch(() => {});
      setTimeout(() => process.exit(7), 20);
    });`, { code: 7 });
});

test('many networks one after the other, without close, are collected', async () => {
  await ends(`
    (async () => {
      for (let i = 0; i < 50; i++) {
        const net = new Network();
        net.add('a', actor({ inports: ['in'] }, () => {}));
        await net.start();
        await net.send('a.in', 1);
        await net.idle();
      }
      const { handles } = require(${JSON.stringify(path.join(path.dirname(packageName), 'binding.cjs'))});
      for (let i = 0; i < 200 && handles().networks > 2; i++) {
        global.gc();
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      console.log(handles().networks <= 2);
    })();`, { stdout: 'true', options: { args: ['--expose-gc'] } });
});

test('networks that were closed are collected without work for other threads', async () => {
  await ends(`
    const { handles } = require(${JSON.stringify(path.join(path.dirname(packageName), 'binding.cjs'))});
    (async () => {
      const kept = [];
      for (let i = 0; i < 60; i++) {
        const net = new Network({ workers: 1 });
        net.add('a', actor({ inports: ['in'] }, () => {}));
        await net.start();
        await net.close();
        kept.push(net);
      }
      const before = handles();
      kept.length = 0;
      for (let i = 0; i < 200 && handles().networks > 2; i++) {
        global.gc();
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      const after = handles();
      // A look behind a close may be over when its network is collected, and two may be left.
      console.log(before.networks > 50, after.networks <= 2, after.helped - before.helped < 5);
    })();`, { stdout: 'true true true', options: { args: ['--expose-gc'] } });
});

test('a network that works is not collected though nobody looks at it', async () => {
  await ends(`
    let n = 0;
    (() => {
      const net = new Network();
      net.add('a', actor({ outports: ['out'] }, async function* ticks() {
        for (let i = 0; i < 20; i++) {
          await new Promise((resolve) => setTimeout(resolve, 2));
          global.gc();
          yield { out: i };
        }
      })).add('b', actor({ inports: ['in'] }, () => { if (++n === 20) console.log('all'); }))
        .connect('a.out', 'b.in');
      net.start();
    })();`, { stdout: 'all', options: { args: ['--expose-gc'] } });
});

test('100 networks in parallel', async () => {
  await ends(`
    const one = async (k) => {
      const net = new Network({ workers: 1 });
      let sum = 0;
      net.add('d', actor({ inports: ['in'], outports: ['out'] }, (ctx, v) => ({ out: v * k })))
        .add('s', actor({ inports: ['in'] }, (ctx, v) => { sum += v; })).connect('d.out', 's.in');
      await net.start();
      await net.sendMany('d.in', Array.from({ length: 1000 }, (_, i) => i));
      await net.idle();
      await net.close();
      return sum === 499500 * k;
    };
    Promise.all(Array.from({ length: 100 }, (_, k) => one(k))).then((all) => console.log(all.every(Boolean)));`,
  { stdout: 'true' });
});
