'use strict';
// What a firing asks beside its packets: attempts, the time, its deadline, what is connected; and what it logs and
// prints. In functions that end with their call, in those that go on, and in setup and finish.
const test = require('node:test');
const assert = require('node:assert');
const { reflow } = require('./support.cjs');
const { Network, actor } = reflow;

const turn = () => new Promise((resolve) => { setImmediate(resolve); });
const modes = [{}, { mode: 'hosted' }, { mode: 'inline' }, { mode: 'simulated' }];

// The forms in which a function may answer.
const forms = {
  plain: (look) => (ctx, value) => { look(ctx, value); },
  promise: (look) => (ctx, value) => { look(ctx, value); return turn().then(() => look(ctx, value)); },
  async: (look) => async (ctx, value) => { look(ctx, value); await turn(); look(ctx, value); },
  generator: (look) => function* (ctx, value) { look(ctx, value); yield undefined; look(ctx, value); },
  class: (look) => class {
    static inports = ['in'];
    static outports = ['out', 'other'];
    run(ctx, value) { look(ctx, value); }
  },
};

function network(options, form, look, config) {
  const body = forms[form](look);
  const kind = form === 'class' ? body : actor({ inports: ['in'], outports: ['out', 'other'] }, body);
  return new Network(options).add('n', kind, config).add('log', 'Log').connect('n.other', 'log.in');
}

for (const form of Object.keys(forms)) {
  test(`${form}: attempts that have failed before`, async () => {
    for (const options of modes) {
      const seen = [];
      const net = network(options, form, (ctx) => {
        if (seen.at(-1) !== ctx.attempts) seen.push(ctx.attempts);
        if (ctx.attempts < 2) throw new Error('not yet');
      }, { failure: { retries: 3 } });
      await net.start();
      await net.send('n.in', 1);
      await net.idle({ timeout: 60000 });
      await net.close();
      assert.deepStrictEqual(seen, [0, 1, 2], JSON.stringify(options));
    }
  });

  test(`${form}: what is connected`, async () => {
    for (const options of modes) {
      const seen = [];
      const net = network(options, form, (ctx) => {
        seen.push(['out', 'other', 'error'].map((port) => ctx.connected(port)));
        assert.throws(() => ctx.connected('othre'), { code: 'ERR_REFLOW_NOT_FOUND', message: /did you mean 'other'/ });
      });
      await net.start();
      await net.send('n.in', 1);
      await net.idle({ timeout: 60000 });
      const letters = await net.deadLetters();
      await net.close();
      assert.deepStrictEqual([letters, seen[0], seen.at(-1)], [[], [false, true, false], [false, true, false]]);
    }
  });

  test(`${form}: lines of the log, and what is printed`, async () => {
    const lines = [];
    const printed = [];
    const options = { log: (line) => lines.push(line), logLevel: 'debug', print: (text, node) => printed.push([text, node]) };
    const net = network(options, form, (ctx, value) => {
      ctx.log('warn', `w${value}`);
      ctx.log('debug', 'd');
      ctx.log('trace', 'nobody wants this');
      ctx.print(`p${value}\n`);
      assert.throws(() => ctx.log('wran', 'x'), { code: 'ERR_REFLOW_INVALID_ARGUMENT', message: /did you mean 'warn'/ });
      assert.throws(() => ctx.print(5), { code: 'ERR_REFLOW_INVALID_ARGUMENT' });
    });
    await net.start();
    await net.send('n.in', 7);
    await net.idle({ timeout: 60000 });
    assert.deepStrictEqual(await net.deadLetters(), []);
    await net.close();
    const mine = lines.filter((line) => line.node === 'n');
    assert.deepStrictEqual(mine.slice(0, 2).map(({ level, text }) => [level, text]), [['warn', 'w7'], ['debug', 'd']]);
    assert.ok(mine.every((line) => line.subsystem && line.level !== 'trace'));
    assert.deepStrictEqual(printed[0], ['p7\n', 'n']);
  });
}

