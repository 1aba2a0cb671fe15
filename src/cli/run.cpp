// One run of a graph, from the file to the exit code.
// Neighbours: run_plan, run_outputs, run_events, progress, interrupts. Thread: main; the hooks come
// on threads of the library.
#include "cli/run.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "cli/dead_letters.hpp"
#include "cli/environment.hpp"
#include "cli/files.hpp"
#include "cli/interrupts.hpp"
#include "cli/problem.hpp"
#include "cli/programs.hpp"
#include "cli/text.hpp"

namespace cli {

namespace {

constexpr std::chrono::milliseconds slice{50};
// How long a graph that writes files may go on when nobody reads standard output any more.
constexpr std::chrono::seconds unread_grace{10};
// How long a callback may take to return when everything else has ended.
constexpr std::chrono::seconds stop_limit{5};
// Turns of actors between two looks at signals and outputs when there are no threads.
constexpr std::uint64_t turns = 64;

constexpr std::string_view interrupted_json =
    "{\"status\":\"interrupted\",\"duration_ms\":0,\"nodes\":{},\"outputs\":{},\"errors\":[]}\n";

std::string_view level_name(reflow_log_level level) {
    switch (level) {
        case REFLOW_LOG_ERROR:
            return "ERROR";
        case REFLOW_LOG_WARN:
            return "WARN";
        case REFLOW_LOG_INFO:
            return "INFO";
        case REFLOW_LOG_DEBUG:
            return "DEBUG";
        default:
            return "TRACE";
    }
}

}  // namespace

Run::Run(RunOptions options, Console& console)
    : options_(std::move(options)),
      console_(console),
      failures_(console, !options_.top, [this](std::string_view node) { return ignored(node); }),
      outputs_(console, options_.json),
      events_(console),
      progress_(console, !options_.quiet && !options_.top) {
    if (options_.top) top_.emplace(*options_.top, console);
}

int Run::perform() {
    if (options_.timeout_seconds) {
        deadline_.seconds = *options_.timeout_seconds;
        deadline_.time = Clock::now() + std::chrono::duration_cast<Clock::duration>(
                                            std::chrono::duration<double>(deadline_.seconds));
        interrupts::set_deadline(*deadline_.time);
    }
    prepare();
    start_ = Clock::now();
    interrupts::defer();
    progress_.begin(network_.get(), *info_, start_);
    if (top_) top_->begin(network_.get(), options_.graph);
    drawn_on_.store(top_.has_value(), std::memory_order_relaxed);
    start();
    if (options_.mode == REFLOW_MODE_OWN) {
        outputs_.start_threads();
        events_.start_thread();
    }
    send_inputs();
    send_letters();
    if (cut_ == Cut::no && !failed_) {
        until([this](std::int64_t wait) {
            reflow_status idle = reflow_network_wait_idle(network_.get(), wait, nullptr);
            if (idle == REFLOW_OK && watch_) {
                // The next change of the file is waited for.
                static_cast<void>(poll(nullptr, 0, static_cast<int>(slice.count())));
                idle = REFLOW_ERROR_TIMEOUT;
            }
            return std::pair(idle, true);
        });
    }
    wind_up();
    keep_letters();
    return conclude();
}

// With letters to be played back nothing else begins: sources end before they have fired.
void Run::start() {
    if (options_.letters) {
        must(
            [&](reflow_error** e) {
                return reflow_network_pause(network_.get(), view_of(""), 0, e);
            },
            exit_failed);
    }
    must([&](reflow_error** e) { return reflow_network_start(network_.get(), e); }, exit_failed);
    if (!options_.letters) return;
    must([&](reflow_error** e) { return reflow_network_end_sources(network_.get(), e); },
            exit_failed);
    must([&](reflow_error** e) { return reflow_network_resume(network_.get(), view_of(""), e); },
            exit_failed);
}

// ---- before the start ---------------------------------------------------------------------------

void Run::prepare() {
    source_.path = options_.graph;
    make_runtime();
    if (options_.watch) watch_.emplace(options_.graph);
    graph_ = read_graph();
    if (watch_) watch_->follow(graph_.get());
    if (options_.letters) {
        letters_ = read_letters(*options_.letters);
        remove_initials(graph_.get());
    }
    for (const std::string& input : options_.inputs) {
        inputs_.push_back(parse_input(*info_, input, deadline_));
    }
    make_network();
    for (Input& input : inputs_) find_inport(input, network_.get());
    if (options_.stats) measure();
    open_listeners();
    if (options_.restore) restore();
    if (options_.checkpoint) begin_checkpoints();
}

// Behind the listeners: what waits for an output needs it to be open.
void Run::restore() {
    Error error;
    const reflow_status status =
        reflow_network_restore_file(network_.get(), view_of(*options_.restore), Out(error));
    check(status, error, exit_failed);
}

void Run::begin_checkpoints() {
    reflow_checkpoint_options options{};
    options.struct_size = sizeof options;
    options.path = view_of(*options_.checkpoint);
    options.interval_ms = options_.checkpoint_ms;
    Error error;
    const reflow_status begun = reflow_network_checkpoint(network_.get(), &options, Out(error));
    check(begun, error, exit_failed);
}

Graph Run::read_graph() {
    Graph graph = load_graph(options_.graph, deadline_, &source_.text);
    resolve_environment(graph.get(), source_);
    GraphInfo info(graph.get());
    if (options_.output_dir &&
        apply_output_dir(graph.get(), info, runtime_.get(), *options_.output_dir) == 0) {
        console_.warning("--output-dir: no node of this graph writes files");
    }
    std::vector<Set> sets;
    for (const std::string& set : options_.sets) {
        sets.push_back(apply_set(graph.get(), info, set));
    }
    sets_.swap(sets);
    info_.emplace(graph.get());
    return graph;
}

// Each turn: a run is short, and who asks for times wants those of all calls.
void Run::measure() {
    reflow_measure_options options{};
    options.struct_size = sizeof options;
    options.sample = 1;
    must([&](reflow_error** e) { return reflow_network_measure(network_.get(), &options, e); },
            exit_failed);
}

void Run::make_runtime() {
    reflow_runtime_options options{};
    options.struct_size = sizeof options;
    options.mode = options_.mode;
    options.workers = options_.threads;
    options.seed = options_.seed;
    if (options_.record) options.batch_packets = 1;  // so that a replay can stop at each firing
    options.log = log_hook;
    options.log_level = options_.log_level;
    options.print = print_hook;
    options.user_data = this;
    Error error;
    const reflow_status status = reflow_runtime_create(&options, Out(runtime_), Out(error));
    check(status, error, exit_failed);
}

void Run::make_network() {
    Error error;
    const reflow_status status =
        options_.record
            ? reflow_x_record_create(runtime_.get(), graph_.get(), view_of(*options_.record),
                                     Out(network_), Out(error))
            : reflow_network_create(runtime_.get(), graph_.get(), Out(network_), Out(error));
    if (status == REFLOW_OK) return;
    if (is_about_graph(status)) explain_invalid(error);
    check(status, error, exit_failed);
}

// The library tells the first error; a person wants to mend all of them at once.
void Run::explain_invalid(const Error& error) {
    std::vector<Problem> problems;
    for (Finding& each : list_findings(graph_.get(), runtime_.get(), source_)) {
        if (each.severity != "error") continue;
        problems.push_back(std::move(each.problem));
        blame_option(problems.back(), sets_);
    }
    if (problems.empty()) {
        Problem problem = refused_by_node(error, source_);
        blame_option(problem, sets_);
        problems.push_back(std::move(problem));
    }
    for (Problem& each : problems) hide_values(each, graph_.get());
    Failure failure{exit_invalid, problems.front(), {}};
    failure.others.assign(problems.begin() + 1, problems.end());
    throw failure;
}

void Run::open_listeners() {
    // A view of the whole shows no packets: nobody reads them, and they hold nobody back.
    if (!top_) outputs_.open(network_.get(), info_->outports());
    failures_.subscribe(network_.get());
    if (options_.events) events_.open(network_.get(), *options_.events);
}

// ---- running ------------------------------------------------------------------------------------

template <typename Step>
bool Run::until(Step step) {
    while (cut_ == Cut::no) {
        tick();
        if (cut_ != Cut::no) return false;
        if (options_.mode != REFLOW_MODE_OWN) {
            bool more = false;
            const reflow_status ran = reflow_runtime_run(runtime_.get(), turns, &more, nullptr);
            if (outputs_.pump() || (ran == REFLOW_OK && more)) continue;
        }
        const auto [status, ours] = step(slice_ms());
        if (status == REFLOW_OK) return true;
        if (status == REFLOW_ERROR_TIMEOUT || status == REFLOW_ERROR_WOULD_BLOCK) continue;
        failed_ = true;
        failures_.pump();
        if (ours && !failures_.stalled()) {
            failures_.add(Problem::of_text("the network failed: " +
                                           std::string(text_of(reflow_status_name(status)))));
        }
        return false;
    }
    return false;
}

void Run::send_inputs() {
    for (Input& input : inputs_) {
        Error error;
        const bool sent = until([&](std::int64_t wait) {
            const reflow_status status = reflow_network_send(network_.get(), input.inport,
                                                             input.message.get(), wait, Out(error));
            // Taken if it went in.
            if (status == REFLOW_OK) static_cast<void>(input.message.release());
            return std::pair(status, false);
        });
        if (sent) continue;
        if (failed_) failures_.add(Problem::of(error, "--input " + input.argument));
        return;
    }
}

// Whatever is wrong with the file is told as at the start; what runs goes on.
void Run::reload() {
    try {
        apply_again();
    } catch (const Failure& failure) {
        console_.error(failure.problem.text);
        for (const Problem& problem : failure.others) console_.error(problem.text);
        console_.remark(options_.graph + " was not applied; the graph from before runs on");
    }
}

void Run::apply_again() {
    graph_ = read_graph();
    watch_->follow(graph_.get());
    reflow_change change{};
    change.struct_size = sizeof change;
    Error error;
    const reflow_status status =
        reflow_network_apply(network_.get(), graph_.get(), nullptr, &change, Out(error));
    // Nodes that the progress line looks at are those of the network.
    Graph now;
    must([&](reflow_error** e) { return reflow_network_graph(network_.get(), Out(now), e); },
         exit_failed);
    if (status != REFLOW_OK && is_about_graph(status)) {
        const Graph wrong = std::move(graph_);
        std::vector<Problem> problems;
        for (Finding& each : list_findings(wrong.get(), runtime_.get(), source_)) {
            if (each.severity == "error") problems.push_back(std::move(each.problem));
        }
        graph_ = std::move(now);
        info_.emplace(graph_.get());
        progress_.begin(network_.get(), *info_, start_);
        if (problems.empty()) problems.push_back(refused_by_node(error, source_));
        for (Problem& each : problems) hide_values(each, wrong.get());
        Failure failure{exit_invalid, problems.front(), {}};
        failure.others.assign(problems.begin() + 1, problems.end());
        throw failure;
    }
    graph_ = std::move(now);
    info_.emplace(graph_.get());
    progress_.begin(network_.get(), *info_, start_);
    check(status, error, exit_failed);
    errors_taken_.reset();
    if (!top_) outputs_.open(network_.get(), info_->outports());
    console_.remark(options_.graph + " applied: " + change_text(change));
}

void Run::send_letters() {
    for (std::size_t i = 0; i < letters_.size() && cut_ == Cut::no && !failed_; ++i) {
        Error error;
        const bool sent = until([&](std::int64_t wait) {
            const reflow_status status =
                reflow_network_send_dead_letter(network_.get(), letters_[i].get(), Out(error));
            // There is room at the latest when all that is under way has come to rest.
            if (status == REFLOW_ERROR_WOULD_BLOCK && wait > 0) {
                static_cast<void>(reflow_network_wait_idle(network_.get(), 1, nullptr));
            }
            return std::pair(status, false);
        });
        if (sent || cut_ != Cut::no) continue;
        // One that the graph has no place for does not keep the others back.
        failures_.add(Problem::of(error, "letter " + std::to_string(i + 1)));
        failed_ = reflow_network_get_state(network_.get()) != REFLOW_NETWORK_RUNNING;
        ++unsent_;
    }
}

// Also of a network that has failed or was stopped.
void Run::keep_letters() {
    if (!options_.dead_letters) return;
    try {
        write_letters(*options_.dead_letters, letters_of(network_.get()));
    } catch (const Failure& failure) {
        failures_.add(failure.problem);
        failed_ = true;
    }
    reflow_dead_letters counts{};
    counts.struct_size = sizeof counts;
    reflow_network_dead_letters(network_.get(), &counts, nullptr);
    if (counts.lost != 0) {
        console_.warning(grouped(counts.lost) + " dead letters are missing in '" +
                         *options_.dead_letters + "': the graph keeps " + grouped(counts.capacity) +
                         " (its property dead_letters)");
    }
}

void Run::tick() {
    console_.flush(false);
    if (watch_ && cut_ == Cut::no && watch_->changed(Clock::now())) reload();
    events_.pump();
    failures_.pump();
    progress_.draw(Clock::now(), failures_.count());
    look_for_cut();
    if (top_ && cut_ == Cut::no && !top_->tick()) cut_ = Cut::quit;
}

void Run::look_for_cut() {
    if (cut_ != Cut::no) return;
    if (interrupts::count() > 0) {
        cut_ = Cut::interrupted;
        if (top_) return;
        console_.remark(console_.error_is_terminal()
                            ? "interrupted, finishing (again to stop at once)"
                            : "interrupted");
        return;
    }
    const Clock::time_point now = Clock::now();
    if (deadline_.time && now >= *deadline_.time) {
        cut_ = Cut::timeout;
        return;
    }
    // Without a reader there is nothing to run for, unless files are to be completed.
    if (console_.output_error() != EPIPE) return;
    if (!unread_deadline_) {
        unread_deadline_ = now;
        if (writes_files(*info_, runtime_.get())) *unread_deadline_ += unread_grace;
    }
    if (now >= *unread_deadline_) cut_ = Cut::unread;
}

std::int64_t Run::slice_ms() const {
    // Simulated time says nothing about how long a wait takes: it is run by turns alone.
    if (options_.mode == REFLOW_MODE_SIMULATED) return 0;
    std::chrono::milliseconds wait = slice;
    if (deadline_.time && cut_ == Cut::no) {
        const auto left =
            std::chrono::ceil<std::chrono::milliseconds>(*deadline_.time - Clock::now());
        wait = std::clamp(left, std::chrono::milliseconds(0), wait);
    }
    return wait.count();
}

// Lets the network finish if there is time for it, stops it, and takes the rest of what it says.
void Run::wind_up() {
    if (cut_ == Cut::no && !failed_) {
        until([this](std::int64_t wait) {
            return std::pair(reflow_network_drain(network_.get(), wait, nullptr), true);
        });
    }
    // What is told from here on stays on the terminal.
    if (top_) top_->leave();
    drawn_on_.store(false, std::memory_order_relaxed);
    if (cut_ == Cut::timeout) tell_timeout();
    if (cut_ == Cut::interrupted || cut_ == Cut::quit) finish_briefly(2);
    if (cut_ == Cut::timeout) finish_briefly(1);
    if (!stop()) {
        // A callback that does not return cannot be ended; the process can.
        console_.error("a node does not stop; ending without it");
        outputs_.join();
        const int code = conclude();
        console_.end_progress();
        console_.flush(false);
        _exit(code == exit_ok ? exit_failed : code);
    }
    // In this order: a port has one reader at a time.
    outputs_.join();
    outputs_.pump();
    failures_.pump();
    if (options_.record) {
        Error error;
        if (reflow_x_record_flush(network_.get(), Out(error)) != REFLOW_OK) {
            failures_.add(Problem::of(error, "--record"));
            failed_ = true;
        }
    }
    if (!events_.finish()) failed_ = true;
}

// After the first interrupt, or when the time is over: nothing new begins, and what is under way
// may finish, for a short time and up to so many interrupts in all.
void Run::finish_briefly(int interrupts) {
    reflow_network_end_sources(network_.get(), nullptr);
    const Clock::time_point limit = Clock::now() + interrupts::grace;
    while (interrupts::count() < interrupts && Clock::now() < limit) {
        if (options_.mode != REFLOW_MODE_OWN) {
            reflow_runtime_run(runtime_.get(), turns, nullptr, nullptr);
            outputs_.pump();
        }
        const reflow_status status = reflow_network_drain(network_.get(), slice_ms(), nullptr);
        const bool blocked = status == REFLOW_ERROR_WOULD_BLOCK && outputs_.pump();
        if (status != REFLOW_ERROR_TIMEOUT && !blocked) return;
        tick();
    }
}

bool Run::stop() {
    const Clock::time_point limit = Clock::now() + stop_limit;
    while (reflow_network_stop(network_.get(), slice.count(), nullptr) == REFLOW_ERROR_TIMEOUT) {
        if (options_.mode != REFLOW_MODE_OWN) outputs_.pump();
        tick();
        if (Clock::now() >= limit) return false;
    }
    return true;
}

// ---- hooks --------------------------------------------------------------------------------------

void Run::log_hook(void* self, reflow_log_level level, reflow_view subsystem, reflow_view node,
                   reflow_view text) {
    Run& run = *static_cast<Run*>(self);
    Console& console = run.console_;
    const std::string_view sgr = level == REFLOW_LOG_ERROR  ? "1;31"
                                 : level == REFLOW_LOG_WARN ? "1;33"
                                                            : "2";
    std::string line = console.on_error(sgr, level_name(level)) + " ";
    append_safe(line, text_of(node).empty() ? text_of(subsystem) : text_of(node));
    line += ": ";
    append_safe(line, text_of(text));
    if (run.drawn_on_.load(std::memory_order_relaxed)) {
        if (run.top_) run.top_->say(line);
        return;
    }
    line += '\n';
    console.note(line);
}

reflow_status Run::print_hook(void* self, reflow_view node, reflow_view text) {
    Run& run = *static_cast<Run*>(self);
    Console& console = run.console_;
    if (run.options_.top) return REFLOW_OK;  // it would stand in the middle of the table
    const bool to_error = run.options_.json;
    const bool terminal = to_error ? console.error_is_terminal() : console.output_is_terminal();
    std::string safe;
    if (terminal) append_safe(safe, text_of(text), true);
    const std::string_view words = terminal ? std::string_view(safe) : text_of(text);
    if (to_error) {
        console.note(words);
        return REFLOW_OK;
    }
    if (console.write(words)) return REFLOW_OK;
    const std::lock_guard lock(run.refused_mutex_);
    run.refused_.emplace(text_of(node));
    return REFLOW_ERROR_CLOSED;
}

// Failures that are handled in the graph, or that come from a standard output that nobody takes.
bool Run::ignored(std::string_view node) {
    {
        const std::lock_guard lock(refused_mutex_);
        if (refused_.find(node) != refused_.end()) return true;
    }
    if (!errors_taken_) find_errors_taken();
    return errors_taken_->find(node) != errors_taken_->end();
}

// The network knows, also for nodes of subgraphs.
void Run::find_errors_taken() {
    errors_taken_.emplace();
    Message report;
    if (reflow_network_report(network_.get(), report.out(), nullptr) != REFLOW_OK) return;
    for (std::size_t i = 0; i < reflow_message_count(report.get()); ++i) {
        if (flag_member(element(report.get(), i), "errors_taken")) {
            errors_taken_->emplace(key_at(report.get(), i));
        }
    }
}

int top_graph(const Arguments& arguments, Console& console) {
    const RunOptions options = top_options(arguments, console);
    interrupts::install({});
    Run run(options, console);
    return run.perform();
}

int run_graph(const Arguments& arguments, Console& console) {
    const RunOptions options = run_options(arguments, console);
    interrupts::install(options.json ? interrupted_json : std::string_view{});
    try {
        Run run(options, console);
        return run.perform();
    } catch (const Failure& failure) {
        if (options.json) console.write(run_failure_json(failure));
        throw;
    }
}

}  // namespace cli
