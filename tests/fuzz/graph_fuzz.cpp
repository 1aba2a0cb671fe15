// Documents and edits of graphs. The first byte chooses the format of the document that follows it
// up to a line "----"; each byte behind that is an edit. What loads is saved and loaded again in
// every format, checked, laid out and drawn; nothing may be lost and nothing may crash.
// Neighbours: replay.cpp. Thread: one.
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "graph/layout.hpp"
#include "graph/load.hpp"
#include "graph/render.hpp"
#include "graph/validate.hpp"

namespace {

using namespace reflow;
using namespace reflow::graph;

void require(bool condition, const char* what) {
    if (condition) return;
    std::fprintf(stderr, "graph_fuzz: %s\n", what);
    std::abort();
}

// Knows every component, with one port each way that is required.
class Catalog : public ComponentCatalog {
public:
    bool describe(std::string_view component, ComponentInfo& info) const override {
        if (component == "Unknown") return false;
        info.inports.push_back({"in", nullptr, component.size() % 2 == 0, false});
        info.outports.push_back({"out", nullptr, false, component.size() % 3 == 0});
        return true;
    }
    Vector<std::string_view> ids() const override { return {"Known"}; }
};

void round_trips(const Graph& graph) {
    for (reflow_format format : {REFLOW_FORMAT_JSON, REFLOW_FORMAT_YAML, REFLOW_FORMAT_MSGPACK}) {
        auto text = save(graph, format);
        if (!text.ok()) {
            require(text.error().status == REFLOW_ERROR_LIMIT, "a graph is too deep or saved");
            continue;
        }
        auto again = load(text.value(), format, "fuzz");
        require(again.ok(), "what was saved loads");
        require(equal(graph, again.value()), "what was saved loads as it was");
        auto twice = save(again.value(), format);
        require(twice.ok() && twice.value() == text.value(), "a document has one form");
    }
}

// Ids of the graph, and some that may not be there.
std::string_view pick(const View& view, std::uint8_t number) {
    constexpr std::array<std::string_view, 3> others{"new", "other", "a"};
    std::size_t at = number % (view.nodes.size() + others.size());
    return at < view.nodes.size() ? view.nodes[at].id : others[at - view.nodes.size()];
}

void edit(Graph& graph, std::uint8_t first, std::uint8_t second) {
    View view = graph.view();
    std::string_view a = pick(view, second & 15);
    std::string_view b = pick(view, second >> 4);
    std::size_t before = graph.node_count() + graph.connection_count() + graph.initial_count();
    Result<void> result;
    switch (first % 11) {
        case 0:
            result = graph.add_node(b, "Added", {});
            break;
        case 1:
            result = graph.remove_node(a);
            break;
        case 2:
            result = graph.rename_node(a, b);
            break;
        case 3:
            result = graph.connect({a, "Out"}, {b, "in"}, {});
            break;
        case 4:
            result = graph.disconnect({a, "Out"}, {b, "in"});
            break;
        case 5:
            result = graph.add_initial({a, "in", second}, Message::integer(second));
            break;
        case 6:
            result = graph.remove_initials({a, "in"});
            break;
        case 7:
            result = graph.add_inport(b, {a, "in"}, {});
            break;
        case 8:
            result = graph.remove_inport(b);
            break;
        case 9:
            result = graph.set_config_value(a, "x.0", Message::boolean(true));
            break;
        default:
            result = graph.add_to_group("g", a);
            break;
    }
    std::size_t after = graph.node_count() + graph.connection_count() + graph.initial_count();
    if (!result.ok()) require(before == after, "a refused edit changes nothing");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
    constexpr std::string_view line = "\n----\n";
    std::size_t cut = input.find(line);
    std::string_view document = input.substr(0, cut);
    std::string_view edits =
        cut == std::string_view::npos ? std::string_view() : input.substr(cut + line.size());
    auto format = static_cast<reflow_format>(data[0] % 4);
    auto loaded = load(document, format, "fuzz");
    if (!loaded.ok()) {
        require(!loaded.error().message.empty(), "an error says what it is");
        return 0;
    }
    Graph graph = std::move(loaded).take();
    round_trips(graph);
    for (std::size_t i = 0; i + 1 < edits.size() && i < 400; i += 2) {
        edit(graph, static_cast<std::uint8_t>(edits[i]), static_cast<std::uint8_t>(edits[i + 1]));
    }
    round_trips(graph);
    Catalog catalog;
    require(to_message(validate(graph, &catalog)).ok(), "findings make a message");
    if (graph.node_count() > 2000 || graph.connection_count() > 2000) return 0;
    for (reflow_picture kind = REFLOW_PICTURE_TEXT; kind <= REFLOW_PICTURE_HTML; ++kind) {
        require(render(graph, kind, {static_cast<std::uint32_t>(size % 3), false}).ok(),
                "every graph can be drawn");
    }
    return 0;
}
