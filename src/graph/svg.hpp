// Where everything of a drawing lies: boxes with their ports, wires, groups; subgraphs that are
// expanded inside their boxes. Neighbours: scene.hpp before it, draw_svg.cpp after it.
// Thread: one at a time.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/memory.hpp"
#include "graph/layout.hpp"
#include "graph/scene.hpp"

namespace reflow::graph {

namespace metrics {
inline constexpr double margin = 24;
inline constexpr double id_size = 13;  // of text, in pixels
inline constexpr double small_size = 11;
inline constexpr double header_height = 42;
inline constexpr double row_height = 20;
inline constexpr double side = 14;  // between the edge of a box and its text
inline constexpr double tag_padding = 6;
inline constexpr double pill_height = 26;
inline constexpr double region_padding = 14;
inline constexpr double region_label = 18;
inline constexpr std::size_t id_characters = 32;
inline constexpr std::size_t name_characters = 24;
inline constexpr std::size_t tag_characters = 22;
}  // namespace metrics

struct Rect {
    double x = 0;
    double y = 0;
    double width = 0;
    double height = 0;
};
struct Shape {  // of a box
    Rect place;
    Vector<double> in_y;  // of the ports, below the top
    Vector<double> out_y;
    Point inner;  // where the drawing of an expanded subgraph begins, in the box
};
struct Drawing {
    Vector<Shape> shapes;          // by box
    Vector<Vector<Point>> wires;   // by wire: pairs of points, one for each layer
    Vector<Vector<Rect>> regions;  // by region: one rectangle, or one for each box
    double width = 0;
    double height = 0;
    bool drawn = false;  // part of this picture
};

// Whether the subgraph of a box is drawn in place in a picture of `root`.
[[nodiscard]] bool expanded(const Scenes& scenes, const Box& box, std::uint32_t root,
                            std::uint32_t depth);

// The drawings of a scene and of what is expanded in it, by scene.
[[nodiscard]] Vector<Drawing> measure(const Scenes& scenes, std::uint32_t root,
                                      std::uint32_t depth);

// The style sheet of a drawing.
[[nodiscard]] String svg_style(bool dark);

// The width of text in pixels, rather too large than too small: fonts differ.
[[nodiscard]] double text_width(std::string_view text, double size);

// What is written beside a port, and in the tag of its initial packets.
[[nodiscard]] String slot_label(const Slot& slot);
[[nodiscard]] String tag_label(const Slot& slot);

}  // namespace reflow::graph
