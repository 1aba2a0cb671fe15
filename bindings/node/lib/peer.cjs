'use strict';
// Peer, PeerMesh and DiscoveryServer: thin classes over those of the engine. See types/peer.d.cts.

const fs = require('node:fs');
const { fileURLToPath } = require('node:url');
const native = require('./binding.cjs');
const { EventStream } = require('./events.cjs');
const { Network, beforeStart, buildNetwork, coreOf } = require('./network.cjs');
const { checkOptions: check, milliseconds, oneOf, refuse } = require('./options.cjs');
const { abortable, signalOf } = require('./waits.cjs');

const peerOptions = [
  'networkId', 'instanceId', 'bindAddress', 'bindPort', 'noPort', 'authToken', 'legacyAuth',
  'allowedNetworks', 'maxConnections', 'heartbeatIntervalMs', 'connectTimeoutMs', 'handshakeTimeoutMs',
  'sendTimeoutMs', 'reconnectAttempts', 'reconnectForever', 'windowPackets', 'windowBytes', 'batchBytes',
  'batchLingerUs', 'compressionThreshold', 'compressionLevel', 'discoveryEndpoints', 'discoveryToken',
  'discoveryRefreshMs', 'discoveryTimeoutMs', 'discoveryTtlMs', 'advertiseAddress', 'autoDial',
  'negotiateTcp', 'failover', 'tellMessages', 'allowedOrigins', 'tlsCertificateFile', 'tlsKeyFile', 'tlsCaFile',
  'tlsVerify',
];
const eventKinds = ['connected', 'disconnected', 'reconnecting', 'gave_up', 'added', 'updated', 'removed'];
const strategies = ['remote', 'auto_alias', 'network_prefix', 'fully_qualified', 'manual_alias', 'fail'];
const deliveries = ['at_most_once', 'at_least_once'];
const policies = ['block', 'drop_oldest', 'fail'];

function portNumber(port, what) {
  if (!(Number.isInteger(port) && port >= 0 && port <= 65535)) {
    throw refuse(`${what} has to be a whole number from 0 to 65535`);
  }
  return port;
}

function inportKey(...parts) {
  return JSON.stringify(parts);
}

// What runs is not collected, whoever else knows it, as with servers of Node: others reach it by its port, and through
// it a network that nothing here feeds. `unref` says only that the process may end.
const running = new Set();

// Keeps the process from ending while it is on.
class Hold {
  #on = false;
  set(on) {
    if (on === this.#on) return;
    this.#on = on;
    native.hold(on);
  }
}

/** What Peer and the peers of meshes have in common. */
class Links {
  constructor() {
    Object.defineProperty(this, '_handle', { value: new native.PeerHandle(), writable: true });
    Object.defineProperty(this, '_streams', { value: new Set() });
    Object.defineProperty(this, '_dialled', { value: new Set() }); // networks that connect() has told
    Object.defineProperty(this, '_order', { value: new Map() }); // inport -> the last one that waits to send
  }

  get port() {
    return this._handle.port();
  }

  connect(endpoint, options) {
    const { timeout } = check(options, ['timeout', 'signal'], 'connect');
    const signal = signalOf(options);
    if (signal?.aborted) return Promise.reject(signal.reason);
    const handle = this._handle;
    const dialled = handle.connect(endpoint, milliseconds(timeout, 10000));
    dialled.then((networkId) => {
      if (!signal?.aborted) this._dialled.add(networkId);
      // Nobody waited for it any more: it is closed again, unless somebody else has dialled it.
      else if (!this._dialled.has(networkId)) handle.disconnect(networkId);
    }).catch(() => {}); // told by the other one, or the peer has gone
    return abortable(dialled, options);
  }

  disconnect(networkId) {
    this._dialled.delete(networkId);
    this._handle.disconnect(networkId);
  }

  connected(networkId) {
    return this._handle.connected(networkId);
  }

