// A source that is iterated: the lines of this file, as fast as they are taken; words are counted.
import fs from 'node:fs';
import readline from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Network, actor } from 'reflow';

const lines = actor({ name: 'Lines', outports: ['line'], source: true }, async function* lines(ctx) {
  const input = fs.createReadStream(ctx.config.path);
  for await (const line of readline.createInterface({ input })) yield { line };
});

const words = actor({ name: 'Words', inports: ['line'], outports: ['word'] }, function* words(ctx, line) {
  for (const word of line.toLowerCase().match(/[a-z]+/g) ?? []) yield { word };
});

const counts = new Map();
const count = actor({ name: 'Count', inports: ['word'] }, (ctx, word) => {
  counts.set(word, (counts.get(word) ?? 0) + 1);
});

const net = new Network()
  .add('lines', lines, { path: fileURLToPath(import.meta.url) })
  .add('words', words).add('count', count)
  .connect('lines.line', 'words.line').connect('words.word', 'count.word');
await net.start();
await net.idle();
await net.close();
const most = [...counts].sort((a, b) => b[1] - a[1])[0];
console.log(`${counts.size} words, most often '${most[0]}'`);
