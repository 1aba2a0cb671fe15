'use strict';
// Frame pools: frames that are written and read in their place, and how slots are let go of.
const test = require('node:test');
const assert = require('node:assert');
const { packageName, reflow, runProgram, until } = require('./support.cjs');
const { Frame, FramePool, FrameSlot, Network, actor } = reflow;

const idle = { timeout: 60000 };
const DISPOSE = Symbol.dispose ?? Symbol.for('nodejs.dispose');

test('frames are written by a copy or in their place, and read without one', () => {
  const net = new Network();
  const pool = net.framePool('camera', { slots: 3, frameSize: 10000 });
  assert.ok(pool instanceof FramePool);
  assert.deepStrictEqual(pool.info(), { slots: 3, frameSize: 10000, written: 0, held: 0 });
  assert.strictEqual(pool.latest(), undefined);
  const first = pool.write(Buffer.alloc(5000, 1));
  const slot = pool.begin();
  assert.ok(slot instanceof FrameSlot);
  assert.strictEqual(slot.buffer.length, 10000);
  slot.buffer.fill(2, 0, 7000);
  assert.strictEqual(pool.info().held, 1);
  assert.strictEqual(slot.commit(7000), slot.ticket);
  assert.strictEqual(slot.buffer.length, 0);
  assert.deepStrictEqual(pool.info(), { slots: 3, frameSize: 10000, written: 2, held: 0 });

  const frame = pool.read(first);
  assert.ok(frame instanceof Frame);
  assert.strictEqual(Buffer.compare(frame.bytes, Buffer.alloc(5000, 1)), 0);
  assert.strictEqual(pool.info().held, 1);
  // The same memory: what is written through one is seen through the other.
  const again = pool.read(first);
  again.bytes[0] = 77;
  assert.strictEqual(frame.bytes[0], 77);
  again.release();
  assert.strictEqual(again.bytes.length, 0);
  assert.strictEqual(frame.bytes[0], 77);
  frame[DISPOSE]();
  frame.release();
  assert.deepStrictEqual([frame.bytes.length, pool.info().held], [0, 0]);

  const newest = net.framePool('camera').latest();
  assert.strictEqual(newest.ticket, slot.ticket);
  assert.strictEqual(Buffer.compare(newest.bytes, Buffer.alloc(7000, 2)), 0);
  newest.release();
  for (const bytes of [new Float32Array([1.5, 2.5]), new Uint8Array([9, 8, 7]).buffer, new DataView(new ArrayBuffer(4), 1, 2),
    Buffer.alloc(0)]) {
    const read = pool.read(pool.write(bytes));
    const view = ArrayBuffer.isView(bytes) ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength) : new Uint8Array(bytes);
    assert.deepStrictEqual(new Uint8Array(read.bytes), new Uint8Array(view));
    read.release();
  }
  assert.strictEqual(pool.info().held, 0);
  return net.close();
});

test('a ticket names one frame, for as long as its slot has it', () => {
  const net = new Network();
  const pool = net.framePool('p', { slots: 2, frameSize: 16 });
  const old = pool.write(Buffer.from('old'));
  pool.write(Buffer.from('a'));
  const held = pool.read(pool.write(Buffer.from('b')));
  assert.throws(() => pool.read(old), { code: 'ERR_REFLOW_CLOSED', hint: /written again/ });
  for (let i = 0; i < 5; i++) pool.write(Buffer.from(`c${i}`)); // into the other slot
  assert.strictEqual(held.bytes.toString(), 'b');
  const other = pool.latest();
  assert.strictEqual(other.bytes.toString(), 'c4');
  assert.throws(() => pool.write(Buffer.from('d')), { code: 'ERR_REFLOW_WOULD_BLOCK', message: /all slots of pool 'p' are held/ });
  assert.throws(() => pool.begin(), { code: 'ERR_REFLOW_WOULD_BLOCK' });
  held.release();
  pool.write(Buffer.from('d'));
  other.release();
  return net.close();
});

