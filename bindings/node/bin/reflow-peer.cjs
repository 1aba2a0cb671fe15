#!/usr/bin/env node
'use strict';
// `npx reflow-peer`: the command line tool under the name that runs a peer.
require('./reflow.cjs');
