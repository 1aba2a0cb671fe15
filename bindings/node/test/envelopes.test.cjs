'use strict';
// Envelopes: what goes with a packet and is none of its content, and the elements of array ports.
const test = require('node:test');
const assert = require('node:assert');
const { reflow } = require('./support.cjs');
const { Network, actor } = reflow;

const full = {
  traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', deadlineMs: 4102444800123,
  correlation: 'order 7', sourceNetwork: 'n', sourceInstance: 'i', sourceActor: 'a', messageId: 'm1',
};

async function carrying(node, inputs, options = {}) {
  const net = new Network({ envelopes: true }).add('n', node);
  const out = net.stream('n.out', { envelopes: true });
  await net.start();
  for (const [value, envelope] of inputs) await net.send('n.in', value, envelope && { envelope });
  await net.drain({ timeout: 60000 });
  const seen = [];
  for await (const one of out) seen.push(one);
  await net.close();
  return seen;
}

test('an envelope goes with what a firing emits, and an actor sees it', async () => {
  const told = [];
  const sync = actor({ inports: ['in'], outports: ['out'] }, (ctx, value) => {
    told.push(ctx.envelope);
    return { out: value };
  });
  const later = actor({ inports: ['in'], outports: ['out'] }, async (ctx, value) => {
    told.push(ctx.envelope);
    return { out: value };
  });
  for (const node of [sync, later]) {
    told.length = 0;
    const seen = await carrying(node, [[1, full], [2], [3, { correlation: 'x' }]]);
    assert.deepStrictEqual(seen, [{ value: 1, envelope: full }, { value: 2, envelope: {} },
      { value: 3, envelope: { correlation: 'x' } }]);
    assert.deepStrictEqual(told, [full, undefined, { correlation: 'x' }]);
  }
});

test('an actor sets the envelope of what it emits from then on', async () => {
  const node = actor({ inports: ['in'], outports: ['out'] }, (ctx, value) => {
    ctx.emit('out', value);
    ctx.envelope = { correlation: 'second' };
    ctx.emit('out', value + 1);
    ctx.emit('out', value + 2);
    ctx.envelope = undefined;
    return { out: value + 3 };
  });
  const seen = await carrying(node, [[1, { correlation: 'first' }]]);
  assert.deepStrictEqual(seen.map(({ value, envelope }) => [value, envelope.correlation]),
    [[1, 'first'], [2, 'second'], [3, 'second'], [4, undefined]]);
});

test('a firing that goes on after its call sets it, too', async () => {
  let kept;
  const node = actor({ inports: ['in'], outports: ['out'] }, async (ctx, value) => {
    kept = ctx;
    ctx.emit('out', value);
    await null;
    ctx.envelope = { correlation: 'second' };
    assert.deepStrictEqual(ctx.envelope, { correlation: 'second' });
    for (let i = 1; i < 600; i++) await ctx.emit('out', value + i); // more than wait in a firing
    ctx.envelope = undefined;
    return { out: value + 600 };
  });
  const seen = await carrying(node, [[1, { correlation: 'first' }]]);
  assert.deepStrictEqual(seen.map(({ value }) => value), Array.from({ length: 601 }, (_, i) => i + 1));
  assert.deepStrictEqual(seen.map(({ envelope }) => envelope.correlation),
    ['first', ...Array(599).fill('second'), undefined]);
  assert.throws(() => { kept.envelope = undefined; }, { code: 'ERR_REFLOW_CLOSED' });
});

test('bad envelopes are refused with the field and the limit', async () => {
  const net = new Network({ envelopes: true }).add('n', actor({ inports: ['in'] }, () => {}));
  await net.start();
  for (const [envelope, code, message] of [
    ['text', 'ERR_REFLOW_INVALID_ARGUMENT', /envelope/],
    [{ correlation: 7 }, 'ERR_REFLOW_INVALID_ARGUMENT', /correlation/],
    [{ correlation: 'x'.repeat(257) }, 'ERR_REFLOW_LIMIT', /257 .*256/],
    [{ traceId: 'xyz' }, 'ERR_REFLOW_INVALID_ARGUMENT', /traceId.*32/],
    [{ spanId: 'B7AD6B7169203331' }, 'ERR_REFLOW_INVALID_ARGUMENT', /spanId/],
    [{ deadlineMs: 1.5 }, 'ERR_REFLOW_INVALID_ARGUMENT', /deadlineMs/],
  ]) {
    await assert.rejects(net.send('n.in', 1, { envelope }), (error) => {
      assert.strictEqual(error.code, code);
      assert.match(error.message, message);
      return true;
    });
  }
  await net.close();
  const plain = new Network().add('n', actor({ inports: ['in'] }, () => {}));
  await plain.start();
  await assert.rejects(plain.send('n.in', 1, { envelope: full }), { code: 'ERR_REFLOW_INVALID_STATE' });
  await plain.close();
});

