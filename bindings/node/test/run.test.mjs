// run(): graphs from files to results.
import test from 'node:test';
import assert from 'node:assert';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Graph, actor, components, feature, run, usage, version } from 'reflow';
import support from './support.cjs';

const { runProgram } = support;

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'reflow run '));
test.after(() => fs.rmSync(folder, { recursive: true }));

const squares = () => new Graph('squares').addNode('sq.1', 'Map', { value: 'it * it' })
  .addInport('number', { node: 'sq.1', port: 'in' }).addOutport('square', { node: 'sq.1', port: 'out' });

test('inputs go in, outputs come out, in order', async () => {
  const result = await run(squares(), { inputs: { number: [1, 2, 3] } });
  assert.deepStrictEqual([result.status, result.outputs], ['ok', { square: [1, 4, 9] }]);
  assert.strictEqual(result.nodes['sq.1'].fired, 3);
  assert.ok(result.durationMs >= 0);
});

test('set changes the configuration, not the graph that was given', async () => {
  const graph = squares();
  const file = path.join(folder, 'squares.graph.yaml');
  graph.save(file);
  const text = fs.readFileSync(file, 'utf8');
  for (const source of [graph, file, graph.toJSON()]) {
    const result = await run(source, { set: { 'sq.1.value': 'it + 1' }, inputs: { number: 41 } });
    assert.deepStrictEqual(result.outputs.square, [42]);
  }
  assert.strictEqual(graph.config('sq.1').value, 'it * it');
  assert.strictEqual(fs.readFileSync(file, 'utf8'), text);
  await assert.rejects(run(graph, { set: { 'sq.2.value': 1 } }), /no node of the graph fits 'sq.2.value'/);
});

test('a graph with components of the engine, on data that is computed here as well', async () => {
  const rows = Array.from({ length: 300 }, (_, i) => ({ city: `c${i % 7}`, value: (i * 37) % 101 }));
  const csv = path.join(folder, 'rows.csv');
  fs.writeFileSync(csv, `city,value\n${rows.map((row) => `${row.city},${row.value}`).join('\n')}\n`);
  const graph = new Graph('sums').addNode('read', 'CsvRead', { path: csv, annotate: false })
    .addNode('half', 'HalfOf').connect('read.out', 'half.in').addOutport('halves', 'half.out');
  const HalfOf = actor({ inports: ['in'], outports: ['out'] }, (ctx, row) => ({ out: Number(row.value) / 2 }));
  const result = await run(graph, { actors: { HalfOf } });
  assert.deepStrictEqual(result.outputs.halves, rows.map((row) => row.value / 2));
});

test('failures are told, and the run is not ok', async () => {
  const graph = new Graph().addNode('bad', 'Bad').addInport('in', 'bad.in');
  const Bad = actor({ inports: ['in'] }, (ctx, value) => { if (value > 1) throw new Error(`no ${value}`); });
  const result = await run(graph, { actors: { Bad }, inputs: { in: [1, 2, 3] } });
  assert.strictEqual(result.status, 'failed');
  assert.deepStrictEqual(result.errors.map((event) => event.error), ["node 'bad': no 2", "node 'bad': no 3"]);
});

test('time that is over, a signal, and a graph that cannot run', async () => {
  const graph = new Graph().addNode('slow', 'Slow').addInport('in', 'slow.in');
  const Slow = actor({ inports: ['in'] }, (ctx) => new Promise((resolve) => { ctx.signal.onabort = resolve; }));
  const given = { actors: { Slow }, inputs: { in: 1 } };
  await assert.rejects(run(graph, { ...given, timeout: 30 }), { code: 'ERR_REFLOW_TIMEOUT' });
  await assert.rejects(run(graph, { ...given, signal: AbortSignal.timeout(30) }), { name: 'TimeoutError' });
  await assert.rejects(run(graph, { signal: AbortSignal.abort(new Error('before')) }), /before/);
  await assert.rejects(run(graph), { code: /ERR_REFLOW_(NOT_FOUND|GRAPH)/ });
  await assert.rejects(run(graph, { timeOut: 1 }), /did you mean 'timeout'/);
  await assert.rejects(run(path.join(folder, 'none.json')), { code: 'ERR_REFLOW_IO' });
});

