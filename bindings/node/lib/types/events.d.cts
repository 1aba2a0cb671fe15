// What networks do, as a stream.

import type { Value } from './values.cjs';

/** Kinds of events. Without a choice all come but MessageSent, ActorEmit, ActorCompleted and ActorState. */
export type EventKind =
  | 'NetworkStarted' | 'NetworkIdle' | 'NetworkStalled' | 'NetworkShutdown'
  | 'ActorStarted' | 'ActorCompleted' | 'ActorFailed'
  | 'MessageSent' | 'MessageReceived' | 'ActorEmit'
  | 'Breakpoint' | 'DeadLetter' | 'ActorState' | 'ActorStuck'
  | 'CheckpointFailed';

/** What every event has. */
export interface EventBase<K extends EventKind> {
  readonly kind: K;
  /** Counts up in a network, over all kinds that somebody asked for. */
  readonly sequence: number;
  /** Milliseconds since 1970 UTC; logical in simulated networks. */
  readonly timestamp: number;
  /** How many events were lost just before this one, because they were read too slowly. Usually 0. */
  readonly missed: number;
}

/** Events of one node. */
export interface NodeEvent<K extends EventKind> extends EventBase<K> {
  readonly node: string;
  readonly component: string;
}

export interface ActorStartedEvent extends NodeEvent<'ActorStarted'> {}

export interface ActorCompletedEvent extends NodeEvent<'ActorCompleted'> {
  /** Firings that the call had. */
  readonly count: number;
  readonly durationNs: number;
  /** The last message that the call emitted on each connected outport. */
  readonly outputs: { readonly [port: string]: Value };
  /** Packets in all inports of the node then. */
  readonly waiting: number;
}

export interface ActorFailedEvent extends NodeEvent<'ActorFailed'> {
  readonly error: string;
  /** The stack of the exception or rejection, if there was one. */
  readonly trace: string;
  /** Attempts that the firing had. */
  readonly count: number;
  readonly durationNs: number;
  readonly waiting: number;
}

export interface ActorStateEvent extends NodeEvent<'ActorState'> {
  readonly state: NodeStateName;
  readonly details: readonly NodeDetail[];
}

export interface ActorStuckEvent extends NodeEvent<'ActorStuck'> {
  /** For how long the callback has been seen inside. */
  readonly durationNs: number;
}

export interface MessageEvent<K extends 'MessageSent' | 'MessageReceived' | 'ActorEmit'> extends EventBase<K> {
  readonly node: string;
  readonly port: string;
  /** The receiver and its inport; empty for ActorEmit. */
  readonly peer: string;
  readonly peerPort: string;
  readonly message: Value;
  /** Bytes of payload. */
  readonly size: number;
  /** Packets in the inport then. */
  readonly waiting: number;
}

export interface BreakpointEvent extends NodeEvent<'Breakpoint'> {
  /** Number of the breakpoint, as `net.breakAt` gave it. */
  readonly breakpoint: number;
  readonly port: string;
  readonly peer: string;
  readonly peerPort: string;
  readonly message: Value | undefined;
}

export interface DeadLetterEvent extends NodeEvent<'DeadLetter'> {
  readonly error: string;
  /** Id of the letter, for `net.replayDeadLetter`. */
  readonly id: number;
}

export interface CheckpointFailedEvent extends EventBase<'CheckpointFailed'> {
  readonly error: string;
}

export interface NetworkStalledEvent extends EventBase<'NetworkStalled'> {
  readonly node: string;
  readonly port: string;
  readonly error: string;
  /** What it has come to. */
  readonly outcome: 'failed' | 'grew' | 'dropped' | 'streams';
  /** Packets that the port holds from now on, or that were dropped. */
  readonly count: number;
  /** Who waits for whom, round in a circle; empty if none was found. */
  readonly path: string;
  /** Stalls of the network so far. */
  readonly stalls: number;
}

export type NetworkEvent =
  | EventBase<'NetworkStarted'> | EventBase<'NetworkIdle'> | EventBase<'NetworkShutdown'>
  | NetworkStalledEvent | CheckpointFailedEvent
  | ActorStartedEvent | ActorCompletedEvent | ActorFailedEvent | ActorStateEvent | ActorStuckEvent
  | MessageEvent<'MessageSent'> | MessageEvent<'MessageReceived'> | MessageEvent<'ActorEmit'>
  | BreakpointEvent | DeadLetterEvent;

/** The event of a kind. */
export type EventOf<K extends EventKind> = Extract<NetworkEvent, { kind: K }>;

export type NodeStateName =
  | 'Created' | 'Initialized' | 'Running' | 'Processing' | 'Error' | 'Stopping' | 'Stopped';

export type NodeDetail =
  | 'paused' | 'held' | 'retrying' | 'restarting' | 'open' | 'half-open' | 'down';

export interface EventOptions<K extends EventKind = EventKind> {
  /** Which kinds; default all but the four that cost most. */
  readonly kinds?: readonly K[] | K;
  /**
   * Only events of nodes with such an id: `*` stands for text without `/`, `**` for any text, `?` for one
   * byte, `outer/` for all nodes of a subgraph. Events of the network as a whole always come.
   */
  readonly nodes?: string;
  /** Of messages and completions only one in so many. Default 1. */
  readonly sample?: number;
  /** Events that may wait to be read; beyond that they are lost and counted. Default 4096. */
  readonly capacity?: number;
  /** Ends the stream. */
  readonly signal?: AbortSignal;
}

/**
 * Events of a network, in their order, bounded: a slow reader loses events and is told how many, and slows
 * nobody. Ends when the network has stopped, when `close()` is called, when the loop over it is left, or with
 * its signal. While `next()` waits, the process does not end by itself.
 */
export class EventStream<E = NetworkEvent> implements AsyncIterableIterator<E> {
  private constructor();
  /** Events lost so far; behind the last event, those that were lost after it are among them. */
  readonly missed: number;
  /** Ends the stream; what waits is dropped. */
  close(): void;
  next(): Promise<IteratorResult<E, undefined>>;
  return(): Promise<IteratorResult<E, undefined>>;
  [Symbol.asyncIterator](): this;
  /** As close. */
  [Symbol.asyncDispose](): Promise<void>;
}
