// Recordings that are repeated. Networks record with the option `record`.

import type { ActorLike } from './actor.cjs';
import type { Network, NetworkOptions } from './network.cjs';
import type { ValueObject } from './values.cjs';

export interface ReplayOptions extends Pick<NetworkOptions, 'log' | 'logLevel' | 'print'> {
  /** The actors of the program, by the names of their components in the recording. */
  readonly actors?: { readonly [component: string]: ActorLike };
}

/** How far a replay is. */
export interface ReplayState {
  readonly firings: number;
  /** Logical time. */
  readonly nowNs: number;
  /** The node of the next firing; empty if that is not known. */
  readonly next: string;
  /** The recording has ended before its network did, and why. */
  readonly truncated: boolean;
  readonly reason: string;
}

/** Does a recorded run again, and compares: the same firings, packets and events, byte for byte. */
export class Replay {
  /**
   * Opens a recording.
   * @throws ReflowError ERR_REFLOW_IO, ERR_REFLOW_PARSE if it is none, ERR_REFLOW_UNSUPPORTED for another version
   */
  constructor(file: string | URL, options?: ReplayOptions);
  /** For counters, states and looking into inports; whoever sends to it makes it differ. */
  readonly network: Network;
  /** What stands first in the recording: seed, options of the runtime, and the graph. */
  readonly header: ValueObject;
  readonly state: ReplayState;
  /**
   * Goes on until so many more firings have ended (0: to the end). @returns whether the recording goes on
   * @throws (rejects with) ReflowError ERR_REFLOW_FAILED at the first firing that differs
   */
  run(firings?: number): Promise<boolean>;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}
