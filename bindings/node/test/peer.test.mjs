// Peers, meshes and discovery: networks of several processes, here in one.
import test from 'node:test';
import assert from 'node:assert';
import fs from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import { spawn, spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import os from 'node:os';
import path from 'node:path';
import { DiscoveryServer, Network, Peer, PeerMesh, ReflowError, actor, usage } from 'reflow';

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'reflow peer '));
test.after(() => fs.rmSync(folder, { recursive: true }));

// A network with a recorder, and a promise for its first `wanted` packets.
function recording(wanted) {
  const seen = [];
  let enough;
  const all = new Promise((resolve) => { enough = resolve; });
  const recorder = actor({ inports: ['in'], outports: ['out'] }, (ctx, value) => {
    seen.push(value);
    if (seen.length === wanted) enough(seen);
    return { out: value };
  });
  return { net: new Network().add('recorder', recorder), all };
}

const local = (networkId, more = {}) => new Peer({ networkId, bindAddress: '127.0.0.1', ...more });
const at = (peer) => `127.0.0.1:${peer.port}`;

test('a signal ends a connect, and the link that comes about all the same is closed', async () => {
  const reason = new Error('nobody waits any more');
  // One that greets nobody: it takes connections and says nothing.
  const sockets = [];
  const silent = net.createServer((socket) => { sockets.push(socket); });
  await new Promise((resolve) => { silent.listen(0, '127.0.0.1', resolve); });
  const beta = local('beta', { handshakeTimeoutMs: 300 });
  await beta.start();
  const abort = new AbortController();
  const connecting = beta.connect(`127.0.0.1:${silent.address().port}`, { timeout: 60000, signal: abort.signal });
  abort.abort(reason);
  await assert.rejects(connecting, reason);
  await assert.rejects(beta.connect('127.0.0.1:1', { signal: abort.signal }), reason);
  await assert.rejects(async () => beta.connect('127.0.0.1:1', { singal: abort.signal }), { code: 'ERR_REFLOW_INVALID_ARGUMENT' });

  const alpha = local('alpha');
  await alpha.start();
  const kinds = ['connected', 'disconnected'];
  const events = beta.events({ kinds });
  const late = new AbortController();
  const dialling = beta.connect(at(alpha), { signal: late.signal });
  late.abort(reason);
  await assert.rejects(dialling, reason);
  assert.deepStrictEqual([(await events.next()).value.kind, (await events.next()).value.kind], kinds);
  // One that somebody waits for stays.
  const other = new AbortController();
  const given = [beta.connect(at(alpha)), beta.connect(at(alpha), { signal: other.signal })];
  assert.strictEqual(await given[0], 'alpha');
  other.abort(reason);
  await given[1].catch(() => {});
  assert.strictEqual(beta.connected('alpha'), true);
  for (const socket of sockets) socket.destroy();
  silent.close();
  await beta.close();
  await alpha.close();
});

test('two peers: connect, send, confirmed and not, ask, ping, status, events', async () => {
  const { net, all } = recording(5);
  const alpha = local('alpha', { authToken: 'secret' }).attach(net);
  const beta = local('beta', { authToken: 'secret' });
  const events = [];
  let gone;
  const ended = new Promise((resolve) => { gone = resolve; });
  const watched = (async () => {
    for await (const event of alpha.events()) {
      events.push([event.kind, event.network_id]);
      if (event.kind === 'disconnected') gone();
    }
  })();
  await net.start();
  assert.strictEqual(await alpha.start(), alpha);
  await beta.start();
  assert.strictEqual(await beta.connect(at(alpha)), 'alpha');
  assert.strictEqual(beta.connected('alpha'), true);
  await beta.send('alpha', 'recorder', 'in', { n: 1 }, { confirmed: true, source: 'me' });
  assert.strictEqual(await beta.sendMany('alpha', 'recorder', 'in', [2, 'three', [4], 5n]), 4);
  assert.deepStrictEqual(await all, [{ n: 1 }, 2, 'three', [4], 5]);
  const missing = beta.send('alpha', 'recordr', 'in', 1, { confirmed: true });
  await assert.rejects(missing, { code: 'ERR_REFLOW_NOT_FOUND' });
  assert.deepStrictEqual((await beta.actors('alpha')).map((each) => each.actor_id), ['recorder']);
  assert.ok(await beta.ping('alpha') > 0);
  const [link] = beta.status().links;
  assert.deepStrictEqual([link.network_id, link.state, link.dialled], ['alpha', 'connected', true]);
  assert.strictEqual(beta.networks()[0].network_id, 'alpha');
  await beta.close();
  await ended; // it is told there a moment later
  await alpha.close();
  await net.close();
  await watched;
  assert.deepStrictEqual(events.at(0), ['connected', 'beta']);
  assert.deepStrictEqual(events.at(-1), ['disconnected', 'beta']);
  await assert.rejects(beta.send('alpha', 'recorder', 'in', 1), { code: 'ERR_REFLOW_CLOSED' });
  assert.throws(() => beta.status(), { code: 'ERR_REFLOW_CLOSED' });
});

