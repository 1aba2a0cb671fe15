// A counter that survives its process: a snapshot is taken, and a new network goes on where the first one stood.
import { Network } from 'reflow';

class Count {
  static inports = ['in'];
  static outports = ['out'];
  constructor() { this.seen = new Map(); }
  run(ctx, word) {
    this.seen.set(word, (this.seen.get(word) ?? 0) + 1);
    return { out: `${word} ${this.seen.get(word)}` };
  }
  save() { return this.seen; }
  load(saved) { this.seen = new Map(Object.entries(saved)); }
}

async function count(words, snapshot) {
  const net = new Network().add('count', Count);
  const out = net.stream('count.out');
  if (snapshot !== undefined) await net.restore(snapshot);
  await net.start();
  await net.sendMany('count.in', words);
  for (let i = 0; i < words.length; i++) console.log((await out.next()).value);
  await net.idle();
  const taken = await net.snapshot();
  await net.close();
  return taken;
}

const snapshot = await count(['tea', 'milk', 'tea']);
await count(['tea', 'sugar'], snapshot);