  async send(networkId, actor, port, value, options) {
    const { timeout, source = '', confirmed = false, envelope } =
      check(options, ['timeout', 'source', 'confirmed', 'envelope'], 'send');
    if (confirmed) {
      // 0 is the engine's default: an outbox that sends again has deadlines of its own.
      const within = timeout === undefined ? 0 : milliseconds(timeout) || 1;
      return this._handle.send(networkId, actor, port, value, source, true, within, envelope);
    }
    const wait = milliseconds(timeout, 30000);
    const key = inportKey(networkId, actor, port);
    if (!this._order.has(key) &&
        this._handle.sendNow(networkId, actor, port, value, source, false, 0, envelope)) return undefined;
    const message = native.message(value); // as it is now
    return this._behind(key, wait, (left) =>
      this._handle.send(networkId, actor, port, message, source, false, left, envelope));
  }

  // What waits for room goes one after the other, so that its order stays, and one thread waits and not many.
  _behind(key, wait, send) {
    const until = performance.now() + wait;
    const run = () => send(wait < 0 ? wait : Math.max(1, Math.ceil(until - performance.now())));
    const mine = this._order.has(key) ? this._order.get(key).then(run) : run();
    const last = mine.then(() => {}, () => {});
    this._order.set(key, last);
    last.then(() => { if (this._order.get(key) === last) this._order.delete(key); });
    return mine;
  }

  async sendMany(networkId, actor, port, values, options) {
    const { timeout, source = '' } = check(options, ['timeout', 'source'], 'sendMany');
    if (!Array.isArray(values)) throw refuse('values have to be an array');
    const key = inportKey(networkId, actor, port);
    const messages = this._order.has(key) ? values.map((value, at) => native.message(value, at)) : values;
    return this._behind(key, milliseconds(timeout, 30000), (left) =>
      this._handle.sendMany(networkId, actor, port, messages, source, left));
  }

  async registerRemoteActor(actor, networkId, options) {
    const known = ['strategy', 'alias', 'inports', 'outports', 'capabilities'];
    const given = check(options, known, 'registerRemoteActor');
    const strategy = oneOf(strategies, given.strategy, 'strategy');
    return this._handle.registerRemoteActor(actor, networkId, { ...given, strategy });
  }

  setDelivery(networkId, actor, options, undelivered) {
    const given = check(options, ['delivery', 'outboxPolicy', 'outboxMessages', 'outboxBytes', 'deadlineMs',
      'ackTimeoutMs', 'ackRetries', 'unacknowledgedMessages'], 'setDelivery');
    if (undelivered !== undefined && typeof undelivered !== 'function') {
      throw refuse('undelivered has to be a function');
    }
    const delivery = oneOf(deliveries, given.delivery, 'delivery');
    const outboxPolicy = oneOf(policies, given.outboxPolicy, 'outboxPolicy');
    this._handle.setDelivery(networkId, actor, { ...given, delivery, outboxPolicy }, undelivered);
    return this;
  }

  status() {
    return this._handle.status();
  }

  networks() {
    return this._handle.networks();
  }

  async actors(networkId, options) {
    const { timeout } = check(options, ['timeout'], 'actors');
    return this._handle.actors(networkId, milliseconds(timeout, 5000));
  }

  async ping(networkId, options) {
    const { timeout } = check(options, ['timeout'], 'ping');
    return this._handle.ping(networkId, milliseconds(timeout, 5000));
  }

  async discover(options) {
    const { timeout } = check(options, ['timeout'], 'discover');
    return this._handle.discover(milliseconds(timeout, 10000));
  }

  events(options) {
    const { kinds = eventKinds, capacity = 0, signal } = check(options, ['kinds', 'capacity', 'signal'], 'events');
    let bits = 0;
    for (const kind of kinds) {
      bits |= 1 << oneOf(eventKinds, kind, 'kind of event');
    }
    const stream = new EventStream(
      (ready) => new native.PeerEventsHandle(ready, this._handle, bits, capacity), signal,
      (ended) => this._streams.delete(ended));
    this._streams.add(stream);
    return stream;
  }

  _finishStreams() {
    for (const stream of [...this._streams]) stream._finish();
  }
}

class Peer extends Links {
  #spec;
  #file = '';
  #network;
  #again = []; // what was set before the start, for a peer that is made anew
  #hold = new Hold();
  #started = false;
  #ended = false;
  #closing;
  #attached = false;

