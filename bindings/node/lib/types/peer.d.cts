// Peers: networks of several processes, linked to each other.

import type { Envelope } from './bytes.cjs';
import type { Value, ValueObject } from './values.cjs';
import type { Network } from './network.cjs';
import type { EventStream } from './events.cjs';

/** Options of a peer. Times are in milliseconds; what is left out has the default. */
export interface PeerOptions {
  /** Who this is to others: 1 to 256 bytes, without `@`. */
  readonly networkId: string;
  /** Which process of the network. Default: `peer-` and the time. */
  readonly instanceId?: string;
  /** Where it listens; default `0.0.0.0`. */
  readonly bindAddress?: string;
  /** 0, the default, is a free one, which `peer.port` tells. */
  readonly bindPort?: number;
  /** It only dials. */
  readonly noPort?: boolean;
  /** Both sides prove that they know it; it is never said. Default: anybody may come. */
  readonly authToken?: string;
  /** Say the token in clear to dialled peers of the original, which know nothing else. */
  readonly legacyAuth?: boolean;
  /** Who may come; default all. */
  readonly allowedNetworks?: readonly string[];
  /**
   * Pages that browsers may dial and ask for, such as `https://example.org`; `*`: all. Without it only those that the
   * peer itself could have served.
   */
  readonly allowedOrigins?: readonly string[];
  /** PEM, with `tlsKeyFile`: the port speaks TLS as well then (`wss://`, `tls://`, `https://`). */
  readonly tlsCertificateFile?: string;
  readonly tlsKeyFile?: string;
  /** What is dialled with `wss://`, `tls://` or `https://` is checked against it; default the system's certificates. */
  readonly tlsCaFile?: string;
  /** Whether it is checked; default true. */
  readonly tlsVerify?: boolean;
  /** Links at once; default 32, at most 65,536. */
  readonly maxConnections?: number;
  /** Default 1000; a link that is silent for three of them has ended. */
  readonly heartbeatIntervalMs?: number;
  /** Default 5000. */
  readonly connectTimeoutMs?: number;
  /** Default 5000. */
  readonly handshakeTimeoutMs?: number;
  /** A socket that takes nothing for so long ends the link; default 30,000. */
  readonly sendTimeoutMs?: number;
  /** Attempts to dial a link again that has ended: default 5, from 200 ms doubling up to 3.2 s. */
  readonly reconnectAttempts?: number;
  readonly reconnectForever?: boolean;
  /** Packets on their way from one sender to one inport; default 16,384. */
  readonly windowPackets?: number;
  /** Bytes likewise; default 16 MiB. */
  readonly windowBytes?: number;
  /** Bytes of messages in one frame; default 65,536, at most 16 MiB. */
  readonly batchBytes?: number;
  /** Microseconds that messages wait for others, in steps of a millisecond; default 0. */
  readonly batchLingerUs?: number;
  /** Frames of fewer bytes go as they are; default 1024. */
  readonly compressionThreshold?: number;
  /** Of zstd, 1 to 19; default 1; -1: nothing is compressed. */
  readonly compressionLevel?: number;
  /** Servers such as `http://127.0.0.1:9000`; this peer registers there and dials who else is there. */
  readonly discoveryEndpoints?: readonly string[];
  readonly discoveryToken?: string;
  /** Between two rounds; default 15,000. */
  readonly discoveryRefreshMs?: number;
  /** Of one request; default 5000. */
  readonly discoveryTimeoutMs?: number;
  /** How long what no server answers for is kept; default 60,000. */
  readonly discoveryTtlMs?: number;
  /** host or host:port that others reach it by. */
  readonly advertiseAddress?: string;
  /** Whether networks that discovery tells of are dialled; default true. */
  readonly autoDial?: boolean;
  /** Whether endpoints without a scheme may go on as `tcp://`; default true. */
  readonly negotiateTcp?: boolean;
  /** Of several processes of a network the oldest link alone is sent to, not all in turn. */
  readonly failover?: boolean;
  /** Each message that comes is told in the log. */
  readonly tellMessages?: boolean;
}

/** A wait: at most `timeout` ms (default: without limit), or until `signal` is aborted. */
export interface WaitOptions {
  readonly timeout?: number;
  readonly signal?: AbortSignal;
}

