// Plays the scenarios that all languages play. tests/conformance/README.md has their format, and says what each
// of the components here does.
import test from 'node:test';
import assert from 'node:assert';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { inspect } from 'node:util';
import { Graph, Network, actor, flow } from 'reflow';

const PATIENCE = 60000;
const here = path.dirname(fileURLToPath(import.meta.url));
const source = process.env.REFLOW_SOURCE ?? path.join(here, '../../..');
const folder = process.env.REFLOW_SCENARIOS ?? path.join(source, 'tests/conformance/scenarios');
const KEYS = new Set(['name', 'about', 'graph', 'document', 'format', 'runtime', 'envelopes', 'outputs', 'events',
  'refused', 'steps']);

// ---- components

function plain(name, run, options = {}) {
  return actor({ name, inports: ['in'], outports: ['out'], ...options }, run);
}

function failure(message, hint) {
  return Object.assign(new Error(message), { hint });
}

// Twice a number, exact where it is beyond what a number of JavaScript holds.
function twice(value) {
  if (typeof value === 'bigint') return 2n * value;
  if (typeof value !== 'number') throw failure('not a number', 'send an integer or a float');
  const exact = !Number.isSafeInteger(value) || Number.isSafeInteger(2 * value);
  return exact ? 2 * value : 2n * BigInt(value);
}

class FailFirst {
  constructor(config) { this.left = config.times; }
  run(ctx, value) {
    if (this.left-- > 0) throw new Error('not yet');
    return { out: value };
  }
}

class Total {
  constructor(config) { this.sum = config.start ?? 0; }
  run(ctx, value) {
    if (typeof value !== 'number') throw new TypeError('not an integer');
    this.sum += value;
    return { out: this.sum };
  }
}

class SetupFails {
  setup() { throw new Error('no such device'); }
  run() {}
}

function* count(ctx) {
  for (let i = 0; i < ctx.config.n; ++i) yield { out: i };
}

function* endless() {
  for (let i = 0; ; ++i) yield { out: i };
}

async function later(ctx, value) {
  await new Promise((resolve) => { setImmediate(resolve); });
  if (typeof value === 'number' && value < 0) throw failure(`negative: ${value}`, 'send numbers from 0 up');
  return { out: value };
}

const components = [
  plain('Pass', (ctx, value) => { ctx.emit('out', value); }), // a signal, too, which is undefined
  plain('Double', (ctx, value) => ({ out: twice(value) })),
  plain('Add', (ctx, a, b) => ({ out: a + b }), { inports: ['a', 'b'], await: 'all' }),
  plain('Latest', (ctx, a, b) => ({ out: { a, b: b ?? null } }),
    { inports: [{ name: 'a', required: true }, 'b'], await: 'required' }),
  plain('FailOnOdd', (ctx, value) => {
    if (value % 2 !== 0) throw failure(`odd: ${value}`, 'send even numbers');
    return { out: value };
  }),
  plain('EmitThenFail', (ctx, value) => {
    ctx.emit('out', value);
    throw new Error('failed after its output');
  }),
  plain('Split', (ctx, value) => {
    if (Array.isArray(value)) for (const element of value) ctx.emit('out', element);
  }),
  plain('Later', later, { maxConcurrency: 8 }),
  plain('Never', () => new Promise(() => {}), { maxConcurrency: 8 }),
  plain('Config', (ctx) => ({ out: ctx.config })),
  plain('FailFirst', FailFirst),
  plain('Total', Total),
  plain('SetupFails', SetupFails),
  plain('Indexed', (ctx, value) => ({ out: { index: ctx.index, value } }), { inports: [{ name: 'in', array: true }] }),
  plain('Count', count, { inports: [] }),
  plain('Endless', endless, { inports: [] }),
];

// ---- values

// What is an integer in a scenario has at most 2^53, which is beyond what is safe as a number.
function number(value) {
  return Math.abs(value) === 2 ** 53 ? BigInt(value) : value;
}

function special(key, data) {
  switch (key) {
    case '$integer': return Number.isSafeInteger(Number(data)) ? Number(data) : BigInt(data);
    case '$float': return Number(data);
    case '$flow': return flow;
    case '$error': return new Error(data);
    case '$bytes': return Buffer.from(data, 'hex');
    case '$text': return data[0].repeat(data[1]);
    case '$deep': {
      let value = [];
      for (let level = 1; level < data; ++level) value = [value];
      return value;
    }
    default: throw new Error(`there is no value ${key}`);
  }
}

// Makes a value of the notation.
function valueOf(notation) {
  if (typeof notation === 'number') return number(notation);
  if (Array.isArray(notation)) return notation.map(valueOf);
  if (notation === null || typeof notation !== 'object') return notation;
  const entries = Object.entries(notation);
  if (entries.length === 1 && entries[0][0].startsWith('$')) return special(...entries[0]);
  return Object.fromEntries(entries.map(([key, data]) => [key, valueOf(data)]));
}

