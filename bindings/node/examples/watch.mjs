// Watching: events as they come, and what each node has done.
import { Network, actor } from 'reflow';

const parse = actor({ name: 'Parse', inports: ['text'], outports: ['value'] }, (ctx, text) => ({ value: JSON.parse(text) }));

const net = new Network().add('parse', parse).add('log', 'Log').connect('parse.value', 'log.in');
const watched = (async () => {
  for await (const event of net.events({ kinds: ['NetworkStarted', 'MessageSent', 'ActorFailed', 'NetworkShutdown'] })) {
    if (event.kind === 'MessageSent') console.log(`${event.node}.${event.port} -> ${event.peer}: ${JSON.stringify(event.message)}`);
    else if (event.kind === 'ActorFailed') console.log(`${event.node} failed: ${event.error.split('\n')[0].slice(0, 30)}`);
    else console.log(event.kind);
  }
})();
await net.start();
net.measure({ sample: 1 });
await net.sendMany('parse.text', ['{"a": 1}', '[2, 3]', 'not JSON']);
await net.idle();
const { fired, failed } = net.counters('parse');
console.log(`parse: ${fired} firings, ${failed} failed, times measured: ${net.metrics().nodes.parse.call.count > 0}`);
await net.close();
await watched;
