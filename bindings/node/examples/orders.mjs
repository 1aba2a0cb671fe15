// The same graph in twenty orders of its steps, each of which can be repeated: how a test finds what depends on
// timing. Time is logical, so the hour of the delay takes none.
import { actor } from 'reflow';
import { simulated } from 'reflow/testing';

const seen = new Set();
await simulated(async (net) => {
  let order = [];
  const note = actor({ inports: ['in'], outports: ['out'] }, (ctx, value) => ({ out: `${ctx.id}${value}` }));
  const join = actor({ inports: ['in'] }, (ctx, value) => { order.push(value); });
  net.add('hour', 'Delay', { ms: 3_600_000 }).initial('hour.in', '!')
    .add('a', note).add('b', note).add('join', join)
    .connect('a.out', 'join.in').connect('b.out', 'join.in').connect('hour.out', 'join.in');
  await net.start();
  for (const id of ['a', 'b']) await net.sendMany(`${id}.in`, [1, 2]);
  await net.idle();
  seen.add(order.join(' '));
  if (order.at(-1) !== '!' || order.length !== 5) throw new Error(`the order was ${order}`);
}, { seeds: 20 })();
console.log(seen.size > 1 ? 'several orders, and the delay always last' : 'one order');
