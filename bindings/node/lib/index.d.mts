// Types of the package for ES modules: the same names.
export * from './index.cjs';
