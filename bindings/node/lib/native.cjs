'use strict';
// Finds what is not JavaScript: the addon and the command line tool. In a package they lie below
// prebuilds/<platform>/; REFLOW_NODE_PREBUILD names another folder of that kind, such as that of a
// build tree. Nothing is downloaded or compiled.

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

// glibc or musl: the report tells, without starting a program.
function libc() {
  if (process.platform !== 'linux') return '';
  const report = process.report;
  const quiet = report.excludeNetwork;
  report.excludeNetwork = true; // names of hosts are not looked up
  const header = report.getReport().header;
  report.excludeNetwork = quiet;
  return header.glibcVersionRuntime ? '' : '-musl';
}

function platformName() {
  return `${process.platform}-${process.arch}`;
}

function noBinary(what, tried) {
  const prebuilds = path.join(__dirname, '..', 'prebuilds');
  const there = fs.existsSync(prebuilds) ? fs.readdirSync(prebuilds).join(', ') : 'none';
  const error = new Error(
    `reflow has no ${what} for ${platformName()}${libc()} (looked for ${tried}; there is: ${there})`);
  error.code = 'ERR_REFLOW_NO_BINARY';
  error.hint = 'build the package on this platform: `make packages` in the source tree';
  return error;
}

function folder() {
  return process.env.REFLOW_NODE_PREBUILD || path.join(__dirname, '..', 'prebuilds', platformName());
}

/** Path of the command line tool; throws ERR_REFLOW_NO_BINARY. */
function programPath() {
  const program = path.join(folder(), 'bin', 'reflow');
  if (!fs.existsSync(program)) throw noBinary('command line tool', program);
  return program;
}

/** Path of the addon; throws ERR_REFLOW_NO_BINARY. */
function addonPath() {
  const addon = path.join(folder(), 'reflow.node');
  if (!fs.existsSync(addon)) throw noBinary('addon', addon);
  return addon;
}

/**
 * Loads the addon. Node exports the symbols of its own libuv, OpenSSL and zlib to every library in the
 * process; RTLD_DEEPBIND lets the engine find those that it was linked with first.
 */
function loadAddon() {
  const file = addonPath();
  // Sanitizers do not allow it.
  const own = process.env.REFLOW_NODE_DEEPBIND === '0' ? 0 : os.constants.dlopen.RTLD_DEEPBIND ?? 0;
  const flags = os.constants.dlopen.RTLD_NOW | own;
  const module = { exports: {} };
  try {
    process.dlopen(module, file, flags);
  } catch (cause) {
    const error = new Error(`reflow cannot load its addon ${file}: ${cause.message}`, { cause });
    error.code = 'ERR_REFLOW_NO_BINARY';
    error.hint = /GLIBC|libc\.musl|ld-musl/.test(cause.message)
      ? 'this package needs glibc 2.34 and libstdc++ of gcc 12 or newer (Debian 12, Ubuntu 22.04)'
      : '';
    throw error;
  }
  return module.exports;
}

module.exports = { addonPath, loadAddon, platformName, programPath };
