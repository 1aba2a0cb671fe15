// The life of a network: start, idle, drain, stop, end.
// Thread: any; the state is one atomic word, and nothing is held while callbacks run.
#include "network/network.hpp"

#include "base/text.hpp"

namespace reflow::network {
namespace {

// relaxed: only distinct.
constinit std::atomic<std::uint32_t> next_nonce{1};

}  // namespace

Network::Network(Ref<Runtime> runtime)
    : runtime_(std::move(runtime)),
      group_(runtime_->scheduler(), *runtime_, *this, runtime_->options().max_growth),
      nonce_(next_nonce.fetch_add(1, std::memory_order_relaxed) & 0xffffff) {}

Network::~Network() {
    for (Initial& initial : initials_) (void)Message::adopt(initial.packet.message);
    runtime_->remove_actors(counted_actors_);
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
    std::int32_t expected = REFLOW_NETWORK_CREATED;
    if (!state_.compare_exchange_strong(expected, starting, std::memory_order_acq_rel)) {
        return Failure(REFLOW_ERROR_INVALID_STATE, "the network was started before");
    }
    if (Result<void> ready = set_up_actors(); !ready.ok()) {
        state_.store(REFLOW_NETWORK_CREATED, std::memory_order_release);
        return ready;
    }
    launch();
    return {};
}

Result<void> Network::set_up_actors() {
    for (std::size_t i = 0; i < actors_.size(); ++i) {
        Result<void> ready = actors_[i]->setup();
        if (ready.ok()) continue;
        while (i-- > 0) actors_[i]->teardown();
        return ready;
    }
    try {
        for (Initial& initial : initials_) {
            runtime::Packet packet = initial.packet;
            packet.message = MessageRef(packet.message).own().leak();
            Message guard = Message::adopt(packet.message);
            initial.actor->mailbox.force(packet);
            (void)guard.leak();
        }
    } catch (const std::bad_alloc&) {
        runtime::Released none;
        for (auto& actor : actors_) {
            actor->mailbox.clear(none);
            actor->teardown();
        }
        throw;
    }
    return {};
}

void Network::launch() {
    ref();             // the running network holds itself until stopped()
    group_.enter();    // not idle before everything has been started
    state_.store(REFLOW_NETWORK_RUNNING, std::memory_order_release);
    post(new_event(REFLOW_EVENT_NETWORK_STARTED));
    for (auto& actor : actors_) post(new_event(REFLOW_EVENT_ACTOR_STARTED, *actor));
    for (Initial& initial : initials_) {
        if (auto event = new_event(REFLOW_EVENT_MESSAGE_RECEIVED, *initial.actor)) {
            event->port = initial.actor->component->inports[initial.packet.port].name;
            event->message = MessageRef(initial.packet.message).own();
            post(event);
        }
        initial.actor->notify();
    }
    for (std::size_t i = 0; i < actors_.size(); ++i) {
        if (actors_[i]->component->source && fed_[i] == 0) actors_[i]->request_start();
    }
    group_.leave();
}

// ---- waiting

Result<void> Network::waited(reflow_status status, std::string_view what) const {
    if (Result<void> failure = group_.failure(); !failure.ok()) return failure;
    switch (status) {
        case REFLOW_OK: return {};
        case REFLOW_ERROR_TIMEOUT: return Failure(status, concat("timeout while ", what));
        case REFLOW_ERROR_WOULD_DEADLOCK:
            return Failure(status, concat(what, " inside a callback of the runtime would wait for "
                                                "itself"));
        case REFLOW_ERROR_WOULD_BLOCK:
            return Failure(status, concat(what, ": nothing is left to run that could end it"))
                .hint("read the outputs, or send what is missing");
        default: return Failure(status, concat("cancelled while ", what));
    }
}

Result<void> Network::wait_idle(std::int64_t timeout_ms) {
    std::int32_t now = state_.load(std::memory_order_acquire);
    if (now == REFLOW_NETWORK_CREATED || now == starting) {
        return Failure(REFLOW_ERROR_INVALID_STATE, "the network is not started");
    }
    reflow_status status = group_.wait(timeout_ms, [this] {
        return group_.idle() || group_.failed() || state() >= REFLOW_NETWORK_STOPPING;
    });
    return waited(status, "waiting for idle");
}

std::int64_t Network::left_ms(std::int64_t timeout_ms, std::uint64_t start_ns) noexcept {
    if (timeout_ms < 0) return timeout_ms;
    std::uint64_t spent = (runtime_->scheduler().clock().now_ns() - start_ns) / 1'000'000;
    std::uint64_t timeout = static_cast<std::uint64_t>(timeout_ms);
    return spent >= timeout ? 0 : static_cast<std::int64_t>(timeout - spent);
}

Result<void> Network::drain(std::int64_t timeout_ms) {
    std::int32_t now = REFLOW_NETWORK_RUNNING;
    if (!state_.compare_exchange_strong(now, REFLOW_NETWORK_DRAINING,
                                        std::memory_order_acq_rel)) {
        if (now == REFLOW_NETWORK_CREATED || now == starting) {
            return Failure(REFLOW_ERROR_INVALID_STATE, "the network is not started");
        }
        if (now != REFLOW_NETWORK_DRAINING) return {};
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
    Result<void> result;
    while (!over()) {
        reflow_status status = group_.wait(left_ms(timeout_ms, start),
                                           [&] { return group_.idle() || over(); });
        result = waited(status, "draining");
        if (!result.ok() || over()) break;
        if (next_finish_ < finish_order_.size()) {
            actors_[finish_order_[next_finish_++]]->request_finish();
            continue;
        }
        std::int32_t expected = REFLOW_NETWORK_DRAINING;
        state_.compare_exchange_strong(expected, REFLOW_NETWORK_DRAINED,
                                       std::memory_order_acq_rel);
    }
    draining_.store(false, std::memory_order_release);
    group_.wake_hosts();
    if (result.ok()) result = group_.failure();
    return result;
}

// ---- stop

bool Network::begin_stop() noexcept {
    std::int32_t now = state_.load(std::memory_order_acquire);
    for (;;) {
        if (now == starting || now >= REFLOW_NETWORK_STOPPING) return false;
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
    if (state_.load(std::memory_order_acquire) == starting) {
        return Failure(REFLOW_ERROR_INVALID_STATE, "the network is being started");
    }
    // stopped() may drop the reference of the running network inside request_stop().
    Ref<Network> alive = Ref<Network>::share(this);
    if (begin_stop()) group_.request_stop();
    if (on_own_thread()) return {};
    reflow_status status = group_.wait(timeout_ms, [this] { return ended(); });
    if (status == REFLOW_OK) return {};
    return Failure(status, "timeout while stopping")
        .hint("a callback has not returned; stop again to go on waiting");
}

// Nothing of the group runs any more and nothing will: the last call of the runtime.
void Network::stopped() {
    tear_down();
    post(new_event(REFLOW_EVENT_NETWORK_SHUTDOWN));
    state_.store(REFLOW_NETWORK_STOPPED, std::memory_order_release);
    group_.wake_hosts();
    unref();
}

void Network::tear_down() noexcept {
    for (auto& actor : actors_) actor->teardown();
    try {
        runtime::Released none;
        for (auto& actor : actors_) actor->mailbox.clear(none);
    } catch (const std::bad_alloc&) {
        // What is left in the queues goes with the actors.
    }
}

void Network::abandon() noexcept {
    if (begin_stop()) group_.request_stop();
    if (!on_own_thread() && state() == REFLOW_NETWORK_STOPPING) {
        try {
            (void)stop(REFLOW_FOREVER);
        } catch (const std::bad_alloc&) {
            // The running network holds itself and ends when its last callback returns.
        }
    }
    Ref<Runtime> runtime = runtime_;
    unref();
}

}  // namespace reflow::network
