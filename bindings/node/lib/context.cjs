'use strict';
// What an actor gets as its first argument: a context for each firing that may outlive its call, and one for
// all the others of a node.

const native = require('./binding.cjs');
const { StreamReader, StreamWriter, observerOptions } = require('./bytes.cjs');
const { Status, nearest, problem } = require('./errors.cjs');
const { openFramePool } = require('./pool.cjs');
const { NodeStore, withState } = require('./state.cjs');

const ELEMENTS = 2 ** 22 - 1; // of an array port that can be told apart

// What a firing asks of the engine; the same numbers are in src/asking.cc.
const Ask = { ATTEMPTS: 0, NOW: 1, DEADLINE: 2, CONNECTED: 3, ROOM: 4, TIMERS: 5 };
const TIMER_OPTIONS = ['period', 'cron', 'zone'];
const LONGEST = 1e12; // milliseconds
const LEVELS = ['print', 'error', 'warn', 'info', 'debug', 'trace']; // by their numbers in reflow.h; 0 is printed

// The number of an outport; with an element of an array port, which is one more there, in the upper bits.
function portNumber(node, port, index) {
  const number = node.outPorts.get(port);
  if (number !== undefined) {
    if (index === undefined) return number;
    if (Number.isInteger(index) && index >= 0 && index < ELEMENTS) return (index + 1) * 1024 + number;
    throw problem(Status.INVALID_ARGUMENT, `the element of outport '${port}' is ${String(index)}`,
      'it is a whole number from 0');
  }
  const known = [...node.outPorts.keys()];
  const hint = nearest(port, known);
  throw problem(Status.NOT_FOUND, `node '${node.id}' has no outport ${typeof port === 'string'
    ? `'${port}'` : String(port)}`, hint || `it has ${known.map((name) => `'${name}'`).join(', ')}`);
}

// Keys and pools are there while the engine waits for the actor.
function outOfReach(node) {
  return problem(Status.INVALID_STATE, `the keys and pools of node '${node.id}' are there inside of its calls only`,
    'await ctx.withState((state) => ...) reaches them from a firing that goes on');
}

// Timers and room are those of a call of the engine.
function notInCall(id) {
  return problem(Status.INVALID_STATE, `timers and room of node '${id}' are there inside of its calls only`,
    'a firing that goes on after its call waits with setTimeout, and for room with await ctx.emit(port, value)');
}

function milliseconds(value, what) {
  if (typeof value === 'number' && value >= 0 && value <= LONGEST) return value;
  throw problem(Status.INVALID_ARGUMENT, `${what} is ${String(value)}`, `it is in milliseconds, from 0 to ${LONGEST}`);
}

function timerNumber(id) {
  if (Number.isInteger(id) && id >= 0 && id < 2 ** 32) return id;
  throw problem(Status.INVALID_ARGUMENT, `the id of a timer is ${String(id)}`, 'it is a whole number from 0 to 63');
}

function ended(id) {
  return problem(Status.CLOSED, `a firing of node '${id}' has ended: its engine knows nothing of it any more`);
}

/** What all contexts have: the node, its configuration and its state. */
class Context {
  #node;
  #signal;
  #store;

  constructor(node) {
    this.#node = node;
  }

  _isOf(node) {
    return this.#node === node;
  }

  _isIn(core) {
    return this.#node.network.core === core;
  }

