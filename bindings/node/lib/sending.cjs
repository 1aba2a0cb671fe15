'use strict';
// Many values at once: in pieces that fit into the frames, and what becomes of those that are no messages.

const native = require('./binding.cjs');
const { ReflowError, Status, problem } = require('./errors.cjs');
const { CAPACITY, Tag, io } = require('./frames.cjs');
const { abortable } = require('./waits.cjs');

// Something to iterate, as arrays of what fits into the frames; undefined for what is iterated asynchronously.
function chunksNow(values) {
  if (Array.isArray(values) || (ArrayBuffer.isView(values) && !(values instanceof DataView))) return piecesOf(values);
  if (typeof values?.[Symbol.iterator] === 'function') return gathered(values);
  if (typeof values?.[Symbol.asyncIterator] === 'function') return undefined;
  throw problem(Status.INVALID_ARGUMENT, 'sendMany() takes something to iterate');
}

function* piecesOf(values) {
  if (values.length <= CAPACITY) yield values;
  else for (let at = 0; at < values.length; at += CAPACITY) {
    yield Array.isArray(values) ? values.slice(at, at + CAPACITY) : values.subarray(at, at + CAPACITY);
  }
}

function* gathered(values) {
  let chunk = [];
  for (const value of values) {
    chunk.push(value);
    if (chunk.length < CAPACITY) continue;
    yield chunk;
    chunk = [];
  }
  if (chunk.length > 0) yield chunk;
}

// What is iterated asynchronously, one by one; a signal ends the wait for the next one, and the iterator.
function abortableEach(values, signal) {
  const from = values[Symbol.asyncIterator]();
  return {
    [Symbol.asyncIterator]: () => ({
      async next() {
        const { done, value } = await abortable(Promise.resolve(from.next()), { signal });
        return { done, value: done ? undefined : [value] };
      },
      return() {
        // Not waited for: it may be in the middle of what is not wanted any more.
        Promise.resolve(from.return?.()).catch(() => {});
      },
    }),
  };
}

// How many values of a call went in before one that is none.
function sentSoFar(error, sent) {
  if (error instanceof ReflowError) error.sent = sent;
  return error;
}

function converted(value, at) {
  try {
    return typeof value === 'number' ? value : native.message(value, at);
  } catch (error) {
    throw sentSoFar(error, at);
  }
}

// Of an array that does not fit into the frames at once: its values as messages, so that all of them or none go.
function convertedFirst(values, single) {
  const wide = values instanceof BigUint64Array; // not all of these are numbers of a message
  if (!(Array.isArray(values) || wide) || (values.length <= CAPACITY && !single && !wide)) return values;
  try {
    return Array.from(values, converted);
  } catch (error) {
    throw sentSoFar(error, 0);
  }
}

let placing = false; // the frames are in use: a toJSON of a value that is sent cannot send many

function placeAll(values, before) {
  if (placing) throw problem(Status.INVALID_STATE, 'a value sends while it is made into a message');
  let at = 0;
  placing = true;
  try {
    for (; at < values.length; at++) {
      const value = values[at];
      if (typeof value === 'number') {
        io.outTags[at] = Tag.NUMBER;
        io.outNumbers[at] = value;
      } else {
        native.putIo(at, value, before + at);
        io.outTags[at] = Tag.VALUE;
      }
    }
  } catch (error) {
    return { placed: at, error };
  } finally {
    placing = false;
  }
  return { placed: at, error: undefined };
}

module.exports = { abortableEach, chunksNow, converted, convertedFirst, placeAll, sentSoFar };
