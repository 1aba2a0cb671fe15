// The end of a run: exit code, messages, and the JSON object.
// Neighbours: run. Thread: main.
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>

#include "cli/interrupts.hpp"
#include "cli/programs.hpp"
#include "cli/run.hpp"
#include "cli/stats.hpp"
#include "cli/text.hpp"

namespace cli {

namespace {

constexpr std::size_t busy_named = 5;
constexpr std::size_t problems_told = 100;

std::string milliseconds(std::chrono::steady_clock::duration time) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%.3f",
                  std::chrono::duration<double, std::milli>(time).count());
    return text.data();
}

// {"status":...,"duration_ms":..., up to the nodes.
std::string opening(std::string_view status, std::string_view duration_ms) {
    std::string json = "{\"status\":";
    append_json(json, status);
    json += ",\"duration_ms\":";
    json += duration_ms;
    return json += ",\"nodes\":{";
}

void append_counts(std::string& json, reflow_message report) {
    for (std::size_t i = 0; i < reflow_message_count(report); ++i) {
        if (i > 0) json += ',';
        append_json(json, key_at(report, i));
        json += ":{";
        const reflow_message node = element(report, i);
        bool first = true;
        for (const std::string_view name : {"fired", "received", "sent", "failed"}) {
            if (!first) json += ',';
            first = false;
            append_json(json, name);
            json += ':' + std::to_string(integer_member(node, name));
        }
        json += '}';
    }
}

void append_problems(std::string& json, const std::vector<Problem>& problems) {
    for (std::size_t i = 0; i < problems.size(); ++i) {
        if (i > 0) json += ',';
        problems[i].append_to(json);
    }
}

}  // namespace

std::string run_failure_json(const Failure& failure) {
    const bool invalid = failure.code == exit_invalid || failure.code == exit_usage;
    const bool late = failure.code == exit_timeout;
    std::string json = opening(invalid ? "invalid" : late ? "timeout" : "failed", "0");
    json += "},\"outputs\":{},\"errors\":[";
    failure.problem.append_to(json);
    std::size_t told = 1;
    for (const Problem& problem : failure.others) {
        if (++told > problems_told) break;
        json += ',';
        problem.append_to(json);
    }
    json += ']';
    if (failure.others.size() >= problems_told) {
        json += ",\"errors_omitted\":" + std::to_string(failure.others.size() + 1 - problems_told);
    }
    return json += "}\n";
}

int Run::conclude() {
    const Clock::time_point end = Clock::now();
    settle_failures();
    const bool failed = failed_ || failures_.count() > 0;
    int code = failed ? exit_failed : exit_ok;
    std::string_view status = failed ? "failed" : "ok";
    std::string_view word = failed ? "failed" : "done";
    if (cut_ == Cut::interrupted) {
        code = exit_signal + interrupts::signal_number();
        status = word = "interrupted";
    } else if (cut_ == Cut::timeout) {
        code = exit_timeout;
        status = "timeout";
        word = "timed out";
    }
    const std::uint64_t told = top_ ? failures_.first().size() : failures_.shown();
    const std::uint64_t more = failures_.count() - std::min(told, failures_.count());
    if (more > 0) {
        console_.remark(grouped(more) + (more == 1 ? " more failure" : " more failures") +
                        (top_ ? "" : " (--events FILE writes all of them)"));
    }
    // Who closed standard output wants to hear nothing more.
    if (console_.output_error() == EPIPE) {
        console_.end_progress();
    } else {
        progress_.end(end, word, failures_.count());
    }
    if (top_) {
        show_top(word);
    } else if (options_.json) {
        print_json(status, end);
    } else if (options_.stats) {
        show_stats();
    }
    return code;
}

// The table as it was in the end, and what would have been told on the way.
void Run::show_top(std::string_view word) {
    top_->conclude(cut_ == Cut::quit ? std::string_view("ended") : word);
    for (const Problem& problem : failures_.first()) console_.error(problem.text);
}

void Run::show_stats() {
    Message metrics;
    if (reflow_network_metrics(network_.get(), metrics.out(), nullptr) != REFLOW_OK) return;
    console_.flush();
    console_.note(stats_table(metrics.get(), console_));
}

namespace {

// null if there is no memory for it.
std::string stats_json(const reflow_network* network) {
    Message metrics;
    Buffer text;
    if (reflow_network_metrics(network, metrics.out(), nullptr) != REFLOW_OK) return "null";
    if (reflow_message_to_json(metrics.get(), REFLOW_JSON_PLAIN, Out(text), nullptr) != REFLOW_OK) {
        return "null";
    }
    return std::string(text_of(text));
}

}  // namespace

// The counters are exact also when events were lost.
void Run::settle_failures() {
    Message report;
    if (reflow_network_report(network_.get(), report.out(), nullptr) != REFLOW_OK) return;
    std::uint64_t count = 0;
    for (std::size_t i = 0; i < reflow_message_count(report.get()); ++i) {
        const std::int64_t failed = integer_member(element(report.get(), i), "failed");
        if (failed > 0 && !ignored(key_at(report.get(), i))) {
            count += static_cast<std::uint64_t>(failed);
        }
    }
    failures_.settle(count + unsent_);
}

void Run::tell_timeout() {
    Message report;
    std::string busy;
    std::size_t named = 0;
    if (reflow_network_report(network_.get(), report.out(), nullptr) == REFLOW_OK) {
        for (std::size_t i = 0; i < reflow_message_count(report.get()); ++i) {
            if (integer_member(element(report.get(), i), "waiting") == 0) continue;
            if (++named > busy_named) continue;
            busy += (busy.empty() ? "'" : ", '") + std::string(key_at(report.get(), i)) + "'";
        }
    }
    if (named > busy_named) busy += ", ...";
    Problem problem = Problem::of_text(timed_out(deadline_.seconds),
                                       busy.empty() ? "" : "packets were waiting at " + busy);
    console_.error(problem.text);
    timeout_ = std::move(problem);
}

void Run::print_json(std::string_view status, Clock::time_point end) {
    std::string json = opening(status, milliseconds(end - start_));
    Message report;
    if (reflow_network_report(network_.get(), report.out(), nullptr) == REFLOW_OK) {
        append_counts(json, report.get());
    }
    json += "},\"outputs\":{";
    outputs_.append_to(json);
    json += "},\"errors\":[";
    std::vector<Problem> problems = failures_.first();
    if (timeout_) problems.push_back(*timeout_);
    append_problems(json, problems);
    json += ']';
    if (failures_.count() > failures_.first().size()) {
        json +=
            ",\"errors_omitted\":" + std::to_string(failures_.count() - failures_.first().size());
    }
    if (options_.stats) json += ",\"stats\":" + stats_json(network_.get());
    console_.write(json += "}\n");
}

}  // namespace cli
