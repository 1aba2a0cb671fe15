// Two readers of the network's events: the failures that are told at the end, and --events FILE.
// Neighbours: run. Thread: main; the file with a runtime that has threads has one of its own.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "cli/console.hpp"
#include "cli/handles.hpp"
#include "cli/problem.hpp"

namespace cli {

// The failures of nodes: the first ones in full, the others counted.
class Failures {
public:
    // `show` prints them as they come; `ignored` tells nodes whose failures are no news.
    Failures(Console& console, bool show, std::function<bool(std::string_view)> ignored)
        : console_(console), show_(show), ignored_(std::move(ignored)) {}

    void subscribe(reflow_network* network);
    // Takes what is there.
    void pump();

    void add(Problem problem);
    // How many there were in all, with those whose events came too fast.
    void settle(std::uint64_t count) { count_ = std::max(count_, count); }
    [[nodiscard]] std::uint64_t count() const { return count_; }
    [[nodiscard]] std::uint64_t shown() const { return shown_; }
    [[nodiscard]] const std::vector<Problem>& first() const { return first_; }
    // A stall ends a network, whoever takes the errors of its nodes.
    [[nodiscard]] bool stalled() const { return stalled_; }

private:
    void take(const reflow_event& event);

    Console& console_;
    const bool show_;
    const std::function<bool(std::string_view)> ignored_;
    Subscription subscription_;
    std::vector<Problem> first_;
    std::uint64_t count_ = 0;
    std::uint64_t shown_ = 0;
    bool stalled_ = false;
};

// All events as lines of JSON in a file.
class EventFile {
public:
    explicit EventFile(Console& console) : console_(console) {}
    EventFile(const EventFile&) = delete;
    EventFile& operator=(const EventFile&) = delete;
    ~EventFile();

    // Opens the file (- is standard error) before the network starts. Throws a Failure.
    void open(reflow_network* network, const std::string& path);
    void start_thread();
    // Takes what is there, on this thread.
    void pump();
    // Ends the thread, takes the rest and closes the file; false if it could not be written.
    bool finish();

private:
    // False when there is nothing more to come.
    bool take(std::int64_t timeout_ms);
    void write(std::string_view text);

    Console& console_;
    std::string path_;
    int file_ = -1;
    int error_ = 0;
    std::uint64_t missed_ = 0;
    std::string lines_;
    Subscription subscription_;
    std::thread thread_;
    std::atomic<bool> ending_{false};
};

}  // namespace cli
