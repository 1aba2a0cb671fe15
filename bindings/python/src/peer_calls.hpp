// What a peer calls the program for: requests of HTTP, and messages that will not be delivered. Both come
// on threads that must not wait for the lock of the interpreter, so they stand in a queue until a thread of
// Python takes them.
#pragma once

#include "peer.hpp"

namespace reflowpy {

void bind_peer_calls(py::module_ &module);

} // namespace reflowpy
