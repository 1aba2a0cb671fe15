// Layered layout (after Sugiyama): from left to right, deterministic, total also on cycles.
// Neighbours: render. Thread: any.
#pragma once

#include <cstdint>

#include "base/memory.hpp"
#include "base/result.hpp"
#include "graph/graph.hpp"

namespace reflow::graph {

struct Point {
    double x = 0;
    double y = 0;
};
struct Size {
    double width = 0;
    double height = 0;
};

struct LayoutEdge {
    std::uint32_t from = 0;
    std::uint32_t to = 0;
    double from_y = 0;  // where it leaves and enters, below the top of the box
    double to_y = 0;
};
struct LayoutOptions {
    double layer_gap = 80;      // between the boxes of neighbouring layers
    double node_gap = 28;       // between boxes of a layer
    double line_gap = 14;       // between a line that passes through a layer and what is beside it
    std::uint32_t sweeps = 12;  // of crossing reduction, at most
};
struct Layout {
    Vector<Point> nodes;  // top left corners; all are >= 0
    // For each edge the points that it passes between its two ends, in its own direction. Where an
    // edge has to run backwards it leaves its layer to the right and comes in from the left.
    Vector<Vector<Point>> edges;
    // Of each node: where its layer begins and ends. Beside a box its layer is free, at its height.
    struct Column {
        double left = 0;
        double right = 0;
    };
    Vector<Column> columns;
    double width = 0;
    double height = 0;
};

[[nodiscard]] Layout layout(const Vector<Size>& nodes, const Vector<LayoutEdge>& edges,
                            const LayoutOptions& options = {});

// Gives every node of a graph a "position" {x, y} in its metadata.
Result<void> auto_layout(Graph& graph);

}  // namespace reflow::graph
