'use strict';
// The one class of errors of this package, and how other errors become failures of a firing.

const PREFIX = 'REFLOW_ERROR_';

/** Statuses of the engine by their names, as in reflow.h. */
const Status = Object.freeze({
  INVALID_ARGUMENT: -1, INVALID_STATE: -2, NOT_FOUND: -3, ALREADY_EXISTS: -4, INVALID_UTF8: -5,
  WRONG_KIND: -6, WOULD_DEADLOCK: -7, UNSUPPORTED: -8, FORKED: -9, OUT_OF_MEMORY: -20, LIMIT: -21,
  WOULD_BLOCK: -22, TIMEOUT: -23, CANCELLED: -24, CLOSED: -25, PARSE: -40, GRAPH: -41, CONFIG: -42,
  TYPE: -43, IO: -60, REFUSED: -61, UNRESOLVED: -62, PROTOCOL: -63, AUTH: -64, FAILED: -80, HOST: -81,
  INTERNAL: -99,
});

const nameOf = new Map(Object.entries(Status).map(([name, status]) => [status, name]));

class ReflowError extends Error {
  constructor(message, { status = Status.FAILED, hint = '', cause, ...place } = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.status = status;
    this.code = `ERR_REFLOW_${nameOf.get(status) ?? 'UNKNOWN'}`;
    this.hint = hint;
    // Where: node, port, path, file, line, column, offset, and trace; those that are known.
    Object.assign(this, place);
  }
}
Object.defineProperty(ReflowError.prototype, 'name', { value: 'ReflowError', configurable: true });

// All that is known on one line, as the engine writes it: "f.json:3:9: node 'a': no component named 'X' (did you
// mean 'Y'?)".
function textOf({ message, hint, file, line, column, path, node, port }) {
  const where = [];
  if (file) where.push(line ? `${file}:${line}:${column ?? 0}` : file);
  else if (line) where.push(`line ${line}, column ${column ?? 0}`);
  if (node) where.push(port ? `node '${node}', port '${port}'` : `node '${node}'`);
  else if (port) where.push(`port '${port}'`);
  const told = path && path !== '$' && !message.includes(path); // messages about values begin with it
  return `${[...where, message].join(': ')}${told ? ` at ${path}` : ''}${hint ? ` (${hint})` : ''}`;
}

// A hint in words of this package, and one for a port that is written without its node.
function hintOf({ message, hint }) {
  if (!hint) return message.includes('the graph exposes no') ? "a port of a node is 'node.port'" : '';
  return hint.replace('call reflow_network_carry_envelopes before its start', "make it with the option 'envelopes: true'")
    .replace('reflow_network_snapshot_file', 'snapshot(path)').replace('reflow_context_again', 'again()');
}

// The addon has an error for JavaScript: its fields are those of errors.h.
function makeError(fields) {
  if (Object.hasOwn(fields, 'thrown')) return wrapThrown(fields);
  const { status, message, cause, ...place } = fields;
  const hint = hintOf(fields);
  delete place.name;
  delete place.hint;
  const text = textOf({ ...fields, hint });
  return new ReflowError(text, { status, hint, cause, ...place });
}

// Of what code of the program has thrown inside of the addon; an error of this package tells enough by itself.
function wrapThrown({ thrown, message, ...fields }) {
  if (thrown instanceof ReflowError) return thrown;
  const [, text] = failureOf(thrown);
  return makeError({ ...fields, message: `${message}: ${text}`, cause: thrown });
}

function problem(status, message, hint) {
  return makeError({ status, message, hint: hint ?? '' });
}

// The stack of an error with those of its causes.
function traceOf(error) {
  let text = '';
  for (let at = error, depth = 0; at instanceof Error && depth < 8; at = at.cause, depth++) {
    const stack = typeof at.stack === 'string' ? at.stack : `${at.name}: ${at.message}`;
    text += depth === 0 ? stack : `\n[cause]: ${stack}`;
  }
  return text;
}

// What was thrown, as [status, message, hint, trace]. Never throws.
function failureOf(thrown) {
  try {
    if (thrown instanceof ReflowError) {
      const hint = String(thrown.hint ?? '');
      const tail = ` (${hint})`;
      const message = hint && thrown.message.endsWith(tail)
        ? thrown.message.slice(0, -tail.length) : thrown.message;
      return [nameOf.has(thrown.status) ? thrown.status : Status.HOST, message, hint, traceOf(thrown)];
    }
    if (thrown instanceof Error) {
      const { name, message } = thrown;
      return [Status.HOST, name && name !== 'Error' ? `${name}: ${message}` : String(message), '',
        traceOf(thrown)];
    }
    const text = typeof thrown === 'string' ? thrown : require('node:util').inspect(thrown, { depth: 1 });
    return [Status.HOST, `thrown: ${text}`, 'throw an Error, so that its stack is known', ''];
  } catch {
    return [Status.HOST, 'something was thrown that cannot be shown', '', ''];
  }
}

// The word of a list that is nearest to one that is not in it, for "did you mean".
function nearest(word, known) {
  let best = '';
  let least = Math.max(2, Math.floor(String(word).length / 3)) + 1;
  for (const other of known) {
    const distance = editDistance(String(word).toLowerCase(), String(other).toLowerCase(), least);
    if (distance < least) [best, least] = [other, distance];
  }
  return best ? `did you mean '${best}'?` : '';
}

function editDistance(a, b, limit) {
  if (Math.abs(a.length - b.length) >= limit) return limit;
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next[j] = Math.min(next[j - 1] + 1, row[j] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1));
    }
    row = next;
  }
  return row[b.length];
}

module.exports = { PREFIX, ReflowError, Status, failureOf, makeError, nearest, problem };
