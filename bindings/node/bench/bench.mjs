// Measures the Node package: rows in the shape of build/bench.json, beside NoFlo where that is installed
// below build/node/peers (scripts/bench-node.sh); mode hosted beside mode own.
//
//   node --expose-gc bench.mjs [--json file] [--rows part,part] [--runs n] [--peers folder]
//
// A row is the median of its runs; peers run in turns with it, in the same minute.

import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const require = createRequire(import.meta.url);
const here = path.dirname(fileURLToPath(import.meta.url));
const packageFile = path.join(here, '..', 'lib', 'index.cjs');
const { Network, actor, transfer } = require(packageFile);

const { values: options } = parseArgs({
  options: {
    json: { type: 'string' }, rows: { type: 'string', default: '' },
    runs: { type: 'string', default: '5' }, peers: { type: 'string', default: '' },
  },
});
const runs = Number(options.runs);

const seconds = (begin) => Number(process.hrtime.bigint() - begin) / 1e9;
const median = (all) => [...all].sort((a, b) => a - b)[Math.floor(all.length / 2)];
const wrong = (what) => { throw new Error(`a wrong result: ${what}`); };

// ---- through networks

const PACKETS = 2_000_000;
const numbers = Array.from({ length: PACKETS }, (_, i) => i);

// Packets per second of a network whose first node is fed with numbers. The last node counts.
async function throughput(make, { count = PACKETS, expected = count, mode = 'own' } = {}) {
  const net = new Network({ mode });
  make(net);
  await net.start();
  const begin = process.hrtime.bigint();
  await net.sendMany('first.in', count === PACKETS ? numbers : numbers.slice(0, count));
  await net.idle();
  const took = seconds(begin);
  const { fired } = net.report().last;
  if (fired !== expected) wrong(`${fired} firings instead of ${expected}`);
  await net.close();
  return count / took;
}

const into = (body, more) => actor({ inports: ['in'], outports: ['out'], ...more }, body);
const double = (more) => into((ctx, value) => ({ out: value * 2 }), more);

function chain(first) {
  return (net) => net.add('first', first).add('last', 'Counter').connect('first.out', 'last.in');
}

// Ten actors of JavaScript in a row.
function row(net) {
  for (let i = 0; i < 10; i++) net.add(i === 0 ? 'first' : `a${i}`, into((ctx, value) => ({ out: value + 1 })));
  for (let i = 1; i < 10; i++) net.connect(`${i === 1 ? 'first' : `a${i - 1}`}.out`, `a${i}.in`);
  net.add('last', 'Counter').connect('a9.out', 'last.in');
}

// The same in mode hosted, beside mode own in the same minute.
function hosted(name, unit, run, more = {}) {
  return { name: `node-hosted-${name}`, unit, run: () => run('hosted'), peers: { own: () => run('own') }, ...more };
}

async function sendOneByOne() {
  const net = new Network();
  net.add('first', double()).add('last', 'Counter').connect('first.out', 'last.in');
  await net.start();
  const count = PACKETS / 4;
  const begin = process.hrtime.bigint();
  for (let i = 0; i < count; i++) await net.send('first.in', i);
  await net.idle();
  const took = seconds(begin);
  if (net.report().last.fired !== count) wrong('packets are missing');
  await net.close();
  return count / took;
}

async function streaming() {
  const net = new Network();
  net.add('first', double());
  const stream = net.stream('first.out');
  await net.start();
  const count = PACKETS / 4;
  const begin = process.hrtime.bigint();
  const sending = net.sendMany('first.in', numbers.slice(0, count)).then(() => net.drain());
  let seen = 0;
  for await (const value of stream) seen += value >= 0 ? 1 : 0;
  const took = seconds(begin);
  await sending;
  if (seen !== count) wrong(`${seen} values`);
  await net.close();
  return count / took;
}

// Nanoseconds from a send into an idle network to the value on the other side.
async function roundTrip(mode = 'own') {
  const net = new Network({ mode });
  net.add('first', double());
  const stream = net.stream('first.out');
  await net.start();
  const times = [];
  for (let i = 0; i < 3000; i++) {
    const begin = process.hrtime.bigint();
    net.trySend('first.in', i);
    const { value } = await stream.next();
    times.push(seconds(begin) * 1e9);
    if (value !== 2 * i) wrong(value);
  }
  await net.close();
  return median(times);
}

