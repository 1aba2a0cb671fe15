// Graph: edits, documents in all formats, pictures, findings and errors.
import test from 'node:test';
import assert from 'node:assert';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { Graph, ReflowError, documentPlaces } from 'reflow';

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'reflow graph '));
test.after(() => fs.rmSync(folder, { recursive: true }));

const failure = (code, text) => (error) => {
  assert.ok(error instanceof ReflowError, `${error}`);
  assert.strictEqual(error.code, code);
  if (text !== undefined) assert.match(error.message, text);
  return true;
};

function squares() {
  return new Graph('squares')
    .addNode('square', 'Map', { value: 'it * it' })
    .addNode('print', 'Log')
    .connect('square.out', 'print.in', { capacity: 5, kind: 'latest' })
    .addInitial('square.in', 7)
    .addInport('number', 'square.in', 'integer')
    .addOutport('square', 'square.out');
}

test('what is made is the document that docs/graphs.md describes', () => {
  const document = squares().toJSON();
  assert.strictEqual(document.properties.name, 'squares');
  assert.deepStrictEqual(Object.keys(document.processes), ['square', 'print']);
  assert.deepStrictEqual(document.processes.square,
    { id: 'square', component: 'Map', metadata: { value: 'it * it' } });
  const [connection, initial] = document.connections;
  assert.strictEqual(`${connection.from.nodeId}.${connection.from.portId}`, 'square.out');
  assert.strictEqual(`${connection.to.nodeId}.${connection.to.portId}`, 'print.in');
  assert.deepStrictEqual(connection.metadata, { capacity: 5, kind: 'latest' });
  assert.strictEqual(initial.data, 7);
  assert.strictEqual(document.inports.number.nodeId, 'square');
  assert.strictEqual(document.outports.square.portId, 'out');
});

test('edits chain, and are seen by every reader', () => {
  const graph = squares();
  assert.deepStrictEqual([graph.nodeCount, graph.connectionCount, graph.initialCount], [2, 1, 1]);
  graph.renameNode('square', 'sq').setComponent('print', 'Sink').set('sq', 'deep.rules', [1, { when: 'x' }])
    .setProperty('description', 'numbers').addGroup('g', ['sq']);
  assert.deepStrictEqual(graph.nodes, ['sq', 'print']);
  assert.strictEqual(graph.component('print'), 'Sink');
  assert.deepStrictEqual(graph.config('sq'), { value: 'it * it', deep: { rules: [1, { when: 'x' }] } });
  assert.strictEqual(graph.set('sq', 'deep', undefined).config('sq').deep, undefined);
  assert.strictEqual(graph.property('description'), 'numbers');
  assert.strictEqual(graph.property('toString'), undefined);
  assert.strictEqual(graph.hasNode('square'), false);
  graph.disconnect('sq.out', 'print.in').removeInitials('sq.in').removeInport('number').removeOutport('square')
    .removeGroup('g').removeNode('print');
  assert.deepStrictEqual([graph.nodeCount, graph.connectionCount, graph.initialCount], [1, 0, 0]);
  graph.name = 'other';
  assert.strictEqual(graph.name, 'other');
  assert.strictEqual(graph.setConfig('sq', null).config('sq'), null);
});

test('each format gives the same graph back', () => {
  const graph = squares();
  for (const format of ['json', 'yaml', 'msgpack']) {
    const written = graph.serialize(format);
    assert.strictEqual(typeof written, format === 'msgpack' ? 'object' : 'string');
    assert.ok(Graph.parse(written, { format }).equals(graph), format);
    const file = path.join(folder, `g.${format}`);
    assert.strictEqual(graph.save(file), graph);
    assert.deepStrictEqual(Buffer.from(written), fs.readFileSync(file), format);
    assert.ok(Graph.load(pathToFileURL(file)).equals(graph), format);
  }
  assert.deepStrictEqual(JSON.parse(graph.serialize()), JSON.parse(JSON.stringify(graph)));
  assert.ok(Graph.parse(JSON.parse(JSON.stringify(graph))).equals(graph));
  const copy = graph.copy().removeNode('print');
  assert.ok(!copy.equals(graph) && graph.hasNode('print'));
});

test('pictures', () => {
  const graph = squares();
  assert.match(graph.toMermaid(), /^flowchart /);
  assert.match(graph.toDot(), /digraph[^]*->/);
  assert.match(graph.toSvg(), /<svg[^]*square[^]*<\/svg>/);
  assert.match(graph.toHtml({ dark: true }), /<html[^]*<svg/);
  assert.match(graph.draw(), /square/);
  assert.notStrictEqual(graph.toSvg(), graph.toSvg({ dark: true }));
  assert.throws(() => graph.draw('svgg'), failure('ERR_REFLOW_INVALID_ARGUMENT', /did you mean 'svg'/));
  assert.throws(() => graph.draw('svg', { depth: -1 }), failure('ERR_REFLOW_INVALID_ARGUMENT'));
});

