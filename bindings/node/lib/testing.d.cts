// reflow/testing: networks on one thread whose order of steps is drawn from a seed, and whose clock is logical.
import type { Network, NetworkOptions } from './index.cjs';

/** The seed of this run: that of the environment variable REFLOW_SEED, or 1. */
export function seed(): number;

/** A network in mode simulated; its seed is that of the run unless it is given. */
export function testNetwork(options?: Omit<NetworkOptions, 'mode'>): Network;

export interface SimulatedOptions {
  /** How many orders are tried, one after the other; default 10. REFLOW_SEEDS and REFLOW_SEED have the last word. */
  readonly seeds?: number;
  /** The first of them, and then the only one unless REFLOW_SEEDS says more. */
  readonly seed?: number;
  readonly portCapacity?: number;
  readonly checkTypes?: boolean;
  readonly envelopes?: boolean;
  readonly log?: NetworkOptions['log'];
  readonly print?: NetworkOptions['print'];
}

/**
 * Makes a function for `test()` that runs a body with a network of each of several seeds, and closes them. What the
 * body throws tells the seed, and what the nodes have done.
 *
 * ```js
 * test('adds up', simulated(async (net) => {
 *   net.add('sum', Sum);
 *   const out = net.stream('sum.out');
 *   await net.start();
 *   await net.sendMany('sum.in', [1, 2, 3]);
 *   await net.idle();
 *   assert.strictEqual((await out.next()).value, 6);
 * }));
 * ```
 */
export function simulated<A extends unknown[]>(
  body: (network: Network, ...more: A) => Promise<void> | void, options?: SimulatedOptions
): (...more: A) => Promise<void>;
