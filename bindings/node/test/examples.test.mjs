// Every example runs, ends by itself, and prints what it says.
import test from 'node:test';
import assert from 'node:assert';
import fs from 'node:fs';
import path from 'node:path';
import { createHash } from 'node:crypto';
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
const folder = path.join(here, '..', 'examples');
const examples = folder;
const source = process.env.REFLOW_SOURCE ?? path.join(here, '..', '..', '..');
const weather = path.join(source, 'examples', 'weather');

function run(name, args = []) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [path.join(examples, name), ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    const late = setTimeout(() => { child.kill('SIGKILL'); }, 200000);
    const texts = ['', ''];
    child.stdout.on('data', (data) => { texts[0] += data; });
    child.stderr.on('data', (data) => { texts[1] += data; });
    child.on('error', reject);
    child.on('close', (code, signal) => {
      clearTimeout(late);
      resolve({ code, signal, lines: texts[0].trimEnd().split('\n'), errors: texts[1] });
    });
  });
}

// Days of the table that are wet and windy, counted without the engine.
function storms() {
  const [head, ...rows] = fs.readFileSync(path.join(weather, 'seattle-weather.csv'), 'utf8').trim().split(/\r?\n/);
  const column = (name) => head.split(',').indexOf(name);
  const [wind, wet] = [column('wind'), column('precipitation')];
  const days = rows.map((row) => row.split(',').map(Number));
  return [days.length, days.filter((day) => day[wind] >= 6 && day[wet] >= 10).length];
}

const sum = 100_000 * 100_001; // twice 1 + 2 + ... + 100,000
const expected = {
  'average.mjs': ['mean 2.7'],
  'change.cjs': ['10 100 replaced 1'],
  'digest.mjs': (lines) => {
    const bytes = fs.readFileSync(path.join(folder, 'digest.mjs'));
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    return lines[0] === JSON.stringify({ name: 'digest.mjs', bytes: bytes.length, sha256 });
  },
  'draw.mjs': (lines) => lines[0] === 'flowchart LR' && lines.at(-1) === 'read again: true',
  'failures.mjs': ["after 3 attempts: node 'store': the store is down", 'dead letters: 1', 'stored: 1'],
  'frames.mjs': ["[ [ 'bright', 2 ], [ 'dark', 4 ] ]", '6 frames, 0 held'],
  'hello.mjs': ['42'],
  'lines.mjs': (lines) => /^\d+ words, most often '\w+'$/.test(lines[0]),
  'numbers.mjs': [`sum ${sum}`],
  'orders.mjs': ['several orders, and the delay always last'],
  'pages.mjs': Array.from({ length: 8 }, (_, i) => `page ${i}`),
  'peers.mjs': ['linked to billing', 'order 1: 30', 'order 2: 60', 'order 3: 90'],
  'resume.mjs': ['tea 1', 'milk 1', 'tea 2', 'tea 3', 'sugar 1'],
  'streams.mjs': ['SOME WORDS IN CHUNKS'],
  'watch.mjs': (lines) => lines.includes('parse.value -> log: {"a":1}') && lines.includes('parse.value -> log: [2,3]') &&
    lines.some((line) => line.startsWith('parse failed: ')) && lines[0] === 'NetworkStarted' &&
    lines.includes('parse: 3 firings, 1 failed, times measured: true') && lines.at(-1) === 'NetworkShutdown',
  'weather.mjs': (lines) => {
    const [days, stormy] = storms();
    return lines[0] === `ok: ${days} days, ${stormy} storms` && lines[1].includes('summary.jsonl');
  },
};

test('there is a result for each example', () => {
  assert.deepStrictEqual(fs.readdirSync(examples).filter((name) => /\.[cm]js$/.test(name)).sort(), Object.keys(expected).sort());
});

for (const [name, result] of Object.entries(expected)) {
  const skip = name === 'weather.mjs' && !fs.existsSync(weather) ? 'the weather graph is not here' : false;
  test(name, { skip }, async () => {
    const { code, signal, lines, errors } = await run(name, [path.join(weather, 'weather.graph.json')]);
    assert.deepStrictEqual([code, signal], [0, null], errors);
    if (typeof result === 'function') assert.ok(result(lines), lines.join('\n'));
    else assert.deepStrictEqual(lines, result);
  });
}
