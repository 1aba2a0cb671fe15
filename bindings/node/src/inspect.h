// Looking at a network and holding it: metrics, counters, states, pausing, steps, breakpoints, events.
#pragma once

#include <napi.h>

namespace reflow_node {

// Functions whose first argument is the core of a network.
void install_inspect(Napi::Env env, Napi::Object exports);

}  // namespace reflow_node
