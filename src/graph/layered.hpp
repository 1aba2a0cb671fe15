// The steps of the layered layout, for one connected part of a graph at a time:
// layers (rank.cpp), order within the layers (order.cpp), coordinates (place.cpp).
// Neighbours: layout.cpp, which puts the parts together. Thread: any.
#pragma once

#include <cstdint>
#include <span>

#include "base/memory.hpp"
#include "graph/chain_index.hpp"
#include "graph/cycles.hpp"
#include "graph/layout.hpp"

namespace reflow::graph {

// A layer for each node, so that arcs lead to the right as far as there are no cycles; no layer is
// empty. Loops (from a node to itself) have no say.
[[nodiscard]] Vector<std::uint32_t> rank(std::uint32_t node_count, std::span<const Arc> arcs);

// A connected part, in layers: boxes, and the points where lines pass through layers. Every link
// joins neighbouring layers.
struct Layered {
    struct Node {
        std::uint32_t layer = 0;
        std::uint32_t place = 0;       // in its layer, from the top
        std::uint32_t host = nowhere;  // of the end of a line that runs backwards: its box
        bool line = false;             // a point of a line, no box
        double height = 0;
        double y = 0;
    };
    struct Link {
        std::uint32_t left = 0;
        std::uint32_t right = 0;
        double left_y = 0;  // where it is attached, below the tops
        double right_y = 0;
    };
    Vector<Node> nodes;  // boxes first
    Vector<Link> links;
    Vector<Vector<std::uint32_t>> layers;
    Adjacency to_right;  // of each node the links: targets are positions in `links`
    Adjacency to_left;
};

// Orders each layer so that few links cross: barycentres, at most so many sweeps.
void order_layers(Layered& graph, std::uint32_t sweeps);

// Gives every node its y: links as straight as order and gaps allow. The smallest y is 0.
void place_nodes(Layered& graph, const LayoutOptions& options);

}  // namespace reflow::graph
