// A connection from an outport, with what its actor has emitted and not delivered yet.
// Neighbours: actor (owns them), outputs.cpp and dealer.cpp (deliver). Thread: that of the turn.
#pragma once

#include <cstdint>

#include "base/queue.hpp"
#include "runtime/context.hpp"
#include "runtime/mailbox.hpp"

namespace reflow::runtime {

// One connection, seen from its sender. Only the sender's thread touches what changes.
struct Connection {
    Mailbox* mailbox = nullptr;
    Actor* target = nullptr;  // NULL for a reader of the host
    std::uint32_t outport = 0;
    std::uint32_t inport = 0;
    std::uint32_t from_index = REFLOW_NO_INDEX;
    std::uint32_t to_index = REFLOW_NO_INDEX;
    std::uint32_t capacity = 0;  // that the graph gives it; 0: none
    Delivery delivery = Delivery::reliable;
    // What stands above is read by who plans a change, while the sender runs: in words of its own,
    // since a compiler may read a whole one.
    Queue<Packet> pending{};  // emitted, not delivered yet
    Connection* next_unsent = nullptr;
    std::uint32_t open = 0;    // so many packets may be added without a further look
    std::uint32_t credit = 0;  // with more pending ones the sender delivers before it goes on
    bool listed = false;       // among the unsent
    bool passed = false;       // its first packet has been stopped before, or looked at: it may go
};

// How an outport deals its packets over its connections.
enum class Deal : std::uint8_t { round_robin, least_loaded, by_key };

}  // namespace reflow::runtime
