'use strict';
// For tests: networks on one thread whose order of steps is drawn from a seed, and whose clock is logical. So a
// test passes or fails for all time with the same seed, whatever else the machine does.
//
//   REFLOW_SEED=7      repeats a run exactly
//   REFLOW_SEEDS=100   tries a hundred orders

const { Network, ReflowError } = require('./index.cjs');
const { checkOptions, refuse } = require('./options.cjs');

function fromEnvironment(name, fallback) {
  const text = process.env[name];
  if (text === undefined || text === '') return fallback;
  if (!/^[0-9]{1,15}$/.test(text)) throw refuse(`${name} is '${text}'`, 'it is a whole number from 0');
  return Number(text);
}

/** The seed of this run: REFLOW_SEED, or 1. */
function seed() {
  return fromEnvironment('REFLOW_SEED', 1);
}

/** A network in mode simulated. Options are those of Network; `seed` is that of the run unless it is given. */
function testNetwork(options) {
  return new Network({ mode: 'simulated', seed: seed(), ...options });
}

function reportOf(network) {
  try {
    return Object.entries(network.report()).map(([node, { fired, received, sent, failed, waiting }]) =>
      `\n  ${node}: fired ${fired}, received ${received}, sent ${sent}, failed ${failed}, waiting ${waiting}`).join('');
  } catch (error) {
    if (error instanceof ReflowError) return ' (the network was not running)';
    throw error;
  }
}

/**
 * Makes a function for node:test and its like that runs body(network, ...arguments) with a network of each of several
 * seeds. What it throws tells the seed, and what the nodes have done.
 */
function simulated(body, options) {
  if (typeof body !== 'function') throw refuse('simulated() takes a function that gets a network');
  const { seeds: wanted, ...given } =
    checkOptions(options, ['seeds', 'seed', 'portCapacity', 'checkTypes', 'envelopes', 'log', 'print'], 'simulated');
  return async (...more) => {
    const first = given.seed ?? seed();
    const repeated = given.seed !== undefined || process.env.REFLOW_SEED;
    const seeds = fromEnvironment('REFLOW_SEEDS', repeated ? 1 : wanted ?? 10);
    for (let at = first; at < first + seeds; at++) {
      const network = testNetwork({ ...given, seed: at });
      try {
        await body(network, ...more);
      } catch (error) {
        if (error instanceof Error) error.message += `\nwith REFLOW_SEED=${at}${reportOf(network)}`;
        throw error;
      } finally {
        await network.close();
      }
    }
  };
}

module.exports = { seed, simulated, testNetwork };
