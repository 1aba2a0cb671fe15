// Looking at networks, holding and changing them, their snapshots and dead letters.
import test from 'node:test';
import assert from 'node:assert';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Graph, Network, actor } from 'reflow';
import support from './support.cjs';

const { until } = support;

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'reflow live '));
test.after(() => fs.rmSync(folder, { recursive: true }));

const pass = actor({ name: 'Pass', inports: ['in'], outports: ['out'] }, (ctx, value) => {
  if (value === 'bad') throw new Error('bad one');
  return { out: value };
});

test('counters, state and metrics tell what was done', async () => {
  const net = new Network().add('a', pass).add('b', 'Log', { level: 'debug' }).connect('a.out', 'b.in');
  await net.start();
  net.measure({ sample: 1 });
  await net.sendMany('a.in', [1, 2, 3]);
  await net.idle();
  const { fired, received, sent, failed, waiting } = net.counters('a');
  assert.deepStrictEqual([fired, received, sent, failed, waiting], [3, 3, 3, 0, 0]);
  assert.strictEqual(net.nodeState('a').state, 'Running');
  const metrics = net.metrics();
  assert.strictEqual(metrics.measured, true);
  assert.strictEqual(metrics.nodes.b.received, 3);
  assert.ok(metrics.nodes.b.call.p99_ns > 0);
  assert.strictEqual(net.measure(false).metrics().measured, false);
  assert.throws(() => net.counters('c'), { code: 'ERR_REFLOW_NOT_FOUND' });
  await net.close();
  assert.throws(() => net.metrics(), { code: 'ERR_REFLOW_CLOSED' });
});

test('pause, peek, step and resume', async () => {
  const seen = [];
  const net = new Network().add('a', pass).add('s', actor({ inports: ['in'] }, (ctx, value) => { seen.push(value); }))
    .connect('a.out', 's.in');
  await net.start();
  await net.pause('a');
  await net.sendMany('a.in', ['x', 'y', 'z']);
  assert.deepStrictEqual(net.peek('a.in', 2), ['x', 'y']);
  assert.deepStrictEqual(net.nodeState('a').details, ['paused']);
  await assert.rejects(net.idle(), { code: 'ERR_REFLOW_WOULD_BLOCK' });
  assert.strictEqual(await net.step(2, { path: 'a' }), 2);
  assert.deepStrictEqual(net.peek('a.in'), ['z']);
  net.resume('a');
  await net.idle();
  assert.deepStrictEqual(seen, ['x', 'y', 'z']);
  await assert.rejects(net.pause('nobody'), { code: 'ERR_REFLOW_NOT_FOUND' });
  await net.close();
});

test('a breakpoint with a condition stops where it is true', async () => {
  const net = new Network().add('a', pass);
  const stops = net.events({ kinds: 'Breakpoint' });
  await net.start();
  const number = net.breakAt({ node: 'a', inport: 'in', when: 'it > 2' });
  await net.sendMany('a.in', [1, 2, 3, 4]);
  const { value: stop } = await stops.next();
  assert.deepStrictEqual([stop.node, stop.port, stop.message, stop.breakpoint], ['a', 'in', 3, number]);
  await net.pause(); // calls that were under way have returned
  assert.deepStrictEqual(net.peek('a.in', 1), [3]);
  assert.strictEqual(net.breakpoints()[0].expression, 'it > 2');
  net.unbreak(number).resume();
  await net.idle();
  assert.strictEqual(net.counters('a').fired, 4);
  assert.throws(() => net.breakAt({ node: 'b' }), { code: 'ERR_REFLOW_NOT_FOUND' });
  assert.throws(() => net.breakAt({ node: 'a', when: '1 +' }), { code: 'ERR_REFLOW_PARSE' });
  await net.close();
});

