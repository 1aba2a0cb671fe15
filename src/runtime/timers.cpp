// Armed timers. A slot is moved with its actor's timer_slot, so cancelling needs no search.
// Thread: any.
#include "runtime/timers.hpp"

#include "runtime/actor.hpp"

namespace reflow::runtime {

void Timers::place(std::size_t slot, const Timer& timer) noexcept {
    heap_[slot] = timer;
    timer.actor->timer_slot = static_cast<std::uint32_t>(slot);
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
    heap_[slot].actor->timer_slot = Actor::no_slot;
    Timer last = heap_.back();
    heap_.pop_back();
    if (slot == heap_.size()) return;
    place(slot, last);
    up(slot);
    down(last.actor->timer_slot);
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
        heap_.push_back({due_ns, order_++, &actor});
        actor.timer_slot = static_cast<std::uint32_t>(heap_.size() - 1);
        // The caller is a turn of this group, so the group is active and cannot end here.
        actor.group.enter();
    } else {
        heap_[actor.timer_slot] = {due_ns, order_++, &actor};
    }
    up(actor.timer_slot);
    down(actor.timer_slot);
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

std::size_t Timers::fire(std::uint64_t now_ns) noexcept {
    std::size_t fired = 0;
    for (;;) {
        Actor* actor = nullptr;
        {
            std::lock_guard lock(mutex_);
            if (heap_.empty() || heap_.front().due_ns > now_ns) break;
            actor = heap_.front().actor;
            remove(0);
            publish();
        }
        // The armed timer still counts as activity until leave(), so the actor is alive.
        actor->request_wake();
        actor->group.leave();
        ++fired;
    }
    return fired;
}

}  // namespace reflow::runtime
