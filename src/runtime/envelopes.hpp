// What an actor of a network with envelopes keeps for its calls.
// Neighbours: actor (owns it), envelopes.cpp. Thread: that of the turn.
#pragma once

#include <cstddef>

#include "base/memory.hpp"
#include "message/message.hpp"

namespace reflow::runtime {

struct Carrier : Allocated {
    struct Wrapper {
        Message message;
        std::size_t place;  // among the inputs
    };
    Message current;           // the envelope of what is emitted; none: nothing has one
    Vector<Wrapper> wrappers;  // of the inputs of the call
};

}  // namespace reflow::runtime