test('events of a peer that is closed end when it has stopped, and what waits may be read', async () => {
  const alpha = await local('alpha').start();
  const beta = await local('beta').start();
  const kinds = [];
  let ended = false;
  const reading = (async () => {
    for await (const { kind } of alpha.events({ kinds: ['connected', 'disconnected'] })) kinds.push(kind);
    ended = true;
  })();
  const unread = alpha.events();
  await beta.connect(at(alpha));
  // This side may be told a moment behind the one that dials.
  while (kinds.length === 0) await new Promise((resolve) => { setImmediate(resolve); });
  const closed = alpha.close();
  assert.strictEqual(alpha.close(), closed);
  assert.throws(() => alpha.status(), { code: 'ERR_REFLOW_CLOSED' }); // at once
  for (let i = 0; i < 10; i++) await null; // the stop is told by a turn of the loop, which has none here
  assert.strictEqual(ended, false);
  await closed;
  await reading;
  assert.strictEqual(kinds[0], 'connected');
  assert.strictEqual((await unread.next()).value.kind, 'connected');
  await unread.return();
  await beta.close();
});

test('events of a peer that were lost are counted where they were lost, and behind the last one', async () => {
  const alpha = await local('alpha').start();
  const beta = await local('beta', { noPort: true }).start();
  const kinds = ['connected', 'disconnected'];
  const full = beta.events({ kinds, capacity: 3 });
  const all = beta.events({ kinds }); // is read, and so knows what has come to the one before it
  const cycle = async () => {
    await beta.connect(at(alpha));
    assert.strictEqual((await all.next()).value.kind, 'connected');
    beta.disconnect('alpha');
    assert.strictEqual((await all.next()).value.kind, 'disconnected');
  };
  for (let i = 0; i < 5; i++) await cycle();
  const next = async () => {
    const { kind, missed } = (await full.next()).value;
    return [kind, missed];
  };
  assert.deepStrictEqual([await next(), await next(), await next()], [['connected', 0], ['disconnected', 0], ['connected', 0]]);
  for (let i = 0; i < 2; i++) await cycle();
  assert.deepStrictEqual([await next(), await next(), await next()], [['connected', 7], ['disconnected', 0], ['connected', 0]]);
  for (let i = 0; i < 2; i++) await cycle();
  await beta.close();
  assert.deepStrictEqual([await next(), await next(), await next()], [['connected', 1], ['disconnected', 0], ['connected', 0]]);
  assert.strictEqual((await full.next()).done, true);
  assert.strictEqual(full.missed, 9);
  assert.strictEqual(all.missed, 0);
  await alpha.close();
});

test('a remote actor in a graph is as one that is here', async () => {
  const far = new Network().add('double', actor({ inports: ['in'], outports: ['out'] }, (ctx, v) => ({ out: v * 2 })));
  const near = recording(3);
  near.net.add('feed', actor({ outports: ['out'] }, [{ out: 1 }, { out: 2 }, { out: 3 }]))
    .add('d', 'double@far').connect('feed.out', 'd.in').connect('d.out', 'recorder.in');
  const there = local('far').attach(far);
  const here = local('near', { noPort: true }).attach(near.net);
  await far.start();
  await there.start();
  await here.start();
  await here.connect(at(there));
  await near.net.start();
  assert.deepStrictEqual(await near.all, [2, 4, 6]);
  const id = await here.registerRemoteActor('double', 'far', { strategy: 'auto_alias' });
  assert.strictEqual(id, 'far_double');
  const again = here.registerRemoteActor('double', 'far', { strategy: 'manual_alias', alias: 'd' });
  await assert.rejects(again, { code: 'ERR_REFLOW_ALREADY_EXISTS', message: /name conflict/ });
  await here.close();
  await there.close();
  await Promise.all([near.net.close(), far.close()]);
});

