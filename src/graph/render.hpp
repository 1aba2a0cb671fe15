// Pictures of a graph: text, Mermaid, Graphviz, SVG, HTML.
// Neighbours: capi above. Thread: any, one at a time for a graph.
#pragma once

#include <cstdint>

#include "base/result.hpp"
#include "graph/graph.hpp"

namespace reflow::graph {

struct PictureOptions {
    // Levels of subgraphs to draw in place. A subgraph is a node whose metadata holds
    // "componentSpec": {"type": "subgraph", "graph": {...}} with the document inline.
    std::uint32_t depth = 0;
    bool dark = false;
};

// REFLOW_ERROR_INVALID_ARGUMENT for an unknown kind, REFLOW_ERROR_LIMIT beyond what can be drawn.
[[nodiscard]] Result<String> render(const Graph& graph, reflow_picture kind,
                                    const PictureOptions& options = {});

}  // namespace reflow::graph
