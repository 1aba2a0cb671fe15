'use strict';
// Frame pools: memory for large frames that come again and again, written and read in its place. See
// src/frame_pool.cc, and types/state.d.cts.

const { Buffer } = require('node:buffer');
const native = require('./binding.cjs');
const { Status, problem } = require('./errors.cjs');
const { checkOptions, refuse } = require('./options.cjs');

const DISPOSE = Symbol.dispose ?? Symbol.for('nodejs.dispose');
const made = Symbol('made here');

function onlyHere(key, what) {
  if (key !== made) throw new TypeError(`a ${what} is made by a frame pool`);
}

/** A frame that is read: its slot is not written as long as this is held. */
class Frame {
  #memory;

  constructor(key, memory, ticket) {
    onlyHere(key, 'Frame');
    this.#memory = memory;
    /** The number that names it. */
    this.ticket = ticket;
    /** What is in it, without a copy where Node allows that; empty once the frame is released. */
    this.bytes = Buffer.from(memory);
  }

  /** Gives the slot back; the buffer is empty from then on. Collected frames are released, too. */
  release() {
    const memory = this.#memory;
    this.#memory = undefined;
    if (memory !== undefined) native.poolRelease(memory);
  }

  [DISPOSE]() { this.release(); }
}

/** A slot that is being written. One that is collected is abandoned. */
class FrameSlot {
  #slot;
  #memory;
  #size;

  constructor(key, [slot, memory, ticket]) {
    onlyHere(key, 'FrameSlot');
    this.#slot = slot;
    this.#memory = memory;
    this.#size = memory.byteLength;
    /** The number that the frame will have. */
    this.ticket = ticket;
    /** The memory to fill; what is in it at first is anything. */
    this.buffer = Buffer.from(memory);
  }

  /** Makes a frame of the first so many bytes, by default of all; gives its ticket. The buffer is empty from then on. */
  commit(size = this.#size) {
    if (!Number.isSafeInteger(size) || size < 0) throw refuse(`the size of a frame is ${String(size)}`, 'it is in bytes');
    native.poolCommit(this.#slot, this.#memory, size);
    return this.ticket;
  }

  /** Gives the slot back without a frame; nothing if there is one already. */
  abandon() {
    native.poolAbandon(this.#slot, this.#memory);
  }

  [DISPOSE]() { this.abandon(); }
}

/** A set of equal pieces of memory under a name. */
class FramePool {
  #pool;
  #name;

  constructor(key, core, name, options) {
    onlyHere(key, 'FramePool');
    const given = options === undefined ? undefined : checkOptions(options, ['slots', 'frameSize'], 'framePool');
    this.#pool = native.poolOpen(core, name, given);
    this.#name = name;
  }

  get name() { return this.#name; }

  #open() {
    if (this.#pool !== undefined) return this.#pool;
    throw problem(Status.CLOSED, `pool '${this.#name}' was closed here`, 'framePool() opens it again');
  }

  /** Copies a frame into a slot; gives its ticket. */
  write(bytes) {
    const pool = this.#open();
    if (ArrayBuffer.isView(bytes)) {
      return native.poolWrite(pool, new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    }
    if (bytes instanceof ArrayBuffer) return native.poolWrite(pool, new Uint8Array(bytes));
    throw problem(Status.TYPE, 'a frame is a Buffer, a typed array or an ArrayBuffer');
  }

  /** A slot to be filled in its place. */
  begin() {
    return new FrameSlot(made, native.poolBegin(this.#open()));
  }

  /** The frame of a ticket. */
  read(ticket) {
    return new Frame(made, native.poolRead(this.#open(), ticket), ticket);
  }

  /** The newest frame; undefined if there is none. */
  latest() {
    const newest = native.poolLatest(this.#open());
    return newest && new Frame(made, ...newest);
  }

  /** Sizes and counts. */
  info() {
    return native.poolInfo(this.#open());
  }

  /** Lets go of the pool, which goes on, as do its frames. */
  close() {
    this.#pool = undefined;
  }

  [DISPOSE]() { this.close(); }
}

/** The pool of this name on the runtime of a network. */
function openFramePool(core, name, options) {
  return new FramePool(made, core, name, options);
}

function removeFramePool(core, name) {
  native.poolRemove(core, name);
}

module.exports = { Frame, FramePool, FrameSlot, openFramePool, removeFramePool };
