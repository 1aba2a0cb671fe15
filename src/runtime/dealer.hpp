// An outport that deals its packets over its connections instead of giving each a copy.
// Neighbours: actor (owns it), outputs. Thread: that of the turn.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "runtime/actor.hpp"

namespace reflow::runtime {

// The connections to nodes are dealt to; outputs of the host get everything. What is dealt by key
// is given to its connection when it is emitted. The rest waits in a queue of the outport until a
// target has room, so that a full one holds nobody back while another has some.
struct Dealer : Allocated {
    Dealer(std::uint32_t outport, Deal how_of, std::string_view key, std::unique_ptr<Dealer> more);
    ~Dealer();

    static constexpr std::uint32_t none = UINT32_MAX;
    const Deal how;
    // In the list of what is unsent like a connection, but without a mailbox. The index of a packet
    // is that of the outport.
    Connection queue;
    std::uint32_t next = 0;        // the place of the connection whose turn it is
    std::uint32_t chosen = none;   // that of the one before whose delivery a breakpoint stopped
    Vector<String> path;           // to the key
    std::unique_ptr<Dealer> more;  // of another outport of the actor
};

template <typename Each>
bool Actor::any_queue(Each each) {
    for (Connections& connections : outports) {
        for (Connection& connection : connections) {
            if (each(connection)) return true;
        }
    }
    for (Dealer* deals = dealers(); deals != nullptr; deals = deals->more.get()) {
        if (each(deals->queue)) return true;
    }
    return false;
}

// The connection of the key at this path, among so many. Equal keys have the same one; what has no
// key there, or one that is no text, bytes, number or boolean, counts as one key more.
[[nodiscard]] std::uint32_t place_of_key(MessageRef payload, const Vector<String>& path,
                                         std::uint32_t count) noexcept;

}  // namespace reflow::runtime
