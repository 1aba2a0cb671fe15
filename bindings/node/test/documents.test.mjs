// The programs in README.md and docs/node.md run as they stand, and print what the text says.
import test from 'node:test';
import assert from 'node:assert';
import fs from 'node:fs';
import path from 'node:path';
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
const source = process.env.REFLOW_SOURCE ?? path.join(here, '..', '..', '..');
const skip = fs.existsSync(path.join(source, 'docs', 'node.md')) ? false : 'the documents are not here';

// Programs in a document: blocks of JavaScript that import something.
function programs(name) {
  const text = fs.readFileSync(path.join(source, name), 'utf8');
  return [...text.matchAll(/```js\n([^]*?)```/g)].map((match) => match[1]).filter((code) => code.includes('import '));
}

// Runs a program beside this file, so that it finds the package as a program of its own would.
function run(code) {
  const folder = fs.mkdtempSync(path.join(here, 'document-'));
  try {
    const file = path.join(folder, 'program.mjs');
    fs.writeFileSync(file, code);
    for (const name of ['weather.graph.json', 'seattle-weather.csv']) {
      fs.copyFileSync(path.join(source, 'examples', 'weather', name), path.join(folder, name));
    }
    const done = spawnSync(process.execPath, [file], { cwd: folder, encoding: 'utf8', timeout: 60000 });
    assert.strictEqual(done.status, 0, done.stderr);
    return done;
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
}

test('docs/node.md', { skip }, () => {
  const [first, weather, peers, ...rest] = programs('docs/node.md');
  assert.strictEqual(rest.length, 0);
  assert.strictEqual(run(first).stdout, '42\n');
  assert.match(run(weather).stdout, /^ok 1461 0$/m);
  assert.strictEqual(run(peers).stdout, 'hello-from-beta\n');
});

test('README.md', { skip }, () => {
  const [only, ...rest] = programs('README.md').filter((code) => code.includes("from 'reflow'"));
  assert.strictEqual(rest.length, 0);
  assert.strictEqual(run(only).stderr, 'INFO  log: 42\n');
});

test('the README of the package', { skip: fs.existsSync(path.join(here, '..', 'README.md')) ? skip : 'it is not here' }, () => {
  const [first, second] = programs('bindings/node/README.md');
  assert.strictEqual(run(first).stdout, '42\n');
  assert.strictEqual(run(second).stdout, "[ { name: 'world', text: 'hello world' } ]\n");
});
