// What the metrics of a network say to a person.
// Thread: any.
#include "cli/stats.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>

#include "cli/text.hpp"

namespace cli {

namespace {

// More nodes than this are counted; --json has them all.
constexpr std::size_t nodes_shown = 50;
// Longer ids are cut.
constexpr std::size_t node_columns = 40;

std::string formatted(const char* format, double value) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), format, value);
    return text.data();
}

// Three digits that count, and a unit.
std::string scaled(double value, std::string_view unit) {
    const char* format = value < 9.995 ? "%.2f" : value < 99.95 ? "%.1f" : "%.0f";
    return formatted(format, value) + " " + std::string(unit);
}

std::uint64_t count_of(reflow_message object, std::string_view key) {
    return static_cast<std::uint64_t>(integer_member(object, key));
}

using Row = std::vector<std::string>;

Row header() {
    return {"NODE", "FIRED", "RECEIVED", "SENT", "FAILED", "DROPPED", "P50", "P99", "BUSY"};
}

Row row_of(std::string_view id, reflow_message node) {
    Row row;
    std::string name;
    append_safe(name, cut(id, node_columns));
    if (columns(id) > node_columns) name += "...";
    row.push_back(std::move(name));
    for (const std::string_view key : {"fired", "received", "sent", "failed", "dropped"}) {
        row.push_back(grouped(count_of(node, key)));
    }
    const reflow_message call = member(node, "call");
    const bool known = count_of(call, "count") != 0;
    row.push_back(known ? nanoseconds(count_of(call, "p50_ns")) : "-");
    row.push_back(known ? nanoseconds(count_of(call, "p99_ns")) : "-");
    row.push_back(known ? nanoseconds(count_of(node, "busy_ns")) : "-");
    return row;
}

// The first column is left, the others right.
std::string line_of(const Row& row, const std::vector<std::size_t>& widths) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
        const std::string blanks(widths[i] - columns(row[i]), ' ');
        if (i > 0) line += "  ";
        line += i == 0 ? row[i] + blanks : blanks + row[i];
    }
    return line;
}

std::string process_line(reflow_message process) {
    const double user = static_cast<double>(count_of(process, "user_ns"));
    const double system = static_cast<double>(count_of(process, "system_ns"));
    return "process: " + mebibytes(count_of(process, "memory_peak_bytes")) + " at most, " +
           duration((user + system) / 1e9) + " of processor time, " +
           mebibytes(count_of(process, "read_bytes")) + " read, " +
           mebibytes(count_of(process, "written_bytes")) + " written\n";
}

}  // namespace

std::string nanoseconds(std::uint64_t ns) {
    const double value = static_cast<double>(ns);
    if (ns < 1000) return std::to_string(ns) + " ns";
    if (value < 999.5e3) return scaled(value / 1e3, "us");
    if (value < 999.5e6) return scaled(value / 1e6, "ms");
    return scaled(value / 1e9, "s");
}

std::string mebibytes(std::uint64_t bytes) {
    return formatted("%.1f", static_cast<double>(bytes) / (1024.0 * 1024.0)) + " MiB";
}

std::string stats_table(reflow_message metrics, const Console& console) {
    const reflow_message nodes = member(metrics, "nodes");
    std::vector<std::size_t> order(reflow_message_count(nodes));
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    auto weight = [&](std::size_t i) {
        const reflow_message node = element(nodes, i);
        return std::pair(count_of(node, "busy_ns"), count_of(node, "fired"));
    };
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return weight(a) > weight(b); });
    std::vector<Row> rows{header()};
    for (const std::size_t i : order) {
        if (rows.size() > nodes_shown) break;
        rows.push_back(row_of(key_at(nodes, i), element(nodes, i)));
    }
    if (order.size() > 1) rows.push_back(row_of("all", member(metrics, "total")));
    std::vector<std::size_t> widths(rows.front().size(), 0);
    for (const Row& row : rows) {
        for (std::size_t i = 0; i < row.size(); ++i) {
            widths[i] = std::max(widths[i], columns(row[i]));
        }
    }
    std::string table;
    const bool more = order.size() > nodes_shown;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        if (more && i + 1 == rows.size()) {
            table += "and " + grouped(order.size() - nodes_shown) + " more nodes (--json has all)\n";
        }
        const std::string line = line_of(rows[i], widths);
        const bool failed = i > 0 && rows[i][4] != "0";
        const std::string_view sgr = i == 0 ? "1" : failed ? "31" : "";
        table += (sgr.empty() ? line : console.on_error(sgr, line)) + "\n";
    }
    return table + process_line(member(metrics, "process"));
}

}  // namespace cli