// A signal is undefined as a packet, and a value of its own inside of others.
function isSignal(value) {
  return value === undefined || value === flow || value?.kind === 'Flow';
}

function same(a, b) {
  if (a === flow) return isSignal(b);
  if (a instanceof Error) return b instanceof Error && a.message === b.message;
  if (Buffer.isBuffer(a) && b instanceof Uint8Array) return a.equals(b);
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((value, i) => same(value, b[i]));
  if (a !== null && typeof a === 'object') {
    if (b === null || typeof b !== 'object' || Array.isArray(b)) return false;
    const keys = Object.keys(a);
    return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && same(a[key], b[key]));
  }
  return Object.is(a, b);
}

// ---- playing

function checkRefusal(refusal, error) {
  const status = String(error.code).replace('ERR_REFLOW_', 'REFLOW_ERROR_');
  const told = `${status} ${error.message} ${error.hint}`;
  for (const part of [refusal.message ?? []].flat()) assert.ok(error.message.includes(part), told);
  if (refusal.status) assert.strictEqual(status, refusal.status, told);
  for (const key of ['hint', 'node', 'port', 'path', 'line', 'column']) {
    if (key in refusal) assert.strictEqual(error[key], refusal[key], told);
  }
}

async function refused(refusal, call) {
  let error = null;
  try {
    await call();
  } catch (caught) {
    error = caught;
  }
  assert.ok(error, `it works, and ${JSON.stringify(refusal)} was expected`);
  checkRefusal(refusal, error);
}

// Everything that an asynchronous iterator gives, as it comes.
class Queue {
  constructor(iterator) {
    this.iterator = iterator;
    this.items = [];
    this.ended = false;
    this.run();
  }

  async run() {
    try {
      for await (const item of this.iterator) this.items.push(item);
    } catch (error) {
      this.error = error;
    }
    this.ended = true;
  }

  async until(condition, what) {
    const deadline = Date.now() + PATIENCE;
    while (!condition(this)) {
      assert.ok(Date.now() < deadline, `${what} did not come; there is ${this.error ?? this.items.length}`);
      await new Promise((resolve) => { setImmediate(resolve); });
    }
  }

  // Takes what is expected, in order unless the order is free, and nothing may be left.
  async take(expected, anyOrder, fits) {
    const rest = [...expected];
    while (rest.length > 0) {
      await this.until((queue) => queue.items.length > 0, inspect(rest[0]));
      const got = this.items.shift();
      const index = (anyOrder ? rest : rest.slice(0, 1)).findIndex((wanted) => fits(wanted, got));
      assert.ok(index >= 0, `${inspect(got)} is not expected`);
      rest.splice(index, 1);
    }
    for (let turns = 0; turns < 20; ++turns) await new Promise((resolve) => { setImmediate(resolve); });
    assert.deepStrictEqual(this.items, []);
  }
}

function isEvent(wanted, got) {
  return Object.entries(wanted).every(([key, value]) => {
    if (key === 'error') return got.error.includes(value);
    if (key === 'message') return same(valueOf(value), got.message);
    return got[{ peer_port: 'peerPort', count: got.kind === 'DeadLetter' ? 'id' : 'count' }[key] ?? key] === value;
  });
}

class Player {
  constructor(scenario, mode) {
    this.scenario = scenario;
    this.mode = mode;
    this.outputs = new Map();
  }

  async start() {
    const { graph, document, format, runtime = {}, outputs = [], events, envelopes } = this.scenario;
    const parsed = graph ? Graph.parse(JSON.stringify(graph), { format: 'json' }) : Graph.parse(document, { format });
    this.net = Network.from(parsed, { mode: this.mode, workers: 2, portCapacity: runtime.port_capacity, checkTypes: runtime.check_types, envelopes });
    for (const component of components) this.net.register(component);
    for (const place of outputs) this.outputs.set(place, new Queue(this.net.stream(place, { envelopes })));
    if (events) this.events = new Queue(this.net.events({ kinds: events }));
    await this.net.start();
  }

  async play() {
    if (this.scenario.refused) {
      await refused(this.scenario.refused, () => this.start());
      return;
    }
    await this.start();
    for (const [index, step] of this.scenario.steps.entries()) {
      const verb = Object.keys(step)[0];
      assert.ok(verb in steps, `this runner does not know the step ${verb}`);
      const call = async () => steps[verb](this, step, step[verb]);
      try {
        await (step.refused ? refused(step.refused, call) : call());
      } catch (error) {
        throw new Error(`step ${index + 1}: ${JSON.stringify(step).slice(0, 300)}: ${error.message}`, { cause: error });
      }
    }
  }

