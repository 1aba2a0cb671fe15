// A graph as text for other programs that draw: Mermaid and Graphviz.
// Thread: one at a time.
#include <algorithm>
#include <utility>

#include "base/text.hpp"
#include "graph/cycles.hpp"
#include "graph/scene.hpp"

namespace reflow::graph {
namespace {

constexpr std::size_t label_characters = 60;

// Mermaid reads entities by number in quoted labels; nothing else needs to be known of its syntax.
String mermaid(std::string_view text) {
    String out;
    for (char letter : shortened(visible(text), label_characters)) {
        auto byte = static_cast<unsigned char>(letter);
        bool plain = byte >= 0x80 || letter == ' ' || letter == '.' || letter == '_' ||
                     letter == '-' || letter == ',' || (letter >= '0' && letter <= '9') ||
                     (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z');
        if (plain) {
            out += letter;
        } else {
            append(out, concat("#", static_cast<unsigned>(byte), ";"));
        }
    }
    return out;
}

// The first group of each box: neither language lets a box be in two.
Vector<std::uint32_t> region_of(const Scene& scene) {
    Vector<std::uint32_t> result(scene.boxes.size(), nowhere);
    for (std::uint32_t i = 0; i < scene.regions.size(); ++i) {
        for (std::uint32_t box : scene.regions[i].boxes) {
            if (result[box] == nowhere) result[box] = i;
        }
    }
    return result;
}

// Writes scenes inside one another, with a stack: boxes by region, subgraphs where they are
// expanded. Derived says how a box, and the beginning and end of a frame, are written.
template <typename Derived>
class Nested {
public:
    explicit Nested(const Scenes& scenes) : scenes_(scenes) {}

protected:
    void write_boxes() {
        push(0);
        while (!stack_.empty()) {
            Frame& top = stack_.back();
            const Scene& scene = *scenes_[top.scene];
            if (top.next == top.order.size()) {
                if (top.region != nowhere) self().end_frame(stack_.size());
                if (top.scene != 0) self().end_frame(stack_.size() - 1);
                stack_.pop_back();
                continue;
            }
            std::uint32_t at = top.order[top.next++];
            std::uint32_t region = top.region_of[at];
            if (region != top.region) {
                if (top.region != nowhere) self().end_frame(stack_.size());
                top.region = region;
                if (region != nowhere) {
                    self().begin_frame(stack_.size(), concat("s", top.scene, "g", region),
                                       scene.regions[region].name);
                }
            }
            const Box& box = scene.boxes[at];
            std::size_t depth = stack_.size() + (region == nowhere ? 0 : 1);
            if (box.scene == nowhere) {
                self().box(depth, name(top.scene, at), box);
            } else {
                self().begin_frame(depth, name(top.scene, at), box.id);
                push(box.scene);
            }
        }
    }

    static String name(std::uint32_t scene, std::uint32_t box) {
        return concat("s", scene, "n", box);
    }
    void indent(std::size_t depth) { out_.append(depth * 4, ' '); }

    const Scenes& scenes_;
    String out_;

private:
    struct Frame {
        std::uint32_t scene = 0;
        Vector<std::uint32_t> region_of;
        Vector<std::uint32_t> order;  // boxes, those of a region together
        std::size_t next = 0;
        std::uint32_t region = nowhere;
    };
    Derived& self() { return static_cast<Derived&>(*this); }

    void push(std::uint32_t at) {
        const Scene& scene = *scenes_[at];
        Frame frame;
        frame.scene = at;
        frame.region_of = region_of(scene);
        Vector<Arc> members;
        auto regions = static_cast<std::uint32_t>(scene.regions.size());
        for (std::uint32_t i = 0; i < scene.boxes.size(); ++i) {
            std::uint32_t region = frame.region_of[i];
            members.push_back({region == nowhere ? regions : region, i});
        }
        frame.order = adjacency(regions + 1, members).targets;
        stack_.push_back(std::move(frame));
    }

    Vector<Frame> stack_;
};

class Mermaid : public Nested<Mermaid> {
public:
    using Nested::Nested;
    String run() {
        out_ = "flowchart LR\n";
        write_boxes();
        for (std::uint32_t s = 0; s < scenes_.size(); ++s) {
            const Scene& scene = *scenes_[s];
            for (std::uint32_t b = 0; b < scene.boxes.size(); ++b) {
                initials(s, b, scene.boxes[b]);
            }
            for (const Wire& wire : scene.wires) write(s, scene, wire);
        }
        return std::move(out_);
    }
    void begin_frame(std::size_t depth, std::string_view id, std::string_view title) {
        indent(depth);
        append(out_, concat("subgraph ", id, "[\"", mermaid(title), "\"]\n"));
    }
    void end_frame(std::size_t depth) {
        indent(depth);
        out_ += "end\n";
    }
    void box(std::size_t depth, std::string_view id, const Box& box) {
        indent(depth);
        append(out_, id);
        if (box.kind == BoxKind::node || box.kind == BoxKind::missing) {
            append(out_,
                   concat("[\"<b>", mermaid(box.id), "</b><br/>", mermaid(box.component), "\"]\n"));
        } else {
            append(out_, concat("([\"", mermaid(box.id), "\"])\n"));
        }
    }

private:
    void initials(std::uint32_t scene, std::uint32_t at, const Box& box) {
        for (std::size_t i = 0; i < box.in.size(); ++i) {
            for (std::size_t k = 0; k < box.in[i].initials.size(); ++k) {
                indent(1);
                String id = concat(name(scene, at), "i", i, "v", k);
                append(out_, concat(id, ">\"", mermaid(box.in[i].initials[k]), "\"] -. \"",
                                    mermaid(box.in[i].name), "\" .-> ", name(scene, at), "\n"));
            }
        }
    }
    void write(std::uint32_t at, const Scene& scene, const Wire& wire) {
        const Box& from = scene.boxes[wire.from];
        const Box& to = scene.boxes[wire.to];
        String label = mermaid(from.out[wire.from_slot].name);
        String target = mermaid(to.in[wire.to_slot].name);
        if (!label.empty() && !target.empty()) label += " \xE2\x86\x92 ";
        label += target;
        if (!wire.kind.empty()) append(label, concat(" ", mermaid(wire.kind)));
        indent(1);
        append(out_, name(at, wire.from));
        append(out_, label.empty() ? String(" --> ") : concat(" -- \"", label, "\" --> "));
        append(out_, concat(name(at, wire.to), "\n"));
    }
};

class Dot : public Nested<Dot> {
public:
    Dot(const Scenes& scenes, bool dark) : Nested(scenes), dark_(dark) {}
    String run() {
        std::string_view ink = dark_ ? "#e2e8f0" : "#1e293b";
        append(out_, "digraph reflow {\n    rankdir=LR;\n    compound=true;\n");
        append(out_, concat("    bgcolor=\"", dark_ ? "#0f172a" : "#ffffff", "\";\n"));
        append(out_, concat("    graph [fontname=\"Helvetica\", fontcolor=\"", ink,
                            "\", color=\"#94a3b8\"];\n"));
        append(out_, concat("    node [shape=plain, fontname=\"Helvetica\", fontcolor=\"", ink,
                            "\", color=\"#64748b\"];\n"));
        append(out_, "    edge [color=\"#64748b\", arrowsize=0.7];\n");
        write_boxes();
        for (std::uint32_t s = 0; s < scenes_.size(); ++s) {
            for (const Wire& wire : scenes_[s]->wires) write(s, *scenes_[s], wire);
        }
        out_ += "}\n";
        return std::move(out_);
    }
    void begin_frame(std::size_t depth, std::string_view id, std::string_view title) {
        indent(depth);
        append(out_, concat("subgraph \"cluster_", id, "\" {\n"));
        indent(depth + 1);
        append(out_, concat("label=<", xml(title), ">; style=rounded;\n"));
        // What wires of an expanded subgraph are tied to.
        if (id.find('g') == std::string_view::npos) {
            indent(depth + 1);
            append(out_, concat("\"", id, "\" [shape=point, style=invis];\n"));
        }
    }
    void end_frame(std::size_t depth) {
        indent(depth);
        out_ += "}\n";
    }
    void box(std::size_t depth, std::string_view id, const Box& box) {
        indent(depth);
        append(out_, concat("\"", id, "\" "));
        if (box.kind == BoxKind::inport || box.kind == BoxKind::outport) {
            append(out_, concat("[shape=box, style=rounded, label=<", label(box.id), ">];\n"));
            return;
        }
        append(out_, concat("[label=<<table border=\"1\" cellborder=\"0\" cellspacing=\"0\" "
                            "style=\"rounded\"><tr><td colspan=\"2\"><b>",
                            label(box.id), "</b></td></tr><tr><td colspan=\"2\">",
                            label(box.component), "</td></tr>"));
        std::size_t rows = std::max(box.in.size(), box.out.size());
        for (std::size_t i = 0; i < rows; ++i) {
            out_ += "<tr>";
            cell(box.in, i, 'i', "left");
            cell(box.out, i, 'o', "right");
            out_ += "</tr>";
        }
        out_ += "</table>>];\n";
    }

private:
    // Graphviz does not take an empty text.
    static String label(std::string_view text) {
        return text.empty() ? String(" ") : xml(shortened(text, label_characters));
    }
    void cell(const Vector<Slot>& slots, std::size_t at, char side, std::string_view align) {
        if (at >= slots.size()) {
            out_ += "<td></td>";
            return;
        }
        append(out_, concat("<td port=\"", side, at, "\" align=\"", align, "\">"));
        append(out_, label(slots[at].name));
        for (const String& value : slots[at].initials) {
            append(out_, concat(" = ", label(value)));
        }
        out_ += "</td>";
    }
    static String end(std::uint32_t scene, std::uint32_t at, const Box& box, std::uint32_t slot,
                      bool in) {
        String text = concat("\"", name(scene, at), "\"");
        bool table = box.kind == BoxKind::node || box.kind == BoxKind::missing;
        if (table && box.scene == nowhere) {
            append(text, concat(":", in ? "i" : "o", slot, in ? ":w" : ":e"));
        }
        return text;
    }
    void write(std::uint32_t at, const Scene& scene, const Wire& wire) {
        const Box& from = scene.boxes[wire.from];
        const Box& to = scene.boxes[wire.to];
        indent(1);
        append(out_, concat(end(at, wire.from, from, wire.from_slot, false), " -> ",
                            end(at, wire.to, to, wire.to_slot, true)));
        String options;
        if (from.scene != nowhere) {
            append(options, concat("ltail=\"cluster_", name(at, wire.from), "\", "));
        }
        if (to.scene != nowhere) {
            append(options, concat("lhead=\"cluster_", name(at, wire.to), "\", "));
        }
        if (!wire.kind.empty()) options += "style=dashed, ";
        if (wire.error) options += "color=\"#dc2626\", ";
        if (!options.empty()) {
            options.resize(options.size() - 2);
            append(out_, concat(" [", options, "]"));
        }
        out_ += ";\n";
    }

    bool dark_;
};

}  // namespace

String draw_mermaid(const Scenes& scenes) { return Mermaid(scenes).run(); }
String draw_dot(const Scenes& scenes, bool dark) { return Dot(scenes, dark).run(); }

}  // namespace reflow::graph
