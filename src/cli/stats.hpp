// What the metrics of a network say to a person: numbers, and the table of `reflow run --stats`.
// Neighbours: run. Thread: any.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/console.hpp"
#include "cli/handles.hpp"

namespace cli {

// 850 as "850 ns", 12340 as "12.3 us", 1500000000 as "1.50 s".
std::string nanoseconds(std::uint64_t ns);

// 1234567 as "1.2 MiB".
std::string mebibytes(std::uint64_t bytes);

// The table of what reflow_network_metrics tells, lines with their ends; busiest first.
std::string stats_table(reflow_message metrics, const Console& console);

}  // namespace cli
