// Subscriptions to a peer. Thread: see feed.hpp.
#include "peer/feed.hpp"

#include <chrono>

#include "base/text.hpp"
#include "peer/times.hpp"

namespace reflow::peer {

FeedSubscription::FeedSubscription(Ref<Feed> feed, FeedOptions options)
    : feed_(std::move(feed)),
      kinds_(options.kinds),
      capacity_(options.capacity),
      callback_(options.callback),
      host_(std::move(options.host)),
      log_(options.log) {}

reflow_status FeedSubscription::poll(std::int64_t timeout_ms, Message& event,
                                     std::uint64_t& missed) {
    std::unique_lock lock(mutex_);
    auto ready = [this] { return !waiting_.empty() || closed_; };
    if (!ready() && timeout_ms == 0) return REFLOW_ERROR_WOULD_BLOCK;
    if (!changed_.wait_for(lock, std::chrono::milliseconds(waiting_ms(timeout_ms)), ready)) {
        return REFLOW_ERROR_TIMEOUT;
    }
    missed = std::exchange(missed_, 0);
    if (waiting_.empty()) return REFLOW_ERROR_CLOSED;
    event = std::move(waiting_.front());
    waiting_.pop_front();
    return REFLOW_OK;
}

// The newest is what is lost: those that wait are older, and their reader has been promised an order.
void FeedSubscription::give(const Message& event) {
    std::unique_lock lock(mutex_);
    if (closed_ || ended_) return;
    if (waiting_.size() >= capacity_) {
        ++missed_;
    } else {
        waiting_.push_back(event);
    }
    changed_.notify_all();
    if (callback_ != nullptr) return serve(lock);
    lock.unlock();
    readable.tell();
}

// One thread at a time calls; what others bring meanwhile is left to it.
void FeedSubscription::serve(std::unique_lock<std::mutex>& lock) {
    if (serving_) return;
    serving_ = true;
    server_ = pthread_self();
    auto self = Ref<FeedSubscription>::share(this);  // the callback may end it
    while (!waiting_.empty() && !ended_) {
        Message event = std::move(waiting_.front());
        waiting_.pop_front();
        std::uint64_t missed = std::exchange(missed_, 0);
        lock.unlock();
        call_host("of events", log_, [&] { callback_(host_.get(), event.raw(), missed); });
        event = Message();
        lock.lock();
    }
    serving_ = false;
    // Ended by the callback itself: nobody waits to end what belongs to it.
    network::HostData over;
    if (ended_inside_) over = std::move(host_);
    changed_.notify_all();
    lock.unlock();
}

void FeedSubscription::close() {
    std::unique_lock lock(mutex_);
    closed_ = true;
    changed_.notify_all();
    changed_.wait(lock, [this] {
        return !serving_ || pthread_equal(server_, pthread_self()) != 0;
    });
    lock.unlock();
    readable.tell();
}

void FeedSubscription::end() {
    feed_->remove(*this);
    network::HostData over;  // ended without the lock, and before this returns
    std::unique_lock lock(mutex_);
    ended_ = closed_ = true;
    changed_.notify_all();
    ended_inside_ = serving_ && pthread_equal(server_, pthread_self()) != 0;
    if (ended_inside_) return;
    changed_.wait(lock, [this] { return !serving_; });
    over = std::move(host_);
}

Result<Ref<FeedSubscription>> Feed::subscribe(FeedOptions options) {
    auto made = make_ref<FeedSubscription>(Ref<Feed>::share(this), std::move(options));
    std::lock_guard lock(mutex_);
    if (all_.size() >= limits::peer_subscriptions_count) {
        return Failure(REFLOW_ERROR_LIMIT, concat("a peer has at most ",
                                                  limits::peer_subscriptions_count,
                                                  " subscriptions at once"));
    }
    if (closed_) made->close();
    all_.push_back(made);
    return made;
}

void Feed::tell(unsigned kind, const std::function<Result<Message>()>& make) {
    Vector<Ref<FeedSubscription>> those;
    {
        std::lock_guard lock(mutex_);
        for (const auto& one : all_) {
            if (one->wants(kind)) those.push_back(one);
        }
    }
    if (those.empty()) return;
    Result<Message> event = make();
    if (!event.ok()) return;
    for (const auto& one : those) one->give(event.value());
}

void Feed::close() {
    Vector<Ref<FeedSubscription>> those;
    {
        std::lock_guard lock(mutex_);
        closed_ = true;
        those = all_;
    }
    for (const auto& one : those) one->close();
}

void Feed::remove(FeedSubscription& ended) {
    std::lock_guard lock(mutex_);
    std::erase_if(all_, [&](const auto& one) { return one.get() == &ended; });
}

}  // namespace reflow::peer
