// Which calls are on their way to look at deadlines: one more is needed only for a moment before all of them, so that
// there are not more and more of them while near and far deadlines come by turns.
// Neighbours: deliveries, outboxes. Thread: one at a time, whoever has the lock of these.
#pragma once

#include <cstdint>
#include <functional>
#include <set>

#include "base/memory.hpp"

namespace reflow::peer {

class Alarm {
public:
    // Whether a call has to be made that comes at that time; it counts as made then.
    [[nodiscard]] bool wants(std::uint64_t at_ns) {
        if (!calls_.empty() && *calls_.begin() <= at_ns) return false;
        calls_.insert(at_ns);
        return true;
    }
    // It has come, or could not be made.
    void came(std::uint64_t at_ns) noexcept { calls_.erase(at_ns); }

private:
    std::set<std::uint64_t, std::less<>, Allocator<std::uint64_t>> calls_;
};

}  // namespace reflow::peer
