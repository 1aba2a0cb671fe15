// What one actor has at a moment at which it rests: what a snapshot saves and a restore puts back.
// Neighbours: image.cpp (from and to an actor), network/snapshot (as a message). Thread: one at a
// time.
#pragma once

#include <cstdint>
#include <utility>

#include "base/memory.hpp"
#include "base/result.hpp"
#include "message/message.hpp"
#include "runtime/actor_timers.hpp"
#include "runtime/context.hpp"
#include "runtime/mailbox.hpp"
#include "runtime/node_state.hpp"

namespace reflow::runtime {

// Packets that own their messages.
class PacketList {
public:
    PacketList() = default;
    PacketList(PacketList&& other) noexcept { all.swap(other.all); }
    PacketList& operator=(PacketList&& other) noexcept {
        all.swap(other.all);
        return *this;
    }
    ~PacketList() {
        for (const Packet& packet : all) (void)Message::adopt(packet.message);
    }
    // The message may be none.
    void add(Message message, std::uint32_t port, std::uint32_t index) {
        all.reserve(all.size() + 1);
        all.push_back({message.leak(), port, index, nullptr});
    }
    Vector<Packet> all;
};

struct ActorImage {
    Message state;              // what save wrote; none: nothing
    std::uint32_t version = 0;  // of that
    std::unique_ptr<NodeState> named_state;

    PacketList inputs;   // taken, and not completed; whole firings
    PacketList waiting;  // in the mailbox
    PacketList newest;   // of ports that show their newest packet
    Vector<bool> fresh;  // of these: not shown yet
    struct Unsent {
        std::uint32_t outport;
        std::uint32_t place;  // of the connection, among those of the outport
        Message message;
    };
    Vector<Unsent> unsent;  // in the order of the connections' first ones

    struct Dealt {
        std::uint32_t outport;
        std::uint32_t next;  // the place of the connection whose turn it is
        PacketList waiting;  // for a target with room; with indices of the outport
    };
    Vector<Dealt> dealt;

    // Firings that have failed and wait for their next attempt.
    struct Retry {
        std::uint32_t attempts;
        std::uint64_t left_ns;
        PacketList inputs;  // none of a call without inputs
    };
    Vector<Retry> retries;
    // The same of the call that `again` asks for; attempts 0: it has not failed.
    struct Attempt {
        std::uint32_t attempts = 0;
        std::uint64_t left_ns = 0;
        std::uint64_t timers = 0;  // that had led to it
    } attempt;

    // Firings that have ended and were not taken over yet. Where outputs have the order of inputs, and some of
    // these wait for firings that come again, those have places among them.
    struct Kept {
        bool place = false;  // of the next one of those
        bool counts = true;  // as a firing that has ended
        bool open = false;   // it had been left open by its call
        PacketList outputs;  // to these ports
        reflow_status status = REFLOW_OK;
        // Of one that has failed.
        std::uint32_t attempts = 0;  // before
        PacketList inputs;
        std::unique_ptr<Error> error;  // NULL: it is told by the status alone
        Message envelope;
    };
    Vector<Kept> order;

    // Of a node with settings of its failures.
    struct Failures {
        bool some = false;
        std::uint8_t breaker = 0;  // its state
        std::uint32_t failures = 0;
        std::uint64_t left_ns = 0;  // until it lets a trial
        std::uint64_t retries = 0, restarts = 0;
        Vector<std::uint64_t> window;  // how long ago it was restarted
        bool restarts_now = false;
        bool source = false;  // which fires when it is set up
    } failures;

    std::uint32_t due = 0;
    bool again = false;
    bool again_finishes = false;
    bool rests = false;
    bool ended = false;
    bool starts = false;
    bool finishes = false;
    bool wakes = false;
    std::uint64_t timer_ns = UINT64_MAX;  // what is left of it; UINT64_MAX: not armed
    struct Numbered {
        std::uint32_t id;
        std::uint64_t left_ns;    // UINT64_MAX: it has fired, and the actor was not called yet
        std::uint64_t period_ns;  // 0: once
        // By the wall clock instead.
        std::unique_ptr<Recurrence> recurrence = {};
        WallTimes wall = {};
    };
    Vector<Numbered> timers;

    std::uint64_t fired = 0, received = 0, sent = 0, failed = 0, dropped = 0;
};

}  // namespace reflow::runtime