export interface PeerSendOptions {
  /** Milliseconds for room, and for the confirmation; default 30,000. */
  readonly timeout?: number;
  /** Tells the other side who sends. */
  readonly source?: string;
  /**
   * Wait until the inport there has the message, or somebody tells why not. No thread waits for it. With an outbox
   * that sends again its deadlines decide as well, and alone without `timeout`; a full one rejects with ERR_REFLOW_LIMIT.
   */
  readonly confirmed?: boolean;
  /** What goes with it: trace, deadline and correlation. Who sends is what this peer is, and `source`. */
  readonly envelope?: Envelope;
}

export interface RemoteActorOptions {
  /**
   * How the name in the graph is made, for actor `mixer` of network `studio`: `remote` mixer@studio (default),
   * `auto_alias` studio_mixer or studio_mixer_2, `network_prefix` studio_mixer, `fully_qualified`
   * studio::mixer, `manual_alias` as `alias` says, `fail` mixer.
   */
  readonly strategy?:
    | 'remote' | 'auto_alias' | 'network_prefix' | 'fully_qualified' | 'manual_alias' | 'fail';
  readonly alias?: string;
  /** Beside those that connections use; none at all: `in`. */
  readonly inports?: readonly string[];
  readonly outports?: readonly string[];
  readonly capabilities?: readonly string[];
}

export interface ConnectOptions {
  /** Milliseconds; default 10,000. */
  readonly timeout?: number;
  /** Ends the wait. */
  readonly signal?: AbortSignal;
}

export interface DeliveryOptions {
  /** Default `at_most_once`. */
  readonly delivery?: 'at_most_once' | 'at_least_once';
  /** What a full outbox does: the sender waits (default), the oldest is lost, or sending fails. */
  readonly outboxPolicy?: 'block' | 'drop_oldest' | 'fail';
  /** Default 10,000. */
  readonly outboxMessages?: number;
  /** Default 64 MiB. */
  readonly outboxBytes?: number;
  /** Milliseconds, then a message that waits is lost; default 30,000. */
  readonly deadlineMs?: number;
  /** Without a confirmation for so long all is sent again; default 5000. */
  readonly ackTimeoutMs?: number;
  /** Default 5. */
  readonly ackRetries?: number;
  /** Sent and not confirmed, at once; default 1000. */
  readonly unacknowledgedMessages?: number;
}

export interface LinkStatus {
  network_id: string;
  instance_id: string;
  endpoint: string;
  dialled: boolean;
  scheme: 'ws' | 'wss' | 'tcp' | 'tls';
  state: 'connecting' | 'greeting' | 'connected';
  round_trip_ns: number;
  packets_in: number;
  packets_out: number;
  queued_packets: number;
  bytes_in: number;
  bytes_out: number;
}

export interface OutboxStatus {
  network_id: string;
  actor_id: string;
  port: string;
  source: string;
  /** Is delivered + lost + waiting + unconfirmed. */
  accepted: number;
  delivered: number;
  lost: number;
  resent: number;
  waiting: number;
  unconfirmed: number;
  bytes: number;
}

/** How a peer is; docs/peers.md has every key. */
export interface PeerStatus {
  network_id: string;
  instance_id: string;
  bind_address: string;
  port: number;
  /** Packets that were not delivered, as far as is known: those in doubt are among them. */
  lost: number;
  /** What became of what was sent: sent is the sum of the others. */
  messages: { sent: number; delivered: number; refused: number; in_doubt: number; unconfirmed: number };
  /** Packets that came again and were not taken. */
  duplicates: number;
  outboxes: OutboxStatus[];
  /** Endpoints of a configuration that are to be dialled. */
  connect: string[];
  links: LinkStatus[];
}

export interface NetworkInfo {
  network_id: string;
  connected: boolean;
  discovered: boolean;
  instances: { instance_id: string; endpoint: string; capabilities: string[]; connected: boolean }[];
}

export interface RemoteActorInfo {
  actor_id: string;
  capabilities: string[];
  description: string;
}

/** What happens to links, and what discovery finds. */
export interface PeerEvent {
  readonly kind:
    | 'connected' | 'disconnected' | 'reconnecting' | 'gave_up' | 'added' | 'updated' | 'removed';
  readonly network_id: string;
  /** Of links. */
  readonly instance_id?: string;
  readonly endpoint?: string;
  /** Of the end of a link: a name such as `REFLOW_OK`. */
  readonly status?: string;
  readonly reason?: string;
  readonly attempt?: number;
  /** Of `disconnected`: packets sent over the link that are neither confirmed nor refused. */
  readonly in_doubt?: number;
  /** Of discovery. */
  readonly instances?: NetworkInfo['instances'];
  /** How many events were lost just before this one. */
  readonly missed: number;
}

