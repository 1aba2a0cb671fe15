// A hash index from keys that stand elsewhere to positions in a vector. Equal keys are allowed and
// cost nothing: each bucket is a doubly linked chain. Neighbours: graph.hpp. Thread: one at a time.
#pragma once

#include <cstdint>

#include "base/assert.hpp"
#include "base/memory.hpp"

namespace reflow::graph {

inline constexpr std::uint32_t nowhere = UINT32_MAX;

class ChainIndex {
public:
    // Memory for positions up to this one, so that inserting them cannot fail.
    void reserve(std::uint32_t position);
    void insert(std::uint32_t position, std::uint64_t hash) noexcept;
    void erase(std::uint32_t position) noexcept;

    // Positions with this hash, newest first; the caller compares the keys. nowhere ends it.
    [[nodiscard]] std::uint32_t first(std::uint64_t hash) const noexcept {
        if (buckets_.empty()) return nowhere;
        return skip(buckets_[bucket(fold(hash))], fold(hash));
    }
    [[nodiscard]] std::uint32_t next(std::uint32_t position) const noexcept {
        return skip(links_[position].next, links_[position].hash);
    }

private:
    static constexpr std::uint32_t unused = nowhere - 1;  // as next: nothing is there
    struct Link {
        std::uint32_t hash = 0;
        std::uint32_t previous = nowhere;
        std::uint32_t next = unused;
    };
    static std::uint32_t fold(std::uint64_t hash) noexcept {
        return static_cast<std::uint32_t>(hash ^ (hash >> 32));
    }
    [[nodiscard]] std::size_t bucket(std::uint32_t hash) const noexcept {
        return (hash * std::uint32_t{2654435769}) & (buckets_.size() - 1);
    }
    [[nodiscard]] std::uint32_t skip(std::uint32_t position, std::uint32_t hash) const noexcept {
        while (position != nowhere && links_[position].hash != hash) {
            position = links_[position].next;
        }
        return position;
    }
    void link(std::uint32_t position) noexcept;

    Vector<std::uint32_t> buckets_;  // a power of two of them
    Vector<Link> links_;             // by position
};

}  // namespace reflow::graph
