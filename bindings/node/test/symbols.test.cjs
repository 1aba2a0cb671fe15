'use strict';
// Node has a libuv and an OpenSSL of its own, whose symbols every library in the process can see. The engine
// has to get those that it was linked with. The dynamic linker tells what it has bound to what.
const test = require('node:test');
const assert = require('node:assert');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { runProgram } = require('./support.cjs');

test('the engine is bound to its own libraries and not to those inside Node',
  { skip: process.platform === 'linux' ? false : 'LD_DEBUG is of Linux' }, async () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'reflow-bindings-'));
    try {
      const { code, stderr } = await runProgram('', {
        env: { LD_DEBUG: 'bindings', LD_DEBUG_OUTPUT: path.join(folder, 'log') } });
      assert.strictEqual(code, 0, stderr);
      const text = fs.readdirSync(folder).map((name) => fs.readFileSync(path.join(folder, name), 'utf8')).join('');
      const found = { uv: 0, ssl: 0, napi: 0 };
      for (const line of text.split('\n')) {
        const match = /binding file .*libreflow\.so\S* \[\d+\] to (.+?) \[\d+\]: normal symbol `([^']+)'/.exec(line);
        if (match === null) {
          if (/binding file .*reflow\.node \[\d+\] to .*node \[\d+\]: normal symbol `napi_/.test(line)) found.napi++;
          continue;
        }
        const [, library, symbol] = match;
        if (/^uv_/.test(symbol)) {
          assert.match(library, /libuv/, symbol);
          found.uv++;
        } else if (/^(SSL|EVP|X509|ERR|BIO|OPENSSL|RAND|PEM)_/.test(symbol)) {
          assert.match(library, /lib(ssl|crypto)/, symbol);
          found.ssl++;
        }
      }
      assert.ok(found.uv > 10 && found.ssl > 10 && found.napi > 10, JSON.stringify(found));
    } finally {
      fs.rmSync(folder, { recursive: true });
    }
  });
