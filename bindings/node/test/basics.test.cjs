'use strict';
const test = require('node:test');
const assert = require('node:assert');
const { Network, actor, ReflowError } = require('../lib/index.cjs');

test('a plain function end to end', async () => {
  const seen = [];
  const double = actor({ inports: ['in'], outports: ['out'] }, (ctx, value) => ({ out: value * 2 }));
  const log = actor({ inports: ['in'] }, (ctx, value) => { seen.push(value); });
  const net = new Network();
  net.add('d', double).add('log', log).connect('d.out', 'log.in');
  await net.start();
  await net.send('d.in', 21);
  await net.idle();
  assert.deepStrictEqual(seen, [42]);
  await net.close();
});
