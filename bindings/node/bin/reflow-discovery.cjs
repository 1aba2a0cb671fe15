#!/usr/bin/env node
'use strict';
// `npx reflow-discovery`: the command line tool under the name that serves discovery.
require('./reflow.cjs');
