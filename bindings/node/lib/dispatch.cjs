'use strict';
// How firings reach functions: the addon calls dispatch() with a batch, the loops here call the function for
// each firing, and what it emits goes back in memory. See src/actors.cc for the other side.

const native = require('./binding.cjs');
const { ControlContext, FiringContext, SyncContext, failStreams, portNumber } = require('./context.cjs');
const { Status, failureOf, problem } = require('./errors.cjs');
const { CAPACITY, Tag, frames, take } = require('./frames.cjs');
const { inside } = require('./inside.cjs');
const { AWAIT, PORT_ARRAY } = require('./actor.cjs');
const { visit } = require('./state.cjs');

const KIND = { CREATE: 0, SETUP: 1, RUN: 2, FINISH: 3, TEARDOWN: 4, DESTROY: 5, RUN_ASYNC: 6,
  CANCELLED: 7, DRAINED: 8, WRITABLE: 9, SAVE: 10, LOAD: 11, VISIT: 12, TIMER: 13 };
const STATE = { COMPLETED: 0, OUT: 1, FLAGS: 2 };
const AGAIN = 1;
const { inTags, inNumbers, inPorts, inIndexes, outTags, outNumbers, outPorts, state } = frames;

// ---- the call that goes on

let out = 0; // places that are filled outwards
let flushed = 0; // how often they were full in this call
let converting = false;
let counted = 0; // of these places, those that are counted in placed
const placed = new Map(); // outport -> packets, for those who ask for room

function flush() {
  native.flush(out);
  restart(0);
  flushed++;
}

// Places behind these are free again.
function restart(places) {
  out = places;
  if (counted === 0) return;
  counted = 0;
  placed.clear();
}

const engine = {
  active: null, // the context of the firing that goes on

  // Emits in the firing that goes on.
  place(port, value) {
    if (converting) {
      throw problem(Status.INVALID_STATE, 'a value emits while it is made into a message',
        'toJSON and getters only tell what the value is');
    }
    if (out === CAPACITY) flush();
    if (typeof value === 'number') {
      outTags[out] = Tag.NUMBER;
      outNumbers[out] = value;
    } else if (value === true || value === false) {
      outTags[out] = value ? Tag.TRUE : Tag.FALSE;
    } else if (value === null || value === undefined) {
      outTags[out] = value === null ? Tag.NULL : Tag.UNDEFINED;
    } else {
      converting = true;
      try {
        native.put(out, value);
      } finally {
        converting = false;
      }
      outTags[out] = Tag.VALUE;
    }
    outPorts[out++] = port;
    return undefined;
  },

  // What is emitted from here on has another envelope.
  setEnvelope(context, envelope) {
    if (this.active !== context) {
      throw problem(Status.CLOSED, `a firing of node '${context.id}' has ended: it has no envelope any more`);
    }
    native.setEnvelope(out, envelope);
    restart(0);
    flushed++;
  },

  // Packets that are placed for an outport, in the frames as they are now.
  placedFor(number) {
    for (; counted < out; counted++) {
      const port = outPorts[counted] % 1024;
      placed.set(port, (placed.get(port) ?? 0) + 1);
    }
    return placed.get(number) ?? 0;
  },

  again() {
    state[STATE.FLAGS] |= AGAIN;
  },
};

function fail(error) {
  native.fail(...failureOf(error));
}

// ---- nodes

class NodeState {
  constructor(network, id, type, config) {
    const actor = network.types[type];
    this.network = network;
    this.id = id;
    this.type = type;
    this.actor = actor;
    this.config = config;
    this.state = {};
    this.inPorts = actor.inports.map((port) => port.name);
    this.outPorts = new Map(actor.outports.map((port, number) => [port.name, number]));
    if (!this.outPorts.has('error')) this.outPorts.set('error', actor.outports.length);
    this.firstOut = actor.outports[0]?.name;
    this.indexed = actor.inports.some((port) => port.flags & PORT_ARRAY);
    this.alone = 0; // firings that come one by one, since a batch with them has failed
    this.consuming = 0; // firings that go on with an asynchronous iterator
    this.controller = undefined;
    this.ended = false;
    this.iterator = undefined; // that the firing which comes again goes on with
    this.instance = undefined;
    this.context = new SyncContext(this, engine);
    this.call = undefined;
    this.streams = new Set();
    this.#bind(actor);
  }

