// Idle, stalls, stopping, and hosts that wait.
// Thread: any.
#include "runtime/group.hpp"

#include <chrono>
#include <new>

#include "base/text.hpp"
#include "runtime/actor.hpp"
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
void Group::leave() noexcept {
    std::int64_t active = active_.load(std::memory_order_seq_cst);
    while (active > 1) {
        if (active_.compare_exchange_weak(active, active - 1, std::memory_order_seq_cst)) return;
    }
    std::unique_lock lock(mutex_);
    while (active_.fetch_sub(1, std::memory_order_seq_cst) == 1) {
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
    return held_.load(std::memory_order_seq_cst) == 0 && !active();
}

// Nothing was active a moment ago; the lock is held. Something may become so at any moment, from
// outside or by what is done here; it will then come here again when it ends.
Group::Report Group::quiescent() noexcept {
    bool stops = stopping();
    bool holds = held_.load(std::memory_order_seq_cst) != 0;
    if (active()) return Report::none;
    if (stops) return std::exchange(stop_reported_, true) ? Report::none : Report::stopped;
    if (holds) {
        if (failed()) return Report::none;
        resolve_stall();
        return failed() ? Report::stalled : Report::none;
    }
    std::uint64_t period = periods_.load(std::memory_order_seq_cst);
    return std::exchange(reported_, period) == period ? Report::none : Report::idle;
}

namespace {

struct Blocked {
    Actor* target;
    std::uint32_t port;
    std::uint32_t capacity;
    Vector<Actor*> senders;
};

// All ports with senders that are held back, those of one actor together; Actor::first_blocked is
// the first. A sender that found room later is still in the list of the port, but is not held.
Vector<Blocked> collect_blocked(const Group& group) {
    Vector<Blocked> blocked;
    for (Actor* actor : group.actors) {
        actor->first_blocked = blocked.size();
        actor->mailbox.visit_blocked(
            [&](std::uint32_t port, std::uint32_t capacity, const Vector<Actor*>& senders) {
                Blocked entry{actor, port, capacity, {}};
                for (Actor* sender : senders) {
                    if (sender->held_back()) entry.senders.push_back(sender);
                }
                if (!entry.senders.empty()) blocked.push_back(std::move(entry));
            });
    }
    return blocked;
}

// Whoever waits for the host, directly or through others, is not stalled: the host may read on.
void mark_host_blocked(const Group& group, const Vector<Blocked>& blocked) {
    Vector<Actor*> reached;
    auto reach = [&](const Vector<Actor*>& senders) {
        for (Actor* sender : senders) {
            if (!std::exchange(sender->host_blocked, true)) reached.push_back(sender);
        }
    };
    for (Actor* actor : group.actors) actor->host_blocked = false;
    for (Mailbox* reader : group.readers) {
        reader->visit_blocked(
            [&](std::uint32_t, std::uint32_t, const Vector<Actor*>& senders) { reach(senders); });
    }
    while (!reached.empty()) {
        Actor* actor = reached.back();
        reached.pop_back();
        for (std::size_t i = actor->first_blocked; i < blocked.size() && blocked[i].target == actor;
             ++i) {
            reach(blocked[i].senders);
        }
    }
}

// Senders come back when a port is half empty. If a partner is late that may never be: whoever has
// room by now goes on without any growth.
bool release_where_room(const Vector<Blocked>& blocked) {
    bool some = false;
    for (const Blocked& entry : blocked) {
        Released released;
        some = entry.target->mailbox.grow(entry.port, 0, released) || some;
        for (Actor* sender : released) sender->release();
    }
    return some;
}

// The smallest full port among those whose owner could go on otherwise; in a cycle, where each
// owner is itself held back, the smallest of all.
const Blocked* choose(const Vector<Blocked>& blocked) {
    const Blocked* best = nullptr;
    for (const Blocked& entry : blocked) {
        if (entry.target->host_blocked) continue;
        bool better = best == nullptr;
        if (!better && entry.target->held_back() != best->target->held_back()) {
            better = best->target->held_back();
        } else if (!better) {
            better = entry.capacity < best->capacity;
        }
        if (better) best = &entry;
    }
    return best;
}

String describe_stall(const Vector<Blocked>& blocked, const Blocked& full, std::uint64_t limit) {
    String text = concat("every actor that could go on waits for a full port; port '",
                         full.target->component->inports[full.port].name, "' of node '",
                         full.target->id, "' holds ", full.capacity,
                         " packets, and ports may grow by ", limit, " in all (max_growth): ");
    std::size_t shown = 0;
    for (const Blocked& entry : blocked) {
        for (const Actor* sender : entry.senders) {
            if (shown == 8) return text + ", ...";
            append(text, concat(shown == 0 ? "" : ", ", sender->id, " -> ", entry.target->id));
            ++shown;
        }
    }
    return text;
}

}  // namespace

// Artificial deadlocks of bounded queues are resolved by enlarging the smallest full one:
// T. M. Parks, Bounded Scheduling of Process Networks, UC Berkeley 1995, section 4.
void Group::resolve_stall() noexcept try {
    Vector<Blocked> blocked = collect_blocked(*this);
    mark_host_blocked(*this, blocked);
    // A host that has just taken from a full reader became active before its senders left the
    // list there: if it did, what we have seen may be no stall.
    if (active() || release_where_room(blocked)) return;
    const Blocked* full = choose(blocked);
    if (full == nullptr) return;  // the host has to read
    std::uint64_t left = max_growth_ - growth_;
    std::uint32_t by = static_cast<std::uint32_t>(
        std::min<std::uint64_t>({full->capacity, left, UINT32_MAX - full->capacity}));
    if (by == 0) {
        stall_text_ = describe_stall(blocked, *full, max_growth_);
        failed_.store(true, std::memory_order_release);
        return;
    }
    Released released;
    if (!full->target->mailbox.grow(full->port, by, released)) return;
    growth_ += by;
    for (Actor* sender : released) sender->release();
} catch (const std::bad_alloc&) {
    failed_.store(true, std::memory_order_release);
}

Result<void> Group::failure() const {
    std::lock_guard lock(mutex_);
    if (!failed()) return {};
    return Failure(REFLOW_ERROR_LIMIT, concat("network stalled: ", stall_text_));
}

void Group::request_stop() noexcept {
    enter();
    stopping_.store(true, std::memory_order_release);
    for (Actor* actor : actors) scheduler.timers.cancel(*actor);
    leave();
}

// ---- hosts that wait

void Group::wake_hosts() noexcept {
    // The lock orders this with a host that has just looked and is about to sleep.
    std::lock_guard lock(mutex_);
    notify_hosts();
}

// Hosts wait for changed_, or in a scheduler without threads for its timers too.
void Group::notify_hosts() noexcept {
    changed_.notify_all();
    if (!scheduler.threaded()) scheduler.interrupt();
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
    if (scheduler.threaded()) {
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
        lock.unlock();
        Scheduler::Ran ran = scheduler.run(
            {.turns = 1, .sleep = true, .deadline_ns = deadline, .interrupts = interrupts});
        lock.lock();
        if (done()) return REFLOW_OK;
        if (scheduler.clock().now_ns() >= deadline) return REFLOW_ERROR_TIMEOUT;
        if (ran.turns == 0 && !ran.pending) return REFLOW_ERROR_WOULD_BLOCK;
    }
}

}  // namespace reflow::runtime
