'use strict';
// In which firing code goes on: also behind an await. Of functions that are known to be asynchronous.

const { AsyncLocalStorage } = require('node:async_hooks');
const native = require('./binding.cjs');
const { Status, problem } = require('./errors.cjs');

const firings = new AsyncLocalStorage();

/** Calls a function as part of a firing, with all that it awaits. */
function inside(firing, call) {
  return firings.run(firing, call);
}

/** A firing cannot wait for its own end, as long as the engine does. */
function checkNotInside(core, what) {
  const firing = firings.getStore();
  if (firing === undefined || firing.over || !firing._isIn(core) || !native.pendingOpen(firing.number)) return;
  throw problem(Status.WOULD_DEADLOCK, `${what} inside of a firing of node '${firing.id}' waits for that firing itself`,
    'await it outside of the actors of this network');
}

module.exports = { checkNotInside, inside };
