'use strict';
// The packets of an outport as an asynchronous iterator. What is not read holds its sender back.

const native = require('./binding.cjs');
const { io, take } = require('./frames.cjs');
const { checkOptions } = require('./options.cjs');
const { signalOf } = require('./waits.cjs');

function handOver(result, hand) {
  hand?.(result);
  return result;
}

class MessageStream {
  #network; // is not collected while it is read
  #opening;
  #output;
  #buffer = [];
  #at = 0;
  #done = false;
  #last = Promise.resolve(); // calls of next() follow each other
  #waiting = 0; // of them, those that have not ended
  #enveloped;
  #look; // ends the wait for packets
  #single; // of a network without threads: whoever reads runs it

  constructor(network, options, opening) {
    this.#network = network;
    this.#enveloped = Boolean(options.envelopes);
    this.#single = options.single;
    this.#opening = opening;
    opening.catch(() => {}); // told by next()
  }

  /** Fulfilled when the stream gets what is sent from then on. */
  async opened() {
    this.#output ??= await this.#opening;
  }

  /** The next packet; options have a signal, which ends the wait for it: no packet is lost by that. */
  next(options) {
    let signal;
    if (options !== undefined) {
      try {
        signal = signalOf(checkOptions(options, ['signal'], 'next'));
        signal?.throwIfAborted();
      } catch (error) {
        return Promise.reject(error);
      }
    }
    if (this.#waiting === 0 && this.#at < this.#buffer.length) {
      return Promise.resolve({ done: false, value: this.#take() });
    }
    return signal === undefined ? this.#behind() : this.#within(signal);
  }

  #behind(signal, hand) {
    this.#waiting++;
    const result = this.#last.then(() => this.#next(signal, hand)).finally(() => { this.#waiting--; });
    this.#last = result.catch(() => {});
    return result;
  }

  #within(signal) {
    return new Promise((resolve, reject) => {
      const abort = () => {
        reject(signal.reason);
        this.#look?.();
        this.#single?.wake();
      };
      signal.addEventListener('abort', abort, { once: true });
      // A packet is taken and handed over in one step, so that none is taken for nobody.
      this.#behind(signal, resolve).catch(reject).finally(() => signal.removeEventListener('abort', abort));
    });
  }

  #take() {
    const value = this.#buffer[this.#at];
    this.#buffer[this.#at++] = undefined;
    return value;
  }

  async #next(signal, hand) {
    for (;;) {
      signal?.throwIfAborted();
      if (this.#at < this.#buffer.length) return handOver({ done: false, value: this.#take() }, hand);
      if (this.#done) return handOver({ done: true, value: undefined }, hand);
      this.#output ??= await this.#opening;
      if (this.#done || signal?.aborted) continue;
      const count = await this.#some(signal);
      if (count < 0) this.#end();
      else if (count === 0 && !signal?.aborted) await this.#more();
    }
  }

  // There may be more, or nobody waits for it any more.
  async #more() {
    await new Promise((resolve) => {
      this.#look = resolve;
      native.waitOutput(this.#output, resolve);
    });
    this.#look = undefined;
  }

  async #some(signal) {
    if (this.#single === undefined) return this.#receive();
    let count = 0;
    await this.#single.until(() => {
      if (signal?.aborted) return true;
      count = this.#done ? -1 : this.#receive();
      return count !== 0;
    });
    return count;
  }

  // How many there are now; -1 when no more will come.
  #receive() {
    let values;
    if (this.#enveloped) {
      values = native.receiveEnveloped(this.#output);
      if (typeof values === 'number') return values;
    } else {
      const count = native.receive(this.#output);
      if (count <= 0) return count;
      values = new Array(count);
      for (let i = 0; i < count; i++) values[i] = take(io, i);
    }
    this.#buffer = values;
    this.#at = 0;
    return values.length;
  }

  #end() {
    this.#done = true;
    this.#buffer = [];
    this.#at = 0;
    if (this.#output !== undefined) native.closeOutput(this.#output);
    this.#output = undefined;
    this.#network = undefined;
    this.#single?.wake();
  }

  /** Ends the stream: nobody is held back by it any more. */
  async return(value) {
    if (this.#output === undefined && !this.#done) {
      this.#opening.then((output) => native.closeOutput(output), () => {});
    }
    this.#end();
    return { done: true, value };
  }

  [Symbol.asyncIterator]() {
    return this;
  }

  async [Symbol.asyncDispose ?? Symbol.for('nodejs.asyncDispose')]() {
    await this.return();
  }
}

module.exports = { MessageStream };
