// Checks of "failure" in nodes and in the properties of a graph, and of what fallbacks name.
// Neighbours: failure_settings (reads it), validate.cpp. Thread: one at a time.
#include "base/text.hpp"
#include "graph/failure_settings.hpp"
#include "graph/findings.hpp"

namespace reflow::graph {

void Validator::failures() {
    TextMap<std::uint32_t> positions;  // made for the first fallback that names a node
    for (std::uint32_t i = 0; settings_ && i < view_.nodes.size(); ++i) {
        const NodeItem& item = view_.nodes[i];
        if (!item.metadata.has("failure")) continue;
        codec::Path path;
        path.add_key("processes");
        path.add_key(item.id);
        bool subgraph = !subgraphs_.nodes.empty() && subgraphs_.nodes[i].subgraph;
        failure(item.metadata, subgraph ? FailurePlace::subgraph : FailurePlace::node, item.id,
                concat(path.text(), ".metadata"), positions);
        if (!subgraph) fallback_value(i, concat(path.text(), ".metadata.failure.fallback"));
    }
    MessageRef properties = graph_.properties();
    failure(properties, FailurePlace::graph, {}, "$.properties", positions);
    if (Result<std::uint32_t> letters = read_dead_letters(properties); !letters.ok()) {
        bad_setting(letters.take_error(), {}, "$.properties");
    }
    if (Result<OnStall> policy = read_on_stall(properties); !policy.ok()) {
        bad_setting(policy.take_error(), {}, "$.properties");
    }
}

void Validator::bad_setting(std::unique_ptr<Error> error, std::string_view node,
                            std::string_view path) {
    Finding& finding = add(Severity::error, "bad-config", std::move(error->message));
    finding.status = REFLOW_ERROR_CONFIG;
    finding.hint = std::move(error->hint);
    finding.node = node;
    finding.path = concat(path, error->path);
}

void Validator::failure(MessageRef from, FailurePlace place, std::string_view node,
                        std::string_view path, TextMap<std::uint32_t>& positions) {
    Result<FailureSettings> settings = read_failure_settings(from, place);
    if (!settings.ok()) return bad_setting(settings.take_error(), node, path);
    MessageRef fallback = settings.value().fallback.value_or(MessageRef());
    std::string_view other = fallback.get("node").text();
    if (other.empty()) return;
    if (positions.empty()) {
        for (std::uint32_t i = 0; i < view_.nodes.size(); ++i) {
            positions.emplace(view_.nodes[i].id, i);
        }
    }
    auto found = positions.find(other);
    String where = concat(path, ".failure.fallback.node");
    auto complain = [&](String text) -> Finding& {
        Finding& finding = add(Severity::error, "bad-fallback", std::move(text));
        finding.node = node;
        finding.path = where;
        return finding;
    };
    if (found == positions.end()) {
        complain(concat("no node '", other, "', which the fallback names")).hint = node_hint(other);
        return;
    }
    std::uint32_t target = found->second;
    if (other == node) {
        complain(concat("the fallback of node '", node, "' is the node itself"));
        return;
    }
    if (!subgraphs_.nodes.empty() && subgraphs_.nodes[target].subgraph) {
        complain(concat("the fallback '", other, "' is a subgraph")).hint =
            "name a node with a component";
        return;
    }
    touched_[target] = true;
    if (known_[target] == nullptr) return;
    std::string_view port = fallback.get("port").text();
    EdgeItem edge;
    edge.node = other;
    edge.position = target;
    if (port.empty()) {  // by the names of the ports, or its only one: the network looks
        for (std::uint32_t i = 0; i < known_[target]->info.inports.size(); ++i) satisfied(edge, i);
        return;
    }
    std::uint32_t number = known_[target]->inports->find(port);
    if (number != nowhere) return satisfied(edge, number);
    Finding& finding =
        complain(concat("node '", other, "' has no inport '", port, "', which the fallback names"));
    finding.hint = known_[target]->inports->hint(port);
    finding.path = concat(path, ".failure.fallback.port");
}

// The outport that the value of a fallback goes to.
void Validator::fallback_value(std::uint32_t position, String path) {
    const NodeItem& item = view_.nodes[position];
    MessageRef fallback = item.metadata.get("failure").get("fallback");
    std::string_view port = fallback.get("port").text();
    const Known* known = known_[position];
    if (known == nullptr || !fallback.has("value") || port.empty()) return;
    if (known->outports->find(port) != nowhere) return;
    Finding& finding =
        add(Severity::error, "bad-fallback",
            concat("the node has no outport '", port, "' for the value of its fallback"));
    finding.hint = known->outports->hint(port);
    finding.node = item.id;
    finding.port = port;
    finding.path = concat(path, ".port");
}

}  // namespace reflow::graph
