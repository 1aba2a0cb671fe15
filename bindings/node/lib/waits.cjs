'use strict';
// Waiting with a timeout and a signal.

const native = require('./binding.cjs');
const { Status, problem } = require('./errors.cjs');
const { checkOptions, refuse } = require('./options.cjs');

// The signal of options; undefined if there is none.
function signalOf(options) {
  const signal = options?.signal;
  if (signal === undefined || (typeof signal?.addEventListener === 'function' && typeof signal.aborted === 'boolean')) {
    return signal;
  }
  throw refuse("option 'signal' has to be an AbortSignal");
}

function timeoutOf(options, what) {
  if (typeof options !== 'number') checkOptions(options, ['timeout', 'signal'], what);
  signalOf(options);
  const timeout = typeof options === 'number' ? options : options?.timeout;
  if (timeout === undefined) return -1;
  if (typeof timeout !== 'number' || !(timeout >= 0)) {
    throw problem(Status.INVALID_ARGUMENT, `timeout is ${String(timeout)}`, 'it is in milliseconds');
  }
  return timeout === Infinity ? -1 : Math.ceil(timeout);
}

// The same promise, but for a signal that says that nobody waits any more.
function abortable(promise, options) {
  const signal = signalOf(options);
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

// Without a thread that waits: the engine tells, a timer and a signal are of JavaScript.
async function whenIdle(core, timeout, signal) {
  const [told, giveUp] = native.onIdle(core);
  if (timeout < 0 && signal === undefined) return told;
  let timer;
  let abort;
  try {
    await new Promise((resolve, reject) => {
      told.then(resolve, reject);
      abort = () => reject(signal.reason);
      signal?.addEventListener('abort', abort, { once: true });
      const late = () => reject(problem(Status.TIMEOUT, `the network is not idle within ${timeout} ms`));
      // Longer ones are beyond what a timer can have, 24 days.
      if (timeout >= 0 && timeout < 2 ** 31) timer = setTimeout(late, timeout);
    });
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
    giveUp();
  }
  return undefined;
}

module.exports = { abortable, signalOf, timeoutOf, whenIdle };
