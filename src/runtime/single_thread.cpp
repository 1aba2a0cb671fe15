// Schedulers without threads: inline and hosted (in order, real time) and simulated (order drawn
// from a seed, logical time). Turns run inside run(), one thread at a time: on whatever thread calls
// it, in mode hosted on that of the host's loop.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>

#include "runtime/ready_queue.hpp"
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

// What tells threads apart: the address of something that each has for itself.
const void* this_thread() noexcept { return &host_log(); }

// How a hosted runtime tells its host that there is something to do.
//
// `told_` says that the host knows: the descriptor is readable, and the wake callback was called or
// a run has answered that more is ready. It changes under mutex_ only, together with the
// descriptor, so a host that polls sees the one exactly when the other is set. No wake-up is lost:
// every actor enters the queue under mutex_ as well. If nobody runs turns then (runners_ is 0), the
// host is told in the same step, unless it knows already; if somebody does, he looks at the
// queue when he ends, under the same lock that takes him out of runners_, and tells the host if
// something is left. There is no moment between the two. A call of the host's loop that is refused
// since another thread runs may have been the answer to a wake callback, so the callback comes
// again when that one ends with something left (refused_). Timers are armed inside turns, so who
// ends looks at them too: the descriptor becomes readable when the first is due, and a host without
// one asks next_due().
class SingleThread final : public Scheduler {
public:
    explicit SingleThread(const SchedulerOptions& options)
        : Scheduler(options),
          options_(options),
          simulated_(options.mode == REFLOW_MODE_SIMULATED),
          hosted_(options.mode == REFLOW_MODE_HOSTED),
          lane_(simulated_ ? static_cast<const Clock&>(logical_) : system_, true),
          random_(options.seed) {}

