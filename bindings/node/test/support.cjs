'use strict';
// What the tests share. REFLOW_NODE_PACKAGE names the package to test, such as "reflow" in a folder where
// the tarball was installed; default: the sources beside the tests.

const { spawn } = require('node:child_process');

const packageName = process.env.REFLOW_NODE_PACKAGE
  ? require.resolve(process.env.REFLOW_NODE_PACKAGE, { paths: [process.cwd()] })
  : require.resolve('../lib/index.cjs');

// Runs a program that is given as text, with `reflow` and `net` helpers in scope; answers with its end.
function runProgram(source, { args = [], env = {}, timeout = 120000 } = {}) {
  const text = `'use strict';\nconst reflow = require(${JSON.stringify(packageName)});\n` +
    `const { Network, actor } = reflow;\n${source}`;
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [...args, '-e', text],
      { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    const timer = setTimeout(() => child.kill('SIGKILL'), timeout);
    child.stdout.on('data', (data) => { stdout += data; });
    child.stderr.on('data', (data) => { stderr += data; });
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      resolve({ code, signal, stdout, stderr });
    });
  });
}

// Waits until a condition holds; fails after the deadline.
async function until(condition, what, milliseconds = 60000) {
  const deadline = Date.now() + milliseconds;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`${what} did not come within ${milliseconds} ms`);
    await new Promise((resolve) => { setImmediate(resolve); });
  }
}

// A network that collects what comes out of a node's outport.
async function collect(reflow, make, inputs, { node = 'd', port = 'in', out = 'out' } = {}) {
  const { Network, actor } = reflow;
  const seen = [];
  const net = new Network();
  make(net);
  net.add('sink', actor({ inports: ['in'] }, (ctx, value) => { seen.push(value); }));
  net.connect(`${node}.${out}`, 'sink.in');
  await net.start();
  if (inputs !== undefined) await net.sendMany(`${node}.${port}`, inputs);
  await net.idle({ timeout: 10000 });
  await net.close();
  return seen;
}

module.exports = { collect, packageName, reflow: require(packageName), runProgram, until };
