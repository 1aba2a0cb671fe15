// Pages of a server, eight at a time: an async actor, its signal, and results in the order of the addresses.
import http from 'node:http';
import { Network, actor } from 'reflow';

const server = http.createServer((request, response) => {
  // The later ones are the faster ones.
  setTimeout(() => response.end(`page ${request.url.slice(1)}`), 20 - 2 * Number(request.url.slice(1)));
}).listen(0, '127.0.0.1');
await new Promise((resolve) => { server.once('listening', resolve); });

const get = actor(
  { name: 'Get', inports: ['url'], outports: ['body'], maxConcurrency: 8, timeout: 5000 },
  async (ctx, url) => {
    const answer = await fetch(url, { signal: ctx.signal });
    return { body: await answer.text() };
  });

const net = new Network().add('get', get);
const bodies = net.stream('get.body');
await net.start();
await net.sendMany('get.url', Array.from({ length: 8 }, (_, i) => `http://127.0.0.1:${server.address().port}/${i}`));
await net.drain();
await net.stop();
for await (const body of bodies) console.log(body);
await net.close();
server.close();
