// The packets of the exposed outports: printed as they come, or kept for the JSON object.
// Neighbours: run. Thread: main; with a runtime that has threads, readers of its own too.
#pragma once

#include <atomic>
#include <condition_variable>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "cli/console.hpp"
#include "cli/handles.hpp"

namespace cli {

class Outputs {
public:
    // With `keep` packets are gathered, otherwise printed.
    Outputs(Console& console, bool keep) : console_(console), keep_(keep) {}
    Outputs(const Outputs&) = delete;
    Outputs& operator=(const Outputs&) = delete;
    ~Outputs() { join(); }

    // Of those names that are not open yet: before the network starts, and behind a change of it.
    // Throws a Failure.
    void open(reflow_network* network, const std::vector<std::string_view>& names);
    // Readers on threads of their own, for networks that run by themselves.
    void start_threads();
    // Takes what is there, on this thread; true if there was something.
    bool pump();
    // Ends the threads; the network must be stopped, or they end at the next wait.
    void join();

    // "name":[...],... of what was gathered.
    void append_to(std::string& json) const;

private:
    struct Port {
        std::string name;
        Output output;
        std::string kept;
        // Cleared by who reads the port, as the last thing that it does with it: acquire and release
        // hand the rest over.
        std::atomic<bool> open{true};
    };
    using Ports = std::vector<Port*>;

    [[nodiscard]] bool is_open(std::string_view name) const;
    std::size_t take(Port& port, std::int64_t timeout_ms);
    void put(Port& port, reflow_message message);
    [[nodiscard]] bool read_turn(const Ports& ports);
    void read_late();

    Console& console_;
    const bool keep_;
    std::list<Port> ports_;
    std::vector<std::thread> threads_;
    // Guards late_: ports that a change has brought, for the thread that reads all of these.
    std::mutex late_mutex_;
    std::condition_variable late_changed_;
    Ports late_;
    // Of the main thread.
    bool threaded_ = false;
    bool late_reader_ = false;
    // Set once by join(); a reader that sees it late waits once more, no longer than wait_ms.
    std::atomic<bool> ending_{false};
};

}  // namespace cli