test('a running network becomes that of another graph; what stays keeps its state', async () => {
  const count = actor({ name: 'Count', inports: ['in'], outports: ['out'] }, (ctx) => {
    ctx.state.n = (ctx.state.n ?? 0) + 1;
    return { out: ctx.state.n };
  });
  const net = new Network().add('c', count);
  const pass2 = net.register(pass);
  const results = net.stream('c.out');
  await net.start();
  await net.send('c.in', 0);
  await net.idle();
  const graph = net.graph().addNode('after', pass2).connect('c.out', 'after.in');
  const change = await net.apply(graph);
  assert.deepStrictEqual([change.nodesAdded, change.nodesKept, change.connectionsAdded], [1, 1, 1]);
  await net.send('c.in', 0);
  await net.idle();
  assert.strictEqual((await results.next()).value, 1);
  assert.strictEqual((await results.next()).value, 2);
  assert.strictEqual(net.counters('after').fired, 1);
  await assert.rejects(net.apply(graph.copy().addNode('x', 'Nonsense')), { code: /NOT_FOUND|GRAPH/ });
  assert.ok(!net.graph().hasNode('x'));
  await net.close();
});

test('dead letters are kept, listed, played back and dropped', async () => {
  const net = new Network().add('a', pass);
  await net.start();
  await net.sendMany('a.in', ['ok', 'bad', 'bad']);
  await net.idle();
  const [letter, second] = net.deadLetters();
  assert.deepStrictEqual([letter.node, letter.packets], ['a', [{ port: 'in', message: 'bad' }]]);
  assert.match(letter.message, /bad one/);
  assert.match(letter.trace, /live\.test\.mjs/);
  net.replayDeadLetter(letter.id);
  await net.idle();
  assert.deepStrictEqual(net.deadLetters().map((each) => each.id), [second.id, second.id + 1]);
  net.sendDeadLetter({ ...letter, packets: [{ port: 'in', message: 'good' }] });
  await net.idle();
  assert.strictEqual(net.counters('a').fired, 5);
  assert.strictEqual(net.dropDeadLetters({ id: second.id }), 1);
  assert.strictEqual(net.dropDeadLetters(), 1);
  assert.strictEqual(net.deadLetterCounts().total, 3);
  assert.throws(() => net.replayDeadLetter(99), { code: 'ERR_REFLOW_NOT_FOUND' });
  await net.close();
});

test('a snapshot goes on where it was taken', async () => {
  const make = () => Network.from(new Graph('count').addNode('count', 'Counter', { every: 1 })
    .addInport('in', 'count.in').addOutport('n', 'count.count'));
  const net = make();
  await net.start();
  await net.sendMany('in', ['a', 'b']);
  await net.idle();
  const bytes = await net.snapshot();
  const file = path.join(folder, 'net.snapshot');
  await net.snapshot(file);
  await net.close();
  for (const from of [bytes, file]) {
    const next = make();
    const out = next.stream('n');
    await next.restore(from);
    await next.start();
    await next.send('in', 'c');
    await next.idle();
    assert.deepStrictEqual((await out.next()).value, 3);
    await next.close();
  }
  await assert.rejects(make().restore(Buffer.from('nonsense')), { code: 'ERR_REFLOW_PARSE' });
});

test('checkpoints are written while it runs', async () => {
  const file = path.join(folder, 'net.checkpoint');
  const net = Network.from(new Graph('c').addNode('count', 'Counter').addInport('in', 'count.in'));
  await net.checkpoint(file, { interval: 20, keep: 1 });
  await net.start();
  const deadline = Date.now() + 60000;
  while (!fs.existsSync(file) && Date.now() < deadline) await new Promise((resolve) => { setImmediate(resolve); });
  assert.ok(fs.existsSync(file));
  await net.checkpoint(null);
  await net.close();
  await assert.rejects(net.checkpoint(3), { code: 'ERR_REFLOW_INVALID_ARGUMENT' });
});

test('what is logged and printed goes where the program says', async () => {
  const lines = [];
  const texts = [];
  const net = Network.from(new Graph('l').addNode('log', 'Log').addNode('table', 'TablePrint')
    .addInport('in', 'log.in').addInport('rows', 'table.in'),
  { log: (line) => lines.push(line), logLevel: 'info', print: (text, node) => texts.push([node, text]) });
  await net.start();
  await net.send('in', 'hello');
  await net.send('rows', { city: 'Oslo', rain: 3 });
  await net.drain();
  await net.close();
  assert.deepStrictEqual(lines.filter((line) => line.node === 'log'),
    [{ level: 'info', subsystem: 'Log', node: 'log', text: '"hello"' }]);
  assert.ok(texts.length > 0 && texts.every(([node]) => node === 'table'));
  assert.match(texts.map(([, text]) => text).join(''), /city[^]*Oslo[^]*3/);
  assert.throws(() => new Network({ logLevel: 'wran' }), /did you mean 'warn'/);
  assert.throws(() => new Network({ log: 3 }), /function/);
});