// Microseconds for 1 MiB of numbers through an actor that passes it on, from and to JavaScript.
async function payload() {
  const net = new Network();
  let got = 0;
  net.add('first', into((ctx, value) => ({ out: value }), { typed: true }))
    .add('last', actor({ inports: ['in'], typed: true }, (ctx, value) => { got += value.length; }))
    .connect('first.out', 'last.in');
  await net.start();
  const message = transfer(new Float64Array(131072));
  const count = 20_000;
  const begin = process.hrtime.bigint();
  await net.sendMany('first.in', Array(count).fill(message));
  await net.idle();
  const took = seconds(begin);
  if (got !== count * 131072) wrong(got);
  await net.close();
  return took / count * 1e6;
}

// ---- processes

function requireTime() {
  const { stdout } = spawnSync(process.execPath, ['-e',
    `const begin = process.hrtime.bigint(); require(${JSON.stringify(packageFile)});
     console.log(Number(process.hrtime.bigint() - begin) / 1e6);`], { encoding: 'utf8' });
  return Number(stdout);
}

// MiB that the resident memory grows by over ten million packets, behind a warm-up.
function growth() {
  const { stdout, stderr } = spawnSync(process.execPath, ['--expose-gc', '-e', `
    const { Network, actor } = require(${JSON.stringify(packageFile)});
    (async () => {
      const net = new Network();
      net.add('a', actor({ inports: ['in'], outports: ['out'] }, (ctx, v) => ({ out: v + 0.5 })))
        .add('b', actor({ inports: ['in'] }, () => {})).connect('a.out', 'b.in');
      await net.start();
      const data = Array.from({ length: 100000 }, (_, i) => i);
      const rounds = async (n) => {
        for (let i = 0; i < n; i++) await net.sendMany('a.in', data);
        await net.idle();
        gc();
        return process.memoryUsage().rss;
      };
      const before = await rounds(30);
      const after = await rounds(100);
      console.log((after - before) / 2 ** 20);
      await net.close();
    })();`], { encoding: 'utf8' });
  if (!stdout) wrong(stderr);
  return Number(stdout);
}

// ---- peers

function noflo() {
  if (!options.peers) return undefined;
  let lib;
  try {
    lib = createRequire(path.join(path.resolve(options.peers), 'x.js'))('noflo');
  } catch {
    return undefined;
  }
  // Two components and a socket between them, without a network around: the least that NoFlo has.
  return async () => {
    let fired = 0;
    const component = new lib.Component({
      inPorts: { in: { datatype: 'number' } }, outPorts: { out: { datatype: 'number' } } });
    component.process((input, output) => {
      if (!input.hasData('in')) return;
      output.sendDone({ out: input.getData('in') * 2 });
    });
    const first = lib.internalSocket.createSocket();
    const last = lib.internalSocket.createSocket();
    component.inPorts.in.attach(first);
    component.outPorts.out.attach(last);
    last.on('ip', () => { fired++; });
    await component.start();
    const count = 100_000;
    const begin = process.hrtime.bigint();
    for (let i = 0; i < count; i++) first.send(i);
    while (fired < count) await new Promise((resolve) => { setImmediate(resolve); });
    return count / seconds(begin);
  };
}

// ---- rows