test('the time goes on, and a deadline is on its clock', async () => {
  for (const options of [{}, { mode: 'hosted' }]) {
    const seen = [];
    const kind = actor({ inports: ['in'], timeout: 60000 }, async (ctx) => {
      const around = [performance.now()];
      const before = ctx.now;
      around.push(performance.now());
      while (performance.now() - around[1] < 20) await turn();
      around.push(performance.now());
      const passed = ctx.now - before;
      around.push(performance.now());
      seen.push([passed, around[2] - around[1], around[3] - around[0], ctx.deadline - before]);
    });
    const net = new Network(options).add('n', kind);
    await net.start();
    await net.send('n.in', 1);
    await net.idle({ timeout: 60000 });
    await net.close();
    const [[passed, least, most, left]] = seen;
    assert.ok(passed >= least - 0.01 && passed <= most + 0.01, `${passed} of ${least} to ${most}`);
    assert.ok(left > 30000 && left <= 60000, `${left}`);
  }
});

test('without a limit there is no deadline; with an envelope that has one there is', async () => {
  const seen = [];
  const kind = actor({ inports: ['in'] }, (ctx) => { seen.push([ctx.deadline, ctx.now]); });
  const net = new Network({ envelopes: true }).add('n', kind);
  await net.start();
  await net.send('n.in', 1);
  await net.idle({ timeout: 60000 });
  await net.send('n.in', 2, { envelope: { deadlineMs: Date.now() + 60000 } });
  await net.idle({ timeout: 60000 });
  await net.close();
  assert.strictEqual(seen[0][0], null);
  assert.ok(seen[1][0] - seen[1][1] > 30000 && seen[1][0] - seen[1][1] <= 60001, `${seen[1]}`);
});

test('in mode simulated the clock is that of the simulation', async () => {
  const seen = [];
  const kind = actor({ inports: ['in'] }, (ctx) => { seen.push(ctx.now); });
  const net = new Network({ mode: 'simulated', seed: 1 }).add('w', 'Delay', { ms: 86400000 }).add('n', kind)
    .connect('w.out', 'n.in').add('m', kind);
  await net.start();
  await net.send('m.in', 1);
  await net.send('w.in', 1);
  await net.idle({ timeout: 60000 });
  await net.close();
  assert.ok(seen[1] - seen[0] >= 86400000, `${seen}`);
});

test('setup, finish and teardown ask and tell, too', async () => {
  const seen = [];
  const lines = [];
  class Node {
    static inports = ['in'];
    static outports = ['out'];
    setup(ctx) { this.#look(ctx, 'setup'); }
    run(ctx) { this.#look(ctx, 'run'); }
    finish(ctx) { this.#look(ctx, 'finish'); }
    teardown(ctx) { this.#look(ctx, 'teardown'); }
    #look(ctx, name) {
      ctx.log('info', name);
      seen.push([name, ctx.attempts, ctx.now > 0, ctx.deadline, ctx.connected('out')]);
    }
  }
  const net = new Network({ log: (line) => lines.push(line.text) }).add('n', Node);
  await net.start();
  await net.send('n.in', 1);
  await net.drain({ timeout: 60000 });
  await net.close();
  assert.deepStrictEqual(seen, ['setup', 'run', 'finish', 'teardown'].map((name) => [name, 0, true, null, false]));
  assert.deepStrictEqual(lines.filter((text) => seen.some(([name]) => name === text)), seen.map(([name]) => name));
});

test('after the end of a firing there is nobody to ask, and the log is still there', async () => {
  const lines = [];
  for (const body of [(ctx) => { kept.push(ctx); }, async (ctx) => { kept.push(ctx); }]) {
    const net = new Network({ log: (line) => lines.push(line.text) }).add('n', actor({ inports: ['in'] }, body));
    const kept_ = kept.length;
    await net.start();
    await net.send('n.in', 1);
    await net.idle({ timeout: 60000 });
    const ctx = kept[kept_];
    for (const ask of [() => ctx.attempts, () => ctx.now, () => ctx.deadline, () => ctx.connected('error')]) {
      assert.throws(ask, { code: 'ERR_REFLOW_CLOSED' });
    }
    ctx.log('warn', 'late');
    await turn();
    await net.close();
  }
  assert.deepStrictEqual(lines.filter((text) => text === 'late'), ['late', 'late']);
});

const kept = [];
