// Schedulers without threads: inline (in order, real time) and simulated (order drawn from a seed,
// logical time). Turns run inside run(), on whatever thread calls it, one thread at a time.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>

#include "runtime/scheduler.hpp"

namespace reflow::runtime {
namespace {

// Time that moves only when it is told to.
class LogicalClock final : public Clock {
public:
    [[nodiscard]] std::uint64_t now_ns() const noexcept override {
        return now_.load(std::memory_order_relaxed);
    }
    [[nodiscard]] std::int64_t wall_ms() const noexcept override {
        return static_cast<std::int64_t>(now_ns() / 1'000'000);
    }
    void advance_to(std::uint64_t time_ns) noexcept {
        if (time_ns > now_ns()) now_.store(time_ns, std::memory_order_relaxed);
    }

private:
    // relaxed: written by the thread that runs, which others see through the queue's lock.
    std::atomic<std::uint64_t> now_{0};
};

// SplitMix64: G. Steele, D. Lea, C. Flood, Fast Splittable Pseudorandom Number Generators, 2014.
class Random {
public:
    explicit Random(std::uint64_t seed) noexcept : state_(seed) {}
    [[nodiscard]] std::uint64_t below(std::uint64_t bound) noexcept {
        std::uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        return (z ^ (z >> 31)) % bound;
    }

private:
    std::uint64_t state_;
};

class SingleThread final : public Scheduler {
public:
    explicit SingleThread(const SchedulerOptions& options)
        : simulated_(options.mode == REFLOW_MODE_SIMULATED),
          budget_(options.budget),
          lane_(simulated_ ? static_cast<const Clock&>(logical_) : system_, true),
          random_(options.seed) {}

    void submit(Actor& actor, Lane*) noexcept override {
        actor.next = nullptr;
        {
            std::lock_guard lock(mutex_);
            (tail_ == nullptr ? head_ : tail_->next) = &actor;
            tail_ = &actor;
            ++size_;
        }
        changed_.notify_one();
    }
    void arm(Actor& actor, std::uint64_t due_ns) override {
        if (timers.arm(actor, due_ns)) interrupt();
    }
    void interrupt() noexcept override {
        {
            std::lock_guard lock(mutex_);
            ++interrupts_;
        }
        changed_.notify_all();
    }
    [[nodiscard]] std::uint64_t interrupts() const noexcept override {
        std::lock_guard lock(mutex_);
        return interrupts_;
    }
    [[nodiscard]] const Clock& clock() const noexcept override {
        if (simulated_) return logical_;
        return system_;
    }
    [[nodiscard]] bool threaded() const noexcept override { return false; }
    [[nodiscard]] std::uint32_t workers() const noexcept override { return 0; }
    void request_shutdown() noexcept override {}
    void shutdown() noexcept override {}

    Ran run(const Limits& limits) override {
        Ran ran;
        {
            std::unique_lock running(running_, std::defer_lock);
            if (limits.exclusive) {
                ran.busy = !running.try_lock();
                if (ran.busy) return ran;
            } else {
                running.lock();
            }
            InTurn inside(*this);
            lane_.rested();
            while (ran.turns < limits.turns && one_turn(limits.deadline_ns)) ++ran.turns;
            lane_.settle();
            ran.ready = lane_.has_next();
        }
        if (ran.turns == 0 && limits.sleep && !simulated_) wait_for_work(limits);
        std::lock_guard lock(mutex_);
        ran.ready = ran.ready || head_ != nullptr;
        ran.pending = ran.ready || timers.next_due() != UINT64_MAX;
        return ran;
    }

private:
    bool one_turn(std::uint64_t deadline_ns) {
        fire_timers();
        Actor* actor = lane_.take_next();
        bool handed_over = actor != nullptr;
        if (actor == nullptr) actor = pop();
        if (actor == nullptr) {
            lane_.settle();  // may let some go
            actor = pop();
        }
        if (actor == nullptr && simulated_) {
            std::uint64_t due = timers.next_due();
            if (due == UINT64_MAX) return false;
            logical_.advance_to(std::min(due, deadline_ns));
            fire_timers();
            actor = pop();
        }
        if (actor == nullptr) return false;
        // A simulated turn takes a microsecond, so that timeouts end.
        if (simulated_) logical_.advance_to(logical_.now_ns() + 1000);
        if (handed_over) {
            actor->turn_handed_over(lane_, budget_);
        } else {
            // In the simulation the seed chooses the order, and so whether an actor jumps the
            // queue.
            lane_.allow_hand_over(!simulated_ || random_.below(2) == 0);
            actor->turn(lane_, budget_);
        }
        return true;
    }

    void fire_timers() {
        std::uint64_t due = timers.next_due();
        if (due == UINT64_MAX) return;
        std::uint64_t now = clock().now_ns();
        if (due <= now) timers.fire(now);
    }

    // The first in line; in the simulation any of the first few.
    Actor* pop() {
        constexpr std::size_t window = 64;
        std::lock_guard lock(mutex_);
        if (head_ == nullptr) return nullptr;
        Actor* before = nullptr;
        std::size_t skip = simulated_ ? random_.below(std::min(size_, window)) : 0;
        Actor* actor = head_;
        for (; skip > 0; --skip) {
            before = actor;
            actor = actor->next;
        }
        (before == nullptr ? head_ : before->next) = actor->next;
        if (tail_ == actor) tail_ = before;
        --size_;
        return actor;
    }

    void wait_for_work(const Limits& limits) {
        std::unique_lock lock(mutex_);
        // Without a timer only another thread could bring work, and inline mode has none of its
        // own: the caller is told that nothing is pending instead of sleeping for ever.
        std::uint64_t due = timers.next_due();
        if (due == UINT64_MAX) return;
        std::chrono::steady_clock::time_point time{
            std::chrono::nanoseconds(std::min(limits.deadline_ns, due))};
        changed_.wait_until(lock, time,
                            [&] { return head_ != nullptr || interrupts_ != limits.interrupts; });
    }

    const bool simulated_;
    const TurnBudget budget_;
    SystemClock system_;
    LogicalClock logical_;
    std::mutex running_;  // held by the thread that runs turns; ordered before every other lock
    // Guards the queue and interrupts_; no other lock is taken under it.
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    Lane lane_;  // this and the next: of the thread that runs turns
    Random random_;
    Actor* head_ = nullptr;
    Actor* tail_ = nullptr;
    std::size_t size_ = 0;
    std::uint64_t interrupts_ = 0;
};

}  // namespace

std::unique_ptr<Scheduler> make_single_thread(const SchedulerOptions& options) {
    return std::unique_ptr<Scheduler>(new SingleThread(options));
}

const Scheduler*& current_scheduler() noexcept {
    // A plain pointer without a destructor: the library can still be unloaded.
    static thread_local constinit const Scheduler* current = nullptr;
    return current;
}

Result<std::unique_ptr<Scheduler>> make_scheduler(const SchedulerOptions& options) {
    if (options.mode == REFLOW_MODE_OWN) return make_worker_pool(options);
    return make_single_thread(options);
}

}  // namespace reflow::runtime
