// What waits for room in an inport. Neighbours: peer.cpp (the rest of it). Thread: see peer.hpp.
#include <algorithm>

#include "base/text.hpp"
#include "peer/peer.hpp"

namespace reflow::peer {
namespace {

constexpr std::uint64_t look_again_ns = 100'000'000;  // for room, without somebody who tells of it

}  // namespace

bool Peer::wait_for_room(Link& link, std::uint64_t channel, std::uint64_t inport) {
    bool first = false;
    {
        std::lock_guard lock(mutex_);
        if (roomless_) return false;
        auto [at, made] = waiting_.try_emplace(inport);
        first = made;
        auto one = std::pair(Ref<Link>::share(&link), channel);
        if (std::find(at->second.begin(), at->second.end(), one) == at->second.end()) {
            at->second.push_back(std::move(one));
        }
    }
    if (!first) return true;
    Result<void> set = network_->on_writable(
        inport,
        [](void* data, reflow_inport number) { static_cast<Peer*>(data)->made_room(number.id); },
        network::HostData(Ref<Peer>::share(this).leak(),
                          [](void* data) { static_cast<Peer*>(data)->unref(); }),
        this);
    if (set.ok()) {
        std::unique_lock lock(mutex_);
        if (!roomless_) return true;
        // forget_room() may have been before it: else that sees what waiting_ has.
        lock.unlock();
        (void)network_->on_writable(inport, nullptr, {}, this);
        return false;
    }
    // Nobody will tell: it looks again by itself.
    log(REFLOW_LOG_ERROR, concat("cannot wait for room: ", set.error().message));
    later(look_again_ns, [this, inport] { leave_room(inport); });
    return false;
}

bool Peer::nobody_waits() const {
    std::lock_guard lock(mutex_);
    return roomless_;
}

// Nobody waits for that inport any more: those who did look at what there is now.
void Peer::leave_room(std::uint64_t inport) {
    Vector<std::pair<Ref<Link>, std::uint64_t>> all;
    {
        std::lock_guard lock(mutex_);
        auto found = waiting_.find(inport);
        if (found == waiting_.end()) return;
        all = std::move(found->second);
        waiting_.erase(found);
    }
    for (const auto& [link, channel] : all) link->resume(channel);
}

void Peer::made_room(std::uint64_t inport) {
    Vector<std::pair<Ref<Link>, std::uint64_t>> all;
    {
        std::lock_guard lock(mutex_);
        auto found = waiting_.find(inport);
        if (found == waiting_.end()) return;
        all = std::exchange(found->second, {});
    }
    for (const auto& [link, channel] : all) link->resume(channel);
}

// The network calls no more: it would keep this peer, which keeps it. A turn of an actor may be giving
// what came before the links ended.
void Peer::forget_room() {
    decltype(waiting_) all;
    {
        std::lock_guard lock(mutex_);
        roomless_ = true;
        all.swap(waiting_);
    }
    for (const auto& [inport, waiting] : all) {
        (void)network_->on_writable(inport, nullptr, {}, this);
        for (const auto& [link, channel] : waiting) {
            if (channel == UINT64_MAX) link->give_up_parked();
        }
    }
}

}  // namespace reflow::peer
