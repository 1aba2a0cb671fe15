// Numbers in batches: an actor that gets a Float64Array, and 100,000 packets through it.
import { Network, actor } from 'reflow';

const scale = actor({ inports: ['in'], outports: ['out'], batch: 'numbers' }, (ctx, values) => {
  for (let i = 0; i < values.length; ++i) values[i] = values[i] * ctx.config.factor;
  return { out: values };
});

let sum = 0;
const total = actor({ inports: ['in'], batch: 'numbers' }, (ctx, values) => {
  for (const value of values) sum += value;
});

const net = new Network().add('scale', scale, { factor: 2 }).add('total', total).connect('scale.out', 'total.in');
await net.start();
await net.sendMany('scale.in', (function* count() {
  for (let n = 1; n <= 100_000; ++n) yield n;
})());
await net.idle();
console.log(`sum ${sum}`);
await net.close();
