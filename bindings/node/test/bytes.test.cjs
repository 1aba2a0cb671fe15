'use strict';
// Streams of bytes beside the ports: written and read by the program and by actors, with back-pressure, errors
// and observers, and across a link.
const test = require('node:test');
const assert = require('node:assert');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { Readable } = require('node:stream');
const { pipeline } = require('node:stream/promises');
const { reflow, runProgram, until } = require('./support.cjs');
const { Network, Peer, actor } = reflow;

// Bytes that tell where they stand: number i of it is i * 7 modulo 251.
function pattern(size) {
  return Buffer.from(Uint8Array.from({ length: size }, (_, i) => (i * 7) % 251));
}

const collect = () => actor({ inports: ['in'], outports: ['out'] }, async (ctx, stream) => {
  const reader = ctx.acceptStream(stream);
  return { out: { begin: { ...reader.begin }, bytes: await reader.collect() } };
});

async function started(node, options) {
  const net = new Network(options).add('n', node);
  const out = net.stream('n.out');
  await net.start();
  return { net, out, next: async () => (await out.next()).value };
}

test('what a program writes an actor reads, frame by frame', async () => {
  const frames = actor({ inports: ['in'], outports: ['out'] }, async function* (ctx, stream) {
    for await (const frame of ctx.acceptStream(stream)) yield { out: frame.toString() };
  });
  const { net, next } = await started(frames);
  const writer = net.openStream({ contentType: 'text/plain' });
  await net.send('n.in', writer.handle);
  for (const text of ['a', 'bc', 'd']) await writer.write(text);
  await writer.end();
  assert.deepStrictEqual([await next(), await next(), await next()], ['a', 'bc', 'd']);
  await net.idle({ timeout: 60000 });
  await assert.rejects(writer.write('late'), { code: 'ERR_REFLOW_CLOSED' });
  await net.close();
});

test('what the stream begins with: type, size and metadata', async () => {
  const { net, next } = await started(collect());
  const writer = net.openStream({ contentType: 'text/csv', sizeHint: 3, metadata: { rows: [1, 2] } });
  await net.send('n.in', writer.handle);
  await writer.from(['x', Buffer.from('yz')]);
  const { begin, bytes } = await next();
  assert.deepStrictEqual(begin, { contentType: 'text/csv', sizeHint: 3, metadata: { rows: [1, 2] } });
  assert.strictEqual(bytes.toString(), 'xyz');
  await net.close();
});

test('a writer waits while nobody reads, and what waits is bounded', async () => {
  const { net } = await started(collect());
  const writer = net.openStream({ maxFrames: 4 });
  let written = 0;
  const writing = (async () => {
    for (let i = 0; i < 40; i++) {
      await writer.write(Buffer.from([i]));
      written++;
    }
    await writer.end();
  })();
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => { setImmediate(resolve); });
  assert.strictEqual(written, 4);
  const reader = net.acceptStream(writer.handle);
  assert.deepStrictEqual([...await reader.collect()], Array.from({ length: 40 }, (_, i) => i));
  await writing;
  await net.close();
});

test('Node streams on both sides: a file goes through an actor into another file', async (t) => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'reflow bytes '));
  t.after(() => fs.rmSync(folder, { recursive: true }));
  const [from, to] = ['from', 'to'].map((name) => path.join(folder, name));
  const bytes = pattern(700_000);
  fs.writeFileSync(from, bytes);
  // Each byte plus one, as a stream of its own.
  const increment = actor({ inports: ['in'], outports: ['out'] }, async (ctx, stream) => {
    const reader = ctx.acceptStream(stream);
    const writer = ctx.openStream('out', { contentType: reader.begin.contentType });
    await writer.from((async function* () {
      for await (const frame of reader) yield frame.map((byte) => (byte + 1) % 256);
    })());
  });
  const { net, next } = await started(increment);
  const writer = net.openStream({ contentType: 'x/y' });
  await net.send('n.in', writer.handle);
  const writing = pipeline(fs.createReadStream(from), writer.writable());
  const reader = net.acceptStream(await next());
  assert.strictEqual(reader.begin.contentType, 'x/y');
  await pipeline(reader.readable(), fs.createWriteStream(to));
  await writing;
  assert.ok(fs.readFileSync(to).equals(Buffer.from(bytes.map((byte) => (byte + 1) % 256))));
  await net.idle({ timeout: 60000 });
  await net.close();
});

