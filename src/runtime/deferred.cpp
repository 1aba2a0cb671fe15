// Firings that end later. Whoever resolves, cancels or expires one looks at the actor with the lock
// of its part, and counts itself in the group before it leaves the lock: the stop of a group closes
// that part, with the lock, before the actor can end. Hooks of the host are called without it.
// Thread: any.
#include "runtime/deferred.hpp"

#include <algorithm>
#include <chrono>

#include "base/limits.hpp"
#include "message/envelope.hpp"
#include "runtime/actor.hpp"
#include "runtime/completions.hpp"
#include "runtime/scheduler.hpp"
#include "runtime/watchdog.hpp"

namespace reflow::runtime {
namespace {

void drop(Queue<Emitted>& outputs) noexcept {
    while (!outputs.empty()) (void)Message::adopt(outputs.pop().message);
}

// Knows by itself whether its actor is still there.
constexpr TimerKind deadline_kind{
    .hold = [](Timer& timer) noexcept { DeferredFirings::of(timer).ref(); },
    .fired =
        [](Timer& timer, std::uint64_t now_ns) noexcept {
            Ref<DeferredFirings>::adopt(&DeferredFirings::of(timer))->expire(now_ns);
        },
};

}  // namespace

DeferredFirings::Deadline::Deadline(DeferredFirings& firings_of) noexcept
    : Timer(deadline_kind, nullptr, false), firings(firings_of) {}

DeferredFirings& DeferredFirings::of(Timer& timer) noexcept {
    return static_cast<Deadline&>(timer).firings;
}

Deferred::Deferred(DeferredFirings& home_of) : home(Ref<DeferredFirings>::share(&home_of)) {}

Deferred::~Deferred() {
    while (!inputs.empty()) (void)Message::adopt(inputs.pop().message);
    drop(outputs_);
}

DeferredFirings::DeferredFirings(Actor& actor, std::uint64_t timeout_ns)
    : actor_(&actor),
      most_(std::max<std::uint32_t>(actor.component->max_concurrency, 1)),
      ordered_(actor.component->ordered),
      timeout_ns_(timeout_ns) {}

DeferredFirings::~DeferredFirings() { drop(taken); }

void DeferredFirings::forget() noexcept {
    drop(taken);
    current = {};
    spare = nullptr;
}

// ---- the lists

void DeferredFirings::link(Deferred& firing, Deferred* before) noexcept {
    firing.ref();
    firing.next_ = before;
    firing.before_ = before == nullptr ? last_ : before->before_;
    (firing.before_ == nullptr ? first_ : firing.before_->next_) = &firing;
    (before == nullptr ? last_ : before->before_) = &firing;
    firing.linked_ = true;
    size_.store(size_.load(std::memory_order_relaxed) + firing.weighs_, std::memory_order_relaxed);
}

Ref<Deferred> DeferredFirings::unlink(Deferred& firing) noexcept {
    if (!std::exchange(firing.linked_, false)) return nullptr;
    (firing.before_ == nullptr ? first_ : firing.before_->next_) = firing.next_;
    (firing.next_ == nullptr ? last_ : firing.next_->before_) = firing.before_;
    firing.next_ = firing.before_ = nullptr;
    size_.store(size_.load(std::memory_order_relaxed) - firing.weighs_, std::memory_order_relaxed);
    // Nobody waits any more: a deadline that is left would wake an idle engine.
    if (first_ == nullptr && armed_ns_ != UINT64_MAX) arm(UINT64_MAX);
    return Ref<Deferred>::adopt(&firing);
}

bool DeferredFirings::list_due(Deferred& firing) noexcept {
    bool has = !firing.alive_ || (!firing.outputs_.empty() && !holds_);
    if (firing.place_) return false;
    bool turn = !ordered_ || &firing == first_;
    if (!has || !turn || firing.due_ || !firing.linked_) return false;
    firing.due_ = true;
    firing.next_due_ = nullptr;
    (due_first_ == nullptr ? due_first_ : due_last_->next_due_) = &firing;
    due_last_ = &firing;
    return true;
}

void DeferredFirings::unlist_due(Deferred& firing) noexcept {
    if (!std::exchange(firing.due_, false)) return;
    Deferred* before = nullptr;
    for (Deferred* at = due_first_; at != &firing; at = at->next_due_) before = at;
    (before == nullptr ? due_first_ : before->next_due_) = firing.next_due_;
    if (due_last_ == &firing) due_last_ = before;
}

// The group is there while the lock is held and the part not closed, and with the count also after:
// hooks of the host that hear of a ready actor are called without the lock. The actor may be taken
// out of its network meanwhile.
Ref<Actor> DeferredFirings::hold() noexcept {
    actor_->group.enter();
    return Ref<Actor>::share(actor_);
}

void DeferredFirings::tell(Ref<Actor> held) noexcept {
    if (!held) return;
    Group& group = held->group;
    held->request_completion();
    held = nullptr;
    group.leave();
}

void DeferredFirings::close(Deferred& firing, reflow_status status) noexcept {
    firing.alive_ = false;
    firing.status = status;
    room_.notify_all();
    if (firing.id == 0) return;
    actor_->group.scheduler.completions.fetch_sub(1, std::memory_order_relaxed);
    (void)completions::leave(firing.id);  // the list has another reference
}

void DeferredFirings::arm(std::uint64_t due_ns) noexcept {
    armed_ns_ = due_ns;
    actor_->group.scheduler.arm(deadline_, due_ns);
}

// ---- of the turn

reflow_status DeferredFirings::open(std::size_t inputs, std::uint64_t begun_ns,
                                    std::uint64_t deadline_ns, MessageRef cause,
                                    Ref<Deferred>& to) {
    if (full()) return REFLOW_ERROR_LIMIT;
    Ref<Deferred> made = make_ref<Deferred>(*this);
    made->cause = cause.own();
    made->inputs.reserve(inputs);
    made->begun_ns = begun_ns;
    Scheduler& scheduler = actor_->group.scheduler;
    Lock lock(mutex_);
    // Sequentially consistent on both sides: either the stop sees this part of the actor and closes
    // it, or the stop is seen here.
    if (closed_ || actor_->group.stopping_now()) return REFLOW_ERROR_CANCELLED;
    constexpr std::uint64_t last = INT64_MAX;  // clocks count in signed numbers
    if (deadline_ns != UINT64_MAX) made->deadline_ns_ = std::min(deadline_ns, last);
    std::uint64_t all = scheduler.completions.fetch_add(1, std::memory_order_relaxed);
    struct Uncount {
        ~Uncount() {
            if (completions != nullptr) completions->fetch_sub(1, std::memory_order_relaxed);
        }
        std::atomic<std::uint64_t>* completions;
    } undo{&scheduler.completions};
    if (all >= scheduler.max_completions) return REFLOW_ERROR_LIMIT;
    made->id = completions::enter(*made);
    if (made->id == 0) return REFLOW_ERROR_LIMIT;
    undo.completions = nullptr;
    link(*made, placed ? first_place() : nullptr);
    if (made->deadline_ns_ < armed_ns_) arm(made->deadline_ns_);
    to = std::move(made);
    return REFLOW_OK;
}

bool DeferredFirings::settle(Deferred& firing) noexcept {
    Lock lock(mutex_);
    if (closed_) return false;
    if (firing.alive_) {
        firing.counted_ = true;
        actor_->group.enter();
        room_.notify_all();  // whoever waits to emit has to count it out: see there
    }
    return list_due(firing);
}

void DeferredFirings::revoke(Deferred& firing) noexcept {
    CancelHook hook;
    std::unique_ptr<CancelHook> room;
    Queue<Emitted> outputs;
    {
        Lock lock(mutex_);
        outputs.swap(firing.outputs_);
        if (firing.alive_) {
            hook = std::move(firing.hook_);
            room = std::move(firing.room_hook_);
            close(firing, REFLOW_ERROR_CLOSED);
        }
        unlist_due(firing);
        (void)unlink(firing);  // the call has another reference
    }
    drop(outputs);
    tell_room(std::move(room), firing.id);
}

DeferredFirings::Taken DeferredFirings::take() noexcept {
    Taken to;
    std::unique_ptr<CancelHook> room;
    Lock lock(mutex_);
    Deferred* firing = due_first_;
    if (firing == nullptr) return to;
    due_first_ = firing->next_due_;
    firing->due_ = false;
    to.firing = Ref<Deferred>::share(firing);
    if (firing->outputs_.size() >= REFLOW_MAX_COMPLETION_EMITS) room_.notify_all();
    if (!keeps_emits(*firing)) drop(firing->outputs_);
    taken.swap(firing->outputs_);
    to.envelope = firing->envelope;
    to.ended = !firing->alive_;
    if (to.ended) {
        (void)unlink(*firing);
        if (ordered_ && first_ != nullptr) (void)list_due(*first_);
    } else if (!std::exchange(firing->counted_, true)) {
        actor_->group.enter();  // it was full: see emit()
    }
    to.more = due_first_ != nullptr;
    // Of one that is over, who has ended it tells, without the lock.
    if (firing->alive_) room = std::move(firing->room_hook_);
    lock.unlock();
    tell_room(std::move(room), to.firing->id);
    return to;
}

bool DeferredFirings::enter_spare(Deferred* before, bool counts, reflow_status status,
                                  std::unique_ptr<Error> error) noexcept {
    if (before != nullptr && spare->outputs_.empty()) return false;
    Ref<Deferred> firing = std::move(spare);
    Lock lock(mutex_);
    if (closed_) return false;
    firing->counts = counts;
    firing->status = status;
    firing->error_ = std::move(error);
    firing->alive_ = false;
    firing->weighs_ = before == nullptr;  // or the one behind it does
    link(*firing, before == nullptr && placed ? first_place() : before);
    return list_due(*firing);  // the first of them may have ended meanwhile
}

void DeferredFirings::each(const std::function<void(const Deferred&)>& look) {
    Lock lock(mutex_);
    // One that was taken over by half, when memory ran out, comes first; it may be in the list too.
    const Deferred* half = current.firing.get();
    if (half != nullptr && !half->linked_) look(*half);
    for (const Deferred* at = ordered_ ? nullptr : due_first_; at != nullptr; at = at->next_due_) {
        if (!at->alive_) look(*at);
    }
    for (const Deferred* at = first_; at != nullptr; at = at->next_) {
        if (ordered_ || at->alive_) look(*at);
    }
}

// ---- places in the order: what stands there is over, and no more than a place

Deferred* DeferredFirings::first_place() noexcept {
    Deferred* at = first_;
    while (at != nullptr && !at->place_) at = at->next_;
    return at;
}

bool DeferredFirings::leads() noexcept {
    Lock lock(mutex_);
    return first_ != nullptr && first_->place_;
}

void DeferredFirings::keep_place(Deferred& firing) noexcept {
    Lock lock(mutex_);
    if (closed_) return;
    if (first_ != nullptr) unlist_due(*first_);
    firing.place_ = true;
    firing.weighs_ = false;  // it is not under way
    link(firing, first_);
    places_.fetch_add(1, std::memory_order_relaxed);
}

bool DeferredFirings::leave_place() noexcept {
    Ref<Deferred> left;  // ends without the lock
    Lock lock(mutex_);
    Deferred* place = first_place();
    if (place == nullptr) return false;
    place->place_ = false;
    left = unlink(*place);
    places_.fetch_sub(1, std::memory_order_relaxed);
    return first_ != nullptr && list_due(*first_);
}

bool DeferredFirings::add(Deferred& firing) noexcept {
    Lock lock(mutex_);
    firing.alive_ = false;
    firing.weighs_ = !firing.place_;
    if (firing.place_) places_.fetch_add(1, std::memory_order_relaxed);
    link(firing, nullptr);
    return list_due(firing);
}

void DeferredFirings::clear() noexcept {
    for (;;) {
        Ref<Deferred> ended;  // without the lock
        Lock lock(mutex_);
        due_first_ = nullptr;
        places_.store(0, std::memory_order_relaxed);
        if (first_ == nullptr) return;
        ended = unlink(*first_);
    }
}

// ---- from any thread

Ref<Interceptor> DeferredFirings::interceptor(const Interceptor* by) const noexcept {
    Interceptor* first = actor_->group.interceptor;
    return first == by ? Ref<Interceptor>() : Ref<Interceptor>::share(first);
}

reflow_status DeferredFirings::emit(Deferred& firing, std::uint32_t outport, std::uint32_t index,
                                    reflow_message message, std::int64_t timeout_ms,
                                    const Interceptor* by) {
    if (message.tag == 0) return REFLOW_ERROR_INVALID_ARGUMENT;
    Lock lock(mutex_);
    std::uint64_t until_ns = 0;
    for (;;) {
        if (!firing.alive_) return REFLOW_ERROR_CLOSED;
        if (Ref<Interceptor> first = interceptor(by)) {
            lock.unlock();
            return first->emit(firing, outport, index, message);
        }
        if (outport >= actor_->outports.size()) return REFLOW_ERROR_NOT_FOUND;
        if (firing.outputs_.size() < REFLOW_MAX_COMPLETION_EMITS) {
            firing.outputs_.push({message, outport, index});
            Ref<Actor> held = list_due(firing) ? hold() : nullptr;
            lock.unlock();
            tell(std::move(held));
            return REFLOW_OK;
        }
        if (holds_) return REFLOW_ERROR_LIMIT;  // nobody takes it before the firing ends
        // It cannot go on before the actor does, which is held back, has a turn before it, or waits
        // for an earlier firing: it keeps nothing active itself, so that a stall is seen.
        Group& group = actor_->group;
        if (std::exchange(firing.counted_, false)) {
            lock.unlock();
            group.leave(1);
            lock.lock();
            continue;
        }
        Scheduler& scheduler = group.scheduler;
        if (timeout_ms == 0 || !scheduler.threaded()) return REFLOW_ERROR_WOULD_BLOCK;
        if (current_scheduler() == &scheduler) return REFLOW_ERROR_WOULD_DEADLOCK;
        bool forever = timeout_ms < 0 || timeout_ms > INT64_MAX / 2'000'000;
        if (forever) {
            room_.wait(lock);
            continue;
        }
        std::uint64_t now = scheduler.clock().now_ns();
        if (until_ns == 0) until_ns = now + static_cast<std::uint64_t>(timeout_ms) * 1'000'000;
        if (now >= until_ns) return REFLOW_ERROR_TIMEOUT;
        std::chrono::steady_clock::time_point until{std::chrono::nanoseconds(until_ns)};
        (void)room_.wait_until(lock, until);
    }
}

reflow_status DeferredFirings::end(Deferred& firing, reflow_status status,
                                   std::unique_ptr<Error> error, const Interceptor* by) noexcept {
    Lock lock(mutex_);
    if (!firing.alive_) return REFLOW_ERROR_CLOSED;
    if (Ref<Interceptor> first = interceptor(by)) {
        lock.unlock();
        return first->end(firing, status, std::move(error));
    }
    CancelHook hook = std::move(firing.hook_);
    std::unique_ptr<CancelHook> room = std::move(firing.room_hook_);
    firing.error_ = std::move(error);
    close(firing, status);
    Ref<Actor> held = list_due(firing) ? hold() : nullptr;
    // Now the actor is active, is held back, or has an earlier firing that is: this one only waits
    // for it, and a stall has to be seen.
    Group& group = actor_->group;
    bool leaves = std::exchange(firing.counted_, false);
    lock.unlock();
    tell(std::move(held));
    { CancelHook ended = std::move(hook); }  // without the lock, and before the group may be idle
    tell_room(std::move(room), firing.id);
    if (leaves) group.leave(1);
    return REFLOW_OK;
}

bool DeferredFirings::over(Deferred& firing) noexcept {
    Lock lock(mutex_);
    return !firing.alive_;
}

bool DeferredFirings::alive_in(Deferred& firing, const Group& group) noexcept {
    Lock lock(mutex_);
    return firing.alive_ && &actor_->group == &group;
}

reflow_status DeferredFirings::set_hook(Deferred& firing, CancelHook& hook) noexcept {
    Lock lock(mutex_);
    if (!firing.alive_) return REFLOW_ERROR_CLOSED;
    if (firing.hook_.set()) return REFLOW_ERROR_ALREADY_EXISTS;
    firing.hook_ = std::move(hook);
    return REFLOW_OK;
}

// Memory first: with the lock nothing fails.
reflow_status DeferredFirings::set_room_hook(Deferred& firing, CancelHook& hook) {
    auto made = std::unique_ptr<CancelHook>(new CancelHook(std::move(hook)));
    Lock lock(mutex_);
    if (!firing.alive_) return REFLOW_ERROR_CLOSED;
    if (firing.outputs_.size() < REFLOW_MAX_COMPLETION_EMITS) {
        lock.unlock();
        tell_room(std::move(made), firing.id);
        return REFLOW_OK;
    }
    std::swap(firing.room_hook_, made);
    lock.unlock();  // the one before ends without it
    return REFLOW_OK;
}

void CancelHook::call(std::uint64_t id) const noexcept {
    if (cancelled_ == nullptr) return;
    call_host("of a completion", nullptr, [&] { cancelled_(data_, {id}); });
}

reflow_status DeferredFirings::set_envelope(Deferred& firing, Message envelope,
                                            const Interceptor* by) {
    Lock lock(mutex_);
    if (!firing.alive_) return REFLOW_ERROR_CLOSED;
    if (Ref<Interceptor> first = interceptor(by)) {
        lock.unlock();
        return first->set_envelope(firing, std::move(envelope));
    }
    if (!actor_->group.observer.carries()) return REFLOW_OK;
    for (std::size_t i = 0; i < firing.outputs_.size(); ++i) {
        Emitted& before = firing.outputs_[i];
        Message whole = enveloped(MessageRef(before.message).own(), firing.envelope);
        (void)Message::adopt(before.message);  // the new one has it
        before.message = whole.leak();
    }
    std::swap(firing.envelope, envelope);
    return REFLOW_OK;
}

reflow_status DeferredFirings::stuck(Deferred& firing, std::uint64_t ns) noexcept {
    Ref<Actor> held;
    {
        Lock lock(mutex_);
        if (!firing.alive_) return REFLOW_ERROR_CLOSED;
        const std::uint64_t limit_ms = actor_->watchdog_ms();
        if (limit_ms == 0) return REFLOW_ERROR_UNSUPPORTED;
        if (ns / 1'000'000 < limit_ms) return REFLOW_ERROR_WOULD_BLOCK;
        if (std::exchange(firing.told_stuck_, true)) return REFLOW_ERROR_ALREADY_EXISTS;
        held = hold();
    }
    Group& group = held->group;
    {
        InTurn inside(group.scheduler);
        tell_stuck(*held, "its host has not gone on with a firing for ", ns);
    }
    held = nullptr;
    group.leave();
    return REFLOW_OK;
}

void DeferredFirings::call_hooks(Deferred* told) noexcept {
    while (told != nullptr) {
        Ref<Deferred> firing = Ref<Deferred>::adopt(told);
        told = std::exchange(firing->next_told_, nullptr);
        CancelHook hook = std::move(firing->hook_);  // nobody else touches it any more
        hook.call(firing->id);
        tell_room(std::move(firing->room_hook_), firing->id);
    }
}

void DeferredFirings::expire(std::uint64_t now_ns) noexcept {
    Deferred* told = nullptr;
    std::int64_t counted = 0;
    Ref<Actor> held;
    Group* group = nullptr;
    const Scheduler* scheduler = nullptr;
    {
        Lock lock(mutex_);
        if (closed_) return;
        group = &actor_->group;
        scheduler = &group->scheduler;
        std::uint64_t next = UINT64_MAX;
        // All firings of an actor have one timeout, so deadlines rise along the list, but for those
        // of envelopes.
        const bool rise = !group->observer.carries();
        for (Deferred* firing = first_; firing != nullptr; firing = firing->next_) {
            if (!firing->alive_) continue;
            if (firing->deadline_ns_ > now_ns) {
                next = std::min(next, firing->deadline_ns_);
                if (rise) break;
                continue;
            }
            firing->ref();
            firing->next_told_ = std::exchange(told, firing);
            close(*firing, REFLOW_ERROR_TIMEOUT);
            if (list_due(*firing) && !held) held = hold();
            counted += std::exchange(firing->counted_, false) ? 1 : 0;
        }
        arm(next);
    }
    tell(std::move(held));
    if (told == nullptr) return;
    {
        InTurn inside(*scheduler);
        call_hooks(told);  // before the group may be idle
    }
    if (counted != 0) group->leave(counted);
}

std::size_t DeferredFirings::cancel(const Which* which) {
    Deferred* told = nullptr;
    std::size_t count = 0;
    std::int64_t counted = 0;
    Ref<Actor> held;
    {
        Lock lock(mutex_);
        for (Deferred* firing = first_; firing != nullptr; firing = firing->next_) {
            if (!firing->alive_ || closed_) continue;
            if (which != nullptr && !(*which)(firing->cause)) continue;
            firing->ref();
            firing->next_told_ = std::exchange(told, firing);
            close(*firing, REFLOW_ERROR_CANCELLED);
            if (list_due(*firing) && !held) held = hold();
            counted += std::exchange(firing->counted_, false) ? 1 : 0;
            ++count;
        }
    }
    tell(std::move(held));
    if (told == nullptr) return 0;
    InTurn inside(actor_->group.scheduler);
    call_hooks(told);
    if (counted != 0) actor_->group.leave(counted);
    return count;
}

// Those that are over already may be in the list of somebody who is just telling of that, and the
// hook is his then. So these here are linked by next_, which nobody looks at behind unlink().
void DeferredFirings::cancel_all(const std::function<void(Deferred&)>& ended) noexcept {
    Deferred* all = nullptr;
    Deferred** end = &all;
    std::int64_t counted = 0;
    Group& group = actor_->group;  // the caller keeps it
    {
        Lock lock(mutex_);
        if (armed_ns_ != UINT64_MAX) group.scheduler.timers.cancel(deadline_);
        armed_ns_ = UINT64_MAX;
        due_first_ = nullptr;
        while (first_ != nullptr) {
            Deferred* firing = first_;
            firing->due_ = false;
            firing->cancelled_ = firing->alive_;
            if (firing->alive_) close(*firing, REFLOW_ERROR_CANCELLED);
            counted += std::exchange(firing->counted_, false) ? 1 : 0;
            (void)unlink(*firing).leak();
            *end = firing;
            end = &firing->next_;
        }
        closed_ = true;
    }
    InTurn inside(group.scheduler);
    while (all != nullptr) {
        Ref<Deferred> firing = Ref<Deferred>::adopt(all);
        all = std::exchange(firing->next_, nullptr);
        CancelHook hook;
        std::unique_ptr<CancelHook> room;
        if (firing->cancelled_) {
            hook = std::move(firing->hook_);
            room = std::move(firing->room_hook_);
        }
        hook.call(firing->id);
        tell_room(std::move(room), firing->id);
        if (ended && !firing->place_) ended(*firing);  // whose packets are elsewhere
    }
    if (counted != 0) group.leave(counted);
}

}  // namespace reflow::runtime
