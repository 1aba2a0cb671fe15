'use strict';
// The package: what `require('reflow')` gives.

const native = require('./binding.cjs');
const { Actor, actor } = require('./actor.cjs');
const { StreamReader, StreamWriter } = require('./bytes.cjs');
const { dispatch } = require('./dispatch.cjs');
const { ReflowError, Status, makeError } = require('./errors.cjs');
const { frames, io } = require('./frames.cjs');
const { EventStream } = require('./events.cjs');
const { Graph, documentPlaces } = require('./graph.cjs');
const { Network } = require('./live.cjs');
const { DiscoveryServer, Peer, PeerMesh } = require('./peer.cjs');
const { Frame, FramePool, FrameSlot } = require('./pool.cjs');
const { StateTable } = require('./state.cjs');
const { Replay } = require('./replay.cjs');
const { components, feature, run, usage } = require('./run.cjs');
const { MessageStream } = require('./stream.cjs');
const { Message, asBuffer, makeMessage, transfer, unwrap } = require('./values.cjs');

native.install({
  makeError, dispatch, unwrap, makeMessage, asBuffer, frames, io,
  rest: () => { setImmediate(native.goOn); },
  // For tests of hosts that allow no external buffers, such as Electron.
  copyOnly: process.env.REFLOW_NODE_COPY === '1',
});

// A signal as a value: what undefined is as a packet, and inside of others.
const flow = native.message(undefined);

// Nothing of JavaScript runs after this: whatever waits for it is let go.
process.on('exit', () => native.exiting());

module.exports = {
  Actor, DiscoveryServer, EventStream, Frame, FramePool, FrameSlot, Graph, Message, MessageStream, Network, Peer, PeerMesh, ReflowError, Replay, Status,
  StateTable, StreamReader, StreamWriter, actor, components, documentPlaces, feature, flow, run, transfer, usage, version: native.version(),
};
