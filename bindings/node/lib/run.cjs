'use strict';
// run(): a graph from its file to its results in one call; and facts about the engine.

const native = require('./binding.cjs');
const { problem, Status } = require('./errors.cjs');
const { graphOf } = require('./graph.cjs');
const { Network } = require('./live.cjs');
const { checkOptions, refuse } = require('./options.cjs');
const { actorOf } = require('./actor.cjs');

const options = ['set', 'env', 'inputs', 'actors', 'timeout', 'signal', 'keep', 'network'];
const mostErrors = 1000;

// 'node.key.of.value': the longest id of a node that fits, and the rest.
function splitTarget(target, nodes) {
  for (let dot = target.lastIndexOf('.'); dot > 0; dot = target.lastIndexOf('.', dot - 1)) {
    const id = target.slice(0, dot);
    if (nodes.includes(id)) return [id, target.slice(dot + 1)];
  }
  throw refuse(`set: no node of the graph fits '${target}'`, `write 'node.key'; nodes are ${nodes.join(', ')}`);
}

function applySets(graph, sets) {
  const nodes = graph.nodes;
  for (const [target, value] of Object.entries(sets)) graph.set(...splitTarget(target, nodes), value);
}

// Reads an exposed outport to its end.
async function gather(stream, packets, keep) {
  for await (const packet of stream) {
    packets.push(packet);
    if (packets.length > keep) packets.shift();
  }
}

async function watchErrors(stream, taken, errors) {
  for await (const event of stream) {
    if (event.kind === 'NetworkStalled' && event.outcome !== 'failed') continue;
    if (errors.length < mostErrors && !taken(event.node)) errors.push(event);
  }
}

function isIterated(value) {
  if (value === null || typeof value !== 'object') return false;
  return Array.isArray(value) || typeof value[Symbol.asyncIterator] === 'function' ||
    (typeof value.next === 'function' && typeof value[Symbol.iterator] === 'function');
}

// Side by side: an actor that takes one of each waits for the second inport before the first one has room again.
async function feed(network, inputs, signal) {
  await Promise.all(Object.entries(inputs).map(([inport, given]) =>
    network.sendMany(inport, isIterated(given) ? given : [given], { signal })));
}

// Rejects when time is over or the signal is aborted; `over` ends the watch.
function cut(timeout, signal) {
  let over = () => {};
  const promise = new Promise((resolve, reject) => {
    const late = () => reject(problem(Status.TIMEOUT, `the run took longer than ${timeout} ms`));
    const timer = timeout === undefined || timeout === Infinity ? undefined : setTimeout(late, timeout);
    const abort = () => reject(signal.reason);
    signal?.addEventListener('abort', abort, { once: true });
    over = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
      resolve();
    };
  });
  promise.catch(() => {}); // told by the race
  return { promise, over };
}

async function go(network, graph, given, end) {
  const outputs = {};
  const errors = [];
  const readers = [];
  const read = (reader) => {
    reader.catch(() => {}); // of a run that has failed nobody waits for it
    readers.push(reader);
  };
  const document = graph.toJSON();
  const keep = given.keep ?? Infinity;
  for (const name of Object.keys(document.outports)) {
    read(gather(network.stream(name), outputs[name] = [], keep));
  }
  const wired = new Set(document.connections.filter((each) => each.from?.portId === 'error')
    .map((each) => each.from.nodeId));
  const events = network.events({ kinds: ['ActorFailed', 'NetworkStalled'] });
  read(watchErrors(events, (node) => wired.has(node), errors));
  await network.start();
  const began = performance.now();
  await feed(network, given.inputs ?? {}, end);
  await network.idle();
  await network.drain();
  const nodes = network.report();
  const durationMs = performance.now() - began;
  await network.stop();
  await Promise.all(readers);
  return { status: errors.length === 0 ? 'ok' : 'failed', durationMs, outputs, nodes, errors };
}

/** Runs a graph until nothing is left to do; see types/run.d.cts. */
async function run(source, asked) {
  const given = checkOptions(asked, options, 'run');
  const { timeout } = given;
  if (timeout !== undefined && !(typeof timeout === 'number' && timeout >= 0)) {
    throw refuse("option 'timeout' has to be milliseconds from 0, or Infinity");
  }
  given.signal?.throwIfAborted();
  const graph = graphOf(source).copy().resolveEnv(given.env);
  applySets(graph, given.set ?? {});
  const network = Network.from(graph, given.network);
  const watch = cut(timeout, given.signal);
  const end = new AbortController(); // of what is iterated, too
  try {
    for (const [component, actor] of Object.entries(given.actors ?? {})) {
      const made = actorOf(actor);
      if (made === undefined) throw refuse(`actors: '${component}' is no actor`, 'make it with actor()');
      network.register(made, component);
    }
    const work = go(network, graph, given, end.signal);
    work.catch(() => {}); // told by the race
    return await Promise.race([work, watch.promise.then(() => work)]);
  } finally {
    watch.over();
    end.abort();
    await network.close();
  }
}

module.exports = {
  components: () => native.components(),
  feature: (name) => native.feature(String(name)),
  run,
  usage: () => native.usage(),
};
