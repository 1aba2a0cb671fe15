// A graph as lines for a terminal. Thread: one at a time.
#include <algorithm>
#include <utility>

#include "base/text.hpp"
#include "graph/scene.hpp"
#include "graph/words.hpp"

namespace reflow::graph {
namespace {

constexpr std::size_t value_characters = 60;

// Columns on a terminal, near enough: characters.
std::size_t columns(std::string_view text) {
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
        return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
    }));
}

class TextDrawing {
public:
    explicit TextDrawing(const Scenes& scenes) : scenes_(scenes) {}

    // A stack of scenes that are being written, each with what is left of it, so that subgraphs
    // stand where their nodes do.
    String run() {
        open(0);
        while (!stack_.empty()) {
            Frame& top = stack_.back();
            if (top.next == top.order.size()) {
                close(*scenes_[top.scene]);
                stack_.pop_back();
                continue;
            }
            const Scene& scene = *scenes_[top.scene];
            std::uint32_t at = top.order[top.next++];
            const Box& box = scene.boxes[at];
            if (box.kind != BoxKind::node && box.kind != BoxKind::missing) continue;
            node(scene, at, top.outgoing[at]);
            if (box.scene != nowhere) open(box.scene);
        }
        return std::move(out_);
    }

private:
    struct Frame {
        std::uint32_t scene = 0;
        Vector<std::uint32_t> order;
        Vector<Vector<std::uint32_t>> outgoing;  // wires by box
        std::size_t next = 0;
    };

    void line(std::string_view text) {
        if (!text.empty()) out_.append((stack_.empty() ? 0 : stack_.size() - 1) * 4, ' ');
        append(out_, text);
        out_ += '\n';
    }

    void open(std::uint32_t at) {
        const Scene& scene = *scenes_[at];
        Frame frame;
        frame.scene = at;
        frame.order = reading_order(scene);
        frame.outgoing.resize(scene.boxes.size());
        for (std::uint32_t i = 0; i < scene.wires.size(); ++i) {
            frame.outgoing[scene.wires[i].from].push_back(i);
        }
        stack_.push_back(std::move(frame));
        const Graph& graph = *scene.graph;
        line(concat(visible(graph.name()), ": ", counted(graph.node_count(), "node"), ", ",
                    counted(graph.connection_count(), "connection"), ", ",
                    counted(graph.initial_count(), "initial packet")));
        std::string_view description = graph.properties().get("description").text();
        if (!description.empty()) line(visible(description));
        for (const Wire& wire : scene.wires) {
            if (scene.boxes[wire.from].kind != BoxKind::inport) continue;
            const Box& box = scene.boxes[wire.from];
            line(concat("inport ", visible(box.id), " (", visible(box.component), ") -> ",
                        end(scene.boxes[wire.to], scene.boxes[wire.to].in[wire.to_slot])));
        }
        line({});
    }

    // Groups come last.
    void close(const Scene& scene) {
        for (const Region& region : scene.regions) {
            String text = concat("group ", visible(region.name), ":");
            for (std::size_t i = 0; i < region.boxes.size(); ++i) {
                append(text, i == 0 ? " " : ", ");
                append(text, visible(scene.boxes[region.boxes[i]].id));
            }
            line(text);
        }
        if (!scene.regions.empty()) line({});
        if (stack_.size() == 1 && out_.ends_with("\n\n")) out_.pop_back();
    }

    static String end(const Box& box, const Slot& slot) {
        return concat(visible(box.id), ".", visible(slot.name));
    }

    void node(const Scene& scene, std::uint32_t at, const Vector<std::uint32_t>& wires) {
        const Box& box = scene.boxes[at];
        line(concat(visible(box.id), "  ", box.kind == BoxKind::missing ? "(" : "",
                    visible(box.component), box.kind == BoxKind::missing ? ")" : ""));
        std::size_t width = 0;
        for (const auto* slots : {&box.in, &box.out}) {
            for (const Slot& slot : *slots) {
                width = std::max(width, columns(visible(slot.name)));
            }
        }
        auto row = [&](std::string_view name, std::string_view rest) {
            String text = concat("    ", visible(name));
            text.append(width - std::min(width, columns(visible(name))), ' ');
            line(concat(text, " ", rest));
        };
        for (const Slot& slot : box.in) {
            for (const String& value : slot.initials) {
                row(slot.name, concat("<- ", shortened(visible(value), value_characters)));
            }
        }
        for (std::uint32_t i : wires) {
            const Wire& wire = scene.wires[i];
            const Box& target = scene.boxes[wire.to];
            String text = target.kind == BoxKind::outport
                              ? concat("-> outport ", visible(target.id), " (",
                                       visible(target.component), ")")
                              : concat("-> ", end(target, target.in[wire.to_slot]));
            if (!wire.kind.empty()) append(text, concat(" (", visible(wire.kind), ")"));
            row(box.out[wire.from_slot].name, text);
        }
        line({});
    }

    const Scenes& scenes_;
    Vector<Frame> stack_;
    String out_;
};

}  // namespace

String draw_text(const Scenes& scenes) { return TextDrawing(scenes).run(); }

}  // namespace reflow::graph
