// Idle, stopping, and hosts that wait. Stalls are in stall.cpp.
// Thread: any.
#include "runtime/group.hpp"

#include <chrono>
#include <new>

#include "base/text.hpp"
#include "runtime/actor.hpp"
#include "runtime/deferred.hpp"
#include "runtime/scheduler.hpp"

namespace reflow::runtime {

Group::Group(Scheduler& scheduler_of, Environment& environment_of, Observer& observer_of,
             std::uint64_t max_growth)
    : scheduler(scheduler_of),
      environment(environment_of),
      observer(observer_of),
      max_growth_(max_growth) {}

Group::~Group() { REFLOW_ASSERT(active_.load() == 0); }

// ---- counting

void Group::enter() noexcept {
    if (active_.fetch_add(1, std::memory_order_seq_cst) == 0) {
        periods_.fetch_add(1, std::memory_order_seq_cst);
    }
}

// The step to zero is made under the lock. Whoever ends the group makes such a step too
// (request_stop), so it cannot happen between our step and our last look at the members.
void Group::leave(std::int64_t count) noexcept {
    std::int64_t active = active_.load(std::memory_order_seq_cst);
    while (active > count) {
        if (active_.compare_exchange_weak(active, active - count, std::memory_order_seq_cst)) {
            return;
        }
    }
    std::unique_lock lock(mutex_);
    while (active_.fetch_sub(count, std::memory_order_seq_cst) == count) {
        count = 1;
        Report report = quiescent();
        notify_hosts();
        if (report == Report::none) return;
        if (report == Report::stopped) {
            lock.unlock();
            return observer.stopped();  // may end the group
        }
        // A guard while the observer is told: nobody sees an idle group before its event.
        active_.fetch_add(1, std::memory_order_seq_cst);
        lock.unlock();
        if (report == Report::idle) {
            observer.idle();
        } else {
            observer.stalled(stall_text_);  // does not change any more
        }
        lock.lock();
    }
}

bool Group::idle() const noexcept {
    return held_.load(std::memory_order_seq_cst) == 0 &&
           parked_.load(std::memory_order_seq_cst) == 0 && !active();
}

// Nothing was active a moment ago; the lock is held. Something may become so at any moment, from
// outside or by what is done here; it will then come here again when it ends.
Group::Report Group::quiescent() noexcept {
    bool stops = stopping();
    bool holds = held_.load(std::memory_order_seq_cst) != 0;
    bool parks = parked_.load(std::memory_order_seq_cst) != 0;
    if (active()) return Report::none;
    if (stops) return std::exchange(stop_reported_, true) ? Report::none : Report::stopped;
    if (parks) return Report::none;  // neither idle nor a stall: somebody will let them go on
    if (holds) {
        if (failed()) return Report::none;
        resolve_stall();
        return failed() ? Report::stalled : Report::none;
    }
    std::uint64_t period = periods_.load(std::memory_order_seq_cst);
    return std::exchange(reported_, period) == period ? Report::none : Report::idle;
}

Result<void> Group::failure() const {
    std::lock_guard lock(mutex_);
    if (!failed()) return {};
    return Failure(REFLOW_ERROR_LIMIT, concat("network stalled: ", stall_text_));
}

void Group::request_stop() noexcept {
    enter();
    stopping_.store(true, std::memory_order_seq_cst);
    scheduler.timers.cancel_all(*this);
    for (Actor* actor : actors) {
        if (DeferredFirings* firings = actor->deferred_firings()) firings->cancel_all();
    }
    leave();
}

// ---- hosts that wait

void Group::wake_hosts() noexcept {
    // The lock orders this with a host that has just looked and is about to sleep.
    std::lock_guard lock(mutex_);
    notify_hosts();
}

// Hosts wait for changed_, or run turns meanwhile and sleep in the scheduler.
void Group::notify_hosts() noexcept {
    changed_.notify_all();
    scheduler.interrupt();
}

reflow_status Group::wait(std::int64_t timeout_ms, const std::function<bool()>& done) {
    std::unique_lock lock(mutex_);
    if (done()) return REFLOW_OK;
    if (timeout_ms == 0) return REFLOW_ERROR_TIMEOUT;
    if (current_scheduler() == &scheduler) return REFLOW_ERROR_WOULD_DEADLOCK;
    bool forever = timeout_ms < 0 || timeout_ms > INT64_MAX / 2'000'000;
    std::uint64_t deadline = UINT64_MAX;
    if (!forever) {
        deadline = scheduler.clock().now_ns() + static_cast<std::uint64_t>(timeout_ms) * 1'000'000;
    }
    if (!scheduler.runs_while_waiting()) {
        if (forever) {
            changed_.wait(lock, done);
            return REFLOW_OK;
        }
        std::chrono::steady_clock::time_point until{std::chrono::nanoseconds(deadline)};
        return changed_.wait_until(lock, until, done) ? REFLOW_OK : REFLOW_ERROR_TIMEOUT;
    }
    for (;;) {
        // What happens from here on interrupts the sleep.
        std::uint64_t interrupts = scheduler.interrupts();
        // Whatever is active and not ready here is on another thread, is a pending firing, or has a
        // timer: when it ends it brings work or interrupts the sleep.
        bool outside = active();
        lock.unlock();
        Scheduler::Ran ran = scheduler.run({.turns = scheduler.threaded() ? UINT64_MAX : 1,
                                            .sleep = true,
                                            .deadline_ns = deadline,
                                            .interrupts = interrupts,
                                            .outside = outside});
        lock.lock();
        if (done()) return REFLOW_OK;
        if (scheduler.clock().now_ns() >= deadline) return REFLOW_ERROR_TIMEOUT;
        if (ran.turns == 0 && !ran.pending) return REFLOW_ERROR_WOULD_BLOCK;
    }
}

}  // namespace reflow::runtime