test('an outbox keeps messages until there is a link; what is lost is told', async () => {
  const { net, all } = recording(3);
  const alpha = local('alpha').attach(net);
  const beta = local('beta', { noPort: true });
  const told = new Promise((resolve) => {
    beta.setDelivery('nobody', 'x', { delivery: 'at_most_once', deadlineMs: 20 }, resolve);
  });
  beta.setDelivery('alpha', 'recorder', { delivery: 'at_least_once', deadlineMs: 600_000 });
  await beta.start();
  await beta.send('alpha', 'recorder', 'in', 'kept');
  const late = beta.send('alpha', 'recorder', 'in', 'late', { confirmed: true, timeout: 20 });
  await assert.rejects(late, { code: 'ERR_REFLOW_TIMEOUT', message: /not sent within its time/ });
  const confirmed = beta.send('alpha', 'recorder', 'in', 'confirmed', { confirmed: true });
  await beta.send('nobody', 'x', 'in', 'lost');
  await net.start();
  await alpha.start();
  await beta.connect(at(alpha));
  await confirmed;
  await beta.send('alpha', 'recorder', 'in', 'after');
  assert.deepStrictEqual(await all, ['kept', 'confirmed', 'after']);
  const letter = await told;
  assert.deepStrictEqual([letter.port, letter.message], ['in', 'lost']);
  assert.match(letter.status, /^REFLOW_ERROR_/);
  await beta.close();
  await alpha.close();
  await net.close();
});

test('confirmed sends take no threads, and the end of a stop is told', async () => {
  const { net, all } = recording(2000);
  const alpha = local('alpha', { windowPackets: 8 }).attach(net);
  const beta = local('beta', { noPort: true });
  await net.start();
  await alpha.start();
  await beta.start();
  await beta.connect(at(alpha));
  const events = beta.events({ kinds: ['disconnected'] });
  const before = usage().threads;
  const sent = [];
  for (let i = 0; i < 2000; ++i) sent.push(beta.send('alpha', 'recorder', 'in', { i }, { confirmed: true }));
  const most = usage().threads;
  sent.push(beta.send('alpha', 'recordr', 'in', 0, { confirmed: true }).catch((error) => error.code));
  assert.deepStrictEqual((await all).map((value) => value.i), Array.from({ length: 2000 }, (_, i) => i));
  assert.equal((await Promise.all(sent)).at(-1), 'ERR_REFLOW_NOT_FOUND');
  assert.ok(most < before + 5, `${most} threads, and ${before} before`);
  const { messages } = beta.status();
  assert.deepStrictEqual(messages, { sent: 2001, delivered: 2000, refused: 1, in_doubt: 0, unconfirmed: 0 });
  await beta.stop();
  const told = [];
  for await (const event of events) told.push([event.kind, event.in_doubt]);
  assert.deepStrictEqual(told, [['disconnected', 0]]);
  await beta.close();
  await alpha.close();
  await net.close();
});

test('sends that nobody waits for keep their order, and take no threads', async () => {
  const { net, all } = recording(3000);
  const alpha = local('alpha', { windowPackets: 8 }).attach(net);
  const beta = local('beta', { noPort: true });
  await net.start();
  await alpha.start();
  await beta.start();
  await beta.connect(at(alpha));
  const before = usage().threads;
  const sent = [];
  let most = 0;
  for (let i = 0; i < 3000; ++i) {
    const value = { i };
    sent.push(i % 100 === 0 ? beta.sendMany('alpha', 'recorder', 'in', [value]) : beta.send('alpha', 'recorder', 'in', value));
    value.i = -1; // what was sent is what it was then
    if (i % 500 === 0) most = Math.max(most, usage().threads);
  }
  assert.deepStrictEqual((await all).map((value) => value.i), Array.from({ length: 3000 }, (_, i) => i));
  await Promise.all(sent);
  assert.ok(most < before + 20, `${most} threads, and ${before} before`);
  const late = beta.send('alpha', 'recorder', 'in', 1);
  const closing = beta.close();
  await late.catch((error) => assert.match(error.code, /CLOSED|NOT_FOUND/));
  await closing;
  await alpha.close();
  await net.close();
});

