// A graph as SVG, complete in itself. Neighbours: measure.cpp says where everything lies.
// Thread: one at a time.
#include <algorithm>
#include <cmath>
#include <utility>

#include "base/text.hpp"
#include "graph/svg.hpp"

namespace reflow::graph {
namespace {

constexpr std::string_view accents[] = {"#3b82f6", "#10b981", "#f59e0b", "#8b5cf6", "#f43f5e",
                                        "#06b6d4", "#84cc16", "#ec4899", "#f97316", "#6366f1"};

String number(double value) {
    double tenth = std::round(value * 10) / 10;
    String text;
    if (std::trunc(tenth) == tenth && std::fabs(tenth) < 1e15) {
        append_integer(text, static_cast<std::int64_t>(tenth));
    } else {
        append_float(text, tenth);
    }
    return text;
}

String pair(double x, double y) { return concat(number(x), " ", number(y)); }

class SvgDrawing {
public:
    SvgDrawing(const Scenes& scenes, std::uint32_t root, std::uint32_t depth, bool inside_html)
        : scenes_(scenes),
          root_(root),
          depth_(depth),
          inside_html_(inside_html),
          drawings_(measure(scenes, root, depth)) {}

    String run(bool dark) {
        const Drawing& drawing = drawings_[root_];
        String width = number(drawing.width);
        String height = number(drawing.height);
        append(out_, concat("<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"rf\" viewBox=\"0 0 ",
                            width, " ", height, "\" width=\"", width, "\" height=\"", height,
                            "\" role=\"img\">\n<title>", xml(scenes_[root_]->graph->name()),
                            "</title>\n"));
        if (!inside_html_) append(out_, concat("<style>\n", svg_style(dark), "</style>\n"));
        append(out_,
               concat("<rect class=\"rf-page\" width=\"", width, "\" height=\"", height, "\"/>\n"));
        offsets_.resize(scenes_.size());
        for (std::uint32_t at = root_; at < scenes_.size(); ++at) {
            if (drawings_[at].drawn) scene(at);
        }
        out_ += "</svg>\n";
        return std::move(out_);
    }

private:
    void scene(std::uint32_t at) {
        const Scene& scene = *scenes_[at];
        const Drawing& drawing = drawings_[at];
        append(out_,
               concat("<g transform=\"translate(", pair(offsets_[at].x, offsets_[at].y), ")\">\n"));
        for (std::size_t i = 0; i < scene.regions.size(); ++i) {
            region(scene.regions[i], drawing.regions[i]);
        }
        for (std::size_t i = 0; i < scene.wires.size(); ++i) wire(scene, i, drawing.wires[i]);
        for (std::size_t i = 0; i < scene.boxes.size(); ++i) {
            const Box& box = scene.boxes[i];
            const Shape& shape = drawing.shapes[i];
            if (box.kind == BoxKind::inport || box.kind == BoxKind::outport) {
                pill(box, shape);
            } else {
                node(box, shape);
            }
            if (expanded(scenes_, box, root_, depth_)) {
                offsets_[box.scene] = {offsets_[at].x + shape.place.x + shape.inner.x,
                                       offsets_[at].y + shape.place.y + shape.inner.y};
            }
        }
        out_ += "</g>\n";
    }

    void text(std::string_view style, double x, double y, std::string_view content) {
        append(out_, concat("<text class=\"", style, "\" x=\"", number(x), "\" y=\"", number(y),
                            "\">", xml(content), "</text>"));
    }
    void rect(std::string_view style, const Rect& place, double radius,
              std::string_view rest = {}) {
        append(out_, concat("<rect class=\"", style, "\" x=\"", number(place.x), "\" y=\"",
                            number(place.y), "\" width=\"", number(place.width), "\" height=\"",
                            number(place.height), "\" rx=\"", number(radius), "\"", rest, "/>"));
    }
    void port(double x, double y, std::string_view style) {
        append(out_, concat("<circle class=\"", style, "\" cx=\"", number(x), "\" cy=\"", number(y),
                            "\" r=\"3.5\"/>"));
    }

    void region(const Region& region, const Vector<Rect>& parts) {
        append(out_, concat("<g class=\"rf-region\"><title>", xml(region.name), "</title>"));
        String color;
        if (!region.color.empty()) {
            color = concat(" style=\"fill:", region.color, ";stroke:", region.color,
                           ";fill-opacity:.1;stroke-opacity:.4\"");
        }
        for (const Rect& rect_of : parts) rect("rf-group", rect_of, 12, color);
        text("rf-group-name", parts[0].x + 12, parts[0].y + 17,
             shortened(visible(region.name), metrics::id_characters));
        out_ += "</g>\n";
    }