  /** The id of the node, "outer/inner" inside subgraphs. */
  get id() { return this.#node.id; }

  /** The configuration of the node: an object. */
  get config() { return this.#node.config; }

  /** What the node keeps between firings; an empty object at first. */
  get state() { return this.#node.state; }
  set state(value) { this.#node.state = value; }

  /** What the engine keeps for the node under keys, and saves with it. */
  get keys() { return this.#stored().keys; }

  /** The same in groups, each with ids of its own. */
  pool(name) { return this.#stored().pool(name); }

  #stored() {
    this.#store ??= new NodeStore(() => this._reach(this.#node));
    return this.#store;
  }

  /** The frame pool of this name of the network; with options it is made if there is none. */
  framePool(name, options) {
    return openFramePool(this.#node.network.core, name, options);
  }

  /** Calls look({ keys, pool }) as soon as no call of the node goes on: also in firings that go on after their call. */
  withState(look, options) {
    return withState(this.#node.network.core, this.#node.id, look, options);
  }

  /** Aborted when nobody waits for this firing any more: a timeout, a cancellation, or the end of the node. */
  get signal() {
    this.#signal ??= this._signal(this.#node);
    return this.#signal;
  }

  /** Attempts of this firing that have failed before. */
  get attempts() { return this._ask(Ask.ATTEMPTS, 0); }

  /** Milliseconds of the clock of the network: monotonic, and logical in mode simulated. */
  get now() { return this._ask(Ask.NOW, 0); }

  /** When the time of the firing is over, on that clock; null if it has no end. */
  get deadline() { return this._ask(Ask.DEADLINE, 0); }

  /** Whether anything is connected to an outport: what nobody gets need not be made. */
  connected(port) { return this._ask(Ask.CONNECTED, portNumber(this.#node, port)); }

  /** How many packets an outport takes before the actor would be held back; Infinity if it is not connected. */
  room(port) { return this._room(portNumber(this.#node, port)); }

  /** The timers that have led to this call, by their ids. */
  get timers() {
    this._inCall();
    return this._ask(Ask.TIMERS, 0);
  }

  /**
   * Has the actor called after a delay, in milliseconds; with a period again and again, and with cron at times of the
   * wall clock.
   */
  setTimer(id, delay = 0, options = {}) {
    for (const key of Object.keys(options)) {
      if (!TIMER_OPTIONS.includes(key)) {
        throw problem(Status.INVALID_ARGUMENT, `a timer has no option '${key}'`, nearest(key, TIMER_OPTIONS));
      }
    }
    const { period = 0, cron, zone = '' } = options;
    if ((cron !== undefined && typeof cron !== 'string') || typeof zone !== 'string') {
      throw problem(Status.INVALID_ARGUMENT, "options 'cron' and 'zone' of a timer are strings");
    }
    const number = timerNumber(id);
    const [first, again] = [milliseconds(delay, 'the delay of a timer'), milliseconds(period, 'the period of a timer')];
    this._inCall();
    native.setTimer(number, first, again, cron, zone);
  }

  /** Cancels a timer; one that is not set is no error. */
  cancelTimer(id) {
    const number = timerNumber(id);
    this._inCall();
    native.cancelTimer(number);
  }

  /** Has the actor called once after a time in milliseconds; there is one of these for each node. */
  wakeAfter(time) {
    const wait = milliseconds(time, 'the time to wait');
    this._inCall();
    native.wakeAfter(wait);
  }

  /** Logs a line: level is 'error', 'warn', 'info', 'debug' or 'trace'. */
  log(level, text) {
    const number = LEVELS.indexOf(level);
    if (number < 1) {
      throw problem(Status.INVALID_ARGUMENT, `there is no level '${String(level)}'`,
        nearest(String(level), LEVELS.slice(1)) || `one of ${LEVELS.slice(1).join(', ')}`);
    }
    this.#say(number, text);
  }

  /** Prints a text as it is, to where components print. */
  print(text) { this.#say(0, text); }

  #say(level, text) {
    if (typeof text !== 'string') {
      throw problem(Status.INVALID_ARGUMENT, `what is ${level === 0 ? 'printed' : 'logged'} is a string`);
    }
    const { network, type, id } = this.#node;
    native.say(network.core, level, type, id, text);
  }

  /**
   * Emits a value on an outport, or on one element of an array port, any number of times. In a firing that goes on asynchronously it returns a
   * promise while the value waits for room; waiting for it is how an actor follows its receivers.
   */
  emit(port, value, index) {
    return this._emit(this.#node, portNumber(this.#node, port, index), value);
  }

  /** Opens a stream of bytes and emits its handle; what it gives writes the stream. */
  openStream(port, options) {
    const writer = this.#streamed((ended) => new StreamWriter(this.#node.network.core, options, ended));
    this.emit(port, writer.handle);
    return writer;
  }

  /** Reads a stream that has come as a packet. It can be accepted once. */
  acceptStream(message) {
    return this.#streamed((ended) => new StreamReader(this.#node.network.core, message, undefined, ended));
  }

  /** Looks on while somebody else reads it, from now on. */
  observeStream(message, options) {
    const given = observerOptions(options);
    return this.#streamed((ended) => new StreamReader(this.#node.network.core, message, given, ended));
  }

  #streamed(make) {
    const own = this._openStreams();
    const stream = this.#node.streamed((ended) => make((one) => {
      own?.delete(one);
      ended(one);
    }));
    own?.add(stream);
    return stream;
  }

  // Those that the firing has opened, which end with it if it fails; outside of firings there are none.
  _openStreams() { return undefined; }
}

// The firing has failed, so what it has written is not complete, and nobody reads what it has accepted.
function failStreams(streams, error) {
  if (streams !== undefined) for (const stream of [...streams]) stream._cancel(error);
}

// ---- firings that end with their call; which one goes on is known to dispatch.cjs

class SyncContext extends Context {
  constructor(node, engine) {
    super(node);
    this._engine = engine;
    /** The name of the inport that the value came in at. */
    this.port = node.inPorts[0];
    /** The element of an array port that it came in at; null for none. */
    this.index = null;
    this._envelope = undefined;
    this._streams = undefined; // that the firing which goes on has opened
  }

  /** What goes with the packets of this firing, in a network that carries envelopes. */
  get envelope() { return this._envelope; }

  /** What is emitted from now on has this one. */
  set envelope(envelope) {
    this._engine.setEnvelope(this, envelope);
    this._envelope = envelope ?? undefined;
  }

  _openStreams() {
    if (this._detached !== undefined) return this._detached._openStreams();
    return this._engine.active === this ? this._streams ??= new Set() : undefined;
  }

  // One of its own: the firing may turn out to go on behind its call, and is cancelled by itself then.
  _signal(node) {
    if (this._detached !== undefined) return this._detached.signal;
    const whole = node.signal();
    const own = new AbortController();
    const abort = () => own.abort(whole.reason);
    if (whole.aborted) abort();
    else whole.addEventListener('abort', abort, { once: true });
    this._handOver = () => {
      whole.removeEventListener('abort', abort);
      return own;
    };
    return own.signal;
  }

  _reach(node) {
    if (this._engine.active === this) return 0;
    throw outOfReach(node);
  }

  _ask(what, port) {
    if (this._detached !== undefined) return this._detached._ask(what, port);
    if (this._engine.active !== this) throw ended(this.id);
    return native.ask(0, what, port);
  }

  _inCall() {
    if (this._detached !== undefined) throw notInCall(this.id);
    if (this._engine.active !== this) throw ended(this.id);
  }

  _room(port) {
    this._inCall();
    const room = native.ask(0, Ask.ROOM, port);
    return room < 0 ? Infinity : Math.max(room - this._engine.placedFor(port), 0);
  }

  _emit(node, port, value) {
    if (this._detached !== undefined) return this._detached._emit(node, port, value);
    if (this._engine.active !== this) {
      throw problem(Status.CLOSED, `a firing of node '${node.id}' has ended: it cannot emit any more`,
        'return a promise to keep a firing open');
    }
    return this._engine.place(port, value);
  }

  /** For a source: asks to be called again. */
  again() {
    this._engine.again();
  }
}

// ---- firings that go on after their call

class FiringContext extends Context {
  constructor(node, number, { port, index = null, envelope }) {
    super(node);
    this.number = number;
    this.port = port;
    this.index = index;
    this._envelope = envelope;
    this.drained = undefined; // { promise, resolve } while something waits for room
    this.controller = undefined;
    this.over = false;
    this._streams = undefined; // that were opened in it
  }

  _openStreams() {
    return this.over ? undefined : this._streams ??= new Set();
  }

  // Goes on with what a context has told already, if that was asked for it.
  _adopt(context) {
    this._streams = context._streams;
    this.controller = context._handOver?.();
    if (this.controller !== undefined) native.pendingWatch(this.number);
  }

  _signal(node) {
    if (this.controller !== undefined) return this.controller.signal;
    this.controller = new AbortController();
    if (this.over) this.abort(node.id);
    else native.pendingWatch(this.number);
    return this.controller.signal;
  }

  _reach(node) {
    throw outOfReach(node);
  }

  _ask(what, port) {
    if (this.over) throw ended(this.id);
    return native.askPending(this.number, what, port);
  }

  _inCall() { throw notInCall(this.id); }

  _room() { throw notInCall(this.id); }

  get envelope() { return this._envelope; }
  set envelope(envelope) {
    if (this.over) {
      throw problem(Status.CLOSED, `a firing of node '${this.id}' has ended: it has no envelope any more`);
    }
    native.pendingEnvelope(this.number, envelope);
    this._envelope = envelope ?? undefined;
  }

  abort(id) {
    this.over = true;
    this.drain();
    const reason = problem(Status.CANCELLED, `a firing of node '${id ?? this.id}' was cancelled, or its time is over`);
    failStreams(this._streams, reason);
    this.controller?.abort(reason);
  }

  _emit(node, port, value) {
    const accepted = this.over ? -1 : native.pendingEmit(this.number, port, value);
    if (accepted === 1) return undefined;
    if (accepted < 0) {
      throw problem(Status.CLOSED, `a firing of node '${node.id}' has ended: it cannot emit any more`);
    }
    if (this.drained === undefined) {
      this.drained = {};
      this.drained.promise = new Promise((resolve) => { this.drained.resolve = resolve; });
    }
    return this.drained.promise;
  }

  drain() {
    const waiting = this.drained;
    this.drained = undefined;
    waiting?.resolve();
  }
}

// ---- setup, finish and teardown

class ControlContext extends Context {
  constructor(node, call, finishing) {
    super(node);
    this._call = call;
    this._finishing = finishing;
  }

  _signal(node) {
    return node.signal();
  }

  _reach() {
    return this._call;
  }

  _ask(what, port) {
    return native.ask(this._call, what, port);
  }

  _inCall() {
    throw problem(Status.INVALID_STATE, `timers of node '${this.id}' are those of run`, 'a source sets its first ones there');
  }

  _room(port) {
    if (!this._finishing) throw problem(Status.INVALID_STATE, `node '${this.id}' can emit in run and finish only`);
    const room = native.ask(this._call, Ask.ROOM, port);
    return room < 0 ? Infinity : room;
  }

  _emit(node, port, value) {
    if (!this._finishing || !native.controlEmit(this._call, port, value)) {
      throw problem(Status.INVALID_STATE, `node '${node.id}' can emit in run and finish only`);
    }
    return undefined;
  }
}

module.exports = { ControlContext, FiringContext, SyncContext, failStreams, portNumber };
