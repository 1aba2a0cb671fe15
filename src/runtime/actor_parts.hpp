// Parts of an actor: counters, the length of its turns, and what few actors have.
// Neighbours: actor. Thread: see each.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string_view>

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

// The id of an actor, whose letters stand in the same block, behind it, with a zero behind them, as
// hosts find it behind all texts.
class ActorId {
public:
    ActorId(char* place, std::string_view id) noexcept
        : at_(static_cast<std::uint32_t>(place - reinterpret_cast<char*>(this))),
          size_(static_cast<std::uint32_t>(id.size())) {
        *std::copy(id.begin(), id.end(), place) = 0;
    }
    ActorId(const ActorId&) = delete;
    ActorId& operator=(const ActorId&) = delete;
    operator std::string_view() const noexcept {
        return {reinterpret_cast<const char*>(this) + at_, size_};
    }
    [[nodiscard]] static std::size_t bytes(std::string_view id) noexcept { return id.size() + 1; }

private:
    std::uint32_t at_;
    std::uint32_t size_;
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
