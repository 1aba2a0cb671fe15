// Makes scenes of graphs. Thread: one at a time.
#include "graph/scene.hpp"

#include <algorithm>
#include <utility>

#include "base/text.hpp"
#include "codec/json.hpp"
#include "graph/layered.hpp"
#include "graph/load.hpp"

namespace reflow::graph {
namespace {

constexpr std::size_t value_characters = 200;
constexpr std::size_t tooltip_characters = 600;

String json(MessageRef value) {
    String text;
    if (!codec::write_json(text, value).ok()) return String(value.kind_name());
    return text;
}

// "color" in metadata, if it is one that is written as #rgb or #rrggbb.
String color_of(MessageRef metadata) {
    std::string_view text = metadata.get("color").text();
    if ((text.size() != 4 && text.size() != 7) || text[0] != '#') return {};
    bool hex = text.find_first_not_of("0123456789abcdefABCDEF", 1) == std::string_view::npos;
    return hex ? String(text) : String();
}

// The document of a subgraph in the metadata of a node: {"componentSpec": {"type": "subgraph",
// "graph": {...}}}; none if the node is something else.
MessageRef inline_document(MessageRef metadata) {
    MessageRef spec = metadata.get("componentSpec");
    MessageRef document = spec.get("graph");
    if (spec.get("type").text() != "subgraph" || !document.is(REFLOW_KIND_OBJECT)) return {};
    return document;
}

class SceneMaker {
public:
    explicit SceneMaker(Scene& scene) : scene_(scene), view_(scene.graph->view()) {}

    // The documents of subgraphs by box; none for other nodes.
    const View& view() const { return view_; }

    void run() {
        for (const NodeItem& node : view_.nodes) {
            Box& box = scene_.boxes.emplace_back();
            box.id = node.id;
            box.component = node.component;
            box.color = color_of(node.metadata);
            box.tooltip = concat(node.id, " (", node.component, ")");
            if (node.metadata.size() > 0) {
                append(box.tooltip,
                       concat("\n", shortened(json(node.metadata), tooltip_characters)));
            }
        }
        scene_.node_count = scene_.boxes.size();
        for (const ConnectionItem& each : view_.connections) add_wire(each);
        for (const InitialItem& each : view_.initials) {
            std::uint32_t box = box_of(each.to);
            Slot& slot = scene_.boxes[box].in[slot_of(box, true, each.to)];
            slot.initials.push_back(shortened(json(each.data), value_characters));
        }
        for (const ExposedItem& each : view_.inports) add_exposed(each, true);
        for (const ExposedItem& each : view_.outports) add_exposed(each, false);
        for (const GroupItem& each : view_.groups) {
            Region region;
            region.name = each.id;
            region.color = color_of(each.metadata);
            for (std::uint32_t position : each.positions) {
                if (position != nowhere) region.boxes.push_back(position);
            }
            if (!region.boxes.empty()) scene_.regions.push_back(std::move(region));
        }
    }

private:
    std::uint32_t box_of(const EdgeItem& end) {
        if (end.position != nowhere) return end.position;
        auto [found, fresh] = missing_.emplace(end.node, nowhere);
        if (fresh) {
            found->second = static_cast<std::uint32_t>(scene_.boxes.size());
            Box& box = scene_.boxes.emplace_back();
            box.kind = BoxKind::missing;
            box.id = end.node;
            box.component = "no such node";
            box.tooltip = concat("no node '", end.node, "'");
        }
        return found->second;
    }

    std::uint32_t slot_of(std::uint32_t box, bool in, const EdgeItem& end) {
        String name(end.port);
        if (end.index != REFLOW_NO_INDEX) append(name, concat("[", end.index, "]"));
        return slot_named(box, in, std::move(name));
    }
    std::uint32_t slot_named(std::uint32_t box, bool in, String name) {
        Vector<Slot>& slots = in ? scene_.boxes[box].in : scene_.boxes[box].out;
        // By table, since one node may have very many array elements.
        String key = concat(box, in ? "<" : ">", name);
        auto [found, fresh] = slots_.emplace(std::move(key), nowhere);
        if (fresh) {
            found->second = static_cast<std::uint32_t>(slots.size());
            slots.emplace_back().name = std::move(name);
        }
        return found->second;
    }

    void add_wire(const ConnectionItem& item) {
        Wire wire;
        wire.from = box_of(item.from);
        wire.to = box_of(item.to);
        wire.from_slot = slot_of(wire.from, false, item.from);
        wire.to_slot = slot_of(wire.to, true, item.to);
        wire.error = item.from.port == "error";
        std::string_view kind = item.metadata.get("kind").text();
        if (kind != "reliable") wire.kind = kind;
        scene_.wires.push_back(std::move(wire));
    }

