// The package: what `import ... from 'reflow'` gives, the same objects as for require.
import reflow from './index.cjs';

export const {
  Actor, DiscoveryServer, EventStream, Graph, Message, MessageStream, Network, Peer, PeerMesh, ReflowError, Replay, Status,
  StreamReader, StreamWriter, actor, components, documentPlaces, feature, flow, run, transfer, usage, version,
} = reflow;
export default reflow;
