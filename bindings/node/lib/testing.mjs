// reflow/testing for ES modules: the same objects as for require.
import testing from './testing.cjs';

export const { seed, simulated, testNetwork } = testing;
export default testing;
