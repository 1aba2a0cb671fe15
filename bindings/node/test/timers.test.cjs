'use strict';
// Timers of actors, and room at their outports: in the forms whose calls the engine waits for, and refused in the others.
const test = require('node:test');
const assert = require('node:assert');
const { reflow, runProgram } = require('./support.cjs');
const { Network, actor } = reflow;

const turn = () => new Promise((resolve) => { setImmediate(resolve); });
const modes = [{}, { mode: 'hosted' }, { mode: 'inline' }, { mode: 'simulated' }];
const ports = { inports: ['in'], outports: ['out'] };

// The forms whose calls the engine waits for, at least for a while.
const forms = {
  plain: (body) => actor(ports, (ctx, value) => { body(ctx, value); }),
  promise: (body) => actor(ports, (ctx, value) => { body(ctx, value); return turn(); }),
  generator: (body) => actor(ports, function* run(ctx, value) { body(ctx, value); }),
  batch: (body) => actor({ ...ports, batch: true }, (ctx, values) => { body(ctx, values?.[0]); }),
  class: (body) => class {
    static inports = ['in'];
    static outports = ['out'];
    run(ctx, value) { body(ctx, value); }
  },
};

async function ran(options, kind, values = [1]) {
  const net = new Network(options).add('n', kind);
  await net.start();
  await net.sendMany('n.in', values);
  await net.idle({ timeout: 60000 });
  const letters = await net.deadLetters();
  await net.close();
  assert.deepStrictEqual(letters.map((letter) => letter.error), []);
}

for (const [form, make] of Object.entries(forms)) {
  test(`${form}: a timer has the actor called without a value`, async () => {
    for (const options of modes) {
      const seen = [];
      await ran(options, make((ctx, value) => {
        seen.push([value, ctx.timers]);
        if (value === 1) {
          ctx.setTimer(3, 1);
          ctx.setTimer(63, 5000);
          ctx.cancelTimer(63);
          ctx.cancelTimer(9);
        } else if (seen.length === 2) {
          ctx.wakeAfter(0.5);
        }
      }));
      assert.deepStrictEqual(seen, [[1, []], [undefined, [3]], [undefined, []]], JSON.stringify(options));
    }
  });

  test(`${form}: a timer with a period fires until it is cancelled`, async () => {
    for (const options of modes) {
      const seen = [];
      await ran(options, make((ctx, value) => {
        if (value === 1) ctx.setTimer(0, 0, { period: 1 });
        else if (seen.push(ctx.timers) === 3) ctx.cancelTimer(0);
      }));
      assert.deepStrictEqual(seen, [[0], [0], [0]], JSON.stringify(options));
    }
  });
}

test('times of a clock, which is the logical one in mode simulated', async () => {
  const seen = [];
  await ran({ mode: 'simulated' }, actor(ports, (ctx, value) => {
    if (value === 1) {
      assert.throws(() => ctx.setTimer(1, 0, { cron: '61 * * * *' }), { code: 'ERR_REFLOW_PARSE' });
      assert.throws(() => ctx.setTimer(1, 0, { cron: '@daily', zone: 'Europe/Nowhere' }), { code: 'ERR_REFLOW_NOT_FOUND' });
      ctx.setTimer(1, 0, { cron: '@hourly' });
    } else if (seen.push(Math.round(ctx.now / 3600e3)) === 3) {
      ctx.cancelTimer(1);
    }
  }));
  assert.deepStrictEqual(seen.map((hour) => hour - seen[0]), [0, 1, 2]);
});

test('what is no timer is refused, and says why', async () => {
  let late;
  await ran({}, actor(ports, (ctx) => {
    late = ctx;
    for (const [set, code, text] of [
      [() => ctx.setTimer(64, 1), 'LIMIT', /beyond the last one, 63/],
      [() => ctx.setTimer(-1, 1), 'INVALID_ARGUMENT', /the id of a timer is -1/],
      [() => ctx.setTimer('a', 1), 'INVALID_ARGUMENT', /the id of a timer is a/],
      [() => ctx.setTimer(1, -1), 'INVALID_ARGUMENT', /the delay of a timer is -1/],
      [() => ctx.setTimer(1, 0, { period: NaN }), 'INVALID_ARGUMENT', /the period of a timer is NaN/],
      [() => ctx.setTimer(1, 0, { peroid: 1 }), 'INVALID_ARGUMENT', /did you mean 'period'/],
      [() => ctx.setTimer(1, 0, { cron: 5 }), 'INVALID_ARGUMENT', /strings/],
      [() => ctx.cancelTimer(1.5), 'INVALID_ARGUMENT', /the id of a timer is 1.5/],
      [() => ctx.cancelTimer(64), 'LIMIT', /beyond the last one/],
      [() => ctx.wakeAfter(), 'INVALID_ARGUMENT', /the time to wait is undefined/],
      [() => ctx.room('uot'), 'NOT_FOUND', /did you mean 'out'/],
    ]) assert.throws(set, { code: `ERR_REFLOW_${code}`, message: text });
  }));
  for (const ask of [() => late.timers, () => late.setTimer(1, 1), () => late.wakeAfter(1), () => late.room('out')]) {
    assert.throws(ask, { code: 'ERR_REFLOW_CLOSED' });
  }
});

