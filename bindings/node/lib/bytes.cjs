'use strict';
// Streams of bytes beside the ports: what is too large for one packet, or not there as a whole yet. A packet
// carries the handle of a stream; see include/reflow.h, section 15.

const { Buffer } = require('node:buffer');
const { Readable, Writable } = require('node:stream');
const native = require('./binding.cjs');
const { ReflowError, Status, failureOf, problem } = require('./errors.cjs');
const { Message } = require('./values.cjs');
const { checkOptions } = require('./options.cjs');

const WRITER = ['contentType', 'sizeHint', 'metadata', 'maxFrames', 'maxBytes'];
const OBSERVER = ['maxFrames', 'maxBytes', 'reliable'];
const MOST = 64 * 1024 * 1024; // what collect() gathers unless it is told otherwise
const asyncDispose = Symbol.asyncDispose ?? Symbol.for('nodejs.asyncDispose');

function bytesOf(chunk) {
  if (typeof chunk === 'string') return Buffer.from(chunk);
  if (ArrayBuffer.isView(chunk)) return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  if (chunk instanceof ArrayBuffer || chunk instanceof Message) return chunk;
  throw problem(Status.TYPE, `a stream carries bytes, and this is ${chunk === null ? 'null' : `a ${typeof chunk}`}`,
    'write a Buffer, another view of memory, or a string');
}

// Who waits keeps the process, since what it waits for may come from a thread that Node does not know.
class Waiters {
  #all = [];

