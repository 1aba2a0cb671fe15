// The timers of one actor, which its callbacks set; made when the first one is set.
// Neighbours: actor (owns it), timers, context. Thread: that of the turn, but for what fires.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

#include "base/memory.hpp"
#include "runtime/timers.hpp"

namespace reflow::runtime {

class Actor;
class Scheduler;

// Times of the wall clock at which a timer fires, again and again.
class Recurrence : public Allocated {
public:
    virtual ~Recurrence() = default;
    // The first one after this time; both in milliseconds since 1970. INT64_MAX: there is none.
    [[nodiscard]] virtual std::int64_t after(std::int64_t wall_ms) noexcept = 0;
    // What another one is made of: an expression and a zone, as a host has given them.
    [[nodiscard]] virtual std::string_view expression() const noexcept = 0;
    [[nodiscard]] virtual std::string_view zone() const noexcept = 0;
    [[nodiscard]] virtual std::unique_ptr<Recurrence> copy() const = 0;
};

// Where a recurrence stands against a wall clock that somebody may set.
struct WallTimes {
    static constexpr std::int64_t never = INT64_MAX;
    std::int64_t next_ms = never;
    std::int64_t seen_ms = 0;  // the latest time seen

    void begin(Recurrence& times, std::int64_t wall_ms) noexcept;
    // Whether it is due now; then, and when the clock was set back far, the next time is another one.
    [[nodiscard]] bool look(Recurrence& times, std::int64_t wall_ms) noexcept;
    // When to look again: as long as the clock is not set that is when it is due.
    [[nodiscard]] std::uint64_t wait_ns(std::int64_t wall_ms) const noexcept;
};

class ActorTimers : public Allocated {
public:
    explicit ActorTimers(Actor& actor) noexcept;

    struct Entry : Timer {
        Entry(const TimerKind& kind, Actor& actor_of) noexcept;
        Actor& actor;
    };
    // Of wake_after.
    Entry wake;

    // One with a number.
    struct Numbered : Entry {
        Numbered(Actor& actor_of, std::uint32_t id_of) noexcept;
        [[nodiscard]] std::uint64_t bit() const noexcept { return std::uint64_t{1} << id; }
        const std::uint32_t id;
        std::uint64_t due_ns = 0;
        std::uint64_t period_ns = 0;             // 0: once
        std::unique_ptr<Recurrence> recurrence;  // by the wall clock instead, or NULL
        WallTimes wall;                          // of that
    };

    // Sets one anew, whatever it was: nothing of before fires any more. Throws bad_alloc, and then it
    // is as it was.
    void set(std::uint32_t id, std::uint64_t due_ns, std::uint64_t period_ns);
    void set(std::uint32_t id, std::unique_ptr<Recurrence> recurrence);
    void cancel(std::uint32_t id) noexcept;
    // These and that of wake_after.
    void cancel_all() noexcept;
    // Bits of those that have fired since the last time; those that fire again are armed.
    [[nodiscard]] std::uint64_t take() noexcept;
    // They were not told after all.
    void put_back(std::uint64_t bits) noexcept { fired_.fetch_or(bits, std::memory_order_relaxed); }

    // Those that were set, whether they are armed or not.
    [[nodiscard]] const Vector<std::unique_ptr<Numbered>>& numbered() const noexcept {
        return numbered_;
    }
    // Which have fired and are not taken. After a look at whether they are armed: one that fires in
    // between is seen twice and not missed.
    [[nodiscard]] std::uint64_t fired() const noexcept {
        return fired_.load(std::memory_order_acquire);
    }
    // Before the group begins: one that is not armed yet, for arm().
    void prepare(std::uint32_t id, std::uint64_t period_ns) { slot(id).period_ns = period_ns; }
    void prepare(std::uint32_t id, std::unique_ptr<Recurrence> recurrence, const WallTimes& wall) {
        Numbered& timer = slot(id);
        timer.recurrence = std::move(recurrence);
        timer.wall = wall;
    }
    // One by the wall clock, from where it stood; one that is over meanwhile fires at once.
    void aim(std::uint32_t id) noexcept;
    void arm(std::uint32_t id, std::uint64_t due_ns) noexcept;

private:
    friend struct NumberedKind;
    [[nodiscard]] Numbered& slot(std::uint32_t id);
    void arm(Numbered& timer, std::uint64_t due_ns) noexcept;
    void disarm(Numbered& timer) noexcept;
    void aim(Numbered& timer, std::int64_t wall_ms) noexcept;
    [[nodiscard]] bool again(Numbered& timer) noexcept;

    Actor& actor_;
    Vector<std::unique_ptr<Numbered>> numbered_;
    // A bit is set with the lock of the timers, while the entry is taken out, so that who has cancelled
    // it there finds it here. release and acquire are not needed for more than the bits.
    std::atomic<std::uint64_t> fired_{0};
};

}  // namespace reflow::runtime