export interface HttpRequest {
  readonly method: string;
  /** As it came: `%20` and the like are not decoded. */
  readonly path: string;
  readonly query: string;
  readonly contentType: string;
  readonly authorization: string;
  readonly body: Buffer;
}

export interface HttpAnswer {
  /** 200 to 599; default 200. */
  readonly status?: number;
  /** Default `application/json` for objects, else `text/plain; charset=utf-8` or application/octet-stream. */
  readonly contentType?: string;
  /** Text, bytes, or what `JSON.stringify` makes text of. */
  readonly body?: string | Uint8Array | object;
}

/**
 * Joins a network of this process to networks in others. It listens on one port and dials others; whoever
 * dials, both sides send. Every call that waits gives a Promise and blocks nobody.
 *
 * ```js
 * const peer = new Peer({ networkId: 'beta', bindAddress: '127.0.0.1' });
 * await peer.attach(net).start();
 * await peer.connect('127.0.0.1:9100');
 * await peer.send('alpha', 'recorder', 'in', 'hello-from-beta');
 * ```
 */
export class Peer {
  constructor(options: PeerOptions);
  /**
   * A peer of a configuration in TOML, as files of `reflow peer run` have it.
   * @throws ReflowError ERR_REFLOW_PARSE, ERR_REFLOW_CONFIG with file, line, column and path of the key
   */
  static fromToml(toml: string, options?: { readonly file?: string }): Peer;
  /** The same from a file. */
  static load(path: string | URL): Peer;

  /** Where it listens, instead of what its options say; before the start. */
  bind(address: string, port: number): this;
  /** The network whose actors others reach, before the start; its actors may name `actor@network`. */
  attach(network: Network): this;
  /**
   * Answers HTTP requests on the port of the peer that are not /health, /status and /metrics; before the
   * start. What throws or is rejected is answered with 500.
   */
  onHttp(
    handler: (request: HttpRequest) => HttpAnswer | string | Uint8Array | Promise<HttpAnswer | string | Uint8Array>,
    options?: { readonly timeoutMs?: number; readonly maxBodyBytes?: number; readonly maxWaiting?: number }
  ): this;
  /**
   * Listens. What `[[connect]]` of a configuration names is in `status().connect`: the program dials it.
   * A peer that was started keeps the process alive until it is stopped or closed; see `unref`. Until then neither it
   * nor its network is collected.
   * @throws (rejects with) ReflowError ERR_REFLOW_IO with address and reason
   */
  start(): Promise<this>;
  /** The process may end although the peer listens; `ref` takes that back. */
  unref(): this;
  ref(): this;

  /** The port that it listens on; 0 before the start. */
  readonly port: number;
  /**
   * Dials, and waits until both have greeted; from then on it is dialled again when it breaks.
   * @returns the id of the other network
   * @throws (rejects with) ReflowError ERR_REFLOW_REFUSED, ERR_REFLOW_UNRESOLVED, ERR_REFLOW_TIMEOUT,
   *   ERR_REFLOW_AUTH, ERR_REFLOW_PROTOCOL, ERR_REFLOW_LIMIT, or the reason of the signal: a link that comes about all the
   *   same is closed then, and until that, or its `timeout` (default 10,000 ms), the process does not end
   */
  connect(endpoint: string, options?: ConnectOptions): Promise<string>;
  /** Closes the links to a network, and dials it no more. */
  disconnect(networkId: string): void;
  connected(networkId: string): boolean;

  /**
   * Sends a message to an inport of an actor of another network. Those to one inport go in the order of the calls,
   * whether they are waited for or not; confirmed ones go by themselves.
   */
  send(networkId: string, actor: string, port: string, value: Value, options?: PeerSendOptions): Promise<void>;
  /** Sends many in order. @returns how many have gone, which are all unless it rejects */
  sendMany(
    networkId: string, actor: string, port: string, values: readonly Value[], options?: PeerSendOptions
  ): Promise<number>;
  /** Adds a node for an actor of another network to the attached network. @returns its id there */
  registerRemoteActor(actor: string, networkId: string, options?: RemoteActorOptions): Promise<string>;
  /** Keeps what is sent to an actor in an outbox, over links that end and come again. */
  setDelivery(
    networkId: string, actor: string, options?: DeliveryOptions,
    undelivered?: (letter: { port: string; message: Value | undefined; status: string; reason: string }) => void
  ): this;