  get length() { return this.#all.length; }
  get first() { return this.#all[0]; }
  get last() { return this.#all[this.#all.length - 1]; }

  push(waiter) {
    if (this.#all.push(waiter) === 1) native.hold(true);
  }

  shift() {
    if (this.#all.length === 1) native.hold(false);
    return this.#all.shift();
  }

  /** All of them, which wait no more. */
  take() {
    if (this.#all.length > 0) native.hold(false);
    return this.#all.splice(0);
  }
}

/** Writes a stream. Made by openStream() of a network or a context. */
class StreamWriter {
  #handle;
  #message;
  #waiting = new Waiters(); // { bytes, resolve, reject }; the first one is with the addon
  #ended = false;
  #onEnd;

  constructor(core, options, onEnd = () => {}) {
    const given = checkOptions(options, WRITER, 'openStream');
    this.#handle = new native.StreamWriterHandle(core, given, () => this.#ready());
    this.#message = this.#handle.handle();
    this.#onEnd = onEnd;
  }

  /** What is sent: a Message. It is there until it is taken once, so that nobody keeps the stream by it. */
  get handle() {
    const message = this.#message;
    this.#message = undefined;
    if (message === undefined) throw problem(Status.INVALID_STATE, 'the handle of this stream was taken already');
    return message;
  }

  /** Writes bytes or text as one frame; fulfilled when it has gone in, which is when there is room. */
  write(chunk) {
    try {
      const bytes = bytesOf(chunk);
      if (this.#ended) throw problem(Status.CLOSED, 'the stream has ended');
      if (this.#waiting.length === 0 && this.#handle.write(bytes)) return Promise.resolve();
      return new Promise((resolve, reject) => { this.#waiting.push({ bytes, resolve, reject }); });
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #ready() {
    let again = true;
    while (this.#waiting.length > 0) {
      const { bytes, resolve } = this.#waiting.first;
      try {
        if (!(again ? this.#handle.again() : this.#handle.write(bytes))) return;
      } catch (error) {
        for (const { reject } of this.#waiting.take()) reject(error);
        return;
      }
      again = false;
      this.#waiting.shift();
      resolve();
    }
  }

  /** Ends the stream, when all that was written has gone in. */
  async end() {
    if (this.#ended) return;
    this.#ended = true;
    if (this.#waiting.length > 0) {
      await new Promise((resolve, reject) => {
        const { last } = this.#waiting;
        const { resolve: written, reject: failed } = last;
        last.resolve = () => { written(); resolve(); };
        last.reject = (error) => { failed(error); reject(error); };
      });
    }
    this.#handle.end();
    this.#onEnd(this);
  }

  /** Ends the stream with an error: the data is not complete. */
  fail(reason) {
    this.#fail(reason, problem(Status.CLOSED, 'the stream was ended with an error'));
  }

  #fail(reason, told) {
    this.#ended = true;
    const [, message] = failureOf(reason ?? 'the writer has failed');
    this.#handle.fail(typeof reason === 'string' ? reason : message);
    for (const { reject } of this.#waiting.take()) reject(told);
    this.#onEnd(this);
  }

  // The node or the network has gone, or the firing that opened it has failed. Also one whose end waits for room.
  _cancel(error) {
    if (!this.#ended || this.#waiting.length > 0) {
      this.#fail(error, error instanceof ReflowError ? error : problem(Status.CLOSED, 'the stream was ended with an error'));
    }
  }

  _close(error) {
    this._cancel(error);
  }

  /** Writes all that something gives, and ends; what it throws is an error of the stream, too. */
  async from(source) {
    try {
      for await (const chunk of source) await this.write(chunk);
    } catch (error) {
      if (!this.#ended) this.fail(error);
      throw error;
    }
    await this.end();
  }

  /** As a Node stream. */
  writable() {
    return new Writable({
      write: (chunk, _encoding, done) => { this.write(chunk).then(() => done(), done); },
      final: (done) => { this.end().then(() => done(), done); },
      destroy: (error, done) => {
        if (!this.#ended) this.fail(error ?? 'the stream was destroyed');
        done(error);
      },
    });
  }

  async [asyncDispose]() {
    await this.end();
  }
}

/** Reads a stream, or observes it: to be iterated, with a Buffer for each frame. */
class StreamReader {
  #handle;
  #frames = [];
  #waiters = new Waiters();
  #ended; // undefined, true, or an error
  #onEnd;

  constructor(core, message, options, onEnd = () => {}) {
    if (!(message instanceof Message)) {
      throw problem(Status.TYPE, 'this is no stream', "a stream comes as a Message whose kind is 'Stream'");
    }
    this.#handle = new native.StreamReaderHandle(core, message, options, () => this.#ready());
    this.#onEnd = onEnd;
    this.begin = Object.freeze(this.#handle.begin());
  }

  /** Of an observer: frames that it has missed, because it was full. */
  get missed() {
    return this.#handle.missed();
  }

  next() {
    return new Promise((resolve, reject) => {
      this.#waiters.push({ resolve, reject });
      this.#ready();
    });
  }

  #ready() {
    while (this.#waiters.length > 0) {
      if (this.#frames.length > 0) {
        this.#waiters.shift().resolve({ done: false, value: this.#frames.shift() });
      } else if (this.#ended === undefined) {
        const frames = this.#handle.read();
        if (frames === undefined) return;
        this.#take(frames);
      } else if (this.#ended === true) {
        this.#waiters.shift().resolve({ done: true, value: undefined });
      } else {
        const error = this.#ended;
        this.#ended = true;
        this.#waiters.shift().reject(error);
      }
    }
  }

  #take(frames) {
    if (frames.ended !== undefined) this.#end(frames.ended);
    // No END and no ERROR: whoever wrote has gone with its network.
    if (frames.closed) this.#end(problem(Status.CLOSED, 'the stream was cut off: its network has ended'));
    this.#frames.push(...frames);
  }

  #end(how) {
    if (this.#ended !== undefined) return;
    this.#ended = how;
    this.#handle.close();
    this.#onEnd(this);
  }

  /** Reads no more: whoever writes is told. */
  return(value) {
    this.#frames = [];
    this.#end(true);
    this.#ready();
    return Promise.resolve({ done: true, value });
  }

  // Nobody waits for it any more: the node has gone, or its firing has failed.
  _cancel(error) {
    this.#end(error);
    this.#ready();
  }

  // The network has gone, and nobody writes any more. What has come before is still read.
  _close(error) {
    while (this.#ended === undefined) {
      const frames = this.#handle.read();
      if (frames === undefined) break;
      this.#take(frames);
    }
    this._cancel(error);
  }

  /** All of it in one Buffer. */
  async collect(options) {
    const { maxBytes = MOST } = checkOptions(options, ['maxBytes'], 'collect');
    const chunks = [];
    let size = 0;
    for await (const chunk of this) {
      size += chunk.length;
      if (size > maxBytes) {
        throw problem(Status.LIMIT, `the stream has more than ${maxBytes} bytes`, "option 'maxBytes' allows more");
      }
      chunks.push(chunk);
    }
    return Buffer.concat(chunks, size);
  }

  /** As a Node stream. */
  readable() {
    return Readable.from(this, { objectMode: false });
  }

  [Symbol.asyncIterator]() {
    return this;
  }

  async [asyncDispose]() {
    await this.return();
  }
}

function observerOptions(options) {
  return { ...checkOptions(options, OBSERVER, 'observeStream') };
}

module.exports = { StreamReader, StreamWriter, observerOptions };
