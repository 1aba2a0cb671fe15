// Networks: graphs that run.

import type { Readable, Writable } from 'node:stream';
import type { Envelope, ObserveOptions, StreamOptions, StreamReader, StreamWriter } from './bytes.cjs';
import type { Message, Sendable, Value, ValueObject } from './values.cjs';
import type { ActorLike } from './actor.cjs';
import type { FramePool, FramePoolOptions, NodeStore, WithStateOptions } from './state.cjs';
import type { ConnectionMetadata, Graph, GraphDocument } from './graph.cjs';
import type { EventKind, EventOf, EventOptions, EventStream, NetworkEvent, NodeDetail, NodeStateName } from './events.cjs';

export interface NetworkOptions {
  readonly name?: string;
  /** Threads for components of the engine; default one for each core, at most 256. */
  readonly workers?: number;
  /** Packets that an actor may take before the next has its turn; default 4096. */
  readonly batchPackets?: number;
  /** Packets that an inport holds, unless its component or connection says otherwise; default 4096. */
  readonly portCapacity?: number;
  /** Bytes of payload that these may have together; default no limit. */
  readonly portCapacityBytes?: number;
  /** Threads for components that may block; default 32. */
  readonly blockingThreads?: number;
  /**
   * A callback that lasts longer is told of by the event ActorStuck; milliseconds, default never. Of asynchronous
   * actors, when the event loop has done nothing for that long.
   */
  readonly watchdogMs?: number;
  /** Packets have to fit the types of inports while the network runs, too. */
  readonly checkTypes?: boolean;
  /**
   * `own`: threads (the default). `hosted`: no threads for actors; all of them run in the event loop of Node, in turns
   * with what else is there, which saves the crossing where most are in JavaScript. `finish` cannot be asynchronous
   * there, and there is no `checkpoint`. `inline`: no threads, and nothing runs but inside calls that wait.
   * `simulated`: the same, with the order of steps drawn from `seed` and a logical clock, so that a run can be repeated
   * exactly.
   */
  readonly mode?: 'own' | 'hosted' | 'inline' | 'simulated';
  /** Mode simulated: a whole number from 0. */
  readonly seed?: number;
  /** Mode simulated: a file that gets a recording, for `Replay`. Such a network is not changed, has no breakpoints
   * and no events, and its actors end their firings in the call. */
  readonly record?: string | URL;
  /** Milliseconds that `close` and `stop` wait for promises of setup and teardown; default 10,000. */
  readonly closeTimeout?: number;
  /** Its packets have envelopes; actors then have one firing in a call, which is several times slower. */
  readonly envelopes?: boolean;
  /**
   * Receives log lines; false: nobody does. Default: what the component Log says, and warnings, go to standard
   * error.
   */
  readonly log?: ((line: LogLine) => void) | boolean;
  /** The least important level that is logged; default `info`. */
  readonly logLevel?: LogLevel;
  /** Receives what components print for a person, such as tables. Default: to standard output. */
  readonly print?: ((text: string, node: string) => void) | boolean;
}

export type LogLevel = 'error' | 'warn' | 'info' | 'debug' | 'trace';

export interface LogLine {
  readonly level: LogLevel;
  /** Such as `network`, `peer`, or the id of a component. */
  readonly subsystem: string;
  /** The id of the node, or empty. */
  readonly node: string;
  readonly text: string;
}

/** A port of a node: `'node.port'`, the name of an exposed port of the graph, or its parts. */
export type PortRef = string | { readonly node?: string; readonly port: string; readonly index?: number };

export type NetworkState = 'created' | 'running' | 'draining' | 'drained' | 'stopping' | 'stopped';

export interface NodeReport {
  component: string;
  /** Nothing is connected to it. */
  source: boolean;
  /** Firings that ended, well or not. */
  fired: number;
  received: number;
  sent: number;
  failed: number;
  dropped: number;
  /** Packets in its inports now. */
  waiting: number;
  errors_taken: boolean;
}

export interface Counters {
  heldBack: boolean;
  fired: number;
  received: number;
  sent: number;
  failed: number;
  dropped: number;
  waiting: number;
}

/** How long something took, in nanoseconds. */
export interface Latency {
  count: number;
  mean_ns: number;
  p50_ns: number;
  p90_ns: number;
  p99_ns: number;
  p999_ns: number;
  max_ns: number;
}

