// npx reflow: the command line tool of the package.
import test from 'node:test';
import assert from 'node:assert';
import { spawn, spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import path from 'node:path';
import { version } from 'reflow';

const require = createRequire(import.meta.url);
const root = path.dirname(require.resolve('reflow/package.json'));
const bin = require('reflow/package.json').bin;
const launcher = (name = 'reflow') => path.join(root, bin[name]);

const call = (args, options) => spawnSync(process.execPath, [launcher(), ...args], { encoding: 'utf8', ...options });

test('it is the tool of this version, with its output and exit codes', () => {
  const told = call(['version']);
  assert.strictEqual(told.status, 0);
  assert.match(told.stdout, new RegExp(version.replaceAll('.', '\\.')));
  assert.strictEqual(call(['nonsense']).status, 2);
  assert.match(call(['--help'], { env: { ...process.env, PATH: '' } }).stdout, /graph/);
});

test('it runs a graph, with standard input', () => {
  const graph = JSON.stringify({ processes: { sq: { component: 'Map', metadata: { value: 'it * it' } } },
    inports: { n: { nodeId: 'sq', portId: 'in' } }, outports: { out: { nodeId: 'sq', portId: 'out' } } });
  const ran = call(['run', '-', '--input', 'n=12', '--json'], { input: graph });
  assert.strictEqual(ran.status, 0, ran.stderr);
  assert.deepStrictEqual(JSON.parse(ran.stdout).outputs, { out: [144] });
});

test('the other two names', () => {
  for (const name of ['reflow-peer', 'reflow-discovery']) {
    const told = spawnSync(process.execPath, [launcher(name), '--help'], { encoding: 'utf8' });
    assert.strictEqual(told.status, 0);
    assert.match(told.stdout, name === 'reflow-peer' ? /--config/ : /--bind/);
  }
});

test('a signal reaches the tool, and its end is told', async () => {
  const child = spawn(process.execPath, [launcher(), 'discovery', 'serve', '--bind', '127.0.0.1:0'],
    { stdio: ['ignore', 'pipe', 'pipe'] });
  const said = new Promise((resolve) => { child.stderr.once('data', resolve); child.stdout.once('data', resolve); });
  await said;
  child.kill('SIGTERM');
  const [code, signal] = await new Promise((resolve) => { child.on('exit', (...end) => resolve(end)); });
  assert.strictEqual(signal, null);
  assert.ok(code === 0 || code === 143 || code === 130, `${code}`);
});
