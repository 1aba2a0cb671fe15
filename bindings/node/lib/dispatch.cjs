'use strict';
// How firings reach functions: the addon calls dispatch() with a batch, the loops here call the function for
// each firing, and what it emits goes back in memory. See src/actors.cc for the other side.

const { types } = require('node:util');
const native = require('./binding.cjs');
const { ControlContext, FiringContext, SyncContext, failStreams, portNumber } = require('./context.cjs');
const { Status, failureOf, problem } = require('./errors.cjs');
const { CAPACITY, Tag, frames, take } = require('./frames.cjs');
const { inside } = require('./inside.cjs');
const { AWAIT, PORT_ARRAY } = require('./actor.cjs');
const { visit } = require('./state.cjs');
const { Message } = require('./values.cjs');

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
    this.roomy = CAPACITY - this.outPorts.size; // up to there a packet for each outport fits into the frames
    this.firstOut = actor.outports[0]?.name;
    this.indexed = actor.inports.some((port) => port.flags & PORT_ARRAY);
    this.pace = 1; // firings until the clock is looked at
    this.later = undefined; // firings that go on after their call, and have to be begun yet
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

// Whether an object stands for something else than its properties.
function isOther(value) {
  return Array.isArray(value) || ArrayBuffer.isView(value) || value instanceof Message || types.isDate(value) ||
    types.isRegExp(value) || types.isSet(value) || types.isWeakMap(value) || types.isWeakSet(value) ||
    types.isAnyArrayBuffer(value) || types.isBoxedPrimitive(value) || types.isPromise(value);
}

// What was returned as an object whose keys are ports. An error that is returned fails the firing like one that is
// thrown; what has no ports fails it, too, so that nothing is lost in silence.
function emittedBy(node, result) {
  if (typeof result !== 'object') throw wrongResult(node, result);
  const prototype = Object.getPrototypeOf(result);
  if (prototype === Object.prototype || prototype === null) return result;
  if (result instanceof Error || types.isNativeError(result)) throw result;
  if (types.isMap(result)) {
    for (const key of result.keys()) if (typeof key !== 'string') portNumber(node, key);
    return Object.fromEntries(result);
  }
  if (isOther(result)) throw wrongResult(node, result);
  if (Object.getPrototypeOf(prototype) === null) return result; // a plain one of another realm
  const own = { ...result }; // an instance of a class, with its properties
  if (Object.keys(own).length === 0) throw wrongResult(node, result);
  return own;
}

// Emits { port: value, ... } by way of emit(port number, value). Nothing is emitted before all names are known to be
// outports and, of several values, each is a message.
function emitResult(node, result, emit) {
  if (result === undefined || result === null) return undefined;
  const ports = emittedBy(node, result);
  const places = [];
  for (const key in ports) {
    const value = ports[key];
    if (value !== undefined) places.push([portNumber(node, key), value]);
  }
  if (places.length > 1) for (const place of places) place[1] = messageOf(place[1]);
  let wait;
  for (const [port, value] of places) wait = emit(port, value) ?? wait;
  return wait;
}

// As a message, if that can fail.
function messageOf(value) {
  return value !== null && (typeof value === 'object' || typeof value === 'function' || typeof value === 'symbol' ||
    typeof value === 'bigint' || typeof value === 'string') ? native.message(value) : value;
}

// The same into the frames, which is what nearly all firings do: without memory for one or two ports.
function placeResult(node, result) {
  if (result === undefined || result === null) return;
  // Its prototype costs as much as all the rest of this.
  const ports = result.constructor === Object && typeof result === 'object' ? result : emittedBy(node, result);
  let first = -1;
  let second = -1;
  let firstValue;
  let secondValue;
  let more;
  for (const key in ports) {
    const value = ports[key];
    if (value === undefined) continue;
    const port = key === node.firstOut ? 0 : portNumber(node, key);
    if (first < 0) {
      first = port;
      firstValue = value;
    } else if (second < 0) {
      second = port;
      secondValue = value;
    } else {
      (more ??= []).push(port, value);
    }
  }
  if (second >= 0) placeSeveral(node, first, firstValue, second, secondValue, more);
  else if (first >= 0) engine.place(first, firstValue);
}

// What cannot be converted takes those of its firing back that stand before it.
function placeSeveral(node, first, firstValue, second, secondValue, more) {
  if (out > node.roomy) flush();
  const mark = out;
  const times = flushed;
  try {
    engine.place(first, firstValue);
    engine.place(second, secondValue);
    if (more !== undefined) for (let at = 0; at < more.length; at += 2) engine.place(more[at], more[at + 1]);
  } catch (error) {
    if (times === flushed && out > mark) {
      native.discard(mark, out, false);
      restart(mark);
    }
    throw error;
  }
}

