'use strict';
// The addon, loaded once for each environment. What it calls in turn is handed over by install.cjs.

const { loadAddon } = require('./native.cjs');

module.exports = loadAddon();
