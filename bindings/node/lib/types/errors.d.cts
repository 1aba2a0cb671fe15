// The one class of errors of this package.

/** Codes of errors: `ERR_REFLOW_` and the name of the status of the engine. */
export type ErrorCode =
  | 'ERR_REFLOW_INVALID_ARGUMENT' | 'ERR_REFLOW_INVALID_STATE' | 'ERR_REFLOW_NOT_FOUND'
  | 'ERR_REFLOW_ALREADY_EXISTS' | 'ERR_REFLOW_INVALID_UTF8' | 'ERR_REFLOW_WRONG_KIND'
  | 'ERR_REFLOW_WOULD_DEADLOCK' | 'ERR_REFLOW_UNSUPPORTED' | 'ERR_REFLOW_FORKED'
  | 'ERR_REFLOW_OUT_OF_MEMORY' | 'ERR_REFLOW_LIMIT' | 'ERR_REFLOW_WOULD_BLOCK' | 'ERR_REFLOW_TIMEOUT'
  | 'ERR_REFLOW_CANCELLED' | 'ERR_REFLOW_CLOSED' | 'ERR_REFLOW_PARSE' | 'ERR_REFLOW_GRAPH'
  | 'ERR_REFLOW_CONFIG' | 'ERR_REFLOW_TYPE' | 'ERR_REFLOW_IO' | 'ERR_REFLOW_REFUSED'
  | 'ERR_REFLOW_UNRESOLVED' | 'ERR_REFLOW_PROTOCOL' | 'ERR_REFLOW_AUTH' | 'ERR_REFLOW_FAILED'
  | 'ERR_REFLOW_HOST' | 'ERR_REFLOW_INTERNAL' | 'ERR_REFLOW_UNKNOWN';

/**
 * What went wrong and where. The message has everything on one line; the fields are for programs. An
 * error that an actor throws comes as it was thrown, in `cause` or as text in events.
 */
export class ReflowError extends Error {
  constructor(message: string, fields?: {
    status?: number; hint?: string; cause?: unknown; node?: string; port?: string; path?: string;
    file?: string; line?: number; column?: number; offset?: number; trace?: string;
  });
  readonly name: 'ReflowError';
  readonly code: ErrorCode;
  /** The number of the status in reflow.h, such as -23. */
  readonly status: number;
  /** What to try, such as `did you mean 'Filter'?`; often empty. */
  readonly hint: string;
  /** The error that caused this one. */
  readonly cause?: unknown;
  readonly node?: string;
  readonly port?: string;
  /** Path in a document or value, such as `$.rows[3].when`. */
  readonly path?: string;
  readonly file?: string;
  /** From 1. */
  readonly line?: number;
  /** From 1, in bytes. */
  readonly column?: number;
  /** Bytes from the start. */
  readonly offset?: number;
  /** The stack of the exception of an actor. */
  readonly trace?: string;
  /** Of `sendMany`: how many values had gone in before the one that cannot be converted. */
  readonly sent?: number;
}

/** Numbers of statuses by name, as in reflow.h without REFLOW_ERROR_. */
export const Status: Readonly<Record<
  | 'INVALID_ARGUMENT' | 'INVALID_STATE' | 'NOT_FOUND' | 'ALREADY_EXISTS' | 'INVALID_UTF8' | 'WRONG_KIND'
  | 'WOULD_DEADLOCK' | 'UNSUPPORTED' | 'FORKED' | 'OUT_OF_MEMORY' | 'LIMIT' | 'WOULD_BLOCK' | 'TIMEOUT'
  | 'CANCELLED' | 'CLOSED' | 'PARSE' | 'GRAPH' | 'CONFIG' | 'TYPE' | 'IO' | 'REFUSED' | 'UNRESOLVED'
  | 'PROTOCOL' | 'AUTH' | 'FAILED' | 'HOST' | 'INTERNAL', number>>;
