// Events, counters and reports of a network.
// Thread: any.
#include "codec/msgpack.hpp"
#include "message/count.hpp"
#include "message/envelope.hpp"
#include "network/network.hpp"
#include "runtime/stall.hpp"
#include "runtime/supervisor.hpp"

namespace reflow::network {

using runtime::Actor;

// ---- events

void Network::miss(reflow_event_kind kind) noexcept {
    bool wakes = false;
    {
        std::lock_guard lock(mutex_);
        for (Ref<Subscription>& subscription : subscriptions_) {
            if (!subscription->filter.has_kind(kind) || !subscription->miss()) continue;
            wakes = subscription->wake_due = true;
        }
    }
    if (wakes) wake_notifiers();
}

// Callbacks are told without a lock, since that may run what ends a network.
void Network::wake_notifiers() noexcept {
    for (;;) {
        Ref<Subscription> next;
        {
            std::lock_guard lock(mutex_);
            for (Ref<Subscription>& subscription : subscriptions_) {
                if (!std::exchange(subscription->wake_due, false)) continue;
                next = subscription;
                break;
            }
        }
        if (!next) return;
        next->wake();
    }
}

Ref<Event> Network::new_event(reflow_event_kind kind) noexcept {
    if (!wants(kind)) return {};
    try {
        auto event = make_ref<Event>();
        event->kind = kind;
        event->timestamp_ms = runtime_->scheduler().clock().wall_ms();
        return event;
    } catch (const std::bad_alloc&) {
        miss(kind);
        return {};
    }
}

Ref<Event> Network::new_event(reflow_event_kind kind, const Actor& actor) noexcept {
    Ref<Event> event = new_event(kind);
    if (event) {
        event->of = Ref<const Actor>::share(&actor);
        event->node = actor.id;
        event->component = actor.component->id;
    }
    return event;
}

void let_streams_go(Message& message) noexcept {
    const MessageRef payload = payload_of(message);
    if (!payload.holds_stream()) return;
    Message inert;
    try {
        String bytes;
        if (codec::write_msgpack(bytes, payload).ok()) {
            Result<Message> read = codec::read_msgpack(bytes);
            if (read.ok()) inert = enveloped(std::move(read).take(), envelope_of(message));
        }
    } catch (const std::bad_alloc&) {
    }
    message = std::move(inert);
}

void Network::post(const Ref<Event>& event) noexcept {
    if (!event) return;
    bool wakes = false;
    let_streams_go(event->message);
    let_streams_go(event->outputs);
    {
        std::lock_guard lock(mutex_);
        event->sequence = sequence_++;
        for (Ref<Subscription>& subscription : subscriptions_) {
            if (!subscription->filter.accepts(*event) || !subscription->offer(event)) continue;
            wakes = subscription->wake_due = true;
        }
    }
    if (wakes) wake_notifiers();
}

namespace {

// What a call has just emitted is still with the connections, since an actor whose calls are
// watched delivers after each.
Message outputs_of(const Actor& actor) {
    ObjectBuilder outputs;
    for (std::size_t i = 0; i < actor.outports.size(); ++i) {
        auto outport = static_cast<std::uint32_t>(i);
        MessageRef last = actor.last_emitted(outport);
        if (!last.none()) outputs.set(actor.outport_name(outport), payload_of(last).own());
    }
    if (outputs.size() == 0) return {};
    Result<Message> made = outputs.finish();
    return made.ok() ? std::move(made).take() : Message();
}

}  // namespace

void Network::completed(const Actor& actor, std::uint64_t firings, std::uint64_t ns) {
    auto event = new_event(REFLOW_EVENT_ACTOR_COMPLETED, actor);
    if (!event) return;
    event->count = firings;
    event->duration_ns = ns;
    event->waiting = actor.mailbox.waiting();
    try {
        event->outputs = outputs_of(actor);
    } catch (const std::bad_alloc&) {
        // The event comes without them.
    }
    post(event);
}

void Network::emitted(const Actor& actor, std::uint32_t outport, std::uint32_t index,
                      MessageRef message) {
    if (instrument_) instrument_->emitted(outport, index, message, actor.envelope());
    if (auto event = new_event(REFLOW_EVENT_ACTOR_EMIT, actor)) {
        event->port = actor.outport_name(outport);
        event->message = message.own();
        event->envelope = actor.envelope().own();
        post(event);
    }
}

void Network::sent(const Actor& from, std::uint32_t outport, const Actor& to, std::uint32_t inport,
                   MessageRef message) {
    if (auto event = new_event(REFLOW_EVENT_MESSAGE_SENT, from)) {
        event->port = from.outport_name(outport);
        event->of_peer = Ref<const Actor>::share(&to);
        event->peer = to.id;
        event->peer_port = to.component->inports[inport].name;
        event->message = payload_of(message).own();
        event->envelope = envelope_of(message).own();
        event->waiting = to.mailbox.waiting(inport);
        post(event);
    }
}

void Network::stuck(const Actor& actor, std::uint64_t ns) noexcept {
    auto event = new_event(REFLOW_EVENT_ACTOR_STUCK, actor);
    if (event) event->duration_ns = ns;
    post(event);
}

void Network::idle() {
    post(new_event(REFLOW_EVENT_NETWORK_IDLE));
    if (instrument_) instrument_->settle();
}

void Network::stalled(const runtime::Stall& stall) {
    auto event = new_event(REFLOW_EVENT_NETWORK_STALLED);
    if (!event) return;
    event->state = stall.what;
    event->count = stall.amount;
    event->bytes = stall.bytes;
    event->stalls = stall.number;
    if (stall.target) {
        event->of = stall.target;
        event->node = stall.target->id;
        event->port = stall.target->component->inports[stall.port].name;
    }
    try {
        event->error = stall.text;
        event->path = stall.path;
    } catch (const std::bad_alloc&) {
        // As above: rather without the text than not at all.
    }
    post(event);
}

Result<Ref<Subscription>> Network::subscribe(SubscriptionOptions options) {
    if (instrument_ && options.sink != nullptr) {
        return Failure(REFLOW_ERROR_UNSUPPORTED,
                       "a network that records or is replayed has no callbacks for events")
            .hint("poll them: a callback takes turns");
    }
    auto made = Ref<Subscription>::adopt(
        new Subscription(Ref<Network>::share(this), *runtime_, std::move(options)));
    std::lock_guard lock(mutex_);
    subscriptions_.push_back(made);
    update_wanted();
    return made;
}

// What the runtime is to tell; the lock is held.
void Network::update_wanted() noexcept {
    std::uint64_t all = (breaks_ ? breaks_bit : 0) | (instrument_ ? records_bit : 0) |
                        (runtime_->options().check_types ? types_bit : 0);
    for (const Ref<Subscription>& subscription : subscriptions_) {
        all |= subscription->filter.kinds();
    }
    if (carries_) all |= carries_bit;
    want(all);
}

void Network::unsubscribe(Subscription& subscription) noexcept {
    Ref<Subscription> removed;  // ends after the lock
    std::lock_guard lock(mutex_);
    for (std::size_t i = subscriptions_.size(); i-- > 0;) {
        if (subscriptions_[i].get() != &subscription) continue;
        removed = std::move(subscriptions_[i]);
        subscriptions_.erase(subscriptions_.begin() + static_cast<std::ptrdiff_t>(i));
    }
    update_wanted();
}

// ---- counters

namespace {

void read_counters(const Actor& actor, reflow_node_counters& to) noexcept {
    to.held_back = actor.held_back() ? 1 : 0;
    to.fired = actor.fired.get();
    to.received = actor.received.get();
    to.sent = actor.sent.get();
    to.failed = actor.failed.get();
    to.dropped = actor.mailbox.dropped();
    to.waiting = actor.mailbox.waiting();
}

}  // namespace

Result<void> Network::counters(std::string_view node, reflow_node_counters& to) const {
    Ref<Topology> all = topology();
    const Actor* actor = all->find_actor(node);
    if (actor == nullptr) return all->no_node(node);
    read_counters(*actor, to);
    return {};
}

Result<Message> Network::report() const {
    Ref<Topology> now = topology();
    ObjectBuilder all(now->actors.size());
    for (std::size_t i = 0; i < now->actors.size(); ++i) {
        const Actor& actor = *now->actors[i];
        reflow_node_counters counters{};
        read_counters(actor, counters);
        ObjectBuilder node(9);
        node.set("component", Message::string(actor.component->id));
        node.set("source", Message::boolean(now->is_source(i)));
        node.set("fired", count_message(counters.fired));
        node.set("received", count_message(counters.received));
        node.set("sent", count_message(counters.sent));
        node.set("failed", count_message(counters.failed));
        node.set("dropped", count_message(counters.dropped));
        node.set("waiting", count_message(counters.waiting));
        bool taken = (now->marks[i] & Topology::errors_taken) != 0;
        node.set("errors_taken", Message::boolean(taken));
        Result<Message> finished = node.finish();
        if (!finished.ok()) return finished;
        all.set(actor.id, std::move(finished).take());
    }
    return all.finish();
}

}  // namespace reflow::network