export interface NodeMetrics {
  component: string;
  source: boolean;
  activity: string;
  fired: number;
  received: number;
  sent: number;
  failed: number;
  dropped: number;
  /** From 0 to 1. */
  error_rate: number;
  waiting: number;
  capacity: number;
  highest: number;
  busy_ns: number;
  stuck: number;
  call: Latency | null;
  wait: Latency | null;
}

export interface Metrics {
  time_ns: number;
  state: string;
  measured: boolean;
  nodes: { [node: string]: NodeMetrics };
  total: ValueObject;
  workers: { asleep: boolean; rounds: number; lifetime_ns: number; asleep_ns: number; utilisation: number }[];
  process: ValueObject;
}

export interface NodeStatus {
  state: NodeStateName;
  details: NodeDetail[];
  /** In a row. */
  failures: number;
  retries: number;
  restarts: number;
}

export interface BreakOptions {
  /** Default: each node, and then no port. */
  readonly node?: string;
  /** Before a firing takes a packet that waits there; default: before a firing. */
  readonly inport?: string;
  /** Before a packet that was emitted there is delivered. */
  readonly outport?: string;
  /** The other end of one connection of the outport: `'node.port'`. */
  readonly to?: PortRef;
  /**
   * An expression on the message (docs/expressions.md), such as `it.price > 100`, or a function that tells whether it
   * stops. A function is asked each time, while the node waits; one that throws stops nothing, and warns.
   */
  readonly when?: string | ((message: Value) => boolean);
  readonly once?: boolean;
  /** Only the node that stands there is paused. */
  readonly nodeOnly?: boolean;
  /** So many times it does not stop at first. */
  readonly ignore?: number;
}

export interface ChangeOptions {
  /** What becomes of packets that wait at nodes that are removed; default `drain`. */
  readonly leftover?: 'drain' | 'drop' | 'dead-letter';
  /** Milliseconds for running callbacks to return; default 10,000. */
  readonly timeout?: number;
  /** Milliseconds for what waits at removed nodes to be worked off; default 1000. */
  readonly drain?: number;
  /** Nodes that are replaced begin with a new state. */
  readonly newState?: boolean;
}

/** What a change has done. */
export interface Change {
  nodesAdded: number;
  nodesRemoved: number;
  nodesReplaced: number;
  nodesKept: number;
  connectionsAdded: number;
  connectionsRemoved: number;
  packetsDropped: number;
}

/** A failed firing that nothing in the graph has taken, with its packets. */
export interface DeadLetter {
  id: number;
  node: string;
  component: string;
  time_ms: number;
  attempts: number;
  /** A name such as `REFLOW_ERROR_FAILED`. */
  status: string;
  message: string;
  hint: string;
  trace: string;
  packets: { port: string; index?: number; message: Value }[];
}

export interface SendOptions {
  /** What goes with it, in a network that carries envelopes. */
  readonly envelope?: Envelope;
  /** Ends the wait for room: the packet is taken back, and the Promise rejects with the reason of the signal. */
  readonly signal?: AbortSignal;
}

/** Milliseconds, or an object with them and a signal that ends the wait; default without limit. */
export type Timeout = number | { readonly timeout?: number; readonly signal?: AbortSignal };

/** The packets of an outport, in order. What is not read holds its sender back. */
export class MessageStream<T = Value> implements AsyncIterableIterator<T> {
  private constructor();
  /** Fulfilled when the stream gets what is sent from then on. */
  opened(): Promise<void>;
  /**
   * The next packet; `done` behind the end of the stream or of its network, also when that is closed. A signal ends the
   * wait, which rejects with its reason; the packet is then that of the next call.
   */
  next(options?: { readonly signal?: AbortSignal }): Promise<IteratorResult<T, undefined>>;
  /** Ends the stream: nobody is held back by it any more. */
  return(value?: any): Promise<IteratorResult<T, undefined>>;
  [Symbol.asyncIterator](): this;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * A graph that runs, on threads of its own; actors in JavaScript run on the thread of JavaScript. The
 * process does not end while a network has something to do, and ends by itself when it is idle and has told its events.
 *
 * ```js
 * const net = new Network();
 * net.add('d', double).add('log', 'Log').connect('d.out', 'log.in');
 * await net.start(); await net.send('d.in', 21); await net.idle();
 * await net.close();
 * ```
 */
export class Network {
  constructor(options?: NetworkOptions);
  /** A network of a graph: a Graph, the path of a file, or a document. */
  static from(graph: string | URL | Graph | GraphDocument, options?: NetworkOptions): Network;

