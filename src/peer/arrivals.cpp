// See arrivals.hpp. Thread: any.
#include "peer/arrivals.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace reflow::peer {
namespace {

// Nobody speaks for the outbox of another process: the identity is that of the greeting.
String key_of(const Identity& from, std::string_view outbox) {
    return concat(from.network_id, '\0', from.instance_id, '\0', outbox);
}

}  // namespace

Arrivals::Begun Arrivals::begin(const Identity& from, std::string_view outbox,
                                std::uint64_t number, std::size_t count, Link& link,
                                std::uint64_t channel) {
    String key = key_of(from, outbox);
    std::lock_guard lock(mutex_);
    auto found = all_.find(key);
    if (found == all_.end()) {
        make_room();
        found = all_.emplace(key, Known()).first;
    }
    Known& known = found->second;
    if (known.busy) {
        auto one = std::pair(Ref<Link>::share(&link), channel);
        if (std::find(known.waiting.begin(), known.waiting.end(), one) == known.waiting.end()) {
            known.waiting.push_back(std::move(one));
        }
        return {true, 0};
    }
    if (known.used != 0) by_use_.erase(known.used);
    known.used = ++uses_;
    by_use_.emplace(known.used, std::move(key));
    std::uint64_t behind = known.next - std::min(known.next, number);
    auto duplicates = static_cast<std::size_t>(std::min<std::uint64_t>(behind, count));
    duplicates_ += duplicates;
    known.busy = true;
    return {false, duplicates};
}

void Arrivals::end(const Identity& from, std::string_view outbox, std::uint64_t next) {
    Vector<std::pair<Ref<Link>, std::uint64_t>> waiting;
    {
        std::lock_guard lock(mutex_);
        auto found = all_.find(key_of(from, outbox));
        if (found == all_.end()) return;
        found->second.busy = false;
        found->second.next = std::max(found->second.next, next);
        waiting = std::exchange(found->second.waiting, {});
    }
    for (const auto& [link, channel] : waiting) link->resume(channel);
}

// Forgets the one that was used longest ago and has nobody at work.
void Arrivals::make_room() {
    if (all_.size() < most_) return;
    for (auto it = by_use_.begin(); it != by_use_.end(); ++it) {
        auto found = all_.find(it->second);
        if (found == all_.end() || found->second.busy) continue;
        all_.erase(found);
        by_use_.erase(it);
        return;
    }
}

std::uint64_t Arrivals::duplicates() const {
    std::lock_guard lock(mutex_);
    return duplicates_;
}

std::size_t Arrivals::size() const {
    std::lock_guard lock(mutex_);
    return all_.size();
}

}  // namespace reflow::peer