  #bind(actor) {
    const { form, body } = actor;
    if (form === 'class') {
      const instance = new body(this.config, this.context);
      this.instance = instance;
      this.call = actor.inports.length > 1 ? (...values) => instance.run(...values)
        : (context, value) => instance.run(context, value);
    } else if (form === 'iterable') {
      this.call = () => (body[Symbol.asyncIterator] ? body[Symbol.asyncIterator]()
        : body[Symbol.iterator]());
    } else {
      this.call = body;
    }
  }

  // Makes a writer or a reader of a stream, which ends with the node at the latest.
  streamed(make) {
    const stream = make((ended) => this.streams.delete(ended));
    this.streams.add(stream);
    return stream;
  }

  // Aborted when the node is torn down, and when its network is about to be.
  signal() {
    this.controller ??= new AbortController();
    if (this.ended) this.end();
    return this.controller.signal;
  }

  end() {
    this.ended = true;
    this.controller?.abort(problem(Status.CANCELLED, `node '${this.id}' is at its end`));
  }
}

// ---- what a function has returned

function isThenable(value) {
  return typeof value === 'object' && value !== null && typeof value.then === 'function';
}

function isIterator(value) {
  return typeof value.next === 'function' &&
    (typeof value[Symbol.iterator] === 'function' || typeof value[Symbol.asyncIterator] === 'function');
}

function describe(value) {
  if (typeof value === 'function') return 'a function';
  if (typeof value !== 'object') return `a ${typeof value}`;
  if (value === null) return 'null';
  return Array.isArray(value) ? 'an array' : `a ${value.constructor?.name ?? 'object'}`;
}

function wrongResult(node, value) {
  return problem(Status.TYPE, `node '${node.id}' returned ${describe(value)}`, node.firstOut
    ? `return { ${node.firstOut}: value }, an iterator of such objects, a promise, or nothing`
    : 'it has no outports: return nothing');
}

// Emits { port: value, ... } by way of emit(port number, value).
function emitResult(node, result, emit) {
  if (result === undefined || result === null) return undefined;
  if (typeof result !== 'object' || Array.isArray(result) || ArrayBuffer.isView(result)) {
    throw wrongResult(node, result);
  }
  let wait;
  for (const key in result) {
    const value = result[key];
    if (value === undefined) continue;
    const port = key === node.firstOut ? 0 : portNumber(node, key);
    wait = emit(port, value) ?? wait;
  }
  return wait;
}

// The same for a batch: each value is an array, whose elements are packets.
function emitBatch(node, result) {
  if (result === undefined || result === null) return;
  if (typeof result !== 'object' || Array.isArray(result)) throw wrongResult(node, result);
  for (const key in result) {
    const values = result[key];
    if (values === undefined) continue;
    const port = key === node.firstOut ? 0 : portNumber(node, key);
    if (typeof values !== 'object' || values === null || typeof values[Symbol.iterator] !== 'function') {
      throw problem(Status.TYPE, `node '${node.id}' returned ${describe(values)} for '${key}'`,
        'a batch actor returns arrays: one element for each packet');
    }
    if (values instanceof Float64Array) placeNumbers(port, values);
    else if (Array.isArray(values)) placeArray(port, values);
    else for (const value of values) engine.place(port, value);
  }
}

function placeArray(port, values) {
  for (let at = 0; at < values.length; at++) {
    const value = values[at];
    // Numbers without a call; the others, and a full frame, take the long way.
    if (typeof value === 'number' && out < CAPACITY) {
      outTags[out] = Tag.NUMBER;
      outNumbers[out] = value;
      outPorts[out++] = port;
    } else {
      engine.place(port, value);
    }
  }
}

function placeNumbers(port, values) {
  for (let at = 0; at < values.length;) {
    if (out === CAPACITY) flush();
    const count = Math.min(values.length - at, CAPACITY - out);
    outNumbers.set(values.subarray(at, at + count), out);
    outTags.fill(Tag.NUMBER, out, out + count);
    outPorts.fill(port, out, out + count);
    out += count;
    at += count;
  }
}

// ---- firings that return what they emit

const DONE = 0;
const KEPT_OPEN = 1; // a promise stands for it
const UNFINISHED = 2; // it comes again

function accept(node, result) {
  if (result === undefined) return DONE;
  if (typeof result === 'object' && result !== null) {
    if (typeof result.then === 'function') {
      keepOpen(node, (firing) => settleLater(node, firing, result));
      return KEPT_OPEN;
    }
    if (typeof result.next === 'function' && isIterator(result)) {
      if (typeof result[Symbol.asyncIterator] === 'function') {
        keepOpen(node, (firing) => settleLater(node, firing, consume(node, firing, result)));
        return KEPT_OPEN;
      }
      return step(node, result);
    }
  }
  emitResult(node, result, engine.place);
  return DONE;
}