  // ---- making the graph

  /**
   * Adds a node: an actor, a class with `run`, or the id of a component. While the network runs, this and the other
   * edits change a copy of its graph, which `apply()` brings into effect as one step.
   * @throws ReflowError ERR_REFLOW_ALREADY_EXISTS, ERR_REFLOW_INVALID_ARGUMENT
   */
  add(id: string, component: string | ActorLike, config?: { readonly [key: string]: Sendable }): this;
  /** Registers an actor as a component, for graphs that name it. @returns its id */
  register(actor: ActorLike, id?: string): string;
  /**
   * Registers a graph under an id that no component has: a node with that component is a subgraph, whose ports are those
   * that the graph exposes. The graph is copied. What it names may be registered later.
   * @throws ReflowError ERR_REFLOW_ALREADY_EXISTS, and what `Graph.load` and `Graph.parse` throw
   */
  registerGraph(id: string, graph: string | URL | Graph | GraphDocument): this;
  /**
   * Connects an outport to an inport: `connect('a.out', 'b.in')`.
   * @throws ReflowError ERR_REFLOW_NOT_FOUND without such a node, ERR_REFLOW_GRAPH without such a port (told by the start,
   * or by `apply`, where the component is not known before)
   */
  connect(from: PortRef, to: PortRef, metadata?: ConnectionMetadata): this;
  /** Takes a connection away. @throws ReflowError ERR_REFLOW_NOT_FOUND */
  disconnect(from: PortRef, to: PortRef): this;
  /** Gives a node another component and configuration. @throws ReflowError ERR_REFLOW_NOT_FOUND */
  replace(id: string, component: string | ActorLike, config?: { readonly [key: string]: Sendable }): this;
  /** Removes a node with its connections. @throws ReflowError ERR_REFLOW_NOT_FOUND */
  remove(id: string): this;
  /** Adds a packet that is sent to the inport at the start. */
  initial(to: PortRef, value: Sendable): this;
  /**
   * Gives an inport a name of the graph: after `exposeInport('in', 'm.in[2]')` there is `send('in', value)`. A required
   * inport that nothing leads to, of a node that `add` has added, is exposed by itself, as `'node.port'`.
   */
  exposeInport(name: string, port: PortRef, type?: string): this;
  /** Gives an outport a name of the graph, for `stream(name)`. */
  exposeOutport(name: string, port: PortRef, type?: string): this;
  /** Sets a property of the graph, such as `on_stall`. */
  property(key: string, value: Sendable): this;
  /** A copy of the graph: of what runs, or of what was made so far. */
  graph(): Graph;

  // ---- running