// Others know what runs by its port alone, and nothing here has to: a garbage collector in between ended links.
const collects = { skip: typeof global.gc === 'function' ? false : 'needs --expose-gc' };

async function collected() {
  for (let i = 0; i < 5; ++i) {
    global.gc();
    await new Promise((resolve) => { setImmediate(resolve); });
  }
}

// The promise for it is the only thing that is left of an object that `make` gives.
async function reachedAt(make) {
  const { port, all } = await make();
  await collected();
  return { port, all };
}

test('what runs stays until it is stopped, and goes then', collects, async () => {
  const refs = [];
  const served = await reachedAt(async () => {
    const { net, all } = recording(2);
    const alpha = local('alpha').attach(net);
    await net.start();
    await alpha.start();
    refs.push(new WeakRef(alpha.unref()), new WeakRef(net));
    return { port: alpha.port, all };
  });
  const meshed = await reachedAt(async () => {
    const { net, all } = recording(1);
    await net.start();
    const mesh = new PeerMesh({ networkId: 'node', bindAddress: '127.0.0.1', basePort: 23000 + process.pid % 20000, ports: 100, network: net });
    const port = mesh.assign('one', net);
    refs.push(new WeakRef(mesh), new WeakRef(net));
    return { port, all };
  });
  const found = await reachedAt(async () => {
    const server = new DiscoveryServer();
    refs.push(new WeakRef(server));
    return { port: server.serve({ address: '127.0.0.1' }) };
  });
  const beta = local('beta', { noPort: true });
  await beta.start();
  await beta.connect(`127.0.0.1:${served.port}`);
  await beta.send('alpha', 'recorder', 'in', 1, { confirmed: true });
  await collected(); // the link holds nothing of them either
  await beta.send('alpha', 'recorder', 'in', 2, { confirmed: true });
  await beta.connect(`127.0.0.1:${meshed.port}`);
  await beta.send('node', 'recorder', 'in', 3, { confirmed: true });
  assert.deepStrictEqual([await served.all, await meshed.all], [[1, 2], [3]]);
  assert.strictEqual((await fetch(`http://127.0.0.1:${found.port}/health`)).status, 200);
  await beta.close();
  for (const ref of refs) await ref.deref()?.close();
  const deadline = Date.now() + 60000;
  while (refs.some((ref) => ref.deref() !== undefined) && Date.now() < deadline) await collected();
  assert.deepStrictEqual(refs.map((ref) => ref.deref()), refs.map(() => undefined));
});

test('an envelope crosses a link, with who has sent it', async () => {
  const net = new Network({ envelopes: true })
    .add('echo', actor({ inports: ['in'], outports: ['out'] }, (ctx) => ({ out: ctx.envelope })));
  const out = net.stream('echo.out');
  const alpha = local('alpha').attach(net);
  const beta = local('beta', { noPort: true });
  await net.start();
  await alpha.start();
  await beta.start();
  await beta.connect(at(alpha));
  const envelope = { correlation: 'order 7', traceId: '0af7651916cd43dd8448eb211c80319c', deadlineMs: 4102444800123 };
  await beta.send('alpha', 'echo', 'in', 1, { source: 'me', envelope });
  const { correlation, traceId, sourceNetwork, sourceActor } = (await out.next()).value;
  assert.deepStrictEqual([correlation, traceId, sourceNetwork, sourceActor],
    ['order 7', envelope.traceId, 'beta', 'me']);
  await assert.rejects(beta.send('alpha', 'echo', 'in', 1, { envelope: { spanId: 'x' } }), /spanId/);
  await beta.close();
  await alpha.close();
  await net.close();
});

test('configuration in TOML, with file, line and key in errors', async () => {
  const file = path.join(folder, 'kiln.toml');
  fs.writeFileSync(file, 'network_id = "kiln"\nbind_address = "127.0.0.1"\nbind_port = 0\n[[connect]]\nendpoint = "127.0.0.1:1"\n');
  const peer = Peer.load(file);
  await peer.start();
  assert.ok(peer.port > 0);
  assert.deepStrictEqual(peer.status().connect, ['127.0.0.1:1']);
  await peer.close();
  assert.throws(() => Peer.fromToml('network_id = "x"\nbind_port = 0\nmax_conections = 3\n', { file: 'k.toml' }), (error) => {
    assert.ok(error instanceof ReflowError);
    assert.strictEqual(error.line, 3);
    assert.strictEqual(error.file, 'k.toml');
    assert.match(error.message, /max_connections/);
    return true;
  });
});

