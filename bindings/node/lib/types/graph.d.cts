// Graphs as documents: made, edited, read, written, checked and drawn. No threads, no runtime.

import type { Value, ValueObject } from './values.cjs';

/** Formats of graph documents; `auto` tells by the name of the file, else by the content. */
export type GraphFormat = 'auto' | 'json' | 'yaml' | 'msgpack';

/** Kinds of pictures: lines for a terminal, text for Mermaid or Graphviz, a drawing, a page. */
export type PictureKind = 'text' | 'mermaid' | 'dot' | 'svg' | 'html';

/**
 * One end of a connection: `'node.port'`, `'node.port[2]'` for an element of an array port, or its parts.
 * In the text the last dot separates, so ids of nodes may hold dots and slashes.
 */
export type Endpoint = string | { readonly node: string; readonly port: string; readonly index?: number };

/** What may be said of a connection; other keys are kept for people and editors. */
export interface ConnectionMetadata {
  /** Packets that the inport holds, from 1. Default: that of the component, or 1000. */
  readonly capacity?: number;
  /** Bytes of payload that these may have together, from 1. */
  readonly capacity_bytes?: number;
  /** What happens at a full inport: the sender waits (`reliable`, the default), or packets are dropped. */
  readonly kind?: 'reliable' | 'latest' | 'drop-oldest' | 'drop-newest';
  readonly [key: string]: Value;
}

/** What `graph.validate()` has found. */
export interface Finding {
  /** `error`: the graph does not run; `warning`: it runs, but look; `note`: such as a cycle. */
  severity: 'error' | 'warning' | 'note';
  /** A short name of the kind of finding. */
  code: string;
  message: string;
  /** What to try, such as `did you mean 'Filter'?`; often empty. */
  hint: string;
  node: string;
  port: string;
  /** Place in the document, such as `$.processes.read`. */
  path: string;
  /** File of a subgraph; empty if `path` is one in this document. */
  file: string;
}

/** The JSON document of a graph; docs/graphs.md has all keys. */
export interface GraphDocument {
  caseSensitive?: boolean;
  properties?: ValueObject;
  inports?: ValueObject;
  outports?: ValueObject;
  groups?: Value[];
  processes?: { [id: string]: { component: string; metadata?: ValueObject | null; [key: string]: Value } };
  connections?: Value[];
  [key: string]: Value;
}

export interface DrawOptions {
  /** Levels of subgraphs that are expanded. Default 0. */
  readonly depth?: number;
  /** For a dark background. */
  readonly dark?: boolean;
}

/**
 * A graph: nodes with configuration, connections, initial packets, exposed ports, groups and properties.
 * Edits chain; one that cannot be made throws a ReflowError and changes nothing. A network copies what it
 * needs, so a graph may be changed or forgotten afterwards.
 *
 * ```js
 * const graph = new Graph('squares')
 *   .addNode('square', 'Map', { value: 'it * it' })
 *   .addInport('number', 'square.in')
 *   .addOutport('square', 'square.out');
 * ```
 */
export class Graph {
  /** An empty graph. */
  constructor(name?: string);

  /**
   * Reads a graph from text, bytes (MessagePack) or a document as an object.
   * @throws ReflowError with code ERR_REFLOW_PARSE, ERR_REFLOW_GRAPH or ERR_REFLOW_LIMIT; its `place` has
   *   line, column and path.
   */
  static parse(
    document: string | Uint8Array | GraphDocument,
    options?: { readonly format?: GraphFormat; /** For errors, and to tell the format. */ readonly name?: string }
  ): Graph;

  /**
   * Reads a graph from a file, now. Relative paths in it are looked for beside it too.
   * @throws ReflowError with code ERR_REFLOW_IO, and as `parse`.
   */
  static load(path: string | URL): Graph;

  /** The name of the graph; empty if it has none. */
  name: string;
  /** Ids of all nodes, in the order of the document. */
  readonly nodes: string[];
  readonly nodeCount: number;
  readonly connectionCount: number;
  readonly initialCount: number;