test('an error of the writer is one of the reader, and of the firing that reads', async () => {
  const { net } = await started(collect());
  const events = net.events({ kinds: ['ActorFailed'] });
  const writer = net.openStream();
  await net.send('n.in', writer.handle);
  await writer.write('half');
  const source = Readable.from((async function* () { yield 'more'; throw new Error('disk gone'); })());
  await assert.rejects(writer.from(source), /disk gone/);
  assert.match((await events.next()).value.error, /disk gone/);
  const lost = net.openStream();
  const reader = net.acceptStream(lost.handle);
  lost.fail('no more');
  await assert.rejects(reader.collect(), { code: 'ERR_REFLOW_FAILED', message: /no more/ });
  await net.close();
});

test('a reader that ends tells the writer', async () => {
  const net = new Network();
  const writer = net.openStream({ maxFrames: 1 });
  const reader = net.acceptStream(writer.handle);
  await writer.write('a');
  const waiting = writer.write('b');
  for await (const frame of reader) {
    assert.strictEqual(frame.toString(), 'a');
    break;
  }
  await waiting.catch((error) => assert.strictEqual(error.code, 'ERR_REFLOW_CLOSED'));
  await assert.rejects(writer.write('c'), { code: 'ERR_REFLOW_CLOSED' });
  const other = net.openStream();
  const endless = (function* () { for (;;) yield 'x'; })();
  net.acceptStream(other.handle).return();
  await assert.rejects(other.from(endless), { code: 'ERR_REFLOW_CLOSED' });
  await net.close();
});

test('an observer sees what is read elsewhere; one that is full misses some', async () => {
  const net = new Network();
  const writer = net.openStream();
  const { handle } = writer;
  const reader = net.acceptStream(handle);
  const all = net.observeStream(handle, { reliable: true });
  const some = net.observeStream(handle, { maxFrames: 2 });
  await writer.from(['1', '2', '3', '4', '5']);
  assert.strictEqual((await reader.collect()).toString(), '12345');
  assert.strictEqual((await all.collect()).toString(), '12345');
  assert.strictEqual((await some.collect()).toString(), '12');
  await net.close();
});

test('bad input: what is no stream, no bytes, accepted twice, too much', async () => {
  const net = new Network();
  assert.throws(() => net.acceptStream('text'), { code: 'ERR_REFLOW_TYPE' });
  assert.throws(() => net.acceptStream(reflow.flow), { code: 'ERR_REFLOW_TYPE' });
  assert.throws(() => net.openStream({ contenttype: 'x' }), /did you mean 'contentType'/);
  assert.throws(() => net.openStream({ maxFrames: 10_000_000 }), { code: 'ERR_REFLOW_LIMIT' });
  const writer = net.openStream();
  const { handle } = writer;
  assert.throws(() => writer.handle, { code: 'ERR_REFLOW_INVALID_STATE' });
  for (const wrong of [3, null, { a: 1 }, reflow.flow]) {
    await assert.rejects(writer.write(wrong), { code: 'ERR_REFLOW_TYPE' });
  }
  const reader = net.acceptStream(handle);
  assert.throws(() => net.acceptStream(handle), { code: 'ERR_REFLOW_ALREADY_EXISTS' });
  await writer.from([Buffer.alloc(100)]);
  await assert.rejects(reader.collect({ maxBytes: 99 }), { code: 'ERR_REFLOW_LIMIT', message: /99/ });
  await net.close();
  assert.throws(() => net.openStream(), { code: 'ERR_REFLOW_CLOSED' });
});

test('streams of an actor end with its node: a reader that waits is told', async () => {
  let reading;
  const stuck = actor({ inports: ['in'] }, async (ctx, stream) => {
    reading = ctx.acceptStream(stream).next();
    reading.catch(() => {});
    await reading;
  });
  const net = new Network().add('n', stuck);
  await net.start();
  const writer = net.openStream();
  await net.send('n.in', writer.handle);
  await until(() => reading !== undefined, 'the actor');
  await net.close();
  await assert.rejects(reading, { code: 'ERR_REFLOW_CANCELLED', message: /'n'/ });
});