  status(): PeerStatus;
  /** Networks that are linked to this peer or that discovery tells of. */
  networks(): NetworkInfo[];
  /** Asks a network which actors it has. */
  actors(networkId: string, options?: { readonly timeout?: number }): Promise<RemoteActorInfo[]>;
  /** How long a question and its answer take, in milliseconds. */
  ping(networkId: string, options?: { readonly timeout?: number }): Promise<number>;
  /** Asks the discovery servers now, and waits until each has answered or failed. */
  discover(options?: { readonly timeout?: number }): Promise<void>;
  /** What happens to links and what discovery finds, bounded, until the peer has stopped; what waits then may still be read. */
  events(options?: {
    readonly kinds?: readonly PeerEvent['kind'][];
    /** Events that may wait; default 1024, at most 65,536. */
    readonly capacity?: number;
    readonly signal?: AbortSignal;
  }): EventStream<PeerEvent>;

  /** Listens no more and closes all links in order; those that are still there after the timeout are cut. */
  stop(options?: { readonly timeout?: number }): Promise<void>;
  /** Stops, and lets go of everything. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface PeerMeshOptions extends Omit<PeerOptions, 'instanceId' | 'bindPort'> {
  /** The first port; peers take the next that is free. */
  readonly basePort: number;
  /** How many ports from there on are tried; default 1000. */
  readonly ports?: number;
  /** Whose runtime the peers are on: only this network can be assigned. */
  readonly network?: Network;
}

/** A peer for each of many executions, which are networks of one node. */
export class PeerMesh {
  constructor(options: PeerMeshOptions);
  /** How many executions have a peer. */
  readonly size: number;
  /** Makes and starts the peer of an execution. @returns the port that it listens on */
  assign(execution: string, network?: Network | null): number;
  /** Dials for an execution, which gets a peer if it has none. @returns the id of the other network */
  connect(execution: string, endpoint: string, options?: ConnectOptions): Promise<string>;
  /** The peer of an execution; it must not be used after its teardown. */
  peer(execution: string): MeshPeer;
  /** Ends the peer of an execution; its port is free again. */
  teardown(execution: string): Promise<void>;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** A peer that belongs to a mesh, which starts and ends it. */
export type MeshPeer = Omit<Peer, 'attach' | 'bind' | 'start' | 'stop' | 'close' | 'onHttp' | 'ref' | 'unref' | typeof Symbol.asyncDispose>;

export interface DiscoveryServerOptions {
  /** How long an entry is kept that is not renewed, in ms; default 60,000. */
  readonly entryTtlMs?: number;
  /** How often those that are too old are removed, in ms; default 15,000. */
  readonly pruneIntervalMs?: number;
  /** Default 100,000, which is the most. */
  readonly maxEntries?: number;
  /** All but /health need `Authorization: Bearer TOKEN`. */
  readonly token?: string;
  /** PEM files; the own port speaks HTTPS as well then. */
  readonly certificateFile?: string;
  readonly keyFile?: string;
}

export interface DiscoveryRequest {
  readonly method: string;
  /** What is left when the prefix is cut off that discovery is mounted at. */
  readonly path: string;
  readonly query?: string;
  readonly contentType?: string;
  readonly authorization?: string;
  readonly body?: string | Uint8Array;
}

/** A table of peers, so that they find each other, on a port of its own or in a host's HTTP server. */
export class DiscoveryServer {
  constructor(options?: DiscoveryServerOptions);
  /** Listens. Address default 0.0.0.0; port 0, the default, is a free one. @returns the port */
  serve(options?: { readonly address?: string; readonly port?: number }): number;
  /** The port; 0 while it does not listen. */
  readonly port: number;
  /** What to answer to a request that a server of yours has read. */
  handle(request: DiscoveryRequest): { status: number; contentType: string; body: Buffer };
  /** The process may end although the server listens. */
  unref(): this;
  /** Listens no more; the table stays. */
  stop(): Promise<void>;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}
