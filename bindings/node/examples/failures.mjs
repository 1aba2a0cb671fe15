// What fails: tried again, sent to an error port, or kept as a dead letter that can be played back.
import { Network, actor } from 'reflow';

let down = true;
const store = actor({ name: 'Store', inports: ['in'], outports: ['stored'] }, (ctx, order) => {
  if (typeof order.amount !== 'number') throw new TypeError(`no amount in order ${order.id}`);
  if (down) throw new Error('the store is down');
  return { stored: order.id };
});

const net = new Network().add('store', store, { failure: { retries: 2, backoff_ms: 1 } });
const failures = net.events({ kinds: ['ActorFailed'] });
const stored = net.stream('store.stored');
await net.start();
await net.send('store.in', { id: 1, amount: 10 });
const { value: failure } = await failures.next();
console.log(`after ${failure.count} attempts: ${failure.error}`);
await net.idle();
console.log(`dead letters: ${net.deadLetters().map((letter) => letter.packets[0].message.id)}`);
down = false;
net.replayDeadLetters();
await net.idle();
console.log(`stored: ${(await stored.next()).value}`);
await net.close();
