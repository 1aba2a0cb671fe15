// What is wrong with a graph, or worth a look: what the library finds, and what only shows when the
// nodes are made. Neighbours: graph_commands, run. Thread: main.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/handles.hpp"
#include "cli/problem.hpp"

namespace cli {

struct Finding {
    std::string severity;  // "error", "warning", "note"
    Problem problem;
};

// Where a graph came from. Its text tells lines; what comes through a pipe is gone once it is read.
struct GraphSource {
    std::string path;                 // "-": standard input
    std::optional<std::string> text;  // if it is at hand
};

// In the order of the library: errors first.
std::vector<Finding> list_findings(const reflow_graph* graph, const reflow_runtime* runtime,
                                   const GraphSource& source);

// Makes the nodes of a graph without findings that are errors, and ends them again: nothing starts
// and no file is opened. What is refused, such as an expression that cannot be read.
std::optional<Finding> try_nodes(const reflow_graph* graph, reflow_runtime* runtime,
                                 const GraphSource& source);

// The error of a graph whose nodes cannot be made, with its place in the document.
Problem refused_by_node(const Error& error, const GraphSource& source);

// Whether a failure to make a network is the fault of the graph.
bool is_about_graph(reflow_status status);

}  // namespace cli
