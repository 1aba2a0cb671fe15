// Failed firings of an actor: who is told, and with settings (supervisor) what is done: attempts,
// the circuit breaker, the fallback, restarts. None of it runs for a firing that ends well, but for
// what a supervised actor keeps of its calls.
// Neighbours: actor (settles calls), actor_deferred (pending firings), supervisor. Thread: that of
// the turn.
#include <algorithm>
#include <new>
#include <utility>

#include "base/text.hpp"
#include "message/envelope.hpp"
#include "runtime/actor.hpp"
#include "runtime/dealer.hpp"
#include "runtime/failed_message.hpp"
#include "runtime/heard.hpp"
#include "runtime/scheduler.hpp"
#include "runtime/supervisor.hpp"

namespace reflow::runtime {

void Actor::supervise(const FailurePolicy& policy, std::uint64_t seed) {
    extras().supervisor.reset(new Supervisor(*this, policy, seed));
    singly_ = true;
    if (policy.hold && deferred() != nullptr) deferred()->hold_emits();
}

// ---- a call of a supervised actor

bool Actor::untroubled(Context& context, std::size_t firings) noexcept try {
    const Extras& some = *extras_.load(std::memory_order_relaxed);
    Supervisor* own = some.supervisor.get();
    if (own == nullptr || some.watchdog_ms != 0 || own->in_place || own->down ||
        own->breaker.state() != Breaker::State::closed || own->breaker.failures() != 0 ||
        own->details.load(std::memory_order_relaxed) != 0 ||
        (own->policy.hold && dealers() != nullptr)) {
        return false;
    }
    own->drop_kept();
    if (own->policy.hold) mark_emits();
    own->kept.reserve(std::min<std::size_t>(firings, component->max_batch) * firing_size_);
    context.attempts = 0;
    context.refused = false;
    return true;
} catch (const std::bad_alloc&) {
    return false;
}

// What it would be called with is kept, since a callback may move it out. A failure of this is one
// of the firing.
reflow_status Actor::begin_supervised(Context& context, bool late) noexcept try {
    Supervisor& own = *supervisor();
    context.refused = false;
    bool alone = own.policy.hold || own.in_place || own.breaker.state() != Breaker::State::closed;
    if (alone && context.firings > 1) context.firings = 1;
    bool front = own.in_place && own.inputless == (context.firings == 0);
    context.attempts = front ? own.attempts : 0;
    if (front && own.inputless && own.timers != 0) {
        context.timers = own.timers;
        context.unusual = true;
    }
    own.drop_kept();
    own.marks.clear();
    if (own.down) {
        context.refused = true;
        return context.fail(Failure(REFLOW_ERROR_FAILED, "the node could not be restarted"));
    }
    if (late) return refuse_late(context);
    const bool goes_on = again_ && due_ != 0;  // it has begun before
    const bool asks = own.breaker.state() != Breaker::State::closed;  // else it lets all through
    if (asks && context.firings != 0 && !goes_on) {
        std::uint64_t now = group.scheduler.clock().now_ns();
        bool lets = own.breaker.lets(now);
        show(own.details.load(std::memory_order_relaxed));
        if (!lets) {
            context.refused = true;
            bool trial = own.breaker.state() == Breaker::State::half_open;
            std::uint64_t left_ms =
                trial ? 0 : (own.breaker.until_ns() - now + 999'999) / 1'000'000;
            return context.fail(
                Failure(REFLOW_ERROR_FAILED,
                        concat("the circuit is open after ", own.breaker.failures(),
                               " failures in a row", trial ? ", and a trial is under way" : ""))
                    .hint(trial ? String() : concat("the next trial comes in ", left_ms, " ms")));
        }
    }
    std::size_t count = context.firings * firing_size_;
    own.kept.reserve(count);
    if (own.policy.hold) mark_emits();
    for (std::size_t i = 0; i < count; ++i) own.keep(inputs_[i]);
    return REFLOW_OK;
} catch (const std::bad_alloc&) {
    supervisor()->marks.clear();
    return REFLOW_ERROR_OUT_OF_MEMORY;
}

void Actor::restore_inputs(Context& context) noexcept {
    Queue<Packet>& kept = supervisor()->kept;
    std::size_t count = std::min(kept.size(), context.firings * firing_size_);
    for (std::size_t i = context.advanced * firing_size_; i < count; ++i) {
        if (MessageRef(inputs_[i].message).none()) {
            std::swap(inputs_[i].message, kept[i].message);
        }
    }
    supervisor()->drop_kept();
}

// What the call has emitted is still with the connections: a call delivers nothing itself.
void Actor::take_back_emits() noexcept {
    const Supervisor& own = *supervisor();
    Vector<std::size_t>& marks = supervisor()->marks;
    std::size_t number = 0;
    bool emptied = false;
    bool uncalled = any_queue([&](Connection& connection) {
        if (number == marks.size()) return true;
        std::size_t before = marks[number++];
        if (own.notes) before = &connection == own.noted ? own.noted_count : 0;
        if (connection.pending.size() == before) return false;
        while (connection.pending.size() > before) {
            (void)Message::adopt(connection.pending.pop_back().message);
        }
        connection.open = 0;
        emptied = emptied || before == 0;
        return false;
    });
    if (uncalled) return;
    marks.clear();
    if (!emptied) return;
    // Out of the list of those with something to deliver.
    last_unsent_ = nullptr;
    for (Connection** at = &unsent_; *at != nullptr;) {
        Connection& connection = **at;
        if (connection.pending.empty()) {
            connection.listed = false;
            *at = connection.next_unsent;
        } else {
            last_unsent_ = &connection;
            at = &connection.next_unsent;
        }
    }
}

std::uint32_t Actor::attempts_of(const Context& context, std::size_t firing) const noexcept {
    return firing == 0 ? context.attempts : 0;
}

void Actor::end_well(Context& context, std::size_t done) noexcept {
    Supervisor& own = *supervisor();
    // What stays open has its packets until it ends.
    if (context.deferred != nullptr) restore_inputs(context);
    own.drop_kept();
    bool ended = context.firings == 0 ? !again_ : done != 0;
    if (!ended) return;  // it goes on
    bool front = own.in_place && own.inputless == (context.firings == 0);
    if (front) {
        own.in_place = false;
        own.attempts = 0;
    }
    if (context.deferred == nullptr && context.firings != 0) own.breaker.succeeded();
    const bool retrying = own.in_place || own.pending != nullptr;
    show(own.details.load(std::memory_order_relaxed) &
         ~(retrying ? 0u : std::uint32_t{REFLOW_NODE_IS_RETRYING}));
}

void Actor::pending_well() noexcept {
    supervisor()->breaker.succeeded();
    show(supervisor()->details.load(std::memory_order_relaxed));
}

// ---- failures

std::span<Packet> Actor::failed_packets(const Context& context) noexcept {
    if (context.advanced >= context.firings) return {};
    return {inputs_.data() + context.advanced * firing_size_, firing_size_};
}

bool Actor::tries_again(reflow_status status, std::uint32_t attempts) noexcept {
    Supervisor& own = *supervisor();
    if (attempts > own.policy.retries || status == REFLOW_ERROR_CANCELLED) return false;
    return own.breaker.state() == Breaker::State::closed && !own.down && !ended_ &&
           !group.stopping();
}

bool Actor::settle_failure(Context& context, reflow_status status, std::uint64_t ns) noexcept {
    status = failure_status(status);
    Supervisor* own = supervisor();
    const std::uint32_t attempts = context.advanced == 0 ? context.attempts : 0;
    const bool inputless = context.firings == 0;
    const bool refused = own != nullptr && context.refused;
    if (context.advanced != 0) tell_well(context, ns);
    if (own != nullptr) {
        restore_inputs(context);
        if (own->policy.hold) take_back_emits();
        if (own->in_place && own->inputless == inputless && context.advanced == 0) {
            own->in_place = false;
            own->attempts = 0;
        }
    }
    std::unique_ptr<Error> error;
    try {
        error = error_of(context, status);
    } catch (const std::bad_alloc&) {
        // It fails even so.
    }
    std::span<Packet> packets = failed_packets(context);
    if (deferred() != nullptr && deferred()->captures) {
        // It takes its place behind those that are pending, and fails when they have ended.
        Deferred& spare = *deferred()->spare;
        spare.envelope = envelope().own();
        spare.attempts = refused ? UINT32_MAX - 1 : attempts;
        for (Packet& packet : packets) {
            spare.inputs.push_unchecked(packet);
            packet.message = {};
        }
        context.error = std::move(error);
        return false;
    }
    FailedFiring firing{*this, error.get(), status, packets, attempts + 1, ns};
    if (own == nullptr) {
        conclude(firing, false);
        return false;
    }
    std::uint64_t now = group.scheduler.clock().now_ns();
    if (!refused) own->breaker.failed(now);
    bool all = context.advanced < context.firings || inputless;
    if (all && !refused && tries_again(status, attempts + 1)) {
        own->in_place = own->waits = true;
        own->inputless = inputless;
        own->timers = context.timers;
        own->attempts = attempts + 1;
        own->due_ns = now + own->delay_ns(attempts + 1);
        if (inputless) {
            again_ = true;
            again_phase_ = context.phase;
        }
        resting_ |= retry_rest;
        own->arm();
        show(own->details.load(std::memory_order_relaxed) | REFLOW_NODE_IS_RETRYING);
        own->retries.add(1);
        log_attempt(firing, own->due_ns - now);
        return true;
    }
    conclude(firing, !refused);
    return false;
}

bool Actor::settle_failure(Deferred& firing, std::unique_ptr<Error> error,
                           std::uint64_t ns) noexcept {
    Supervisor* own = supervisor();
    std::span<const Packet> packets{firing.inputs.data(), firing.inputs.size()};
    bool refused = firing.attempts == UINT32_MAX - 1;
    std::uint32_t attempts = refused ? 1 : firing.attempts + 1;
    FailedFiring failure{*this, error.get(), firing.status, packets, attempts, ns};
    if (own == nullptr) {
        conclude(failure, false);
        return false;
    }
    std::uint64_t now = group.scheduler.clock().now_ns();
    if (firing.status == REFLOW_ERROR_CANCELLED) {
        own->breaker.gave_up();
    } else if (!refused) {
        own->breaker.failed(now);
    }
    if (!refused && tries_again(firing.status, attempts)) {
        firing.attempts = attempts;
        firing.due_ns = now + own->delay_ns(attempts);
        own->enter_pending(firing);
        if (deferred()->ordered()) deferred()->keep_place(firing);
        resting_ |= retry_rest;
        own->arm();
        show(own->details.load(std::memory_order_relaxed) | REFLOW_NODE_IS_RETRYING);
        own->retries.add(1);
        log_attempt(failure, firing.due_ns - now);
        return true;
    }
    conclude(failure, !refused);
    return false;
}

void Actor::log_attempt(const FailedFiring& firing, std::uint64_t delay_ns) noexcept try {
    if (!group.environment.logs(REFLOW_LOG_INFO)) return;
    group.environment.log(
        REFLOW_LOG_INFO, component->id, id,
        concat("attempt ", firing.attempts, " of ", std::uint64_t{supervisor()->policy.retries} + 1,
               " failed, the next comes in ", delay_ns / 1'000'000, " ms: ",
               firing.error == nullptr ? String("out of memory") : firing.error->describe()));
} catch (const std::bad_alloc&) {
}

// ---- a firing has failed for good

void Actor::conclude(const FailedFiring& firing, bool acts) noexcept {
    failed.add(1);
    tell(firing);
    Supervisor* some = supervisor();
    if (some == nullptr) return;
    Supervisor& own = *some;
    std::uint32_t details = own.details.load(std::memory_order_relaxed);
    bool retrying = own.in_place || own.pending != nullptr;
    show(retrying ? details : details & ~std::uint32_t{REFLOW_NODE_IS_RETRYING});
    if (!acts || firing.status == REFLOW_ERROR_CANCELLED || group.stopping()) return;
    act(own.policy.then, firing);
}

void Actor::act(AfterFailure then, const FailedFiring& firing) noexcept {
    Supervisor& own = *supervisor();
    if (then == AfterFailure::restart) {
        if (own.window.admit(group.scheduler.clock().now_ns(), own.policy.within_ns)) {
            wanted_ |= restart_bit;
            return;
        }
        then = AfterFailure::escalate;
    }
    if (then == AfterFailure::escalate) {
        then = group.observer.escalated(firing, own.restarts.get());
        if (then == AfterFailure::restart) wanted_ |= restart_bit;
    }
    if (then == AfterFailure::stop) group.observer.stop_for(firing);
}

void Actor::tell(const FailedFiring& firing) noexcept {
    std::uint32_t port = component->error_port;
    bool heard = false;
    emitted_ = 0;  // the error is none of the component's emits, which may be at their limit
    try {
        // Whoever takes it now would be too late as well.
        const bool late = firing.status == REFLOW_ERROR_TIMEOUT;
        if (late && carrier() != nullptr) set_envelope(undated(envelope()));
        const Supervisor* own = supervisor();
        bool given = own != nullptr && give_to_fallback(firing);
        heard = given || (port < outports.size() && runtime::heard(outports[port]));
        if (heard && !given) {
            bool object = own != nullptr && own->policy.object;
            Message text = failed_message(firing, object);
            heard = check_types(port, text, REFLOW_NO_INDEX).ok();
            if (heard) (void)emit(port, std::move(text), REFLOW_NO_INDEX);
        }
    } catch (const std::bad_alloc&) {
        heard = false;
    }
    bool watched = group.observer.wants(REFLOW_EVENT_ACTOR_FAILED);
    if (!heard) group.observer.letter(firing);
    if (watched) group.observer.failed(firing);
    // A host that reads the events knows it already.
    reflow_log_level level = heard || watched ? REFLOW_LOG_DEBUG : REFLOW_LOG_WARN;
    if (!group.environment.logs(level)) return;
    try {
        group.environment.log(
            level, component->id, id,
            firing.error == nullptr ? String("out of memory") : firing.error->describe());
    } catch (const std::bad_alloc&) {
        // Nobody hears of it that way.
    }
}

bool heard(const Connections& connections) noexcept {
    return std::any_of(connections.begin(), connections.end(),
                       [](const Connection& one) { return !one.mailbox->closed(); });
}

// All of its packets, or none if memory runs out.
bool Actor::give_to_fallback(const FailedFiring& firing) {
    Supervisor& own = *supervisor();
    if (!own.policy.fallback_value.none()) {
        MessageRef value = own.policy.fallback_value;
        if (!check_types(own.policy.fallback_port, value, REFLOW_NO_INDEX).ok()) return false;
        return emit(own.policy.fallback_port, own.policy.fallback_value, REFLOW_NO_INDEX) ==
               REFLOW_OK;
    }
    if (!own.has_fallback_node()) return false;
    bool some = false;
    for (const Packet& packet : firing.packets) {
        if (MessageRef(packet.message).none()) continue;
        Connections& to = outports[own.fallback_outport + packet.port];
        if (to.empty()) return false;
        std::uint32_t outport = own.fallback_outport + packet.port;
        if (!check_types(outport, MessageRef(packet.message), REFLOW_NO_INDEX).ok()) return false;
        to.front().pending.reserve(firing.packets.size());
        some = true;
    }
    if (!some) return false;
    for (const Packet& packet : firing.packets) {
        if (MessageRef(packet.message).none()) continue;
        Connection& to = outports[own.fallback_outport + packet.port].front();
        if (!to.listed) list(to);
        const bool late = firing.status == REFLOW_ERROR_TIMEOUT;
        MessageRef given(packet.message);
        Message message = late ? undated_message(given) : given.own();
        to.pending.push_unchecked({message.leak(), to.inport, packet.index, nullptr});
        bound(to);
        to.open = 0;  // not for the component
    }
    return true;
}

// ---- the next attempt

bool Actor::rest_is_over() const noexcept {
    const Supervisor* own = supervisor();
    if ((resting_ & retry_rest) != 0) {
        if ((wanted_ & retry_bit) != 0) return true;
        if (own->waits || own->restarts_later) return false;
    }
    if ((resting_ & timer_rest) != 0) return (wanted_ & wake_bit) != 0;
    return due_ != 0 || again_ || own->ripe || own->pending == nullptr;
}

bool Actor::leave_rest() {
    if ((resting_ & retry_rest) != 0) {
        Supervisor& own = *supervisor();
        if ((wanted_ & retry_bit) != 0) {
            wanted_ &= ~retry_bit;
            std::uint64_t now = group.scheduler.clock().now_ns();
            if (own.waits && own.due_ns <= now) own.waits = false;
            if (own.restarts_later && own.restart_ns <= now) {
                own.restarts_later = false;
                wanted_ |= restart_bit;
            }
            own.ripe = own.pending != nullptr && own.pending->due_ns <= now;
            own.arm();
        }
        if (own.waits || own.restarts_later || (wanted_ & restart_bit) != 0) return false;
        if (own.pending != nullptr && due_ == 0 && !again_) {
            if (!own.ripe) return false;
            bring_back();
        }
        if (own.pending == nullptr) resting_ &= static_cast<std::uint8_t>(~retry_rest);
    }
    if ((resting_ & timer_rest) != 0) {
        if ((wanted_ & wake_bit) == 0) return false;
        wanted_ &= ~wake_bit;
        resting_ &= static_cast<std::uint8_t>(~timer_rest);
    }
    return true;
}

// The packets of a firing that failed when it was pending come before all that is kept.
void Actor::bring_back() {
    Supervisor& own = *supervisor();
    Queue<Packet>& from = own.pending->inputs;
    std::size_t count = from.size();
    Queue<Packet> all;
    all.reserve(count + inputs_.size());
    all.move_from(from, count);
    all.move_from(inputs_, inputs_.size());
    inputs_.swap(all);
    Ref<Deferred> firing = own.take_pending();
    own.ripe = own.pending != nullptr && own.pending->due_ns <= group.scheduler.clock().now_ns();
    own.in_place = true;
    own.inputless = count == 0;
    own.attempts = firing->attempts;
    due_ = count == 0 ? 0 : 1;
    again_ = count == 0;
    again_phase_ = Phase::run;
    own.arm();
}

// ---- restarts

void Actor::restart() noexcept {
    wanted_ &= ~restart_bit;
    Supervisor* some = supervisor();
    if (some == nullptr || group.stopping()) return;
    Supervisor& own = *some;
    show(own.details.load(std::memory_order_relaxed) | REFLOW_NODE_IS_RESTARTING);
    if (group.observer.wants(REFLOW_EVENT_ACTOR_STATE)) show_state(REFLOW_NODE_ERROR);
    own.restarts_later = false;
    own.arm();
    if (DeferredFirings* firings = deferred()) (void)firings->cancel();
    cancel_timers();
    resting_ &= static_cast<std::uint8_t>(~timer_rest);
    bool front = own.in_place;
    again_ = front && own.inputless;
    due_ = front && !own.inputless ? 1 : 0;
    teardown();
    end_state();
    own.down = true;
    std::unique_ptr<Error> error;
    bool renewed = false;
    try {
        Result<void> made = renew();
        renewed = made.ok();
        if (!renewed) error = made.take_error();
    } catch (const std::bad_alloc&) {
        renewed = false;
    }
    if (!renewed) return restart_failed(std::move(error));
    own.down = false;
    own.failed_restarts = 0;
    own.restarts.add(1);
    // A source begins anew.
    if (own.starts && !ended_ && !front) wanted_ |= start_bit;
    show(own.details.load(std::memory_order_relaxed) &
         ~std::uint32_t{REFLOW_NODE_IS_RESTARTING | REFLOW_NODE_IS_DOWN});
    if (group.observer.wants(REFLOW_EVENT_ACTOR_STATE)) show_state(REFLOW_NODE_RUNNING);
}

Result<void> Actor::renew() {
    if (Result<void> made = create(); !made.ok()) return made;
    return setup();
}

void Actor::cancel_timers() noexcept {
    if (ActorTimers* own = timers()) own->cancel_all();
    wanted_ &= ~alarm_bits;
}

void Actor::restart_failed(std::unique_ptr<Error> error) noexcept {
    Supervisor& own = *supervisor();
    end_state();
    if (own.failed_restarts != UINT32_MAX) ++own.failed_restarts;
    reflow_status status = error == nullptr ? REFLOW_ERROR_OUT_OF_MEMORY : error->status;
    FailedFiring firing{*this, error.get(), status, {}, 0, 0};
    if (group.observer.wants(REFLOW_EVENT_ACTOR_FAILED)) group.observer.failed(firing);
    std::uint64_t now = group.scheduler.clock().now_ns();
    AfterFailure then = AfterFailure::restart;
    if (!own.window.admit(now, own.policy.within_ns)) {
        then = group.observer.escalated(firing, own.restarts.get());
    }
    if (then == AfterFailure::restart) {
        own.restarts_later = true;
        own.restart_ns = now + own.delay_ns(own.failed_restarts);
        resting_ |= retry_rest;
        own.arm();
        return;
    }
    show((own.details.load(std::memory_order_relaxed) | REFLOW_NODE_IS_DOWN) &
         ~std::uint32_t{REFLOW_NODE_IS_RESTARTING});
    if (then == AfterFailure::stop) group.observer.stop_for(firing);
}

// ---- for who asks

void Actor::show(std::uint32_t details) noexcept {
    Supervisor& own = *supervisor();
    constexpr std::uint32_t of_breaker = REFLOW_NODE_IS_OPEN | REFLOW_NODE_IS_HALF_OPEN;
    details &= ~of_breaker;
    if (own.breaker.state() == Breaker::State::open) details |= REFLOW_NODE_IS_OPEN;
    if (own.breaker.state() == Breaker::State::half_open) details |= REFLOW_NODE_IS_HALF_OPEN;
    own.failures.store(own.breaker.failures(), std::memory_order_relaxed);
    // relaxed: a moment's view. Only the turn writes them, so that nothing is lost between these two
    // steps; most firings change nothing, and need no locked step then.
    std::uint32_t before = own.details.load(std::memory_order_relaxed);
    if (before == details) return;
    own.details.store(details, std::memory_order_relaxed);
    bool breaker_changed = ((before ^ details) & of_breaker) != 0;
    if (breaker_changed && group.observer.wants(REFLOW_EVENT_ACTOR_STATE)) {
        show_state(REFLOW_NODE_RUNNING);
    }
}

void Actor::show_state(std::int32_t shown) noexcept {
    std::uint32_t details = 0;
    (void)node_state(details);
    group.observer.state(*this, shown, details);
}

reflow_activity Actor::activity() const noexcept {
    switch (word_.load(std::memory_order_relaxed) & state_mask) {
        case ready:
            return REFLOW_ACTIVITY_READY;
        case running:
        case notified:
            return REFLOW_ACTIVITY_RUNNING;
        case held:
            return REFLOW_ACTIVITY_HELD;
        default:
            return REFLOW_ACTIVITY_IDLE;
    }
}

std::int32_t Actor::node_state(std::uint32_t& details) const noexcept {
    const Supervisor* own = supervisor();
    details = own == nullptr ? 0 : own->details.load(std::memory_order_relaxed);
    if (paused()) details |= REFLOW_NODE_IS_PAUSED;
    if (held_back()) details |= REFLOW_NODE_IS_HELD;
    std::uint32_t now = word_.load(std::memory_order_relaxed) & state_mask;
    if (now == running || now == notified) return REFLOW_NODE_PROCESSING;
    constexpr std::uint32_t errors =
        REFLOW_NODE_IS_RETRYING | REFLOW_NODE_IS_RESTARTING | REFLOW_NODE_IS_DOWN;
    return (details & errors) != 0 ? REFLOW_NODE_ERROR : REFLOW_NODE_RUNNING;
}

}  // namespace reflow::runtime
