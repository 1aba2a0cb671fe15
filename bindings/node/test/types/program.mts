// A program that uses everything that the package exports, by its published types alone; it is compiled
// with `tsc --strict` and, with the CommonJS twin beside it, never run.
import {
  Actor, DiscoveryServer, EventStream, Frame, FramePool, FrameSlot, Graph, Message, MessageStream, Network, Peer, PeerMesh, ReflowError, Replay, Status,
  StateTable, StreamReader, StreamWriter, actor, components, documentPlaces, feature, flow, run, transfer, usage, version,
} from 'reflow';
import type {
  ActorClass, ActorFailedEvent, ActorLike, ActorOptions, Change, ComponentInfo, Context, Counters, DeadLetter,
  DiscoveryRequest, Endpoint, Envelope, EventKind, EventOf, Finding, GraphDocument, HttpAnswer, HttpRequest, Metrics, NetworkEvent,
  NetworkOptions, NetworkState, NodeReport, NodeStatus, ObserveOptions, PeerEvent, PeerOptions, PeerStatus, PortRef, ReplayState, RunResult, Sendable,
  FramePoolInfo, FramePoolOptions, NodeStore, StreamBegin, StreamOptions, Ticket, TimerOptions, Value, ValueObject, WithStateOptions,
} from 'reflow';
import { seed, simulated, testNetwork } from 'reflow/testing';

// ---- actors

const double = actor({ inports: ['in'], outports: ['out'] }, (ctx, value: number) => ({ out: value * 2 }));
const fetched = actor(
  { inports: ['url'], outports: ['body', 'failed'], maxConcurrency: 32, timeout: 5000, ordered: false },
  async (ctx, url: string) => {
    const signal: AbortSignal = ctx.signal;
    if (signal.aborted) return;
    await ctx.emit('failed', { url });
    return { body: `${ctx.id} ${ctx.port} ${url}` };
  });
const numbers = actor({ inports: ['in'], outports: ['out'], batch: 'numbers' },
  (_ctx, values) => ({ out: values.map((value) => value + 1) }));
const many = actor({ inports: ['in'], outports: ['out'], batch: true },
  (_ctx, values: string[]) => ({ out: values.map((value) => value.length) }));
const counting = actor({ outports: ['n'], source: true }, function* () {
  for (let n = 0; n < 3; ++n) yield { n };
});
const pulse = actor({ outports: ['out'], source: true }, (ctx) => {
  const hourly: TimerOptions = { cron: '@hourly', zone: 'Europe/Berlin' };
  const fired: readonly number[] = ctx.timers;
  ctx.setTimer(0, 5, { period: 1000 });
  ctx.setTimer(1, 0, hourly);
  if (fired.includes(0) && ctx.room('out') > 0) ctx.emit('out', ctx.now);
  ctx.cancelTimer(0);
  ctx.wakeAfter(20);
  // @ts-expect-error it has no such outport
  ctx.room('in');
});
const read = actor({ outports: ['line'] }, (async function* () {
  yield { line: 'a' };
})());
const joined = actor(
  { inports: [{ name: 'a', type: 'integer', required: true }, 'b'], outports: ['sum'], await: 'all' },
  (_ctx, a: number, b: number) => ({ sum: a + b }));
class Average {
  static inports = ['in'];
  static outports = ['mean'];
  sum = 0;
  count = 0;
  async setup(ctx: Context): Promise<void> { ctx.state = {}; }
  run(_ctx: Context<'mean'>, value: number) { this.sum += value; return { mean: this.sum / ++this.count }; }
  finish(ctx: Context<'mean'>) { ctx.emit('mean', this.sum); }
  teardown() {}
}
const wrapped = actor({ inports: ['in'], outports: ['mean'] }, Average);
const likes: ActorLike[] = [double, fetched, numbers, many, counting, pulse, read, joined, Average, wrapped];
const options: ActorOptions = { name: 'x' };
const type: ActorClass = Average;
const isActor: boolean = double instanceof Actor;
// @ts-expect-error an outport that is not declared
actor({ inports: ['in'], outports: ['out'] }, (ctx, value: number) => { ctx.emit('other', value); });
// @ts-expect-error an option that is not there
actor({ inport: ['in'] }, () => undefined);

// ---- networks

