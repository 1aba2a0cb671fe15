// Actors: kinds of nodes made of functions, classes, or something to iterate.

import type { Envelope, ObserveOptions, StreamOptions, StreamReader, StreamWriter } from './bytes.cjs';
import type { FramePool, FramePoolOptions, NodeStore, StateTable, WithStateOptions } from './state.cjs';
import type { Message, Sendable, TypedArray, Value, ValueObject } from './values.cjs';

/**
 * Types of ports, such as `any`, `flow`, `boolean`, `integer`, `float`, `string`, `bytes`, `object`, `array`,
 * `array<integer>`, `option<string>`, `stream`.
 */
export type PortType = string;

export interface PortOptions {
  readonly name: string;
  /** Default `any`. */
  readonly type?: PortType;
  readonly description?: string;
  /** A graph in which it is not connected does not run. */
  readonly required?: boolean;
  /** Its connections carry an index. */
  readonly array?: boolean;
  /** Packets that an inport holds. */
  readonly capacity?: number;
}

export type PortLike<N extends string = string> = N | (PortOptions & { readonly name: N });

/** What a function of an actor returns: a value for each outport, or nothing. Undefined emits nothing. */
export type Emitted<O extends string = string> =
  { readonly [port in O]?: Sendable } | ReadonlyMap<O, Sendable> | void | null | undefined;

/** What it may return besides: later, or one after the other. */
export type Result<O extends string = string> =
  | Emitted<O>
  | Promise<Emitted<O>>
  | Iterator<Emitted<O>, Emitted<O>>
  | AsyncIterator<Emitted<O>, Emitted<O>>;

/** How a timer fires again. */
export interface TimerOptions {
  /** Milliseconds from one time to the next. The times are fixed by the first, so lateness does not add up. */
  readonly period?: number;
  /** Five or six fields, or a name such as `@hourly`. */
  readonly cron?: string;
  /** Of `cron`: a name such as `Europe/Berlin`; default UTC. */
  readonly zone?: string;
}

