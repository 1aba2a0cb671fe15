// What is to be drawn, before it is known how: boxes, their ports, wires, groups; subgraphs as
// scenes of their own. Neighbours: the renderers. Thread: one at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "base/memory.hpp"
#include "base/result.hpp"
#include "graph/graph.hpp"

namespace reflow::graph {

struct Slot {                 // one port of a box
    String name;              // with the index: "in[2]"
    Vector<String> initials;  // initial packets as JSON
};
enum class BoxKind : std::uint8_t {
    node,
    missing,  // a node that connections name and that does not exist
    inport,   // an exposed port
    outport
};
struct Box {
    BoxKind kind = BoxKind::node;
    String id;
    String component;
    String tooltip;
    String color;  // "#12ab34" from the metadata, or empty
    Vector<Slot> in;
    Vector<Slot> out;
    std::uint32_t scene = nowhere;  // of a subgraph whose document is inline
};
struct Wire {
    std::uint32_t from = 0;  // box
    std::uint32_t from_slot = 0;
    std::uint32_t to = 0;
    std::uint32_t to_slot = 0;
    String kind;         // of the connection, if not reliable
    bool error = false;  // from an outport "error"
};
struct Region {
    String name;
    String color;
    Vector<std::uint32_t> boxes;
};
struct Scene : Allocated {
    std::unique_ptr<Graph> owned;  // of a subgraph
    const Graph* graph = nullptr;
    std::uint32_t parent = nowhere;
    std::uint32_t level = 0;
    String path;        // "outer/inner", empty for the main graph
    Vector<Box> boxes;  // nodes in the order of the graph, then the others
    Vector<Wire> wires;
    Vector<Region> regions;
    std::size_t node_count = 0;
};
using Scenes = Vector<std::unique_ptr<Scene>>;

// The scene of a graph and those of its subgraphs down to a depth; parents before children.
[[nodiscard]] Scenes make_scenes(const Graph& graph, std::uint32_t depth);

// Boxes from left to right as the data flows, as positions in `boxes`; for lists.
[[nodiscard]] Vector<std::uint32_t> reading_order(const Scene& scene);

// Text with control characters made visible, so that it can go to a terminal or into XML.
[[nodiscard]] String visible(std::string_view text);
// At most so many characters, the last of which is then an ellipsis.
[[nodiscard]] String shortened(std::string_view text, std::size_t characters);
// For XML and HTML, in text and in attributes.
[[nodiscard]] String xml(std::string_view text);

// The pictures; each in its own file. Dark: for a dark background.
[[nodiscard]] String draw_text(const Scenes& scenes);
[[nodiscard]] String draw_mermaid(const Scenes& scenes);
[[nodiscard]] String draw_dot(const Scenes& scenes, bool dark);
// One scene, with subgraphs expanded so many levels below it.
[[nodiscard]] String draw_svg(const Scenes& scenes, std::uint32_t root, std::uint32_t depth,
                              bool dark, bool inside_html);
[[nodiscard]] String draw_html(const Scenes& scenes, std::uint32_t depth, bool dark);

}  // namespace reflow::graph
