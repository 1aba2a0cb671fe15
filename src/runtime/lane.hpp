// What the thread that runs turns has in its hands between them: counts of a group, the time, and
// the actor that is next. Neighbours: actor, group, schedulers. Thread: one at a time.
#pragma once

#include <cstdint>

#include "base/clock.hpp"
#include "runtime/group.hpp"
#include "runtime/mailbox.hpp"
#include "runtime/watchdog.hpp"

namespace reflow::runtime {

class Lane {
public:
    // steady: what an actor does must not depend on how long it takes.
    // queues: it is that of a worker, which has a queue of its own.
    Lane(const Clock& clock, bool steady, bool queues = true) noexcept
        : clock_(clock), steady_(steady), queues_(queues) {}
    ~Lane() {
        REFLOW_ASSERT(counts_ == 0 && next_ == nullptr);
        if (place_ != nullptr) place_->leave();
    }
    Lane(const Lane&) = delete;
    Lane& operator=(const Lane&) = delete;

    // ---- counts of the group whose actors have their turns here
    // A turn that ends leaves its count in the hand, and an actor that is woken takes one from
    // there: most turns end and wake somebody, and the group's own count, which all threads share,
    // is not touched. What is in the hand makes that count too large and never too small. It is
    // given back before this thread sleeps, returns to its host, or turns to another group: until
    // then the group is not idle anyway, since this thread is about to run its actors.
    void serve(Group& group) noexcept {
        if (group_ == &group) return;
        settle();
        group_ = &group;
    }
    void enter() noexcept {
        if (counts_ == 0) return group_->enter();
        --counts_;
    }
    void leave() noexcept { ++counts_; }
    // Gives all back; the group may be gone when this returns.
    void settle() noexcept {
        Group* group = std::exchange(group_, nullptr);
        if (std::int64_t counts = std::exchange(counts_, 0)) group->leave(counts);
    }

    // ---- time
    // The clock costs more than a short callback: it is asked once in so many calls, and after each
    // one as soon as they are long. What it says is then that old.
    void begin_turn() noexcept { turn_ns_ = 0; }
    // True if it has been: slow() may be another then.
    bool called() noexcept {
        if (--left_ != 0) return false;
        look();
        return true;
    }
    void look() noexcept {
        constexpr std::uint64_t slow_ns = 5000;
        constexpr std::uint32_t most = 32;
        std::uint64_t now = clock_.now_ns();
        std::uint64_t spent = now - now_ns_;
        now_ns_ = now;
        turn_ns_ += spent;
        bool slow = spent > slow_ns;
        slow_ = slow && !steady_;
        if (slow) {
            every_ = 1;
        } else if (spent <= slow_ns / 2 && every_ < most) {
            every_ *= 2;
        }
        left_ = every_;
    }
    // After a pause: the next call is measured by itself.
    void rested() noexcept {
        now_ns_ = clock_.now_ns();
        every_ = left_ = 1;
        slow_ = false;
    }
    // Callbacks take so long that what they emit should not wait for the next one.
    [[nodiscard]] bool slow() const noexcept { return slow_; }
    [[nodiscard]] std::uint64_t turn_ns() const noexcept { return turn_ns_; }
    [[nodiscard]] std::uint64_t now_ns() const noexcept { return now_ns_; }

    [[nodiscard]] bool queues() const noexcept { return queues_; }

    // Where the watchdog sees it, from the first actor on that wants that; NULL if it cannot.
    [[nodiscard]] WatchedPlace* place(Watchdog* dog) noexcept {
        if (place_ == nullptr && dog != nullptr) place_ = dog->take_place();
        return place_;
    }

    // Senders that a take lets go; of the turn.
    Released released;

    // ---- hand-over: the actor that runs next on this thread, past the queue
    // The limit is for those that wait in the queue.
    static constexpr std::uint32_t most_in_a_row = 128;
    void allow_hand_over(bool allowed) noexcept { row_ = allowed ? most_in_a_row : 0; }
    [[nodiscard]] bool may_hand_over() const noexcept {
        return row_ != 0 && next_ == nullptr && !slow_;
    }
    void hand_over(Actor& actor) noexcept {
        next_ = &actor;
        --row_;
    }
    [[nodiscard]] bool has_next() const noexcept { return next_ != nullptr; }
    [[nodiscard]] Actor* take_next() noexcept { return std::exchange(next_, nullptr); }

private:
    const Clock& clock_;
    Group* group_ = nullptr;
    std::int64_t counts_ = 0;
    Actor* next_ = nullptr;
    std::uint32_t row_ = 0;
    std::uint32_t every_ = 1;
    std::uint32_t left_ = 1;
    bool slow_ = false;
    const bool steady_;
    const bool queues_;
    std::uint64_t now_ns_ = 0;
    std::uint64_t turn_ns_ = 0;
    WatchedPlace* place_ = nullptr;
};

}  // namespace reflow::runtime
