'use strict';
// Arguments and options of calls: keys that nobody knows are refused, with the nearest one as a hint.

const { Status, nearest, problem } = require('./errors.cjs');

/** An error for a wrong argument. */
function refuse(message, hint) {
  return problem(Status.INVALID_ARGUMENT, message, hint);
}

/** An object of options as it is; throws for what is none, and for keys that are not known. */
function checkOptions(options, known, what) {
  if (options === undefined || options === null) return {};
  if (typeof options !== 'object' || Array.isArray(options)) {
    throw refuse(`the options of ${what} have to be an object`);
  }
  for (const key of Object.keys(options)) {
    if (known.includes(key)) continue;
    throw refuse(`${what} has no option '${key}'`, nearest(key, known) || `one of ${known.join(', ')}`);
  }
  return options;
}

/** The place of a name in a list; 0 if there is no name. */
function oneOf(list, name, what) {
  if (name === undefined) return 0;
  const index = list.indexOf(name);
  if (index >= 0) return index;
  throw refuse(`there is no ${what} '${String(name)}'`,
    nearest(String(name), list) || `one of ${list.join(', ')}`);
}

/** Milliseconds for the engine: -1 waits without limit. */
function milliseconds(timeout, fallback, what = "option 'timeout'") {
  if (timeout === undefined) return fallback;
  if (typeof timeout !== 'number' || !(timeout >= 0)) {
    throw refuse(`${what} has to be milliseconds from 0, or Infinity`);
  }
  return timeout === Infinity ? -1 : Math.ceil(Math.min(timeout, 2 ** 50));
}

module.exports = { checkOptions, milliseconds, oneOf, refuse };