test('a stream goes across a link', async () => {
  const there = new Network().add('sum', actor({ inports: ['in'], outports: ['out'] }, async (ctx, stream) => {
    let size = 0;
    for await (const frame of ctx.acceptStream(stream)) size += frame.length;
    return { out: size };
  }));
  const sizes = there.stream('sum.out');
  const here = new Network().add('p', actor({ inports: ['in'] }, () => {}));
  const alpha = new Peer({ networkId: 'alpha', bindAddress: '127.0.0.1' }).attach(there);
  const beta = new Peer({ networkId: 'beta', noPort: true }).attach(here);
  await Promise.all([there.start(), here.start()]);
  await alpha.start();
  await beta.start();
  await beta.connect(`127.0.0.1:${alpha.port}`);
  const writer = here.openStream();
  await beta.send('alpha', 'sum', 'in', writer.handle, { confirmed: true });
  await writer.from(Array.from({ length: 50 }, () => pattern(20_000)));
  assert.strictEqual((await sizes.next()).value, 1_000_000);
  await beta.close();
  await alpha.close();
  await Promise.all([there.close(), here.close()]);
});

test('streams of the program end with its network: who waits is told, and the process is not kept', async () => {
  const { code, stdout, stderr } = await runProgram(`
    (async () => {
      const net = new Network();
      net.add('e', actor({ inports: ['in'], outports: ['out'] }, (ctx, value) => ({ out: value })));
      const out = net.stream('e.out');
      await net.start();
      const code = (error) => error.code;
      const full = net.openStream({ maxFrames: 1 });
      await full.write('a');
      const writing = full.write('b').catch(code);
      const quiet = net.openStream();
      await net.send('e.in', quiet.handle);
      const reader = net.acceptStream((await out.next()).value);
      const reading = reader.next().catch(code);
      const ended = net.openStream();
      await net.send('e.in', ended.handle);
      const whole = net.acceptStream((await out.next()).value);
      await ended.write('all');
      await ended.end();
      await net.close();
      console.log(await writing, await reading, await full.write('c').catch(code), String(await whole.collect()));
      console.log((await reader.next()).done);
    })();`);
  assert.strictEqual(code, 0, stderr);
  assert.strictEqual(stdout, 'ERR_REFLOW_CLOSED ERR_REFLOW_CLOSED ERR_REFLOW_CLOSED all\ntrue\n');
});

test('a firing that fails ends the streams that it has opened with its error', async () => {
  const part = (ctx) => {
    const writer = ctx.openStream('out');
    writer.write('part');
    throw new Error('no more of it');
  };
  const forms = {
    plain: part,
    asynchronous: async (ctx) => part(ctx),
    later: (ctx) => new Promise((resolve) => { setImmediate(resolve); }).then(() => part(ctx)),
    generator: function* generator(ctx) { // eslint-disable-line require-yield
      part(ctx);
    },
  };
  for (const [name, form] of Object.entries(forms)) {
    const net = new Network();
    net.add('a', actor({ inports: ['in'], outports: ['out'] }, form));
    const out = net.stream('a.out');
    await net.start();
    await net.send('a.in', 1);
    const reader = net.acceptStream((await out.next()).value);
    await assert.rejects(reader.collect(), /no more of it/, name);
    await net.close();
  }
});

test('a firing that ends well leaves its streams to the node, and a stream that its end cuts off is not complete', async () => {
  const net = new Network();
  net.add('a', actor({ inports: ['in'], outports: ['out'] }, (ctx, value) => {
    if (value === 'open') ctx.state.writer = ctx.openStream('out');
    else if (value === 'fail') throw new Error('another firing');
    else ctx.state.writer.write(value);
  }));
  const out = net.stream('a.out');
  await net.start();
  await net.sendMany('a.in', ['open', 'x', 'fail', 'y']);
  await net.idle();
  const reader = net.acceptStream((await out.next()).value);
  assert.strictEqual(String((await reader.next()).value), 'x');
  assert.strictEqual(String((await reader.next()).value), 'y');
  const waiting = reader.next();
  const told = assert.rejects(waiting);
  await net.close();
  await told;
});

test('an actor that reads a stream which never ends does not keep the process when its network is closed', async () => {
  const { code, stdout, stderr } = await runProgram(`
    (async () => {
      const net = new Network();
      net.add('a', actor({ inports: ['in'] }, async (ctx, stream) => {
        try { for await (const frame of ctx.acceptStream(stream)) console.log(String(frame)); }
        catch (error) { console.log(error.code); }
      }));
      await net.start();
      const writer = net.openStream();
      await net.send('a.in', writer.handle);
      await writer.write('x');
      setTimeout(() => net.close(), 50);
    })();`);
  assert.strictEqual(code, 0, stderr);
  assert.match(stdout, /^x\nERR_REFLOW_C(ANCELLED|LOSED)\n$/);
});