test('a graph that is registered by its id is a subgraph', async () => {
  const scaled = new Graph('scaled').addNode('m', 'Map', { value: 'it * 10' }).addNode('p', 'Pass').connect('m.out', 'p.in')
    .addInport('number', 'm.in').addOutport('scaled', 'p.out');
  const file = path.join(folder, 'scaled.graph.json');
  scaled.save(file);
  for (const [graph, options] of [[scaled, {}], [scaled.toJSON(), { mode: 'hosted' }], [file, { mode: 'inline' }]]) {
    const net = new Network(options).registerGraph('acme/scaled', graph).add('s', 'acme/scaled').add('t', 'acme/scaled');
    net.connect('s.scaled', 't.number').exposeInport('in', 's.number').exposeOutport('out', 't.scaled');
    net.register(pass); // which it names, and which may come later
    assert.throws(() => net.registerGraph('acme/scaled', graph), { code: 'ERR_REFLOW_ALREADY_EXISTS' });
    assert.throws(() => net.registerGraph(5, graph), { code: 'ERR_REFLOW_INVALID_ARGUMENT' });
    const results = net.stream('out');
    await net.start();
    await net.send('in', 3);
    await net.idle();
    assert.deepStrictEqual(Object.keys(net.report()).sort(), ['s/m', 's/p', 't/m', 't/p']);
    // Also while it runs, for what comes later.
    net.registerGraph('late', new Graph().addNode('l', 'Log', { level: 'trace' }).addInport('x', 'l.in'));
    net.add('u', 'late').connect('t.scaled', 'u.x');
    await net.apply();
    await net.send('in', 4);
    await net.idle();
    assert.strictEqual(net.counters('u/l').received, 1);
    await net.stop();
    const got = [];
    for await (const value of results) got.push(value);
    assert.deepStrictEqual(got, [300, 400]);
    await net.close();
    assert.throws(() => net.registerGraph('x', graph), { code: 'ERR_REFLOW_CLOSED' });
  }
});

test('workers come and go while a network runs', async () => {
  const net = new Network({ workers: 1 }).add('a', 'Map', { value: 'it + 1' }).add('b', pass).connect('a.out', 'b.in');
  let seen = 0;
  net.add('c', actor({ name: 'Count', inports: ['in'] }, () => { seen++; })).connect('b.out', 'c.in');
  await net.start();
  assert.strictEqual(net.workers, 1);
  let sent = 0;
  for (const workers of [4, 2, 1, 3]) {
    assert.strictEqual(net.setWorkers(workers), net);
    sent += await net.sendMany('a.in', Array.from({ length: 1000 }, (_, i) => i));
    await net.idle();
    await until(() => net.workers === workers, 'the end of the others'); // those that are too many end by and by
  }
  net.setWorkers(0);
  assert.ok(net.workers >= 1);
  assert.strictEqual(seen, sent);
  for (const workers of [-1, 1.5, '2', 2 ** 32]) {
    assert.throws(() => net.setWorkers(workers), { code: 'ERR_REFLOW_INVALID_ARGUMENT' });
  }
  assert.throws(() => net.setWorkers(257), { code: 'ERR_REFLOW_LIMIT' });
  await net.close();
  assert.strictEqual(net.workers, 0);
  assert.throws(() => net.setWorkers(1), { code: 'ERR_REFLOW_CLOSED' });
  for (const mode of ['hosted', 'inline', 'simulated']) {
    const other = new Network({ mode });
    assert.strictEqual(other.workers, 0);
    assert.throws(() => other.setWorkers(2), { code: 'ERR_REFLOW_UNSUPPORTED' });
    await other.close();
  }
});