// The same for a batch: each value is an array, whose elements are packets.
function emitBatch(node, result) {
  if (result === undefined || result === null) return;
  const ports = emittedBy(node, result);
  for (const key in ports) {
    const values = ports[key];
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
  placeResult(node, result);
  return DONE;
}

// How long one call of the addon keeps the loop of Node. The clock is not for nothing: a node that was fast so far is
// looked at less often, one that was slow each time.
const MILLISECONDS = 4;
const LOOK = 64;
const FAST = 0.5; // milliseconds between two looks
const SLOW = 1;
let began = 0; // the call that goes on
let looked = 0;
let left = 0; // firings until the next look

function startClock(node) {
  began = looked = performance.now();
  left = node.pace;
}

// Behind each firing: whether the rest has to come again, so that others have their turn.
function late(node) {
  if (--left > 0) return false;
  const now = performance.now();
  const took = now - looked;
  looked = now;
  if (took < FAST) node.pace = Math.min(node.pace * 2, LOOK);
  else if (took > SLOW) node.pace = Math.max(Math.floor(node.pace / took), 1);
  left = node.pace;
  return now - began > MILLISECONDS;
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
  for (let steps = STEPS; steps > 0; steps--) {
    const { done, value } = iterator.next();
    if (done) {
      node.iterator = undefined;
      placeResult(node, value);
      return DONE;
    }
    try {
      if (isThenable(value)) {
        throw problem(Status.TYPE, `node '${node.id}' yielded a promise`, 'use async function*');
      }
      placeResult(node, value);
    } catch (error) {
      leave(node);
      throw error;
    }
    if (late(node)) break;
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

function runEach(node, firings) {
  const simple = node.actor.inports.length === 1 && firings > 0 && !node.indexed;
  const size = node.actor.awaits === AWAIT.any ? 1 : node.actor.inports.length;
  const { call } = node;
  startClock(node);
  let i = 0;
  try {
    while (i < Math.max(firings, 1)) {
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
      i++;
      if (outcome === KEPT_OPEN || late(node)) break; // the rest comes again
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
  startClock(node);
  let done = 0;
  let mark = 0; // what the firing places begins here
  let times = 0;
  try {
    while (done < firings && node.alone > 0) {
      node.alone--;
      mark = out;
      times = flushed;
      callBatch(node, done, 1);
      done++;
      if (late(node)) break; // the rest comes again
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
  if (node === undefined) {
    for (let i = 0; i < count; i++) native.pendingFinish(first + i);
    return;
  }
  const size = node.actor.awaits === AWAIT.any ? 1 : node.actor.inports.length;
  const calls = [];
  for (let i = 0; i < count; i++) {
    const at = i * size;
    const port = node.inPorts[firings === 0 || size > 1 ? 0 : inPorts[at]];
    const index = firings > 0 && node.indexed ? indexAt(at) : undefined;
    const firing = new FiringContext(node, first + i, { port, index, envelope });
    if (node.indexed && size > 1) firing.indexes = firings === 0 ? [] : indexesAt(at, size);
    const values = firings === 0 ? [] : valuesAt(at, size);
    calls.push({ firing, values: node.actor.batch ? [values] : values });
    open.set(first + i, firing);
  }
  if (node.later !== undefined) node.later.push(...calls); // behind those that came before
  else beginAll(node, calls);
}

// What of them is behind its time has the next turn of the loop: a function may do much before it waits.
function beginAll(node, calls) {
  startClock(node);
  for (let i = 0; i < calls.length; i++) {
    const { firing, values } = calls[i];
    beginFiring(node, firing, values);
    if (!late(node) || i + 1 === calls.length) continue;
    node.later = calls.slice(i + 1);
    setImmediate(() => {
      const rest = node.later.filter(({ firing }) => stillAsked(firing));
      node.later = undefined;
      beginAll(node, rest);
    });
    return;
  }
}

// One that was cancelled, or whose time was over, before it began does not begin.
function stillAsked(firing) {
  if (!open.has(firing.number)) return false;
  if (native.pendingOpen(firing.number)) return true;
  end(firing, undefined, false);
  return false;
}

function beginFiring(node, firing, values) {
  try {
    const result = inside(firing, () => node.call(firing, ...values));
    if (isThenable(result)) settleLater(node, firing, result);
    else settle(node, firing, result);
  } catch (error) {
    end(firing, error, true);
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