// How many values of an iterator are taken in one call: enough to be worth it, and the receivers are asked
// for room in between.
const STEPS = 1024;

// Its `finally` is run, as a loop does that is left by an error, which is not to be hidden by another one.
function leave(node) {
  const { iterator } = node;
  node.iterator = undefined;
  try {
    iterator.return?.();
  } catch { /* the one that is thrown tells more */ }
}

function step(node, iterator) {
  node.iterator = iterator;
  for (let left = STEPS; left > 0; left--) {
    const { done, value } = iterator.next();
    if (done) {
      node.iterator = undefined;
      emitResult(node, value, engine.place);
      return DONE;
    }
    try {
      if (isThenable(value)) {
        throw problem(Status.TYPE, `node '${node.id}' yielded a promise`, 'use async function*');
      }
      emitResult(node, value, engine.place);
    } catch (error) {
      leave(node);
      throw error;
    }
  }
  return UNFINISHED;
}

function valueAt(at) {
  return inTags[at] === Tag.NUMBER ? inNumbers[at] : take(frames, at);
}

function valuesAt(at, size) {
  const values = new Array(size);
  for (let i = 0; i < size; i++) values[i] = valueAt(at + i);
  return values;
}

function indexAt(at) {
  return inIndexes[at] < 0 ? null : inIndexes[at];
}

function indexesAt(at, size) {
  return Array.from({ length: size }, (_, i) => indexAt(at + i));
}

// Calls the function for one firing of several inputs, or for none.
function callWith(node, context, at, firings) {
  const { actor } = node;
  if (firings === 0) return node.call(context);
  if (node.indexed) {
    context.index = indexAt(at);
    if (actor.awaits !== AWAIT.any) context.indexes = indexesAt(at, actor.inports.length);
  }
  if (actor.awaits !== AWAIT.any) return node.call(context, ...valuesAt(at, actor.inports.length));
  if (actor.inports.length > 1) context.port = node.inPorts[inPorts[at]];
  return node.call(context, valueAt(at));
}

// How long one call of the addon keeps the loop of Node, and how often that is looked at.
const MILLISECONDS = 4;
const LOOK = 64;

function runEach(node, firings) {
  const simple = node.actor.inports.length === 1 && firings > 0 && !node.indexed;
  const size = node.actor.awaits === AWAIT.any ? 1 : node.actor.inports.length;
  const { call } = node;
  const began = performance.now();
  let i = 0;
  try {
    for (; i < Math.max(firings, 1); i++) {
      if (i % LOOK === LOOK - 1 && performance.now() - began > MILLISECONDS) break; // the rest comes again
      const { context } = node;
      engine.active = context;
      let outcome;
      if (node.iterator !== undefined) {
        outcome = step(node, node.iterator);
      } else {
        if (context._streams !== undefined) context._streams = undefined; // those of the firing before
        const result = simple ? call(context, valueAt(i)) : callWith(node, context, i * size, firings);
        outcome = result === undefined ? DONE : accept(node, result);
      }
      if (outcome === UNFINISHED) {
        engine.again();
        break;
      }
      if (outcome === KEPT_OPEN) {
        i++;
        break;
      }
    }
  } catch (error) {
    node.iterator = undefined;
    fail(error);
    failStreams(node.context._streams, error);
  }
  state[STATE.COMPLETED] = Math.min(i, firings);
}

// ---- batches

function numbersOf(node, from, count) {
  for (let i = from; i < from + count; i++) {
    if (inTags[i] !== Tag.NUMBER) {
      throw problem(Status.TYPE, `node '${node.id}' takes batches of numbers, and a packet is ` +
        describe(take(frames, i)), 'batch: true takes any values');
    }
  }
  return inNumbers.slice(from, from + count);
}

function callBatch(node, from, count) {
  const { context } = node;
  context._streams = undefined;
  const values = node.actor.batch === 'numbers' ? numbersOf(node, from, count) : valuesAt(from, count);
  if (node.actor.inports.length > 1) {
    context.ports = Array.from(inPorts.subarray(from, from + count), (port) => node.inPorts[port]);
  }
  if (node.indexed) context.indexes = indexesAt(from, count);
  const result = node.call(context, values);
  if (isThenable(result)) {
    throw problem(Status.TYPE, `node '${node.id}' returned a promise from a batch`,
      'asynchronous actors take one packet at a time');
  }
  emitBatch(node, result);
}

