// The words of `reflow top`: from what the metrics tell at two moments to lines of text.
// Neighbours: top. Thread: any.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cli/console.hpp"
#include "cli/handles.hpp"

namespace cli {

// What the rows are sorted by.
enum class Sort { graph, node, fired, in, out, queue, p50, p99, failed, cpu };
inline constexpr std::string_view sort_names = "graph node fired in out queue p50 p99 failed cpu";
[[nodiscard]] std::string_view sort_name(Sort sort);
[[nodiscard]] Sort sort_of(std::string_view name);

// Counts at one moment.
struct TopSample {
    struct Counts {
        std::uint64_t fired = 0, received = 0, sent = 0, busy_ns = 0;
    };
    std::uint64_t time_ns = 0;
    std::uint64_t processor_ns = 0;
    std::vector<Counts> nodes;
};
[[nodiscard]] TopSample sample_of(reflow_message metrics);

struct TopRow {
    std::string_view id, component, state;
    double fired = 0, in = 0, out = 0;  // each second
    std::uint64_t waiting = 0, capacity = 0, failed = 0;
    std::uint64_t p50_ns = 0, p99_ns = 0;
    bool timed = false;
    double cpu = 0;  // of one processor, 1 is all of it
};

struct TopView {
    std::string_view graph;
    std::string_view word;  // what the network does
    double seconds = 0;     // since the start
    Sort sort = Sort::cpu;
    bool reverse = false;
    std::size_t columns = 80;
};

// The views of the rows are those of metrics.
[[nodiscard]] std::vector<TopRow> rows_of(reflow_message metrics, const TopSample& before,
                                          const TopSample& now, const TopView& view);

// Three lines about the whole.
[[nodiscard]] std::string heading_of(reflow_message metrics, const std::vector<TopRow>& rows,
                                     const TopSample& before, const TopSample& now,
                                     const TopView& view);
// The rows from `first` on, at most so many, below a line with the names of the columns.
[[nodiscard]] std::string table_of(const std::vector<TopRow>& rows, std::size_t first,
                                   std::size_t count, const TopView& view, const Console& console);

// {"node":{"fired":1.5,"in":0,"out":0,"cpu":0.25},...}
[[nodiscard]] std::string rates_json(const std::vector<TopRow>& rows);

}  // namespace cli
