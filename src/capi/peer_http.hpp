// How requests that come to a peer's port reach a handler of the host.
// Neighbours: peer.cpp. Thread: see reflow.h section 21.
#pragma once

#include "network/runtime.hpp"
#include "peer/peer.hpp"

namespace reflow::capi {

Result<peer::HttpRoutes> http_routes(reflow_http_fn handler, network::HostData data,
                                     const reflow_http_options* options, const HostLog& log);

}  // namespace reflow::capi