  readonly state: NetworkState;
  /** How many threads run actors; 0 in modes without them, and behind the end. Those of actors in JavaScript wait for its thread. */
  readonly workers: number;
  /**
   * Changes it, also while the network runs; 0 is one for each processor. Threads that are too many end when the call
   * that they are in has returned.
   * @throws ReflowError ERR_REFLOW_UNSUPPORTED in modes without threads, ERR_REFLOW_LIMIT beyond 256, ERR_REFLOW_CLOSED
   */
  setWorkers(workers: number): this;
  /**
   * Starts: the setup of each actor has ended when it is fulfilled.
   * @throws (rejects with) ReflowError ERR_REFLOW_GRAPH, ERR_REFLOW_NOT_FOUND, ERR_REFLOW_CONFIG, or what a setup
   *   throws, as `cause`
   */
  start(): Promise<this>;
  /** Sends a value; fulfilled when it has gone in, which is when there is room. */
  send(to: PortRef, value: Sendable, options?: SendOptions): Promise<void>;
  /** Sends a value if there is room now; tells whether it went in. */
  trySend(to: PortRef, value: Sendable, options?: { readonly envelope?: Envelope }): boolean;
  /**
   * Sends each value as a packet. Of an array all are converted before the first is sent; of other things those before
   * one that cannot be converted are sent, and `sent` of the error is their number; its `path` begins with `$[i]`.
   * A signal ends it: what has gone in stays, what waits is taken back, and an iterator is left.
   * @returns their number
   */
  sendMany(
    to: PortRef, values: Iterable<Sendable> | AsyncIterable<Sendable>, options?: { readonly signal?: AbortSignal }
  ): Promise<number>;
  /**
   * The packets of an outport, from now on; before the start nothing is missed.
   * `capacity`: packets that may wait; `typed`: packed numbers of 64 bits come as typed arrays, too, which arrays of plain
   * numbers are packed as; `envelopes`: each comes as
   * `{ value, envelope }`.
   */
  stream<T = Value>(from: PortRef, options: {
    readonly envelopes: true; readonly capacity?: number; readonly typed?: boolean; readonly signal?: AbortSignal;
  }): MessageStream<{ value: T; envelope: Envelope }>;
  stream<T = Value>(from: PortRef, options?: {
    readonly capacity?: number; readonly typed?: boolean; readonly signal?: AbortSignal;
  }): MessageStream<T>;
  /**
   * A Node stream of the packets of an outport, in object mode. Node takes null for the end of a stream: `nulls` is
   * what stands for a packet that is null; without it the stream fails there with ERR_REFLOW_TYPE.
   */
  readable(from: PortRef, options?: {
    readonly capacity?: number; readonly typed?: boolean; readonly highWaterMark?: number; readonly nulls?: unknown;
    readonly signal?: AbortSignal;
  }): Readable;
  /** A Node stream in object mode that sends what is written; null for what is `nulls`. */
  writable(to: PortRef, options?: {
    readonly highWaterMark?: number; readonly nulls?: unknown; readonly signal?: AbortSignal;
  }): Writable;
  /** A stream of bytes beside the ports: its `handle` is to be sent, and what it gives writes the stream. */
  openStream(options?: StreamOptions): StreamWriter;
  /**
   * Reads a stream that has come as a packet. It can be accepted once.
   * @throws ReflowError ERR_REFLOW_TYPE for what is no stream, ERR_REFLOW_ALREADY_EXISTS, ERR_REFLOW_NOT_FOUND
   */
  acceptStream(message: Message | Value): StreamReader;
  /** Looks on while somebody else reads it, from now on. */
  observeStream(message: Message | Value, options?: ObserveOptions): StreamReader;
  /**
   * Fulfilled when nothing goes on any more, and nothing is left of what `sendMany` was given but for what is iterated
   * asynchronously. @throws (rejects with) ERR_REFLOW_TIMEOUT
   */
  idle(timeout?: Timeout): Promise<void>;
  /** Refuses new input, lets everything run out, and finishes the actors. */
  drain(timeout?: Timeout): Promise<void>;
  /**
   * Modes hosted, inline and simulated: runs at most so many turns of actors (0: until nothing is ready).
   * @returns whether more is ready. @throws ReflowError ERR_REFLOW_UNSUPPORTED in mode own
   */
  turn(max?: number): boolean;
  /** Of a network that records: writes what was recorded so far. @throws ReflowError if not everything was */
  flushRecording(): this;
  /** Ends the sources, so that a drain can end. */
  endSources(): this;
  /** Stops at once: what waits is dropped. One that has stopped, or is closed, has nothing to do. */
  stop(timeout?: Timeout): Promise<void>;
  /**
   * Stops, and ends everything that the network has. Closing again does nothing.
   * @throws (rejects with) ERR_REFLOW_TIMEOUT that names the nodes whose setup or teardown has not ended within
   *   `closeTimeout`; the network has ended all the same
   */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;

  // ---- events

  /** What the network does, in its order; before the start nothing is missed. */
  events<K extends EventKind = EventKind>(options?: EventOptions<K>): EventStream<EventOf<K>>;
  /**
   * Calls a function for each event of a kind; `event` has all usual kinds in their order. Listeners do not keep
   * the process from ending.
   */
  on<K extends EventKind>(kind: K, listener: (event: EventOf<K>) => void): this;
  on(kind: 'event', listener: (event: NetworkEvent) => void): this;
  once<K extends EventKind>(kind: K, listener: (event: EventOf<K>) => void): this;
  once(kind: 'event', listener: (event: NetworkEvent) => void): this;
  off<K extends EventKind>(kind: K, listener: (event: EventOf<K>) => void): this;
  off(kind: 'event', listener: (event: NetworkEvent) => void): this;
  addListener: Network['on'];
  removeListener: Network['off'];
  removeAllListeners(kind?: EventKind | 'event'): this;
  listenerCount(kind: EventKind | 'event'): number;