/** What an actor gets as its first argument. */
export interface Context<O extends string = string, C = ValueObject, S = any> {
  /** The id of the node, `outer/inner` inside subgraphs. */
  readonly id: string;
  /** The configuration of the node; an empty object without one. */
  readonly config: C;
  /** What the node keeps between firings; an empty object at first. One firing at a time has it. */
  state: S;
  /** The name of the inport that the value came in at. */
  readonly port: string;
  /** Of a batch of several inports: the name of the inport of each packet. */
  readonly ports?: readonly string[];
  /** The element of an array port that the value came in at; null for a connection without one. */
  readonly index: number | null;
  /** The same of each value, of a batch and with several values. */
  readonly indexes?: readonly (number | null)[];
  /**
   * What goes with the packets of this firing, in a network that carries envelopes; what is emitted has it, too.
   * It may be set: what is emitted from then on has that.
   */
  envelope: Envelope | undefined;
  /** Aborted when nobody waits for this firing any more: a timeout, a cancellation, or the end of the node. */
  readonly signal: AbortSignal;
  /** Attempts of this firing that have failed before: `retries` of the node's `failure` have it come again. */
  readonly attempts: number;
  /** Milliseconds of the clock of the network: monotonic, from an arbitrary start; logical in mode simulated. */
  readonly now: number;
  /** When the time of the firing is over, on the clock of `now`: its timeout or the deadline of its envelope; null without. */
  readonly deadline: number | null;
  /**
   * Whether anything is connected to an outport: what nobody gets need not be made. In a firing that goes on after its
   * call, as it was when that began.
   * @throws ReflowError ERR_REFLOW_NOT_FOUND; this and the three above ERR_REFLOW_CLOSED after the end of the firing
   */
  connected(port: O | 'error'): boolean;
  /**
   * How many packets an outport takes before the actor would be held back, those counted that this call has emitted;
   * Infinity if it is not connected. In functions that end with their call, and in `finish`.
   * @throws ReflowError ERR_REFLOW_NOT_FOUND, ERR_REFLOW_INVALID_STATE in a firing that goes on after its call: there
   *   `await ctx.emit(port, value)` waits for room
   */
  room(port: O | 'error'): number;
  /**
   * The timers that have led to this call, by their ids: it has no value then, unless one has arrived by that time. Of
   * several that have, each sees them; a batch sees them once.
   * @throws ReflowError as `setTimer`
   */
  readonly timers: readonly number[];
  /**
   * Has the actor called when timer `id` (0 to 63) fires: once after `delay` milliseconds, then each `period`, or, with
   * `cron`, at times of the wall clock in a time zone. It replaces what that timer was. The network is not idle while a
   * timer is set, so a drain waits until one that fires again and again is cancelled. The function gets no value, and
   * `ctx.timers` tells which.
   *
   * For functions that end with their call, generators and classes, and for one that returns a Promise before it does
   * that: a firing that goes on after its call is in no call of the engine, and waits with `setTimeout`.
   * @throws ReflowError ERR_REFLOW_INVALID_STATE there, and outside of run; ERR_REFLOW_LIMIT, ERR_REFLOW_INVALID_ARGUMENT,
   *   ERR_REFLOW_PARSE and ERR_REFLOW_NOT_FOUND for a cron expression or a zone, ERR_REFLOW_CLOSED after the end of the firing
   */
  setTimer(id: number, delay?: number, options?: TimerOptions): void;
  /** Cancels a timer; one that is not set is no error. */
  cancelTimer(id: number): void;
  /**
   * Has the actor called once after so many milliseconds, without a value unless one has arrived by then. There is one
   * of these for each node, which is in no `ctx.timers`. @throws ReflowError as `setTimer`
   */
  wakeAfter(milliseconds: number): void;
  /**
   * Logs a line in the name of the node: to the `log` of the network, if `logLevel` has it.
   * @throws ReflowError ERR_REFLOW_INVALID_ARGUMENT
   */
  log(level: 'error' | 'warn' | 'info' | 'debug' | 'trace', text: string): void;
  /** Prints a text as it is: to the `print` of the network, by default standard output. */
  print(text: string): void;
  /**
   * Emits a value on an outport, or on element `index` of an array port, any number of times. In a firing that goes on asynchronously it returns a
   * Promise while the value waits for room: waiting for it is how an actor follows its receivers.
   * @throws ReflowError ERR_REFLOW_NOT_FOUND for an outport that is not there, ERR_REFLOW_TYPE for a value that
   *   cannot be converted, ERR_REFLOW_CLOSED after the end of the firing
   */
  emit(port: O | 'error', value: Sendable, index?: number): Promise<void> | undefined;
  /**
   * Opens a stream of bytes and emits its handle on an outport; what it gives writes the stream. It ends with the
   * node at the latest.
   */
  openStream(port: O, options?: StreamOptions): StreamWriter;
  /**
   * Reads a stream that has come as a packet. It can be accepted once.
   * @throws ReflowError ERR_REFLOW_TYPE for what is no stream, ERR_REFLOW_ALREADY_EXISTS, ERR_REFLOW_NOT_FOUND
   */
  acceptStream(message: Message | Value): StreamReader;
  /** Looks on while somebody else reads it, from now on. */
  observeStream(message: Message | Value, options?: ObserveOptions): StreamReader;
  /**
   * What the engine keeps for the node under keys, and saves with it: for counts and tables that a snapshot has, and
   * others look at (`net.withState`). There inside of calls that the engine waits for: functions that end with their
   * call, `setup`, `finish` and `teardown`.
   */
  readonly keys: StateTable;
  /** The same in groups, each with ids of its own. */
  pool(name: string): StateTable;
  /**
   * Calls `look` once as soon as no call of the node goes on, and gives what that gives: how a firing that goes on
   * after its call, such as that of an async function, reaches keys and pools. `look` returns no Promise.
   */
  withState<T>(look: (state: NodeStore) => T, options?: WithStateOptions): Promise<T>;
  /** The frame pool of this name of the network; with options it is made if there is none. */
  framePool(name: string, options?: FramePoolOptions): FramePool;
  /** For a source: asks to be called again. In firings that end with their call. */
  again?(): void;
}

