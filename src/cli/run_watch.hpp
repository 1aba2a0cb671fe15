// The files of `reflow run --watch`, those of the graph and of its subgraphs: whether one has changed
// on disk, and what a change has done in words. Neighbours: run. Thread: main.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>

#include "reflow.h"

namespace cli {

class Watch {
public:
    using Time = std::chrono::steady_clock::time_point;

    // Looks at the file as it is now, before it is read.
    explicit Watch(const std::string& path) : path_(path) { add(path); }
    // Looks from now on at the files of subgraphs that the graph, as it was read from the file, names.
    // Those that cannot be read are among them; what they will name is seen when they are mended.
    void follow(const reflow_graph* graph);
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
    struct File {
        Stamp seen;
        Stamp coming;  // seen once: whoever writes it may not be done
    };
    using Files = std::map<std::string, File>;

    void add(const std::string& path);
    [[nodiscard]] static Stamp look(const std::string& path);

    const std::string path_;
    Files files_;
    Time next_{};
};

// "1 node added, 2 connections removed"; "nothing to do" if nothing was done.
std::string change_text(const reflow_change& change);

}  // namespace cli
