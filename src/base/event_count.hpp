// Sleeping without lost wake-ups: announce, look once more, then commit or cancel.
// Neighbours: schedulers. Thread: any.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace reflow {

// A sleeper calls prepare(), looks for work once more, and then cancel()s or sleep()s. A waker
// first makes the work visible and then calls wake().
//
// Why no wake-up is lost: prepare() adds a waiter and then reads the epoch; the waker publishes
// work and then reads the number of waiters. Both are sequentially consistent, so one of them
// sees the other: either the sleeper finds the work when it looks again, or the waker sees a
// waiter and moves the epoch on, which ends a sleep() of the older epoch.
class EventCount {
public:
    using Ticket = std::uint64_t;

    [[nodiscard]] Ticket prepare() noexcept {
        waiters_.fetch_add(1, std::memory_order_seq_cst);
        return epoch_.load(std::memory_order_seq_cst);
    }
    void cancel() noexcept { waiters_.fetch_sub(1, std::memory_order_seq_cst); }

    // Sleeps until the epoch moves on or the deadline (steady clock, nanoseconds; UINT64_MAX is
    // none).
    void sleep(Ticket ticket, std::uint64_t deadline_ns) {
        {
            std::unique_lock lock(mutex_);
            auto moved = [&] { return epoch_.load(std::memory_order_seq_cst) != ticket; };
            if (deadline_ns == UINT64_MAX) {
                condition_.wait(lock, moved);
            } else {
                std::chrono::steady_clock::time_point deadline{
                    std::chrono::nanoseconds(deadline_ns)};
                condition_.wait_until(lock, deadline, moved);
            }
        }
        waiters_.fetch_sub(1, std::memory_order_seq_cst);
    }

    // Wakes one sleeper, or all.
    void wake(bool all = false) {
        if (waiters_.load(std::memory_order_seq_cst) == 0) return;
        {
            std::lock_guard lock(mutex_);
            epoch_.fetch_add(1, std::memory_order_seq_cst);
        }
        // Everybody with an older ticket wakes if all is set; otherwise one does, and the others
        // go on: they look at the epoch only when they are notified.
        if (all) {
            condition_.notify_all();
        } else {
            condition_.notify_one();
        }
    }

    [[nodiscard]] bool sleepers() const noexcept {
        return waiters_.load(std::memory_order_seq_cst) != 0;
    }

private:
    std::atomic<std::uint64_t> epoch_{0};
    std::atomic<std::uint32_t> waiters_{0};
    std::mutex mutex_;  // orders epoch changes with going to sleep
    std::condition_variable condition_;
};

}  // namespace reflow
