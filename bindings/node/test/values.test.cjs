'use strict';
// Values on their way through a network: what arrives is what JSON, or the language itself, says.
const test = require('node:test');
const assert = require('node:assert');
const { collect, reflow, runProgram } = require('./support.cjs');
const { Message, Network, actor, flow, transfer } = reflow;

const pass = () => actor({ inports: ['in'], outports: ['out'] }, (ctx, value) => {
  ctx.emit('out', value);
});
const through = (values) => collect(reflow, (net) => net.add('d', pass()), values);

test('what JSON has arrives as it was', async () => {
  const values = [null, true, false, 0, -1, 1.5, 2 ** 53 - 1, -(2 ** 53 - 1), 1e300, '', 'text', 'ünï\0cødé 🎉',
    'x'.repeat(300), 'é'.repeat(5000), [], {}, [1, 2, 3], [1.5, 2.5], ['a', null, [true]],
    { a: 1, b: { c: [1, 'two', { three: 3 }] }, '': 'empty', 'with space': 1, 7: 'seven' }];
  assert.deepStrictEqual(await through(values), values);
});

test('numbers that are no integers keep their value', async () => {
  const values = [-0, NaN, Infinity, -Infinity, 2 ** 53, 2 ** 60, Number.MIN_VALUE];
  const seen = await through(values);
  for (let i = 0; i < values.length; i++) assert.ok(Object.is(seen[i], values[i]), String(values[i]));
});

test('64-bit integers are BigInts where numbers are not exact', async () => {
  const values = [2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n, 12n];
  assert.deepStrictEqual(await through(values), [2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n, 12]);
  await assert.rejects(through([2n ** 63n]), { code: 'ERR_REFLOW_TYPE', path: '$[0]' });
});

test('undefined is a signal alone, null in arrays, and nothing in objects', async () => {
  assert.deepStrictEqual(await through([undefined, [undefined, 1], { a: undefined, b: 1 }]),
    [undefined, [null, 1], { b: 1 }]);
});

test('dates, maps, sets, classes and toJSON become what JSON would make of them', async () => {
  class Point {
    constructor(x, y) { this.x = x; this.y = y; }
  }
  class Money {
    toJSON() { return { amount: '1.00' }; }
  }
  const date = new Date('2024-02-29T12:00:00.123Z');
  const values = [date, new Map([['a', 1], ['__proto__', 2]]), new Set([3, 1, 2]), new Point(1, 2),
    new Money(), Object.assign(Object.create(null), { bare: true }), new String('boxed'),
    { when: date, who: new Point(3, 4) }];
  const seen = await through(values);
  assert.strictEqual(seen[0], '2024-02-29T12:00:00.123Z');
  assert.deepStrictEqual(Object.entries(seen[1]), [['a', 1], ['__proto__', 2]]);
  assert.deepStrictEqual(seen.slice(2), [[3, 1, 2], { x: 1, y: 2 }, { amount: '1.00' }, { bare: true },
    'boxed', { when: '2024-02-29T12:00:00.123Z', who: { x: 3, y: 4 } }]);
  assert.strictEqual(Object.getPrototypeOf(seen[1]), Object.prototype);
});

test('a proxy is what it stands for', async () => {
  const values = [new Proxy([1, 'two', [3]], {}), new Proxy({ a: [1] }, {}), { rows: new Proxy([], {}) }];
  assert.deepStrictEqual(await through(values), [[1, 'two', [3]], { a: [1] }, { rows: [] }]);
});

test('bytes and typed arrays keep their type and content, small and shared', async () => {
  for (const size of [0, 3, 100, 100_000]) {
    const bytes = Buffer.alloc(size, 7);
    const values = [bytes, new Uint8Array(size).fill(1), new Int16Array(size).fill(-2),
      new Uint32Array(size).fill(2 ** 31), new Float32Array(size).fill(0.5),
      new BigUint64Array(size).fill(2n ** 63n), new Int8Array(size).fill(-8)];
    const seen = await through(values);
    assert.ok(Buffer.isBuffer(seen[0]));
    assert.ok(seen[0].equals(bytes));
    assert.ok(Buffer.isBuffer(seen[1]) && seen[1].equals(Buffer.alloc(size, 1)));
    assert.deepStrictEqual(seen.slice(2), values.slice(2));
  }
  const inside = Buffer.from('0123456789').subarray(2, 5);
  assert.deepStrictEqual((await through([{ inside }, new DataView(new ArrayBuffer(4), 1, 2),
    new Uint8Array([1, 2]).buffer])), [{ inside: Buffer.from('234') }, Buffer.alloc(2),
    Buffer.from([1, 2])]);
});

