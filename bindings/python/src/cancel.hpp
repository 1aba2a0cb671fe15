// Cancelled firings, told to an event loop. The engine tells of them inside itself, where nobody may wait
// for the lock of the interpreter: so their numbers are kept, and a descriptor becomes readable.
#pragma once

#include "base.hpp"

namespace reflowpy {

bool init_cancel(PyObject *module);

// Asks a Cancels object to be told when the firing is cancelled. True as a Python value, or False if it
// is over already.
PyObject *watch_cancel(PyObject *cancels, uint64_t completion);

} // namespace reflowpy
