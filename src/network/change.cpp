// A change of a running network, from the request to the end: who may, the nodes that are touched
// at rest, the step, and what comes behind it. Planning is in change_plan.cpp. Thread: that of the
// caller; the step excludes everybody else, see swap().
#include "network/change.hpp"

#include <algorithm>
#include <functional>

#include "base/limits.hpp"
#include "base/text.hpp"
#include "network/paths.hpp"

namespace reflow::network {

using runtime::Actor;
using runtime::Connection;

// ---- who may

Result<void> Network::Right::take(std::int64_t timeout_ms) {
    std::uint64_t start = network_.runtime_->scheduler().clock().now_ns();
    // With a guard as long as it is held: who waits for it, and has nothing to run meanwhile, sees
    // that something goes on.
    for (;;) {
        network_.group_.guard();
        if (!network_.changing_.exchange(true, std::memory_order_acq_rel)) break;
        network_.group_.leave();
        if (network_.on_own_thread()) {
            return Failure(REFLOW_ERROR_INVALID_STATE,
                           "the network is being started or changed just now");
        }
        reflow_status status = network_.group_.wait(network_.left_ms(timeout_ms, start), [this] {
            return !network_.changing_.load(std::memory_order_acquire);
        });
        if (status != REFLOW_OK) return network_.waited(status, "another change goes on");
    }
    taken_ = true;
    return {};
}

Network::Right::~Right() {
    if (!taken_) return;
    network_.changing_.store(false, std::memory_order_release);
    network_.group_.wake_hosts();
    network_.group_.leave();
}

Result<void> Network::apply(Ref<graph::SharedGraph> graph, const ChangeOptions& options,
                            reflow_change& done) {
    if (on_own_thread()) return waited(REFLOW_ERROR_WOULD_DEADLOCK, "changing the network");
    Visit visit(*this);
    Right right(*this);
    std::int64_t timeout = options.timeout_ms == 0 ? limits::change_ms : options.timeout_ms;
    if (Result<void> taken = right.take(timeout); !taken.ok()) return taken;
    return change(std::move(graph), nullptr, options, done);
}

Result<void> Network::apply_edit(const Edit& edit) {
    if (on_own_thread()) return waited(REFLOW_ERROR_WOULD_DEADLOCK, "changing the network");
    Visit visit(*this);
    Right right(*this);
    if (Result<void> taken = right.take(limits::change_ms); !taken.ok()) return taken;
    Ref<graph::SharedGraph> graph = topology()->graph;
    if (Result<void> edited = edit(graph::SharedGraph::own(graph)); !edited.ok()) return edited;
    reflow_change done{};
    return change(std::move(graph), nullptr, {}, done);
}

// By who has the right.
Result<void> Network::change(Ref<graph::SharedGraph> graph, const Ref<Output>& output,
                             const ChangeOptions& options, reflow_change& done) {
    if (instrument_) {
        return Failure(REFLOW_ERROR_UNSUPPORTED,
                       "a network that records or is replayed is not changed");
    }
    // Neither idle nor ended until this is over. Who drains looks under the same lock whether the
    // network is idle: either he sees the guard, or the drain is seen here.
    group_.guard();
    struct Guard {
        ~Guard() { group.leave(); }
        runtime::Group& group;
    } guard{group_};
    std::int32_t now = REFLOW_NETWORK_CREATED;
    group_.publish([&] { now = state_.load(std::memory_order_acquire); });
    if (now != REFLOW_NETWORK_CREATED && now != REFLOW_NETWORK_RUNNING) {
        return Failure(REFLOW_ERROR_INVALID_STATE, "the network drains or has stopped")
            .hint("a network is changed before the start or while it runs");
    }
    if (Result<void> fine = group_.failure(); !fine.ok()) return fine;
    Change change(*this, options, now == REFLOW_NETWORK_RUNNING);
    if (output) change.add_output(output);
    if (Result<void> prepared = change.prepare(std::move(graph)); !prepared.ok()) return prepared;
    if (Result<void> ready = change.set_up(); !ready.ok()) return ready;
    if (Result<void> drained = change.drain(); !drained.ok()) return drained;
    if (Result<void> frozen = change.freeze(); !frozen.ok()) return frozen;
    if (Result<void> carried = change.carry_states(); !carried.ok()) return carried;
    if (Result<void> swapped = change.swap(); !swapped.ok()) return swapped;
    change.finish();
    done = change.done();
    return {};
}

// ---- up to the step

Result<void> Change::set_up() {
    if (!running_) return {};
    runtime::InTurn inside(network_.runtime_->scheduler());
    for (std::size_t i = 0; i < made_.size(); ++i) {
        if (carries(i)) continue;  // when it has its state
        if (Result<void> ready = made_[i]->setup(); !ready.ok()) return ready;
    }
    return {};
}

bool Change::over() const noexcept {
    return network_.state() >= REFLOW_NETWORK_STOPPING || network_.group_.failed();
}

namespace {

bool owed(const Actor& to) noexcept {
    bool some = false;
    to.mailbox.visit_blocked([&](std::uint32_t, std::uint32_t, const runtime::Released& senders) {
        for (const Actor* sender : senders) some = some || sender->held_back();
    });
    return some;
}

}  // namespace

Result<void> Change::drain() {
    if (!running_ || options_.drop || drained_.empty()) return {};
    {
        std::lock_guard lock(network_.pause_mutex_);
        for (Actor* actor : feeders_) {
            Network::pause_for(*actor, Network::by_change);
            find_touched(*actor)->frozen = true;
        }
    }
    std::int64_t most = options_.drain_ms == 0 ? limits::change_drain_ms : options_.drain_ms;
    std::uint64_t now = network_.runtime_->scheduler().clock().now_ns();
    auto drained = [&] {
        if (over()) return true;
        // Whoever feeds them has delivered what he had: his turn is over, and no full port of
        // theirs holds him back.
        for (const Actor* feeder : feeders_) {
            if (!feeder->at_rest() || feeder->busy()) return false;
        }
        for (Actor* actor : drained_) {
            // Also of one that is paused: whoever has paused it, or a breakpoint, may let it go on in time.
            if (owed(*actor) || !actor->exhausted()) return false;
        }
        return true;
    };
    network_.group_.watch_turns(true);
    reflow_status status = network_.group_.wait(network_.left_ms(most, now), std::ref(drained));
    network_.group_.watch_turns(false);
    if (!over()) return {};  // in time or not
    return network_.waited(status == REFLOW_OK ? REFLOW_ERROR_CANCELLED : status,
                           "changing the network");
}

// Runs under the lock of the group, with every look of a host that waits.
bool Change::claim_all() noexcept {
    bool all = true;
    for (Touched& one : touched_) {
        if (!one.claimed) one.claimed = one.actor->claim(&one.held);
        all = all && one.claimed;
    }
    return all;
}

Result<void> Change::freeze() {
    if (running_) {
        std::lock_guard lock(network_.pause_mutex_);
        for (Touched& one : touched_) {
            if (!one.frozen) Network::pause_for(*one.actor, Network::by_change);
            one.frozen = true;
        }
    }
    std::int64_t timeout = options_.timeout_ms == 0 ? limits::change_ms : options_.timeout_ms;
    auto claimed = [&] { return over() || claim_all(); };
    reflow_status status =
        network_.group_.wait(network_.left_ms(timeout, start_ns_), std::ref(claimed));
    if (network_.state() >= REFLOW_NETWORK_STOPPING) status = REFLOW_ERROR_CANCELLED;
    if (status == REFLOW_OK && !over()) return {};
    Result<void> why = network_.waited(status, "changing the network");
    if (status != REFLOW_ERROR_TIMEOUT || !network_.group_.failure().ok()) return why;
    for (const Touched& one : touched_) {
        if (one.claimed) continue;
        return Failure(status, "timeout while changing the network: a node does not come to rest")
            .node(one.actor->id)
            .hint("one of its callbacks has not returned; the network runs on as it was");
    }
    return why;
}

// ---- the states of those that are replaced

bool Change::carries(std::size_t made) const noexcept {
    if (options_.new_states || replaces_[made] == nowhere) return false;
    return made_[made]->component->id == gone_[replaces_[made]]->component->id;
}

// The old ones are at rest, and keep what they have in case the change fails.
Result<void> Change::carry_states() {
    runtime::InTurn inside(network_.runtime_->scheduler());
    for (std::size_t i = 0; i < made_.size(); ++i) {
        if (!carries(i)) continue;
        Result<void> moved = carry_state(*made_[i], *gone_[replaces_[i]]);
        if (!moved.ok()) {
            std::unique_ptr<Error> error = moved.take_error();
            if (error->hint.empty()) {
                error->hint = "REFLOW_REPLACED_STATE_NEW replaces the node without its state";
            }
            return error;
        }
        if (!running_) continue;
        if (Result<void> ready = made_[i]->setup(); !ready.ok()) return ready;
    }
    return {};
}

Result<void> Change::carry_state(Actor& made, Actor& old) {
    if (old.named_state() != nullptr && !old.named_state()->empty()) {
        made.extras().named_state = old.named_state()->copy();
    }
    const runtime::Component& from = *old.component;
    const runtime::Component& to = *made.component;
    if (from.save == nullptr || to.load == nullptr) return {};
    runtime::Context saves{old, runtime::Phase::replace};
    reflow_message saved{};
    reflow_status status =
        runtime::shielded(saves, [&] { return from.save(&saves, old.state, &saved); });
    if (status != REFLOW_OK) return runtime::result_of(saves, status, "save");
    Message state = Message::adopt(saved);
    if (state.none()) return {};
    runtime::Context loads{made, runtime::Phase::replace};
    status = runtime::shielded(
        loads, [&] { return to.load(&loads, made.state, from.state_version, state.raw()); });
    return runtime::result_of(loads, status, "load");
}

// ---- the step

// While it lasts nobody sends (the entrance is closed, and those who were inside have left), nobody
// pauses or looks into a paused actor, and the group, under its lock, neither resolves a stall nor
// begins to stop. The actors that change are claimed. Hosts that name nodes have the topology from
// before or the one behind, and what they do to an actor that has gone does nothing.
Result<void> Change::swap() {
    struct Closed {
        explicit Closed(Network& of) : network(of) {
            std::unique_lock lock(network.entrance_mutex_);
            network.closed_for_change_.store(true, std::memory_order_seq_cst);
            network.entrance_changed_.wait(lock, [&] { return !network.group_.visitors(); });
        }
        ~Closed() {
            {
                std::lock_guard lock(network.entrance_mutex_);
                network.closed_for_change_.store(false, std::memory_order_seq_cst);
            }
            network.entrance_changed_.notify_all();
        }
        Network& network;
    } closed(network_);
    for (std::size_t i = 0; i < made_.size(); ++i) {
        if (replaces_[i] != nowhere) inherit(*made_[i], *gone_[replaces_[i]]);
    }
    std::lock_guard lock(network_.pause_mutex_);
    network_.group_.publish([&] {
        if (network_.group_.stopping()) return;
        put_in_place();
        swapped_ = true;
    });
    if (swapped_) return {};
    return network_.waited(REFLOW_ERROR_CANCELLED, "changing the network");
}

// What waits at the old one goes to ports of the same names. Throws bad_alloc: then nothing has
// changed that anybody knows.
void Change::inherit(Actor& made, const Actor& old) {
    Vector<std::uint32_t> port_of;
    port_of.reserve(old.component->inports.size());
    for (const runtime::Port& port : old.component->inports) {
        port_of.push_back(made.component->find_inport(port.name).value_or(nowhere));
    }
    made.inherit_packets(old, port_of, done_.packets_dropped);
}

void Change::put_in_place() noexcept {
    for (Touched& one : touched_) {
        Actor& actor = *one.actor;
        for (std::size_t port = 0; port < actor.outports.size(); ++port) {
            bool stays = one.stays && !one.outports.empty();
            for (std::size_t i = 0; i < actor.outports[port].size(); ++i) {
                const Connection& old = actor.outports[port][i];
                bool matched = stays && one.outports[port].to_new[i] != nowhere;
                if (one.stays && (!stays || matched)) continue;
                old.mailbox->forget(old.inport, &actor);
            }
        }
        if (one.stays && !one.outports.empty()) {
            one.stirred = true;
            actor.rewire(one.outports);
            actor.keep_order_of_calls(one.keeps_order);
        }
        if (one.stays) {
            actor.mailbox.settle(builder_->ports_of(one.position),
                                 builder_->late[one.position] != 0);
        }
    }
    for (std::size_t i = 0; i < made_.size(); ++i) {
        Actor& made = *made_[i];
        if (replaces_[i] != nowhere) {
            const Actor& old = *gone_[replaces_[i]];
            made.inherit_counters(old);
            for (std::uint32_t port = 0; port < old.component->inports.size(); ++port) {
                if (!old.mailbox.found(port)) continue;
                auto to = made.component->find_inport(old.component->inports[port].name);
                if (to) made.mailbox.set_found(*to);
            }
            if ((old.pause_reasons & Network::by_host) != 0) {
                Network::pause_for(made, Network::by_host);
            }
        } else if (born_paused(made.id)) {
            Network::pause_for(made, Network::by_host);
        }
    }
    for (const Ref<Actor>& actor : gone_) {
        if (network_.stands_ == actor.get()) network_.stands_ = nullptr;
        actor->retire();
    }
    for (const Ref<Output>& output : closed_) {
        output->detached.store(true, std::memory_order_release);
    }
    network_.group_.actors.swap(group_actors_);
    network_.group_.readers.swap(readers_);
    network_.outputs_.swap(outputs_);
    std::lock_guard lock(network_.topology_mutex_);
    network_.topology_ = next_;
    network_.current_.store(next_.get(), std::memory_order_release);
}

// All nodes of its subgraph, or of the smallest one around it that had any, were paused.
bool Change::born_paused(std::string_view id) const noexcept {
    for (;;) {
        std::size_t slash = id.rfind('/');
        id = slash == std::string_view::npos ? std::string_view() : id.substr(0, slash);
        bool some = false;
        bool all = true;
        for (const Ref<Actor>& actor : before_->actors) {
            std::string_view other = actor->id;
            if (!id.empty() && !lies_in(other, id)) continue;
            some = true;
            all = all && (actor->pause_reasons & Network::by_host) != 0;
        }
        if (some) return all;
        if (id.empty()) return false;
    }
}

// ---- behind the step

void Change::finish() noexcept {
    for (Touched& one : touched_) {
        for (Actor::Rewired& port : one.outports) {
            for (Connection& old : port.connections) deliver_left(old);
        }
        if (one.stays) continue;
        end_firings(*one.actor);
        run_out(one.actor->deal_left());
        for (auto& connections : one.actor->outports) {
            for (Connection& old : connections) deliver_left(old);
        }
    }
    for (const Ref<Actor>& actor : gone_) tear_down(*actor);
    network_.letters_.set_capacity(builder_->dead_letters());
    network_.forget_breakpoints();
    (void)network_.count_actors(next_->actors.size());
    (void)network_.count_packets(packets_after_);
    counted_ = false;
    if (running_) start_made();
    release_where_room();
    network_.tell_foreign(true);
    let_go();
    network_.group_.wake_hosts();
    tell_closed();
    network_.writables_.tell_all(network_.runtime_->scheduler());
}

// Readers of what has gone.
void Change::tell_closed() noexcept {
    runtime::InTurn inside(network_.runtime_->scheduler());  // what is called does not wait
    for (const Ref<Output>& output : closed_) output->readable.tell();
}

// A capacity may be larger than before.
void Change::release_where_room() noexcept {
    for (Touched& one : touched_) {
        if (!one.stays) continue;
        for (std::uint32_t port = 0; port < one.actor->component->inports.size(); ++port) {
            runtime::Released released;
            try {
                (void)one.actor->mailbox.grow(port, 0, released);
            } catch (const std::bad_alloc&) {
                continue;  // they go on when the port is half empty
            }
            for (Actor* sender : released) sender->release();
        }
    }
}

// Before they are let go: what is asked for here is in their first turn.
void Change::start_made() noexcept {
    bool began = false;
    try {
        std::lock_guard lock(network_.mutex_);
        if (network_.sampling_.every.load(std::memory_order_relaxed) != 0) {
            for (const Ref<Actor>& actor : made_) network_.give_probe(*actor);
        }
    } catch (const std::bad_alloc&) {
        // Some are not measured.
    }
    for (const Ref<Actor>& actor : made_) {
        network_.post(network_.new_event(REFLOW_EVENT_ACTOR_STARTED, *actor));
    }
    for (const Sent& one : sent_) {
        runtime::Packet packet = *one.packet;
        Message message = MessageRef(packet.message).own();
        auto event = network_.new_event(REFLOW_EVENT_MESSAGE_RECEIVED, *one.actor);
        if (!one.waits) {  // of a kept actor
            try {
                one.actor->mailbox.force(packet);
                (void)Message(message).leak();
            } catch (const std::bad_alloc&) {
                ++done_.packets_dropped;
            }
        }
        began = true;
        if (!event) continue;
        event->port = one.actor->component->inports[packet.port].name;
        event->message = std::move(message);
        event->waiting = one.actor->mailbox.waiting(packet.port);
        network_.post(event);
    }
    for (std::uint32_t position : builder_->made) {
        Actor& actor = *next_->actors[position];
        if (!actor.component->source || next_->fed(position)) continue;
        actor.request_start();
        began = true;
    }
    if (began) network_.group_.began();
}

// Whoever was asked to rest goes on, and whoever is claimed has a turn.
void Change::let_go() noexcept {
    {
        std::lock_guard lock(network_.pause_mutex_);
        for (Touched& one : touched_) {
            if (one.frozen) (void)Network::resume_for(*one.actor, Network::by_change);
            one.frozen = false;
        }
    }
    for (Touched& one : touched_) {
        if (one.claimed && !one.actor->retired()) {
            one.actor->release_claim(running_, one.held || one.stirred);
        }
        one.claimed = false;
    }
    if (!swapped_) return;
    for (const Ref<Actor>& actor : made_) actor->release_claim(running_, true);
    made_.clear();
}

Change::~Change() {
    if (swapped_) return;
    let_go();
    for (const Ref<Actor>& actor : made_) {
        if (!actor->retired()) actor->retire();
        end_firings(*actor);
        tear_down(*actor);
    }
    if (counted_) {
        (void)network_.count_actors(actors_before_);
        (void)network_.count_packets(packets_before_);
    }
    network_.group_.wake_hosts();
}

}  // namespace reflow::network
