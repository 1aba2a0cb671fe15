// `reflow debug`: a network that a person, or a script, steps through.
// Neighbours: debug_session (commands and their words), run_plan (the graph). Thread: main; the
// hooks of the library come on it as well, since the network is simulated.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/console.hpp"
#include "cli/handles.hpp"
#include "cli/run_outputs.hpp"
#include "cli/run_plan.hpp"

namespace cli {

// A breakpoint as it was asked for: it is set again when the network is made anew.
struct Break {
    std::uint64_t number = 0;  // what the user calls it
    std::string text;          // as it was typed
    std::string node;
    std::string inport;
    std::string outport;
    std::string peer;
    std::string peer_port;
    std::string expression;
    bool once = false;
    std::uint64_t id = 0;
};

// Where the network has stopped last.
struct Stop {
    std::uint64_t number = 0;  // of a breakpoint; 0: none
    std::string node;
    std::string port;
    std::string peer;
    std::string peer_port;
    bool delivery = false;
    Message message;
};

// The network under the debugger. Functions throw a Failure.
class Debugged {
public:
    Debugged(RunOptions options, Console& console);

    // Makes the network anew, not started, with all breakpoints.
    void restart();
    void set_seed(std::uint64_t seed) { options_.seed = seed; }
    [[nodiscard]] std::uint64_t seed() const { return options_.seed; }

    // Lets so many firings end, or fewer if it comes to a breakpoint or its end.
    void step(std::uint64_t firings);
    // Until a breakpoint, an interrupt or the end.
    void go();

    std::uint64_t add(Break wanted);
    void remove(std::uint64_t number);
    [[nodiscard]] const std::map<std::uint64_t, Break>& breaks() const { return breaks_; }
    [[nodiscard]] std::map<std::uint64_t, std::uint64_t> hits() const;

    [[nodiscard]] bool ended() const { return ended_; }
    [[nodiscard]] const std::optional<Stop>& stop() const { return stop_; }
    [[nodiscard]] const GraphInfo& info() const { return *info_; }
    [[nodiscard]] std::uint64_t firings() const { return firings_; }
    [[nodiscard]] const reflow_graph* graph() const { return graph_.get(); }
    [[nodiscard]] reflow_network* network() const { return network_.get(); }
    [[nodiscard]] reflow_runtime* runtime() const { return runtime_.get(); }
    // All nodes, those of subgraphs by their paths.
    [[nodiscard]] std::vector<std::string> nodes() const;
    [[nodiscard]] std::vector<Message> queue(std::string_view node, std::string_view port,
                                             std::size_t most) const;
    // The names of the inports of a node.
    [[nodiscard]] std::vector<std::string> inports(std::string_view node) const;
    void show_events(bool shown) { shows_events_ = shown; }

private:
    void make_runtime();
    void begin();
    void place(Break& wanted);
    // Takes the events; true if there was a stop among them.
    bool take_events();
    void take_event(const reflow_event_batch* batch, std::size_t index);
    void tell_stop(const reflow_event& event);
    // Nothing is left to do: lets the nodes finish one after the other. False at the end.
    bool drain(bool stops);
    void end();

    static void log_hook(void* self, reflow_log_level level, reflow_view subsystem,
                         reflow_view node, reflow_view text);
    static reflow_status print_hook(void* self, reflow_view node, reflow_view text);

    RunOptions options_;
    Console& console_;
    Graph graph_;
    std::optional<GraphInfo> info_;
    std::vector<Input> inputs_;
    std::map<std::uint64_t, Break> breaks_;
    std::uint64_t last_break_ = 0;
    std::optional<Stop> stop_;
    std::uint64_t firings_ = 0;
    std::uint64_t finishing_ = 0;  // id of the breakpoint that stops before the next finish
    bool started_ = false;
    bool ended_ = false;
    bool draining_ = false;
    bool steps_ = false;  // firings are told
    bool stopped_ = false;
    bool shows_events_ = false;

    Runtime runtime_;
    Network network_;
    std::optional<Outputs> outputs_;
    Subscription events_;
};

}  // namespace cli
