// What `reflow run` is asked to do, and the changes that it makes to the graph before it runs.
// Neighbours: run (carries it out), arguments. Thread: main.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "cli/arguments.hpp"
#include "cli/console.hpp"
#include "cli/files.hpp"
#include "cli/handles.hpp"
#include "cli/problem.hpp"
#include "cli/top.hpp"

namespace cli {

struct RunOptions {
    std::string graph;
    std::vector<std::string> sets;
    std::vector<std::string> inputs;
    std::optional<std::string> output_dir;
    std::optional<std::string> events;
    std::optional<std::string> record;
    std::optional<std::string> dead_letters;  // the file to write
    std::optional<std::string> letters;       // the file whose letters are played back
    std::optional<std::string> checkpoint;
    std::uint64_t checkpoint_ms = 0;
    std::optional<std::string> restore;
    std::optional<double> timeout_seconds;
    reflow_mode mode = REFLOW_MODE_OWN;
    std::uint32_t threads = 0;
    std::uint64_t seed = 0;
    reflow_log_level log_level = REFLOW_LOG_INFO;
    bool stats = false;
    bool watch = false;
    bool json = false;
    bool quiet = false;
    std::optional<TopOptions> top;
};

RunOptions run_options(const Arguments& arguments, Console& console);
RunOptions top_options(const Arguments& arguments, Console& console);

// The graph as the program needs to see it: who its nodes are and what is exposed.
class GraphInfo {
public:
    explicit GraphInfo(const reflow_graph* graph);

    [[nodiscard]] const std::vector<std::string_view>& nodes() const { return nodes_; }
    [[nodiscard]] std::string_view component(std::string_view node) const;
    [[nodiscard]] const std::vector<std::string_view>& inports() const { return inports_; }
    [[nodiscard]] const std::vector<std::string_view>& outports() const { return outports_; }
    // The node whose id is the longest that the text begins with, followed by a dot.
    [[nodiscard]] std::optional<std::string_view> node_before_dot(std::string_view text) const;
    [[nodiscard]] bool has_node(std::string_view node) const { return known_.count(node) != 0; }
    // Over how many connections each packet of the node's outports goes; 1 if that differs.
    [[nodiscard]] std::uint64_t fan_out(std::string_view node) const;

private:
    Message document_;  // what the views look into
    std::vector<std::string_view> nodes_;
    std::unordered_set<std::string_view> known_;
    std::vector<std::string_view> inports_;
    std::vector<std::string_view> outports_;
};

// Takes the initial packets out of a graph, but for those inside subgraphs.
void remove_initials(reflow_graph* graph);

// --set. Throws a Failure with exit_usage.
struct Set {
    std::string argument;
    std::string node;
    std::string key;
};
Set apply_set(reflow_graph* graph, const GraphInfo& info, const std::string& argument);

// A problem with a value that came from an option names the option and not the file.
void blame_option(Problem& problem, const std::vector<Set>& sets);

// --output-dir: sets the output folder of every component that has one, by the mark in its schema.
// Returns how many.
std::size_t apply_output_dir(reflow_graph* graph, const GraphInfo& info,
                             const reflow_runtime* runtime, const std::string& folder);

// Whether a node of the graph writes files.
bool writes_files(const GraphInfo& info, const reflow_runtime* runtime);

// --input.
struct Input {
    std::string argument;
    std::string node;  // empty: an exposed inport
    std::string port;
    Message message;
    reflow_inport inport{};
};
Input parse_input(const GraphInfo& info, const std::string& argument, const Deadline& deadline);
void find_inport(Input& input, reflow_network* network);

}  // namespace cli
