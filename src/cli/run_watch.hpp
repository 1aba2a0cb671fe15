// The graph file of `reflow run --watch`: whether it has changed on disk, and what a change has
// done in words. Neighbours: run. Thread: main.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "reflow.h"

namespace cli {

class Watch {
public:
    using Time = std::chrono::steady_clock::time_point;

    // Looks at the file as it is now.
    explicit Watch(std::string path);
    // True once for each change. Editors that write anew and rename are seen too; a file that is
    // away for a moment is not a change.
    [[nodiscard]] bool changed(Time now);

private:
    struct Stamp {
        std::int64_t seconds = 0;
        std::int64_t nanoseconds = 0;
        std::uint64_t file = 0;
        std::int64_t size = -1;
        bool operator==(const Stamp&) const = default;
    };
    [[nodiscard]] bool look(Stamp& to) const;

    const std::string path_;
    Stamp seen_;
    Stamp coming_;  // seen once: whoever writes it may not be done
    Time next_{};
};

// "1 node added, 2 connections removed"; "nothing to do" if nothing was done.
std::string change_text(const reflow_change& change);

}  // namespace cli