    void submit(Actor& actor, Lane*) noexcept override {
        bool wake = false;
        {
            std::lock_guard lock(mutex_);
            ready_.push(actor);
            if (hosted_ && runners_ == 0) wake = tell();
        }
        changed_.notify_one();
        if (wake) call_host();
    }
    void rearmed() noexcept override { interrupt(); }
    void interrupt() noexcept override {
        {
            std::lock_guard lock(mutex_);
            ++interrupts_;
        }
        changed_.notify_all();
        left_.notify_all();
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
    // The callbacks of a hosted runtime stay on the thread of the host's loop.
    [[nodiscard]] bool runs_while_waiting() const noexcept override {
        return !hosted_ || loop_thread_.load(std::memory_order_relaxed) == this_thread();
    }
    [[nodiscard]] std::uint32_t workers() const noexcept override { return 0; }
    void close_descriptors() noexcept override { doorbell_.reset(); }
    void request_shutdown() noexcept override {}
    void shutdown() noexcept override {}

    Ran run(const Limits& limits) override {
        Ran ran;
        if (!begin(limits)) {
            ran.busy = ran.pending = true;
            return ran;
        }
        bool wake = false;
        {
            InTurn inside(*this);
            lane_.rested();
            while (ran.turns < limits.turns && earlier_than(limits.until_ns) &&
                   one_turn(limits.deadline_ns)) {
                ++ran.turns;
            }
            lane_.settle();
            ran.ready = lane_.has_next();
            wake = end(ran.ready, limits.by_loop);
        }
        if (wake) call_host();
        if (ran.turns == 0 && limits.sleep && !simulated_) wait_for_work(limits);
        std::lock_guard lock(mutex_);
        ran.ready = ran.ready || !ready_.empty();
        bool outside = limits.outside && !simulated_;
        ran.pending = ran.ready || outside || timers.next_due() != UINT64_MAX;
        return ran;
    }

    [[nodiscard]] std::uint64_t next_due() const noexcept override {
        std::lock_guard lock(mutex_);
        return !ready_.empty() || left_over_ ? 0 : timers.next_due();
    }

    [[nodiscard]] std::uint64_t turns() const noexcept override {
        return turns_.load(std::memory_order_relaxed);
    }
    void advance_to(std::uint64_t time_ns) noexcept override { logical_.advance_to(time_ns); }
    void lock() noexcept override {
        if (current_scheduler() == this) return;
        std::unique_lock lock(mutex_);
        left_.wait(lock, [&] { return !inside_; });
        inside_ = true;
    }
    void unlock() noexcept override {
        if (current_scheduler() == this) return;
        std::lock_guard lock(mutex_);
        leave();
    }

    Result<int> descriptor() override {
        if (!hosted_) return Scheduler::descriptor();
        std::lock_guard lock(mutex_);
        if (doorbell_ == nullptr) {
            auto made = options_.make_doorbell();
            if (!made.ok()) return made.take_error();
            doorbell_ = std::move(made).take();
            if (told_) doorbell_->ring();
            doorbell_->alarm(alarm_ns_);
        }
        return doorbell_->descriptor();
    }

private:
    // ---- what the host knows; the lock mutex_ is held, but for call_host()

    // Waits for who runs turns now, but no longer than who waits for something else by running them: until
    // the deadline, or an interrupt, behind which that looks again.
    bool begin(const Limits& limits) noexcept {
        std::unique_lock lock(mutex_);
        if (limits.exclusive && runners_ != 0) {
            refused_ = true;
            return false;
        }
        ++runners_;
        if (limits.by_loop) loop_thread_.store(this_thread(), std::memory_order_relaxed);
        auto mine = [&] { return !inside_ || (limits.sleep && interrupts_ != limits.interrupts); };
        wait_until(lock, left_, limits.deadline_ns, mine);
        // Who is inside looks at the queue when he leaves.
        if (inside_) return --runners_, false;
        return inside_ = true;
    }
    // The lock is held. The others look again, at the latest when all have left.
    void leave() noexcept {
        inside_ = false;
        left_.notify_all();
    }
    // Who ran turns has no more to do, or has done enough. True if the host is to be called.
    bool end(bool has_next, bool by_loop) noexcept {
        std::lock_guard lock(mutex_);
        leave();
        left_over_ = has_next;
        if (--runners_ != 0) return false;
        if (!hosted_) return false;
        bool wake = false;
        bool again = std::exchange(refused_, false);
        if (!ready_.empty() || has_next) {
            wake = tell() || again;
        } else if (std::exchange(told_, false) && doorbell_ != nullptr) {
            doorbell_->silence();
        }
        std::uint64_t due = timers.next_due();
        if (due != alarm_ns_) {
            wake = wake || due < alarm_ns_;
            alarm_ns_ = due;
            if (doorbell_ != nullptr) doorbell_->alarm(due);
        }
        return wake && !by_loop;  // the loop hears it from the result
    }
    // True if the host did not know.
    bool tell() noexcept {
        if (std::exchange(told_, true)) return false;
        if (doorbell_ != nullptr) doorbell_->ring();
        return true;
    }
    void call_host() noexcept {
        tell_host("wake", options_.wake, options_.user_data, this);
    }

    // ---- turns

    [[nodiscard]] bool earlier_than(std::uint64_t time_ns) const noexcept {
        return time_ns == UINT64_MAX || clock().now_ns() < time_ns;
    }

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
        // A simulated turn takes a microsecond, so that timeouts end. Within one no time passes, and what passed before
        // counts for none: how far a turn comes does not hang on how many of them a host asks for at once.
        if (simulated_) {
            logical_.advance_to(logical_.now_ns() + 1000);
            lane_.rested();
            turns_.store(turns() + 1, std::memory_order_relaxed);
        }
        if (handed_over) {
            actor->turn_handed_over(lane_, options_.budget);
        } else {
            // In the simulation the seed chooses the order, and so whether an actor jumps the
            // queue.
            bool jumps = !simulated_ || random_.below(2) == 0;
            lane_.allow_hand_over(jumps && !actor->group.ranked());
            actor->turn(lane_, options_.budget);
        }
        return true;
    }

