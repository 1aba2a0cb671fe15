// Breakpoints of a network: set, removed, met.
// Neighbours: runtime/observed.cpp asks before firings and deliveries, pause.cpp. Thread: any; they
// are met in turns.
#include "network/breakpoints.hpp"

#include <algorithm>
#include <mutex>
#include <new>

#include "base/limits.hpp"
#include "base/text.hpp"
#include "message/count.hpp"
#include "message/envelope.hpp"
#include "network/network.hpp"

namespace reflow::network {

using runtime::Actor;
using runtime::Connection;
using runtime::Packet;

bool Breakpoint::reached(MessageRef message) noexcept {
    if (spent_.load(std::memory_order_relaxed)) return false;
    if (condition != nullptr) {
        Condition::Answer answer = condition->ask(payload_of(message));
        if (answer == Condition::Answer::fault) faults_.fetch_add(1, std::memory_order_relaxed);
        if (answer != Condition::Answer::yes) return false;
    }
    if (hits_.fetch_add(1, std::memory_order_relaxed) < ignore) return false;
    return !once || !spent_.exchange(true, std::memory_order_relaxed);
}

// ---- set and removed

namespace {

Failure wrong(std::string_view text) { return Failure(REFLOW_ERROR_INVALID_ARGUMENT, text); }

Failure several(std::string_view node, std::string_view port) {
    return Failure(REFLOW_ERROR_UNSUPPORTED, "this exposed port leads to several ports")
        .node(node)
        .port(port)
        .hint("set a breakpoint at each of them");
}

Result<void> check(const BreakOptions& options) {
    bool in = !options.inport.empty();
    bool out = !options.outport.empty();
    if (in && out) return wrong("a breakpoint is at an inport or at an outport");
    if ((in || out) && options.node.empty()) return wrong("a breakpoint at a port needs its node");
    if (!out && !(options.peer.empty() && options.peer_port.empty())) {
        return wrong("a breakpoint at a connection needs its outport");
    }
    if (options.peer.empty() != options.peer_port.empty()) {
        return wrong("a breakpoint at a connection needs node and inport of its other end");
    }
    return {};
}

}  // namespace

Result<BreakPlace> Network::place_of(const BreakOptions& options, const Topology* all) {
    if (Result<void> fine = check(options); !fine.ok()) return fine.take_error();
    BreakPlace place;
    bool in = !options.inport.empty();
    std::string_view port = in ? options.inport : options.outport;
    if (port.empty()) {
        if (options.node.empty()) return place;
        place.actor = all->find_actor(options.node);
        if (place.actor == nullptr) return all->no_node(options.node);
        return place;
    }
    Result<Topology::Place> found = all->resolve(options.node, port, in);
    if (!found.ok()) return found.take_error();
    if (found.value().ends.size() > 1) return several(options.node, port);
    place.actor = found.value().actor;
    (in ? place.inport : place.outport) = found.value().port;
    if (options.peer.empty()) return place;
    Result<Topology::Place> peer = all->resolve(options.peer, options.peer_port, true);
    if (!peer.ok()) return peer.take_error();
    if (peer.value().ends.size() > 1) return several(options.peer, options.peer_port);
    place.peer = peer.value().actor;
    place.peer_port = peer.value().port;
    bool connected = false;
    group_.publish([&] {  // nobody changes them under that lock
        const auto& connections = place.actor->outports[place.outport];
        connected =
            std::any_of(connections.begin(), connections.end(), [&](const Connection& connection) {
                return connection.target == place.peer && connection.inport == place.peer_port;
            });
    });
    if (connected) return place;
    return Failure(REFLOW_ERROR_NOT_FOUND,
                   concat("no connection from here to port '", options.peer_port, "' of node '",
                          options.peer, "'"))
        .node(options.node)
        .port(options.outport);
}

Ref<BreakList> Network::breakpoints() const noexcept {
    std::lock_guard lock(mutex_);
    return breaks_;
}

// The lock is held; list takes what was there, which ends without it.
void Network::replace_breakpoints(Ref<BreakList>& list) noexcept {
    std::swap(breaks_, list);
    update_wanted();
}

Result<std::uint64_t> Network::add_breakpoint(BreakOptions options) {
    if (instrument_) {
        return Failure(REFLOW_ERROR_UNSUPPORTED,
                       "a network that records or is replayed has no breakpoints");
    }
    Ref<Topology> all_of = topology();
    Result<BreakPlace> place = place_of(options, all_of.get());
    if (!place.ok()) return place.take_error();
    auto next = make_ref<BreakList>();  // ends after the lock
    std::lock_guard lock(mutex_);
    if (breaks_) next->all = breaks_->all;
    if (next->all.size() >= limits::breakpoints_count) {
        return Failure(REFLOW_ERROR_LIMIT, concat("a network has no more than ",
                                                  limits::breakpoints_count, " breakpoints"));
    }
    std::uint64_t id = std::uint64_t{all_of->tag} << 40 | (last_break_ + 1);
    next->all.push_back(make_ref<Breakpoint>(id, place.value(), std::move(options)));
    ++last_break_;
    replace_breakpoints(next);
    return id;
}

Result<void> Network::remove_breakpoint(std::uint64_t id) {
    auto next = make_ref<BreakList>();
    std::lock_guard lock(mutex_);
    std::size_t before = breaks_ ? breaks_->all.size() : 0;
    next->all.reserve(before);
    for (std::size_t i = 0; i < before; ++i) {
        if (breaks_->all[i]->id != id) next->all.push_back(breaks_->all[i]);
    }
    if (next->all.size() == before) {
        return Failure(REFLOW_ERROR_NOT_FOUND, "this network has no such breakpoint");
    }
    if (next->all.empty()) next = {};
    replace_breakpoints(next);
    return {};
}

void Network::forget_breakpoints() noexcept try {
    auto next = make_ref<BreakList>();
    std::lock_guard lock(mutex_);
    std::size_t before = breaks_ ? breaks_->all.size() : 0;
    next->all.reserve(before);
    for (std::size_t i = 0; i < before; ++i) {
        const Breakpoint& each = *breaks_->all[i];
        bool gone = (each.actor && each.actor->retired()) || (each.peer && each.peer->retired());
        if (!gone) next->all.push_back(breaks_->all[i]);
    }
    if (next->all.size() == before) return;
    if (next->all.empty()) next = {};
    replace_breakpoints(next);
} catch (const std::bad_alloc&) {
    // They stay in the list, and do not stop anything.
}

namespace {

Result<Message> describe(const Breakpoint& from) {
    const BreakPlace& at = from.place;
    auto id_of = [](const Actor* actor) {
        return Message::string(actor == nullptr ? std::string_view() : actor->id);
    };
    auto port_of = [](const Actor* actor, std::uint32_t number, bool in) {
        if (actor == nullptr || number == BreakPlace::no_port) return Message::string("");
        const auto& ports = in ? actor->component->inports : actor->component->outports;
        return Message::string(ports[number].name);
    };
    std::string_view text = from.condition == nullptr ? std::string_view() : from.condition->text();
    ObjectBuilder to(12);
    to.set("id", count_message(from.id));
    to.set("node", id_of(at.actor));
    to.set("inport", port_of(at.actor, at.inport, true));
    to.set("outport", port_of(at.actor, at.outport, false));
    to.set("peer", id_of(at.peer));
    to.set("peer_port", port_of(at.peer, at.peer_port, true));
    to.set("expression", Message::string(text));
    to.set("ignore", count_message(from.ignore));
    to.set("once", Message::boolean(from.once));
    to.set("node_only", Message::boolean(from.node_only));
    to.set("hits", count_message(from.hits()));
    to.set("faults", count_message(from.faults()));
    return to.finish();
}

}  // namespace

Result<Message> Network::list_breakpoints(bool saved) const {
    Ref<BreakList> list = breakpoints();
    ArrayBuilder all;
    for (std::size_t i = 0; list && i < list->all.size(); ++i) {
        const Condition* condition = list->all[i]->condition.get();
        if (saved && condition != nullptr && condition->text().empty()) continue;
        Result<Message> made = describe(*list->all[i]);
        if (!made.ok()) return made;
        all.append(std::move(made).take());
    }
    return all.finish();
}

// ---- met

// The turn that stands here sees at its end that it is paused.
void Network::stop_at(Actor& actor, bool whole) noexcept {
    {
        std::lock_guard lock(pause_mutex_);
        stands_ = &actor;
        if (!whole) pause_for(actor, by_host);
        const auto& all = topology_->actors;  // it is not exchanged under this lock
        for (std::size_t i = 0; whole && i < all.size(); ++i) pause_for(*all[i], by_host);
    }
    group_.wake_hosts();
}

// Removes it if it was for once, and tells of it: who has heard of it finds it in no list. It lives as
// long as the list of the caller.
void Network::met(const Breakpoint& breakpoint, const BreakPlace& place,
                  MessageRef message) noexcept {
    try {
        if (breakpoint.once) (void)remove_breakpoint(breakpoint.id);
    } catch (const std::bad_alloc&) {
        // It stays in the list, and does not stop any more.
    }
    const runtime::Component& component = *place.actor->component;
    if (auto event = new_event(REFLOW_EVENT_BREAKPOINT, *place.actor)) {
        if (place.inport != BreakPlace::no_port) event->port = component.inports[place.inport].name;
        if (place.outport != BreakPlace::no_port) {
            event->port = place.actor->outport_name(place.outport);
        }
        if (place.peer != nullptr) {
            event->peer = place.peer->id;
            event->peer_port = place.peer->component->inports[place.peer_port].name;
        }
        event->message = payload_of(message).own();
        event->envelope = envelope_of(message).own();
        event->waiting = place.actor->mailbox.waiting();
        event->breakpoint = breakpoint.id;
        post(event);
    }
}

bool Network::breaks_firings(const Actor& actor) noexcept {
    Ref<BreakList> list = breakpoints();
    if (!list) return false;
    return std::any_of(list->all.begin(), list->all.end(), [&](const Ref<Breakpoint>& each) {
        const BreakPlace& at = each->place;
        return at.outport == BreakPlace::no_port && (at.actor == nullptr || at.actor == &actor);
    });
}

bool Network::breaks_before(Actor& actor, std::span<const Packet> inputs) noexcept {
    Ref<BreakList> list = breakpoints();
    if (!list || group_.stopping()) return false;
    bool stops = false;
    for (const Ref<Breakpoint>& each : list->all) {
        const BreakPlace& at = each->place;
        bool whole_firing = at.inport == BreakPlace::no_port;
        if (at.outport != BreakPlace::no_port) continue;
        if (at.actor != nullptr && at.actor != &actor) continue;
        const Packet* found = nullptr;
        bool reached = false;
        for (const Packet& packet : inputs) {
            bool seen = whole_firing || packet.port == at.inport;
            if (!seen || MessageRef(packet.message).none()) continue;
            found = &packet;
            reached = each->reached(MessageRef(packet.message));
            if (reached || whole_firing) break;
        }
        if (found == nullptr && whole_firing) reached = each->reached(MessageRef());
        if (!reached) continue;
        stops = true;
        stop_at(actor, !each->node_only);
        std::uint32_t port = found == nullptr ? BreakPlace::no_port : found->port;
        met(*each, {&actor, port}, found == nullptr ? MessageRef() : MessageRef(found->message));
    }
    return stops;
}

bool Network::breaks_before(Actor& from, const Connection& connection,
                            MessageRef message) noexcept {
    Ref<BreakList> list = breakpoints();
    if (!list || group_.stopping()) return false;
    bool stops = false;
    for (const Ref<Breakpoint>& each : list->all) {
        const BreakPlace& at = each->place;
        if (at.actor != &from || at.outport != connection.outport) continue;
        bool other = at.peer != nullptr &&
                     (at.peer != connection.target || at.peer_port != connection.inport);
        if (other || !each->reached(message)) continue;
        stops = true;
        stop_at(from, !each->node_only);
        met(*each, {&from, BreakPlace::no_port, at.outport, connection.target, connection.inport},
            message);
    }
    return stops;
}

}  // namespace reflow::network
