// Changing a network while it runs, its snapshots, and its dead letters.
#pragma once

#include <napi.h>

namespace reflow_node {

// Functions whose first argument is the core of a network.
void install_change(Napi::Env env, Napi::Object exports);

}  // namespace reflow_node