  /** A copy that shares nothing that can change. */
  copy(): Graph;
  /** Whether both are the same graph; the order of nodes and keys does not count. */
  equals(other: Graph): boolean;
  /** The document as an object: also what `JSON.stringify(graph)` writes. */
  toJSON(): GraphDocument;
  /** The document as text; MessagePack gives a Buffer. Default JSON. */
  serialize(format?: 'json' | 'yaml' | 'auto'): string;
  serialize(format: 'msgpack'): Buffer;
  serialize(format: GraphFormat): string | Buffer;
  /**
   * Writes the document into a file, as a whole or not at all; the format follows the name. Folders that are not there
   * are made.
   */
  save(path: string | URL, format?: GraphFormat): this;

  /**
   * Adds a node. `config` is what the component documents.
   * @throws ReflowError ERR_REFLOW_ALREADY_EXISTS
   */
  addNode(id: string, component: string, config?: ValueObject | null): this;
  /** Removes a node with its connections, initial packets, exposed ports and memberships. */
  removeNode(id: string): this;
  renameNode(id: string, newId: string): this;
  hasNode(id: string): boolean;
  /** Gives a node another component. */
  setComponent(id: string, component: string): this;
  /** The component of a node. */
  component(id: string): string;
  /** The configuration of a node: an object, or null. */
  config(id: string): ValueObject | null;
  /** Replaces the whole configuration of a node. */
  setConfig(id: string, config: ValueObject | null): this;
  /**
   * Sets one value in the configuration of a node. `key` is a path with dots, such as `rules.0.when`;
   * undefined removes the key.
   */
  set(id: string, key: string, value: Value | undefined): this;
  /**
   * Puts environment variables into the configuration of the nodes that ask for them by `env_vars`:
   * `{API_KEY: 'required', TRACE: 'optional', REGION: 'optional:eu'}`. One that is set becomes the value of its
   * name; a default does if nothing is there. Nodes of subgraphs have theirs likewise. Documents that are made of
   * the graph have the values in them.
   * @throws ReflowError ERR_REFLOW_NOT_FOUND that names every variable that is required and not set; the graph is
   * then as it was
   */
  resolveEnv(env?: { readonly [name: string]: string | undefined }): this;

  /** Connects an outport to an inport. */
  connect(from: Endpoint, to: Endpoint, metadata?: ConnectionMetadata | null): this;
  disconnect(from: Endpoint, to: Endpoint): this;
  /** Adds a packet that is sent to the inport when a network starts; several arrive in order. */
  addInitial(to: Endpoint, data: Value): this;
  /** Removes all initial packets of an inport. */
  removeInitials(to: Endpoint): this;
  /** Exposes a port under a public name; `type` is such as `integer` or `array<string>`, default any. */
  addInport(name: string, to: Endpoint, type?: string): this;
  addOutport(name: string, from: Endpoint, type?: string): this;
  removeInport(name: string): this;
  removeOutport(name: string): this;
  /** Names a set of nodes, for people and editors. */
  addGroup(id: string, nodes: readonly string[]): this;
  removeGroup(id: string): this;
  /** Sets a property such as `description`; undefined removes it. */
  setProperty(key: string, value: Value | undefined): this;
  /** A property, or undefined. */
  property(key: string): Value | undefined;

  /**
   * Checks the graph against the built-in components, or those of `runtime`, and lists what it finds; an
   * empty array means that there is nothing to say. `components: false` leaves components unchecked.
   */
  validate(options?: { readonly components?: boolean }): Finding[];

  /** Draws the graph. */
  draw(kind?: PictureKind, options?: DrawOptions): string;
  toMermaid(options?: DrawOptions): string;
  toDot(options?: DrawOptions): string;
  toSvg(options?: DrawOptions): string;
  toHtml(options?: DrawOptions): string;
}

/**
 * Where values of a document stand: for each path (`$.connections[3].to`) its line and column from 1 and
 * its offset in bytes, or those of the nearest value around it; null where nothing is known.
 */
export function documentPlaces(
  document: string | Uint8Array,
  paths: readonly string[],
  options?: { readonly format?: GraphFormat; readonly name?: string }
): ({ line: number; column: number; offset: number } | null)[];
