// Turns of an actor: take inputs, call the component, go on or rest. What it emits is in
// outputs.cpp, the callbacks outside of turns and the context are in context.cpp.
// Thread: see actor.hpp.
#include "runtime/actor.hpp"

#include <algorithm>
#include <new>
#include <utility>

#include "runtime/dealer.hpp"
#include "runtime/envelopes.hpp"
#include "runtime/scheduler.hpp"
#include "runtime/supervisor.hpp"
#include "runtime/tether.hpp"

namespace reflow::runtime {

Actor::Actor(Group& group_of, ComponentRef component_of, std::string_view name, Message config_of,
             std::uint32_t default_capacity)
    : group(group_of),
      component(std::move(component_of)),
      id(reinterpret_cast<char*>(this) + block_bytes(*component), name),
      config(std::move(config_of)),
      mailbox(component->inports.size(), component->await != REFLOW_AWAIT_ANY, default_capacity,
              behind() + component->outports.size()),
      outports(behind(), component->outports.size()) {
    if (component->blocking) apart = blocking_bit;
    if (component->await != REFLOW_AWAIT_ANY) {
        firing_size_ = std::max<std::uint16_t>(
            static_cast<std::uint16_t>(component->inports.size()), std::uint16_t{1});
    }
    if (component->max_concurrency != 0 || component->timeout_ns != 0 || component->ordered) {
        allow_deferred(component->timeout_ns);
    }
}

inline void Actor::consume(std::size_t firings) noexcept {
    std::size_t count = firings * firing_size_;
    Packet* packets = inputs_.data();
    // Most are numbers, or were moved out by the callback.
    for (std::size_t i = 0; i < count; ++i) {
        if (MessageRef(packets[i].message).counted()) (void)Message::adopt(packets[i].message);
    }
    inputs_.skip(count);
}

inline reflow_status Actor::call_run(Context& context, Packet* packet) noexcept try {
    emitted_ = 0;
    return component->run(&context, state, packet, 1);
} catch (...) {
    return thrown(context);
}

inline reflow_status Actor::call(Context& context, std::uint32_t emitted) noexcept try {
    emitted_ = emitted;
    if (context.phase == Phase::finish) return component->finish(&context, state);
    return component->run(&context, state, inputs_.data(), context.firings * firing_size_);
} catch (...) {
    return thrown(context);  // its firing fails, and the actor lives on
}

[[gnu::cold]] void Actor::operator delete(Actor* actor, std::destroying_delete_t) noexcept {
    std::size_t size = bytes(*actor->component, actor->id);
    ActorBlock* block = actor->in_block_ ? ActorBlock::owner(actor) : nullptr;
    actor->~Actor();
    block != nullptr ? block->unref() : reflow::release(actor, size);
}

void Actor::consume_all() noexcept { consume(firings_kept()); }

[[gnu::cold]] void Actor::drop_packets() noexcept {
    consume_all();
    any_queue([](Connection& connection) {
        while (!connection.pending.empty()) {
            (void)Message::adopt(connection.pending.pop().message);
        }
        return false;
    });
    if (Supervisor* own = supervisor()) {
        own->drop_kept();
        own->drop_pending();
    }
    if (DeferredFirings* firings = deferred()) firings->forget();
    mailbox.clear();
}

[[gnu::cold]] Actor::~Actor() {
    drop_packets();
    end_state();
    if (Probe* own = probe.load(std::memory_order_acquire)) own->unref();
    if (DeferredFirings* firings = deferred()) firings->unref();
    if (Tether* streams = tether()) {
        streams->close();
        streams->unref();
    }
    delete extras_.load(std::memory_order_acquire);
}

ActorExtras::ActorExtras() noexcept = default;
[[gnu::cold]] ActorExtras::~ActorExtras() = default;

[[gnu::cold]] ActorExtras& Actor::extras() {
    Extras* some = extras_.load(std::memory_order_relaxed);
    if (some == nullptr) {
        some = new Extras;
        extras_.store(some, std::memory_order_seq_cst);
    }
    return *some;
}

[[gnu::cold]] Tether* Actor::make_tether() {
    if (tether() == nullptr) {
        Ref<Tether> made = make_ref<Tether>(*this);
        extras().tether.store(made.leak(), std::memory_order_seq_cst);
    }
    return group.stopping_now() ? nullptr : tether();
}

// ---- the state word

void Actor::submit(Lane* lane) noexcept {
    if (Probe* to = probe.load(std::memory_order_acquire)) [[unlikely]] {
        if (to->on()) to->ready(group.scheduler.clock().now_ns());
    }
    group.scheduler.submit(*this, lane);
}

void Actor::notify(Lane* lane, std::uint32_t bits) noexcept {
    std::uint32_t word = word_.load(std::memory_order_acquire);
    for (;;) {
        std::uint32_t now = word & state_mask;
        bool sleeps = now == idle || now == rest;
        std::uint32_t to = word | bits;
        if (sleeps || now == running) {
            to = (to & ~state_mask) | (sleeps ? ready : notified);
        } else if (to == word) {
            // A turn is coming (ready, notified), or release() (held), resume() or step() (parked)
            // will bring one.
            return;
        }
        if (word_.compare_exchange_weak(word, to, std::memory_order_acq_rel,
                                        std::memory_order_acquire)) {
            if (!sleeps) return;
            enter(lane);
            return submit(lane);
        }
    }
}

void Actor::release(Lane* lane) noexcept {
    std::uint32_t word = word_.load(std::memory_order_acquire);
    for (;;) {
        std::uint32_t now = word & state_mask;
        // A turn that runs may be about to end as held: it will look at its outputs once more.
        if (now != held && now != running) return;
        std::uint32_t to = (word & ~state_mask) | (now == held ? ready : notified);
        if (word_.compare_exchange_weak(word, to, std::memory_order_acq_rel,
                                        std::memory_order_acquire)) {
            if (now == running) return;
            enter(lane);
            group.unhold();
            return submit(lane);
        }
    }
}

// False if somebody has told it of more meanwhile.
inline bool Actor::go_idle(Lane& lane, std::uint32_t to) noexcept {
    std::uint32_t expected = running;
    Group& of = group;  // from the change on the actor may be taken out of the network
    if (!word_.compare_exchange_strong(expected, to, std::memory_order_acq_rel)) return false;
    if (of.turns_watched()) [[unlikely]]
        of.wake_hosts();
    lane.leave();
    return true;
}

void Actor::end_turn(Lane& lane, Outcome outcome) noexcept {
    if (group.stopping()) {
        word_.exchange(idle, std::memory_order_acq_rel);
        return lane.leave();
    }
    std::uint32_t expected = running;
    if (outcome == Outcome::paused) {
        if (park(lane)) return;
    } else if (outcome == Outcome::idle) {
        if (go_idle(lane, resting_ || blocked() ? rest : idle)) return;
    } else if (outcome == Outcome::held) {
        group.hold();
        const bool rests = paused();
        stands_.store(nowhere, std::memory_order_relaxed);
        if (rests) come_to_rest();
        Group& of = group;  // from the change on the actor may be taken out of the network
        if (word_.compare_exchange_strong(expected, held, std::memory_order_acq_rel)) {
            if (rests) of.wake_hosts();
            return lane.leave();
        }
        group.unhold();
    }
    absorb(word_.exchange(ready, std::memory_order_acq_rel));
    submit(&lane);
}

// ---- a turn

// A call has failed, or asked for something.
std::size_t Actor::end_calls(Context& context, std::size_t used, reflow_status status) {
    fired.add(used);
    context.unusual = true;
    return used + settle(context, status, 0);
}

// Whether the next call can follow without a look at anything else.
inline bool Actor::may_call_again(const Lane& lane, bool more) const noexcept {
    return more && !flush_now_ && !lane.slow() && !group.stopping() &&
           word_.load(std::memory_order_relaxed) == running;
}

// Where each call has one packet, as with most components. There is one.
template <bool keeps>
[[gnu::always_inline]] inline std::size_t Actor::run_single(Lane& lane, Context& context,
                                                           std::size_t left) {
    const Group& of = group;
    Packet* packet = inputs_.data();  // nobody else touches them: they are of the turn
    std::size_t most = std::min(left, inputs_.size());
    std::size_t used = 0;
    Supervisor* own = keeps && singly_ ? supervisor() : nullptr;
    for (;;) {
        if (own != nullptr) keep_for_call(context, *own);
        reflow_status status = call_run(context, packet);
        if (lane.called() && lane.slow()) [[unlikely]]
            most = used + 1;  // what it emits does not wait for the next call; then each is looked at
        if (status != REFLOW_OK || context.unusual) [[unlikely]] {
            return end_calls(context, used, status);
        }
        if (own != nullptr) own->drop_kept();
        if (MessageRef(packet->message).counted()) (void)Message::adopt(packet->message);
        if (++used == most) {
            (void)inputs_.skip_first();
            break;
        }
        inputs_.step();
        ++packet;
        if (flush_now_ || of.stopping() || word_.load(std::memory_order_relaxed) != running) break;
        context.next();
    }
    fired.add(used);
    return used;
}

// Most turns: inputs come, and calls take them. True if nothing is left, and false where work() has
// to go on, which knows everything else.
inline bool Actor::take_plainly(Lane& lane, Context& context, const TurnBudget& budget,
                                std::size_t& left) {
    const bool single =
        component->max_batch == 1 && component->await == REFLOW_AWAIT_ANY && !singly_;
    while (!inputs_.empty() || !looked_) {
        if (inputs_.empty()) {
            take_inputs(lane, left);
            if (inputs_.empty()) continue;
        }
        context.begin(
            single ? 1 : std::min({firings_kept(), std::size_t{component->max_batch}, left}));
        std::size_t used = single ? run_single<false>(lane, context, left)
                                  : run_inputs(lane, context, left);
        left -= std::min(left, std::max<std::size_t>(used, 1));
        if (context.unusual || flush_now_ || lane.slow() || left == 0 || group.stopping() ||
            lane.turn_ns() >= budget.ns || word_.load(std::memory_order_relaxed) != running) {
            return false;
        }
    }
    return true;
}

// Of a turn that begins; what a callback asks for beyond that is unusual.
inline bool Actor::is_plain(Context& context, std::size_t left) noexcept {
    return (wanted_ | due_ | resting_) == 0 && !again_ && !ended_ && !keeps_order_ &&
           unsent_ == nullptr && deferred() == nullptr &&
           probe.load(std::memory_order_relaxed) == nullptr && !paused() &&
           stands_.load(std::memory_order_relaxed) == nowhere && !group.observer.watches() &&
           !group.stopping() && (!singly_ || untroubled(context, left));
}

inline Actor::Outcome Actor::work(Lane& lane, const TurnBudget& budget) {
    Context context{*this, Phase::run};
    lane.begin_turn();
    std::size_t left = budget.packets;
    if (!is_plain(context, left)) return work_on(lane, budget, context, left, true);
    passed_ = false;
    if (!take_plainly(lane, context, budget, left)) {
        return work_on(lane, budget, context, left, false);
    }
    if (unsent_ != nullptr && !flush(lane, true)) return undelivered();
    return paused() ? Outcome::paused : Outcome::idle;
}

void Actor::run_turn(Lane& lane, const TurnBudget& budget) noexcept {
    lane.serve(group);
    Outcome outcome = Outcome::more;
    try {
        outcome = work(lane, budget);
    } catch (const std::bad_alloc&) {
        // Everything that was emitted or taken is still where it was: the turn is tried again.
        group.environment.log(REFLOW_LOG_ERROR, component->id, id, "out of memory in a turn");
    }
    // Most end like this; the others in end_turn().
    bool plain = outcome == Outcome::idle && resting_ == 0 && deferred() == nullptr;
    if (outcome == Outcome::idle) inputs_.rest();
    if (plain && !group.stopping() && go_idle(lane, idle)) return;
    end_turn(lane, outcome);
}

void Actor::turn(Lane& lane, const TurnBudget& budget) noexcept {
    absorb(word_.exchange(running, std::memory_order_acq_rel));
    looked_ = false;
    run_turn(lane, budget);
}

void Actor::turn_handed_over(Lane& lane, const TurnBudget& budget) noexcept {
    looked_ = true;  // the word was idle: see there
    run_turn(lane, budget);
}

// The whole of a turn, or what is left of one that began plainly.
Actor::Outcome Actor::work_on(Lane& lane, const TurnBudget& budget, Context& context,
                              std::size_t left, bool begins) {
    Probe* to = begins ? probe.load(std::memory_order_acquire) : nullptr;
    if (to != nullptr && to->on() && measured(*to)) [[unlikely]]
        context.probe = to;
    const bool watched = group.observer.watches();
    const bool every_call = watched || keeps_order_;
    if (begins && watched) close_all();
    // Who brings forth without taking goes a little slower than those who take, so that what has
    // once piled up before them goes away again.
    if (begins && inputs_.empty() && again_ && left >= 4) left -= left / 4;
    const bool was_paused = begins && paused();  // later the word tells
    if (was_paused) [[unlikely]]
        left = take_grant() && unsent_ == nullptr ? 1 : 0;  // else it stood before a delivery
    // One firing in a call: before it the actor may stop, or its envelope is that of what is emitted.
    const bool breaks =
        watched && (group.observer.carries() ||
                    (group.observer.breaks() && group.observer.breaks_firings(*this)));
    passed_ = passed_ && breaks;
    if (begins && !was_paused && stands_.load(std::memory_order_relaxed) != nowhere) [[unlikely]]
        stands_.store(nowhere, std::memory_order_relaxed);
    // What an earlier turn could not deliver goes first: otherwise each turn would add to it.
    if (begins) flush_now_ = unsent_ != nullptr;
    for (;;) {
        bool due = flush_now_ || every_call || lane.slow();
        if (due && unsent_ != nullptr && !flush(lane, false)) return undelivered();
        if (group.stopping()) return Outcome::idle;
        if (left == 0 || lane.turn_ns() >= budget.ns) break;
        if (word_.load(std::memory_order_relaxed) != running) {
            absorb(word_.exchange(running, std::memory_order_acq_rel));
            looked_ = false;
            if (!was_paused && paused()) break;
        }
        if (wanted_ & (completion_bit | restart_bit)) [[unlikely]] {
            if ((wanted_ & restart_bit) != 0) {
                restart();
                --left;
                continue;
            }
            std::size_t used = serve_deferred();
            left -= std::min(left, std::max<std::size_t>(used, 1));
            continue;
        }
        std::size_t firings = 0;
        bool some = breaks ? prepare_or_stop(lane, context, firings)
                           : prepare(lane, left, context, firings);
        if (!some) break;
        context.begin(firings);
        bool single = every_call || context.probe != nullptr || deferred() != nullptr;
        bool plain = !single && firings != 0 && due_ == 0 && context.phase == Phase::run &&
                     (!singly_ || untroubled(context, left));
        std::size_t used = plain ? run_inputs(lane, context, left) : fire(lane, context);
        if (!plain) lane.called();
        // Who takes nothing is measured by what it brings forth: else it would fill the port before
        // others have their turn, through a queue that grows, and nothing of it would be in the
        // nearest cache any more. What a firing that is kept back emits is not counted like that.
        if (firings == 0 && deferred() == nullptr) used = std::max<std::size_t>(used, emitted_);
        left -= std::min(left, std::max<std::size_t>(used, 1));
    }
    if (unsent_ != nullptr && !flush(lane, true)) return undelivered();
    if (paused()) [[unlikely]]
        return Outcome::paused;
    return has_work() ? Outcome::more : Outcome::idle;
}

bool Actor::has_work() const {
    if ((wanted_ & (completion_bit | restart_bit)) != 0) return true;
    if (blocked()) return only_wakes();
    if (resting_ != 0) return rest_is_over();
    // An alarm may come for an attempt that was made meanwhile, together with an earlier one: it is
    // no work, and a later rest looks at the time anyway.
    const bool asked = (wanted_ & ~retry_bit) != 0;
    return again_ || asked || !inputs_.empty() || (!looked_ && mailbox.ready());
}

void Actor::release_senders(Lane& lane) noexcept {
    for (Actor* sender : lane.released) sender->release(&lane);
    lane.released.clear();
    if (!host_waits_) return;
    host_waits_ = false;
    group.wake_hosts();
    group.observer.made_room(*this);
}

void Actor::take_inputs(Lane& lane, std::size_t left) {
    // Where the newest counts it is taken as late as possible.
    std::size_t most =
        mailbox.takes_late() ? std::min<std::size_t>(component->max_batch, left) : left;
    if (const DeferredFirings* part = deferred()) most = std::min(most, part->free());
    std::size_t firings = 0, packets = 0;
    if (component->await == REFLOW_AWAIT_ANY) {
        firings = packets = mailbox.take(inputs_, most, lane.released, host_waits_);
    } else {
        packets = mailbox.take_firings(inputs_, most, lane.released, host_waits_);
        firings = firings_kept();
    }
    looked_ = firings < most;
    if (packets != 0) received.add(packets);
    if (host_waits_ || !lane.released.empty()) release_senders(lane);
}

// Takes back what would call a source that has ended: a start, going on, a timer, inputs.
[[gnu::cold]] void Actor::end_source(Lane& lane) {
    again_ = false;
    resting_ = 0;
    if (Supervisor* own = supervisor()) own->forget();
    while (deferred() != nullptr && deferred()->places()) {
        if (deferred()->leave_place()) wanted_ |= completion_bit;
    }
    wanted_ &= ~start_bit;
    cancel_timers();
    do {
        due_ = 0;
        consume(firings_kept());
        take_inputs(lane, SIZE_MAX);
    } while (!inputs_.empty() && !group.stopping());
    end_streams(false);
}

bool Actor::prepare(Lane& lane, std::size_t left, Context& context, std::size_t& firings) {
    if (ended_ && !(again_ && again_phase_ == Phase::finish)) end_source(lane);
    context.phase = Phase::run;
    if (blocked()) {
        firings = 0;
        return only_wakes() && take_alarms(context);
    }
    if (resting_ != 0 && !leave_rest()) return false;
    firings = due_;
    if (again_) {
        context.phase = again_phase_;
        return true;
    }
    if (due_ != 0) return true;
    if ((wanted_ & start_bit) != 0) {
        wanted_ &= ~start_bit;
        if (Supervisor* own = supervisor()) own->starts = true;
        return true;
    }
    if (inputs_.empty() && !looked_) take_inputs(lane, left);
    firings = std::min({firings_kept(), std::size_t{component->max_batch}, left});
    if (const DeferredFirings* part = deferred()) firings = std::min(firings, part->free());
    if ((wanted_ & alarm_bits) != 0 && take_alarms(context)) return true;
    if (firings != 0) return true;
    if ((wanted_ & finish_bit) != 0) {
        wanted_ &= ~finish_bit;
        if (Supervisor* own = supervisor()) own->starts = false;
        context.phase = Phase::finish;
        return component->finish != nullptr;
    }
    return false;
}

std::size_t Actor::run_inputs(Lane& lane, Context& context, std::size_t left) {
    if (component->max_batch == 1 && component->await == REFLOW_AWAIT_ANY) {
        return run_single<true>(lane, context, left);
    }
    std::size_t used = 0;
    Supervisor* own = singly_ ? supervisor() : nullptr;
    for (;;) {
        if (own != nullptr) [[unlikely]] keep_for_call(context, *own);
        reflow_status status = call(context);
        lane.called();
        if (status != REFLOW_OK || context.unusual) [[unlikely]] {
            return end_calls(context, used, status);
        }
        if (own != nullptr) [[unlikely]] own->drop_kept();
        consume(context.firings);
        used += context.firings;
        if (used == left || !may_call_again(lane, !inputs_.empty())) break;
        context.begin(std::min({firings_kept(), std::size_t{component->max_batch}, left - used}));
    }
    fired.add(used);
    return used;
}

bool Actor::measured(Probe& to) noexcept {
    std::uint64_t waiting = mailbox.waiting() + inputs_.size();
    bool tells = component->await == REFLOW_AWAIT_ANY && !mailbox.takes_late();
    return to.begin_turn(group.scheduler.clock().now_ns(), consumed(), waiting, tells);
}

[[gnu::cold]] reflow_status Actor::call_watched(Lane& lane, Context& context, std::uint32_t emitted) noexcept {
    WatchedPlace* place = lane.place(group.scheduler.watchdog.get());
    if (place == nullptr) {  // nobody looks meanwhile: it is told of behind the call
        const Clock& clock = group.scheduler.clock();
        std::uint64_t start = clock.now_ns();
        reflow_status status = call(context, emitted);
        std::uint64_t ns = clock.now_ns() - start;
        if (ns / 1'000'000 >= extras().watchdog_ms) tell_stuck(*this, "a callback took ", ns);
        return status;
    }
    place->go_in(*this);
    reflow_status status = call(context, emitted);
    place->come_out();
    return status;
}

std::size_t Actor::fire(Lane& lane, Context& context) {
    if (deferred() != nullptr) begin_deferred(context);
    const bool carries = group.observer.carries();
    if (carries) make_carrier(context);
    const bool late = carries && !in_time(context);
    reflow_status refused = supervisor() != nullptr ? begin_supervised(context, late)
                            : late                  ? refuse_late(context)
                                                    : reflow_status{REFLOW_OK};
    again_ = false;
    const bool shows = group.observer.wants(REFLOW_EVENT_ACTOR_STATE);
    if (shows) show_state(REFLOW_NODE_PROCESSING);
    Probe* to = context.probe;
    bool timed = to != nullptr || group.observer.wants(REFLOW_EVENT_ACTOR_COMPLETED);
    std::uint64_t start = timed ? group.scheduler.clock().now_ns() : 0;
    if (to != nullptr) to->begin_call(start, consumed() + context.firings);
    const DeferredFirings* later = deferred();
    bool captures = later != nullptr && later->captures;
    reflow_status status = refused;
    if (carries) open_envelopes(context);
    if (refused == REFLOW_OK) {
        std::uint32_t emitted = captures ? std::uint32_t{limits::emits_count} : 0;
        const Extras* some = extras_.load(std::memory_order_relaxed);
        bool watches = some != nullptr && some->watchdog_ms != 0;
        status = watches ? call_watched(lane, context, emitted) : call(context, emitted);
    }
    if (carries) close_envelopes();
    std::uint64_t ns = timed ? group.scheduler.clock().now_ns() - start : 0;
    if (to != nullptr) to->end_call(ns);
    if (shows) show_state(status == REFLOW_OK ? REFLOW_NODE_RUNNING : REFLOW_NODE_ERROR);
    std::size_t ended = settle(context, status, ns);
    if (shows && status != REFLOW_OK && (resting_ & retry_rest) == 0) {
        show_state(REFLOW_NODE_RUNNING);
    }
    return ended;
}

std::size_t Actor::settle(Context& context, reflow_status status, std::uint64_t ns) {
    std::size_t done = context.firings;
    if (context.again_asked) {
        done = std::min(context.advanced, done);
        again_ = status == REFLOW_OK;
        resting_ = static_cast<std::uint8_t>((resting_ & retry_rest) |
                                             (again_ && context.wake_asked ? timer_rest : 0));
        again_phase_ = context.phase;
    }
    bool retried = false;
    if (status != REFLOW_OK) [[unlikely]] {
        // The first firing that is not completed has failed; those behind it come again.
        retried = settle_failure(context, status, ns);
        done = std::min(context.advanced + (retried ? 0 : 1), context.firings);
    } else if (supervisor() != nullptr) {
        end_well(context, done);
    }
    due_ = static_cast<std::uint32_t>(context.firings - done);
    if (retried && due_ != 0) due_ = 1;  // alone
    std::size_t pending = 0;
    if (context.deferred != nullptr) {
        std::size_t over = context.firings == 0 && status == REFLOW_OK ? 1 : done;
        pending =
            settle_deferred(context, status == REFLOW_OK || retried ? over : done - (done != 0));
    }
    consume(done);
    // A call without inputs (a start, a timer, a finish) is one firing once it does not go on.
    std::size_t ended = done;
    if (context.firings == 0 && context.phase == Phase::run && !again_) ended = 1;
    ended -= std::min(ended, pending);
    book(context, status, ended, pending, ns);
    DeferredFirings* all = deferred();
    if (all != nullptr && std::exchange(all->placed, false)) [[unlikely]] {
        const bool over = context.firings != 0 ? done != 0 : !again_;
        if (over && all->leave_place()) wanted_ |= completion_bit;
    }
    return ended;
}

}  // namespace reflow::runtime
