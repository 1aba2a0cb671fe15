// Log lines of the engine, on their way to the module logging.
#pragma once

#include "base.hpp"

#include <pybind11/pybind11.h>

namespace reflowpy {

// The hook of a runtime (reflow_log_fn): puts the line into a bounded queue and returns. It never asks for
// the interpreter's lock, so it may come on any thread at any time.
void log_line(void *user_data, reflow_log_level level, reflow_view subsystem, reflow_view node,
              reflow_view text);

// The hook for what components print for a person (reflow_print_fn): into the same queue, as lines of level
// 0. The engine calls it under a lock that it holds for printing, which an actor of Python may wait for
// while it has the interpreter's lock; so this must not ask for that one. Beyond 64 MiB that wait it fails.
reflow_status print_line(void *user_data, reflow_view node, reflow_view text);

void bind_log(pybind11::module_ &module);

} // namespace reflowpy
