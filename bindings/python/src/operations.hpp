// What can be done with a network besides sending and waiting: functions of the module that take one.
#pragma once

#include "graph.hpp"

namespace reflowpy {

void bind_observe(py::module_ &module); // reports, metrics, dead letters, components
void bind_control(py::module_ &module); // pause, step, breakpoints, drain
void bind_change(py::module_ &module);  // live change, snapshots, checkpoints
void bind_idle(py::module_ &module);      // waits of event loops
void bind_recording(py::module_ &module);

// Up to max values that wait at an inport. The caller keeps the network for the time of the call.
py::list values_at(const reflow_network *network, const std::string &node, const std::string &port,
                   size_t max);

} // namespace reflowpy
