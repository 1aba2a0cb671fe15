// Types of the package for ES modules: the same names, and all of them as the default.
import * as reflow from './index.cjs';

export * from './index.cjs';
export default reflow;
