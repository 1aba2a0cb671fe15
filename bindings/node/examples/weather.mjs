// The weather graph, with an actor of this program in it: days that are both wet and windy are counted.
//
//   node weather.mjs [path of weather.graph.json]
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Graph, actor, run } from 'reflow';

const file = process.argv[2] ?? 'examples/weather/weather.graph.json';
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'reflow-weather-'));
const graph = Graph.load(file);
for (const id of graph.nodes) if (graph.config(id)?.folder !== undefined) graph.set(id, 'folder', folder);

let storms = 0;
const Storms = actor({ inports: ['day'] }, (ctx, day) => {
  if (day.wind >= 6 && day.precipitation >= 10) storms += 1;
});
graph.addNode('storms', 'Storms').connect('derive.out', 'storms.day');

const result = await run(graph, {
  set: { 'alerts.wind': 8 }, actors: { Storms },
  network: { print: false }, // its table is for people
});
console.log(`${result.status}: ${result.nodes.read.sent} days, ${storms} storms`);
console.log(fs.readdirSync(folder, { recursive: true }).filter((name) => /\.\w+$/.test(name)).sort().join(' '));
fs.rmSync(folder, { recursive: true });
