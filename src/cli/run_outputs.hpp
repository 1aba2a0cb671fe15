// The packets of the exposed outports: printed as they come, or kept for the JSON object.
// Neighbours: run. Thread: main; with a runtime that has threads, readers of its own too.
#pragma once

#include <atomic>
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

    // Before the network starts. Throws a Failure.
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
        bool open = true;
    };

    std::size_t take(Port& port, std::int64_t timeout_ms);
    void put(Port& port, reflow_message message);
    void read(std::size_t first, std::size_t step);

    Console& console_;
    const bool keep_;
    std::vector<Port> ports_;
    std::vector<std::thread> threads_;
    // Set once by join(); a reader that sees it late waits once more, no longer than wait_ms.
    std::atomic<bool> ending_{false};
};

}  // namespace cli
