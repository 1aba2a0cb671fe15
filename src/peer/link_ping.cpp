// What a link is like: under TLS or not, since when, and how long it takes there and back. Pings between ours are
// records; a peer of the original knows those of WebSocket alone. Neighbours: link.cpp (the rest of it). Thread: see link.hpp.
#include <algorithm>

#include "peer/link.hpp"

namespace reflow::peer {

bool Link::secure() const {
    const Ref<io::Wire> on = wire();
    return on && (on->scheme() == io::WireScheme::wss || on->scheme() == io::WireScheme::tls);
}

std::uint64_t Link::opened_ns() const {
    std::lock_guard lock(mutex_);
    return opened_ns_;
}

// The number is the time, or the next one if there was a ping in that moment already.
std::uint64_t Link::next_ping_locked(std::uint64_t now_ns) noexcept {
    return last_ping_ = std::max(now_ns, last_ping_ + 1);
}

Result<std::uint64_t> Link::ping() {
    std::unique_lock lock(mutex_);
    if (!sends_locked()) return Failure(REFLOW_ERROR_CLOSED, "the link is not open");
    const std::uint64_t number = next_ping_locked(owner_.now_ns());
    if (!old()) {
        batch_.ping(number);
        flush_locked(lock);
        return number;
    }
    reflow_status status = wire_->ping(number);
    if (status == REFLOW_OK) return number;
    return Failure(status, status == REFLOW_ERROR_WOULD_BLOCK ? "the socket takes nothing"
                                                              : "the link is not open");
}

void Link::ponged(io::Wire&, std::uint64_t number) {
    if (stage() == Stage::open && old()) hear_pong(number);
}

// What was not asked for tells nothing.
void Link::hear_pong(std::uint64_t number) {
    const std::uint64_t now = owner_.now_ns();
    {
        std::lock_guard lock(mutex_);
        if (number > last_ping_ || number <= answered_ping()) return;
        round_trip_ns_.store(std::max<std::uint64_t>(now - std::min(now, number), 1),
                             std::memory_order_relaxed);
        answered_ping_.store(number, std::memory_order_relaxed);
    }
    owner_.ponged(*this);
}

}  // namespace reflow::peer
