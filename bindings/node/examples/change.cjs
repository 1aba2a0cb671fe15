'use strict';
// A network is changed while it runs, and nothing is lost; for CommonJS.
const { Network, actor } = require('reflow');

const times = (factor) => actor({ name: `Times${factor}`, inports: ['in'], outports: ['out'] },
  (ctx, value) => ({ out: value * factor }));

async function main() {
  const net = new Network().add('first', times(10));
  const hundred = net.register(times(100));
  const results = net.stream('first.out');
  await net.start();
  await net.send('first.in', 1);
  await net.idle();
  // The node gets another component; the stream follows it.
  const change = await net.apply(net.graph().setComponent('first', hundred));
  await net.send('first.in', 1);
  await net.idle();
  console.log((await results.next()).value, (await results.next()).value, `replaced ${change.nodesReplaced}`);
  await net.close();
}

main();