  // The package changes a running network by its whole graph.
  change(edit) {
    const graph = this.net.graph();
    edit(graph);
    return this.net.apply(graph);
  }
}

function counted(step, key, got) {
  if (key in step) assert.strictEqual(got, step[key]);
}

function countsOf(wanted, got) {
  for (const [key, count] of Object.entries(wanted)) if (key in got) assert.strictEqual(got[key], count, key);
}

function envelopeOf({ correlation, deadline_ms: deadlineMs }) {
  return JSON.parse(JSON.stringify({ correlation, deadlineMs }));
}

const timeout = { timeout: PATIENCE };
const steps = {
  async send({ net }, { values, envelope }, place) {
    for (const notation of values) await net.send(place, valueOf(notation), envelope && { envelope: envelopeOf(envelope) });
  },
  receive({ outputs, scenario }, { values, order, envelopes = [] }, place) {
    const plain = values.map(valueOf);
    if (!scenario.envelopes) return outputs.get(place).take(plain, order === 'any', same);
    const wanted = plain.map((value, i) => ({ value, envelope: envelopeOf(envelopes[i] ?? {}) }));
    return outputs.get(place).take(wanted, order === 'any', same);
  },
  closed({ outputs }, step, place) { return outputs.get(place).until((queue) => queue.ended, 'the end'); },
  async open({ net, outputs }, step, place) {
    const stream = net.stream(place);
    await stream.opened();
    outputs.set(place, new Queue(stream));
  },
  idle({ net }) { return net.idle(timeout); },
  drain({ net }) { return net.drain(timeout); },
  stop({ net }) { return net.stop(timeout); },
  end_sources({ net }) { net.endSources(); },
  state({ net }, step, state) { assert.strictEqual(net.state, state); },
  counters({ net }, step, node) { countsOf(step, net.counters(node)); },
  pause({ net }, step, where) { return net.pause(where, timeout); },
  resume({ net }, step, where) { net.resume(where); },
  async step({ net }, step, where) {
    counted(step, 'fired', await net.step(step.firings ?? 1, { path: where, ...timeout }));
  },
  cancel({ net }, step, node) { counted(step, 'count', net.cancel(node)); },
  replay_letters({ net }, step, where) { counted(step, 'count', net.replayDeadLetters(where)); },
  drop_letters({ net }, step, where) { counted(step, 'count', net.dropDeadLetters({ path: where })); },
  letters({ net }, step, expected) {
    const letters = net.deadLetters();
    assert.strictEqual(letters.length, expected.length);
    expected.forEach(({ message, packets, ...facts }, i) => {
      if (message) assert.ok(letters[i].message.includes(message), letters[i].message);
      for (const [key, fact] of Object.entries(facts)) assert.strictEqual(letters[i][key], fact, key);
      if (!packets) return;
      const told = letters[i].packets.map((packet) => ({ port: packet.port, message: packet.message }));
      assert.ok(same(packets.map(({ port, message: value }) => ({ port, message: valueOf(value) })), told));
    });
  },
  events({ events }, { order }, expected) { return events.take(expected, order === 'any', isEvent); },
  add_node(player, { component, metadata = null }, id) {
    return player.change((graph) => graph.addNode(id, component, metadata));
  },
  replace_node(player, { component, metadata = null }, id) {
    return player.change((graph) => graph.setComponent(id, component).setConfig(id, metadata));
  },
  remove_node(player, step, id) { return player.change((graph) => graph.removeNode(id)); },
  connect(player, step, [from, to]) { return player.change((graph) => graph.connect(from, to)); },
  disconnect(player, step, [from, to]) { return player.change((graph) => graph.disconnect(from, to)); },
  async apply({ net }, { change = {} }, graph) {
    const got = await net.apply(Graph.parse(JSON.stringify(graph), { format: 'json' }));
    countsOf(change, { nodes_added: got.nodesAdded, nodes_removed: got.nodesRemoved,
      nodes_replaced: got.nodesReplaced, nodes_kept: got.nodesKept });
  },
};

const files = fs.readdirSync(folder).filter((name) => name.endsWith('.json')).sort();
test('there are scenarios', () => assert.ok(files.length >= 30));
for (const file of files) {
  const scenario = JSON.parse(fs.readFileSync(path.join(folder, file), 'utf8'));
  for (const mode of ['own', 'hosted']) {
    test(`conformance, mode ${mode}: ${scenario.name}`, async () => {
      assert.deepStrictEqual(Object.keys(scenario).filter((key) => !KEYS.has(key)), []);
      const player = new Player(scenario, mode);
      try {
        await player.play();
      } finally {
        await player.net?.close();
      }
    });
  }
}
