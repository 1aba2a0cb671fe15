'use strict';
// Node streams on both ends of a network, with back-pressure.

const { Readable, Writable } = require('node:stream');

const { Status, problem } = require('./errors.cjs');

// To a stream of Node null is its end: another value stands for it there, if one is given.
function passable(stream, options) {
  const pass = (result) => {
    if (result.done || result.value !== null) return result;
    if ('nulls' in options && options.nulls !== null) return { done: false, value: options.nulls };
    throw problem(Status.TYPE, 'a packet is null, and no stream of Node can pass that on',
      'the option nulls says what stands for it there; net.stream() passes it on as it is');
  };
  return {
    [Symbol.asyncIterator]() {
      const from = stream[Symbol.asyncIterator]();
      return { next: async () => pass(await from.next()), return: (value) => from.return(value) };
    },
  };
}

function readable(stream, options = {}) {
  const { signal, highWaterMark = 64 } = options;
  return Readable.from(passable(stream, options), { objectMode: true, highWaterMark, signal });
}

function writable(network, to, options = {}) {
  const { signal, highWaterMark = 64 } = options;
  const plain = 'nulls' in options ? (value) => (value === options.nulls ? null : value) : (value) => value;
  return new Writable({
    objectMode: true,
    highWaterMark,
    signal,
    write(value, _encoding, done) {
      network.send(to, plain(value)).then(() => done(), done);
    },
    writev(chunks, done) {
      network.sendMany(to, chunks.map(({ chunk }) => plain(chunk))).then(() => done(), done);
    },
  });
}

module.exports = { readable, writable };
