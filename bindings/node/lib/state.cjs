'use strict';
// What the engine keeps for a node: its keys, and its pools. See src/state.cc, and types/state.d.cts.

const native = require('./binding.cjs');
const { Status, problem } = require('./errors.cjs');
const { checkOptions, milliseconds, refuse } = require('./options.cjs');

/** Values under names: the keys of a node, or one of its pools. */
class StateTable {
  #reach;
  #pool;

  /** reach() tells the number of the call that the node is reached by, or throws. */
  constructor(reach, pool) {
    this.#reach = reach;
    this.#pool = pool;
  }

  get size() { return native.stateCount(this.#reach(), this.#pool); }

  get(name) { return native.stateGet(this.#reach(), this.#pool, name); }

  has(name) { return native.stateHas(this.#reach(), this.#pool, name); }

  set(name, value) {
    native.stateSet(this.#reach(), this.#pool, name, value);
    return this;
  }

  delete(name) { return native.stateDelete(this.#reach(), this.#pool, name); }

  clear() { native.stateClear(this.#reach(), this.#pool); }

  entries() { return native.stateEntries(this.#reach(), this.#pool)[Symbol.iterator](); }

  [Symbol.iterator]() { return this.entries(); }

  /** As an object, which has names that are whole numbers first. */
  toObject() { return Object.fromEntries(this.entries()); }
}

/** The keys and pools of a node, while somebody may look at them. */
class NodeStore {
  constructor(reach) {
    this.keys = new StateTable(reach);
    // A function by itself, so that it can be taken out: ({ keys, pool }) => ...
    this.pool = (name) => {
      if (typeof name !== 'string') throw refuse('the name of a pool has to be a string');
      return new StateTable(reach, name);
    };
    Object.freeze(this);
  }
}

const visits = new Map(); // number -> what is to be called with the number of the call
let nextVisit = 1;

/** The engine has the state of a node ready: called by dispatch.cjs. */
function visit(number, call) {
  visits.get(number)?.(call);
}

/** Calls look(store) once while nothing of the node runs, and gives what it gives. */
async function withState(core, node, look, options) {
  const { timeout, component = '' } = checkOptions(options, ['timeout', 'component'], 'withState');
  if (typeof look !== 'function') throw refuse('withState() takes a function that gets the state');
  const outcome = { error: undefined, value: undefined };
  const number = nextVisit++;
  visits.set(number, (call) => {
    let over = false;
    const store = new NodeStore(() => {
      if (!over) return call;
      throw problem(Status.CLOSED, `the state of node '${node}' was looked at: it is out of hand now`);
    });
    try {
      outcome.value = look(store);
      if (typeof outcome.value?.then === 'function') {
        outcome.value.then(undefined, () => {});
        throw problem(Status.TYPE, `the function that looks at the state of node '${node}' returned a promise`,
          'the node stands still meanwhile: look at it, and go on afterwards');
      }
    } catch (error) {
      outcome.error = { error };
    }
    over = true;
  });
  try {
    await native.withState(core, node, component, number, milliseconds(timeout, -1));
  } finally {
    visits.delete(number);
  }
  if (outcome.error !== undefined) throw outcome.error.error;
  return outcome.value;
}

module.exports = { NodeStore, StateTable, visit, withState };