    void add_exposed(const ExposedItem& item, bool in) {
        std::uint32_t inner = box_of(item.edge);
        std::uint32_t inner_slot = slot_of(inner, in, item.edge);
        auto outer = static_cast<std::uint32_t>(scene_.boxes.size());
        Box& box = scene_.boxes.emplace_back();
        box.kind = in ? BoxKind::inport : BoxKind::outport;
        box.id = item.name;
        box.component = item.edge.type().text();
        box.tooltip = concat(in ? "inport " : "outport ", item.name, " (", box.component, ")");
        (in ? box.out : box.in).emplace_back();
        Wire wire;
        wire.from = in ? outer : inner;
        wire.to = in ? inner : outer;
        (in ? wire.to_slot : wire.from_slot) = inner_slot;
        scene_.wires.push_back(std::move(wire));
    }

    Scene& scene_;
    View view_;
    TextMap<std::uint32_t> missing_;
    TextMap<std::uint32_t> slots_;
};

}  // namespace

Scenes make_scenes(const Graph& graph, std::uint32_t depth) {
    Scenes scenes;
    scenes.push_back(std::make_unique<Scene>());
    scenes[0]->graph = &graph;
    for (std::uint32_t at = 0; at < scenes.size(); ++at) {
        Scene& scene = *scenes[at];
        SceneMaker maker(scene);
        maker.run();
        if (scene.level == depth) continue;
        for (std::uint32_t i = 0; i < scene.node_count; ++i) {
            MessageRef document = inline_document(maker.view().nodes[i].metadata);
            if (document.none()) continue;
            auto inner = from_message(document, scene.boxes[i].id);
            if (!inner.ok()) continue;  // drawn as any other node
            auto child = std::make_unique<Scene>();
            child->owned = std::make_unique<Graph>(std::move(inner).take());
            child->graph = child->owned.get();
            child->parent = at;
            child->level = scene.level + 1;
            child->path =
                scene.path.empty() ? scene.boxes[i].id : concat(scene.path, "/", scene.boxes[i].id);
            scene.boxes[i].scene = static_cast<std::uint32_t>(scenes.size());
            scenes.push_back(std::move(child));
        }
    }
    return scenes;
}

Vector<std::uint32_t> reading_order(const Scene& scene) {
    Vector<Arc> arcs;
    for (const Wire& wire : scene.wires) arcs.push_back({wire.from, wire.to});
    auto count = static_cast<std::uint32_t>(scene.boxes.size());
    Vector<std::uint32_t> layer = rank(count, arcs);
    Vector<std::uint32_t> order(count);
    for (std::uint32_t i = 0; i < count; ++i) order[i] = i;
    std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
        return std::pair(layer[a], a) < std::pair(layer[b], b);
    });
    return order;
}

String visible(std::string_view text) {
    String out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        auto byte = static_cast<unsigned char>(text[i]);
        if (byte < 0x20) {
            // Control pictures, U+2400 and on.
            out += "\xE2\x90";
            out += static_cast<char>(0x80 + byte);
        } else if (byte == 0x7F) {
            out += "\xE2\x90\xA1";
        } else if (byte == 0xC2 && i + 1 < text.size() &&
                   static_cast<unsigned char>(text[i + 1]) < 0xA0) {
            out += "\xEF\xBF\xBD";  // C1 controls, which terminals obey
            ++i;
        } else if (text.substr(i, 3) == "\xEF\xBF\xBE" || text.substr(i, 3) == "\xEF\xBF\xBF") {
            out += "\xEF\xBF\xBD";  // U+FFFE and U+FFFF are not allowed in XML
            i += 2;
        } else {
            out += text[i];
        }
    }
    return out;
}

String shortened(std::string_view text, std::size_t characters) {
    std::size_t seen = 0;
    std::size_t last = 0;  // where the last character that fits begins
    for (std::size_t i = 0; i < text.size(); ++i) {
        if ((static_cast<unsigned char>(text[i]) & 0xC0) == 0x80) continue;
        if (++seen == characters) last = i;
        if (seen > characters) return concat(text.substr(0, last), "\xE2\x80\xA6");
    }
    return String(text);
}

String xml(std::string_view text) {
    String out;
    for (char letter : visible(text)) {
        switch (letter) {
            case '&':
                out += "&amp;";
                break;
            case '<':
                out += "&lt;";
                break;
            case '>':
                out += "&gt;";
                break;
            case '"':
                out += "&quot;";
                break;
            case '\'':
                out += "&#39;";
                break;
            default:
                out += letter;
        }
    }
    return out;
}

}  // namespace reflow::graph
