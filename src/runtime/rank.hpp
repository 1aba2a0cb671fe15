// Classes of ready actors: who goes first, and how often one of a lower class is passed over.
// Neighbours: ready_queue, single_thread, blocking_pool. Thread: one at a time.
#pragma once

#include <cstdint>

#include "base/limits.hpp"

namespace reflow::runtime {

enum class Rank : std::uint8_t { normal, high, low };

// Whose turn it is, told for each turn from who waits. The higher class goes first; but when so many
// turns of higher classes have passed one over that waited all the time, it has one.
class RankRule {
public:
    // At least one is true; otherwise the answer says nothing.
    [[nodiscard]] Rank next(bool high, bool normal, bool low) noexcept {
        if (!normal) over_normal_ = 0;
        if (!low) over_low_ = 0;
        Rank rank = high ? Rank::high : normal ? Rank::normal : Rank::low;
        if (normal && over_normal_ >= limits::overtakes_count) rank = Rank::normal;
        if (low && over_low_ >= limits::overtakes_count) rank = Rank::low;
        if (rank == Rank::low) {
            over_low_ = 0;
            return rank;
        }
        ++over_low_;
        over_normal_ = rank == Rank::normal ? 0 : over_normal_ + 1;
        return rank;
    }

private:
    std::uint32_t over_normal_ = 0;
    std::uint32_t over_low_ = 0;
};

}  // namespace reflow::runtime