  // ---- looking at it

  /** Counters of all nodes. */
  report(): { [node: string]: NodeReport };
  counters(node: string): Counters;
  nodeState(node: string): NodeStatus;
  /** Counts and times of everything; times need `measure()`. */
  metrics(): Metrics;
  /** Begins to measure times in one of so many turns (default 16), or ends it with false. */
  measure(options?: { readonly sample?: number } | false): this;
  /** Packets that wait at an inport, the next one first, without taking them. */
  peek(port: PortRef, max?: number): Value[];

  /**
   * Calls `look` once with the keys and pools of a node, while none of its calls goes on, and gives what that gives.
   * `look` may change them, and returns no Promise: the node stands still meanwhile.
   * @throws (rejects with) ReflowError ERR_REFLOW_NOT_FOUND, ERR_REFLOW_TYPE for another component or a Promise,
   *   ERR_REFLOW_TIMEOUT, ERR_REFLOW_INVALID_STATE while the network drains and from a stop on; what `look` throws
   */
  withState<T>(node: string, look: (state: NodeStore) => T, options?: WithStateOptions): Promise<T>;

  // ---- frame pools

  /**
   * The frame pool of this name; with options it is made if there is none.
   * @throws ReflowError ERR_REFLOW_NOT_FOUND, ERR_REFLOW_ALREADY_EXISTS if it has other sizes, ERR_REFLOW_LIMIT
   */
  framePool(name: string, options?: FramePoolOptions): FramePool;
  /** Takes the name from a pool; those who have it go on. @throws ReflowError ERR_REFLOW_NOT_FOUND */
  removeFramePool(name: string): this;

  // ---- holding it

  /** Pauses a node, a subgraph or (by default) everything; waits for calls that are under way. */
  pause(path?: string, options?: { readonly timeout?: number }): Promise<void>;
  resume(path?: string): this;
  /** Lets paused nodes fire so many times. @returns how often they have */
  step(firings?: number, options?: { readonly path?: string; readonly timeout?: number }): Promise<number>;
  /** Cancels firings that are under way, of a node or of all. @returns how many */
  cancel(node?: string): number;
  /** Sets a breakpoint; the event Breakpoint tells of a stop. @returns its number */
  breakAt(options?: BreakOptions): number;
  unbreak(breakpoint: number): this;
  breakpoints(): {
    id: number; node: string; inport: string; outport: string; peer: string; peer_port: string; expression: string;
    ignore: number; once: boolean; node_only: boolean; hits: number; faults: number;
  }[];

  // ---- changing it

  /**
   * Makes it the network of another graph, as one step, while it runs: all of the change or nothing. Without a
   * graph it is what `add`, `connect`, `replace`, `remove` and the like have edited; after a failure these are forgotten.
   */
  apply(graph?: Graph, options?: ChangeOptions): Promise<Change>;
  /** A snapshot as bytes, or into a file, which is replaced as a whole. */
  snapshot(path?: null, options?: { readonly timeout?: number }): Promise<Buffer>;
  snapshot(path: string | URL, options?: { readonly timeout?: number }): Promise<void>;
  /** Before the start: makes it what it was when the snapshot was taken. */
  restore(from: string | URL | Uint8Array): Promise<void>;
  /** Writes a snapshot each time that `interval` ms (default 10,000) have passed; null ends it. */
  checkpoint(path: string | URL | null, options?: {
    readonly interval?: number; readonly keep?: number; readonly timeout?: number;
  }): Promise<void>;

  // ---- dead letters

  deadLetterCounts(): { capacity: number; waiting: number; total: number; lost: number };
  deadLetters(options?: { readonly path?: string; readonly after?: number; readonly max?: number }): DeadLetter[];
  /** Puts the packets of a letter back into the inports of its node. */
  replayDeadLetter(id: number): this;
  /** The same for all letters of a path. @returns how many */
  replayDeadLetters(path?: string): number;
  /** Does the same with a letter of another network. */
  sendDeadLetter(letter: DeadLetter): this;
  /** Drops the letter with this id, or all of a path. @returns how many */
  dropDeadLetters(options?: { readonly id?: number; readonly path?: string }): number;
}
