// What has come from the outboxes of others: a message that is sent again is known by its number and
// taken once. Neighbours: peer (delivers in between). Thread: any; one lock, under which nobody is called.
#pragma once

#include <cstdint>
#include <mutex>
#include <string_view>

#include "base/limits.hpp"
#include "base/ref.hpp"
#include "peer/greeting.hpp"
#include "peer/link.hpp"

namespace reflow::peer {

class Arrivals {
public:
    explicit Arrivals(std::size_t most = limits::peer_outboxes_known_count) : most_(most) {}

    // Of messages with numbers from `number` on, so many have come before. busy: others of this outbox are
    // being delivered at this moment by another link; that one resumes this channel afterwards.
    struct Begun {
        bool busy = false;
        std::size_t known = 0;
    };
    Begun begin(const Identity& from, std::string_view outbox, std::uint64_t number,
                std::size_t count, Link& link, std::uint64_t channel);
    // After begin() that was not busy: all below `next` are through. Resumes those that wait.
    void end(const Identity& from, std::string_view outbox, std::uint64_t next);

    [[nodiscard]] std::uint64_t duplicates() const;
    // In all, of outboxes that are remembered.
    [[nodiscard]] std::size_t size() const;

private:
    struct Known {
        std::uint64_t next = 0;
        std::uint64_t used = 0;  // when; those used last are kept
        bool busy = false;
        Vector<std::pair<Ref<Link>, std::uint64_t>> waiting;
    };
    void make_room();

    const std::size_t most_;
    mutable std::mutex mutex_;  // guards all below
    Map<String, Known> all_;
    Map<std::uint64_t, String> by_use_;
    std::uint64_t uses_ = 0;
    std::uint64_t duplicates_ = 0;
};

}  // namespace reflow::peer
