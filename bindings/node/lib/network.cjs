'use strict';
// The class Network: a graph of nodes that is made, started, fed and read.

const { fileURLToPath } = require('node:url');
const native = require('./binding.cjs');
const { actorOf } = require('./actor.cjs');
const { ReflowError, Status, nearest, problem } = require('./errors.cjs');
const { Graph, graphOf, handleOf } = require('./graph.cjs');
const { checkNotInside } = require('./inside.cjs');
const { hooksOf } = require('./log.cjs');
const { StreamReader, StreamWriter, observerOptions } = require('./bytes.cjs');
const { abortableEach, chunksNow, converted, convertedFirst, placeAll, sentSoFar } = require('./sending.cjs');
const { Single } = require('./single.cjs');
const { checkConnection, componentOf, endpointOf, ofNode, unfed, whole } = require('./ports.cjs');
const { checkOptions } = require('./options.cjs');
const { MessageStream } = require('./stream.cjs');
const { abortable, signalOf, timeoutOf, whenIdle } = require('./waits.cjs');

const OPTIONS = ['name', 'workers', 'batchPackets', 'portCapacity', 'portCapacityBytes', 'blockingThreads',
  'watchdogMs',
  'checkTypes', 'envelopes', 'mode', 'seed', 'record', 'closeTimeout', 'log',
  'logLevel', 'print'];
// Numbers of things: whole ones, from 0 (the default) to what the engine can take.
const COUNTS = { workers: 2 ** 32 - 1, batchPackets: 2 ** 32 - 1, portCapacity: 2 ** 32 - 1,
  portCapacityBytes: Number.MAX_SAFE_INTEGER, blockingThreads: 2 ** 32 - 1, watchdogMs: Number.MAX_SAFE_INTEGER };
const MODES = { own: 0, inline: 1, hosted: 2, simulated: 4 };
const STATES = ['created', 'running', 'draining', 'drained', 'stopping', 'stopped'];
const SENT = Promise.resolve();

function patienceOf({ closeTimeout = 10000 }) {
  if (typeof closeTimeout === 'number' && closeTimeout >= 0 && closeTimeout < 2 ** 31) return closeTimeout;
  throw problem(Status.INVALID_ARGUMENT, `closeTimeout is ${String(closeTimeout)}`, 'it is in milliseconds');
}

function lateText(late, patience) {
  const shown = late.slice(0, 3).join(', ') + (late.length > 3 ? `, and ${late.length - 3} more` : '');
  return `${shown} ${late.length > 1 ? 'have' : 'has'} not ended within ${patience} ms`;
}

// The mode as the engine has it; what makes sense in one mode only is refused elsewhere.
function modeOf({ mode = 'own', seed, record }) {
  if (!Object.hasOwn(MODES, mode)) {
    throw problem(Status.INVALID_ARGUMENT, `there is no mode '${String(mode)}'`, nearest(mode, Object.keys(MODES)) ||
      "it is 'own', 'hosted', 'inline' or 'simulated'");
  }
  if (seed !== undefined && (!Number.isSafeInteger(seed) || seed < 0)) {
    throw problem(Status.INVALID_ARGUMENT, `seed is ${String(seed)}`, 'it is a whole number from 0');
  }
  if (mode !== 'simulated' && (seed ?? record) !== undefined) {
    throw problem(Status.INVALID_ARGUMENT, `${record === undefined ? 'a seed' : 'a recording'} is of mode 'simulated'`);
  }
  return MODES[mode];
}

// What the addon sees of a network: nodes, types, and who waits to send.
class Inside {
  constructor() {
    this.nodes = [];
    this.types = [];
    this.waits = []; // by inport: a queue of { left, resolve, reject }
    this.failure = undefined;
    this.patience = 10000; // how long the end waits for promises of setup and teardown
    this.ending = false;
    this.promised = new Map(); // calls that a promise will answer -> what they are
    this.late = []; // what has not ended in time
    this.core = undefined; // so that a network which works is kept as a whole
    this.timer = undefined; // of a hosted network
  }

