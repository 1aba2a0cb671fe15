// The commands, each a function that returns the exit code or throws a Failure.
// Neighbours: main calls them. Thread: main.
#pragma once

#include <string>

#include "cli/arguments.hpp"
#include "cli/console.hpp"
#include "cli/problem.hpp"

namespace cli {

int run_graph(const Arguments& arguments, Console& console);
int top_graph(const Arguments& arguments, Console& console);
int replay_run(const Arguments& arguments, Console& console);
int debug_graph(const Arguments& arguments, Console& console);
int validate_graph(const Arguments& arguments, Console& console);
int show_graph(const Arguments& arguments, Console& console);
int convert_graph(const Arguments& arguments, Console& console);
int list_letters(const Arguments& arguments, Console& console);
int show_letter(const Arguments& arguments, Console& console);
int drop_letters(const Arguments& arguments, Console& console);
int serve_discovery(const Arguments& arguments, Console& console);
int run_peer(const Arguments& arguments, Console& console);
int list_components(const Arguments& arguments, Console& console);
int show_version(const Arguments& arguments, Console& console);

// What `reflow run --json` prints for a failure before there is anything to run.
std::string run_failure_json(const Failure& failure);

}  // namespace cli
