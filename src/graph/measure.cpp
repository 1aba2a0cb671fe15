// Sizes and places of a drawing, the innermost subgraphs first. Thread: one at a time.
#include <algorithm>
#include <cmath>
#include <utility>

#include "base/text.hpp"
#include "graph/svg.hpp"

namespace reflow::graph {
namespace {

// Widths of the printable ASCII characters in Helvetica, in thousandths of the size.
constexpr std::uint16_t widths[] = {
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333,  278, 278, 556, 556, 556,
    556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667,
    611, 778, 722, 278, 500, 667, 556, 833, 722, 778, 667, 778, 722, 667,  611, 722, 667, 944, 667,
    667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556, 556, 278,  556, 556, 222, 222, 500,
    222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500,  500, 334, 260, 334, 584};

constexpr double wider_fonts = 1.14;  // DejaVu Sans against Helvetica
constexpr double turn_room = 66;      // of lines that run backwards, beside the boxes
constexpr double port_overhang = 8;

class Measurer {
public:
    Measurer(const Scenes& scenes, std::uint32_t root, std::uint32_t depth)
        : scenes_(scenes), root_(root), depth_(depth), drawings_(scenes.size()) {}

    Vector<Drawing> run() {
        // Scenes that are drawn: parents stand before children.
        drawings_[root_].drawn = true;
        for (std::uint32_t at = root_; at < scenes_.size(); ++at) {
            if (!drawings_[at].drawn) continue;
            for (const Box& box : scenes_[at]->boxes) {
                if (expanded(scenes_, box, root_, depth_)) drawings_[box.scene].drawn = true;
            }
        }
        for (std::size_t at = scenes_.size(); at-- > root_;) {
            if (drawings_[at].drawn) scene(*scenes_[at], drawings_[at]);
        }
        return std::move(drawings_);
    }

private:
    void scene(const Scene& scene, Drawing& drawing) {
        Vector<Size> sizes;
        for (const Box& box : scene.boxes) {
            Shape& shape = drawing.shapes.emplace_back();
            measure_box(box, shape);
            sizes.push_back({shape.place.width, shape.place.height});
        }
        Vector<LayoutEdge> edges;
        for (const Wire& wire : scene.wires) {
            edges.push_back({wire.from, wire.to, drawing.shapes[wire.from].out_y[wire.from_slot],
                             drawing.shapes[wire.to].in_y[wire.to_slot]});
        }
        Layout places = layout(sizes, edges);
        for (std::size_t i = 0; i < scene.boxes.size(); ++i) {
            drawing.shapes[i].place.x = places.nodes[i].x;
            drawing.shapes[i].place.y = places.nodes[i].y;
        }
        make_regions(scene, drawing);
        make_wires(scene, drawing, places);
        fit(drawing);
    }

    void measure_box(const Box& box, Shape& shape) {
        using namespace metrics;
        if (box.kind == BoxKind::inport || box.kind == BoxKind::outport) {
            double width = text_width(shortened(visible(box.id), id_characters), small_size);
            shape.place.width = std::round(width) + 2 * side;
            shape.place.height = pill_height;
            (box.kind == BoxKind::inport ? shape.out_y : shape.in_y).push_back(pill_height / 2);
            return;
        }
        double width =
            std::max(text_width(shortened(visible(box.id), id_characters), id_size) * 1.06,
                     text_width(shortened(visible(box.component), id_characters), small_size));
        if (box.scene != nowhere) width += 24;  // the mark of a subgraph
        width += 2 * side;
        std::size_t rows = std::max(box.in.size(), box.out.size());
        for (std::size_t i = 0; i < rows; ++i) {
            double row = 2 * side;
            if (i < box.in.size()) row += left_width(box.in[i]);
            if (i < box.out.size()) row += text_width(slot_label(box.out[i]), small_size);
            if (i < box.in.size() && i < box.out.size()) row += 22;
            width = std::max(width, row);
        }
        auto row_y = [](std::size_t i) {
            return header_height + row_height * (static_cast<double>(i) + 0.5) + 2;
        };
        for (std::size_t i = 0; i < box.in.size(); ++i) shape.in_y.push_back(row_y(i));
        for (std::size_t i = 0; i < box.out.size(); ++i) shape.out_y.push_back(row_y(i));
        double height = header_height + (rows > 0 ? static_cast<double>(rows) * row_height + 8 : 0);
        if (expanded(scenes_, box, root_, depth_)) {
            const Drawing& inner = drawings_[box.scene];
            width = std::max(width, inner.width + 2 * side);
            shape.inner = {std::round((width - inner.width) / 2), height + 2};
            height += inner.height + side;
        }
        shape.place.width = std::max(96.0, std::ceil(width));
        shape.place.height = std::ceil(height);
    }

    static double left_width(const Slot& slot) {
        double width = text_width(slot_label(slot), metrics::small_size);
        if (!slot.initials.empty()) {
            width +=
                text_width(tag_label(slot), metrics::small_size) + 2 * metrics::tag_padding + 8;
        }
        return width;
    }

    static void grow(Rect& to, const Rect& by) {
        double right = std::max(to.x + to.width, by.x + by.width);
        double bottom = std::max(to.y + to.height, by.y + by.height);
        to.x = std::min(to.x, by.x);
        to.y = std::min(to.y, by.y);
        to.width = right - to.x;
        to.height = bottom - to.y;
    }

