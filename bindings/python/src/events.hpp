// Events of a network as objects of Python.
#pragma once

#include "bind.hpp"

namespace reflowpy {

void bind_events(py::module_ &module);

} // namespace reflowpy
