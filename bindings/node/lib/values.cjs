'use strict';
// What becomes of values that are neither plain nor of the language itself when a message is made of
// them: the one hook is toJSON, as in JSON.stringify. And messages that JavaScript has no value for.

const { Buffer } = require('node:buffer');
const native = require('./binding.cjs');
const { Status, problem } = require('./errors.cjs');

/**
 * A message as it is: of a kind that JavaScript has no value for (a stream, a reference to a remote
 * actor), or made by transfer() or parse(). It can be sent and passed on, any number of times.
 */
class Message {
  /** Use transfer(), or what an actor receives. */
  constructor(key, fields) {
    if (key !== internal) throw new TypeError('a Message is made by transfer() or parse(), or received');
    Object.assign(this, fields);
  }

  /** A message of JSON text; tagged JSON has the kind of each value, so that nothing of a message is lost. */
  static parse(text, { tagged = false } = {}) {
    if (typeof text !== 'string') throw problem(Status.INVALID_ARGUMENT, 'JSON text is a string');
    return native.messageFromJson(text, tagged);
  }

  /** The message as JSON text: plain, tagged, or plain with lines. */
  stringify({ tagged = false, pretty = false } = {}) {
    return native.messageToJson(this, tagged ? JSON_TAGGED : Number(pretty));
  }

  /** What stands for it in JSON.stringify(). */
  toJSON() {
    return JSON.parse(this.stringify());
  }
}
const internal = Symbol('Message');
const JSON_TAGGED = 2; // styles of reflow.h: 0 is plain, 1 with lines

function makeMessage(fields) {
  return new Message(internal, fields);
}

function className(value) {
  try {
    const name = value.constructor?.name;
    return typeof name === 'string' && name ? name : 'Object';
  } catch {
    return 'Object';
  }
}

const { isAnyArrayBuffer, isBoxedPrimitive, isDate, isExternal, isGeneratorObject, isMap,
  isMapIterator, isModuleNamespaceObject, isPromise, isProxy, isRegExp, isSet, isSetIterator,
  isWeakMap, isWeakSet } = require('node:util').types;

function article(name) {
  return `${/^[aeiou]/i.test(name) ? 'an' : 'a'} ${name}`;
}

// A map as an object: its keys are strings.
function objectOfMap(map) {
  const made = {};
  for (const [key, value] of map) {
    if (typeof key !== 'string') {
      return `a Map with a key that is no string (${typeof key})|use strings as keys, or an array of pairs`;
    }
    Object.defineProperty(made, key, { value, enumerable: true, configurable: true, writable: true });
  }
  return [made];
}

// The addon has an object that is not plain. Answers with [a plainer value], or with a text: what it is
// and, behind a bar, what to do instead.
function unwrap(value) {
  if (isDate(value)) {
    return Number.isNaN(value.getTime()) ? 'an invalid Date' : [value.toISOString()];
  }
  if (isMap(value)) return objectOfMap(value);
  if (isSet(value)) return [Array.from(value)];
  if (isAnyArrayBuffer(value)) return [new Uint8Array(value)];
  if (isPromise(value)) return 'a Promise|await it first';
  if (isRegExp(value) || isWeakMap(value) || isWeakSet(value) || isGeneratorObject(value) ||
      isMapIterator(value) || isSetIterator(value) || isExternal(value)) {
    return article(className(value));
  }
  if (typeof value.toJSON === 'function') {
    const plain = value.toJSON();
    if (plain !== value) return [plain];
    const { toJSON, ...rest } = plain; // which is not asked again
    return [rest];
  }
  if (isBoxedPrimitive(value)) return [value.valueOf()];
  if (isProxy(value) && Array.isArray(value)) return [Array.from(value)];
  if (isProxy(value) || isModuleNamespaceObject(value)) return [{ ...value }];
  return [value]; // an instance of a class: its own enumerable properties
}

/**
 * Makes a message of a typed array, Buffer or ArrayBuffer without copying it: its memory is taken over, and
 * it is empty afterwards, as with postMessage. What cannot be taken over is copied: small Buffers, whose
 * memory is shared by many.
 */
function transfer(view) {
  const isView = ArrayBuffer.isView(view);
  const buffer = isView ? view.buffer : view;
  if (!(buffer instanceof ArrayBuffer)) {
    throw problem(Status.TYPE, 'transfer() takes a typed array, a Buffer or an ArrayBuffer');
  }
  const name = isView ? view.constructor.name : 'Uint8Array';
  const offset = isView ? view.byteOffset : 0;
  const size = isView ? view.byteLength : buffer.byteLength;
  let taken;
  try {
    taken = structuredClone(buffer, { transfer: [buffer] });
  } catch {
    return native.message(view); // as small Buffers, which share one pool
  }
  if (buffer.byteLength !== 0 || taken.byteLength === 0) return native.message(view);
  const Type = { Buffer: Uint8Array, DataView: Uint8Array }[name] ?? globalThis[name] ?? Uint8Array;
  return native.lend(new Type(taken, offset, size / Type.BYTES_PER_ELEMENT));
}

function asBuffer(arrayBuffer) {
  return Buffer.from(arrayBuffer);
}

module.exports = { Message, asBuffer, makeMessage, transfer, unwrap };