    // A group is one rectangle, unless that would take in boxes that do not belong to it.
    static void make_regions(const Scene& scene, Drawing& drawing) {
        auto framed = [](Rect place, double label) {
            using metrics::region_padding;
            return Rect{place.x - region_padding, place.y - region_padding - label,
                        place.width + 2 * region_padding,
                        place.height + 2 * region_padding + label};
        };
        Vector<bool> member(scene.boxes.size(), false);
        for (const Region& region : scene.regions) {
            Vector<Rect>& parts = drawing.regions.emplace_back();
            Rect all = drawing.shapes[region.boxes[0]].place;
            for (std::uint32_t box : region.boxes) {
                grow(all, drawing.shapes[box].place);
                member[box] = true;
            }
            bool clear = true;
            for (std::size_t i = 0; i < scene.boxes.size(); ++i) {
                const Rect& box = drawing.shapes[i].place;
                bool inside = box.x < all.x + all.width && box.x + box.width > all.x &&
                              box.y < all.y + all.height && box.y + box.height > all.y;
                if (inside && !member[i]) clear = false;
            }
            if (clear) parts.push_back(framed(all, metrics::region_label));
            for (std::uint32_t box : region.boxes) {
                if (!clear) {
                    parts.push_back(framed(drawing.shapes[box].place,
                                           parts.empty() ? metrics::region_label : 0));
                }
                member[box] = false;
            }
        }
    }

    static void make_wires(const Scene& scene, Drawing& drawing, const Layout& places) {
        for (std::size_t i = 0; i < scene.wires.size(); ++i) {
            const Wire& wire = scene.wires[i];
            const Shape& from = drawing.shapes[wire.from];
            const Shape& to = drawing.shapes[wire.to];
            Vector<Point>& points = drawing.wires.emplace_back();
            // Level to the edge of the layer, so that the curves have the gaps to themselves.
            double from_y = from.place.y + from.out_y[wire.from_slot];
            double to_y = to.place.y + to.in_y[wire.to_slot];
            points.push_back({from.place.x + from.place.width, from_y});
            points.push_back({near(places.columns[wire.from].right, points[0].x), from_y});
            points.insert(points.end(), places.edges[i].begin(), places.edges[i].end());
            points.push_back({near(places.columns[wire.to].left, to.place.x), to_y});
            points.push_back({to.place.x, to_y});
        }
    }

    // The edge of a layer, unless the box almost reaches it: a curve from there looks better.
    static double near(double edge, double box) {
        constexpr double slack = 45;
        return std::fabs(edge - box) < slack ? box : edge;
    }

    // Moves everything so that it begins at the margin.
    static void fit(Drawing& drawing) {
        Rect all;
        bool first = true;
        auto take = [&](const Rect& rect) {
            if (first) all = rect;
            first = false;
            grow(all, rect);
        };
        for (const Shape& shape : drawing.shapes) {
            take({shape.place.x - port_overhang, shape.place.y,
                  shape.place.width + 2 * port_overhang, shape.place.height});
        }
        for (const auto& parts : drawing.regions) {
            for (const Rect& rect : parts) take(rect);
        }
        for (const auto& points : drawing.wires) {
            bool turns = points.front().x >= points.back().x;
            for (const Point& point : points) {
                double room = turns ? turn_room : 0;
                take({point.x - room, point.y - 2, 2 * room, 4});
            }
        }
        auto move = [&](double& x, double& y) {
            x = std::round(x - all.x + metrics::margin);
            y = std::round(y - all.y + metrics::margin);
        };
        for (Shape& shape : drawing.shapes) move(shape.place.x, shape.place.y);
        for (auto& parts : drawing.regions) {
            for (Rect& rect : parts) move(rect.x, rect.y);
        }
        for (auto& points : drawing.wires) {
            for (Point& point : points) move(point.x, point.y);
        }
        drawing.width = std::ceil(all.width) + 2 * metrics::margin;
        drawing.height = std::ceil(all.height) + 2 * metrics::margin;
    }

    const Scenes& scenes_;
    std::uint32_t root_;
    std::uint32_t depth_;
    Vector<Drawing> drawings_;
};

}  // namespace

bool expanded(const Scenes& scenes, const Box& box, std::uint32_t root, std::uint32_t depth) {
    return box.scene != nowhere && scenes[box.scene]->level <= scenes[root]->level + depth;
}

Vector<Drawing> measure(const Scenes& scenes, std::uint32_t root, std::uint32_t depth) {
    return Measurer(scenes, root, depth).run();
}

double text_width(std::string_view text, double size) {
    double sum = 0;
    for (char letter : text) {
        auto byte = static_cast<unsigned char>(letter);
        if (byte >= 0x20 && byte < 0x7F) sum += widths[byte - 0x20];
        if (byte >= 0xC0) sum += byte < 0xE1 ? 600 : 1000;  // from U+1000 on: full width
    }
    return sum * size / 1000 * wider_fonts;
}

String slot_label(const Slot& slot) {
    return shortened(visible(slot.name), metrics::name_characters);
}

String tag_label(const Slot& slot) {
    if (slot.initials.empty()) return {};
    String text = shortened(visible(slot.initials[0]), metrics::tag_characters);
    if (slot.initials.size() > 1) append(text, concat(" +", slot.initials.size() - 1));
    return text;
}

}  // namespace reflow::graph
