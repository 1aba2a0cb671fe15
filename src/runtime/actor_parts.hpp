// Parts of an actor: counters, the length of its turns, and what few actors have.
// Neighbours: actor. Thread: see each.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "base/memory.hpp"
#include "runtime/actor_timers.hpp"
#include "runtime/node_state.hpp"

namespace reflow::runtime {

class DeferredFirings;
class Supervisor;
class Tether;
struct Carrier;
struct Dealer;

// A number that one thread writes and any thread reads. relaxed: it is a statistic.
class Counter {
public:
    void add(std::uint64_t count) noexcept {
        value_.store(value_.load(std::memory_order_relaxed) + count, std::memory_order_relaxed);
    }
    void set(std::uint64_t count) noexcept { value_.store(count, std::memory_order_relaxed); }
    [[nodiscard]] std::uint64_t get() const noexcept {
        return value_.load(std::memory_order_relaxed);
    }

private:
    std::atomic<std::uint64_t> value_{0};
};

// How long a turn may be.
struct TurnBudget {
    std::uint32_t packets;
    std::uint64_t ns;
};

// What few actors have. It is made before the group begins or by who has the turn, which is also
// who has claimed the actor, and stays: so there is one writer, and others who see it, by
// acquire, see what is fixed before the group begins.
struct ActorExtras : Allocated {
    ActorExtras() noexcept;
    ~ActorExtras();
    std::unique_ptr<ActorTimers> timers;     // NULL until one is set; of the turn
    std::unique_ptr<NodeState> named_state;  // keys and pools; NULL unless used; of the turn
    std::unique_ptr<Supervisor> supervisor;  // fixed before the group begins
    std::unique_ptr<Carrier> carrier;        // of envelopes; of the turn
    std::unique_ptr<Dealer> dealers;         // fixed likewise, but for what is in them
    std::atomic<DeferredFirings*> deferred{nullptr};  // a reference
    std::atomic<Tether*> tether{nullptr};             // a reference
    std::uint32_t watchdog_ms = 0;                    // fixed likewise
};

}  // namespace reflow::runtime
