// The life of a network: start, idle, drain, stop, end.
// Thread: any; the state is one atomic word, and nothing is held while callbacks run.
#include "network/network.hpp"

#include "base/text.hpp"
#include "network/checkpoint.hpp"
#include "network/snapshot.hpp"

namespace reflow::network {

using runtime::Actor;

Network::Network(Ref<Runtime> runtime)
    : runtime_(std::move(runtime)),
      group_(runtime_->scheduler(), *runtime_, *this, runtime_->options().max_growth) {
    sampling_.every.store(0, std::memory_order_relaxed);
}

Network::~Network() {
    runtime_->remove_actors(counted_actors_);
    runtime_->remove_packets(counted_packets_);
}

reflow_network_state Network::state() const noexcept {
    std::int32_t state = state_.load(std::memory_order_acquire);
    return state == starting ? REFLOW_NETWORK_CREATED : state;
}

bool Network::closed() const noexcept {
    reflow_network_state now = state();
    return now == REFLOW_NETWORK_DRAINED || now == REFLOW_NETWORK_STOPPING ||
           now == REFLOW_NETWORK_STOPPED;
}

bool Network::on_own_thread() noexcept {
    return runtime::current_scheduler() == &runtime_->scheduler();
}

// ---- start

Result<void> Network::start() {
    if (state() != REFLOW_NETWORK_CREATED) {
        return Failure(REFLOW_ERROR_INVALID_STATE, "the network was started before");
    }
    Visit visit(*this);
    Right right(*this);  // nobody changes it or opens an output at the same time
    if (Result<void> taken = right.take(REFLOW_FOREVER); !taken.ok()) return taken;
    if (restored_ != nullptr && !restored_->fits(*topology_)) {
        return Failure(REFLOW_ERROR_INVALID_STATE, "the network was changed after it was restored")
            .hint("restore it once more, if the snapshot is one of this graph");
    }
    std::int32_t expected = REFLOW_NETWORK_CREATED;
    if (!state_.compare_exchange_strong(expected, starting, std::memory_order_acq_rel)) {
        return Failure(REFLOW_ERROR_INVALID_STATE, "the network was started before");
    }
    Result<void> ready;
    try {
        ready = set_up_actors();
    } catch (const std::bad_alloc&) {
        tear_down();
        if (restored_ != nullptr) restored_->forget();
        give_up_start();
        throw;
    }
    if (!ready.ok()) {
        tear_down();
        if (restored_ != nullptr) restored_->forget();
        give_up_start();
        return ready;
    }
    note(Step::start);
    if (!launch()) {
        tear_down();
        if (restored_ != nullptr) restored_->forget();
        give_up_start();
        return Failure(REFLOW_ERROR_CANCELLED, "the network was stopped while it started");
    }
    return {};
}

// Back to created, unless somebody stopped or destroyed the network: then this is its end.
void Network::give_up_start() noexcept {
    bool abandoned = false;
    group_.publish([&] {
        abandoned = abandoned_;
        std::int32_t next = stop_asked_ ? REFLOW_NETWORK_STOPPED : REFLOW_NETWORK_CREATED;
        state_.store(next, std::memory_order_release);
    });
    if (abandoned) end_abandoned();
}

// The reference of the handle, which ended inside a callback.
void Network::end_abandoned() noexcept {
    Ref<Runtime> runtime = runtime_;  // ends after the network
    runtime->end_deferred(-1);
    end_handle();
}

// States end with the handle, also if an output keeps the network in memory.
void Network::end_handle() noexcept {
    for (auto& actor : topology_->actors) actor->end_state();
    unref();
}

Result<void> Network::set_up_actors() {
    runtime::InTurn inside(runtime_->scheduler());  // waiting in a setup would be for ever
    for (auto& actor : topology_->actors) {
        if (Result<void> ready = actor->setup(); !ready.ok()) return ready;
    }
    if (restored_ != nullptr) {
        restored_->apply();
        return {};
    }
    for (Topology::Initial& initial : topology_->initials) {
        runtime::Packet packet = initial.packet;
        Message copy = MessageRef(packet.message).own();
        initial.actor->mailbox.force(packet);
        (void)copy.leak();  // the mailbox has it now
    }
    return {};
}

// False if a stop was asked for meanwhile.
bool Network::launch() noexcept {
    group_.guard();  // not idle before everything has been started
    bool stopped = false;
    group_.publish([&] {
        stopped = stop_asked_;
        if (!stopped) state_.store(REFLOW_NETWORK_RUNNING, std::memory_order_release);
    });
    if (stopped) {
        group_.leave();
        return false;
    }
    group_.began();
    post(new_event(REFLOW_EVENT_NETWORK_STARTED));
    // The guard keeps everything in place: who changes the network waits for the start.
    const Topology& all = *topology_;
    show_all(REFLOW_NODE_INITIALIZED);
    for (auto& actor : all.actors) post(new_event(REFLOW_EVENT_ACTOR_STARTED, *actor));
    show_all(REFLOW_NODE_RUNNING);
    if (restored_ != nullptr) {
        restored_->launch(runtime_->scheduler());
        restored_.reset();
        group_.leave();
        return true;
    }
    for (const Topology::Initial& initial : all.initials) {
        if (auto event = new_event(REFLOW_EVENT_MESSAGE_RECEIVED, *initial.actor)) {
            event->port = initial.actor->component->inports[initial.packet.port].name;
            event->message = MessageRef(initial.packet.message).own();
            event->waiting = initial.actor->mailbox.waiting(initial.packet.port);
            post(event);
        }
        initial.actor->notify();
    }
    for (std::size_t i = 0; i < all.actors.size(); ++i) {
        if (all.actors[i]->component->source && !all.fed(i)) all.actors[i]->request_start();
    }
    group_.leave();
    return true;
}

// ---- waiting (for idle: quiet.cpp)

// It may not have been stopped before.
Result<void> Network::started() const {
    if (state() != REFLOW_NETWORK_CREATED) return {};
    return Failure(REFLOW_ERROR_INVALID_STATE, "the network is not started");
}

Failure Network::stream_stall() const {
    return Failure(REFLOW_ERROR_LIMIT, concat("network stalled: ", group_.describe_stream_stall()))
        .hint("read the stream to its end, or end its reader");
}

Result<void> Network::waited(reflow_status status, std::string_view what) const {
    if (Result<void> failure = group_.failure(); !failure.ok()) return failure;
    switch (status) {
        case REFLOW_OK:
            return {};
        case REFLOW_ERROR_TIMEOUT:
            return Failure(status, concat("timeout while ", what));
        case REFLOW_ERROR_WOULD_DEADLOCK:
            return Failure(status, concat(what,
                                          " inside a callback of the runtime would wait for "
                                          "itself"));
        case REFLOW_ERROR_WOULD_BLOCK:
            return Failure(status, concat(what, ": nothing is left to run that could end it"))
                .hint("read the outputs, or send what is missing");
        default:
            return Failure(status, concat("cancelled while ", what));
    }
}

Result<void> Network::end_sources() {
    if (Result<void> begun = started(); !begun.ok()) return begun;
    Visit visit(*this);
    auto nobody_runs = still();
    note(Step::sources);
    group_.guard();  // without began(): an idle network does not become idle once more
    Ref<Topology> now_there = topology();
    if (!group_.stopping()) {
        for (auto& actor : now_there->actors) actor->request_end();
    }
    group_.leave();
    return {};
}

Result<void> Network::cancel(std::string_view path, std::size_t& count,
                             const runtime::DeferredFirings::Which* which) {
    if (Result<void> begun = started(); !begun.ok()) return begun;
    Ref<Topology> all = topology();
    Result<Vector<Actor*>> selected = all->select(path);
    if (!selected.ok()) return selected.take_error();
    Visit visit(*this);
    {
        auto nobody_runs = still();
        group_.guard();  // without began(), as above
        if (instrument_ && path.empty()) note(Step::cancel, {-1});
        for (Actor* actor : selected.value()) {
            if (instrument_ && !path.empty()) note(Step::cancel, {position_of(*actor)});
            if (runtime::DeferredFirings* firings = actor->deferred_firings()) {
                count += firings->cancel(which);
            }
        }
        group_.leave();
    }
    if (which == nullptr) tell_foreign(path);
    return {};
}

std::int64_t Network::left_ms(std::int64_t timeout_ms, std::uint64_t start_ns) noexcept {
    if (timeout_ms < 0) return timeout_ms;
    std::uint64_t spent = (runtime_->scheduler().clock().now_ns() - start_ns) / 1'000'000;
    std::uint64_t timeout = static_cast<std::uint64_t>(timeout_ms);
    return spent >= timeout ? 0 : static_cast<std::int64_t>(timeout - spent);
}

Result<void> Network::drain(std::int64_t timeout_ms) {
    bool live = state() == REFLOW_NETWORK_RUNNING || state() == REFLOW_NETWORK_DRAINING;
    if (live && on_own_thread()) return waited(REFLOW_ERROR_WOULD_DEADLOCK, "draining");
    std::int32_t now = REFLOW_NETWORK_RUNNING;
    const bool begins =
        state_.compare_exchange_strong(now, REFLOW_NETWORK_DRAINING, std::memory_order_acq_rel);
    if (!begins) {
        if (Result<void> begun = started(); !begun.ok()) return begun;
        if (now != REFLOW_NETWORK_DRAINING) return {};
    }
    group_.wake_hosts();  // whoever waits to send gives up
    Visit visit(*this);
    if (begins) {
        {
            auto nobody_runs = still();
            note(Step::drain);
            resume_all();  // what breakpoints stop later waits for the host
        }
        writables_.tell_all(runtime_->scheduler());
    }
    std::uint64_t start = runtime_->scheduler().clock().now_ns();
    auto over = [this] { return state() != REFLOW_NETWORK_DRAINING || group_.failed(); };
    while (draining_.exchange(true, std::memory_order_acq_rel)) {
        // Another thread drives the drain: wait for its end, or for its giving up.
        reflow_status status = group_.wait(left_ms(timeout_ms, start), [&] {
            return over() || !draining_.load(std::memory_order_acquire);
        });
        if (status != REFLOW_OK || over()) return waited(status, "draining");
    }
    struct Driver {
        ~Driver() {
            network.draining_.store(false, std::memory_order_release);
            network.group_.wake_hosts();
        }
        Network& network;
    } driver{*this};
    return drive_drain(timeout_ms, start);
}

Result<void> Network::drive_drain(std::int64_t timeout_ms, std::uint64_t start_ns) {
    auto over = [this] { return state() != REFLOW_NETWORK_DRAINING || group_.failed(); };
    while (!over()) {
        bool stalled = false;
        reflow_status status = group_.wait(left_ms(timeout_ms, start_ns), [&] {
            stalled = group_.stalled_by_streams();
            return stalled || group_.idle() || over();
        });
        if (status == REFLOW_OK && stalled && !over()) return stream_stall();
        Result<void> result = waited(status, "draining");
        if (!result.ok()) return result;
        if (over()) break;
        // Nobody changes the network any more: who was about to is done, since it is idle.
        const Topology& all = *topology_;
        if (next_finish_ < all.finish_order.size()) {
            const std::uint32_t position = all.finish_order[next_finish_++];
            Actor& actor = *all.actors[position];
            auto nobody_runs = still();
            note(Step::finish, {position});
            group_.from_outside([&] { actor.request_finish(); });
            continue;
        }
        note(Step::drained);
        std::int32_t expected = REFLOW_NETWORK_DRAINING;
        state_.compare_exchange_strong(expected, REFLOW_NETWORK_DRAINED, std::memory_order_acq_rel);
        tell_ends();
    }
    return group_.failure();
}

// ---- stop

bool Network::begin_stop() noexcept {
    std::int32_t now = state_.load(std::memory_order_acquire);
    for (;;) {
        if (now == starting) {
            bool asked = false;
            group_.publish([&] {
                now = state_.load(std::memory_order_acquire);
                asked = now == starting;
                stop_asked_ = stop_asked_ || asked;
            });
            if (asked) return false;  // start() ends it
            continue;
        }
        if (now >= REFLOW_NETWORK_STOPPING) return false;
        bool created = now == REFLOW_NETWORK_CREATED;
        std::int32_t next = created ? REFLOW_NETWORK_STOPPED : REFLOW_NETWORK_STOPPING;
        if (state_.compare_exchange_weak(now, next, std::memory_order_acq_rel)) {
            if (created) {
                group_.wake_hosts();
                return false;
            }
            return true;
        }
    }
}

Result<void> Network::stop(std::int64_t timeout_ms) {
    Visit visit(*this);
    if (begin_stop()) {
        auto nobody_runs = still();
        note(Step::stop);
        group_.request_stop();
    }
    writables_.tell_all(runtime_->scheduler());
    if (on_own_thread()) return {};
    const std::uint64_t start = runtime_->scheduler().clock().now_ns();
    reflow_status status = REFLOW_ERROR_WOULD_BLOCK;
    // Without threads the last step may just be made by another thread of the host: then once more.
    while (status == REFLOW_ERROR_WOULD_BLOCK) {
        status = group_.wait(left_ms(timeout_ms, start), [this] { return ended(); });
    }
    if (status == REFLOW_OK) return {};
    return Failure(status, "timeout while stopping")
        .hint("a callback has not returned; stop again to go on waiting");
}

// Nothing of the group runs any more and nothing will: the last call of the runtime.
void Network::stopped() {
    show_all(REFLOW_NODE_STOPPING);
    tear_down();
    show_all(REFLOW_NODE_STOPPED);
    post(new_event(REFLOW_EVENT_NETWORK_SHUTDOWN));
    if (instrument_) instrument_->end();
    tell_ends();
    settled(REFLOW_OK);
    bool abandoned = false;
    group_.publish([&] {
        state_.store(REFLOW_NETWORK_STOPPED, std::memory_order_release);
        abandoned = abandoned_;
    });
    // If the handle has not ended inside a callback, its owner may end the network from now on.
    if (abandoned) end_abandoned();
}

void Network::tear_down() noexcept {
    runtime::InTurn inside(runtime_->scheduler());  // waiting in a teardown would be for ever
    for (auto& actor : topology_->actors) actor->teardown();
    { std::lock_guard nobody_looks(pause_mutex_); }  // into what goes now: see peek()
    for (auto& actor : topology_->actors) {
        actor->end_streams(true);
        actor->drop_packets();
    }
}

void Network::abandon() noexcept {
    Ref<Runtime> runtime = runtime_;  // ends after the network
    Ref<Network> alive = Ref<Network>::share(this);
    if (on_own_thread()) {
        if (checkpointer_ != nullptr) checkpointer_->end();
        bool later = false;
        group_.publish([&] {
            std::int32_t now = state_.load(std::memory_order_acquire);
            later = now != REFLOW_NETWORK_CREATED && now != REFLOW_NETWORK_STOPPED;
            abandoned_ = later;
            if (later) runtime_->end_deferred(1);
        });
        if (!later) return end_handle();
        if (begin_stop()) group_.request_stop();
        return;
    }
    if (begin_stop()) {
        auto nobody_runs = still();
        note(Step::stop);
        group_.request_stop();
    }
    // Also if it has stopped: stopped() may still be inside the lock that wait() takes. Without
    // threads another thread of the host may hold a guard for a moment: then once more.
    auto over = [this] { return ended() || state() == REFLOW_NETWORK_CREATED; };
    while (group_.wait(REFLOW_FOREVER, over) != REFLOW_OK) {
    }
    if (checkpointer_ != nullptr) checkpointer_->end();
    end_handle();
}

}  // namespace reflow::network
