'use strict';
// Node streams on both ends of a network, with back-pressure.

const { Readable, Writable } = require('node:stream');

function readable(stream, options = {}) {
  const { signal, highWaterMark = 64 } = options;
  return Readable.from(stream, { objectMode: true, highWaterMark, signal });
}

function writable(network, to, options = {}) {
  const { signal, highWaterMark = 64 } = options;
  return new Writable({
    objectMode: true,
    highWaterMark,
    signal,
    write(value, _encoding, done) {
      network.send(to, value).then(() => done(), done);
    },
    writev(chunks, done) {
      network.sendMany(to, chunks.map(({ chunk }) => chunk)).then(() => done(), done);
    },
  });
}

module.exports = { readable, writable };
