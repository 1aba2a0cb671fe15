// One run of a graph, from the file to the exit code.
// Neighbours: run_plan, run_outputs, run_events, progress. Thread: main; the hooks of the library
// come on its threads.
#pragma once

#include <atomic>
#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "cli/console.hpp"
#include "cli/findings.hpp"
#include "cli/handles.hpp"
#include "cli/progress.hpp"
#include "cli/run_events.hpp"
#include "cli/run_outputs.hpp"
#include "cli/run_plan.hpp"
#include "cli/run_watch.hpp"
#include "cli/top.hpp"

namespace cli {

class Run {
public:
    Run(RunOptions options, Console& console);
    Run(const Run&) = delete;
    Run& operator=(const Run&) = delete;

    // Everything; the exit code. Throws a Failure if the run does not begin.
    int perform();

private:
    using Clock = std::chrono::steady_clock;

    // Why a run ends before its graph is done.
    enum class Cut { no, interrupted, timeout, unread, quit };

    void prepare();
    void make_runtime();
    void make_network();
    void measure();
    void open_listeners();
    void restore();
    void begin_checkpoints();
    void explain_invalid(const Error& error);
    // The graph as the file and the options want it.
    [[nodiscard]] Graph read_graph();
    // --watch: applies the file again.
    void reload();
    void apply_again();

    void start();
    void send_inputs();
    void send_letters();
    void keep_letters();
    // Repeats step(timeout_ms) until it is not REFLOW_ERROR_TIMEOUT or the run is cut short;
    // what is not REFLOW_OK in the end is a failure of the run.
    template <typename Step>
    bool until(Step step);
    void tick();
    void look_for_cut();
    [[nodiscard]] std::int64_t slice_ms() const;
    void wind_up();
    void finish_briefly(int interrupts);
    [[nodiscard]] bool stop();

    [[nodiscard]] int conclude();
    void settle_failures();
    void tell_timeout();
    void print_json(std::string_view status, Clock::time_point end);
    void show_stats();
    void show_top(std::string_view word);

    static void log_hook(void* self, reflow_log_level level, reflow_view subsystem,
                         reflow_view node, reflow_view text);
    static reflow_status print_hook(void* self, reflow_view node, reflow_view text);
    [[nodiscard]] bool ignored(std::string_view node);
    void find_errors_taken();

    const RunOptions options_;
    Console& console_;
    // Read by hooks: somebody draws on the terminal, so nothing else may write there. relaxed: a line
    // more or less around the change is overdrawn.
    std::atomic<bool> drawn_on_{false};
    Graph graph_;
    std::optional<GraphInfo> info_;
    GraphSource source_;
    std::vector<Set> sets_;
    std::vector<Input> inputs_;
    std::optional<Watch> watch_;
    std::vector<Message> letters_;  // to be played back
    Clock::time_point start_{};
    Deadline deadline_;
    std::optional<Clock::time_point> unread_deadline_;
    Cut cut_ = Cut::no;
    bool failed_ = false;       // the network itself, not one of its nodes
    std::uint64_t unsent_ = 0;  // letters that the graph has no place for
    std::optional<Problem> timeout_;

    // Guards refused_: nodes whose printing failed since nobody takes standard output.
    std::mutex refused_mutex_;
    std::set<std::string, std::less<>> refused_;
    // Nodes whose errors somebody takes, once it has been asked. Main thread.
    std::optional<std::set<std::string, std::less<>>> errors_taken_;

    // The order is that of making; what is below ends before what it needs.
    Runtime runtime_;
    Network network_;
    Failures failures_;
    Outputs outputs_;
    EventFile events_;
    Progress progress_;
    std::optional<Top> top_;
};

}  // namespace cli
