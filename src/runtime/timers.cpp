// Armed timers. A slot is moved with its actor's timer_slot, so cancelling needs no search.
// Thread: any.
#include "runtime/timers.hpp"

#include "runtime/actor.hpp"
#include "runtime/deferred.hpp"

namespace reflow::runtime {

void Timers::place(std::size_t slot, const Timer& timer) noexcept {
    heap_[slot] = timer;
    std::uint32_t& known =
        timer.actor != nullptr ? timer.actor->timer_slot : timer.firings->timer_slot;
    known = static_cast<std::uint32_t>(slot);
}

void Timers::up(std::size_t slot) noexcept {
    Timer timer = heap_[slot];
    while (slot > 0 && timer.before(heap_[(slot - 1) / 2])) {
        place(slot, heap_[(slot - 1) / 2]);
        slot = (slot - 1) / 2;
    }
    place(slot, timer);
}

void Timers::down(std::size_t slot) noexcept {
    Timer timer = heap_[slot];
    for (;;) {
        std::size_t child = 2 * slot + 1;
        if (child >= heap_.size()) break;
        if (child + 1 < heap_.size() && heap_[child + 1].before(heap_[child])) ++child;
        if (!heap_[child].before(timer)) break;
        place(slot, heap_[child]);
        slot = child;
    }
    place(slot, timer);
}

void Timers::remove(std::size_t slot) noexcept {
    Timer gone = heap_[slot];
    (gone.actor != nullptr ? gone.actor->timer_slot : gone.firings->timer_slot) = Actor::no_slot;
    Timer last = heap_.back();
    heap_.pop_back();
    if (slot == heap_.size()) return;
    place(slot, last);
    up(slot);
    down(last.actor != nullptr ? last.actor->timer_slot : last.firings->timer_slot);
}

// Another time for a timer, which comes behind those of the same time.
void Timers::move(std::size_t slot, std::uint64_t due_ns) noexcept {
    Timer timer = heap_[slot];
    timer.due_ns = due_ns;
    timer.order = order_++;
    place(slot, timer);
    up(slot);
    down(timer.actor != nullptr ? timer.actor->timer_slot : timer.firings->timer_slot);
}

void Timers::publish() noexcept {
    next_due_.store(heap_.empty() ? UINT64_MAX : heap_.front().due_ns, std::memory_order_seq_cst);
}

bool Timers::arm(Actor& actor, std::uint64_t due_ns) {
    std::lock_guard lock(mutex_);
    // request_stop() announces the stop and then cancels under this lock: a timer that comes later
    // would not be cancelled any more, and the stop would wait for it.
    if (actor.group.stopping()) return false;
    if (actor.timer_slot == Actor::no_slot) {
        heap_.push_back({due_ns, order_, &actor, nullptr});
        actor.timer_slot = static_cast<std::uint32_t>(heap_.size() - 1);
        // The caller is a turn of this group, so the group is active and cannot end here.
        actor.group.enter();
    }
    move(actor.timer_slot, due_ns);
    publish();
    return heap_.front().actor == &actor;
}

void Timers::cancel(Actor& actor) noexcept {
    {
        std::lock_guard lock(mutex_);
        if (actor.timer_slot == Actor::no_slot) return;
        remove(actor.timer_slot);
        publish();
    }
    actor.group.leave();
}

void Timers::enter(DeferredFirings& firings) {
    std::lock_guard lock(mutex_);
    if (firings.timer_slot != Actor::no_slot) return;
    heap_.push_back({UINT64_MAX, order_++, nullptr, &firings});
    firings.timer_slot = static_cast<std::uint32_t>(heap_.size() - 1);  // nothing is due later
}

void Timers::leave(DeferredFirings& firings) noexcept {
    std::lock_guard lock(mutex_);
    if (firings.timer_slot == Actor::no_slot) return;
    remove(firings.timer_slot);
    publish();
}

bool Timers::set(DeferredFirings& firings, std::uint64_t due_ns) noexcept {
    std::lock_guard lock(mutex_);
    if (firings.timer_slot == Actor::no_slot) return false;
    move(firings.timer_slot, due_ns);
    publish();
    return due_ns != UINT64_MAX && heap_.front().firings == &firings;
}

std::size_t Timers::fire(std::uint64_t now_ns) noexcept {
    std::size_t fired = 0;
    for (;;) {
        Actor* actor = nullptr;
        Ref<DeferredFirings> firings;
        {
            std::lock_guard lock(mutex_);
            if (heap_.empty() || heap_.front().due_ns > now_ns) break;
            actor = heap_.front().actor;
            if (actor != nullptr) {
                remove(0);
            } else {
                firings = Ref<DeferredFirings>::share(heap_.front().firings);
                move(0, UINT64_MAX);
            }
            publish();
        }
        ++fired;
        if (firings) {
            firings->expire(now_ns);  // knows whether its actor is still there
            continue;
        }
        // The armed timer still counts as activity until leave(), so the actor is alive.
        actor->request_wake();
        actor->group.leave();
    }
    return fired;
}

}  // namespace reflow::runtime
