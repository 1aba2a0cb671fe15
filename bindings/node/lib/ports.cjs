'use strict';
// Ports that a node does not have, told where they are named: the engine checks a graph as a whole, when it starts.

const native = require('./binding.cjs');
const { Status, nearest, problem } = require('./errors.cjs');

let ofEngine; // id of a component -> what it is

const errors = { name: 'error' }; // an outport that every component has

// What is known of a component before the network is made: of the engine's own and of actors; otherwise undefined.
function componentOf(id, actor) {
  if (actor !== undefined) return { id, inports: actor.spec.inports, outports: [...actor.spec.outports, errors] };
  ofEngine ??= new Map(native.components().map((each) => [each.id, each]));
  return ofEngine.get(id);
}

// Letter case is left to the engine, which has a setting for it.
function check(component, node, port, side, connection) {
  const known = component[side].map((each) => each.name);
  if (known.some((name) => name.toLowerCase() === port.toLowerCase())) return;
  const error = problem(Status.GRAPH, `${component.id} has no ${side.slice(0, -1)} '${port}', which the connection ` +
    `${connection} names`, nearest(port, known));
  throw Object.assign(error, { node, port });
}

// nodes: which component each node has, as far as it is known.
function checkConnection(nodes, from, to) {
  const connection = `${from.node}.${from.port} -> ${to.node}.${to.port}`;
  const source = nodes.get(from.node);
  const target = nodes.get(to.node);
  if (source !== undefined) check(source, from.node, from.port, 'outports', connection);
  if (target !== undefined) check(target, to.node, to.port, 'inports', connection);
}

module.exports = { checkConnection, componentOf };
