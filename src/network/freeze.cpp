// Freezing nodes: first they are paused, then claimed. And the state of a node in the hands of a
// host. Thread: see freeze.hpp.
#include "network/freeze.hpp"

#include <functional>

#include "base/limits.hpp"
#include "base/text.hpp"

namespace reflow::network {

using runtime::Actor;

Freeze::Freeze(Network& network)
    : network_(network),
      right_(network),
      start_ns_(network.runtime().scheduler().clock().now_ns()) {}

Result<void> Freeze::begin(std::string_view node, std::int64_t timeout_ms, bool drained) {
    if (Result<void> taken = right_.take(timeout_ms); !taken.ok()) return taken;
    // Who drains looks under the lock of the group whether it is idle: either he sees the guard, or
    // the drain is seen in choose().
    network_.group_.guard();
    guarded_ = true;
    if (Result<void> chosen = choose(node, drained); !chosen.ok()) return chosen;
    {
        std::lock_guard lock(network_.pause_mutex_);
        for (Actor* actor : actors_) Network::pause_for(*actor, Network::by_change);
        paused_ = true;
    }
    network_.group_.wake_hosts();
    auto over = [&] {
        return network_.group_.stopping() || network_.group_.failed() || claim_all();
    };
    reflow_status status =
        network_.group_.wait(network_.left_ms(timeout_ms, start_ns_), std::ref(over));
    if (status == REFLOW_OK && claimed_ < actors_.size()) status = REFLOW_ERROR_CANCELLED;
    if (status != REFLOW_ERROR_TIMEOUT) return network_.waited(status, "waiting for nodes to rest");
    return Failure(status, "timeout while waiting for a node to rest")
        .node(actors_[claimed_]->id)
        .hint("one of its callbacks has not returned");
}

Result<void> Freeze::choose(std::string_view node, bool drained) {
    std::int32_t now = REFLOW_NETWORK_CREATED;
    network_.group_.publish([&] { now = network_.state(); });
    const bool drains = now == REFLOW_NETWORK_DRAINING || now == REFLOW_NETWORK_DRAINED;
    if (now != REFLOW_NETWORK_RUNNING && !(drained && drains)) {
        return Failure(REFLOW_ERROR_INVALID_STATE, now == REFLOW_NETWORK_CREATED
                                                       ? "the network is not started"
                                                       : "the network drains or has stopped");
    }
    topology_ = network_.topology();
    if (!node.empty()) {
        Actor* one = topology_->find_actor(node);
        if (one == nullptr) return topology_->no_node(node);
        actors_.push_back(one);
    } else {
        actors_.reserve(topology_->actors.size());
        for (const Ref<Actor>& actor : topology_->actors) actors_.push_back(actor.get());
    }
    held_.resize(actors_.size());
    return {};
}

// Runs under the lock of the group, with every look of a host that waits; each node is asked until
// it is claimed, and then no more.
bool Freeze::claim_all() noexcept {
    for (; claimed_ < actors_.size(); ++claimed_) {
        bool held = false;
        if (!actors_[claimed_]->claim(&held)) return false;
        held_[claimed_] = held ? 1 : 0;
    }
    return true;
}

Freeze::~Freeze() { thaw(); }

void Freeze::thaw() noexcept {
    if (!std::exchange(guarded_, false)) return;
    auto visit = Ref<Network>::share(&network_);
    // While they are paused: those without work rest then, without a turn.
    for (std::size_t i = 0; i < claimed_; ++i) actors_[i]->release_claim(true, held_[i] != 0);
    if (paused_) {
        std::lock_guard lock(network_.pause_mutex_);
        bool some = false;
        for (Actor* actor : actors_) {
            some = Network::resume_for(*actor, Network::by_change) || some;
        }
        if (some) network_.group_.began();
    }
    network_.group_.leave();
    network_.group_.wake_hosts();
}

// ---- the state of a node

Result<void> Network::with_state(std::string_view node, std::string_view component,
                                 reflow_state_visit_fn visit, void* user_data,
                                 std::int64_t timeout_ms) {
    if (on_own_thread()) return waited(REFLOW_ERROR_WOULD_DEADLOCK, "looking at a state");
    Visit alive(*this);
    auto find = [&](const Topology& all) -> Result<Actor*> {
        Actor* actor = all.find_actor(node);
        if (actor == nullptr) return all.no_node(node);
        const std::string_view kind = actor->component->id;
        if (component.empty() || component == kind) return actor;
        return Failure(REFLOW_ERROR_TYPE,
                       concat("the node is of component '", kind, "', not '", component, "'"))
            .node(node);
    };
    auto look = [&](const Topology& all) -> Result<void> {
        Result<Actor*> found = find(all);
        if (!found.ok()) return found.take_error();
        Actor& actor = *found.value();
        runtime::InTurn inside(runtime_->scheduler());
        runtime::Context context{actor, runtime::Phase::visit};
        void* state = actor.component->private_state ? nullptr : actor.state;
        const reflow_status status =
            runtime::shielded(context, [&] { return visit(&context, state, user_data); });
        return runtime::result_of(context, status, "looking at a state");
    };
    // Before anything rests for it; and again then, since a change may come between.
    if (Result<Actor*> found = find(*topology()); !found.ok()) return found.take_error();
    auto tell = [&] {  // whatever came of it
        if (!instrument_) return;
        auto nobody_runs = still();
        instrument_->visited(*topology_->find_actor(node));
    };
    if (state() == REFLOW_NETWORK_CREATED) {
        Unstarted edit(*this);
        if (Result<void> begun = edit.begin(timeout_ms); !begun.ok()) return begun;
        Result<void> looked = look(*topology());
        tell();
        return looked;
    }
    Freeze freeze(*this);
    if (Result<void> begun = freeze.begin(node, timeout_ms, true); !begun.ok()) return begun;
    Result<void> looked = look(*freeze.topology());
    tell();
    return looked;
}

// ---- before the start

Result<void> Network::Unstarted::begin(std::int64_t timeout_ms) {
    if (Result<void> taken = right_.take(timeout_ms); !taken.ok()) return taken;
    std::int32_t expected = REFLOW_NETWORK_CREATED;
    begun_ = network_.state_.compare_exchange_strong(expected, starting, std::memory_order_acq_rel);
    if (begun_) return {};
    return Failure(REFLOW_ERROR_INVALID_STATE,
                   "the network was started, and this is done before it is");
}

Network::Unstarted::~Unstarted() {
    if (begun_) network_.give_up_start();
}

}  // namespace reflow::network
