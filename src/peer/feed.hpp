// Who hears of what happens to a peer: subscriptions, each with a bounded queue, polled or with a callback.
// Neighbours: peer tells, capi subscribes. Thread: any.
#pragma once

#include <pthread.h>

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>

#include "base/limits.hpp"
#include "base/ref.hpp"
#include "base/told.hpp"
#include "message/message.hpp"
#include "network/runtime.hpp"

namespace reflow::peer {

class Feed;

struct FeedOptions {
    std::uint64_t kinds = UINT64_MAX;  // bits
    std::uint32_t capacity = limits::peer_events_count;
    reflow_peer_event_fn callback = nullptr;  // NULL: it is polled
    network::HostData host;
    const HostLog* log = nullptr;  // outlives it
};

class FeedSubscription final : public RefCounted<FeedSubscription> {
public:
    FeedSubscription(Ref<Feed> feed, FeedOptions options);
    [[nodiscard]] bool has_callback() const noexcept { return callback_ != nullptr; }
    [[nodiscard]] bool wants(unsigned kind) const noexcept { return (kinds_ >> kind & 1) != 0; }
    // REFLOW_OK, REFLOW_ERROR_TIMEOUT, _WOULD_BLOCK, _CLOSED.
    reflow_status poll(std::int64_t timeout_ms, Message& event, std::uint64_t& missed);
    // No callback runs any more when it returns, and what belongs to it has been ended; inside the callback,
    // when that returns.
    void end();

    Told readable;  // after each event of one that is polled, and when the feed is closed

private:
    friend class Feed;
    void give(const Message& event);
    void close();
    void serve(std::unique_lock<std::mutex>& lock);

    const Ref<Feed> feed_;
    const std::uint64_t kinds_;
    const std::uint32_t capacity_;
    const reflow_peer_event_fn callback_;
    network::HostData host_;
    const HostLog* const log_;

    std::mutex mutex_;  // guards all below; the callback is not called under it
    std::condition_variable changed_;
    Deque<Message> waiting_;
    std::uint64_t missed_ = 0;
    bool closed_ = false, ended_ = false, ended_inside_ = false;
    bool serving_ = false;  // a thread hands events to the callback
    pthread_t server_{};    // which one
};

class Feed final : public RefCounted<Feed> {
public:
    // REFLOW_ERROR_LIMIT.
    Result<Ref<FeedSubscription>> subscribe(FeedOptions options);
    // make is called if somebody wants that kind.
    void tell(unsigned kind, const std::function<Result<Message>()>& make);
    // Nothing comes any more: polls answer REFLOW_ERROR_CLOSED once they are empty, and callbacks have been told all,
    // but for one that calls this.
    void close();

private:
    friend class FeedSubscription;
    void remove(FeedSubscription& ended);

    std::mutex mutex_;  // guards all below; no subscription is called under it
    Vector<Ref<FeedSubscription>> all_;
    bool closed_ = false;
};

}  // namespace reflow::peer
