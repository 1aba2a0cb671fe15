// The progress line of `reflow run`, and the summary that stays when it is over.
// Neighbours: console (draws), run (asks ten times a second). Thread: main.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cli/console.hpp"
#include "cli/handles.hpp"
#include "cli/run_plan.hpp"

namespace cli {

class Progress {
public:
    using Time = std::chrono::steady_clock::time_point;

    Progress(Console& console, bool wanted) : console_(console), wanted_(wanted) {}

    // Finds the sources of a network that has been made.
    void begin(const reflow_network* network, const GraphInfo& info, Time start);
    // Draws the line, if it is time for it.
    void draw(Time now, std::uint64_t failures);
    // Removes the line and writes the summary: "reflow: done: 1,461 rows in 0.031 s (...)".
    void end(Time now, std::string_view word, std::uint64_t failures);

private:
    struct Source {
        std::string_view node;
        std::uint64_t fan_out;
    };

    [[nodiscard]] std::uint64_t rows() const;
    [[nodiscard]] std::string text(Time now, std::uint64_t failures, bool colours) const;

    Console& console_;
    const bool wanted_;
    const reflow_network* network_ = nullptr;
    std::vector<Source> sources_;
    Time start_{};
    Time next_{};
};

}  // namespace cli
