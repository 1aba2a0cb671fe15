// A graph as a document: made, checked, drawn, written as YAML and read again.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Graph } from 'reflow';

const graph = new Graph('orders')
  .addNode('read', 'CsvRead', { path: 'orders.csv' })
  .addNode('large', 'Filter', { when: 'amount > 1000' })
  .addNode('print', 'TablePrint')
  .connect('read.out', 'large.in')
  .connect('large.out', 'print.in');

for (const finding of graph.validate()) console.log(`${finding.severity}: ${finding.message}`);
console.log(graph.toMermaid());

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'reflow-'));
const file = path.join(folder, 'orders.graph.yaml');
graph.save(file);
fs.writeFileSync(path.join(folder, 'orders.svg'), graph.toSvg());
console.log(`read again: ${Graph.load(file).equals(graph)}`);
fs.rmSync(folder, { recursive: true });
