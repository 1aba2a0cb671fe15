// See tether.hpp. Whoever wakes an actor looks at it with the lock of its tether only, and counts
// itself in the group before it leaves that lock: the stop of a group closes the tether, with the
// lock, before the actor can end.
// Thread: any.
#include "runtime/tether.hpp"

#include "runtime/actor.hpp"
#include "runtime/scheduler.hpp"
#include "runtime/stream.hpp"

namespace reflow::runtime {

Tether::Tether(Actor& actor) noexcept
    : actor_(&actor),
      group_(&actor.group),
      scheduler_(&actor.group.scheduler),
      read_by_host_(!actor.group.readers.empty()) {}

bool Tether::arm(Wait wait) noexcept {
    std::lock_guard lock(mutex_);
    // Sequentially consistent on both sides: either the stop sees the tether and closes it, or the
    // stop is seen here.
    if (actor_ == nullptr || actor_->group.stopping_now()) return false;
    Group& group = actor_->group;
    switch (wait) {
        case Wait::frame_coming:
            group.enter();
            ++comings_;
            break;
        case Wait::room_stuck:
        case Wait::room:
            stuck_ += wait == Wait::room_stuck ? 1 : 0;
            rooms_.store(rooms_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
            group.hold_by_stream(1, wait == Wait::room_stuck);
            break;
        default:
            break;
    }
    return true;
}

Actor* Tether::disarm(Wait wait, bool wakes) noexcept {
    std::lock_guard lock(mutex_);
    if (actor_ == nullptr || wait == Wait::none || (wait == Wait::frame && !wakes)) return nullptr;
    Group& group = actor_->group;
    if (wait == Wait::frame_coming) {
        --comings_;
        actor_->ref();
        return actor_;  // with the count that it had
    }
    group.enter();
    if (wait == Wait::room || wait == Wait::room_stuck) {
        stuck_ -= wait == Wait::room_stuck ? 1 : 0;
        rooms_.store(rooms_.load(std::memory_order_relaxed) - 1, std::memory_order_relaxed);
        group.hold_by_stream(-1, wait == Wait::room_stuck);
    }
    actor_->ref();  // it may be taken out of the network before tell()
    return actor_;
}

void Tether::tell(Actor* held, bool wakes) noexcept {
    if (held == nullptr) return;
    Group& group = held->group;
    // In a group that stops nobody runs any more.
    if (wakes && !group.stopping()) held->request_wake();
    held->unref();
    group.leave();
}

void Tether::close() noexcept {
    Group* group = nullptr;
    std::int64_t counted = 0;
    {
        std::lock_guard lock(mutex_);
        if (actor_ == nullptr) return;
        group = &actor_->group;
        actor_ = nullptr;
        counted = comings_;
        std::int64_t rooms = rooms_.load(std::memory_order_relaxed);
        group->hold_by_stream(-static_cast<std::int64_t>(stuck_), true);
        group->hold_by_stream(stuck_ - rooms, false);
        comings_ = stuck_ = 0;
        rooms_.store(0, std::memory_order_relaxed);
    }
    if (counted != 0) group->leave(counted);
}

void Tether::add(StreamSide& side) noexcept {
    ends_.fetch_add(1, std::memory_order_relaxed);
    std::lock_guard lock(mutex_);
    side.next = sides_;
    side.before = &sides_;
    if (sides_ != nullptr) sides_->before = &side.next;
    sides_ = &side;
}

// The lock is held.
void Tether::unlink(StreamSide& side) noexcept {
    if (side.before == nullptr) return;
    *side.before = side.next;
    if (side.next != nullptr) side.next->before = side.before;
    side.before = nullptr;
}

void Tether::remove(StreamSide& side) noexcept {
    ends_.fetch_sub(1, std::memory_order_relaxed);
    std::lock_guard lock(mutex_);
    unlink(side);
}

// An end that is in the list has its stream, since it leaves the list first. Streams come before tethers in
// the order of locks: so each end is cut off without the lock, by its address. If it has gone meanwhile, its
// stream knows no such end of this actor.
void Tether::end_streams(bool all) noexcept {
    for (;;) {
        Ref<Stream> stream;
        StreamSide* side = nullptr;
        {
            std::lock_guard lock(mutex_);
            for (side = sides_; side != nullptr && !all && !side->stream->writes(*side);) {
                side = side->next;
            }
            if (side == nullptr) return;
            stream = Ref<Stream>::share(side->stream);
            unlink(*side);
        }
        stream->cut(*side, *this);
    }
}

// A source that has ended may write in its finish, and while a firing is pending.
void Actor::end_streams(bool all) noexcept {
    Tether* streams = tether();
    if (streams == nullptr) return;
    const bool pending = deferred() != nullptr && deferred()->some();
    if (all || (component->finish == nullptr && !pending)) streams->end_streams(all);
}

bool Tether::in_callback() const noexcept { return current_scheduler() == scheduler_; }

bool Tether::busy() const noexcept {
    std::lock_guard lock(mutex_);
    return actor_ != nullptr && actor_->group.busy();
}

}  // namespace reflow::runtime
