#!/usr/bin/env node
'use strict';
// `npx reflow`: starts the command line tool that lies beside the addon, under the name that this
// file was called by, and ends as it ends. Signals reach the tool, which shuts down in order.

const { spawn } = require('node:child_process');
const os = require('node:os');
const path = require('node:path');
const { programPath } = require('../lib/native.cjs');

const names = ['reflow', 'reflow-peer', 'reflow-discovery'];

function main() {
  let program;
  try {
    program = programPath();
  } catch (error) {
    process.stderr.write(`reflow: ${error.message}\n`);
    process.exitCode = 1;
    return;
  }
  // A terminal sends Ctrl-C to both; what comes to this process alone is passed on. Before the tool starts, since a
  // signal that ended this process only would leave the tool behind; the calls come once main() has returned.
  const pass = (signal) => child.kill(signal);
  const ignore = () => {};
  process.on('SIGINT', process.stdin.isTTY ? ignore : pass);
  for (const signal of ['SIGTERM', 'SIGHUP', 'SIGQUIT']) process.on(signal, pass);
  const called = path.basename(process.argv[1] ?? '', '.cjs');
  const child = spawn(program, process.argv.slice(2), {
    argv0: names.includes(called) ? called : 'reflow',
    stdio: 'inherit',
  });
  child.on('error', (error) => {
    process.stderr.write(`reflow: cannot start ${program}: ${error.message}\n`);
    process.exitCode = 1;
  });
  child.on('exit', (code, signal) => {
    process.exitCode = signal === null ? code : 128 + (os.constants.signals[signal] ?? 0);
  });
}

main();
