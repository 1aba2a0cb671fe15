// The published types: complete, strict, and the same for ES modules and CommonJS.
import test from 'node:test';
import assert from 'node:assert';
import fs from 'node:fs';
import path from 'node:path';
import { spawnSync } from 'node:child_process';
import diagnostics from 'node:diagnostics_channel';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import * as named from 'reflow';

const require = createRequire(import.meta.url);
const here = path.dirname(fileURLToPath(import.meta.url));
const tools = process.env.REFLOW_NODE_TOOLS;
const skip = tools ? false : 'REFLOW_NODE_TOOLS names no node_modules with the tools';
const root = path.dirname(require.resolve('reflow/package.json'));

test('import and require give the same objects', () => {
  const required = require('reflow');
  const { default: all, ...rest } = named;
  assert.strictEqual(all, required);
  assert.deepStrictEqual(Object.keys(rest).sort(), Object.keys(required).sort());
  for (const name of Object.keys(rest)) assert.strictEqual(rest[name], required[name], name);
});

test('types tell of every name that there is, and of no other value', { skip }, () => {
  const ts = require(path.join(tools, 'typescript'));
  const file = path.join(root, 'lib', 'index.d.cts');
  const program = ts.createProgram([file], { module: ts.ModuleKind.Node16, moduleResolution: ts.ModuleResolutionKind.Node16,
    target: ts.ScriptTarget.ES2022, typeRoots: [path.join(tools, '@types')], types: ['node'] });
  const checker = program.getTypeChecker();
  const module = checker.getSymbolAtLocation(program.getSourceFile(file));
  const values = checker.getExportsOfModule(module)
    .map((symbol) => (symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol))
    .filter((symbol) => symbol.flags & ts.SymbolFlags.Value).map((symbol) => symbol.name);
  assert.deepStrictEqual(values.sort(), Object.keys(require('reflow')).sort());
  // Each public method of a class has a type, and each method with a type is there.
  for (const name of ['Graph', 'Network', 'Peer', 'PeerMesh', 'DiscoveryServer', 'EventStream', 'MessageStream', 'StreamWriter', 'Replay',
    'StateTable', 'FramePool']) {
    const symbol = checker.getExportsOfModule(module).find((each) => each.name === name);
    const type = checker.getDeclaredTypeOfSymbol(symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol);
    const typed = checker.getPropertiesOfType(type).map((each) => each.name).filter((each) => !each.startsWith('__@'));
    const Class = require('reflow')[name];
    const there = new Set();
    for (let at = Class.prototype; at !== Object.prototype; at = Object.getPrototypeOf(at)) {
      for (const key of Object.getOwnPropertyNames(at)) if (key !== 'constructor' && !key.startsWith('_')) there.add(key);
    }
    assert.deepStrictEqual(typed.sort(), [...there].sort(), name);
  }
});

test('a program that uses all of it compiles with tsc --strict', { skip }, () => {
  const tsc = path.join(tools, 'typescript', 'bin', 'tsc');
  const done = spawnSync(process.execPath, [tsc, '-p', path.join(here, 'types'), '--typeRoots', path.join(tools, '@types')],
    { encoding: 'utf8' });
  assert.strictEqual(done.status, 0, done.stdout);
});

test('the package is for the platforms that are inside', { skip: !process.env.REFLOW_NODE_STAGE && 'no package' }, () => {
  const stage = process.env.REFLOW_NODE_STAGE;
  const manifest = JSON.parse(fs.readFileSync(path.join(stage, 'package.json'), 'utf8'));
  const claimed = manifest.os.flatMap((system) => manifest.cpu.map((cpu) => `${system}-${cpu}`));
  assert.deepStrictEqual(claimed, fs.readdirSync(path.join(stage, 'prebuilds')));
});

// The tool does not start without these, which Node 19 has not; what it says depends on no version of Node.
const attwStarts = 'tracingChannel' in diagnostics;
const noAttw = attwStarts ? !process.env.REFLOW_NODE_STAGE && 'no package' : 'this Node is too old for attw';

test('attw finds no problem in the package', { skip: skip || noAttw }, () => {
  const attw = path.join(tools, '@arethetypeswrong', 'cli', 'dist', 'index.js');
  const folder = fs.mkdtempSync(path.join(process.env.TMPDIR ?? '/tmp', 'reflow attw '));
  const packed = spawnSync('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', folder, process.env.REFLOW_NODE_STAGE],
    { encoding: 'utf8' });
  assert.strictEqual(packed.status, 0, packed.stderr);
  const tarball = path.join(folder, fs.readdirSync(folder)[0]);
  const done = spawnSync(process.execPath, [attw, tarball, '--no-color', '--format', 'ascii'], { encoding: 'utf8' });
  fs.rmSync(folder, { recursive: true });
  assert.strictEqual(done.status, 0, done.stdout + done.stderr);
  assert.match(done.stdout, /No problems found/);
});
