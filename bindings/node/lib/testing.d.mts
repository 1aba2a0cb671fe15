// Types of reflow/testing for ES modules: the same names, and all of them as the default.
import * as testing from './testing.cjs';

export * from './testing.cjs';
export default testing;
