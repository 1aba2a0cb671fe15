// The addresses of this machine.
// Neighbours: peer picks one to be reached by. Thread: any.
#pragma once

#include "base/memory.hpp"
#include "base/result.hpp"

namespace reflow::io {

struct InterfaceAddress {
    String name;     // of the interface, "eth0"
    String address;  // a number, without a zone
    bool ipv6 = false;
    bool loopback = false;
    bool link_local = false;  // reaches no further than the wire: 169.254.x.x, fe80::
};

// Those of all interfaces that are up, in the order of the system. REFLOW_ERROR_IO.
[[nodiscard]] Result<Vector<InterfaceAddress>> interface_addresses();

}  // namespace reflow::io
