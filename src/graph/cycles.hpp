// Cycles of a graph. Neighbours: validate.cpp, layout.cpp. Thread: any.
#pragma once

#include <cstdint>
#include <span>

#include "base/memory.hpp"

namespace reflow::graph {

// A directed graph on dense numbers: where from[i] goes is targets[starts[i] .. starts[i + 1]).
struct Adjacency {
    Vector<std::uint32_t> starts;
    Vector<std::uint32_t> targets;
    [[nodiscard]] std::span<const std::uint32_t> of(std::uint32_t node) const noexcept {
        return {targets.data() + starts[node], targets.data() + starts[node + 1]};
    }
};
struct Arc {
    std::uint32_t from = 0;
    std::uint32_t to = 0;
};
// Keeps the order of the arcs at each node.
[[nodiscard]] Adjacency adjacency(std::uint32_t node_count, std::span<const Arc> arcs);

// The strongly connected component of each node (Tarjan). Numbers rise against the direction of
// the arcs: a component has a larger number than those that it leads to.
[[nodiscard]] Vector<std::uint32_t> strong_components(const Adjacency& graph);

// For each strongly connected component with a cycle: a shortest cycle through its first node.
struct Cycle {
    Vector<std::uint32_t> nodes;  // from the first node on, which is not repeated at the end
    std::uint32_t size = 0;       // of the whole component
};
[[nodiscard]] Vector<Cycle> cycles(const Adjacency& graph);

}  // namespace reflow::graph
