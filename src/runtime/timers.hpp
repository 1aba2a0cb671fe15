// Armed timers, one for each actor at most, and deadlines of its firings: a binary heap whose
// members know their slots.
// Neighbours: schedulers fire them, contexts arm them. Thread: any, one lock.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>

#include "base/memory.hpp"

namespace reflow::runtime {

class Actor;
class DeferredFirings;
class Group;

class Timers {
public:
    // Arms or moves the timer of an actor; its group is not idle while it is armed. In a group that
    // stops it does nothing. True if it is the next one now.
    bool arm(Actor& actor, std::uint64_t due_ns);
    void cancel(Actor& actor) noexcept;
    // The deadline of an actor's firings that end later: it has a place from enter() to leave(), so
    // that set() needs no memory. Whatever it is set to, the group does not count it. enter() and
    // leave() may be called again.
    void enter(DeferredFirings& firings);
    void leave(DeferredFirings& firings) noexcept;
    [[nodiscard]] bool set(DeferredFirings& firings, std::uint64_t due_ns) noexcept;
    // Wakes all actors whose time has come; returns their number.
    std::size_t fire(std::uint64_t now_ns) noexcept;
    // When the next is due; UINT64_MAX if none is armed. seq_cst with the schedulers' sleep:
    // whoever arms an earlier one looks for sleepers afterwards, a sleeper announces itself first.
    [[nodiscard]] std::uint64_t next_due() const noexcept {
        return next_due_.load(std::memory_order_seq_cst);
    }

private:
    struct Timer {
        std::uint64_t due_ns;
        std::uint64_t order;  // equal times fire in the order of arming
        Actor* actor;         // or NULL, and then it is a deadline
        DeferredFirings* firings;
        [[nodiscard]] bool before(const Timer& other) const noexcept {
            return due_ns != other.due_ns ? due_ns < other.due_ns : order < other.order;
        }
    };
    void place(std::size_t slot, const Timer& timer) noexcept;
    void up(std::size_t slot) noexcept;
    void down(std::size_t slot) noexcept;
    void remove(std::size_t slot) noexcept;
    void move(std::size_t slot, std::uint64_t due_ns) noexcept;
    void publish() noexcept;

    std::mutex mutex_;  // guards all below and the slots of the timers' owners
    Vector<Timer> heap_;
    std::uint64_t order_ = 0;
    std::atomic<std::uint64_t> next_due_{UINT64_MAX};
};

}  // namespace reflow::runtime
