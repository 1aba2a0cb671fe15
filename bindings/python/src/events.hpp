// Events of a network as objects of Python.
#pragma once

#include "guarded.hpp"

namespace reflowpy {

using Subscription = Guarded<reflow_subscription, reflow_subscription_destroy>;

// The caller keeps the network for the time of the call.
std::unique_ptr<Subscription> subscribe_to(reflow_network *network, uint64_t event_kinds,
                                           const std::string &nodes, uint32_t capacity, uint32_t sample);

void bind_events(py::module_ &module);

} // namespace reflowpy