test('arrays of 64-bit numbers are plain, or typed where that is asked for', async () => {
  const floats = new Float64Array([1.5, -2.5]);
  const longs = new BigInt64Array([1n, -(2n ** 62n)]);
  assert.deepStrictEqual(await through([floats, longs]), [[1.5, -2.5], [1, -(2n ** 62n)]]);
  const typed = actor({ inports: ['in'], outports: ['out'], typed: true }, (ctx, value) => ({
    out: `${value.constructor.name} ${value.join()}` }));
  assert.deepStrictEqual(await collect(reflow, (net) => net.add('d', typed), [floats, longs, [1, 2]]),
    ['Float64Array 1.5,-2.5', 'BigInt64Array 1,-4611686018427387904', 'BigInt64Array 1,2']);
});

test('large buffers are shared on the way out and back in, and may go to several actors', async () => {
  const addresses = new Set();
  const big = new Float32Array(1 << 18).map((_, i) => i);
  const net = new Network();
  const seen = [];
  const keep = actor({ inports: ['in'] }, (ctx, value) => { seen.push(value); });
  net.add('a', pass()).add('b', keep).add('c', keep).connect('a.out', 'b.in').connect('a.out', 'c.in');
  await net.start();
  await net.send('a.in', big);
  await net.idle();
  assert.strictEqual(seen.length, 2);
  assert.deepStrictEqual(seen[0], big);
  assert.deepStrictEqual(seen[1], big);
  // One piece of memory: what is written into one is seen in the other.
  seen[0][5] = -1;
  assert.strictEqual(seen[1][5], -1);
  assert.strictEqual(addresses.size, 0);
  await net.close();
});

test('transfer takes the memory over', async () => {
  const big = new Float64Array(1 << 17).fill(2);
  const message = transfer(big);
  assert.strictEqual(big.length, 0);
  assert.strictEqual(message.kind, 'Array');
  const sum = actor({ inports: ['in'], outports: ['out'], typed: true }, (ctx, value) => ({
    out: value.reduce((a, b) => a + b, 0) }));
  assert.deepStrictEqual(await collect(reflow, (net) => net.add('d', sum), [message, message]),
    [2 ** 18, 2 ** 18]);
  const small = Buffer.from('small, of the pool');
  assert.deepStrictEqual(await through([transfer(small)]), [Buffer.from('small, of the pool')]);
  assert.strictEqual(small.toString(), 'small, of the pool');
  assert.throws(() => transfer('text'), { code: 'ERR_REFLOW_TYPE' });
});

test('a host without external buffers gets copies', async () => {
  const { code, stdout, stderr } = await runProgram(`
    const seen = [];
    const net = new Network();
    net.add('a', actor({ inports: ['in'] }, (ctx, value) => { seen.push(value); }));
    net.start().then(async () => {
      await net.send('a.in', Buffer.alloc(100000, 5));
      await net.send('a.in', new Int32Array(100000).fill(9));
      await net.idle();
      console.log(seen[0].length, seen[0][99999], seen[1].length, seen[1][99999]);
      await net.close();
    });`, { env: { REFLOW_NODE_COPY: '1' } });
  assert.deepStrictEqual([code, stdout.trim()], [0, '100000 5 100000 9'], stderr);
});

