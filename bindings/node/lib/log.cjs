'use strict';
// What a network logs and prints: to functions of the program, or where such lines usually go.

const native = require('./binding.cjs');
const { guarded } = require('./events.cjs');
const { nearest } = require('./errors.cjs');
const { Status, problem } = require('./errors.cjs');

const levels = ['', 'error', 'warn', 'info', 'debug', 'trace']; // by their numbers in reflow.h
const batch = 256;

// What the component Log says, and warnings, go to standard error.
function usualLog({ level, subsystem, node, text }) {
  if (subsystem !== 'Log' && level !== 'error' && level !== 'warn') return;
  process.stderr.write(`${level.toUpperCase().padEnd(5)} ${node || subsystem}: ${text}\n`);
}

function usualPrint(text) {
  process.stdout.write(text);
}

function functionOf(value, usual, what) {
  if (value === undefined || value === true) return usual;
  if (value === false || value === null) return () => {};
  if (typeof value === 'function') return value;
  throw problem(Status.INVALID_ARGUMENT, `option '${what}' has to be a function, or false`);
}

/** What the addon takes as hooks of a network with these options, and what shows the lines that wait. */
function hooksOf({ log, logLevel, print }) {
  const level = logLevel === undefined ? 0 : levels.indexOf(logLevel);
  if (level < 0 || logLevel === '') {
    throw problem(Status.INVALID_ARGUMENT, `there is no level '${String(logLevel)}'`,
      nearest(String(logLevel), levels.slice(1)) || `one of ${levels.slice(1).join(', ')}`);
  }
  const onLog = functionOf(log, usualLog, 'log');
  const onPrint = functionOf(print, usualPrint, 'print');
  const show = () => {
    for (;;) {
      const lines = handle.take(batch);
      for (const line of lines) {
        const { missed, level: number, text, node, subsystem } = line;
        if (missed > 0) guarded(onLog, { level: 'warn', subsystem: 'log', node: '', text: `${missed} lines were too many to be shown` });
        if (number === 0) guarded(onPrint, text, node);
        else guarded(onLog, { level: levels[number], subsystem, node, text });
      }
      if (lines.length < batch) return;
    }
  };
  const handle = new native.LogHandle(show, level);
  return [handle, show]; // what was logged so far is shown at once by the function
}

module.exports = { hooksOf };
