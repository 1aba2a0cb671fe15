// Which events a subscription gets: kinds, nodes by a pattern, one in so many.
// Neighbours: events. Thread: guarded by the network.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/memory.hpp"

namespace reflow::network {

class Event;

// Whether a text has the form of a pattern: '*' for any text without '/', "**" for any text, '?'
// for one byte other than '/'.
[[nodiscard]] bool matches(std::string_view pattern, std::string_view text) noexcept;

class EventFilter {
public:
    // nodes: empty for all.
    EventFilter(std::uint64_t kinds, std::string_view nodes, std::uint32_t sample);
    [[nodiscard]] std::uint64_t kinds() const noexcept { return kinds_; }
    [[nodiscard]] bool has_kind(std::int32_t kind) const noexcept {
        return (kinds_ >> kind & 1) != 0;
    }
    // Whether this one is for the subscription; counts those that are sampled.
    [[nodiscard]] bool accepts(const Event& event) noexcept;

private:
    const std::uint64_t kinds_;
    String nodes_;
    const std::uint32_t sample_;
    std::uint32_t left_[64] = {};  // of each kind: so many are left out before the next
};

}  // namespace reflow::network
