'use strict';
// What a network offers beside running: events, metrics, pausing and breakpoints, live change, snapshots and
// dead letters. Each method is one function of the engine. See types/network.d.cts.

const { EventEmitter } = require('node:events');
const { fileURLToPath } = require('node:url');
const native = require('./binding.cjs');
const { EventStream, listen } = require('./events.cjs');
const { Graph, graphOf, handleOf } = require('./graph.cjs');
const { Network, beforeStart, buildNetwork, coreOf, isBuilt } = require('./network.cjs');
const { checkOptions, milliseconds, oneOf, refuse } = require('./options.cjs');
const { openFramePool, removeFramePool } = require('./pool.cjs');
const { whole } = require('./ports.cjs');
const { withState } = require('./state.cjs');

const eventOptions = ['kinds', 'nodes', 'sample', 'capacity', 'signal'];
const eventKinds = ['NetworkStarted', 'NetworkIdle', 'NetworkStalled', 'NetworkShutdown', 'ActorStarted',
  'ActorCompleted', 'ActorFailed', 'MessageSent', 'MessageReceived', 'ActorEmit', 'Breakpoint',
  'DeadLetter', 'ActorState', 'ActorStuck', 'CheckpointFailed'];
const leftovers = ['drain', 'drop', 'dead-letter'];

function pathText(path, what) {
  const text = path instanceof URL ? fileURLToPath(path) : path;
  if (typeof text !== 'string') throw refuse(`${what} has to be a path`);
  return text;
}

function count(value, fallback, what) {
  if (value === undefined) return fallback;
  if (!(Number.isSafeInteger(value) && value >= 0)) throw refuse(`${what} has to be a whole number from 0`);
  return value;
}

// ---- events -------------------------------------------------------------------------------------

// A queue that is subscribed as soon as the network is there: before its start nothing is missed.
class Subscription {
  #handle;
  #closed = false;

