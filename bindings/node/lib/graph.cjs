'use strict';
// Graph: a thin class over the graph of the engine, which does all the checking.

const { fileURLToPath } = require('node:url');
const native = require('./binding.cjs');
const { ofNode } = require('./ports.cjs');
const { oneOf, refuse } = require('./options.cjs');

// In the order of their numbers in reflow.h.
const formats = ['auto', 'json', 'yaml', 'msgpack'];
const pictures = [null, 'text', 'mermaid', 'dot', 'svg', 'html'];

function pathText(path) {
  return path instanceof URL ? fileURLToPath(path) : path;
}

// Text or bytes as they are, an object as its JSON.
function documentText(document) {
  if (typeof document === 'string' || ArrayBuffer.isView(document)) return document;
  if (typeof document === 'object' && document !== null) return JSON.stringify(document);
  throw refuse('a document has to be a string, bytes or an object');
}

// An end as the addon takes it: node, port, index.
function endpoint(end, what) {
  const { node, port, index } = ofNode(end, what);
  return [node, port, index];
}

function handleOf(graph) {
  if (!(graph instanceof Graph)) throw refuse('a Graph was expected');
  return graph._handle;
}

class Graph {
  constructor(name = '') {
    // Not enumerable: a graph that is printed shows no handle.
    Object.defineProperty(this, '_handle', { value: new native.GraphHandle() });
    this._handle.create(name);
  }

  static parse(document, options = {}) {
    const graph = new Graph();
    const object = typeof document === 'object' && document !== null && !ArrayBuffer.isView(document);
    const format = object ? 1 : oneOf(formats, options.format, 'format');
    graph._handle.parse(documentText(document), format, options.name ?? '');
    return graph;
  }

  static load(path) {
    const graph = new Graph();
    graph._handle.load(pathText(path));
    return graph;
  }

  get name() {
    return this.property('name') ?? '';
  }

  set name(name) {
    this.setProperty('name', name);
  }

  get nodes() {
    return Object.keys(this.toJSON().processes);
  }

  get nodeCount() {
    return this._handle.count(0);
  }

  get connectionCount() {
    return this._handle.count(1);
  }

  get initialCount() {
    return this._handle.count(2);
  }

  copy() {
    const graph = new Graph();
    graph._handle.copyFrom(this._handle);
    return graph;
  }

  equals(other) {
    return this._handle.equals(handleOf(other));
  }

  toJSON() {
    return this._handle.document();
  }

  serialize(format = 'json') {
    return this._handle.serialize(oneOf(formats, format, 'format'));
  }

  save(path, format = 'auto') {
    const text = pathText(path);
    let number = oneOf(formats, format, 'format');
    if (number === 0 && typeof text === 'string') {
      const ending = /\.(ya?ml|msgpack)$/i.exec(text)?.[1].toLowerCase() ?? 'json';
      number = formats.indexOf(ending === 'yml' ? 'yaml' : ending);
    }
    this._handle.save(text, number);
    return this;
  }

  addNode(id, component, config) {
    this._handle.addNode(id, component, config ?? undefined);
    return this;
  }

  removeNode(id) {
    this._handle.removeNode(id);
    return this;
  }

  renameNode(id, newId) {
    this._handle.renameNode(id, newId);
    return this;
  }

  hasNode(id) {
    return Object.hasOwn(this.toJSON().processes, id);
  }

  setComponent(id, component) {
    this._handle.setComponent(id, component);
    return this;
  }

  component(id) {
    this._handle.config(id); // an unknown node is an error of the engine
    return this.toJSON().processes[id].component;
  }

  config(id) {
    return this._handle.config(id);
  }

  setConfig(id, config) {
    this._handle.setConfig(id, config ?? undefined);
    return this;
  }

  set(id, key, value) {
    this._handle.setConfigValue(id, key, value);
    return this;
  }

  resolveEnv(env = process.env) {
    if (typeof env !== 'object' || env === null) throw refuse('an environment has to be an object of strings');
    this._handle.resolveEnv(Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined)));
    return this;
  }

  connect(from, to, metadata) {
    this._handle.connect(...endpoint(from, 'the outport'), ...endpoint(to, 'the inport'), metadata ?? undefined);
    return this;
  }

  disconnect(from, to) {
    this._handle.disconnect(...endpoint(from, 'the outport'), ...endpoint(to, 'the inport'));
    return this;
  }

  addInitial(to, data) {
    this._handle.addInitial(...endpoint(to, 'the inport'), data);
    return this;
  }

  removeInitials(to) {
    this._handle.removeInitials(...endpoint(to, 'the inport'));
    return this;
  }

  addInport(name, to, type = '') {
    this._handle.expose(false, name, ...endpoint(to, 'the inport'), type);
    return this;
  }

  addOutport(name, from, type = '') {
    this._handle.expose(true, name, ...endpoint(from, 'the outport'), type);
    return this;
  }

  removeInport(name) {
    this._handle.hide(false, name);
    return this;
  }

  removeOutport(name) {
    this._handle.hide(true, name);
    return this;
  }

  addGroup(id, nodes) {
    this._handle.addGroup(id, { nodes });
    return this;
  }

  removeGroup(id) {
    this._handle.removeGroup(id);
    return this;
  }

  setProperty(key, value) {
    this._handle.setProperty(key, value);
    return this;
  }

  property(key) {
    const properties = this.toJSON().properties;
    return Object.hasOwn(properties, key) ? properties[key] : undefined;
  }

  validate(options = {}) {
    return this._handle.validate(options.components ?? true);
  }

  draw(kind = 'text', options = {}) {
    const { depth = 0, dark = false } = options;
    if (!(Number.isInteger(depth) && depth >= 0)) throw refuse("option 'depth' has to be a whole number from 0");
    return this._handle.draw(oneOf(pictures, kind, 'kind of picture'), depth, Boolean(dark));
  }

  toMermaid(options) {
    return this.draw('mermaid', options);
  }

  toDot(options) {
    return this.draw('dot', options);
  }

  toSvg(options) {
    return this.draw('svg', options);
  }

  toHtml(options) {
    return this.draw('html', options);
  }

  [Symbol.for('nodejs.util.inspect.custom')]() {
    return `Graph ${JSON.stringify(this.name)} {nodes: ${this.nodeCount}, connections: ${this.connectionCount}}`;
  }
}

function documentPlaces(document, paths, options = {}) {
  const format = oneOf(formats, options.format, 'format');
  if (!Array.isArray(paths)) throw refuse('paths have to be an array of strings');
  return native.documentPlaces(documentText(document), format, options.name ?? '', paths);
}

/** What may stand for a graph: a Graph, a path, or a document. */
function graphOf(given) {
  if (given instanceof Graph) return given;
  if (typeof given === 'string' || given instanceof URL) return Graph.load(given);
  return Graph.parse(given);
}

module.exports = { Graph, documentPlaces, graphOf, handleOf };