// A batch that fails has emitted nothing, and comes again one by one, so that only those fail that fail alone.
function runWhole(node, firings) {
  try {
    callBatch(node, 0, firings);
    state[STATE.COMPLETED] = firings;
  } catch (error) {
    native.discard(0, out, true);
    restart(0);
    flushed = 0;
    failStreams(node.context._streams, error);
    if (firings === 1) {
      fail(error);
    } else {
      node.alone = firings;
      engine.again();
    }
  }
}

function runAlone(node, firings) {
  const began = performance.now();
  let done = 0;
  let mark = 0; // what the firing places begins here
  let times = 0;
  try {
    for (; done < firings && node.alone > 0; done++) {
      if (done % LOOK === LOOK - 1 && performance.now() - began > MILLISECONDS) break; // the rest comes again
      node.alone--;
      mark = out;
      times = flushed;
      callBatch(node, done, 1);
    }
  } catch (error) {
    if (times === flushed) {
      native.discard(mark, out, false);
      restart(mark);
    }
    fail(error);
    failStreams(node.context._streams, error);
  }
  state[STATE.COMPLETED] = done;
}

function runBatch(node, firings) {
  engine.active = node.context;
  if (node.alone === 0) runWhole(node, firings);
  else runAlone(node, firings);
}

function run(node, firings, envelope) {
  restart(0);
  flushed = 0;
  converting = false;
  if (node === undefined) {
    state[STATE.COMPLETED] = firings;
    return;
  }
  node.context._envelope = envelope;
  if (node.actor.batch && firings > 0) runBatch(node, firings);
  else runEach(node, firings);
  engine.active = null;
  state[STATE.OUT] = out;
}

// ---- firings that go on after their call

const open = new Map(); // contexts by the number of their firing

// A function that was not known to be asynchronous is: the firing goes on with the context that it has.
function keepOpen(node, begin) {
  const number = native.pend();
  const firing = new FiringContext(node, number, { port: node.context.port, index: node.context.index,
    envelope: node.context._envelope });
  firing._adopt(node.context);
  node.context._detached = firing;
  node.context = new SyncContext(node, engine);
  open.set(number, firing);
  begin(firing);
}

function settleLater(node, firing, promise) {
  promise.then((result) => settle(node, firing, result), (error) => end(firing, error, true));
}

function settle(node, firing, result) {
  try {
    if (typeof result === 'object' && result !== null && isIterator(result)) {
      settleLater(node, firing, consume(node, firing, result));
      return;
    }
    if (!firing.over) emitResult(node, result, (port, value) => firing._emit(node, port, value));
    end(firing, undefined, false);
  } catch (error) {
    end(firing, error, true);
  }
}

function end(firing, error, failed) {
  open.delete(firing.number);
  firing.over = true;
  if (failed) failStreams(firing._streams, error);
  firing._streams = undefined; // those that go on behind it are of the node
  if (failed) native.pendingFinish(firing.number, ...failureOf(error));
  else native.pendingFinish(firing.number);
}

// The node has gone: its firings that never ended keep nothing any more.
function drop(node) {
  const gone = problem(Status.CANCELLED, `node '${node.id}' has gone`);
  for (const stream of [...node.streams]) stream._cancel(gone);
  for (const firing of open.values()) {
    if (!firing._isOf(node)) continue;
    firing.abort();
    end(firing, undefined, false);
  }
}

// Takes what an iterator gives as fast as the receivers do.
async function consume(node, firing, iterator) {
  node.consuming++;
  try {
    for await (const value of iterator) {
      if (firing.over) return undefined;
      const wait = emitResult(node, value, (port, one) => firing._emit(node, port, one));
      if (wait !== undefined) await wait;
      if (firing.over) return undefined;
    }
  } finally {
    node.consuming--;
  }
  return undefined;
}

function runAsync(node, firings, first, envelope) {
  const count = Math.max(firings, 1);
  const size = node === undefined || node.actor.awaits === AWAIT.any ? 1 : node.actor.inports.length;
  const inputs = firings === 0 ? [[]] : Array.from({ length: count }, (_, i) => valuesAt(i * size, size));
  const ports = Array.from(inPorts.subarray(0, firings * size));
  const indexes = node?.indexed ? indexesAt(0, firings * size) : [];
  for (let i = 0; i < count; i++) {
    if (node === undefined) {
      native.pendingFinish(first + i);
      continue;
    }
    const port = node.inPorts[firings === 0 || size > 1 ? 0 : ports[i]];
    const firing = new FiringContext(node, first + i, { port, index: indexes[i * size], envelope });
    if (node.indexed && size > 1) firing.indexes = indexes.slice(i * size, (i + 1) * size);
    open.set(first + i, firing);
    try {
      const values = node.actor.batch ? [inputs[i]] : inputs[i];
      const result = inside(firing, () => node.call(firing, ...values));
      if (isThenable(result)) settleLater(node, firing, result);
      else settle(node, firing, result);
    } catch (error) {
      end(firing, error, true);
    }
  }
}