export interface ActorOptions<I extends string = string, O extends string = string> {
  /** The id of the component in graphs; default the name of the function or class. */
  readonly name?: string;
  readonly inports?: readonly PortLike<I>[];
  readonly outports?: readonly PortLike<O>[];
  /**
   * When it fires: `any` packet; a packet on `all` connected inports, or on all `required` ones, whose values are the
   * arguments in the order of the inports. Default `any` with one inport, `all` with several.
   */
  readonly await?: 'any' | 'all' | 'required';
  /**
   * It gets arrays of values, and returns arrays; `'numbers'`: Float64Array. A call that throws emits nothing, and its
   * packets come again one by one.
   */
  readonly batch?: boolean | 'numbers';
  /** Packets in one call, at most. */
  readonly maxBatch?: number;
  /** Firings that may be under way at once, from 1. More than 1 makes the actor asynchronous. */
  readonly maxConcurrency?: number;
  /** Whether outputs of firings under way come in the order of their inputs. Default true. */
  readonly ordered?: boolean;
  /** Milliseconds of a firing; then it fails with ERR_REFLOW_TIMEOUT, and its signal is aborted. */
  readonly timeout?: number;
  /** It fires once at the start if nothing is connected to it. */
  readonly source?: boolean;
  /**
   * Packed arrays of 64-bit numbers come as BigInt64Array and Float64Array, not as arrays: also what was sent as an array
   * of plain numbers, since the engine packs those and nothing tells them apart.
   */
  readonly typed?: boolean;
  /** What it does depends on more than its packets, or changes the world. */
  readonly external?: boolean;
  readonly priority?: 'high' | 'normal' | 'low';
  /** It keeps nothing: a snapshot needs nothing of it. For classes without `save` and `load`. */
  readonly stateless?: boolean;
  /** Version of what `save` gives, which `load` gets with it. */
  readonly stateVersion?: number;
  /** Whether firings go on after their call; default: whether the function is async. */
  readonly async?: boolean;
  readonly title?: string;
  readonly description?: string;
  readonly category?: string;
  /** JSON Schema of the configuration, checked when a network is made. */
  readonly configSchema?: object;
}

/** A kind of node, made by `actor()`. */
export class Actor<I extends string = string, O extends string = string> {
  private constructor();
  readonly name: string;
  readonly options: ActorOptions<I, O>;
}

/**
 * An actor as a class: an instance for each node. The static properties are the options of `actor()`.
 *
 * ```js
 * class Average {
 *   static inports = ['in'];
 *   static outports = ['mean'];
 *   setup(ctx) { this.sum = 0; this.count = 0; }
 *   run(ctx, value) { this.sum += value; return { mean: this.sum / ++this.count }; }
 * }
 * ```
 */
export interface ActorClass {
  new (config: any, ctx: any): {
    /** When the network starts; a failure makes `start()` reject. */
    setup?(ctx: any): void | Promise<void>;
    run(ctx: any, ...values: any[]): any;
    /** Once when the network drains: emits the rest. */
    finish?(ctx: any): any;
    /** For a snapshot: what the node keeps, as something that can be sent; undefined is nothing. */
    save?(): any;
    /** Before `setup`: what `save` gave, perhaps that of an older version. Both or none. */
    load?(saved: any, version: number): void | Promise<void>;
    /** When the network stops. */
    teardown?(ctx: any): void | Promise<void>;
  };
}

/** What `net.add()` takes as a kind of node, beside ids of components. */
export type ActorLike = Actor<any, any> | ActorClass;

/** A batch actor: arrays in, arrays out. */
export function actor<I extends string = string, O extends string = string>(
  options: ActorOptions<I, O> & { readonly batch: 'numbers' },
  run: (ctx: Context<O>, values: Float64Array) => { readonly [port in O]?: Iterable<Sendable> | TypedArray } | void
): Actor<I, O>;
export function actor<I extends string = string, O extends string = string, V = any>(
  options: ActorOptions<I, O> & { readonly batch: true },
  run: (ctx: Context<O>, values: V[]) => { readonly [port in O]?: Iterable<Sendable> | TypedArray } | void
): Actor<I, O>;
/**
 * Makes a kind of node of a function `(ctx, value) => ({ port: value })`. An async function keeps its firing
 * open until its Promise is settled; a generator emits what it yields. What it throws fails the firing:
 * the error goes to outport `error` if that is connected, else to the dead letters, and to the event ActorFailed.
 * @throws ReflowError ERR_REFLOW_INVALID_ARGUMENT for unknown options and a wrong number of parameters
 */
export function actor<I extends string = string, O extends string = string>(
  options: ActorOptions<I, O>,
  run: (ctx: Context<O>, ...values: any[]) => Result<O>
): Actor<I, O>;
/** The same of a class with `run(ctx, value)`. */
export function actor<I extends string = string, O extends string = string>(
  options: ActorOptions<I, O>, type: ActorClass
): Actor<I, O>;
/** A source: emits what is iterated, as fast as it is taken. Each element is `{ port: value }`. */
export function actor<O extends string = string>(
  options: ActorOptions<never, O>, source: Iterable<Emitted<O>> | AsyncIterable<Emitted<O>>
): Actor<never, O>;

export type { Value };