async function networks(): Promise<void> {
  const given: NetworkOptions = { workers: 1, portCapacity: 10, watchdogMs: 1000, checkTypes: true };
  await using net = new Network(given);
  net.add('d', double).add('log', 'Log', { level: 'info' }).connect('d.out', 'log.in', { kind: 'latest', capacity: 3 })
    .initial({ node: 'd', port: 'in' }, 1).property('on_stall', 'fail');
  const id: string = net.register(Average, 'Average');
  const stream: MessageStream<number> = net.stream<number>('d.out', { capacity: 10, typed: true });
  const seen: EventStream<EventOf<'ActorFailed' | 'NetworkIdle'>> =
    net.events({ kinds: ['ActorFailed', 'NetworkIdle'], nodes: 'd*', sample: 2, capacity: 5 });
  net.on('ActorFailed', (event: ActorFailedEvent) => console.log(event.node, event.trace));
  net.once('event', (event: NetworkEvent) => console.log(event.kind)).off('event', () => {});
  const started: Network = await net.start();
  await net.send('d.in', 21);
  const went: boolean = net.trySend('d.in', new Date());
  const sent: number = await net.sendMany('d.in', [1, 2n, 'x', new Float64Array(3), { a: [null] }]);
  await net.idle({ timeout: 1000 });
  await net.idle(1000);
  for await (const value of stream) { const n: number = value; console.log(n, started, went, sent, id); }
  for await (const event of seen) {
    if (event.kind === 'ActorFailed') console.log(event.error, event.count, event.missed);
  }
  net.readable('d.out', { highWaterMark: 3 }).pipe(net.writable('log.in'));
  const state: NetworkState = net.state;
  const report: { [node: string]: NodeReport } = net.report();
  const counters: Counters = net.counters('d');
  const status: NodeStatus = net.nodeState('d');
  const metrics: Metrics = net.measure({ sample: 1 }).metrics();
  net.measure(false);
  const waiting: Value[] = net.peek('d.in', 5);
  await net.pause('d', { timeout: 10 });
  const fired: number = await net.step(2, { path: 'd', timeout: 10 });
  net.resume('d').endSources();
  const cancelled: number = net.cancel('d');
  const breakpoint: number = net.breakAt({ node: 'd', inport: 'in', when: 'it > 3', once: true });
  net.unbreak(breakpoint);
  const hits: number[] = net.breakpoints().map((each) => each.hits);
  const graph: Graph = net.graph();
  const change: Change = await net.apply(graph.addNode('e', 'Log'), { leftover: 'drop' });
  const bytes: Buffer = await net.snapshot();
  await net.snapshot('net.snapshot', { timeout: 1 });
  await net.restore(bytes);
  await net.checkpoint('net.checkpoint', { interval: 5000, keep: 2 });
  await net.checkpoint(null);
  const letters: DeadLetter[] = net.deadLetters({ path: 'd', after: 0, max: 10 });
  net.replayDeadLetter(1).sendDeadLetter(letters[0]!);
  const replayed: number = net.replayDeadLetters() + net.dropDeadLetters({ id: 1 }) + net.deadLetterCounts().lost;
  await net.drain(1000);
  await net.stop();
  await net.close();
  console.log(state, report, counters, status, metrics.nodes['d']?.call?.p99_ns, waiting, fired, cancelled, hits, change,
    replayed);
  // @ts-expect-error a kind of event that is not there
  net.events({ kinds: ['ActorFailled'] });
  // @ts-expect-error a symbol is nothing that can be sent
  await net.send('d.in', Symbol('x'));
}

// ---- graphs and runs

async function graphs(): Promise<void> {
  const end: Endpoint = { node: 'a', port: 'in', index: 0 };
  const graph = new Graph('squares')
    .addNode('square', 'Map', { value: 'it * it' }).renameNode('square', 'sq').setComponent('sq', 'Map')
    .setConfig('sq', { value: 'it' }).set('sq', 'value', 'it * it').set('sq', 'x', undefined)
    .resolveEnv().resolveEnv({ KEY: 'value', NONE: undefined }).resolveEnv(process.env)
    .connect('sq.out', end).disconnect('sq.out', end).addInitial('sq.in', 1).removeInitials('sq.in')
    .addInport('number', 'sq.in', 'integer').addOutport('square', 'sq.out').removeInport('number')
    .removeOutport('square').addGroup('g', ['sq']).removeGroup('g').setProperty('description', 'x').removeNode('sq');
  const document: GraphDocument = graph.toJSON();
  const findings: Finding[] = graph.validate({ components: false });
  const text: string = graph.serialize('yaml');
  const bytes: Buffer = graph.serialize('msgpack');
  const config: ValueObject | null = graph.config('sq');
  const copy: Graph = Graph.parse(document).copy();
  graph.name = Graph.load('x.json').save('y.yaml').save(new URL('file:///x.json'), 'json').name;
  const counts: number = graph.nodeCount + graph.connectionCount + graph.initialCount + graph.nodes.length;
  const pictures: string = graph.draw('svg', { depth: 2, dark: true }) + graph.toMermaid() + graph.toDot() +
    graph.toSvg() + graph.toHtml() + graph.component('sq');
  const places: ({ line: number } | null)[] = documentPlaces(text, ['$.processes'], { format: 'yaml' });
  const result: RunResult = await run('weather.graph.json', {
    set: { 'alerts.wind': 8 }, inputs: { number: [1, 2] }, actors: { Average }, timeout: 1000, keep: 10,
    signal: AbortSignal.timeout(10), network: { workers: 1 },
  });
  const infos: ComponentInfo[] = components();
  console.log(findings[0]?.severity, bytes, config, copy.equals(graph), counts, pictures, places, result.outputs['square'],
    infos[0]?.inports[0]?.name, feature('yaml'), usage().threads, version, graph.hasNode('a'), graph.property('x'));
}