test('the status of every error: refused, unresolved, wrong token, no peer', async () => {
  const alpha = local('alpha', { authToken: 'right' });
  await alpha.start();
  const other = local('other', { noPort: true, authToken: 'wrong' });
  await other.start();
  await assert.rejects(other.connect(at(alpha)), { code: 'ERR_REFLOW_AUTH' });
  await assert.rejects(other.connect('127.0.0.1:1'), { code: 'ERR_REFLOW_REFUSED' });
  await assert.rejects(other.send('alpha', 'a', 'in', 1), { code: 'ERR_REFLOW_NOT_FOUND' });
  await assert.rejects(other.send('alpha', 'a', 'in', () => 0), { code: 'ERR_REFLOW_TYPE' });
  const web = http.createServer((request, response) => response.end('no peer')).listen(0, '127.0.0.1');
  await new Promise((resolve) => { web.on('listening', resolve); });
  await assert.rejects(other.connect(`127.0.0.1:${web.address().port}`), (error) => /^ERR_REFLOW_(PROTOCOL|REFUSED)$/.test(error.code));
  web.close();
  const twice = new Peer({ networkId: 'twice', bindAddress: '127.0.0.1', bindPort: alpha.port });
  await assert.rejects(twice.start(), { code: 'ERR_REFLOW_IO' });
  assert.throws(() => new Peer({ networkId: '' }), { code: 'ERR_REFLOW_INVALID_ARGUMENT' });
  assert.throws(() => new Peer({ networkId: 'a', bindport: 1 }), /did you mean 'bindPort'/);
  assert.throws(() => new Peer({ networkId: 'a', bindPort: 70000 }), /65535/);
  assert.throws(() => other.attach({}), /Network/);
  await Promise.all([twice.close(), other.close(), alpha.close()]);
});

test('a wait for a link ends when the peer is closed', async () => {
  // A server that takes connections and says nothing.
  const silent = http.createServer().listen(0, '127.0.0.1');
  silent.on('connection', (socket) => socket.on('error', () => {})); // the peer cuts it
  silent.on('upgrade', (request, socket) => socket.on('error', () => {}));
  await new Promise((resolve) => { silent.on('listening', resolve); });
  const peer = local('alone', { noPort: true, handshakeTimeoutMs: 60000 });
  await peer.start();
  const waiting = peer.connect(`127.0.0.1:${silent.address().port}`, { timeout: Infinity });
  const refused = assert.rejects(waiting, (error) => error instanceof ReflowError);
  await peer.close();
  await refused;
  silent.closeAllConnections();
  silent.close();
});

test('HTTP of the host on the port of the peer', async () => {
  const wrong = { number: /a number/, nothing: /undefined/, other: /no 'a'/, array: /an array/, function: /body is a function/ };
  const peer = local('web').onHttp(async ({ method, path: where, query, body }) => {
    if (where === '/text') return 'plain';
    if (where === '/bytes') return Buffer.from('bytes');
    if (where === '/number') return 5;
    if (where === '/nothing') return undefined;
    if (where === '/other') return { a: 1 };
    if (where === '/array') return [1];
    if (where === '/function') return { body: () => 1 };
    if (where === '/fail') throw new Error('not today');
    return { status: 201, body: { method, where, query, body: body.toString() } };
  });
  await peer.start();
  const base = `http://127.0.0.1:${peer.port}`;
  assert.strictEqual((await (await fetch(`${base}/health`)).text()).length > 0, true);
  assert.strictEqual(await (await fetch(`${base}/text`)).text(), 'plain');
  const answer = await fetch(`${base}/x?a=1`, { method: 'POST', body: 'hello' });
  assert.strictEqual(answer.status, 201);
  assert.deepStrictEqual(await answer.json(), { method: 'POST', where: '/x', query: 'a=1', body: 'hello' });
  const warned = new Promise((resolve) => { process.once('warning', resolve); });
  assert.strictEqual((await fetch(`${base}/fail`)).status, 500);
  assert.match((await warned).message, /not today/);
  assert.strictEqual(await (await fetch(`${base}/bytes`)).text(), 'bytes');
  for (const [where, text] of Object.entries(wrong)) {
    const told = new Promise((resolve) => { process.once('warning', resolve); });
    assert.strictEqual((await fetch(`${base}/${where}`)).status, 500, where);
    assert.match((await told).message, text);
  }
  await peer.close();
});

