'use strict';
// Ends of connections as text: 'node.port', 'node.port[2]'. The last dot separates, so ids of nodes may hold
// dots; what is meant otherwise is given as {node, port, index}.

const { ReflowError } = require('./errors.cjs');

function wrong(message, hint) {
  return new ReflowError('ERR_REFLOW_INVALID_ARGUMENT', message, { hint });
}

/** [node, port, index or undefined] of 'node.port', 'node.port[2]' or {node, port, index}. */
function endpoint(end, what = 'an endpoint') {
  if (typeof end === 'string') {
    const dot = end.lastIndexOf('.');
    if (dot <= 0 || dot === end.length - 1) {
      throw wrong(`${what} has to be 'node.port', not '${end}'`, "such as 'd.out'");
    }
    const bracket = /^(.*)\[(\d{1,9})\]$/.exec(end.slice(dot + 1));
    const port = bracket === null ? end.slice(dot + 1) : bracket[1];
    return [end.slice(0, dot), port, bracket === null ? undefined : Number(bracket[2])];
  }
  if (typeof end !== 'object' || end === null || typeof end.node !== 'string' || typeof end.port !== 'string') {
    throw wrong(`${what} has to be 'node.port' or an object {node, port}`);
  }
  const { node, port, index } = end;
  if (index !== undefined && !(Number.isInteger(index) && index >= 0 && index < 0xffffffff)) {
    throw wrong(`the index of ${what} has to be a whole number from 0`);
  }
  return [node, port, index];
}

module.exports = { endpoint };
