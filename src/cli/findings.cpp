// What is wrong with a graph, or worth a look.
// Thread: main.
#include "cli/findings.hpp"

#include <map>

#include "cli/files.hpp"
#include "cli/text.hpp"

namespace cli {

namespace {

// The text of the document, if it can be had.
std::string read_again(const GraphSource& source) {
    if (source.text) return *source.text;
    if (source.path == "-" || is_pipe(source.path)) return {};
    try {
        return read_text(source.path, exit_failed);
    } catch (const Failure&) {
        return {};  // it was there a moment ago; the findings do without lines
    }
}

// Where the values of these paths stand, as many as paths.
std::vector<TextPlace> find_places(const GraphSource& source,
                                   const std::vector<std::string_view>& paths) {
    std::vector<TextPlace> places(paths.size());
    const std::string text = read_again(source);
    if (text.empty() || paths.empty()) return places;
    std::vector<reflow_view> views;
    for (std::string_view path : paths) views.push_back(view_of(path));
    Message list;
    if (reflow_document_places(view_of(text), REFLOW_FORMAT_AUTO, view_of(source.path),
                               views.data(), views.size(), list.out(), nullptr) != REFLOW_OK) {
        return places;
    }
    for (std::size_t i = 0; i < places.size(); ++i) {
        const reflow_message each = element(list.get(), i);
        places[i] = {static_cast<std::uint64_t>(integer_member(each, "line")),
                     static_cast<std::uint64_t>(integer_member(each, "column"))};
    }
    return places;
}

}  // namespace

std::vector<Finding> list_findings(const reflow_graph* graph, const reflow_runtime* runtime,
                                   const GraphSource& source) {
    Message list;
    Error error;
    const reflow_status status = reflow_graph_validate(graph, runtime, list.out(), Out(error));
    check(status, error, exit_failed);
    // By file: that of the graph, which has no name here, and those of subgraphs.
    const std::size_t count = reflow_message_count(list.get());
    std::map<std::string_view, std::vector<std::size_t>> files;
    for (std::size_t i = 0; i < count; ++i) {
        files[text_member(element(list.get(), i), "file")].push_back(i);
    }
    std::vector<TextPlace> places(count);
    for (const auto& [file, members] : files) {
        std::vector<std::string_view> paths;
        for (const std::size_t i : members) {
            paths.push_back(text_member(element(list.get(), i), "path"));
        }
        const std::vector<TextPlace> found =
            find_places(file.empty() ? source : GraphSource{std::string(file), {}}, paths);
        for (std::size_t i = 0; i < members.size(); ++i) {
            // Without a path it is about the whole document.
            if (!paths[i].empty()) places[members[i]] = found[i];
        }
    }
    std::vector<Finding> findings;
    const std::string name = name_of_graph(source.path);
    for (std::size_t i = 0; i < count; ++i) {
        const reflow_message each = element(list.get(), i);
        const std::string file(text_member(each, "file"));
        findings.push_back({std::string(text_member(each, "severity")),
                            Problem::of_finding(each, file.empty() ? name : file, places[i])});
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
        const TextPlace at = find_places(source, {problem.path}).front();
        problem.line = at.line;
        problem.column = at.column;
        // The node of a subgraph stands elsewhere.
        if (at.line == 0 && problem.node.find('/') != std::string::npos) problem.path.clear();
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