test('discovery: peers find each other; mounted in a server of the host', async () => {
  const server = new DiscoveryServer({ token: 't' });
  const mounted = http.createServer((request, response) => {
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk)).on('end', () => {
      const { status, contentType, body } = server.handle({
        method: request.method, path: request.url, contentType: request.headers['content-type'] ?? '',
        authorization: request.headers.authorization ?? '', body: Buffer.concat(chunks),
      });
      response.writeHead(status, contentType ? { 'content-type': contentType } : {}).end(body);
    });
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => { mounted.on('listening', resolve); });
  const endpoint = `http://127.0.0.1:${mounted.address().port}`;
  const more = { discoveryEndpoints: [endpoint], discoveryToken: 't', advertiseAddress: '127.0.0.1' };
  const [a, b] = [local('a', more), local('b', { ...more, autoDial: false })];
  const found = b.events({ kinds: ['added'] });
  await a.start();
  await a.discover();
  await b.start();
  await b.discover();
  assert.strictEqual((await found.next()).value.network_id, 'a');
  assert.ok(b.networks().some((each) => each.network_id === 'a' && each.discovered));
  assert.strictEqual(server.handle({ method: 'GET', path: '/networks' }).status, 401);
  const own = server.serve({ address: '127.0.0.1' });
  assert.strictEqual((await fetch(`http://127.0.0.1:${own}/health`)).status, 200);
  await Promise.all([a.close(), b.close()]);
  await server.close();
  assert.strictEqual(server.port, 0);
  assert.throws(() => server.serve(), { code: 'ERR_REFLOW_INVALID_STATE' });
  mounted.close();
});

test('a mesh has a peer for each execution', async () => {
  const { net, all } = recording(1);
  const alpha = local('alpha').attach(net);
  await net.start();
  await alpha.start();
  const mesh = new PeerMesh({ networkId: 'node', bindAddress: '127.0.0.1', basePort: 23000 + process.pid % 20000, ports: 100 });
  const first = mesh.assign('one');
  const second = mesh.assign('two');
  assert.ok(second > first && mesh.size === 2);
  assert.throws(() => mesh.assign('one'), { code: 'ERR_REFLOW_ALREADY_EXISTS' });
  assert.strictEqual(await mesh.connect('one', at(alpha)), 'alpha');
  const peer = mesh.peer('one');
  assert.strictEqual(peer.port, first);
  await peer.send('alpha', 'recorder', 'in', 'from one', { confirmed: true });
  assert.deepStrictEqual(await all, ['from one']);
  await mesh.teardown('one');
  assert.strictEqual(mesh.size, 1);
  assert.throws(() => peer.status(), { code: 'ERR_REFLOW_CLOSED' });
  assert.throws(() => mesh.peer('one'), { code: 'ERR_REFLOW_NOT_FOUND' });
  await mesh.close();
  assert.throws(() => mesh.assign('three'), { code: 'ERR_REFLOW_CLOSED' });
  await alpha.close();
  await net.close();
});

test('pages of browsers are let in by name', async () => {
  const page = 'https://good.example';
  const asked = (peer, origin) => new Promise((resolve, reject) => {
    http.get({ host: '127.0.0.1', port: peer.port, path: '/health', agent: false, headers: { origin } }, (answer) => {
      answer.resume().on('end', () => resolve(answer.statusCode));
    }).on('error', reject);
  });
  const alpha = await local('alpha', { allowedOrigins: ['https://other.example', page] }).start();
  assert.strictEqual(await asked(alpha, page), 200);
  assert.strictEqual(await asked(alpha, 'https://evil.example'), 403);
  await alpha.close();
  assert.throws(() => local('alpha', { allowedOrigins: ['https://a/path'] }),
    { code: 'ERR_REFLOW_INVALID_ARGUMENT', message: /is no origin/ });
});

