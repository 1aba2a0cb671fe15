// Events of a network and those who read them.
// Neighbours: network publishes, capi reads. Thread: any.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string_view>

#include "base/ref.hpp"
#include "base/result.hpp"
#include "message/message.hpp"
#include "reflow.h"

namespace reflow::network {

class Network;

// One event, shared by all that subscribed to it. Views point into the network.
class Event : public RefCounted<Event> {
public:
    reflow_event_kind kind = 0;
    std::uint64_t sequence = 0;
    std::int64_t timestamp_ms = 0;
    std::uint64_t duration_ns = 0;
    std::uint64_t count = 0;
    std::string_view node;
    std::string_view component;
    std::string_view port;
    std::string_view peer;
    std::string_view peer_port;
    String error;
    Message message;

    // {"_type":"ActorFailed","actorId":...} on one line.
    [[nodiscard]] Result<String> json() const;
};

[[nodiscard]] std::string_view event_name(reflow_event_kind kind) noexcept;

// A bounded queue of one reader.
class Subscription : public RefCounted<Subscription> {
public:
    Subscription(Ref<Network> network, std::uint64_t kinds, std::uint32_t capacity);
    ~Subscription();

    [[nodiscard]] std::uint64_t kinds() const noexcept { return kinds_; }
    // Adds an event, or counts it as missed.
    void offer(const Ref<Event>& event) noexcept;
    void miss() noexcept;
    // Takes up to max events, waiting for the first; missed since the last call.
    reflow_status poll(std::size_t max, std::int64_t timeout_ms, Vector<Ref<Event>>& to,
                       std::uint64_t& missed);
    [[nodiscard]] Network& network() const noexcept { return *network_; }

private:
    Ref<Network> network_;
    const std::uint64_t kinds_;
    const std::uint32_t capacity_;
    std::mutex mutex_;  // guards queue_ and missed_; no other lock is taken under it
    Deque<Ref<Event>> queue_;
    std::uint64_t missed_ = 0;
    // Events in queue_ and readers that wait. seq_cst: the publisher adds an event and then looks
    // for waiters, the reader counts itself and then looks for events; one sees the other.
    std::atomic<std::size_t> size_{0};
    std::atomic<std::uint32_t> waiters_{0};
};

}  // namespace reflow::network
