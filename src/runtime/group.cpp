// Idle, stopping, and hosts that wait. Stalls are in stall.cpp.
// Thread: any.
#include "runtime/group.hpp"

#include <new>

#include "base/text.hpp"
#include "runtime/actor.hpp"
#include "runtime/deferred.hpp"
#include "runtime/host_wait.hpp"
#include "runtime/scheduler.hpp"
#include "runtime/stall.hpp"
#include "runtime/tether.hpp"

namespace reflow::runtime {
namespace {

// When there was no memory to find out whether all is stalled.
constexpr std::uint64_t look_again_ns = 10'000'000;
constexpr TimerKind look_again_kind{.hold = nullptr, .fired = [](Timer&, std::uint64_t) noexcept {}};

}  // namespace

Group::Group(Scheduler& scheduler_of, Environment& environment_of, Observer& observer_of,
             std::uint64_t max_growth)
    : scheduler(scheduler_of),
      environment(environment_of),
      observer(observer_of),
      max_growth_(max_growth),
      look_again_(look_again_kind, this, true) {}

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
        reflow_status answer = REFLOW_OK;
        if (report == Report::none) {
            answer = awaited_ ? quiet() : REFLOW_ERROR_TIMEOUT;
            if (answer == REFLOW_ERROR_TIMEOUT) return;
            awaited_ = false;
            report = Report::quiet;
        }
        if (report == Report::stopped) {
            lock.unlock();
            return observer.stopped();  // may end the group
        }
        // A guard while the observer is told: nobody sees an idle group before its event.
        active_.fetch_add(1, std::memory_order_seq_cst);
        std::unique_ptr<Stall> stall = std::move(told_);
        lock.unlock();
        if (report == Report::quiet) {
            observer.settled(answer);
        } else if (report == Report::idle) {
            observer.idle();
        } else if (report == Report::stalled) {
            tell(std::move(stall));
        } else if (report == Report::unknown) {
            // As long as it is armed something goes on. When it has fired all is looked at again.
            scheduler.arm(look_again_, scheduler.clock().now_ns() + look_again_ns);
        } else {
            tell_stream_stall();
        }
        lock.lock();
    }
}

bool Group::idle() const noexcept {
    return held_.load(std::memory_order_seq_cst) == 0 &&
           rooms_.load(std::memory_order_seq_cst) == 0 &&
           parked_.load(std::memory_order_seq_cst) == 0 && !active();
}

reflow_status Group::quiet() const noexcept {
    if (failed()) return REFLOW_ERROR_LIMIT;
    if (quiet_but_paused()) return REFLOW_ERROR_WOULD_BLOCK;
    if (stalled_by_streams()) return REFLOW_ERROR_LIMIT;
    return idle() || stop_reported_ ? REFLOW_OK : REFLOW_ERROR_TIMEOUT;
}

// Nothing was active a moment ago; the lock is held. Something may become so at any moment, from
// outside or by what is done here; it will then come here again when it ends.
Group::Report Group::quiescent() noexcept {
    bool stops = stopping();
    bool holds = held_.load(std::memory_order_seq_cst) != 0;
    bool parks = parked_.load(std::memory_order_seq_cst) != 0;
    bool rooms = rooms_.load(std::memory_order_seq_cst) != 0;
    if (active()) return Report::none;
    if (stops) return std::exchange(stop_reported_, true) ? Report::none : Report::stopped;
    if (parks) return Report::none;  // neither idle nor a stall: somebody will let them go on
    if (holds) {
        if (failed()) return Report::none;
        if (!resolve_stall()) return Report::unknown;
        if (told_ != nullptr) return Report::stalled;
    }
    if (holds || rooms) {
        if (!stalled_by_streams()) return Report::none;
        std::uint64_t now = periods_.load(std::memory_order_seq_cst);
        return std::exchange(reported_, now) == now ? Report::none : Report::stream_stall;
    }
    std::uint64_t period = periods_.load(std::memory_order_seq_cst);
    return std::exchange(reported_, period) == period ? Report::none : Report::idle;
}

Result<void> Group::failure() const {
    std::lock_guard lock(mutex_);
    if (!failed()) return {};
    if (failure_status_ != REFLOW_OK) return Failure(failure_status_, failure_text_);
    return Failure(REFLOW_ERROR_LIMIT, concat("network stalled: ", stall_text_));
}

void Group::fail(reflow_status status, String text) noexcept {
    std::lock_guard lock(mutex_);
    if (failed()) return;
    failure_status_ = status;
    failure_text_ = std::move(text);
    failed_.store(true, std::memory_order_release);
}

void Group::request_stop() noexcept {
    enter();
    {
        // From here on nobody changes the lists of the group: see Change::swap().
        std::lock_guard lock(mutex_);
        stopping_.store(true, std::memory_order_seq_cst);
        // Who waits for nodes to rest, with a guard, gives up: the stop waits for him.
        notify_hosts();
    }
    scheduler.timers.cancel_all(*this);
    for (Actor* actor : actors) {
        if (DeferredFirings* firings = actor->deferred_firings()) firings->cancel_all();
        if (Tether* tether = actor->tether()) tether->close();
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
    // Whatever is active and not ready here is on another thread, is a pending firing, or has a
    // timer: when it ends it brings work or interrupts the sleep.
    return host_wait(
        scheduler, lock, changed_, deadline_of(scheduler, timeout_ms), [this] { return active(); },
        done);
}

}  // namespace reflow::runtime