  constructor(network, options, ready) {
    this.#handle = new native.EventsHandle(ready);
    const open = () => {
      if (!this.#closed) native.subscribe(coreOf(network), this.#handle, options);
    };
    if (isBuilt(network)) open();
    else beforeStart(network, open);
  }

  take(max) {
    return this.#handle.take(max);
  }

  finish() {
    this.#handle.finish();
  }

  close() {
    this.#closed = true;
    this.#handle.close();
  }
}

const streams = new WeakMap(); // network -> its streams of events that are open

function streamsOf(network) {
  let open = streams.get(network);
  if (open === undefined) streams.set(network, open = new Set());
  return open;
}

const emitters = new WeakMap(); // network -> {emitter, ends: Map of kind to function}

function emitterOf(network) {
  let known = emitters.get(network);
  if (known === undefined) {
    known = { emitter: new EventEmitter(), ends: new Map() };
    known.emitter.on('newListener', (kind) => begin(network, known, kind));
    known.emitter.on('removeListener', (kind) => end(known, kind));
    emitters.set(network, known);
  }
  return known;
}

// What functions of node:events listen to beside what they wait for; none of it is emitted by a network.
const quiet = ['newListener', 'removeListener', 'error'];

// The first listener of a kind subscribes to it. 'event' has all usual kinds in their order.
function begin(network, known, kind) {
  if (known.ends.has(kind) || quiet.includes(kind)) return;
  const options = kind === 'event' ? {} : { kinds: eventKinds[oneOf(eventKinds, kind, 'kind of event')] };
  const open = (ready) => new Subscription(network, options, ready);
  known.ends.set(kind, listen(open, (event) => known.emitter.emit(kind, event)));
}

// Ends the subscription when the last listener has gone, also one of once(), and nobody has come by the next round.
function end({ emitter, ends }, kind) {
  if (emitter.listenerCount(kind) > 0 || !ends.has(kind)) return;
  setImmediate(() => {
    if (emitter.listenerCount(kind) > 0) return;
    ends.get(kind)?.();
    ends.delete(kind);
  }).unref();
}

const events = {
  events(options) {
    const given = checkOptions(options, eventOptions, 'events');
    const { signal, ...asked } = given;
    const kinds = typeof asked.kinds === 'string' ? [asked.kinds] : asked.kinds ?? [];
    for (const kind of kinds) oneOf(eventKinds, kind, 'kind of event');
    const stream = new EventStream((ready) => new Subscription(this, asked, ready), signal,
      (ended) => streamsOf(this).delete(ended));
    streamsOf(this).add(stream);
    return stream;
  },

  on(kind, listener) {
    emitterOf(this).emitter.on(kind, listener);
    return this;
  },

  once(kind, listener) {
    emitterOf(this).emitter.once(kind, listener);
    return this;
  },

  off(kind, listener) {
    emitterOf(this).emitter.off(kind, listener);
    return this;
  },

  removeAllListeners(kind) {
    const { emitter, ends } = emitterOf(this);
    for (const each of kind === undefined ? [...ends.keys()] : [kind]) {
      if (!quiet.includes(each)) emitter.removeAllListeners(each);
    }
    return this;
  },

  listenerCount(kind) {
    return emitterOf(this).emitter.listenerCount(kind);
  },
};
events.addListener = events.on;
events.removeListener = events.off;

// ---- looking at it ------------------------------------------------------------------------------

const looking = {
  metrics() {
    return native.metrics(coreOf(this));
  },

  measure(options) {
    const given = options === false ? {} : checkOptions(options, ['sample'], 'measure');
    native.measure(coreOf(this), count(given.sample, 0, "option 'sample'"), options === false);
    return this;
  },

  counters(node) {
    return native.counters(coreOf(this), node);
  },

  nodeState(node) {
    return native.nodeState(coreOf(this), node);
  },

  withState(node, look, options) {
    return withState(coreOf(this), node, look, options);
  },

  peek(port, max = 100) {
    const { node, port: name } = whole(port, 'the inport');
    return native.peek(coreOf(this), node, name, Math.min(count(max, 100, 'max'), 1_000_000));
  },
};

const pools = {
  framePool(name, options) {
    return openFramePool(coreOf(this), name, options);
  },

  removeFramePool(name) {
    removeFramePool(coreOf(this), name);
    return this;
  },
};

// ---- holding it ---------------------------------------------------------------------------------

// A function of a breakpoint that cannot tell does not stop anything; the program is told.
function conditionOf(when) {
  return (value) => {
    try {
      return Boolean(when(value));
    } catch (error) {
      process.emitWarning(`the condition of a breakpoint has failed: ${error?.stack ?? error}`, 'ReflowWarning');
      return false;
    }
  };
}

const holding = {
  async pause(path = '', options = undefined) {
    const { timeout } = checkOptions(options, ['timeout'], 'pause');
    return native.pause(coreOf(this), path, milliseconds(timeout, -1));
  },

  resume(path = '') {
    native.resume(coreOf(this), path);
    return this;
  },

  async step(firings = 1, options = undefined) {
    const { path = '', timeout } = checkOptions(options, ['path', 'timeout'], 'step');
    return native.step(coreOf(this), path, count(firings, 1, 'firings'), milliseconds(timeout, -1));
  },

  cancel(node = '') {
    return native.cancel(coreOf(this), node);
  },

  breakAt(options) {
    const known = ['node', 'inport', 'outport', 'to', 'when', 'once', 'nodeOnly', 'ignore'];
    const { to, when, ...given } = checkOptions(options, known, 'breakAt');
    const { node: peer, port: peerPort } = to === undefined ? {} : whole(to, "option 'to'");
    const how = typeof when === 'function' ? { condition: conditionOf(when) } : { expression: when };
    return native.breakAt(coreOf(this), { ...given, ...how, peer, peerPort });
  },

  unbreak(breakpoint) {
    native.unbreak(coreOf(this), count(breakpoint, 0, 'a breakpoint'));
    return this;
  },

  breakpoints() {
    return native.breakpoints(coreOf(this));
  },
};

// ---- changing it --------------------------------------------------------------------------------

const changing = {
  graph() {
    const graph = new Graph();
    native.networkGraph(coreOf(this), handleOf(graph));
    return graph;
  },

  async apply(graph, options) {
    const known = ['leftover', 'timeout', 'drain', 'newState'];
    const given = checkOptions(options, known, 'apply');
    const leftover = oneOf(leftovers, given.leftover, 'leftover');
    const wanted = graph === undefined ? undefined : handleOf(graph);
    return native.apply(coreOf(this), wanted, { ...given, leftover });
  },

  async snapshot(path, options) {
    const { timeout } = checkOptions(options, ['timeout'], 'snapshot');
    const to = path === undefined || path === null ? undefined : pathText(path, 'where the snapshot goes');
    return native.snapshot(coreOf(this), to, milliseconds(timeout, 10000));
  },

  async restore(from) {
    await buildNetwork(this);
    return native.restore(coreOf(this), ArrayBuffer.isView(from) ? from : pathText(from, 'a snapshot'));
  },

  async checkpoint(path, options) {
    if (path === null) {
      await native.checkpoint(coreOf(this), null);
      return;
    }
    const { interval = 0, keep = 0, timeout = 0 } =
      checkOptions(options, ['interval', 'keep', 'timeout'], 'checkpoint');
    await buildNetwork(this);
    await native.checkpoint(coreOf(this), { path: pathText(path, 'a checkpoint'), interval, keep, timeout });
  },
};

// ---- dead letters -------------------------------------------------------------------------------

const letters = {
  deadLetterCounts() {
    return native.deadLetterCounts(coreOf(this));
  },

  deadLetters(options) {
    const { path = '', after = 0, max = 1000 } = checkOptions(options, ['path', 'after', 'max'], 'deadLetters');
    return native.listDeadLetters(coreOf(this), path, count(after, 0, 'after'), count(max, 1000, 'max'));
  },

  replayDeadLetter(id) {
    native.replayDeadLetters(coreOf(this), count(id, 0, 'the id of a letter'), '');
    return this;
  },

  replayDeadLetters(path = '') {
    return native.replayDeadLetters(coreOf(this), undefined, path);
  },

  sendDeadLetter(letter) {
    native.sendDeadLetter(coreOf(this), letter);
    return this;
  },

  dropDeadLetters(options) {
    const { id = 0, path = '' } = checkOptions(options, ['id', 'path'], 'dropDeadLetters');
    return native.dropDeadLetters(coreOf(this), count(id, 0, "option 'id'"), path);
  },
};

for (const methods of [events, looking, pools, holding, changing, letters]) {
  for (const [name, value] of Object.entries(methods)) {
    Object.defineProperty(Network.prototype, name, { value, writable: true, configurable: true });
  }
}

/** A network of a graph: a Graph, the path of a file, or a document. */
Network.from = function from(graph, options) {
  const network = new Network(options);
  native.setGraph(coreOf(network), handleOf(graphOf(graph)));
  return network;
};

// Streams of a network that was closed before its start would be waited for in vain.
const { close } = Network.prototype;
Network.prototype.close = async function closeAll() {
  try {
    await close.call(this);
  } finally {
    for (const stream of [...streamsOf(this)]) stream._finish();
  }
};

module.exports = { Network };