test('findings name node, port and path', () => {
  assert.deepStrictEqual(squares().validate().filter((each) => each.severity === 'error'), []);
  const graph = new Graph().addNode('a', 'Filtr');
  const [finding] = graph.validate();
  assert.strictEqual(finding.severity, 'error');
  assert.strictEqual(finding.node, 'a');
  assert.match(finding.hint, /Filter/);
  assert.deepStrictEqual(graph.validate({ components: false }), []);
});

test('bad documents tell file, line and column', () => {
  assert.throws(() => Graph.parse('{\n "processes": 3 }', { name: 'f.json' }), (error) => {
    assert.strictEqual(error.code, 'ERR_REFLOW_GRAPH');
    assert.strictEqual(error.file, 'f.json');
    assert.strictEqual(error.line, 2);
    return true;
  });
  assert.throws(() => Graph.parse('{,}'), failure('ERR_REFLOW_PARSE'));
  assert.throws(() => Graph.parse(42), failure('ERR_REFLOW_INVALID_ARGUMENT'));
  assert.throws(() => Graph.load(path.join(folder, 'no such')), failure('ERR_REFLOW_IO'));
  assert.throws(() => Graph.parse('{}', { format: 'xml' }), failure('ERR_REFLOW_INVALID_ARGUMENT'));
});

test('edits that cannot be made throw and change nothing', () => {
  const graph = squares();
  const before = graph.serialize();
  assert.throws(() => graph.addNode('print', 'Log'), failure('ERR_REFLOW_ALREADY_EXISTS', /print/));
  assert.throws(() => graph.addNode('x', 'Log', { when: [() => 0] }), failure('ERR_REFLOW_TYPE', /\$\.when\[0\]/));
  assert.throws(() => graph.connect('square.out', 'prnt.in'), failure('ERR_REFLOW_NOT_FOUND', /prnt/));
  assert.throws(() => graph.connect('square.out', 'print.in'), failure('ERR_REFLOW_ALREADY_EXISTS'));
  assert.throws(() => graph.removeNode('nobody'), failure('ERR_REFLOW_NOT_FOUND', /nobody/));
  assert.throws(() => graph.config('nobody'), failure('ERR_REFLOW_NOT_FOUND'));
  assert.throws(() => graph.addNode(3, 'Log'), failure('ERR_REFLOW_INVALID_ARGUMENT', /string/));
  assert.throws(() => graph.addInport('x', 'square.in', 'intger'), failure('ERR_REFLOW_CONFIG'));
  assert.throws(() => graph.equals({}), failure('ERR_REFLOW_INVALID_ARGUMENT'));
  assert.strictEqual(graph.serialize(), before);
});

test('places of values in a document', () => {
  const text = '{\n  "processes": {\n    "a": {"component": "Log"}}}';
  const [place, none] = documentPlaces(text, ['$.processes.a.component', '$.processes.b']);
  assert.deepStrictEqual(place, { line: 3, column: 24, offset: text.indexOf('"Log"') });
  assert.strictEqual(none.line, 2);
});

test('environment variables that nodes ask for become values of their configurations', () => {
  const asking = () => new Graph('g').addNode('map', 'Map',
    { value: 'it + $WORD', env_vars: { WORD: 'required', REGION: 'optional:eu', TRACE: 'optional' } });
  const graph = asking();
  assert.throws(() => graph.resolveEnv({ OTHER: 'x', WORD: undefined }),
    failure('ERR_REFLOW_NOT_FOUND', /'WORD' of node 'map' is not set/));
  assert.ok(graph.equals(asking()));
  assert.strictEqual(graph.resolveEnv({ WORD: 'w', TRACE: '' }), graph);
  const { WORD, REGION, TRACE } = graph.config('map');
  assert.deepStrictEqual([WORD, REGION, TRACE], ['w', 'eu', '']);
  process.env.WORD = 'outside';
  try {
    assert.strictEqual(asking().resolveEnv().config('map').WORD, 'outside');
  } finally {
    delete process.env.WORD;
  }
  assert.throws(() => graph.resolveEnv('WORD=x'), failure('ERR_REFLOW_INVALID_ARGUMENT', /an object of strings/));
  assert.throws(() => graph.resolveEnv(null), failure('ERR_REFLOW_INVALID_ARGUMENT'));
});