    void fire_timers() {
        std::uint64_t due = timers.next_due();
        if (due == UINT64_MAX) return;
        std::uint64_t now = clock().now_ns();
        if (due <= now) timers.fire(now);
    }

    // The first in line of the class whose turn it is; in the simulation any of its first few.
    Actor* pop() {
        constexpr std::size_t window = 64;
        std::lock_guard lock(mutex_);
        if (ready_.empty()) return nullptr;
        ReadyList& list = ready_.next();
        return list.take(simulated_ ? random_.below(std::min(list.size, window)) : 0);
    }

    void wait_for_work(const Limits& limits) {
        std::unique_lock lock(mutex_);
        // Without a timer only another thread could bring work, and inline mode has none of its
        // own: unless the caller expects it, it is told that nothing is pending instead of sleeping
        // for ever.
        std::uint64_t due = timers.next_due();
        if (due == UINT64_MAX && !limits.outside) return;
        auto changed = [&] { return !ready_.empty() || interrupts_ != limits.interrupts; };
        wait_until(lock, changed_, std::min(limits.deadline_ns, due), changed);
    }

    // By the clock of the runtime; logical time stands still while somebody sleeps, so in the simulation it is
    // as long as that would be by the clock of the system.
    template <typename Done>
    void wait_until(std::unique_lock<std::mutex>& lock, std::condition_variable& changed,
                    std::uint64_t time_ns, Done done) {
        if (time_ns == UINT64_MAX) return changed.wait(lock, done);
        if (done()) return;
        if (simulated_) time_ns += system_.now_ns() - std::min(logical_.now_ns(), time_ns);
        std::chrono::steady_clock::time_point time{std::chrono::nanoseconds(time_ns)};
        changed.wait_until(lock, time, done);
    }

    const SchedulerOptions options_;
    const bool simulated_;
    const bool hosted_;
    SystemClock system_;
    LogicalClock logical_;
    // Guards the queue and all below but lane_ and random_; no other lock is taken under it.
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::condition_variable left_;  // nobody runs turns any more, or an interrupt
    Lane lane_;  // this and the next: of the thread that runs turns
    Random random_;
    std::atomic<std::uint64_t> turns_{0};  // simulated; relaxed, as the time
    RankedLists ready_;
    std::uint64_t interrupts_ = 0;
    std::uint32_t runners_ = 0;  // run turns, or are about to
    bool inside_ = false;        // a thread runs turns, or lets none run; its word under mutex_ makes it the only one
    bool left_over_ = false;     // the lane has an actor that is next
    bool told_ = false;
    bool refused_ = false;
    std::uint64_t alarm_ns_ = UINT64_MAX;
    std::unique_ptr<Doorbell> doorbell_;  // made when it is asked for
    // relaxed: only whether it is the thread that asks.
    std::atomic<const void*> loop_thread_{this_thread()};
};

}  // namespace

std::unique_ptr<Scheduler> make_single_thread(const SchedulerOptions& options) {
    return std::unique_ptr<Scheduler>(new SingleThread(options));
}

Result<int> Scheduler::descriptor() {
    return Failure(REFLOW_ERROR_UNSUPPORTED, "only a hosted runtime has a descriptor");
}

Result<void> Scheduler::watch(std::uint32_t) { return {}; }

Result<void> Scheduler::set_workers(std::uint32_t) {
    return Failure(REFLOW_ERROR_UNSUPPORTED, "a runtime of this mode has no workers");
}

Result<std::unique_ptr<Scheduler>> make_scheduler(const SchedulerOptions& options) {
    if (options.mode == REFLOW_MODE_OWN || options.mode == REFLOW_MODE_LENT) return make_worker_pool(options);
    return make_single_thread(options);
}

}  // namespace reflow::runtime