// ---- peers

async function peers(net: Network): Promise<void> {
  const options: PeerOptions = { networkId: 'beta', bindAddress: '127.0.0.1', autoDial: false };
  const peer = new Peer(options);
  peer.attach(net).bind('127.0.0.1', 0).onHttp(async (request: HttpRequest): Promise<HttpAnswer> =>
    ({ status: 200, body: { path: request.path } }), { timeoutMs: 100 });
  peer.setDelivery('alpha', 'recorder', { delivery: 'at_least_once', outboxPolicy: 'fail' }, (letter) => {
    console.log(letter.port, letter.reason);
  });
  await peer.start();
  const other: string = await peer.connect('127.0.0.1:9000', { timeout: 100 });
  await peer.send(other, 'recorder', 'in', 'hello', { confirmed: true, source: 'me' });
  const sent: number = await peer.sendMany(other, 'recorder', 'in', [1, 2]);
  const node: string = await peer.registerRemoteActor('mixer', 'studio', { strategy: 'auto_alias' });
  const status: PeerStatus = peer.status();
  for await (const event of peer.events({ kinds: ['connected'] })) { const e: PeerEvent = event; console.log(e.kind); }
  console.log(sent, node, status.links[0]?.state, peer.networks()[0]?.instances[0]?.endpoint, peer.port,
    (await peer.actors(other))[0]?.actor_id, await peer.ping(other), peer.connected(other));
  await peer.discover();
  peer.disconnect(other);
  peer.unref().ref();
  await peer.stop({ timeout: 100 });
  await peer.close();
  await Peer.fromToml('network_id = "x"', { file: 'x.toml' }).close();
  await using loaded = Peer.load('x.toml');
  await using mesh = new PeerMesh({ networkId: 'node', basePort: 9400, ports: 10 });
  const port: number = mesh.assign('e1', net) + mesh.size + loaded.port;
  await mesh.connect('e1', '127.0.0.1:9000');
  await mesh.peer('e1').send('alpha', 'recorder', 'in', port);
  await mesh.teardown('e1');
  await using discovery = new DiscoveryServer({ entryTtlMs: 1000, token: 'x' });
  const request: DiscoveryRequest = { method: 'GET', path: '/networks' };
  const answer: { status: number; body: Buffer } = discovery.handle(request);
  console.log(discovery.serve({ address: '127.0.0.1', port: 0 }), discovery.port, answer);
  await discovery.unref().stop();
}

// ---- values and errors

const lent: Message = transfer(new Float32Array(8));
const parsed: Message = Message.parse(lent.stringify({ tagged: true }), { tagged: true });
console.log(parsed.stringify({ pretty: true }), parsed.toJSON());
const sendable: Sendable = lent;
const place: PortRef = { port: 'in' };
const kind: EventKind = 'Breakpoint';
try {
  await networks();
  await graphs();
  await peers(new Network());
} catch (error) {
  if (error instanceof ReflowError && error.code === 'ERR_REFLOW_TIMEOUT' && error.status === Status.TIMEOUT) {
    console.log(error.hint, error.path, error.line, error.node, error.cause);
  }
  // @ts-expect-error a code that is not there
  if (error instanceof ReflowError && error.code === 'ERR_REFLOW_TIME') throw error;
}
console.log(likes, options, type, isActor, sendable, place, kind);

// ---- streams of bytes and envelopes

