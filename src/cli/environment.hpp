// The environment variables that nodes of a graph ask for. The library looks at no environment; this
// program does. Neighbours: every command that runs or checks a graph. Thread: main.
#pragma once

#include "cli/findings.hpp"
#include "cli/handles.hpp"

namespace cli {

// Puts those that are set into the graph. Throws a Failure with exit_invalid, and the graph is as it
// was, if one is missing or no text.
void resolve_environment(reflow_graph* graph, const GraphSource& source);

// Takes the values of variables that the graph asks for out of what is told: they may be secrets.
void hide_values(Problem& problem, const reflow_graph* graph);

}  // namespace cli