test('slots that are abandoned, disposed or collected can be written again', { skip: typeof gc !== 'function' }, async () => {
  const net = new Network();
  const pool = net.framePool('p', { slots: 2, frameSize: 8192 });
  const slot = pool.begin();
  slot.abandon();
  slot.abandon();
  assert.strictEqual(slot.buffer.length, 0);
  assert.throws(() => slot.commit(), { code: 'ERR_REFLOW_CLOSED' });
  pool.begin()[DISPOSE]();
  const committed = pool.begin();
  committed.commit(1);
  committed[DISPOSE](); // has a frame already
  assert.throws(() => committed.commit(1), { code: 'ERR_REFLOW_CLOSED' });
  assert.deepStrictEqual(pool.info(), { slots: 2, frameSize: 8192, written: 1, held: 0 });

  (() => {
    pool.begin();
    pool.latest();
  })();
  assert.strictEqual(pool.info().held, 2);
  await until(() => { gc(); return pool.info().held === 0; }, 'the collection of frames');
  // The buffer alone holds the slot, too.
  let bytes = (() => pool.read(pool.write(Buffer.alloc(8192, 5))).bytes)();
  for (let i = 0; i < 5; i++) {
    gc();
    await new Promise((resolve) => { setImmediate(resolve); });
  }
  pool.write(Buffer.alloc(8192, 6));
  pool.write(Buffer.alloc(8192, 7));
  assert.strictEqual(bytes[8191], 5);
  assert.strictEqual(pool.info().held, 1);
  bytes = undefined;
  await until(() => { gc(); return pool.info().held === 0; }, 'the collection of a buffer');
  await net.close();
});

test('memory that was moved to another buffer stays', { skip: !ArrayBuffer.prototype.transfer && 'needs Node 21' }, async () => {
  const net = new Network();
  const pool = net.framePool('p', { slots: 2, frameSize: 8192 });
  const slot = pool.begin();
  const moved = slot.buffer.buffer.transfer();
  new Uint8Array(moved).fill(9);
  assert.throws(() => slot.commit(), { code: 'ERR_REFLOW_INVALID_STATE' });
  slot.abandon();
  assert.strictEqual(pool.info().held, 1);
  const frame = pool.read(pool.write(Buffer.alloc(8192, 4)));
  const also = frame.bytes.buffer.transfer();
  frame.release();
  assert.strictEqual(pool.info().held, 2);
  assert.throws(() => pool.write(Buffer.alloc(8192, 5)), { code: 'ERR_REFLOW_WOULD_BLOCK' });
  assert.deepStrictEqual([new Uint8Array(moved)[8191], new Uint8Array(also)[8191]], [9, 4]);
  await net.close();
});

test('frames outlive pool, name and network', async () => {
  const net = new Network();
  const pool = net.framePool('p', { frameSize: 5000 });
  const frame = pool.read(pool.write(Buffer.alloc(5000, 3)));
  const slot = pool.begin();
  net.removeFramePool('p');
  assert.throws(() => net.framePool('p'), { code: 'ERR_REFLOW_NOT_FOUND' });
  const other = net.framePool('p', { frameSize: 10 });
  assert.strictEqual(other.info().written, 0);
  await net.close();
  slot.buffer.fill(4);
  const ticket = slot.commit();
  assert.strictEqual(pool.read(ticket).bytes[4999], 4);
  pool.close();
  assert.throws(() => pool.latest(), { code: 'ERR_REFLOW_CLOSED' });
  assert.strictEqual(frame.bytes[4999], 3);
  assert.throws(() => net.framePool('p'), { code: 'ERR_REFLOW_CLOSED' });
});

