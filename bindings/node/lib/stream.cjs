'use strict';
// The packets of an outport as an asynchronous iterator. What is not read holds its sender back.

const native = require('./binding.cjs');
const { io, take } = require('./frames.cjs');

class MessageStream {
  #network; // is not collected while it is read
  #opening;
  #output;
  #buffer = [];
  #at = 0;
  #done = false;
  #last = Promise.resolve(); // calls of next() follow each other
  #enveloped;
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

  next() {
    if (this.#at < this.#buffer.length) {
      return Promise.resolve({ done: false, value: this.#take() });
    }
    const result = this.#last.then(() => this.#next());
    this.#last = result.catch(() => {});
    return result;
  }

  #take() {
    const value = this.#buffer[this.#at];
    this.#buffer[this.#at++] = undefined;
    return value;
  }

  async #next() {
    for (;;) {
      if (this.#at < this.#buffer.length) return { done: false, value: this.#take() };
      if (this.#done) return { done: true, value: undefined };
      this.#output ??= await this.#opening;
      if (this.#done) continue;
      const count = await this.#some();
      if (count < 0) this.#end();
      else if (count === 0) await new Promise((resolve) => native.waitOutput(this.#output, resolve));
    }
  }

  async #some() {
    if (this.#single === undefined) return this.#receive();
    let count = 0;
    await this.#single.until(() => {
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
