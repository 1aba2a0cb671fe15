// The same package for CommonJS, by `import = require`.
import reflow = require('reflow');

const net: reflow.Network = new reflow.Network();
const double = reflow.actor({ inports: ['in'], outports: ['out'] }, (_ctx, value: number) => ({ out: value * 2 }));
net.add('d', double);
const graph: reflow.Graph = reflow.Graph.parse('{}');
const value: reflow.Value = graph.toJSON();
export { net, value };