  // Mode hosted: something is due in so many milliseconds; below 0 nothing is. A network that waits for it keeps the
  // process by itself.
  alarm(milliseconds) {
    clearTimeout(this.timer);
    if (milliseconds < 0) return;
    const wait = Math.min(Math.ceil(milliseconds), 2 ** 31 - 1);
    this.timer = setTimeout(() => native.pump(this.core), wait).unref();
  }

  // Of what waited at an inport, `sent` packets went in; a problem ends all the others.
  writable(index, sent, error) {
    const queue = this.waits[index] ?? [];
    let left = sent;
    while (queue.length > 0 && left >= queue[0].left) {
      left -= queue[0].left;
      queue.shift().resolve();
    }
    if (queue.length > 0) queue[0].left -= left;
    if (error === null) return;
    for (const { reject } of queue.splice(0)) reject(error);
  }

  // A promise stands for a call of setup and the like: it has so much time once the network ends.
  promise(call, what, always) {
    const entry = { what, timer: undefined };
    this.promised.set(call, entry);
    if (always || this.ending) this.#limit(call, entry);
  }

  /** Whether the answer to a call still counts. */
  settled(call) {
    clearTimeout(this.promised.get(call)?.timer);
    return this.promised.delete(call);
  }

  /** The network ends: nothing is waited for without limit any more. */
  end() {
    this.ending = true;
    for (const [call, entry] of this.promised) if (entry.timer === undefined) this.#limit(call, entry);
  }

  #limit(call, entry) {
    entry.timer = setTimeout(() => {
      this.promised.delete(call);
      this.late.push(entry.what);
      native.answer(call, Status.TIMEOUT, lateText([entry.what], this.patience), '', '');
    }, this.patience);
  }

  // The error about what has not ended in time; undefined if all has.
  lateness() {
    const late = this.late.splice(0);
    if (late.length === 0) return undefined;
    return problem(Status.TIMEOUT, lateText(late, this.patience),
      'the network has ended without it; ctx.signal tells a callback that it should return');
  }

  // A signal takes back what has not gone in.
  wait(index, left, signal) {
    const queue = this.waits[index] ??= [];
    if (signal === undefined) return new Promise((resolve, reject) => { queue.push({ left, resolve, reject }); });
    return new Promise((resolve, reject) => {
      const entry = { left, resolve, reject };
      queue.push(entry);
      const abort = () => {
        const at = queue.indexOf(entry);
        if (at < 0) return;
        const before = queue.slice(0, at).reduce((sum, each) => sum + each.left, 0);
        native.withdraw(this.core, index, before, entry.left);
        queue.splice(at, 1);
        reject(signal.reason);
      };
      signal.addEventListener('abort', abort, { once: true });
      const settled = (settle) => (value) => {
        signal.removeEventListener('abort', abort);
        settle(value);
      };
      entry.resolve = settled(resolve);
      entry.reject = settled(reject);
    });
  }
}

let replaying; // the file of the network that is made next: see replayNetwork

class Network {
  #inside = new Inside();
  #core;
  #actors = new Map(); // Actor -> id of its component
  #actorOf = new Map(); // the opposite
  #nodes = new Map(); // id of a node -> what is known of its component, until the network is made
  #inports = new Map();
  #opening = []; // what has to be done between the making of the network and its start
  #open = new Set(); // required inports of nodes that nothing leads to: for the program
  #unopened = []; // how streams are told that there will be no start
  #built = false;
  #sending = 0; // calls of sendMany that go on, but for those that wait for what they iterate
  #building;
  #closed;
  #single; // of a network that runs inside of calls only
  #streams = new Set(); // of bytes, that the program has opened and that have not ended
  #threads; // it has some
  #showLog; // what waits to be shown

