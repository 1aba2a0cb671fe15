// What an actor has that wants more of a failure than to be told: attempts and their times, the
// circuit breaker, restarts, the packets of a call. An actor without settings has none of it.
// Neighbours: actor_failure.cpp (decides by it), timers. Thread: that of the turn, but for
// details() and the counters, which any thread reads.
#pragma once

#include <atomic>
#include <algorithm>
#include <cstdint>
#include <mutex>
#include <string_view>

#include "base/memory.hpp"
#include "base/queue.hpp"
#include "base/ref.hpp"
#include "runtime/actor.hpp"
#include "runtime/failure.hpp"
#include "runtime/timers.hpp"

namespace reflow::runtime {

// Circuit breaker (M. Nygard, Release It!, 2007):
//
//   closed --threshold failures in a row--> open --cooldown--> half open --well--> closed
//                                            ^                     |
//                                            +-------failed--------+
class Breaker {
public:
    Breaker(std::uint32_t threshold, std::uint64_t cooldown_ns) noexcept
        : threshold_(threshold), cooldown_ns_(cooldown_ns) {}
    enum class State : std::uint8_t { closed, open, half_open };
    // Whether a firing may begin now. In half open one may: the trial.
    [[nodiscard]] bool lets(std::uint64_t now_ns) noexcept;
    void succeeded() noexcept;
    void failed(std::uint64_t now_ns) noexcept;
    // The trial ended in neither way: it was cancelled.
    void gave_up() noexcept;
    [[nodiscard]] State state() const noexcept { return state_; }
    [[nodiscard]] std::uint32_t failures() const noexcept { return failures_; }
    [[nodiscard]] std::uint64_t until_ns() const noexcept { return until_ns_; }
    // From a snapshot. A trial that was under way comes again.
    void restore(State state, std::uint32_t failures, std::uint64_t until_ns) noexcept {
        if (threshold_ == 0) return;
        state_ = state;
        failures_ = failures;
        until_ns_ = until_ns;
    }

private:
    const std::uint32_t threshold_;
    const std::uint64_t cooldown_ns_;
    State state_ = State::closed;
    bool trial_ = false;          // in half open: it is under way
    std::uint32_t failures_ = 0;  // in a row
    std::uint64_t until_ns_ = 0;
};

// The delay before attempt number `attempt` + 1, `attempt` of which have failed, without jitter:
// min(max, base * factor^(attempt - 1)).
[[nodiscard]] std::uint64_t backoff_ns(const FailurePolicy& policy, std::uint32_t attempt) noexcept;

// How many events there were within a time.
class Window {
public:
    explicit Window(std::uint32_t most) : most_(most) { times_.reserve(most); }
    // Counts one, unless that would be more than the most within the time.
    [[nodiscard]] bool admit(std::uint64_t now_ns, std::uint64_t within_ns) noexcept;
    // For snapshots; one is not added if there are most already.
    [[nodiscard]] const Vector<std::uint64_t>& times() const noexcept { return times_; }
    void add(std::uint64_t time_ns) noexcept {
        if (times_.size() < most_) times_.push_back(time_ns);
    }
    void clear() noexcept { times_.clear(); }

private:
    const std::uint32_t most_;
    Vector<std::uint64_t> times_;
};

// The graph or a subgraph, which takes failures that escalate.
class FailureScope : public RefCounted<FailureScope> {
public:
    FailureScope(std::uint32_t restarts, std::uint64_t within) : window(restarts), within_ns(within) {}
    String path;
    Ref<FailureScope> outer;
    AfterFailure escalated = AfterFailure::escalate;
    // Whether all inside may be restarted once more.
    [[nodiscard]] bool admit(std::uint64_t now_ns) noexcept {
        std::lock_guard lock(mutex_);
        return window.admit(now_ns, within_ns);
    }
    // For snapshots: how long ago those were that count; and the same again.
    void save(Vector<std::uint64_t>& ages, std::uint64_t now_ns) {
        std::lock_guard lock(mutex_);
        for (std::uint64_t time : window.times()) ages.push_back(now_ns - std::min(time, now_ns));
    }
    void load(const Vector<std::uint64_t>& ages, std::uint64_t now_ns) noexcept {
        std::lock_guard lock(mutex_);
        window.clear();
        for (std::uint64_t ago : ages) window.add(now_ns - std::min(ago, now_ns));
    }

private:
    std::mutex mutex_;  // guards window; no other lock is taken under it
    Window window;      // of its restarts
    const std::uint64_t within_ns;
};

class Supervisor : public Allocated {
public:
    // connections: of all outports of the actor, and fallbacks.
    Supervisor(Actor& actor, FailurePolicy policy, std::uint64_t seed);
    ~Supervisor();

