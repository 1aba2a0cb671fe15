// Pictures of a graph: which kind. Neighbours: draw_text.cpp, draw_lines.cpp, draw_svg.cpp,
// draw_html.cpp. Thread: one at a time.
#include "graph/render.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "graph/scene.hpp"

namespace reflow::graph {

Result<String> render(const Graph& graph, reflow_picture kind, const PictureOptions& options) {
    constexpr std::uint32_t deepest = REFLOW_MAX_DEPTH;  // no document has more levels
    std::uint32_t depth = std::min(options.depth, deepest);
    switch (kind) {
        case REFLOW_PICTURE_TEXT:
            return draw_text(make_scenes(graph, depth));
        case REFLOW_PICTURE_MERMAID:
            return draw_mermaid(make_scenes(graph, depth));
        case REFLOW_PICTURE_DOT:
            return draw_dot(make_scenes(graph, depth), options.dark);
        case REFLOW_PICTURE_SVG:
            // One level more than is drawn, so that nodes with something inside are marked.
            return draw_svg(make_scenes(graph, depth + 1), 0, depth, options.dark, false);
        case REFLOW_PICTURE_HTML:
            // All levels: the page opens them.
            return draw_html(make_scenes(graph, deepest), depth, options.dark);
        default:
            return Failure(REFLOW_ERROR_INVALID_ARGUMENT, concat("no kind of picture ", kind));
    }
}

}  // namespace reflow::graph
