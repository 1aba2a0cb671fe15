// One worker of a pool: its queue, and what it and the others note about it.
// Neighbours: worker_pool alone. Thread: the owner's, unless a line says otherwise.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/lookout.hpp"
#include "base/thread.hpp"
#include "runtime/lane.hpp"
#include "runtime/rank.hpp"
#include "runtime/ready_queue.hpp"
#include "runtime/scheduler.hpp"

namespace reflow::runtime {

// Work is for another worker if it lasts longer than a wake costs: 25 us until a sleeper runs, 7 us
// of who wakes it, and the cache lines that move over.
constexpr std::uint64_t worth_ns = 50'000;
// One that runs for less than this until it waits again costs more on two cores than on one: what
// it touches moves between them each time.
constexpr std::uint64_t least_round_ns = 3'000;

struct Worker final : Allocated, Lane, Lookout::Waiter {
    Worker(Scheduler& of, void (*up)(Waiter&) noexcept) noexcept
        : Lane(of.clock(), false), Waiter{up}, pool(&of) {}
    Scheduler* const pool;
    std::uint32_t number = 0;
    LocalQueue queue;
    Thread thread;
    // How long one of those that wait here takes. relaxed, written by the owner: an estimate.
    std::atomic<std::uint64_t> round_ns{0};
    // Steps on with each of them, written by the owner. relaxed: only whether it moves counts.
    std::atomic<std::uint64_t> rounds{0};
    std::uint64_t seen_rounds = 0;  // of the worker that watches; watching_ passes it on
    RankRule rule;                  // of the owner
    bool risen = true;              // has slept, and not run anybody since
    bool taken = false;             // lent: a thread works here; guarded by slots_mutex_
    // Own: its thread has to leave; and it has left, or was never there: guarded by slots_mutex_.
    // The first is sequentially consistent with the event count: nobody sleeps through it.
    std::atomic<bool> retired{false};
    bool over = true;
    // Others may steal here, so the owner takes with care. Set for ever, by the owner as soon as it
    // sees that there is another worker, or by who has made that one: see WorkerPool::open_up(). What
    // was taken without care came before, and is seen by thieves, who read it with acquire.
    std::atomic<bool> shared{false};
    // The owner runs turns. release: who sees it sees what was taken from the queue before. The fence
    // orders what it looks at next for the compiler alone: for the processor open_up() sees to that.
    std::atomic<bool> in_turn{false};
    void begins_turn() noexcept { in_turn.store(true, std::memory_order_release); }
    void ends_turn() noexcept {
        in_turn.store(false, std::memory_order_relaxed);
        std::atomic_signal_fence(std::memory_order_seq_cst);
    }
    // Written by the owner. relaxed: statistics.
    std::atomic<std::uint64_t> begun_ns{0};
    std::atomic<std::uint64_t> asleep_ns{0};    // of the sleeps that have ended
    std::atomic<std::uint64_t> asleep_since{0};  // 0: awake
    // Of the owner: when it measured last, and how many rounds ago.
    std::uint64_t measured_ns = 0;
    std::uint32_t unmeasured = 0;
    std::uint64_t outside_ns = 0;  // of the owner: when it looked last at what comes from outside

    void ran_one() noexcept {
        rounds.store(rounds.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
        ++unmeasured;
        constexpr std::uint64_t least_ns = 10'000;
        if (now_ns() - measured_ns < least_ns) return;
        round_ns.store((now_ns() - measured_ns) / unmeasured, std::memory_order_relaxed);
        measured_ns = now_ns();
        unmeasured = 0;
    }
    // A place that nobody has taken counts as asleep, once somebody had.
    void begins(std::uint64_t now) noexcept {
        if (begun_ns.load(std::memory_order_relaxed) != 0) return (void)wakes(now);
        begun_ns.store(now, std::memory_order_relaxed);
    }
    void falls_asleep(std::uint64_t now) noexcept {
        asleep_since.store(now, std::memory_order_relaxed);
    }
    // How long it has slept.
    std::uint64_t wakes(std::uint64_t now) noexcept {
        std::uint64_t slept = now - asleep_since.exchange(0, std::memory_order_relaxed);
        asleep_ns.store(asleep_ns.load(std::memory_order_relaxed) + slept,
                        std::memory_order_relaxed);
        return slept;
    }
    void woke_up() noexcept {
        rested();
        measured_ns = now_ns();
        unmeasured = 0;
    }
    [[nodiscard]] bool has_for_others() const noexcept {
        std::uint64_t each_ns = round_ns.load(std::memory_order_relaxed);
        return each_ns >= least_round_ns && queue.size() * each_ns >= worth_ns;
    }
};

// How long a thread of the host works.
struct Stint {
    std::uint64_t deadline_ns = UINT64_MAX;
    std::uint64_t turns = UINT64_MAX;
    bool sleeps = true;
    bool takes_permits = false;                // those of interrupt_work()
    const std::uint64_t* interrupts = nullptr;  // ends with the first that came after this
    bool over = false;
};

}  // namespace reflow::runtime