    const FailurePolicy policy;
    // The first of the outports to the fallback node, one for each inport; the component does not
    // know of them.
    static constexpr std::uint32_t no_outport = UINT32_MAX;
    std::uint32_t fallback_outport = no_outport;
    [[nodiscard]] bool has_fallback_node() const noexcept { return fallback_outport != no_outport; }
    [[nodiscard]] bool has_fallback() const noexcept {
        return has_fallback_node() || !policy.fallback_value.none();
    }
    Ref<FailureScope> scope;  // that takes what escalates

    // ---- the firing at the front of the inputs
    std::uint32_t attempts = 0;  // of it, that have failed
    bool in_place = false;       // it is to be tried again, or is being tried
    std::uint64_t timers = 0;    // that had led to it, if it has no packets
    bool inputless = false;      // and has no packets: a start, a timer, going on, finish
    bool waits = false;          // and not before due_ns
    std::uint64_t due_ns = 0;

    // ---- firings that failed when they were pending, and wait for their next attempt, in the
    // order of their times; linked by of_call, a reference each
    Deferred* pending = nullptr;
    bool ripe = false;  // the time of the first has come
    void enter_pending(Deferred& firing) noexcept;
    [[nodiscard]] Ref<Deferred> take_pending() noexcept;
    void drop_pending() noexcept;
    // Nothing is tried again: a source has ended.
    void forget() noexcept;

    // ---- the call
    Queue<Packet> kept;         // its inputs, a reference each
    Vector<std::size_t> marks;  // how much each connection had before it
    // There is room for it.
    void keep(Packet packet) noexcept {
        packet.message = MessageRef(packet.message).own().leak();
        kept.push_unchecked(packet);
    }
    void drop_kept() noexcept {
        while (!kept.empty()) (void)Message::adopt(kept.pop().message);
    }

    // ---- restarts
    Window window;
    bool down = false;            // there is no state: each firing fails at once
    bool restarts_later = false;  // the next attempt to restart comes at this time
    std::uint64_t restart_ns = 0;
    std::uint32_t failed_restarts = 0;
    bool starts = false;   // it is a source that fires once it is set up
    bool allowed = false;  // the next restart is beyond counting

    Breaker breaker;

    // The delay of the next attempt, with jitter: uniform between (1 - jitter) and 1 times the
    // backoff (M. Brooker, Exponential Backoff And Jitter, 2015: jitter 1 is "full", 0.5 "equal").
    [[nodiscard]] std::uint64_t delay_ns(std::uint32_t attempt) noexcept;
    // The timer of attempts: the earliest of those that wait, or none.
    void arm() noexcept;
    void cancel() noexcept;
    // Whose attempts a timer is for.
    [[nodiscard]] static Actor& actor_of(Timer& timer) noexcept;

    // ---- for who asks. relaxed: a moment's view.
    Counter retries, restarts;
    std::atomic<std::uint32_t> details{0};
    std::atomic<std::uint32_t> failures{0};

    // Instead of marks: this connection had so much before the call, and others nothing.
    bool notes = false;
    const Connection* noted = nullptr;
    std::size_t noted_count = 0;

private:
    struct Entry : Timer {
        explicit Entry(Actor& actor_of) noexcept;
        Actor& actor;
    };
    std::uint64_t random_;
    Entry entry_;
};

// Before each call after untroubled(). A firing whose emits are held is alone, and what stands before
// them is noted.
[[gnu::always_inline]] inline void Actor::keep_for_call(Context& context, Supervisor& own) noexcept {
    if (own.policy.hold) {
        context.firings = 1;
        own.notes = unsent_ == nullptr || unsent_->next_unsent == nullptr;
        own.noted = unsent_;
        if (!own.notes) {
            mark_emits();
        } else if (unsent_ != nullptr) {
            own.noted_count = unsent_->pending.size();
        }
    }
    for (std::size_t i = 0; i < context.firings * firing_size_; ++i) own.keep(inputs_[i]);
}

}  // namespace reflow::runtime
