// What the engine keeps for nodes: keys and pools, which a snapshot has, and frame pools of a whole network.

import type { Sendable, Value, ValueObject } from './values.cjs';

/**
 * Values under names: the keys of a node, or one of its pools. They are saved and restored with the node, and begin
 * empty. Values are converted as those of packets are; a signal (`flow`) comes as a Message of kind `Flow`. A node
 * has at most 1,000,000 of them in all, and 256 MiB of names and payload.
 *
 * It can be used inside of calls of the node that the engine waits for, and in `withState`; elsewhere each method throws
 * ERR_REFLOW_INVALID_STATE or ERR_REFLOW_CLOSED.
 */
export class StateTable {
  private constructor();
  readonly size: number;
  /** The value; undefined if there is none. */
  get(name: string): Value | undefined;
  has(name: string): boolean;
  /**
   * Sets a value, anew at the end, or in the place of the one before.
   * @throws ReflowError ERR_REFLOW_TYPE for a value that cannot be converted, ERR_REFLOW_LIMIT
   */
  set(name: string, value: Sendable): this;
  /** Whether there was one. */
  delete(name: string): boolean;
  clear(): void;
  /** `[name, value]` of all, in the order in which the names came in. */
  entries(): IterableIterator<[string, Value]>;
  [Symbol.iterator](): IterableIterator<[string, Value]>;
  /** All as an object; it has names that are whole numbers first. */
  toObject(): ValueObject;
}

/** What the engine keeps for a node. */
export interface NodeStore {
  readonly keys: StateTable;
  /** A group of values with ids of its own; it is there as long as something is in it. */
  pool(name: string): StateTable;
}

export interface WithStateOptions {
  /** Milliseconds until a running call of the node has ended; default without limit. */
  readonly timeout?: number;
  /** The id that the component of the node must have; default any. */
  readonly component?: string;
}

export interface FramePoolOptions {
  /** Default 8, at most 65,535. */
  readonly slots?: number;
  /** Bytes of a frame at most, at most 1 GiB. */
  readonly frameSize: number;
}

export interface FramePoolInfo {
  slots: number;
  frameSize: number;
  /** Frames so far. */
  written: number;
  /** Slots that somebody reads or writes now. */
  held: number;
}

/** Names a frame: a whole number, which may travel in a packet as it is. */
export type Ticket = number | bigint;

/** A frame that is read. Its slot is not written again before it is released, disposed or collected. */
export class Frame {
  private constructor();
  readonly ticket: Ticket;
  /**
   * What is in it, without a copy (but for hosts that allow no such buffers, as Electron), not to be written to. As a
   * packet it is sent without a copy, too. It is empty once the frame is released.
   */
  readonly bytes: Buffer;
  /** Lets go of the slot. Again does nothing. */
  release(): void;
  [Symbol.dispose](): void;
}

/** A slot that is being written. */
export class FrameSlot {
  private constructor();
  /** What the frame will be named by. */
  readonly ticket: Ticket;
  /** `frameSize` bytes to be filled; what is in it at first is anything. Empty after `commit` and `abandon`. */
  readonly buffer: Buffer;
  /**
   * Makes a frame of the first `size` bytes, by default of all.
   * @throws ReflowError ERR_REFLOW_LIMIT beyond frameSize, and the slot is still there; ERR_REFLOW_CLOSED if it is over
   */
  commit(size?: number): Ticket;
  /** Gives the slot back without a frame; nothing if it is over. Slots that are disposed or collected are abandoned. */
  abandon(): void;
  [Symbol.dispose](): void;
}

/**
 * A set of equal pieces of memory (slots) under a name, for large frames that come again and again, such as pictures
 * of a camera: memory is taken once, and readers copy nothing. It lives until its name is removed or its network is
 * closed, and as long as somebody has it or one of its frames.
 */
export class FramePool {
  private constructor();
  readonly name: string;
  /** Copies a frame into a slot. @throws ReflowError ERR_REFLOW_LIMIT, ERR_REFLOW_WOULD_BLOCK if all slots are held */
  write(bytes: ArrayBufferView | ArrayBuffer): Ticket;
  /** A slot to be filled in its place. @throws ReflowError ERR_REFLOW_WOULD_BLOCK if all slots are held */
  begin(): FrameSlot;
  /**
   * The frame of a ticket, never a newer one.
   * @throws ReflowError ERR_REFLOW_CLOSED if its slot has been written again since, ERR_REFLOW_NOT_FOUND
   */
  read(ticket: Ticket): Frame;
  /** The newest frame; undefined if there is none. */
  latest(): Frame | undefined;
  info(): FramePoolInfo;
  /** Lets go of the pool here; the pool itself goes on. */
  close(): void;
  [Symbol.dispose](): void;
}
