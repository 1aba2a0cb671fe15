// Node streams at both ends, with back-pressure all the way: bytes are compressed on their way through.
import { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import zlib from 'node:zlib';
import { Network, actor } from 'reflow';

const shout = actor({ inports: ['in'], outports: ['out'] }, (ctx, chunk) => ({ out: Buffer.from(`${chunk}`.toUpperCase()) }));

const net = new Network().add('shout', shout);
const packed = [];
const out = pipeline(
  net.readable('shout.out'), // before the start, so that nothing is missed
  zlib.createGzip(),
  new Writable({ write(chunk, encoding, done) { packed.push(chunk); done(); } }));
await net.start();
await pipeline(Readable.from(['some ', 'words ', 'in ', 'chunks']), net.writable('shout.in'));
await net.drain();
await net.stop();
await out;
console.log(zlib.gunzipSync(Buffer.concat(packed)).toString());
await net.close();
