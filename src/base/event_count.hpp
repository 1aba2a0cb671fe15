// Sleeping without lost wake-ups: announce, look once more, then commit or cancel.
// Neighbours: schedulers. Thread: any.
#pragma once

#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdint>

#if defined(__linux__)
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <ctime>
#else
#include <chrono>
#include <condition_variable>
#include <mutex>
#endif

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
    using Ticket = std::uint32_t;

    [[nodiscard]] Ticket prepare() noexcept {
        waiters_.fetch_add(1, std::memory_order_seq_cst);
        return epoch_.load(std::memory_order_seq_cst);
    }
    void cancel() noexcept { waiters_.fetch_sub(1, std::memory_order_seq_cst); }

    // Sleeps until the epoch moves on or the deadline (steady clock, nanoseconds; UINT64_MAX is
    // none).
    void sleep(Ticket ticket, std::uint64_t deadline_ns) {
        rest(ticket, deadline_ns);
        cancel();
    }
    // The same; cancel() follows, in which the sleeper says that it is up.
    void rest(Ticket ticket, std::uint64_t deadline_ns) { block(ticket, deadline_ns); }
    // Whether a sleep() with this ticket would begin. Who waits somewhere else in its stead says so
    // (sequentially consistent), looks at this and waits only if it is true: a waker looks there
    // after wake(), so it finds that one waiting, or has moved the epoch on before.
    [[nodiscard]] bool stands(Ticket ticket) const noexcept {
        return epoch_.load(std::memory_order_seq_cst) == ticket;
    }

    // Wakes one sleeper, or all. none: nobody has called prepare(). nobody: none of those sleeps
    // here.
    enum class Woken : std::uint8_t { none, nobody, some };
    Woken wake(bool all = false) noexcept {
        if (waiters_.load(std::memory_order_seq_cst) == 0) return Woken::none;
        // Everybody who commits to an older ticket from now on returns at once; of those who sleep,
        // one does, or all.
        return unblock(all) ? Woken::some : Woken::nobody;
    }

    [[nodiscard]] bool sleepers() const noexcept {
        return waiters_.load(std::memory_order_seq_cst) != 0;
    }

private:
#if defined(__linux__)
    // The kernel compares the epoch and goes to sleep in one step. A host's wake is what an idle
    // network waits for, and a condition variable makes it half as long again.
    void block(Ticket ticket, std::uint64_t deadline_ns) noexcept {
        constexpr std::uint64_t second = 1'000'000'000;
        timespec until{static_cast<time_t>(deadline_ns / second),
                       static_cast<long>(deadline_ns % second)};
        while (epoch_.load(std::memory_order_seq_cst) == ticket) {
            long done = syscall(SYS_futex, &epoch_, FUTEX_WAIT_BITSET_PRIVATE, ticket,
                                deadline_ns == UINT64_MAX ? nullptr : &until, nullptr,
                                FUTEX_BITSET_MATCH_ANY);
            if (done != 0 && errno == ETIMEDOUT) return;
        }
    }
    bool unblock(bool all) noexcept {
        epoch_.fetch_add(1, std::memory_order_seq_cst);
        return syscall(SYS_futex, &epoch_, FUTEX_WAKE_PRIVATE, all ? INT_MAX : 1, nullptr, nullptr,
                       0) > 0;
    }
#else
    void block(Ticket ticket, std::uint64_t deadline_ns) {
        std::unique_lock lock(mutex_);
        auto moved = [&] { return epoch_.load(std::memory_order_seq_cst) != ticket; };
        if (deadline_ns == UINT64_MAX) return condition_.wait(lock, moved);
        std::chrono::steady_clock::time_point deadline{std::chrono::nanoseconds(deadline_ns)};
        condition_.wait_until(lock, deadline, moved);
    }
    bool unblock(bool all) noexcept {
        {
            std::lock_guard lock(mutex_);
            epoch_.fetch_add(1, std::memory_order_seq_cst);
        }
        all ? condition_.notify_all() : condition_.notify_one();
        return false;  // nobody tells
    }
    std::mutex mutex_;  // orders epoch changes with going to sleep
    std::condition_variable condition_;
#endif

    std::atomic<std::uint32_t> epoch_{0};
    std::atomic<std::uint32_t> waiters_{0};
    static_assert(sizeof(std::atomic<std::uint32_t>) == sizeof(std::uint32_t));
};

}  // namespace reflow
