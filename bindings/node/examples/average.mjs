// An actor as a class: an instance for each node, with setup, configuration, state, and a last word.
import { Network } from 'reflow';

class Average {
  static inports = ['in'];
  static outports = ['mean'];

  constructor(config) {
    this.digits = config.digits ?? 2;
  }

  setup() {
    this.sum = 0;
    this.count = 0;
  }

  run(ctx, value) {
    this.sum += value;
    this.count += 1;
  }

  // When the network drains.
  finish() {
    return { mean: Number((this.sum / this.count).toFixed(this.digits)) };
  }
}

const net = new Network().add('average', Average, { digits: 3 });
const means = net.stream('average.mean');
await net.start();
await net.sendMany('average.in', [1, 2, 2, 5, 3.5]);
await net.drain();
await net.stop();
for await (const mean of means) console.log(`mean ${mean}`);
await net.close();
