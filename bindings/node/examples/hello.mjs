// The smallest program: an actor in JavaScript, a component of the engine, one value.
import { Network, actor } from 'reflow';

const double = actor({ inports: ['in'], outports: ['out'] }, (ctx, value) => ({ out: value * 2 }));

const net = new Network();
net.add('d', double).add('log', 'Log').connect('d.out', 'log.in');
const results = net.stream('d.out');
await net.start();
await net.send('d.in', 21);
await net.idle();
console.log((await results.next()).value);
await net.close();