test('actors hand tickets on, and frames travel as packets without a copy', async () => {
  const pool = { slots: 4, frameSize: 65536 };
  const net = new Network();
  net.add('writer', actor({ inports: ['in'], outports: ['ticket'] }, (ctx, value) => {
    const slot = ctx.framePool('frames', pool).begin();
    slot.buffer.fill(value);
    return { ticket: slot.commit() };
  }));
  net.add('reader', actor({ inports: ['ticket'], outports: ['frame'] }, async (ctx, ticket) => {
    const frame = ctx.framePool('frames').read(ticket);
    await ctx.emit('frame', frame.bytes);
    frame.release(); // the packet has it still
  }));
  net.connect('writer.ticket', 'reader.ticket');
  const frames = net.stream('reader.frame', { capacity: 16 });
  await net.start();
  const got = [];
  for (const value of [1, 2, 3]) {
    await net.send('writer.in', value);
    const bytes = (await frames.next()).value;
    assert.strictEqual(Buffer.compare(bytes, Buffer.alloc(65536, value)), 0);
    got.push(bytes);
    await net.idle(idle);
    assert.strictEqual(net.framePool('frames').info().held, got.length);
  }
  await net.close();
});

test('wrong sizes, tickets and frames are refused', () => {
  const net = new Network();
  assert.throws(() => net.framePool('none'), { code: 'ERR_REFLOW_NOT_FOUND' });
  assert.throws(() => net.framePool('p', {}), { code: 'ERR_REFLOW_INVALID_ARGUMENT' });
  assert.throws(() => net.framePool('p', { frameSize: 2 ** 31 }), { code: 'ERR_REFLOW_LIMIT' });
  assert.throws(() => net.framePool('p', { frameSize: 8, slot: 2 }), /did you mean 'slots'/);
  assert.throws(() => net.framePool(7, { frameSize: 8 }), { code: 'ERR_REFLOW_INVALID_ARGUMENT' });
  const pool = net.framePool('p', { frameSize: 8 });
  assert.throws(() => net.framePool('p', { frameSize: 9 }), { code: 'ERR_REFLOW_ALREADY_EXISTS' });
  assert.throws(() => pool.write('text'), { code: 'ERR_REFLOW_TYPE' });
  assert.throws(() => pool.write(Buffer.alloc(9)),
    { code: 'ERR_REFLOW_LIMIT', message: /a frame of 9 bytes is more than a slot of pool 'p' has/, hint: 'frameSize is 8' });
  for (const wrong of ['1', -1, 1.5, NaN, null, undefined, 2n ** 70n]) {
    assert.throws(() => pool.read(wrong), { code: 'ERR_REFLOW_INVALID_ARGUMENT' }, String(wrong));
  }
  assert.throws(() => pool.read(12345), { code: 'ERR_REFLOW_NOT_FOUND' });
  const slot = pool.begin();
  assert.throws(() => slot.commit(9), { code: 'ERR_REFLOW_LIMIT' });
  assert.throws(() => slot.commit(-1), { code: 'ERR_REFLOW_INVALID_ARGUMENT' });
  slot.buffer.write('still 8!');
  assert.strictEqual(pool.read(slot.commit()).bytes.toString(), 'still 8!');
  assert.throws(() => new Frame(), TypeError);
  return net.close();
});

test('a host without external buffers copies, and holds no slot', async () => {
  const program = `
    const net = new Network();
    const pool = net.framePool('p', { slots: 1, frameSize: 8192 });
    const slot = pool.begin();
    slot.buffer.fill(1);
    slot.commit();
    const frame = pool.latest();
    pool.write(Buffer.alloc(8192, 2));
    console.log(frame.bytes[8191], pool.latest().bytes[0], pool.info().held);
    frame.release();
    console.log(frame.bytes.length);
    pool.begin().abandon();
    console.log(pool.info().held);`;
  const { stdout, stderr } = await runProgram(program, { env: { REFLOW_NODE_COPY: '1' } });
  assert.strictEqual(stderr, '');
  assert.strictEqual(stdout, '1 2 0\n0\n0\n');
  assert.ok(packageName);
});
