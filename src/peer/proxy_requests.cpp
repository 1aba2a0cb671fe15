// What a node that stands for a remote actor has asked to hear, on which links that was answered, and how another node
// that a change puts in its place goes on with it. Neighbours: proxies.cpp (the rest of it). Thread: see proxies.hpp.
#include <algorithm>

#include "peer/peer.hpp"
#include "peer/proxies.hpp"
#include "runtime/actor.hpp"
#include "runtime/heard.hpp"

namespace reflow::peer {

const Proxy::Followed* Proxy::find(std::uint64_t number) const noexcept {
    for (const Followed& one : followed_) {
        if (one.number == number) return &one;
    }
    return nullptr;
}

std::optional<std::uint32_t> Proxy::same_outport(const Proxy& other,
                                                 std::uint32_t outport) const noexcept {
    for (const Followed& theirs : other.followed_) {
        if (theirs.outport != outport) continue;
        for (const Followed& one : followed_) {
            if (one.port == theirs.port) return one.outport;
        }
    }
    return std::nullopt;
}

// What both want is asked for once, by the number of the one before. Nobody knows this node yet.
void Proxy::take_numbers(const Proxy& before) {
    for (Followed& one : followed_) {
        for (const Followed& theirs : before.followed_) {
            if (theirs.port == one.port && theirs.replies == one.replies) one.number = theirs.number;
        }
    }
}

// And what was answered there is answered here. Answers are told to both by now.
void Proxy::go_on_from(Proxy& before) {
    Vector<std::uint64_t> own;  // that the one before has not asked for
    for (const Followed& one : followed_) {
        const Followed* theirs = before.find(one.number);
        if (wants(one) && (theirs == nullptr || !before.wants(*theirs))) own.push_back(one.number);
    }
    auto is_own = [&](std::uint64_t number) {
        return std::find(own.begin(), own.end(), number) != own.end();
    };
    const std::scoped_lock both(before.mutex_, mutex_);
    for (const Asked& from : before.asked_) {
        auto to = std::find_if(asked_.begin(), asked_.end(),
                               [&](const Asked& one) { return one.link == from.link; });
        if (to == asked_.end()) to = asked_.insert(to, {from.link, own});
        std::erase_if(to->unanswered, [&](std::uint64_t number) { return !is_own(number); });
        for (std::uint64_t number : from.unanswered) {
            const Followed* found = find(number);
            if (found != nullptr && wants(*found) && !is_own(number)) to->unanswered.push_back(number);
        }
    }
}

// What comes for this one from now on comes for that one, behind what has come so far.
void Proxy::hand_over(Proxy& next) {
    {
        const std::scoped_lock both(mutex_, next.mutex_);
        Vector<Coming> all;
        all.reserve(coming_.size() + next.coming_.size());
        for (Coming& one : coming_) {
            auto outport = next.same_outport(*this, one.exit.outport);
            if (!outport) continue;
            one.exit.outport = *outport;
            all.push_back(std::move(one));
        }
        for (Coming& one : next.coming_) all.push_back(std::move(one));
        next.coming_.swap(all);
        for (auto& one : refused_) next.refused_.push_back(std::move(one));
        coming_.clear();
        refused_.clear();
        successor_ = Ref<Proxy>::share(&next);
        open_ = false;
    }
    next.wake();
}

void Proxy::look_at_errors() noexcept {
    const std::uint32_t port = error_port_.load(std::memory_order_relaxed);
    const bool now = runtime::heard(actor_->outports[port]);
    if (now == hears_errors_.load(std::memory_order_relaxed)) return;
    if (hears_errors_.exchange(now, std::memory_order_acq_rel) == now) return;
    Ref<Peer> peer = home->peer();
    if (!peer) return;
    try {
        for (const Followed& one : followed_) {
            if (one.outport == port) peer->follow_late(*this, one, now);
        }
    } catch (const std::bad_alloc&) {
        hears_errors_.store(!now, std::memory_order_release);  // its next turn looks again
    }
}

void Proxy::asks(const Link& link) {
    std::lock_guard lock(mutex_);
    for (const Asked& one : asked_) {
        if (one.link == &link) return;
    }
    Asked& made = asked_.emplace_back(Asked{&link});
    for (const Followed& one : followed_) {
        if (wants(one)) made.unanswered.push_back(one.number);
    }
}

bool Proxy::asks_too(const Link& link, std::uint64_t number) {
    std::lock_guard lock(mutex_);
    for (Asked& one : asked_) {
        if (one.link != &link) continue;
        std::erase(one.unanswered, number);
        one.unanswered.push_back(number);
        return true;
    }
    return false;
}

void Proxy::answered(const Link& link, std::uint64_t number) {
    bool done = false;
    {
        std::lock_guard lock(mutex_);
        for (Asked& one : asked_) {
            if (one.link != &link || one.unanswered.empty()) continue;
            std::erase_if(one.unanswered, [number](std::uint64_t each) {
                return number == all_requests || each == number;
            });
            done = one.unanswered.empty();
        }
    }
    if (done) wake();
}

void Proxy::forget(const Link& link) {
    std::lock_guard lock(mutex_);
    std::erase_if(asked_, [&](const Asked& one) { return one.link == &link; });
}

bool Proxy::hears(const Link& link) {
    std::lock_guard lock(mutex_);
    for (const Asked& one : asked_) {
        if (one.link == &link) return one.unanswered.empty();
    }
    return false;
}

}  // namespace reflow::peer