test('what cannot be converted is refused with its path and type, and the network goes on', async () => {
  const net = new Network();
  const seen = [];
  net.add('a', actor({ inports: ['in'] }, (ctx, value) => { seen.push(value); }));
  await net.start();
  const cycle = { rows: [{}] };
  cycle.rows[0].back = cycle;
  let deep = [];
  for (let i = 0; i < 200; i++) deep = [deep];
  const cases = [
    [{ rows: [0, 1, 2, { when: () => 1 }] }, '$.rows[3].when', /a function/],
    [{ 'odd key': { s: Symbol('x') } }, '$["odd key"].s', /a symbol/],
    [() => 1, '$', /a function/],
    [{ p: Promise.resolve() }, '$.p', /a Promise/],
    [{ r: /x/ }, '$.r', /a RegExp/],
    [{ w: new WeakMap() }, '$.w', /a WeakMap/],
    [new Map([[1, 2]]), '$', /a Map with a key that is no string/],
    [[new Date(NaN)], '$[0]', /an invalid Date/],
    [{ n: [2n ** 64n] }, '$.n[0]', /a BigInt beyond 64 bits/],
    [{ text: ['a\ud800b'] }, '$.text[0]', /it has lone surrogates/],
    [{ text: `${'x'.repeat(300)}\udc00` }, '$.text', /it has lone surrogates/],
    [{ a: { '\udfff': 1 } }, '$.a', /a key that has lone surrogates/],
    [cycle, '$.rows[0].back', /a cycle/],
    [deep, '$', /deeper than 128 levels/],
  ];
  for (const [value, path, text] of cases) {
    await assert.rejects(net.send('a.in', value), (error) => {
      assert.strictEqual(error.code, 'ERR_REFLOW_TYPE');
      assert.strictEqual(error.status, -43);
      assert.strictEqual(error.path, path);
      assert.match(error.message, text);
      return true;
    });
    assert.throws(() => net.trySend('a.in', value), { path });
    await assert.rejects(net.sendMany('a.in', [value]), { path: path.replace('$', '$[0]'), sent: 0 });
  }
  await assert.rejects(net.send('a.in', { get bad() { throw new RangeError('mine'); } }), /mine/);
  await net.sendMany('a.in', [1, 2]);
  await net.idle();
  assert.deepStrictEqual(seen, [1, 2]);
  await net.close();
});

test('texts with all kinds of characters go, and U+FFFD is one of them', async () => {
  const texts = ['\ufffd', 'a\ufffdb\u{1f600}', `${'\u{1f600}'.repeat(200)}\ufffd`, '\ud7ff\ue000\uffff'];
  assert.deepStrictEqual(await through([...texts, { '\ufffd': 1 }]), [...texts, { '\ufffd': 1 }]);
});

test('many values go in all or not at all, if they are an array', async () => {
  for (const options of [{}, { mode: 'inline' }]) {
    const seen = [];
    const net = new Network({ ...options, portCapacity: 16 });
    net.add('a', actor({ inports: ['in'] }, (ctx, value) => { seen.push(value); }));
    await net.start();
    const bad = { rows: [1, () => 1] };
    for (const before of [0, 3, 5000]) {
      const values = Array.from({ length: before }, (_, i) => i);
      const path = `$[${before}].rows[1]`;
      await assert.rejects(net.sendMany('a.in', [...values, bad, 7]), { code: 'ERR_REFLOW_TYPE', path, sent: 0 });
      await net.idle({ timeout: 60000 });
      assert.deepStrictEqual(seen, []);
      // Of what is iterated those before it have gone.
      const each = function* () { yield* values; yield bad; yield 7; };
      await assert.rejects(net.sendMany('a.in', each()), { code: 'ERR_REFLOW_TYPE', path, sent: before });
      await net.idle({ timeout: 60000 });
      assert.deepStrictEqual(seen.splice(0), values);
    }
    await assert.rejects(net.sendMany('a.in', new BigUint64Array([1n, 2n ** 63n])), { path: '$[1]', sent: 0 });
    assert.strictEqual(await net.sendMany('a.in', new BigUint64Array([1n, 2n ** 62n])), 2);
    await net.idle({ timeout: 60000 });
    assert.deepStrictEqual(seen, [1, 2n ** 62n]);
    await net.close();
  }
});

test('what would never end is refused', async () => {
  class Again {
    toJSON() { return new Again(); }
  }
  const huge = [];
  huge.length = 2 ** 32 - 1;
  await assert.rejects(through([new Again()]), { code: 'ERR_REFLOW_TYPE', path: '$[0]' });
  await assert.rejects(through([{ huge }]), { code: 'ERR_REFLOW_TYPE', path: '$[0].huge' });
});

