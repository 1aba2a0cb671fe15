// A connection from an outport, with what its actor has emitted and not delivered yet.
// Neighbours: actor (owns them), outputs.cpp and dealer.cpp (deliver). Thread: that of the turn.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/limits.hpp"
#include "base/queue.hpp"
#include "base/row.hpp"
#include "runtime/context.hpp"
#include "runtime/mailbox.hpp"

namespace reflow::runtime {

// One connection, seen from its sender. Only the sender's thread touches what changes.
struct Connection {
    Mailbox* mailbox = nullptr;
    Actor* target = nullptr;  // NULL for a reader of the host
    std::uint32_t outport = 0;
    std::uint32_t from_index = REFLOW_NO_INDEX;
    std::uint32_t to_index = REFLOW_NO_INDEX;
    std::uint32_t capacity = 0;  // that the graph gives it; 0: none
    std::uint16_t inport = 0;
    Delivery delivery = Delivery::reliable;
    // What stands above is read by who plans a change, while the sender runs: in words of its own,
    // since a compiler may read a whole one.
    std::uint8_t credit alignas(4) = 0;  // with more pending ones the sender delivers before it
                                         // goes on; at most worth
    // So many packets may be added without a further look. One that is not listed is open if its
    // actor may go on as before: the last packets were handed over to an idle target.
    std::uint8_t open = 0;
    bool listed = false;      // among the unsent
    bool passed : 1 = false;  // its first packet has been stopped before, or looked at: it may go
    bool opens : 1 = false;   // of an outport whose packets need no further look
    bool direct : 1 = false;  // packets may be handed over past the mailbox, as list() has found
    Queue<Packet> pending{};  // emitted, not delivered yet
    Connection* next_unsent = nullptr;
    void set_open(std::size_t packets) noexcept {
        open = static_cast<std::uint8_t>(std::min<std::size_t>(packets, UINT8_MAX));
    }

    // Not delivered are, at most, what the target has room for and two turns' worth.
    static constexpr std::size_t worth = 128;
};
// There may be millions, each in a block of its own.
static_assert(sizeof(void*) != 8 || sizeof(Connection) == 56);
static_assert(limits::ports_count <= UINT16_MAX);
using Connections = Row<Connection>;

// How an outport deals its packets over its connections.
enum class Deal : std::uint8_t { round_robin, least_loaded, by_key };

}  // namespace reflow::runtime