// OpenSSL as the other side: it makes the certificate, and knows nothing of this library.
const openssl = spawnSync('openssl', ['version']).status === 0;
test('peers and meshes speak TLS', { skip: !openssl && 'no openssl to make a certificate' }, async () => {
  const key = path.join(folder, 'key.pem');
  const certificate = path.join(folder, 'cert.pem');
  const made = spawnSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', certificate,
    '-days', '2', '-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1']);
  assert.strictEqual(made.status, 0, String(made.stderr));
  const mesh = new PeerMesh({ networkId: 'node', bindAddress: '127.0.0.1', basePort: 23000 + process.pid % 20000,
    tlsCertificateFile: certificate, tlsKeyFile: key });
  const port = mesh.assign('one');
  const answer = await new Promise((resolve, reject) => {
    https.get({ host: '127.0.0.1', port, path: '/health', ca: fs.readFileSync(certificate), agent: false }, resolve)
      .on('error', reject);
  });
  answer.resume();
  assert.strictEqual(answer.statusCode, 200);
  const trusting = await local('trusting', { tlsCaFile: certificate }).start();
  assert.strictEqual(await trusting.connect(`wss://127.0.0.1:${port}`), 'node');
  assert.strictEqual(trusting.status().links[0].scheme, 'wss');
  const careless = await local('careless', { tlsVerify: false }).start();
  assert.strictEqual(await careless.connect(`tls://127.0.0.1:${port}`), 'node');
  const careful = await local('careful').start();
  await assert.rejects(careful.connect(`wss://127.0.0.1:${port}`), { code: /^ERR_REFLOW_/ });
  assert.throws(() => local('half', { tlsCertificateFile: certificate }),
    { code: 'ERR_REFLOW_INVALID_ARGUMENT', message: /go together/ });
  for (const peer of [trusting, careless, careful, mesh]) await peer.close();
});

// A process with two peers, a network, discovery and a mesh in the middle of traffic and of waiting.
const busy = `
  const { DiscoveryServer, Network, Peer, PeerMesh, actor } = require(${JSON.stringify(createRequire(import.meta.url).resolve('reflow'))});
  (async () => {
    new DiscoveryServer().serve({ address: '127.0.0.1' });
    const net = new Network().add('r', actor({ inports: ['in'] }, async () => new Promise((done) => setTimeout(done, 50))));
    const a = new Peer({ networkId: 'a', bindAddress: '127.0.0.1' }).attach(net);
    const b = new Peer({ networkId: 'b', bindAddress: '127.0.0.1' });
    await net.start(); await a.start(); await b.start();
    await b.connect('127.0.0.1:' + a.port);
    const silent = require('node:net').createServer().listen(0, '127.0.0.1', () => {
      b.connect('127.0.0.1:' + silent.address().port, { timeout: Infinity }).catch(() => {});
      for (let i = 0; i < 1000; ++i) b.send('a', 'r', 'in', i).catch(() => {});
      const mesh = new PeerMesh({ networkId: 'n', bindAddress: '127.0.0.1', basePort: 21000, ports: 1000 });
      mesh.assign('x');
      mesh.connect('x', '127.0.0.1:' + a.port).catch(() => {});
      setImmediate(END);
    });
  })();`;

test('the process may end in the middle of all that', async () => {
  for (const [end, code] of [['() => process.exit(7)', 7], ["() => { throw new Error('on purpose'); }", 1]]) {
    const child = spawn(process.execPath, ['-e', busy.replace('END', end)], { stdio: ['ignore', 'ignore', 'pipe'] });
    let errors = '';
    child.stderr.on('data', (data) => { errors += data; });
    const late = setTimeout(() => child.kill('SIGKILL'), 200000);
    const ended = await new Promise((resolve) => { child.on('close', (...how) => resolve(how)); });
    clearTimeout(late);
    assert.deepStrictEqual(ended, [code, null], errors);
  }
});

test('so may a worker', async () => {
  for (let i = 0; i < 3; ++i) {
    const worker = new Worker(busy.replace('END', "() => require('node:worker_threads').parentPort.postMessage('now')"), { eval: true });
    await new Promise((resolve, reject) => { worker.once('message', resolve); worker.once('error', reject); });
    await worker.terminate();
  }
});
