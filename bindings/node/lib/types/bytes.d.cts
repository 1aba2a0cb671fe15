// Streams of bytes beside the ports, and envelopes: what goes with a packet and is none of its content.

import type { Readable, Writable } from 'node:stream';
import type { Message, Sendable, Value } from './values.cjs';

/** What goes with a packet, in a network that carries envelopes. */
export interface Envelope {
  /** Trace context of W3C: 32 hexadecimal digits in lower case. */
  readonly traceId?: string;
  /** 16 hexadecimal digits in lower case. */
  readonly spanId?: string;
  /** Milliseconds since 1970 UTC, for components that look at it. */
  readonly deadlineMs?: number;
  /** At most 256 bytes of UTF-8. */
  readonly correlation?: string;
  /** Who has sent it; of a packet from another network as its peer has proved. */
  readonly sourceNetwork?: string;
  readonly sourceInstance?: string;
  readonly sourceActor?: string;
  readonly messageId?: string;
}

export interface StreamOptions {
  /** Such as `text/csv`. */
  readonly contentType?: string;
  /** Bytes of all data, if that is known. */
  readonly sizeHint?: number;
  /** Whatever the reader should know. */
  readonly metadata?: Sendable;
  /** Frames that may wait for the reader; default 64. */
  readonly maxFrames?: number;
  /** Bytes that may; default 4 MiB. */
  readonly maxBytes?: number;
}

export interface ObserveOptions {
  /** Frames that may wait for it; default that of the stream. */
  readonly maxFrames?: number;
  readonly maxBytes?: number;
  /** It gets everything, and holds the writer back when it is full. Default: it misses what is new then. */
  readonly reliable?: boolean;
}

/** What a stream begins with. */
export interface StreamBegin {
  readonly contentType?: string;
  readonly sizeHint?: number;
  readonly metadata?: Value;
}

/** Writes a stream. One that is collected without an end leaves an error for its reader. */
export class StreamWriter {
  private constructor();
  /** What is sent or emitted for the reader; there once. */
  readonly handle: Message;
  /**
   * Writes bytes, or text as UTF-8, as one frame; fulfilled when it has gone in, which is when there is room.
   * @throws (rejects with) ReflowError ERR_REFLOW_TYPE, and ERR_REFLOW_CLOSED when nobody can read it any more
   */
  write(chunk: string | ArrayBufferView | ArrayBuffer | Message): Promise<void>;
  /** Ends the stream when all that was written has gone in. */
  end(): Promise<void>;
  /** Ends the stream with an error: the data is not complete. */
  fail(reason?: unknown): void;
  /** Writes all that something gives, and ends; what it throws is an error of the stream, too. */
  from(source: Iterable<string | ArrayBufferView> | AsyncIterable<string | ArrayBufferView>): Promise<void>;
  /** As a Node stream. */
  writable(): Writable;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Reads a stream, with a Buffer for each frame. An error of the writer is thrown as ERR_REFLOW_FAILED with
 * its text.
 */
export class StreamReader implements AsyncIterableIterator<Buffer> {
  private constructor();
  readonly begin: StreamBegin;
  /** Of an observer: frames that it has missed. */
  readonly missed: number;
  next(): Promise<IteratorResult<Buffer, undefined>>;
  /** Reads no more: whoever writes is told. */
  return(value?: any): Promise<IteratorResult<Buffer, undefined>>;
  /** All of it; at most `maxBytes` (default 64 MiB). @throws (rejects with) ReflowError ERR_REFLOW_LIMIT */
  collect(options?: { readonly maxBytes?: number }): Promise<Buffer>;
  /** As a Node stream. */
  readable(): Readable;
  [Symbol.asyncIterator](): this;
  [Symbol.asyncDispose](): Promise<void>;
}
