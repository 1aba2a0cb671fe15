'use strict';
// Ports that a node does not have, told where they are named: the engine checks a graph as a whole, when it starts.

const native = require('./binding.cjs');
const { Status, nearest, problem } = require('./errors.cjs');

const REQUIRED = 1; // flags of a port of an actor
const ARRAY = 2;

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

// "node.port", "node.port[2]", the name of an exposed port, or { node, port, index }.
function endpointOf(given, what) {
  if (typeof given === 'string' && given) {
    const match = /^(?:(.*)\.)?([^.[\]]+)(?:\[(\d+)\])?$/.exec(given);
    if (match) {
      return { node: match[1] ?? '', port: match[2], index: match[3] && Number(match[3]) };
    }
  } else if (given !== null && typeof given === 'object' && typeof given.port === 'string') {
    return { node: String(given.node ?? ''), port: given.port, index: given.index };
  }
  throw problem(Status.INVALID_ARGUMENT, `${what} is ${JSON.stringify(given) ?? String(given)}`,
    "write 'node.port', or { node, port }");
}

// One of a node, which a connection and an initial packet need.
function ofNode(given, what) {
  const end = endpointOf(given, what);
  if (end.node !== '') return end;
  throw problem(Status.INVALID_ARGUMENT, `'${end.port}' is no port of a node`, "write 'node.port', or { node, port }");
}

// One as a whole: what the engine sends to and reads has no elements.
function whole(given, what) {
  const end = endpointOf(given, what);
  if (end.index === undefined) return end;
  const name = `${end.node}.${end.port}[${end.index}]`;
  throw problem(Status.UNSUPPORTED, `${what} '${name}' is an element of an array port`, what === 'the inport'
    ? `give it a name, which can be sent to: exposeInport('name', '${name}')`
    : `read '${end.node}.${end.port}', which has the packets of all elements, or connect the element`);
}

// The required inports that nothing leads to, of some nodes of a graph (a document): [node, port].
function unfed({ processes, connections, inports }, nodes, actorOf) {
  const fed = new Set([...connections.map((each) => each.to), ...Object.values(inports).flat()]
    .map((each) => `${each.nodeId}.${each.portId}`));
  const found = [];
  for (const node of nodes) {
    const id = processes[node]?.component;
    for (const port of componentOf(id, actorOf.get(id))?.inports ?? []) {
      const required = port.required ?? (port.flags & REQUIRED) !== 0;
      const array = port.array ?? (port.flags & ARRAY) !== 0;
      if (required && !array && !fed.has(`${node}.${port.name}`)) found.push([node, port.name]);
    }
  }
  return found;
}

module.exports = { checkConnection, componentOf, endpointOf, ofNode, unfed, whole };
