// Running a graph to its end in one call, and facts about the engine.

import type { Sendable, Value, ValueObject } from './values.cjs';
import type { Graph, GraphDocument } from './graph.cjs';
import type { ActorFailedEvent, NetworkStalledEvent } from './events.cjs';
import type { ActorLike } from './actor.cjs';
import type { NetworkOptions, NodeReport } from './network.cjs';

export interface RunOptions {
  /**
   * Values of configurations to set before the start: `{'read.path': 'other.csv', 'alerts.wind': 8}`. The longest
   * id of a node that fits is taken; what follows is a path with dots, such as `rules.0.when`.
   */
  readonly set?: { readonly [target: string]: Sendable };
  /**
   * The environment variables for nodes that ask for some (`Graph.resolveEnv`). Default: those of the process. What
   * `set` says counts more.
   */
  readonly env?: { readonly [name: string]: string | undefined };
  /**
   * Packets to send after the start, to `node.port` or an exposed inport: one, or several as an array, a generator or
   * something to iterate asynchronously; what these throw fails the run.
   */
  readonly inputs?: {
    readonly [inport: string]: Sendable | readonly Sendable[] | Iterator<Sendable> | AsyncIterable<Sendable>;
  };
  /** Actors of this program for components of the graph that the engine does not know. */
  readonly actors?: { readonly [component: string]: ActorLike };
  /** Milliseconds for the whole run; then it is stopped, and rejected with ERR_REFLOW_TIMEOUT. */
  readonly timeout?: number;
  /** Ends the run; it rejects with the reason. */
  readonly signal?: AbortSignal;
  /** Packets of each exposed outport that are kept; beyond that the oldest go. Default: all. */
  readonly keep?: number;
  /** Options of the network. */
  readonly network?: NetworkOptions;
}

export interface RunResult {
  /** `failed` if firings have failed that no `error` outport took. */
  readonly status: 'ok' | 'failed';
  /** Milliseconds from the start to the end. */
  readonly durationMs: number;
  /** By the name of the exposed outport: its packets in order. */
  readonly outputs: { readonly [outport: string]: Value[] };
  /** By node: what it has done. */
  readonly nodes: { readonly [node: string]: NodeReport };
  /** What has failed; at most the first 1000. */
  readonly errors: (ActorFailedEvent | NetworkStalledEvent)[];
}

/**
 * Runs a graph until nothing is left to do: of a file, a document or a Graph.
 *
 * ```js
 * const result = await run('weather.graph.json', { set: { 'alerts.wind': 8 } });
 * ```
 * @throws (rejects with) ReflowError if the graph cannot run, time is over, or the network has failed
 */
export function run(graph: string | URL | Graph | GraphDocument, options?: RunOptions): Promise<RunResult>;

/** The components of the engine, by id, with ports and the JSON Schema of their configuration. */
export function components(): ComponentInfo[];

export interface PortInfo {
  name: string;
  type: string;
  description: string;
  required: boolean;
  array: boolean;
}

export interface ComponentInfo {
  id: string;
  title: string;
  description: string;
  category: string;
  await: string;
  inports: PortInfo[];
  outports: PortInfo[];
  config: ValueObject;
}

/** The version of the engine, such as `0.1.0`; that of the package is the same. */
export const version: string;

/** Whether the engine has a part, such as `yaml`, `drawing`, `components`. */
export function feature(name: string): boolean;

/** What the process uses. */
export function usage(): {
  threads: number; memoryBytes: number; memoryPeakBytes: number; userNs: number; systemNs: number;
};
