// Types of the package. Each part has a file below types/.
export * from './types/values.cjs';
export * from './types/errors.cjs';
export * from './types/actor.cjs';
export * from './types/graph.cjs';
export * from './types/events.cjs';
export * from './types/bytes.cjs';
export * from './types/state.cjs';
export * from './types/network.cjs';
export * from './types/peer.cjs';
export * from './types/replay.cjs';
export * from './types/run.cjs';