    void wire(const Scene& scene, std::size_t at, const Vector<Point>& points) {
        const Wire& wire = scene.wires[at];
        const Box& from = scene.boxes[wire.from];
        const Box& to = scene.boxes[wire.to];
        auto end = [](const Box& box, const Slot& slot) {
            return slot.name.empty() ? box.id : concat(box.id, ".", slot.name);
        };
        append(out_, concat("<g class=\"rf-wire", wire.error ? " rf-error" : "",
                            wire.kind.empty() ? "" : " rf-loose", "\"><title>",
                            xml(end(from, from.out[wire.from_slot])), " \xE2\x86\x92 ",
                            xml(end(to, to.in[wire.to_slot]))));
        if (!wire.kind.empty()) append(out_, concat(" (", xml(wire.kind), ")"));
        append(out_, concat("</title><path class=\"rf-line\" d=\"", path(points), "\"/>"));
        Point tip = points.back();
        append(out_, concat("<path class=\"rf-tip\" d=\"M", pair(tip.x - 3, tip.y), "L",
                            pair(tip.x - 11, tip.y - 4.5), "L", pair(tip.x - 11, tip.y + 4.5),
                            "Z\"/></g>\n"));
    }

    // Curves between layers, straight lines in them. The points are pairs, one for each layer; a
    // pair may run to the left, and then the line has to turn.
    static String path(const Vector<Point>& points) {
        auto heading = [&](std::size_t i) {
            return points[i | 1].x >= points[i & ~std::size_t{1}].x ? 1.0 : -1.0;
        };
        String text = concat("M", pair(points[0].x, points[0].y));
        for (std::size_t i = 0; i + 1 < points.size(); ++i) {
            Point a = points[i];
            Point b = points[i + 1];
            if (i + 2 == points.size()) b.x = std::max(a.x, b.x - 9);  // room for the tip
            if (i % 2 == 0) {
                if (a.x != b.x) append(text, concat("H", number(b.x)));
                continue;
            }
            bool last = i + 3 == points.size() && b.x > points.back().x - 9;
            if (last) b.x = points.back().x - 9;
            double out = heading(i);
            double in = heading(i + 1);
            if (out == in && (b.x - a.x) * out > 0 && std::fabs(a.y - b.y) < 0.5) {
                append(text, concat("L", pair(b.x, b.y)));
                continue;
            }
            double reach = (b.x - a.x) * out;
            double bend = out == in && reach > 0 ? reach / 2
                                                 : std::min(60.0, 26 + 0.12 * std::fabs(b.y - a.y));
            append(text, concat("C", pair(a.x + out * bend, a.y), " ", pair(b.x - in * bend, b.y),
                                " ", pair(b.x, b.y)));
        }
        return text;
    }

    void pill(const Box& box, const Shape& shape) {
        append(out_, concat("<g class=\"rf-exposed\"><title>", xml(box.tooltip), "</title>"));
        rect("rf-pill", shape.place, shape.place.height / 2);
        text("rf-pill-name", shape.place.x + shape.place.width / 2,
             shape.place.y + shape.place.height / 2 + 4,
             shortened(visible(box.id), metrics::id_characters));
        out_ += "</g>\n";
    }

    std::string_view accent(const Box& box) {
        if (!box.color.empty()) return box.color;
        auto [found, fresh] = accents_.emplace(box.component, accents_.size());
        return accents[found->second % std::size(accents)];
    }

    void node(const Box& box, const Shape& shape) {
        using namespace metrics;
        const Rect& place = shape.place;
        bool missing = box.kind == BoxKind::missing;
        bool open = expanded(scenes_, box, root_, depth_);
        append(out_, concat("<g class=\"rf-node", missing ? " rf-missing" : "",
                            box.scene != nowhere ? " rf-sub" : "", "\""));
        if (inside_html_ && box.scene != nowhere) {
            append(out_, concat(" data-scene=\"", box.scene, "\""));
        }
        append(out_, concat("><title>", xml(box.tooltip), "</title>"));
        rect(open ? "rf-box rf-open" : "rf-box", place, 8);
        if (!missing) header(place, accent(box));
        text("rf-id", place.x + side, place.y + 18, shortened(visible(box.id), id_characters));
        text("rf-component", place.x + side, place.y + 33,
             shortened(visible(box.component), id_characters));
        if (box.scene != nowhere) mark(place.x + place.width - 24, place.y + 10, open);
        for (std::size_t i = 0; i < box.in.size(); ++i) {
            double y = place.y + shape.in_y[i];
            String label = slot_label(box.in[i]);
            port(place.x, y, "rf-port");
            text("rf-name", place.x + side, y + 4, label);
            if (!box.in[i].initials.empty()) {
                tag(box.in[i], place.x + side + text_width(label, small_size) + 6, y);
            }
        }
        for (std::size_t i = 0; i < box.out.size(); ++i) {
            double y = place.y + shape.out_y[i];
            bool error = box.out[i].name == "error";
            port(place.x + place.width, y, error ? "rf-port rf-port-error" : "rf-port");
            text("rf-name rf-right", place.x + place.width - side, y + 4, slot_label(box.out[i]));
        }
        out_ += "</g>\n";
    }