  constructor(options, file = '') {
    super();
    this.#spec = typeof options === 'string' ? options : check(options, peerOptions, 'Peer');
    this.#file = file;
    this._handle.create(undefined, this.#spec, this.#file);
  }

  static fromToml(toml, options) {
    const { file = '' } = check(options, ['file'], 'fromToml');
    if (typeof toml !== 'string') throw refuse('toml has to be a string');
    return new Peer(toml, file);
  }

  static load(path) {
    const name = path instanceof URL ? fileURLToPath(path) : path;
    return new Peer(fs.readFileSync(name, 'utf8'), name);
  }

  #set(step) {
    step();
    this.#again.push(step);
    return this;
  }

  bind(address, port) {
    portNumber(port, 'a port');
    return this.#set(() => this._handle.bind(address, port));
  }

  attach(network) {
    if (!(network instanceof Network)) throw refuse('attach needs a Network');
    if (this.#started) throw refuse('the peer was started already', 'attach the network first');
    if (this.#network !== undefined) throw refuse('the peer has a network already');
    // A peer and its network share a runtime.
    this._handle.create(coreOf(network), this.#spec, this.#file);
    for (const step of this.#again) step();
    this.#network = network;
    beforeStart(network, () => this.#attachNow());
    return this;
  }

  // As soon as the network is there, before either of the two begins.
  #attachNow() {
    if (this.#attached) return;
    this._handle.attach(coreOf(this.#network));
    this.#attached = true;
  }

  setDelivery(...given) {
    if (this.#started) return super.setDelivery(...given);
    return this.#set(() => super.setDelivery(...given));
  }

  onHttp(handler, options) {
    if (typeof handler !== 'function') throw refuse('onHttp needs a function');
    const given = check(options, ['timeoutMs', 'maxBodyBytes', 'maxWaiting'], 'onHttp');
    return this.#set(() => this._handle.onHttp((request, reply) => answerHttp(handler, request, reply), given));
  }

  async start() {
    if (this.#network !== undefined) {
      await buildNetwork(this.#network);
      this.#attachNow();
    }
    await this._handle.start();
    this.#started = true;
    if (!this.#ended) { // it may have been closed meanwhile
      this.#hold.set(true);
      running.add(this);
    }
    return this;
  }

  ref() {
    if (this.#started && !this.#ended) this.#hold.set(true);
    return this;
  }

  unref() {
    this.#hold.set(false);
    return this;
  }

  async stop(options) {
    const { timeout } = check(options, ['timeout'], 'stop');
    const wait = milliseconds(timeout, 5000);
    this.#ended = true;
    try {
      await this._handle.stop(wait);
    } finally {
      this.#over();
      this._finishStreams();
    }
  }

  close() {
    this.#ended = true;
    this.#closing ??= this.#close();
    return this.#closing;
  }

  // Events come until it has stopped.
  async #close() {
    try {
      await this._handle.halt();
    } finally {
      this._finishStreams();
      await this._handle.close();
      this.#over();
    }
  }

  #over() {
    this.#hold.set(false);
    running.delete(this);
  }

  [Symbol.asyncDispose ?? Symbol.for('nodejs.asyncDispose')]() {
    return this.close();
  }
}

function checkAnswer(answer) {
  const hint = 'return text, bytes, or { status, contentType, body }';
  if (typeof answer !== 'object' || answer === null || Array.isArray(answer)) {
    const what = answer === null || answer === undefined ? String(answer) : Array.isArray(answer) ? 'an array' : `a ${typeof answer}`;
    throw refuse(`it has returned ${what}`, hint);
  }
  const other = Object.keys(answer).find((key) => !['status', 'contentType', 'body'].includes(key));
  if (other !== undefined) throw refuse(`an answer has no '${other}'`, hint);
  return answer;
}

// What a handler gives, as status, type and body.
async function answerHttp(handler, request, reply) {
  let answer;
  try {
    answer = await handler(request);
    if (typeof answer === 'string' || ArrayBuffer.isView(answer)) answer = { body: answer };
    const { status = 200, body = '' } = checkAnswer(answer);
    const plain = typeof body === 'string' || ArrayBuffer.isView(body);
    const usual = typeof body === 'string' ? 'text/plain; charset=utf-8'
      : plain ? 'application/octet-stream' : 'application/json';
    const content = plain ? body : JSON.stringify(body);
    if (content === undefined) throw refuse(`the body is a ${typeof body}, which JSON does not have`);
    reply(status, answer.contentType ?? (body === '' ? '' : usual), content);
  } catch (error) {
    process.emitWarning(`a handler of HTTP requests has failed: ${error?.stack ?? error}`, 'ReflowWarning');
    try {
      reply(500, 'text/plain; charset=utf-8', 'Internal Server Error');
    } catch {
      // nobody waits any more
    }
  }
}

class PeerMesh {
  #handle;
  #peers = new Map();
  #network; // that peers bring packets to

  constructor(options) {
    const { basePort, ports = 0, network, ...rest } =
      check(options, [...peerOptions, 'basePort', 'ports', 'network'], 'PeerMesh');
    portNumber(basePort, "option 'basePort'");
    if (network !== undefined && !(network instanceof Network)) throw refuse("option 'network' has to be a Network");
    this.#network = network;
    this.#handle = new native.MeshHandle(network && coreOf(network), rest, basePort, ports);
  }

  get size() {
    return this.#handle.size();
  }

  assign(execution, network) {
    if (network && !(network instanceof Network)) throw refuse('assign needs a Network');
    const port = this.#handle.assign(network ? coreOf(network) : undefined, execution);
    this.#look();
    return port;
  }

  async connect(execution, endpoint, options) {
    const { timeout } = check(options, ['timeout', 'signal'], 'connect');
    const signal = signalOf(options);
    signal?.throwIfAborted();
    const dialled = this.#handle.connect(execution, endpoint, milliseconds(timeout, 10000)).finally(() => this.#look());
    dialled.then((networkId) => {
      const peer = this.peer(execution);
      if (!signal?.aborted) peer._dialled.add(networkId);
      else if (!peer._dialled.has(networkId)) peer.disconnect(networkId);
    }).catch(() => {}); // told by the other one, or the peer has gone
    return abortable(dialled, options);
  }

  // It runs as long as it has peers.
  #look() {
    if (this.size > 0) running.add(this);
    else running.delete(this);
  }

  peer(execution) {
    const known = this.#peers.get(execution);
    if (known !== undefined) return known;
    const peer = new Links();
    this.#handle.peer(execution, peer._handle);
    this.#peers.set(execution, peer);
    return peer;
  }

  async #forget(execution) {
    const peer = this.#peers.get(execution);
    if (peer === undefined) return;
    this.#peers.delete(execution);
    const handle = peer._handle;
    peer._handle = new native.PeerHandle(); // without a peer: every call is refused
    try {
      await handle.halt();
    } finally {
      peer._finishStreams();
      await handle.close();
    }
  }

  async teardown(execution) {
    await this.#forget(execution);
    await this.#handle.teardown(execution);
    this.#look();
  }

  async close() {
    await Promise.all([...this.#peers.keys()].map((execution) => this.#forget(execution)));
    await this.#handle.close();
    this.#look();
  }

  [Symbol.asyncDispose ?? Symbol.for('nodejs.asyncDispose')]() {
    return this.close();
  }
}

class DiscoveryServer {
  #handle;
  #hold = new Hold();

  constructor(options) {
    const known = ['entryTtlMs', 'pruneIntervalMs', 'maxEntries', 'token', 'certificateFile', 'keyFile'];
    this.#handle = new native.DiscoveryHandle(check(options, known, 'DiscoveryServer'));
  }

  get port() {
    return this.#handle.port();
  }

  serve(options) {
    const { address = '', port = 0 } = check(options, ['address', 'port'], 'serve');
    const taken = this.#handle.serve(address, portNumber(port, "option 'port'"));
    this.#hold.set(true);
    running.add(this);
    return taken;
  }

  handle(request) {
    const { method, path, query = '', contentType = '', authorization = '', body = '' } =
      check(request, ['method', 'path', 'query', 'contentType', 'authorization', 'body'], 'a request');
    return this.#handle.handle(method, path, query, contentType, authorization, body);
  }

  unref() {
    this.#hold.set(false);
    return this;
  }

  async stop() {
    try {
      await this.#handle.stop();
    } finally {
      this.#over();
    }
  }

  async close() {
    try {
      await this.#handle.close();
    } finally {
      this.#over();
    }
  }

  #over() {
    this.#hold.set(false);
    running.delete(this);
  }

  [Symbol.asyncDispose ?? Symbol.for('nodejs.asyncDispose')]() {
    return this.close();
  }
}

module.exports = { DiscoveryServer, Peer, PeerMesh };
