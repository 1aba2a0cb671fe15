// Pausing nodes of a network, stepping them, and looking into their inports.
// Neighbours: runtime/pause.cpp (one actor). Thread: any.
#include <algorithm>
#include <functional>
#include <mutex>

#include "base/text.hpp"
#include "message/envelope.hpp"
#include "network/network.hpp"

namespace reflow::network {

using runtime::Actor;

// Why an actor is paused: the host wants it, or a change of the network needs it for a while.
void Network::pause_for(Actor& actor, std::uint8_t reason) noexcept {
    bool paused = actor.pause_reasons != 0;
    actor.pause_reasons = static_cast<std::uint8_t>(actor.pause_reasons | reason);
    if (!paused) actor.pause();
}

bool Network::resume_for(Actor& actor, std::uint8_t reason) noexcept {
    if ((actor.pause_reasons & reason) == 0) return false;
    actor.pause_reasons = static_cast<std::uint8_t>(actor.pause_reasons & ~reason);
    return actor.pause_reasons == 0 && actor.resume();
}

Result<void> Network::pause(std::string_view path, std::int64_t timeout_ms) {
    Visit visit(*this);
    Ref<Topology> all;
    Result<Vector<Actor*>> selected = Vector<Actor*>();
    {
        auto nobody_runs = still();
        std::lock_guard lock(pause_mutex_);
        all = topology();  // with the lock: what comes by a change is not missed
        selected = all->select(path);
        if (!selected.ok()) return selected.take_error();
        std::int32_t now = state_.load(std::memory_order_acquire);
        if (now != REFLOW_NETWORK_CREATED && now != starting && now != REFLOW_NETWORK_RUNNING) {
            return Failure(REFLOW_ERROR_INVALID_STATE, "the network drains or has stopped");
        }
        if (instrument_) note(Step::pause, {}, Message::string(path));
        for (Actor* actor : selected.value()) pause_for(*actor, by_host);
    }
    // Who steps may have seen one of them between asked to rest and at rest.
    group_.wake_hosts();
    if (on_own_thread()) return {};
    // A node that somebody resumes meanwhile is not waited for.
    auto over = [&] {
        if (state() >= REFLOW_NETWORK_STOPPING) return true;
        for (const Actor* actor : selected.value()) {
            if (actor->paused() && !actor->at_rest()) return false;
        }
        return true;
    };
    return waited(group_.wait(timeout_ms, std::ref(over)), "pausing");
}

// act() lets actors go on, and tells whether it did; unless the network stops. The guard is left
// outside of the lock, since that may call back.
template <typename Act>
void Network::under_pause(Act act) noexcept {
    group_.guard();
    {
        std::lock_guard lock(pause_mutex_);
        if (!group_.stopping() && act()) group_.began();
    }
    group_.leave();
}

Result<void> Network::resume(std::string_view path) {
    Visit visit(*this);
    Ref<Topology> all = topology();
    Result<Vector<Actor*>> selected = all->select(path);
    if (!selected.ok()) return selected.take_error();
    auto nobody_runs = still();
    if (instrument_) note(Step::resume, {}, Message::string(path));
    under_pause([&] {
        bool some = false;
        for (Actor* actor : selected.value()) some = resume_for(*actor, by_host) || some;
        return some;
    });
    group_.wake_hosts();  // somebody may be stepping them
    return {};
}

// Before a drain: from now on pause() refuses.
void Network::resume_all() noexcept {
    under_pause([&] {
        bool some = false;
        for (auto& actor : topology_->actors) some = resume_for(*actor, by_host) || some;
        return some;
    });
    group_.wake_hosts();
}

Result<void> Network::step(std::string_view path, std::uint64_t firings, std::int64_t timeout_ms,
                           std::uint64_t& fired) {
    Ref<Topology> all = topology();
    Result<Vector<Actor*>> selected = all->select(path);
    if (!selected.ok()) return selected.take_error();
    if (!may_step()) return Failure(REFLOW_ERROR_INVALID_STATE, "the network is not running");
    if (on_own_thread()) return waited(REFLOW_ERROR_WOULD_DEADLOCK, "stepping");
    Visit visit(*this);
    std::uint64_t start = runtime_->scheduler().clock().now_ns();
    auto over = [this] { return !may_step() || group_.failed(); };
    while (stepping_.exchange(true, std::memory_order_acq_rel)) {
        reflow_status status = group_.wait(left_ms(timeout_ms, start), [&] {
            return over() || !stepping_.load(std::memory_order_acquire);
        });
        if (status != REFLOW_OK || over()) return waited(status, "stepping");
    }
    struct Stepper {
        ~Stepper() {
            network.stepping_.store(false, std::memory_order_release);
            network.group_.wake_hosts();
        }
        Network& network;
    } stepper{*this};
    // What is on its way inside has arrived when none of them has a turn.
    auto settled = [&] {
        if (over()) return true;
        for (const Actor* actor : selected.value()) {
            if (actor->paused() && (!actor->at_rest() || actor->busy())) return false;
        }
        return true;
    };
    Actor* stepped = nullptr;
    for (;;) {
        reflow_status status = group_.wait(left_ms(timeout_ms, start), std::ref(settled));
        Result<void> result = waited(status, "stepping");
        if (!result.ok()) return result;
        if (group_.failed()) return group_.failure();
        if (over())
            return Failure(REFLOW_ERROR_INVALID_STATE, "the network is not running any more");
        if (stepped != nullptr && stands_at_breakpoint(*stepped, fired)) return {};
        if (fired == firings) return {};
        bool some_paused = false;
        stepped = step_next(selected.value(), some_paused);
        if (stepped == nullptr) {
            if (some_paused || fired != 0) return {};
            return Failure(REFLOW_ERROR_INVALID_STATE,
                           concat(path.empty() ? "no node" : "nothing at this path", " is paused"))
                .node(path);
        }
        ++fired;
    }
}

bool Network::may_step() const noexcept {
    reflow_network_state now = state();
    return now == REFLOW_NETWORK_RUNNING || now == REFLOW_NETWORK_DRAINING;
}

// Whether the firing that was granted has come to a breakpoint: before it, so that it does not
// count, or behind it.
bool Network::stands_at_breakpoint(const Actor& stepped, std::uint64_t& fired) const noexcept {
    std::lock_guard lock(pause_mutex_);
    if (!stepped.at_rest()) return false;
    if (stepped.stands_before_firing()) {
        --fired;
        return true;
    }
    return stepped.stands_before_delivery();
}

// Grants one firing: to the node that stands at a breakpoint, or to the first one with work behind
// the one of the last step.
Actor* Network::step_next(const Vector<Actor*>& actors, bool& some_paused) noexcept {
    Actor* stepped = nullptr;
    auto grant = [&](Actor* actor) {
        if ((actor->pause_reasons & by_host) == 0) return;
        some_paused = true;
        if (!actor->at_rest() || !actor->step()) return;
        if (instrument_) note(Step::grant, {position_of(*actor)});
        last_stepped_ = stepped = actor;
    };
    auto nobody_runs = still();
    under_pause([&] {
        Actor* stands = std::exchange(stands_, nullptr);
        if (std::find(actors.begin(), actors.end(), stands) != actors.end()) grant(stands);
        auto last = std::find(actors.begin(), actors.end(), last_stepped_);
        std::size_t first =
            last == actors.end() ? 0 : static_cast<std::size_t>(last - actors.begin()) + 1;
        for (std::size_t i = 0; i < actors.size() && stepped == nullptr; ++i) {
            grant(actors[(first + i) % actors.size()]);
        }
        return stepped != nullptr;
    });
    return stepped;
}

void Network::grant_again(Actor& actor) noexcept {
    under_pause([&] { return actor.at_rest() && actor.step(); });
}

Result<std::size_t> Network::peek(std::string_view node, std::string_view port,
                                  std::span<reflow_message> to) const {
    Ref<Topology> all = topology();
    Result<Topology::Place> found = all->resolve(node, port, true);
    if (!found.ok()) return found.take_error();
    const Topology::Place& place = found.value();
    std::lock_guard lock(pause_mutex_);  // nobody resumes it meanwhile, or tears it down
    const bool rests = may_step() && place.actor->at_rest();
    std::size_t count = rests ? place.actor->peek_kept(place.port, to) : 0;
    count += place.actor->mailbox.peek(place.port, to.subspan(count));
    for (reflow_message& each : to.first(count)) {
        if (is_enveloped(MessageRef(each))) each = take_payload(Message::adopt(each)).leak();
    }
    return count;
}

}  // namespace reflow::network