    // The upper part of a box in the colour of its component.
    void header(const Rect& place, std::string_view color) {
        double right = place.x + place.width;
        double bottom = place.y + std::min(metrics::header_height, place.height);
        bool alone = place.height <= metrics::header_height;
        String corner =
            alone ? concat("V", number(bottom - 8), "A8 8 0 0 1 ", pair(right - 8, bottom), "H",
                           number(place.x + 8), "A8 8 0 0 1 ", pair(place.x, bottom - 8))
                  : concat("V", number(bottom), "H", number(place.x));
        append(out_,
               concat("<path class=\"rf-band\" fill=\"", color, "\" d=\"M",
                      pair(place.x, place.y + 8), "A8 8 0 0 1 ", pair(place.x + 8, place.y), "H",
                      number(right - 8), "A8 8 0 0 1 ", pair(right, place.y + 8), corner, "Z\"/>"));
    }

    void mark(double x, double y, bool open) {
        rect("rf-mark", {x, y, 13, 13}, 3);
        append(out_, concat("<path class=\"rf-mark-line\" d=\"M", pair(x + 3.5, y + 6.5), "h6"));
        if (!open) append(out_, concat("M", pair(x + 6.5, y + 3.5), "v6"));
        out_ += "\"/>";
    }

    void tag(const Slot& slot, double x, double y) {
        using namespace metrics;
        String label = tag_label(slot);
        String all;
        for (const String& value : slot.initials) {
            if (!all.empty()) all += '\n';
            append(all, value);
        }
        append(out_, concat("<g class=\"rf-initial\"><title>", xml(all), "</title>"));
        rect("rf-tag", {x, y - 8, text_width(label, small_size) + 2 * tag_padding, 16}, 8);
        text("rf-tag-text", x + tag_padding, y + 4, label);
        out_ += "</g>";
    }

    const Scenes& scenes_;
    std::uint32_t root_;
    std::uint32_t depth_;
    bool inside_html_;
    Vector<Drawing> drawings_;
    Vector<Point> offsets_;
    TextMap<std::size_t> accents_;  // by component
    String out_;
};

}  // namespace

String svg_style(bool dark) {
    struct Theme {
        std::string_view page, text, muted, box, border, wire, error, group, group_border, tag,
            tag_text, open, band;
    };
    constexpr Theme light{"#ffffff", "#0f172a", "#64748b", "#ffffff", "#cbd5e1",
                          "#94a3b8", "#dc2626", "#f1f5f9", "#e2e8f0", "#fef3c7",
                          "#92400e", "#f8fafc", ".14"};
    constexpr Theme night{"#0b1120", "#e2e8f0", "#94a3b8", "#1e293b", "#475569",
                          "#64748b", "#f87171", "#16203a", "#27344f", "#422f12",
                          "#fcd34d", "#131c31", ".24"};
    const Theme& t = dark ? night : light;
    return concat(
        ".rf text{font-family:Inter,'Helvetica Neue',Arial,'Liberation Sans',sans-serif;"
        "font-size:11px;fill:",
        t.text,
        "}\n"
        ".rf-page{fill:",
        t.page,
        "}\n"
        ".rf-box{fill:",
        t.box, ";stroke:", t.border,
        ";stroke-width:1.2}\n"
        ".rf-open{fill:",
        t.open,
        "}\n"
        ".rf-band{fill-opacity:",
        t.band,
        "}\n"
        ".rf .rf-id{font-size:13px;font-weight:600}\n"
        ".rf .rf-component,.rf .rf-name{fill:",
        t.muted,
        "}\n"
        ".rf .rf-right{text-anchor:end}\n"
        ".rf-missing .rf-box{stroke:",
        t.error,
        ";stroke-dasharray:5 4}\n"
        ".rf-port{fill:",
        t.box, ";stroke:", t.wire,
        ";stroke-width:1.6}\n"
        ".rf-port-error{stroke:",
        t.error,
        "}\n"
        ".rf-line{fill:none;stroke:",
        t.wire,
        ";stroke-width:1.7}\n"
        ".rf-tip{fill:",
        t.wire,
        "}\n"
        ".rf-error .rf-line{stroke:",
        t.error,
        ";stroke-opacity:.7}\n"
        ".rf-error .rf-tip{fill:",
        t.error,
        "}\n"
        ".rf-loose .rf-line{stroke-dasharray:6 4}\n"
        ".rf-group{fill:",
        t.group, ";stroke:", t.group_border,
        ";fill-opacity:.55;stroke-opacity:.8}\n"
        ".rf .rf-group-name{fill:",
        t.muted,
        ";font-weight:600}\n"
        ".rf-pill{fill:",
        t.page, ";stroke:", t.wire,
        ";stroke-width:1.4}\n"
        ".rf .rf-pill-name{text-anchor:middle}\n"
        ".rf-tag{fill:",
        t.tag,
        "}\n"
        ".rf .rf-tag-text{fill:",
        t.tag_text,
        "}\n"
        ".rf-mark{fill:",
        t.box, ";stroke:", t.muted,
        "}\n"
        ".rf-mark-line{fill:none;stroke:",
        t.muted, ";stroke-width:1.4}\n");
}

String draw_svg(const Scenes& scenes, std::uint32_t root, std::uint32_t depth, bool dark,
                bool inside_html) {
    return SvgDrawing(scenes, root, depth, inside_html).run(dark);
}

}  // namespace reflow::graph