  /**
   * A network of its own, on threads of its own.
   * @param options name, workers, portCapacity, portCapacityBytes, batchPackets, blockingThreads, watchdogMs, checkTypes,
   *   log, logLevel, print
   */
  constructor(options = {}) {
    const replay = replaying;
    replaying = undefined;
    // A graph or the name of a file, as for Network.from, would be an object without any option.
    const plain = typeof options === 'object' && options !== null
      && [Object.prototype, null].includes(Object.getPrototypeOf(options));
    if (!plain && (typeof options !== 'object' || options === null || Object.keys(options).length === 0)) {
      throw problem(Status.INVALID_ARGUMENT, 'what a network is made with is an object of options',
        'Network.from(graph) makes one of a graph, a document or a file');
    }
    for (const key of Object.keys(options)) {
      if (!OPTIONS.includes(key)) {
        throw problem(Status.INVALID_ARGUMENT, `a network has no option '${key}'`, nearest(key, OPTIONS));
      }
      const most = Object.hasOwn(COUNTS, key) ? COUNTS[key] : undefined;
      const value = options[key];
      if (most === undefined || value === undefined) continue;
      if (!Number.isSafeInteger(value) || value < 0 || value > most) {
        throw problem(Status.INVALID_ARGUMENT, `option '${key}' is ${typeof value === 'string' ? `'${value}'` : String(value)}`,
          `it is a whole number from 0 to ${most}`);
      }
    }
    const mode = modeOf(options);
    const record = options.record instanceof URL ? fileURLToPath(options.record) : options.record;
    const [hooks, showLog] = hooksOf(options);
    this.#core = native.network(this.#inside, { ...options, mode, record, replay, hooks });
    this.#showLog = showLog;
    this.#inside.core = this.#core;
    this.#inside.patience = patienceOf(options);
    this.#threads = mode === MODES.own;
    if (!this.#threads && mode !== MODES.hosted) this.#single = new Single(this.#core, mode === MODES.simulated);
  }

  /**
   * Adds a node: an actor, a class with run(), or the id of a component; config is its configuration. While the
   * network runs, this and the other edits change a copy of its graph, which apply() brings into effect as one step.
   */
  add(id, component, config) {
    const name = this.#componentOf(id, component);
    native.addNode(this.#core, id, name, config);
    this.#nodes.set(id, componentOf(name, this.#actorOf.get(name)));
    return this;
  }

  /** Gives a node another component and another configuration. */
  replace(id, component, config) {
    const name = this.#componentOf(id, component);
    native.replaceNode(this.#core, id, name, config);
    this.#nodes.set(id, componentOf(name, this.#actorOf.get(name)));
    return this;
  }

  /** Removes a node, with its connections. */
  remove(id) {
    if (typeof id !== 'string') throw problem(Status.INVALID_ARGUMENT, 'the id of a node is a string');
    native.removeNode(this.#core, id);
    this.#nodes.delete(id);
    return this;
  }

  // The id of a component, also of an actor.
  #componentOf(id, component) {
    if (typeof id !== 'string') throw problem(Status.INVALID_ARGUMENT, 'the id of a node is a string');
    const actor = typeof component === 'string' ? undefined : actorOf(component);
    if (actor === undefined && typeof component !== 'string') {
      throw problem(Status.INVALID_ARGUMENT, `node '${id}' is neither an actor nor the id of a component`,
        typeof component === 'function' ? 'wrap the function: actor({ inports, outports }, fn)' : '');
    }
    return actor === undefined ? component : this.register(actor);
  }

  /** Registers an actor under an id of its own, for graphs that name it; add() does it by itself. */
  register(given, id) {
    const actor = actorOf(given);
    if (actor === undefined) {
      throw problem(Status.INVALID_ARGUMENT, 'what is registered is no actor', 'make it with actor(), or give a class with run()');
    }
    if (id !== undefined && typeof id !== 'string') throw problem(Status.INVALID_ARGUMENT, 'the id of a component is a string');
    const known = this.#actors.get(actor);
    if (known !== undefined && id === undefined) return known;
    const wanted = id ?? actor.name;
    let name = wanted;
    for (let n = 2; id === undefined && this.#actorOf.has(name); n++) name = `${wanted}-${n}`;
    let index;
    try {
      index = native.register(this.#core, { ...actor.spec, id: name });
    } catch (error) {
      // A component of the engine has that name.
      if (id !== undefined || error.status !== Status.ALREADY_EXISTS) throw error;
      name = `js/${name}`;
      index = native.register(this.#core, { ...actor.spec, id: name });
    }
    this.#inside.types[index] = actor;
    this.#actorOf.set(name, actor);
    this.#actors.set(actor, name);
    return name;
  }

  /** Registers a graph under an id: what add() gives that id is a subgraph. A Graph, the path of a file, or a document. */
  registerGraph(id, graph) {
    if (typeof id !== 'string') throw problem(Status.INVALID_ARGUMENT, 'the id of a component is a string');
    native.registerGraph(this.#core, id, handleOf(graphOf(graph)));
    return this;
  }

  /** How many threads run actors; 0 in modes without them, and behind the end. */
  get workers() {
    return native.workers(this.#core);
  }

  /** Changes it, also while the network runs; 0: one for each processor. */
  setWorkers(workers) {
    if (!Number.isSafeInteger(workers) || workers < 0 || workers > COUNTS.workers) {
      throw problem(Status.INVALID_ARGUMENT, `a number of workers is ${String(workers)}`, 'it is a whole number from 0');
    }
    native.setWorkers(this.#core, workers);
    return this;
  }

  /** Connects an outport to an inport: connect('a.out', 'b.in'). */
  connect(from, to, metadata) {
    const b = ofNode(to, 'the inport');
    const a = ofNode(from, 'the outport');
    if (!this.#built) checkConnection(this.#nodes, a, b);
    native.connect(this.#core, a.node, a.port, a.index, b.node, b.port, b.index, metadata);
    return this;
  }

  /** Takes a connection away. */
  disconnect(from, to) {
    const b = ofNode(to, 'the inport');
    const a = ofNode(from, 'the outport');
    native.disconnect(this.#core, a.node, a.port, a.index, b.node, b.port, b.index);
    return this;
  }

  /** Adds an initial packet, sent to the inport at the start. */
  initial(to, value) {
    const { node, port, index } = ofNode(to, 'the inport');
    native.initial(this.#core, node, port, index, value);
    return this;
  }

  /** Gives an inport a name of the graph: exposeInport('in', 'm.in[2]'), and then send('in', value). */
  exposeInport(name, port, type = 'any') {
    return this.#expose(false, name, ofNode(port, 'the inport'), type);
  }

  /** Gives an outport a name of the graph, for stream(name). */
  exposeOutport(name, port, type = 'any') {
    return this.#expose(true, name, ofNode(port, 'the outport'), type);
  }

  #expose(out, name, { node, port, index }, type) {
    if (typeof name !== 'string') throw problem(Status.INVALID_ARGUMENT, 'the name of a port is a string');
    if (typeof type !== 'string') throw problem(Status.INVALID_ARGUMENT, 'the type of a port is a string');
    native.expose(this.#core, out, name, node, port, index, type);
    return this;
  }

  /** Sets a property of the graph, such as "on_stall". */
  property(key, value) {
    native.property(this.#core, key, value);
    return this;
  }

  /** "created", "running", "draining", "drained", "stopping" or "stopped". */
  get state() {
    return STATES[native.state(this.#core)];
  }

  /** Starts: setup of each actor has ended when the promise is fulfilled. */
  async start() {
    try {
      await this.#build();
      for (const open of this.#opening.splice(0)) await open();
      this.#unopened = [];
      await native.start(this.#core);
    } catch (error) {
      throw this.#explain(error);
    }
    return this;
  }

  // Makes the network of the engine, once.
  #build() {
    const again = (error) => {
      if (!this.#exposeRequired()) throw error;
      return native.build(this.#core);
    };
    this.#building ??= native.build(this.#core).catch(again).then(() => {
      this.#built = true;
    }, (error) => {
      this.#building = undefined; // the graph may be mended and tried again
      throw error;
    });
    return this.#building;
  }

  // Exposes required inports that nothing leads to, of nodes that add() has added: nobody but the program can send to
  // them. Whether there were any.
  #exposeRequired() {
    const graph = new Graph();
    native.networkGraph(this.#core, handleOf(graph));
    const found = unfed(graph.toJSON(), this.#nodes.keys(), this.#actorOf);
    for (const [node, port] of found) {
      this.#open.add(`${node}.${port}`);
      native.expose(this.#core, false, `${node}.${port}`, node, port, undefined, 'any');
    }
    return found.length > 0;
  }

  // Of those, once, to which nothing was sent.
  #tellOpen() {
    for (const name of this.#open) {
      process.emitWarning(`'${name}' needs packets and is not connected, and the program has sent nothing to it: ` +
        'connect it, or send to it', 'ReflowWarning');
    }
    this.#open.clear();
  }

  // The error that an actor threw in its constructor or in setup is the cause.
  #explain(error) {
    const cause = this.#inside.failure;
    this.#inside.failure = undefined;
    if (error instanceof ReflowError && cause !== undefined && error.cause === undefined) {
      Object.defineProperty(error, 'cause', { value: cause, configurable: true, writable: true });
    }
    return error;
  }

  #inport(to) {
    let index = this.#inports.get(to);
    if (index === undefined) {
      const { node, port } = whole(to, 'the inport');
      // By what it names: an object may be another one each time.
      const name = node === '' ? port : `${node}.${port}`;
      index = this.#inports.get(name);
      if (index !== undefined) return index;
      index = native.findInport(this.#core, node, port);
      this.#inports.set(name, index);
      this.#open.delete(name);
    }
    return index;
  }

  /** Sends a value to an inport; fulfilled when it has gone in, which is when there is room. */
  send(to, value, options) {
    try {
      const signal = options === undefined ? undefined : this.#sendSignal(options);
      const index = this.#inport(to);
      if (this.#single !== undefined) return this.#single.send(index, value, options?.envelope, signal);
      const sent = native.send(this.#core, index, value, true, options?.envelope);
      return sent === 1 ? SENT : this.#inside.wait(index, 1, signal);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #sendSignal(options) {
    const signal = signalOf(checkOptions(options, ['envelope', 'signal'], 'send'));
    signal?.throwIfAborted();
    return signal;
  }

  /** Sends a value if there is room now; tells whether it went in. */
  trySend(to, value, options) {
    const envelope = options === undefined ? undefined : checkOptions(options, ['envelope'], 'trySend').envelope;
    const sent = native.send(this.#core, this.#inport(to), value, false, envelope) === 1;
    if (sent) this.#single?.wake();
    return sent;
  }

  /**
   * Sends each value of something to iterate as a packet; fulfilled with their number. Of an array all values are
   * converted before the first is sent; of other things those before one that cannot be converted are, and `sent` of
   * the error is their number.
   */
  async sendMany(to, values, options) {
    const signal = signalOf(checkOptions(options, ['signal'], 'sendMany'));
    signal?.throwIfAborted();
    const index = this.#inport(to);
    const all = convertedFirst(values, this.#single !== undefined);
    const whole = Array.isArray(all);
    const chunks = chunksNow(all);
    if (chunks === undefined) return this.#sendChunks(index, abortableEach(all, signal), whole, signal);
    // The first of them goes before this returns, and idle() knows that there are others.
    this.#sending++;
    try {
      return await this.#sendChunks(index, chunks, whole, signal);
    } finally {
      this.#sending--;
    }
  }

  async #sendChunks(index, chunks, whole, signal) {
    let total = 0;
    const later = typeof chunks[Symbol.iterator] !== 'function';
    const from = later ? chunks[Symbol.asyncIterator]() : chunks[Symbol.iterator]();
    try {
      for (;;) {
        const { done, value: chunk } = later ? await from.next() : from.next();
        if (done) return total;
        total += await this.#sendChunk(index, chunk, total, whole, signal);
        signal?.throwIfAborted();
      }
    } catch (error) {
      from.return?.();
      throw error;
    }
  }

  async #sendChunk(index, chunk, total, whole, signal) {
    if (this.#single !== undefined) {
      for (let at = 0; at < chunk.length; at++) {
        const value = chunk[at];
        await this.#single.send(index, whole ? value : converted(value, total + at), undefined, signal);
      }
      return chunk.length;
    }
    const { placed, error } = placeAll(chunk, total);
    if (error !== undefined && whole) { // the only chunk, and nothing of it goes
      for (let at = 0; at < placed; at++) native.putIo(at, null, 0);
      throw sentSoFar(error, 0);
    }
    const waiting = placed === 0 ? 0 : native.sendFrames(this.#core, index, placed);
    if (waiting > 0) await this.#inside.wait(index, waiting, signal);
    if (error !== undefined) throw sentSoFar(error, total + placed);
    return placed;
  }

  /**
   * Fulfilled when nothing goes on any more, also what sendMany() still has of an array; options are a timeout in
   * milliseconds and a signal.
   */
  async idle(options) {
    const timeout = timeoutOf(options, 'idle');
    options?.signal?.throwIfAborted();
    checkNotInside(this.#core, 'idle()');
    const until = timeout < 0 ? Infinity : performance.now() + timeout;
    let left = timeout;
    for (;;) {
      if (this.#single !== undefined) await abortable(this.#single.idle(left), options);
      else if (!native.idleNow(this.#core)) await whenIdle(this.#core, left, options?.signal);
      if (this.#sending === 0) break;
      // Room is told in a turn of the loop, and then the next piece goes in.
      await new Promise((resolve) => { setImmediate(resolve); });
      options?.signal?.throwIfAborted();
      if (timeout < 0) continue;
      left = Math.max(Math.ceil(until - performance.now()), 0);
      if (left === 0) throw problem(Status.TIMEOUT, `the network is not idle within ${timeout} ms`);
    }
    this.#tellOpen();
  }

  /** Refuses new input, lets everything run out, and finishes the actors. */
  async drain(options) {
    const timeout = timeoutOf(options, 'drain');
    options?.signal?.throwIfAborted();
    checkNotInside(this.#core, 'drain()');
    const drained = this.#single === undefined ? native.drain(this.#core, timeout) : this.#single.drain(timeout);
    await abortable(drained, options);
    this.#tellOpen();
  }

  /**
   * Modes hosted, inline and simulated: runs at most so many turns of actors (0: until nothing is ready), and tells whether
   * more is ready.
   */
  turn(max = 0) {
    if (this.#threads) {
      throw problem(Status.UNSUPPORTED, 'a network with threads runs by itself', "mode: 'simulated' or 'inline'");
    }
    if (!Number.isSafeInteger(max) || max < 0) {
      throw problem(Status.INVALID_ARGUMENT, `a number of turns is ${String(max)}`, 'it is a whole number from 0');
    }
    return this.#single === undefined ? native.turn(this.#core, max) : this.#single.turn(max);
  }

  /** Of a network that records: writes what was recorded so far; throws if not everything was. */
  flushRecording() {
    native.flushRecording(this.#core);
    return this;
  }

  /** Ends the sources, so that a drain can end. */
  endSources() {
    native.endSources(this.#core);
    return this;
  }

  /** Stops at once. */
  async stop(options) {
    const timeout = timeoutOf(options, 'stop');
    if (this.#closed !== undefined) await this.#closed;
    else if (this.#built) {
      this.#inside.end();
      await abortable(native.stop(this.#core, timeout), options);
      const late = this.#inside.lateness();
      if (late !== undefined) throw late;
    }
    this.#single?.wake();
  }

  /** Stops, and ends everything that the network has. Closing again does nothing. */
  close() {
    if (this.#closed !== undefined) return this.#closed;
    for (const node of this.#inside.nodes) node?.end(); // a setup that waits may give up
    this.#inside.end();
    this.#closed = native.close(this.#core).then(() => {
      this.#showLog(); // nobody waits for it: the process may end now
      const closed = problem(Status.CLOSED, 'the network is closed');
      for (const index of this.#inside.waits.keys()) this.#inside.writable(index, 0, closed);
      for (const reject of this.#unopened.splice(0)) reject(closed);
      // Readers first, so that they tell of the network and not of their writer.
      for (const kind of [StreamReader, StreamWriter]) {
        for (const stream of [...this.#streams]) if (stream instanceof kind) stream._close(closed);
      }
      this.#single?.wake();
      this.#inside.alarm(-1);
      const late = this.#inside.lateness();
      if (late !== undefined) throw late;
    });
    return this.#closed;
  }

  /** The packets of an outport, from now on: to be iterated with for await. */
  stream(from, given) {
    const options = checkOptions(given, ['capacity', 'typed', 'envelopes', 'signal'], 'stream');
    signalOf(options);
    const { node, port } = whole(from, 'the outport');
    const open = async () => native.openOutput(this.#core, node, port, options.capacity ?? 0,
      Boolean(options.typed));
    const now = this.#built || this.#closed !== undefined;
    const stream = new MessageStream(this, { ...options, single: this.#single }, now ? open() : new Promise((resolve, reject) => {
      this.#unopened.push(reject);
      this.#opening.push(() => open().then(resolve, (error) => {
        reject(error);
        throw error;
      }));
    }));
    options.signal?.addEventListener('abort', () => stream.return(), { once: true });
    if (options.signal?.aborted) stream.return();
    return stream;
  }

  /** A Node stream of the packets of an outport, in object mode. */
  readable(from, options) {
    const { nulls, highWaterMark, ...own } =
      checkOptions(options, ['capacity', 'typed', 'highWaterMark', 'nulls', 'signal'], 'readable');
    return require('./streams.cjs').readable(this.stream(from, own), options);
  }

  /** A Node stream in object mode that sends what is written. */
  writable(to, options) {
    checkOptions(options, ['highWaterMark', 'nulls', 'signal'], 'writable');
    return require('./streams.cjs').writable(this, to, options);
  }

  /** A stream of bytes: its `handle` is to be sent, and what it gives writes the stream. */
  openStream(options) {
    return this.#streamed((ended) => new StreamWriter(this.#core, options, ended));
  }

  /** Reads a stream that has come as a packet. It can be accepted once. */
  acceptStream(message) {
    return this.#streamed((ended) => new StreamReader(this.#core, message, undefined, ended));
  }

  /** Looks on while somebody else reads it, from now on. */
  observeStream(message, options) {
    const given = observerOptions(options);
    return this.#streamed((ended) => new StreamReader(this.#core, message, given, ended));
  }

  // It ends with the network at the latest.
  #streamed(make) {
    const stream = make((ended) => this.#streams.delete(ended));
    this.#streams.add(stream);
    return stream;
  }

  /** Counters of all nodes. */
  report() {
    return native.report(this.#core);
  }

  async [Symbol.asyncDispose ?? Symbol.for('nodejs.asyncDispose')]() {
    await this.close();
  }

  // For the other files of this package: the core of a network, and what to do before its start.
  static coreOf(network) { return network.#core; }
  static beforeStart(network, open) { network.#opening.push(open); }
  static isBuilt(network) { return network.#built; }
  static buildNetwork(network) { return network.#build(); }
}

// A network that repeats a recording; it is built of that.
function replayNetwork(file, options) {
  replaying = file;
  return new Network({ ...options, mode: 'simulated' });
}

const { coreOf, beforeStart, isBuilt, buildNetwork } = Network;
delete Network.coreOf;
delete Network.beforeStart;
delete Network.isBuilt;
delete Network.buildNetwork;

module.exports = { Network, beforeStart, buildNetwork, coreOf, isBuilt, replayNetwork };
