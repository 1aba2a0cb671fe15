// Frames of a camera through a frame pool: packets carry tickets, nobody copies a picture, and how many there were of each
// kind is what the engine keeps for the node. All of it runs in the event loop of Node (mode hosted).
import { Network, actor } from 'reflow';

const width = 640;
const height = 480;

const camera = actor({ name: 'Camera', outports: ['ticket'], source: true }, function* camera(ctx) {
  // A generator is ahead of its receivers: there is a slot for each frame that may be on its way.
  const pool = ctx.framePool('frames', { slots: ctx.config.frames, frameSize: width * height });
  for (let n = 0; n < ctx.config.frames; n++) {
    const slot = pool.begin();
    slot.buffer.fill(n % 3 === 0 ? 250 : 10); // every third one is bright
    yield { ticket: slot.commit() };
  }
});

const judge = actor({ name: 'Judge', inports: ['ticket'] }, (ctx, ticket) => {
  const frame = ctx.framePool('frames').read(ticket);
  const kind = frame.bytes[width * height - 1] > 128 ? 'bright' : 'dark';
  frame.release();
  const seen = ctx.pool('seen');
  seen.set(kind, (seen.get(kind) ?? 0) + 1);
});

const net = new Network({ mode: 'hosted' })
  .add('camera', camera, { frames: 6 }).add('judge', judge).connect('camera.ticket', 'judge.ticket');
await net.start();
await net.idle();
console.log(await net.withState('judge', ({ pool }) => [...pool('seen')]));
console.log(`${net.framePool('frames').info().written} frames, ${net.framePool('frames').info().held} held`);
await net.close();