test('what waits for room keeps its envelope and its order', async () => {
  const net = new Network({ envelopes: true, portCapacity: 2 });
  net.add('n', actor({ inports: ['in'], outports: ['out'] }, (ctx, value) => ({ out: value })));
  const out = net.stream('n.out', { envelopes: true });
  await net.start();
  const sent = [];
  for (let i = 0; i < 50; i++) sent.push(net.send('n.in', i, i % 3 === 0 ? { envelope: { correlation: `c${i}` } } : undefined));
  for (let i = 0; i < 50; i++) {
    const { value, envelope } = (await out.next()).value;
    assert.deepStrictEqual([value, envelope], [i, i % 3 === 0 ? { correlation: `c${i}` } : {}]);
  }
  await Promise.all(sent);
  await net.close();
});

test('an actor is told the element of an array port', async () => {
  const net = new Network();
  const pass = actor({ inports: ['in'], outports: ['out'] }, (ctx, value) => ({ out: value }));
  const indexed = [
    ['one', actor({ inports: [{ name: 'in', array: true }], outports: ['out'] },
      (ctx, value) => ({ out: [ctx.index, value] }))],
    ['later', actor({ inports: [{ name: 'in', array: true }], outports: ['out'] },
      async (ctx, value) => ({ out: [ctx.index, value] }))],
    ['batch', actor({ inports: [{ name: 'in', array: true }], outports: ['out'], batch: true },
      (ctx, values) => ({ out: values.map((value, i) => [ctx.indexes[i], value]) }))],
  ];
  net.add('a', pass).add('b', pass);
  const streams = [];
  for (const [id, node] of indexed) {
    net.add(id, node).connect('a.out', `${id}.in[0]`).connect('b.out', `${id}.in[7]`);
    streams.push(net.stream(`${id}.out`));
  }
  await net.start();
  for (const [to, value] of [['a', 'x'], ['b', 'y']]) {
    await net.send(`${to}.in`, value);
    await net.idle({ timeout: 60000 });
  }
  for (const [id] of indexed) await net.send(`${id}.in`, 'z');
  for (const stream of streams) {
    const seen = [];
    for (let i = 0; i < 3; i++) seen.push((await stream.next()).value);
    assert.deepStrictEqual(seen, [[0, 'x'], [7, 'y'], [null, 'z']]);
  }
  await net.close();
});

test('a signal is undefined as a packet, and a value of its own inside of others', async () => {
  const seen = [];
  const net = new Network().add('n', actor({ inports: ['in'], outports: ['out'] }, (ctx, value) => {
    seen.push(value);
    return { out: [reflow.flow, value] };
  }));
  const out = net.stream('n.out');
  await net.start();
  await net.send('n.in', reflow.flow);
  await net.send('n.in', [undefined, reflow.flow, { a: undefined, b: reflow.flow }]);
  await net.idle({ timeout: 60000 });
  assert.strictEqual(seen[0], undefined);
  assert.strictEqual(seen[1][0], null);
  assert.deepStrictEqual([seen[1][1].kind, Object.keys(seen[1][2]), seen[1][2].b.kind], ['Flow', ['b'], 'Flow']);
  assert.strictEqual((await out.next()).value[0].kind, 'Flow');
  await net.close();
});

test('keys that no envelope has are refused, wherever one is given', async () => {
  const wrong = { code: 'ERR_REFLOW_INVALID_ARGUMENT', message: /an envelope has no 'corelation'/, hint: /correlation/ };
  const errors = [];
  const net = new Network({ envelopes: true })
    .add('n', actor({ inports: ['in'], outports: ['out'] }, (ctx, value) => {
      try {
        ctx.envelope = { corelation: 'x' };
      } catch (error) {
        errors.push(error);
      }
      return { out: value };
    }));
  await net.start();
  await assert.rejects(net.send('n.in', 1, { envelope: { corelation: 'x' } }), wrong);
  await net.send('n.in', 1, { envelope: { correlation: 'x' } });
  await net.idle({ timeout: 60000 });
  assert.strictEqual(errors.length, 1);
  assert.throws(() => { throw errors[0]; }, wrong);
  await net.close();
});
