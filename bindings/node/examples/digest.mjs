// A stream of bytes beside the ports: this file goes through an actor in pieces, and only its digest comes out.
import fs from 'node:fs';
import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { Network, actor } from 'reflow';

const digest = actor({ inports: ['in'], outports: ['out'] }, async (ctx, stream) => {
  const reader = ctx.acceptStream(stream);
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const piece of reader) {
    hash.update(piece);
    bytes += piece.length;
  }
  return { out: { ...reader.begin.metadata, bytes, sha256: hash.digest('hex') } };
});

const net = new Network().add('digest', digest);
const results = net.stream('digest.out');
await net.start();
const writer = net.openStream({ contentType: 'text/javascript', metadata: { name: 'digest.mjs' } });
await net.send('digest.in', writer.handle);
await writer.from(fs.createReadStream(fileURLToPath(import.meta.url), { highWaterMark: 100 }));
console.log(JSON.stringify((await results.next()).value));
await net.close();
