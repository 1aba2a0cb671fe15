'use strict';
// Streams of events: what the native queues hold, as async iterators and for listeners.

const native = require('./binding.cjs');

// Events taken over in one crossing.
const batch = 256;

/** Events in their order; see types/events.d.cts. */
class EventStream {
  #handle;
  #events = [];
  #waiters = [];
  #ended = false;
  #closed = false;
  #missed = 0;
  #unlisten = () => {};
  #onEnd;

  /** open(ready) gives a native queue with take(max) and close(). onEnd is told when the stream ends. */
  constructor(open, signal, onEnd = () => {}) {
    this.#onEnd = onEnd;
    signal?.throwIfAborted();
    this.#handle = open(() => this.#ready());
    if (signal !== undefined) {
      const abort = () => this.close();
      signal.addEventListener('abort', abort, { once: true });
      this.#unlisten = () => signal.removeEventListener('abort', abort);
    }
  }

  get missed() {
    return this.#missed;
  }

  close() {
    if (this.#closed) return;
    this.#closed = true;
    this.#events = [];
    this.#end();
  }

  next() {
    if (this.#events.length === 0) this.#take();
    if (this.#events.length > 0) return Promise.resolve({ value: this.#events.shift(), done: false });
    if (this.#ended) return Promise.resolve({ value: undefined, done: true });
    return new Promise((resolve) => {
      if (this.#waiters.length === 0) native.hold(true);
      this.#waiters.push(resolve);
    });
  }

  return() {
    this.close();
    return Promise.resolve({ value: undefined, done: true });
  }

  [Symbol.asyncIterator]() {
    return this;
  }

  async [Symbol.asyncDispose ?? Symbol.for('nodejs.asyncDispose')]() {
    this.close();
  }

  // No more come; what waits may still be taken. For queues whose ends the engine does not tell.
  _finish() {
    if (!this.#ended) this.#handle.finish();
    this.#ready();
  }

  #take() {
    if (this.#ended) return;
    const taken = this.#handle.take(batch);
    for (const event of taken) {
      this.#missed += event.missed;
      this.#events.push(event);
    }
    this.#missed += taken.missed ?? 0;
    if (taken.ended) this.#end();
  }

  #ready() {
    if (this.#waiters.length === 0) return; // stays in the bounded queue
    this.#take();
    const waited = this.#waiters.length > 0;
    while (this.#waiters.length > 0 && this.#events.length > 0) {
      this.#waiters.shift()({ value: this.#events.shift(), done: false });
    }
    if (waited && this.#waiters.length === 0) native.hold(false);
  }

  #end() {
    if (this.#ended) return;
    this.#ended = true;
    this.#unlisten();
    this.#handle.close();
    if (this.#waiters.length > 0) native.hold(false);
    // Events that were taken with the end still go to those who wait.
    for (const resolve of this.#waiters.splice(0)) {
      const event = this.#events.shift();
      resolve(event === undefined ? { value: undefined, done: true } : { value: event, done: false });
    }
    this.#onEnd(this);
  }
}

// What a function of the program throws is an uncaught exception of its own, and does not take the others along.
function guarded(hand, ...given) {
  try {
    hand(...given);
  } catch (error) {
    process.nextTick(() => { throw error; });
  }
}

/** Hands events to a function as they come, without keeping the process. Returns what ends it. */
function listen(open, hand) {
  let handle = null;
  let ended = false;
  const ready = () => {
    while (!ended) {
      const taken = handle.take(batch);
      if (taken.ended) end();
      for (const event of taken) guarded(hand, event);
      if (taken.length < batch) return;
    }
  };
  const end = () => {
    if (ended) return;
    ended = true;
    handle.close();
  };
  handle = open(ready);
  return end;
}

module.exports = { EventStream, guarded, listen };
