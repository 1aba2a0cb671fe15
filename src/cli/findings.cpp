// What is wrong with a graph, or worth a look.
// Thread: main.
#include "cli/findings.hpp"

#include <map>

#include "cli/files.hpp"
#include "cli/json_text.hpp"

namespace cli {

namespace {

using Places = std::map<std::string, TextPlace, std::less<>>;

// The text of the document, if it is JSON and can be had.
std::string json_of(const GraphSource& source) {
    std::string text;
    if (source.text) {
        text = *source.text;
    } else if (source.path != "-" && !is_pipe(source.path)) {
        try {
            text = read_text(source.path, exit_failed);
        } catch (const Failure&) {
            return {};  // it was there a moment ago; the findings do without lines
        }
    }
    const std::size_t first = text.find_first_not_of(" \t\r\n");
    return first != std::string::npos && text[first] == '{' ? text : std::string();
}

}  // namespace

std::vector<Finding> list_findings(const reflow_graph* graph, const reflow_runtime* runtime,
                                   const GraphSource& source) {
    Message list;
    Error error;
    const reflow_status status = reflow_graph_validate(graph, runtime, list.out(), Out(error));
    check(status, error, exit_failed);
    Places places;
    for (std::size_t i = 0; i < reflow_message_count(list.get()); ++i) {
        const std::string_view path = text_member(element(list.get(), i), "path");
        if (!path.empty()) places.emplace(path, TextPlace());
    }
    if (!places.empty()) find_places(json_of(source), places);
    std::vector<Finding> findings;
    const std::string name = name_of_graph(source.path);
    for (std::size_t i = 0; i < reflow_message_count(list.get()); ++i) {
        const reflow_message each = element(list.get(), i);
        const auto place = places.find(text_member(each, "path"));
        findings.push_back(
            {std::string(text_member(each, "severity")),
             Problem::of_finding(each, name, place == places.end() ? TextPlace() : place->second)});
    }
    return findings;
}

bool is_about_graph(reflow_status status) {
    switch (status) {
        case REFLOW_ERROR_OUT_OF_MEMORY:
        case REFLOW_ERROR_IO:
        case REFLOW_ERROR_INTERNAL:
            return false;
        default:
            return true;
    }
}

Problem refused_by_node(const Error& error, const GraphSource& source) {
    const std::string name = name_of_graph(source.path);
    Problem problem = Problem::of(error);
    problem.file = name;
    // What a component says of its configuration has a path that begins there.
    if (!problem.node.empty()) {
        problem.code = "bad-config";
        const std::string inner = problem.path.empty() ? "" : problem.path.substr(1);
        problem.path = "$.processes" + path_step(problem.node) + ".metadata" + inner;
        Places places{{problem.path, {}}};
        find_places(json_of(source), places);
        problem.line = places[problem.path].line;
        problem.column = places[problem.path].column;
    }
    std::string place = name;
    if (problem.line != 0) {
        place += ':' + std::to_string(problem.line) + ':' + std::to_string(problem.column);
    }
    problem.text = place + ": " + problem.text;
    return problem;
}

std::optional<Finding> try_nodes(const reflow_graph* graph, reflow_runtime* runtime,
                                 const GraphSource& source) {
    Network network;
    Error error;
    const reflow_status status = reflow_network_create(runtime, graph, Out(network), Out(error));
    if (status == REFLOW_OK) return std::nullopt;
    if (!is_about_graph(status)) check(status, error, exit_failed);
    return Finding{"error", refused_by_node(error, source)};
}

}  // namespace cli
