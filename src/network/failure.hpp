// The callback of the host that decides about failures that nobody in the graph takes.
// Neighbours: network. Thread: any.
#pragma once

#include "network/runtime.hpp"

namespace reflow::network {

struct FailureHook {
    HostData host;
    reflow_failure_fn decide = nullptr;
};

}  // namespace reflow::network