test('what a getter, toJSON or a Proxy throws is the cause of an error that names the place', async () => {
  const boom = new RangeError('boom');
  const bad = () => { throw boom; };
  const places = {
    '$[1]': { toJSON: bad },
    '$[1].a.b': { a: { get b() { return bad(); } } },
    '$[1].rows[2]': { rows: [1, 2, new Proxy({}, { ownKeys: bad })] },
    '$[1].list': { list: new Proxy([1], { get: (target, key) => (key === '0' ? bad() : target[key]) }) },
    '$[1].when.at': { when: new (class { toJSON() { return { get at() { return bad(); } }; } })() },
  };
  const net = new Network({ log: () => {} }).add('d', pass());
  const failures = [];
  net.on('ActorFailed', (event) => failures.push(event));
  net.add('f', actor({ inports: ['in'], outports: ['out'] }, () => ({ out: Object.values(places)[1] })));
  await net.start();
  for (const [path, value] of Object.entries(places)) {
    const refused = { name: 'ReflowError', code: 'ERR_REFLOW_TYPE', cause: boom, message: /RangeError: boom/ };
    const many = net.sendMany('d.in', [0, value]);
    await assert.rejects(many, { ...refused, path });
    await assert.rejects(net.send('d.in', value), { ...refused, path: path.replace('[1]', '') });
  }
  // Whatever is thrown; an error of this package tells by itself.
  for (const thrown of ['text', null, undefined, { odd: 1 }]) {
    const error = await net.send('d.in', { toJSON() { throw thrown; } }).catch((each) => each);
    assert.deepStrictEqual([error.code, error.path, error.cause], ['ERR_REFLOW_TYPE', '$', thrown]);
  }
  const own = await net.send('d.in', { toJSON() { net.trySend('d.no', 1); } }).catch((each) => each);
  assert.deepStrictEqual([own.code, own.cause], ['ERR_REFLOW_NOT_FOUND', undefined]);
  await net.send('f.in', 1);
  await net.drain();
  await net.close();
  assert.strictEqual(failures.length, 1);
  assert.match(failures[0].error, /\$\.a\.b: .*RangeError: boom/);
  assert.match(failures[0].trace, /\[cause\]: RangeError: boom/);
});

test('shared memory is copied', async () => {
  const shared = new Uint8Array(new SharedArrayBuffer(8)).fill(3);
  assert.deepStrictEqual(await through([shared, shared.buffer]), [Buffer.alloc(8, 3), Buffer.alloc(8, 3)]);
});

test('depth up to the limit goes both ways', async () => {
  let deep = 1;
  for (let i = 0; i < 127; i++) deep = i % 2 ? [deep] : { d: deep };
  assert.deepStrictEqual(await through([deep]), [deep]);
});

test('errors are messages of their own kind', async () => {
  const [error] = await through([new RangeError('too far')]);
  assert.ok(error instanceof reflow.ReflowError);
  assert.match(error.message, /too far/);
});

test('messages as JSON: plain, tagged, and in JSON.stringify()', async () => {
  const text = '{"big":9007199254740993,"list":[1,2.5,null,"x"]}';
  const message = Message.parse(text);
  assert.ok(message instanceof Message);
  assert.strictEqual(message.stringify(), text);
  assert.strictEqual(message.stringify({ pretty: true }), JSON.stringify({ list: [1, 2.5, null, 'x'] }, null, 2)
    .replace('{', '{\n  "big": 9007199254740993,'));
  assert.deepStrictEqual(JSON.parse(JSON.stringify({ message })), { message: JSON.parse(text) });
  assert.deepStrictEqual((await through([message]))[0], { big: 9007199254740993n, list: [1, 2.5, null, 'x'] });
  const tagged = message.stringify({ tagged: true });
  assert.strictEqual(JSON.parse(tagged).type, 'Object');
  assert.strictEqual(Message.parse(tagged, { tagged: true }).stringify(), text);
  assert.strictEqual(JSON.parse(flow.stringify({ tagged: true })).type, 'Flow');
  assert.deepStrictEqual(JSON.parse(JSON.stringify(transfer(new Float64Array([1, 2])))), [1, 2]);
  assert.throws(() => Message.parse('{"a": }'), { code: 'ERR_REFLOW_PARSE', line: 1 });
  assert.throws(() => Message.parse(5), { code: 'ERR_REFLOW_INVALID_ARGUMENT' });
});
