// Timers of a peer on the thread of wires, which other peers have too: they end with the peer.
// Neighbours: peer.cpp. Thread: any.
#include "peer/peer.hpp"

namespace reflow::peer {

void Peer::later(std::uint64_t delay_ns, std::function<void()> call) {
    std::uint64_t number = 0;
    {
        std::lock_guard lock(mutex_);
        if (stopping_) return;
        number = ++last_timer_;
        timers_.emplace(number, 0);
    }
    std::uint64_t timer =
        wires_.after(delay_ns, [self = Ref<Peer>::share(this), number, what = std::move(call)] {
            {
                std::lock_guard lock(self->mutex_);
                self->timers_.erase(number);
                if (self->stopping_) return;
            }
            what();
        });
    // It may have run by now, and the peer may have stopped.
    std::unique_lock lock(mutex_);
    auto found = timers_.find(number);
    if (!stopping_) {
        if (found != timers_.end()) found->second = timer;
        return;
    }
    lock.unlock();
    wires_.cancel(timer);
}

// Those that have not run: each holds the peer. The thread of wires serves others as well.
void Peer::cancel_timers() {
    Map<std::uint64_t, std::uint64_t> all;
    {
        std::lock_guard lock(mutex_);
        all.swap(timers_);
    }
    for (const auto& [number, timer] : all) {
        if (timer != 0) wires_.cancel(timer);
    }
}

void Peer::flush_later(Link& link, std::uint64_t after_ns) {
    later(after_ns, [one = Ref<Link>::share(&link)] { one->flush(); });
}

}  // namespace reflow::peer