test('a run that has failed is told by its promise alone, also of a graph with outports', async () => {
  for (const given of ["{ value: 'it +' }, {}", "{ value: 'it' }, { timeout: 0 }", "{ value: 'it' }, { inputs: { i: [() => 1] } }"]) {
    const { code, stdout, stderr } = await runProgram(`
      const run = (config, options) => reflow.run(new reflow.Graph().addNode('m', 'Map', config).addInport('i', 'm.in')
        .addOutport('o', 'm.out'), options);
      run(${given}).catch((error) => setTimeout(() => console.log(error.code), 20));`);
    assert.strictEqual(code, 0, stderr);
    assert.match(stdout, /^ERR_REFLOW_/);
  }
});

test('facts about the engine', () => {
  assert.match(version, /^\d+\.\d+\.\d+$/);
  assert.strictEqual(feature('json'), true);
  assert.strictEqual(feature('nonsense'), false);
  const map = components().find((each) => each.id === 'Map');
  assert.deepStrictEqual(map.inports.map((port) => port.name), ['in']);
  assert.strictEqual(map.config.type, 'object');
  assert.ok(usage().memoryBytes > 1e6);
});

test('a run has the environment of the process, or the one that is given', async () => {
  const graph = new Graph('g').addNode('map', 'Map', { value: 'it + $WORD', env_vars: { WORD: 'required' } })
    .addInport('in', 'map.in').addOutport('out', 'map.out');
  const out = async (options) => (await run(graph, { inputs: { in: 'a ' }, ...options })).outputs.out;
  assert.deepStrictEqual(await out({ env: { WORD: 'b' } }), ['a b']);
  assert.deepStrictEqual(await out({ env: { WORD: 'b' }, set: { 'map.WORD': 'c' } }), ['a c']);
  await assert.rejects(out({ env: {} }), /'WORD' of node 'map' is not set/);
  process.env.WORD = 'outside';
  try {
    assert.deepStrictEqual(await out({}), ['a outside']);
  } finally {
    delete process.env.WORD;
  }
  assert.strictEqual(graph.config('map').WORD, undefined);
});

test('inputs may be generators of both kinds, and what they throw fails the run', async () => {
  const given = { number: (async function* () { yield 1; yield 2; })() };
  assert.deepStrictEqual((await run(squares(), { inputs: given })).outputs, { square: [1, 4] });
  const sync = { number: (function* () { for (let i = 0; i < 5000; i++) yield i; })() };
  assert.strictEqual((await run(squares(), { inputs: sync })).outputs.square.at(-1), 4999 ** 2);
  // A text, a Map or bytes are one packet.
  const echo = { processes: { m: { component: 'Echo' } }, inports: { i: { nodeId: 'm', portId: 'in' } },
    outports: { o: { nodeId: 'm', portId: 'out' } } };
  const Echo = actor({ inports: ['in'], outports: ['out'] }, (ctx, value) => ({ out: value }));
  for (const one of ['text', new Map([['a', 1]]), new Uint8Array([1, 2])]) {
    assert.strictEqual((await run(echo, { inputs: { i: one }, actors: { Echo } })).outputs.o.length, 1);
  }
  const boom = new RangeError('in the middle');
  for (const make of [function* () { yield 1; throw boom; }, async function* () { yield 1; throw boom; }]) {
    await assert.rejects(run(squares(), { inputs: { number: make() } }), boom);
  }
});

test('a run that ends leaves what it was given to iterate', async () => {
  const abort = new AbortController();
  let left = false;
  const number = {
    [Symbol.asyncIterator]() { return this; },
    next() {
      setImmediate(() => abort.abort(new Error('enough')));
      return new Promise(() => {});
    },
    async return() { left = true; },
  };
  await assert.rejects(run(squares(), { inputs: { number }, signal: abort.signal }), /enough/);
  assert.strictEqual(left, true);
});
