// The package: what `import ... from 'reflow'` gives, the same objects as for require.
import reflow from './index.cjs';

export const { Actor, Message, Network, ReflowError, Status, actor, transfer, version } = reflow;
export default reflow;
