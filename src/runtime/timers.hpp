// Armed timers: a hierarchical timing wheel (G. Varghese, T. Lauck, Hashed and Hierarchical Timing
// Wheels, 1987) of entries that their owners embed, so arming needs no memory and cannot fail.
// Neighbours: schedulers fire them; actor_timers and deferred own entries. Thread: any, one lock.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <mutex>

namespace reflow::runtime {

class Group;
class Timer;

// What an owner does when its entry is due.
struct TimerKind {
    // With the lock of the timers, when the entry has just been taken out: keeps the owner alive
    // until fired() has returned. NULL if it lives anyway, as that of an entry that is counted.
    void (*hold)(Timer& timer) noexcept;
    // Without locks, on the thread that fires timers. May arm the entry again, or end it.
    void (*fired)(Timer& timer, std::uint64_t now_ns) noexcept;
};

// One entry. It must not be armed when it ends.
class Timer {
public:
    // group: its stop cancels the entry, and nothing is armed from then on; or NULL. counts: the
    // group is not idle while the entry is armed.
    Timer(const TimerKind& kind, Group* group, bool counts) noexcept
        : kind_(&kind), group_(group), counts_(counts) {}
    Timer(const Timer&) = delete;
    Timer& operator=(const Timer&) = delete;

private:
    friend class Timers;
    static constexpr std::uint16_t nowhere = UINT16_MAX;

    [[nodiscard]] bool before(const Timer& other) const noexcept {
        return due_ns_ != other.due_ns_ ? due_ns_ < other.due_ns_ : order_ < other.order_;
    }

    const TimerKind* const kind_;
    Group* const group_;
    // All below is guarded by the lock of the timers.
    std::uint64_t due_ns_ = 0;
    std::uint64_t order_ = 0;  // equal times fire in the order of arming
    // In the heap of its slot: the first child, the next sibling, and the sibling before it or, of
    // the first one, the parent.
    Timer* child_ = nullptr;
    Timer* next_ = nullptr;
    Timer* before_ = nullptr;
    Timer* next_of_group_ = nullptr;  // the armed ones of its group
    Timer* before_of_group_ = nullptr;
    std::uint16_t slot_ = nowhere;  // nowhere: not armed
    const bool counts_;
};

// Eight levels of 64 slots. A tick is 2^16 ns (66 us), a slot of level n is 64^n ticks long, so the
// levels span all 64 bits of a time. base_ is the tick that time has reached. An entry lies at the
// level of the highest digit (of 6 bits) in which its tick differs from base_: what lies at a level
// is due before all that lies above, the slots of a level follow one another, and the first one
// that is not empty is found by two looks at bits. When time reaches a slot of a higher level, its
// entries move down (cascade), each at most once for each level.
//
// A slot is a pairing heap (M. Fredman et al., 1986) by time and order of arming. So entries of one
// tick fire in exactly their order, next_due() is exact to the nanosecond however far away it is,
// and a jump of the clock over many slots takes them out in order without cascades. What is due
// before base_ (a delay of zero) lies in the slot of base_, where the heap puts it first.
class Timers {
public:
    Timers() noexcept = default;
    Timers(const Timers&) = delete;
    Timers& operator=(const Timers&) = delete;

    // Arms an entry or moves it; UINT64_MAX is never, and cancels it. In a group that stops it does
    // nothing. True if it is the next one now: somebody may have to wake earlier. The caller keeps
    // the group from ending, as a turn of it does.
    [[nodiscard]] bool set(Timer& timer, std::uint64_t due_ns) noexcept;
    // It may be about to fire all the same. The group may be gone when this returns, unless the
    // caller keeps it.
    void cancel(Timer& timer) noexcept;
    // When it fires; UINT64_MAX if it is not armed. hold() of one that fires was called before.
    [[nodiscard]] std::uint64_t due(const Timer& timer) noexcept;
    // All entries of a group, which has announced its stop, so that none comes behind them.
    void cancel_all(Group& group) noexcept;
    // Fires all entries whose time has come, in their order; returns their number.
    std::size_t fire(std::uint64_t now_ns) noexcept;
    // When the next is due; UINT64_MAX if none is armed. seq_cst with the schedulers' sleep:
    // whoever arms an earlier one looks for sleepers afterwards, a sleeper announces itself first.
    [[nodiscard]] std::uint64_t next_due() const noexcept {
        return next_due_.load(std::memory_order_seq_cst);
    }

private:
    static constexpr unsigned tick_bits = 16;
    static constexpr unsigned digit_bits = 6;
    static constexpr unsigned levels = 8;
    static constexpr unsigned slots = 1u << digit_bits;
    static_assert(tick_bits + levels * digit_bits == 64, "every time has a slot");

    // Heaps: two roots become one, and the children of one become one. No recursion.
    [[nodiscard]] static Timer* meld(Timer* one, Timer* other) noexcept;
    [[nodiscard]] static Timer* merge_children(Timer& parent) noexcept;
    // All with the lock.
    void link(Timer& timer) noexcept;    // by its time, into its slot
    void unlink(Timer& timer) noexcept;  // out of its slot
    void disarm(Timer& timer) noexcept;  // out of its slot and its group
    [[nodiscard]] Timer* first() const noexcept;
    void advance(std::uint64_t tick) noexcept;
    void publish() noexcept;

    std::mutex mutex_;  // guards all below, the entries, and the lists of groups
    std::uint64_t base_ = 0;
    std::uint64_t order_ = 0;
    std::uint32_t used_levels_ = 0;                   // a bit for each level with entries
    std::array<std::uint64_t, levels> used_slots_{};  // a bit for each slot with entries
    std::array<Timer*, std::size_t{levels} * slots> heaps_{};
    std::atomic<std::uint64_t> next_due_{UINT64_MAX};
};

}  // namespace reflow::runtime
