// A graph of the engine as a class of Python.
#pragma once

#include "bind.hpp"

namespace reflowpy {

// One owner, and the lock of the interpreter is what lets one thread at a time use it.
struct Graph {
    GraphOwned handle;
};

// The graph behind an object of that class, borrowed; NULL with an exception set for another one.
reflow_graph *graph_in(PyObject *object);

void bind_graph(py::module_ &module);

} // namespace reflowpy