test('a firing that goes on after its call has none, and is told what it does instead', async () => {
  const inside = { code: 'ERR_REFLOW_INVALID_STATE', message: /inside of its calls only.*setTimeout.*await ctx.emit/ };
  const refused = (ctx) => {
    for (const ask of [() => ctx.timers, () => ctx.setTimer(1, 1), () => ctx.cancelTimer(1), () => ctx.wakeAfter(1),
      () => ctx.room('out')]) assert.throws(ask, inside);
  };
  let count = 0;
  const kinds = [
    actor(ports, async (ctx) => { refused(ctx); await turn(); refused(ctx); count++; }),
    actor(ports, async function* run(ctx) { await turn(); refused(ctx); count++; yield undefined; }),
    actor(ports, (ctx) => { ctx.room('out'); return turn().then(() => { refused(ctx); count++; }); }),
  ];
  for (const options of modes) for (const kind of kinds) await ran(options, kind);
  assert.strictEqual(count, modes.length * kinds.length);
});

test('outside of run there are no timers', async () => {
  const seen = [];
  const refused = (name, ctx) => {
    for (const ask of [() => ctx.timers, () => ctx.setTimer(1, 1), () => ctx.cancelTimer(1), () => ctx.wakeAfter(1)]) {
      assert.throws(ask, { code: 'ERR_REFLOW_INVALID_STATE', message: /are those of run/ });
    }
    seen.push(name);
  };
  const net = new Network().add('n', class Outside {
    static inports = ['in'];
    static outports = ['out'];
    setup(ctx) {
      refused('setup', ctx);
      assert.throws(() => ctx.room('out'), { code: 'ERR_REFLOW_INVALID_STATE' });
    }
    run() {}
    finish(ctx) { refused('finish', ctx); }
    teardown(ctx) { refused('teardown', ctx); }
  });
  await net.start();
  await net.drain();
  await net.close();
  assert.deepStrictEqual(seen, ['setup', 'finish', 'teardown']);
});

// A node with so much room behind it, and a sink that is asked once it has gone.
async function rooms(body, { capacity, options = {}, batch = false }) {
  const seen = [];
  const net = new Network(options);
  net.add('n', actor({ ...ports, batch }, (ctx, value) => body(ctx, value, seen)));
  net.add('sink', actor({ name: 'Sink', inports: [{ name: 'in', capacity }] }, () => {})).connect('n.out', 'sink.in');
  await net.start();
  return { net, seen };
}

test('room is what an outport takes beside what has been emitted already', async () => {
  for (const options of modes) {
    const { net, seen } = await rooms((ctx, value, all) => {
      all.push(ctx.room('out'), ctx.room('error'));
      ctx.emit('out', value);
      all.push(ctx.room('out'));
      for (let i = 0; i < 6000; i++) ctx.emit('out', i); // more than crosses at once
      all.push(ctx.room('out'));
      for (let i = 0; i < 3000; i++) ctx.emit('out', String(i));
      all.push(ctx.room('out'));
    }, { capacity: 8000, options });
    await net.send('n.in', 1);
    await net.idle({ timeout: 60000 });
    await net.close();
    assert.deepStrictEqual(seen, [8000, Infinity, 7999, 1999, 0], JSON.stringify(options));
  }
});

test('a source emits what there is room for, and rests by a timer', async () => {
  let next = 0;
  let most = 0;
  const source = actor({ outports: ['out'], source: true }, (ctx) => {
    for (let left = ctx.room('out'); left > 0 && next < 1000; left--) ctx.emit('out', next++);
    if (next === 1000) return;
    most = Math.max(most, ctx.room('out'));
    ctx.wakeAfter(0);
  });
  const seen = [];
  const net = new Network({ mode: 'inline' }).add('s', source);
  net.add('sink', actor({ name: 'Sink', inports: [{ name: 'in', capacity: 16 }] }, (ctx, value) => { seen.push(value); }));
  await net.connect('s.out', 'sink.in').start();
  await net.idle({ timeout: 60000 });
  await net.close();
  assert.deepStrictEqual([seen, most], [Array.from({ length: 1000 }, (_, i) => i), 0]);
});

test('a batch that fails has taken no room', async () => {
  const { net, seen } = await rooms((ctx, values, all) => {
    ctx.emit('out', 0);
    ctx.room('out');
    if (values.includes('bad')) throw new Error('bad');
    all.push([values.length, ctx.room('out') >= 98]); // one by one, and the one that failed has left nothing
  }, { capacity: 100, batch: true, options: { mode: 'inline' } });
  for (const value of [1, 'bad', 3]) net.trySend('n.in', value);
  await net.idle({ timeout: 60000 });
  await net.close();
  assert.deepStrictEqual(seen, [[1, true], [1, true]]);
});

test('finish has room', async () => {
  const seen = [];
  const net = new Network().add('n', class Ends {
    static inports = ['in'];
    static outports = ['out'];
    run() {}
    finish(ctx) {
      seen.push(ctx.room('out'));
      ctx.emit('out', 1);
      seen.push(ctx.room('out'), ctx.room('error'));
    }
  });
  net.add('sink', actor({ name: 'Sink', inports: [{ name: 'in', capacity: 5 }] }, () => {})).connect('n.out', 'sink.in');
  await net.start();
  await net.drain();
  await net.close();
  assert.deepStrictEqual(seen, [5, 4, Infinity]);
});

test('a timer that is set keeps the process', async () => {
  for (const mode of ['own', 'hosted']) {
    const { code, stdout } = await runProgram(`
      const net = new Network({ mode: '${mode}' });
      net.add('n', actor({ inports: ['in'] }, (ctx, value) => {
        if (value === undefined) console.log('fired', ctx.timers[0]);
        else ctx.setTimer(7, 100);
      }));
      net.start().then(() => net.send('n.in', 1));`);
    assert.deepStrictEqual([code, stdout], [0, 'fired 7\n'], mode);
  }
});
