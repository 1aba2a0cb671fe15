// Failures that nodes leave to the network, dead letters, and states of nodes.
// Neighbours: runtime/actor_failure (tells of them), dead_letters. Thread: any; what the runtime
// tells comes on the thread of the turn.
#include "base/text.hpp"
#include "message/envelope.hpp"
#include "network/network.hpp"
#include "network/paths.hpp"
#include "runtime/supervisor.hpp"

namespace reflow::network {

using runtime::Actor;
using runtime::AfterFailure;
using runtime::FailedFiring;

// ---- from the runtime

void Network::failed(const FailedFiring& firing) {
    auto event = new_event(REFLOW_EVENT_ACTOR_FAILED, firing.actor);
    if (!event) return;
    event->duration_ns = firing.ns;
    event->count = firing.attempts;
    event->waiting = firing.actor.mailbox.waiting();
    tell_of(firing, *event);
    post(event);
}

// Rather without the text than not at all.
void Network::tell_of(const FailedFiring& firing, Event& event) noexcept try {
    event.error = firing.error == nullptr ? String("out of memory") : firing.error->describe();
    if (firing.error != nullptr) event.trace = firing.error->trace;
} catch (const std::bad_alloc&) {
}

void Network::letter(const FailedFiring& firing) noexcept {
    std::optional<std::uint64_t> id;
    try {
        auto made = make_ref<DeadLetter>(firing, runtime_->scheduler().clock().wall_ms());
        for (LetterPacket& packet : made->packets) let_streams_go(packet.message);
        std::erase_if(made->packets, [](const LetterPacket& packet) { return packet.message.none(); });
        id = letters_.keep(std::move(made));
    } catch (const std::bad_alloc&) {
        letters_.lose();
    }
    if (!id) return;
    auto event = new_event(REFLOW_EVENT_DEAD_LETTER, firing.actor);
    if (!event) return;
    event->count = *id;
    for (const runtime::Packet& packet : firing.packets) {
        if (event->envelope.none()) event->envelope = envelope_of(MessageRef(packet.message)).own();
    }
    tell_of(firing, *event);
    post(event);
}

AfterFailure Network::escalated(const FailedFiring& firing, std::uint64_t restarts) noexcept {
    const runtime::Supervisor* own = firing.actor.supervisor();
    runtime::FailureScope* scope = own == nullptr ? nullptr : own->scope.get();
    for (; scope != nullptr; scope = scope->outer.get()) {
        AfterFailure then = scope->escalated;
        if (then == AfterFailure::escalate) continue;
        if (then != AfterFailure::restart) return then;
        if (!scope->admit(runtime_->scheduler().clock().now_ns())) continue;
        restart_inside(scope->path, firing.actor);
        return AfterFailure::restart;
    }
    return ask_host(firing, restarts);
}

// But for the one that has failed, which restarts in its turn; and that is this.
void Network::restart_inside(std::string_view path, const Actor& but) noexcept {
    const Ref<Topology> all = topology();
    for (const Ref<Actor>& actor : all->actors) {
        if (actor.get() == &but || actor->supervisor() == nullptr) continue;
        if (meant(path, actor->id)) actor->request_restart();
    }
}

AfterFailure Network::ask_host(const FailedFiring& firing, std::uint64_t restarts) noexcept {
    const bool asks = on_failure_.decide != nullptr;
    if (!asks && !instrument_) return AfterFailure::stop;
    reflow_escalation told{};
    told.struct_size = sizeof told;
    told.attempts = firing.attempts;
    told.restarts = restarts;
    told.node = to_view(firing.actor.id);
    told.component = to_view(firing.actor.component->id);
    try {
        for (Error* each = firing.error; each != nullptr; each = each->cause.get()) each->seal();
        // The handle of an error is the error seen through another type.
        told.error = reinterpret_cast<const reflow_error*>(firing.error);
    } catch (const std::bad_alloc&) {
        // He decides without it.
    }
    reflow_decision decision = REFLOW_DECISION_STOP;
    if (asks) {
        call_host("of failures", nullptr,
                  [&] { decision = on_failure_.decide(on_failure_.host.get(), &told); });
    }
    if (instrument_) decision = instrument_->decided(position_of(firing.actor), decision);
    switch (decision) {
        case REFLOW_DECISION_CONTINUE:
            return AfterFailure::go_on;
        case REFLOW_DECISION_RESTART:
            return AfterFailure::restart;
        default:
            return AfterFailure::stop;
    }
}

void Network::stop_for(const FailedFiring& firing) noexcept {
    reflow_status status = firing.status;
    String text;
    try {
        text = concat("the network stopped because a node failed: ",
                      firing.error == nullptr ? String("out of memory") : firing.error->describe());
    } catch (const std::bad_alloc&) {
        status = REFLOW_ERROR_OUT_OF_MEMORY;
    }
    group_.fail(status, std::move(text));
    if (begin_stop()) group_.request_stop();
}

void Network::state(const Actor& actor, std::int32_t state, std::uint32_t details) {
    auto event = new_event(REFLOW_EVENT_ACTOR_STATE, actor);
    if (!event) return;
    event->state = state;
    event->details = details;
    post(event);
}

void Network::show_all(std::int32_t state) noexcept {
    if (!wants(REFLOW_EVENT_ACTOR_STATE)) return;
    const Ref<Topology> all = topology();
    for (const Ref<Actor>& actor : all->actors) this->state(*actor, state, 0);
}

// ---- for the host

Result<void> Network::carry_envelopes() {
    auto nobody_runs = still();
    std::lock_guard lock(mutex_);
    if (state_.load(std::memory_order_acquire) != REFLOW_NETWORK_CREATED) {
        return Failure(REFLOW_ERROR_INVALID_STATE,
                       "whether a network carries envelopes is said before it starts");
    }
    if (instrument_ && instrument_->replays()) {
        return Failure(REFLOW_ERROR_UNSUPPORTED,
                       "whether a replay carries envelopes is in its recording");
    }
    note(Step::carry);
    carry_now();
    return {};
}

// With mutex_, before the start.
void Network::carry_now() noexcept {
    carries_ = true;
    update_wanted();
}

Result<void> Network::on_failure(FailureHook hook) {
    std::lock_guard lock(mutex_);
    if (state_.load(std::memory_order_acquire) != REFLOW_NETWORK_CREATED) {
        return Failure(REFLOW_ERROR_INVALID_STATE,
                       "who decides about failures is set before the network starts");
    }
    if (on_failure_.decide != nullptr) {
        return Failure(REFLOW_ERROR_ALREADY_EXISTS, "somebody decides about failures already");
    }
    on_failure_ = std::move(hook);
    return {};
}

Result<void> Network::node_state(std::string_view node, reflow_node_status& to) const {
    const Ref<Topology> all = topology();
    const Actor* actor = all->find_actor(node);
    if (actor == nullptr) return all->no_node(node);
    std::int32_t running = actor->node_state(to.details);
    switch (state_.load(std::memory_order_acquire)) {
        case REFLOW_NETWORK_CREATED:
            to.state = REFLOW_NODE_CREATED;
            break;
        case starting:
            to.state = REFLOW_NODE_INITIALIZED;
            break;
        case REFLOW_NETWORK_STOPPING:
            to.state = REFLOW_NODE_STOPPING;
            break;
        case REFLOW_NETWORK_STOPPED:
            to.state = REFLOW_NODE_STOPPED;
            break;
        default:
            to.state = running;
            break;
    }
    if (const runtime::Supervisor* own = actor->supervisor()) {
        to.failures = own->failures.load(std::memory_order_relaxed);
        to.retries = own->retries.get();
        to.restarts = own->restarts.get();
    }
    return {};
}

// ---- dead letters

Result<void> Network::known_path(std::string_view path) const {
    if (path.empty()) return {};
    Result<Vector<Actor*>> found = topology()->select(path);
    if (!found.ok()) return found.take_error();
    return {};
}

Result<Message> Network::list_letters(std::string_view path, std::uint64_t after,
                                      std::size_t max) const {
    if (Result<void> known = known_path(path); !known.ok()) return known.take_error();
    ArrayBuilder list;
    while (list.size() < max) {
        Ref<DeadLetter> letter = letters_.next(after);
        if (!letter) break;
        after = letter->id;
        if (!meant(path, letter->node)) continue;
        Result<Message> made = letter->as_message();
        if (!made.ok()) return made;
        list.append(std::move(made).take());
    }
    return list.finish();
}

// Puts packets into the inports of an actor, all or none, if there is room now. The host may be faster
// than others who send: then a port holds some more than its capacity for a while. Packets that were
// only shown (rule required) are put in too if `shown`: the node may have others by now.
Result<void> Network::put_back(std::string_view node, std::span<const NamedPacket> packets,
                               bool shown, std::uint64_t letter) {
    auto nobody_runs = still();
    Entrance inside(*this);  // the actor stays in its place
    const Topology& all = *current_.load(std::memory_order_acquire);
    Actor* found = all.find_actor(node);
    if (found == nullptr) return all.no_node(node);
    Actor& actor = *found;
    auto place = [&](reflow_status status, std::string_view text) {
        return Failure(status, text).node(actor.id);
    };
    if (packets.empty()) {
        return place(REFLOW_ERROR_INVALID_STATE, "the letter has no packets to be played back");
    }
    std::int32_t now = state_.load(std::memory_order_acquire);
    if (now == REFLOW_NETWORK_CREATED || now == starting) {
        return place(REFLOW_ERROR_INVALID_STATE, "the network is not started");
    }
    if (now != REFLOW_NETWORK_RUNNING) {
        return place(REFLOW_ERROR_CLOSED, "the network takes no more input");
    }
    const runtime::Component& component = *actor.component;
    Vector<runtime::Packet> raw;  // borrowed
    raw.reserve(packets.size());
    Vector<std::uint32_t> wanted(component.inports.size(), 0);
    for (const NamedPacket& packet : packets) {
        Result<Topology::Place> port = all.resolve(node, packet.port, true);
        if (!port.ok()) return port.take_error();
        std::uint32_t number = port.value().port;
        bool only_shown =
            component.await == REFLOW_AWAIT_REQUIRED && !component.inports[number].required;
        if (only_shown && !shown) continue;
        if (++wanted[number] > actor.mailbox.room(number)) {
            return place(REFLOW_ERROR_WOULD_BLOCK, "the inport is full");
        }
        raw.push_back({packet.message.raw(), number, packet.index, nullptr});
    }
    actor.mailbox.reserve(wanted);
    if (instrument_ && !on_own_thread()) instrument_->put(position_of(actor), raw, letter);
    force_in(actor, raw);
    return {};
}

// There is room for them. Memory first: all of them go in or none.
void Network::force_in(Actor& actor, std::span<const runtime::Packet> packets) {
    Vector<Message> copies;
    copies.reserve(packets.size());
    for (const runtime::Packet& packet : packets) {
        MessageRef message(packet.message);
        copies.push_back(actor.passed(envelope_of(message)) ? undated_message(message) : message.own());
    }
    for (std::size_t i = 0; i < packets.size(); ++i) {
        runtime::Packet packet = packets[i];
        packet.message = copies[i].raw();
        actor.mailbox.force(packet);
        (void)copies[i].leak();  // the mailbox has it now
    }
    group_.began();
    actor.notify();
}

Result<void> Network::replay_letter(std::uint64_t id) {
    Ref<DeadLetter> letter = letters_.take(id);
    if (!letter) return Failure(REFLOW_ERROR_NOT_FOUND, concat("no dead letter ", id));
    Result<void> put;
    try {
        Vector<NamedPacket> packets;
        packets.reserve(letter->packets.size());
        for (const LetterPacket& packet : letter->packets) {
            packets.push_back({letter->component->inports[packet.port].name, packet.index,
                               MessageRef(packet.message)});
        }
        put = put_back(letter->node, packets, false, id);
    } catch (const std::bad_alloc&) {
        letters_.restore(std::move(letter));
        throw;
    }
    if (!put.ok()) letters_.restore(std::move(letter));
    return put;
}

Result<void> Network::replay_letters(std::string_view path, std::size_t& count) {
    if (Result<void> known = known_path(path); !known.ok()) return known;
    const std::uint64_t last = letters_.last_id();
    for (std::uint64_t after = 0; after < last;) {
        Ref<DeadLetter> letter = letters_.next(after);
        if (!letter || letter->id > last) break;
        after = letter->id;
        if (!meant(path, letter->node) || letter->packets.empty()) continue;
        Result<void> played = replay_letter(letter->id);
        if (played.ok()) {
            ++count;
        } else if (played.error().status != REFLOW_ERROR_NOT_FOUND) {
            return played;
        }
    }
    return {};
}

Result<void> Network::drop_letters(std::uint64_t id, std::string_view path, std::size_t& count) {
    auto nobody_runs = still();
    if (instrument_) note(Step::discard, {static_cast<std::int64_t>(id)}, Message::string(path));
    if (id != 0) {
        if (!letters_.take(id)) {
            return Failure(REFLOW_ERROR_NOT_FOUND, concat("no dead letter ", id));
        }
        count = 1;
        return {};
    }
    if (Result<void> known = known_path(path); !known.ok()) return known;
    for (std::uint64_t after = 0;;) {
        Ref<DeadLetter> letter = letters_.next(after);
        if (!letter) return {};
        after = letter->id;
        if (meant(path, letter->node) && letters_.take(after)) ++count;
    }
}

Result<void> Network::send_letter(MessageRef letter) {
    std::string_view node = letter.get("node").text();
    MessageRef packets = letter.get("packets");
    if (!packets.is(REFLOW_KIND_ARRAY) || node.empty()) {
        return Failure(REFLOW_ERROR_WRONG_KIND,
                       "a dead letter is an object with 'node' and an array 'packets'");
    }
    Vector<NamedPacket> made;
    made.reserve(packets.size());
    for (std::size_t i = 0; i < packets.size(); ++i) {
        MessageRef packet = packets.at(i);
        MessageRef message = packet.get("message");
        if (message.none()) {
            return Failure(REFLOW_ERROR_WRONG_KIND, concat("packet ", i, " has no message"))
                .node(node);
        }
        MessageRef index = packet.get("index");
        bool fits = index.integer() >= 0 && index.integer() < std::int64_t{REFLOW_NO_INDEX};
        if (!index.none() && !(index.is(REFLOW_KIND_INTEGER) && fits)) {
            return Failure(REFLOW_ERROR_WRONG_KIND, concat("the index of packet ", i, " is none"))
                .node(node);
        }
        std::uint32_t at =
            index.none() ? REFLOW_NO_INDEX : static_cast<std::uint32_t>(index.integer());
        made.push_back({packet.get("port").text(), at, message});
    }
    return put_back(node, made, true, 0);
}

}  // namespace reflow::network