async function bytes(net: Network, message: Message): Promise<Buffer> {
  const writer: StreamWriter = net.openStream({ contentType: 'text/csv', sizeHint: 3, metadata: { a: 1 } });
  await net.send('n.in', writer.handle, { envelope: { correlation: 'x', deadlineMs: 1 } });
  await writer.write('a');
  await writer.from(['b', Buffer.from('c')]);
  writer.writable().end();
  writer.fail(new Error('no'));
  const carried: MessageStream<{ value: number; envelope: Envelope }> = net.stream<number>('n.out', { envelopes: true });
  const options: StreamOptions & ObserveOptions = { maxFrames: 3 };
  const reader: StreamReader = net.observeStream(message, { ...options, reliable: true });
  const begin: StreamBegin = reader.begin;
  for await (const frame of net.acceptStream(message)) frame.byteLength.toFixed(begin.sizeHint);
  // @ts-expect-error no bytes
  await writer.write(3);
  await carried.return();
  await net.send('n.in', flow);
  return reader.collect({ maxBytes: 10 });
}
const streaming = actor({ inports: [{ name: 'in', array: true }], outports: ['out'] }, async (ctx, message: Message) => {
  const index: number | null = ctx.index;
  const left: number | null = ctx.deadline === null ? null : ctx.deadline - ctx.now;
  if (ctx.connected('out') && ctx.attempts > 0) ctx.log('warn', `${left} ms are left`);
  ctx.print('again\n');
  const envelope: Envelope | undefined = ctx.envelope;
  await ctx.openStream('out', { contentType: envelope?.correlation ?? `${index}` }).from(ctx.acceptStream(message));
});
export { bytes, streaming };

// ---- without threads, recordings, edits

async function simulation(): Promise<ReplayState> {
  const net = new Network({ mode: 'simulated', seed: seed(), record: new URL('file:///x'), closeTimeout: 5 });
  net.add('a', double).replace('a', 'Log', { level: 'info' }).remove('a').disconnect('a.out', 'b.in');
  const more: boolean = net.turn(3);
  await net.flushRecording().apply(undefined, { newState: more });
  net.breakAt({ node: 'a', when: (value) => value === 3 });
  await simulated(async (network, count: number) => { await network.send('a.in', count); }, { seeds: 3 })(2);
  await testNetwork({ seed: 4 }).close();
  // @ts-expect-error no mode
  new Network({ mode: 'simulate' });
  const replay = new Replay('x', { actors: { Double: double, Average } });
  while (await replay.run(1)) replay.network.counters('a');
  return replay.state;
}
export { simulation };

// ---- what the engine keeps for nodes, and frame pools

const keeping = actor({ inports: ['in'], outports: ['ticket'] }, (ctx, value: string) => {
  const table: StateTable = ctx.keys.set('count', ctx.keys.size + 1);
  if (!ctx.pool('users').has(value)) ctx.pool('users').set(value, { n: [1, 2n] });
  for (const [name, kept] of table) console.log(name, kept, ctx.pool('users').delete(name));
  const given: FramePoolOptions = { frameSize: 10, slots: 2 };
  const slot: FrameSlot = ctx.framePool('frames', given).begin();
  slot.buffer.fill(1);
  return { ticket: slot.commit(3) };
});
export function grown(net: Network, graph: Graph): number {
  return net.registerGraph('acme/scaled', graph).setWorkers(3).add('s', 'acme/scaled').workers;
}
async function ends(net: Network, peer: Peer, signal: AbortSignal): Promise<void> {
  await net.send('d.in', new Date(), { signal });
  await net.sendMany('d.in', [new Map([['a', 1]]), class { a = 1; }.name, { call: 1, apply: 2, name: 'a' }], { signal });
  const { done } = await net.stream('d.out').next({ signal });
  await peer.connect('127.0.0.1:9100', { timeout: 5, signal });
  await run('a.graph.json', { inputs: { in: (async function* () { yield 1; })(), one: (function* () { yield 1; })() } });
  actor({ outports: ['out'] }, () => new Map([['out', done ? 1 : 2]] as const));
  // @ts-expect-error a function is no value
  await net.send('d.in', () => 1);
  // @ts-expect-error neither is a class
  await net.send('d.in', class Value {});
  // @ts-expect-error in an array neither
  await net.sendMany('d.in', [() => 1]);
  // @ts-expect-error it has no such option
  await net.send('d.in', 1, { singal: signal });
  // @ts-expect-error nobody waits here
  net.trySend('d.in', 1, { signal });
  // @ts-expect-error a function is nothing to emit
  actor({ outports: ['out'] }, () => ({ out: () => 1 }));
}
async function keeps(net: Network): Promise<ValueObject> {
  const options: WithStateOptions = { timeout: 3, component: 'Keeping' };
  const count: number = await net.withState('n', (state: NodeStore) => state.pool('users').size, options);
  using pool: FramePool = net.framePool('frames');
  const ticket: Ticket = pool.write(new Float32Array(count));
  using frame: Frame = pool.read(ticket);
  const info: FramePoolInfo = pool.info();
  pool.latest()?.release();
  net.removeFramePool(pool.name);
  console.log(frame.bytes.length, info.held);
  // @ts-expect-error a frame needs its size
  net.framePool('frames', { slots: 2 });
  return net.withState('n', ({ keys }) => keys.toObject());
}
export { ends, keeping, keeps };
