// Events of a network and those who read them.
// Neighbours: network publishes, capi reads. Thread: any.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string_view>

#include "base/ref.hpp"
#include "base/result.hpp"
#include "message/message.hpp"
#include "network/filter.hpp"
#include "runtime/actor.hpp"
#include "network/notifier.hpp"
#include "reflow.h"

namespace reflow::network {

class Network;

// One event, shared by all that subscribed to it. Views point into the actors, which may have left
// the network meanwhile.
class Event : public RefCounted<Event> {
public:
    reflow_event_kind kind = 0;
    std::uint64_t sequence = 0;
    std::int64_t timestamp_ms = 0;
    std::uint64_t duration_ns = 0;
    std::uint64_t count = 0;
    Ref<const runtime::Actor> of;
    Ref<const runtime::Actor> of_peer;
    std::string_view node;
    std::string_view component;
    std::string_view port;
    std::string_view peer;
    std::string_view peer_port;
    String error;
    Message message;
    std::uint64_t waiting = 0;
    Message outputs;
    std::uint64_t breakpoint = 0;
    String trace;
    std::int32_t state = 0;
    std::uint32_t details = 0;
    String path;
    std::uint64_t stalls = 0;
    std::uint64_t bytes = 0;  // of a stall
    Message envelope;

    // {"_type":"ActorFailed","actorId":...} on one line.
    [[nodiscard]] Result<String> json() const;
};

// The handles in a message, with its envelope if it has one, lead nowhere from now on: for what nobody may ever read,
// which the writer of a stream is not to wait for. Without memory the message is none.
void let_streams_go(Message& message) noexcept;

[[nodiscard]] std::string_view event_name(reflow_event_kind kind) noexcept;
[[nodiscard]] std::string_view node_state_name(std::int32_t state) noexcept;

struct SubscriptionOptions {
    std::uint64_t kinds = 0;
    std::uint32_t capacity = 0;
    std::string_view nodes = {};
    std::uint32_t sample = 1;
    std::size_t max_batch = 0;
    std::unique_ptr<EventSink> sink = {};  // NULL: it is polled
};

// A bounded queue of one reader.
class Subscription : public RefCounted<Subscription> {
public:
    Subscription(Ref<Network> network, Runtime& runtime, SubscriptionOptions options);
    ~Subscription();

    // Guarded by the network, and so is wake_due.
    EventFilter filter;
    bool wake_due = false;

    // Adds an event, or counts it as missed. True if a callback has to be told now.
    [[nodiscard]] bool offer(const Ref<Event>& event) noexcept;
    [[nodiscard]] bool miss() noexcept;
    // Takes up to max events, waiting for the first; missed since the last call.
    reflow_status poll(std::size_t max, std::int64_t timeout_ms, Vector<Ref<Event>>& to,
                       std::uint64_t& missed);
    // The same without waiting; whether more is there. `to` has memory for them.
    bool take(std::size_t max, Vector<Ref<Event>>& to, std::uint64_t& missed) noexcept;
    [[nodiscard]] Network& network() const noexcept { return *network_; }
    [[nodiscard]] bool has_callback() const noexcept { return notifier_ != nullptr; }
    void wake() noexcept { notifier_->wake(); }
    // The handle ends: drops its reference, at once or after what waits for a callback.
    void end() noexcept;

private:
    Ref<Network> network_;
    const std::uint32_t capacity_;
    std::mutex mutex_;  // guards queue_ and missed_; no other lock is taken under it
    Deque<Ref<Event>> queue_;
    std::uint64_t missed_ = 0;
    // Events in queue_ and readers that wait. seq_cst: the publisher adds an event and then looks
    // for waiters, the reader counts itself and then looks for events; one sees the other.
    std::atomic<std::size_t> size_{0};
    std::atomic<std::uint32_t> waiters_{0};
    std::unique_ptr<Notifier> notifier_;  // NULL: it is polled
};

}  // namespace reflow::network
