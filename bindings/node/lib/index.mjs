// The package: what `import ... from 'reflow'` gives, the same objects as for require.
import reflow from './index.cjs';

export const {
  Actor, DiscoveryServer, EventStream, Frame, FramePool, FrameSlot, Graph, Message, MessageStream, Network, Peer, PeerMesh, ReflowError, Replay, Status,
  StateTable, StreamReader, StreamWriter, actor, components, documentPlaces, feature, flow, run, transfer, usage, version,
} = reflow;
export default reflow;
