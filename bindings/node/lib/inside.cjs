'use strict';
// In which firing code goes on: also behind an await. Of functions that are known to be asynchronous.

const { AsyncLocalStorage } = require('node:async_hooks');
const { Status, problem } = require('./errors.cjs');

const firings = new AsyncLocalStorage();

/** Calls a function as part of a firing, with all that it awaits. */
function inside(firing, call) {
  return firings.run(firing, call);
}

/** A firing cannot wait for its own end. */
function checkNotInside(core, what) {
  const firing = firings.getStore();
  if (firing === undefined || firing.over || !firing._isIn(core)) return;
  throw problem(Status.WOULD_DEADLOCK, `${what} inside of a firing of node '${firing.id}' waits for that firing itself`,
    'await it outside of the actors of this network');
}

module.exports = { checkNotInside, inside };
