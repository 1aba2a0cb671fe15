// What travels between actors, as JavaScript values. docs/node.md has the table.

/** Numbers side by side, of one type. */
export type TypedArray =
  | Int8Array | Uint8Array | Uint8ClampedArray | Int16Array | Uint16Array | Int32Array | Uint32Array
  | BigInt64Array | BigUint64Array | Float32Array | Float64Array;

/** What comes out of a network. Whole numbers beyond 2^53 come as BigInt, bytes as Buffer. */
export type Value =
  | null | boolean | number | bigint | string | Buffer | TypedArray | Message | ValueArray | ValueObject | undefined;
export interface ValueArray extends Array<Value> {}
export interface ValueObject { [key: string]: Value }

/**
 * What may be sent or emitted: values, and what becomes one: Date (as ISO 8601 text), Map with text keys
 * (object), Set (array), ArrayBuffer (bytes), and objects with `toJSON`. Functions, symbols, Promises and
 * cycles are refused with ERR_REFLOW_TYPE, which names the path (`$.rows[3].when`) and the type. What a getter, a
 * `toJSON` or a Proxy throws is the `cause` of such an error.
 */
export type Sendable =
  | null | undefined | boolean | number | bigint | string | TypedArray | DataView | ArrayBufferLike
  | Date | Message | NoFunction;
/** Any object that cannot be called: functions and classes are no values. */
export type NoFunction = { readonly [Symbol.hasInstance]?: never } & (object | { readonly [key: string]: unknown });

/**
 * A message as it is: of a kind that JavaScript has no value for, such as a stream, or made by `transfer`.
 * It can be sent and passed on, any number of times.
 */
export class Message {
  private constructor();
  /** Such as `Stream` or `RemoteReference`. */
  readonly kind?: string;
  /**
   * A message of JSON text. Tagged JSON has the kind of each value, `{"type": ..., "data": ...}`, so that nothing of a
   * message is lost; numbers are those of the engine, so integers of 64 bits stay what they are.
   * @throws ReflowError ERR_REFLOW_PARSE with the place
   */
  static parse(text: string, options?: { readonly tagged?: boolean }): Message;
  /** The message as JSON text on one line; `pretty` has lines, and is not for tagged JSON. */
  stringify(options?: { readonly tagged?: boolean; readonly pretty?: boolean }): string;
  /** What stands for it in `JSON.stringify()`. */
  toJSON(): unknown;
}

/** A signal as a value. As a packet it comes as undefined, inside of arrays and objects as a Message of this kind. */
export const flow: Message;

/**
 * Makes a message of a typed array, Buffer or ArrayBuffer without copying: its memory is taken over, and it is
 * empty afterwards, as with postMessage.
 * @throws ReflowError ERR_REFLOW_TYPE for memory that cannot be transferred, such as the pool of small Buffers
 */
export function transfer(view: ArrayBufferView | ArrayBuffer): Message;