const nofloRun = noflo();
const peers = nofloRun ? { noflo: nofloRun } : {};
const LESS = 'lower';
const rows = [
  { name: 'node-one-by-one', unit: 'packets/s', budget: 3e6, run: () => throughput(chain(double())), peers },
  { name: 'node-batch', unit: 'packets/s', budget: 8e6, peers,
    run: () => throughput(chain(into((ctx, all) => ({ out: all.map((v) => v * 2) }), { batch: true }))) },
  { name: 'node-batch-numbers', unit: 'packets/s', budget: 8e6, peers,
    run: () => throughput(chain(into((ctx, all) => ({ out: all.map((v) => v * 2) }), { batch: 'numbers' }))) },
  { name: 'node-objects', unit: 'packets/s', peers,
    run: () => throughput(chain(into((ctx, value) => ({ out: { value, text: 'as before' } }))),
      { count: PACKETS / 4 }) },
  { name: 'node-async', unit: 'firings/s',
    run: () => throughput(chain(into(async (ctx, value) => ({ out: value * 2 }),
      { maxConcurrency: 64, ordered: false })), { count: PACKETS / 8 }) },
  { name: 'node-send', unit: 'packets/s', run: sendOneByOne },
  { name: 'node-stream', unit: 'packets/s', run: streaming },
  { name: 'node-round-trip', unit: 'ns', better: LESS, run: () => roundTrip() },
  { name: 'node-payload-1048576', unit: 'us', better: LESS, run: payload },
  hosted('one-by-one', 'packets/s', (mode) => throughput(chain(double()), { mode })),
  hosted('batch', 'packets/s', (mode) => throughput(
    chain(into((ctx, all) => ({ out: all.map((v) => v * 2) }), { batch: true })), { mode })),
  hosted('row-of-10', 'packets/s', (mode) => throughput(row, { mode, count: PACKETS / 8 })),
  hosted('async', 'firings/s', (mode) => throughput(chain(into(async (ctx, value) => ({ out: value * 2 }),
    { maxConcurrency: 64, ordered: false })), { mode, count: PACKETS / 8 })),
  hosted('round-trip', 'ns', roundTrip, { better: LESS }),
  { name: 'node-require', unit: 'ms', budget: 40, better: LESS, run: requireTime },
  { name: 'node-memory-10m', unit: 'MiB', budget: 8, better: LESS, once: true, run: growth },
];

async function measure(row) {
  const own = [];
  const others = Object.fromEntries(Object.keys(row.peers ?? {}).map((name) => [name, []]));
  const count = row.once ? 1 : runs;
  await row.run(); // warm
  for (let i = 0; i < count; i++) {
    own.push(await row.run());
    for (const [name, run] of Object.entries(row.peers ?? {})) others[name].push(await run());
  }
  const value = median(own);
  const better = row.better ?? 'higher';
  const medians = Object.fromEntries(Object.entries(others).map(([name, all]) => [name, median(all)]));
  const [peer, peerValue] = Object.entries(medians)
    .sort((a, b) => (better === LESS ? a[1] - b[1] : b[1] - a[1]))[0] ?? [null, null];
  const ratio = peer === null ? null : (better === LESS ? peerValue / value : value / peerValue);
  const met = row.budget === undefined ? null : (better === LESS ? value <= row.budget : value >= row.budget);
  return { name: row.name, value, unit: row.unit, peer, peer_value: peerValue, ratio, limit: null,
    budget: row.budget ?? null, met, better, limit_name: null, others: medians, runs: count, quick: runs === 1,
    disturbance: os.loadavg()[0], machine: `${os.cpus()[0]?.model} x ${os.cpus().length}, node ${process.version}` };
}

const short = (value) => (value === null ? '-' : value >= 1e6 ? `${(value / 1e6).toFixed(2)} M`
  : value >= 1e4 ? `${(value / 1e3).toFixed(1)} k` : value.toFixed(2));
const wanted = options.rows.split(',').filter(Boolean);
const results = [];
console.log(`${'row'.padEnd(24)}${'unit'.padEnd(12)}${'reflow'.padStart(10)}${'peer'.padStart(10)}` +
  `${'ratio'.padStart(8)}${'budget'.padStart(10)}`);
for (const row of rows) {
  if (wanted.length > 0 && !wanted.some((part) => row.name.includes(part))) continue;
  const result = await measure(row);
  results.push(result);
  console.log(`${row.name.padEnd(24)}${row.unit.padEnd(12)}${short(result.value).padStart(10)}` +
    `${short(result.peer_value).padStart(10)}${short(result.ratio).padStart(8)}` +
    `${short(result.budget).padStart(10)}  ${result.met === null ? '' : result.met ? 'met' : 'missed'}`);
}
if (!nofloRun) console.log('NoFlo is not there: scripts/bench-node.sh installs it');
if (options.json) {
  writeFileSync(options.json, `[\n${results.map((row) => `  ${JSON.stringify(row)}`).join(',\n')}\n]\n`);
}