// ---- setup, finish and teardown: answered at once or later

function answer(node, call, method, context, what) {
  const done = (result) => {
    try {
      if (context?._finishing) emitResult(node, result, (port, value) => context._emit(node, port, value));
      native.answer(call);
    } catch (error) {
      failed(error);
    }
  };
  const failed = (error) => {
    if (node !== undefined) node.network.failure = error;
    native.answer(call, ...failureOf(error));
  };
  try {
    const result = method?.();
    if (!isThenable(result)) return done(result);
    if (node === undefined) return result.then(done, failed);
    const { network } = node;
    network.promise(call, `${what} of node '${node.id}'`, what === 'teardown');
    const inTime = (then) => (value) => { if (network.settled(call)) then(value); };
    return result.then(inTime(done), inTime(failed));
  } catch (error) {
    return failed(error);
  }
}

function create(network, index, type, call, id, config) {
  answer({ network }, call, () => {
    network.nodes[index] = new NodeState(network, id, type, config);
  });
}

function control(network, kind, index, call) {
  const node = network?.nodes[index];
  if (node === undefined) return answer(undefined, call);
  const { instance } = node;
  const name = ['create', 'setup', 'run', 'finish', 'teardown'][kind];
  if (kind === KIND.TEARDOWN) {
    node.end();
    const iterator = node.iterator;
    node.iterator = undefined;
    return answer(node, call, () => {
      iterator?.return?.();
      return instance?.teardown?.(new ControlContext(node, call, false));
    }, undefined, name);
  }
  const context = new ControlContext(node, call, kind === KIND.FINISH);
  return answer(node, call, () => instance?.[name]?.(context), context, name);
}

// ---- snapshots

// What a node keeps, for a snapshot: undefined if that is nothing.
function save(node) {
  if (node.iterator !== undefined || node.consuming > 0) {
    const source = node.actor.inports.length === 0;
    throw problem(source ? Status.UNSUPPORTED : Status.WOULD_BLOCK,
      `node '${node.id}' is in the middle of an iterator, and nobody knows where that stands`,
      source ? 'a class with run(), save() and load() can be saved' : 'try again when it has ended');
  }
  if (node.actor.form === 'class') return node.instance.save();
  const kept = node.state;
  const empty = kept === undefined || kept === null || (typeof kept === 'object' && Object.keys(kept).length === 0);
  return empty ? undefined : kept;
}

function answerSave(network, index, call) {
  const node = network?.nodes[index];
  const saved = (value) => native.saved(call, value);
  answer(node, call, () => {
    const value = node && save(node);
    return isThenable(value) ? value.then(saved) : saved(value);
  }, undefined, 'save');
}

function answerLoad(network, index, call, version, value) {
  const node = network?.nodes[index];
  answer(node, call, () => {
    if (node === undefined) return undefined;
    if (node.actor.form === 'class') return node.instance.load(value, version);
    node.state = value;
    return undefined;
  }, undefined, 'load');
}

// What the addon calls.
function dispatch(network, kind, a, b, c, d, e) {
  switch (kind) {
    case KIND.RUN: return run(network?.nodes[a], b, c);
    case KIND.RUN_ASYNC: return runAsync(network?.nodes[a], b, c, d);
    case KIND.SAVE: return answerSave(network, a, c);
    case KIND.LOAD: return answerLoad(network, a, c, d, e);
    case KIND.CREATE: return network === undefined ? native.answer(c) : create(network, a, b, c, d, e);
    case KIND.DESTROY:
      if (network === undefined) return undefined;
      if (network.nodes[a] !== undefined) drop(network.nodes[a]);
      network.nodes[a] = undefined;
      return undefined;
    case KIND.CANCELLED: return open.get(a)?.abort();
    case KIND.DRAINED: return open.get(a)?.drain();
    case KIND.TIMER: return network.alarm(a);
    case KIND.VISIT: return visit(a, b);
    case KIND.WRITABLE: return network.writable(a, b, c);
    default: return control(network, kind, a, c);
  }
}

module.exports = { dispatch };
