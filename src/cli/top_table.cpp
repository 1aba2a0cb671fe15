// See top_table.hpp.
// Thread: any.
#include "cli/top_table.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

#include "cli/commands.hpp"
#include "cli/stats.hpp"
#include "cli/text.hpp"

namespace cli {

namespace {

constexpr std::size_t node_least = 12;
constexpr std::size_t node_most = 40;
constexpr std::size_t component_most = 16;
constexpr std::size_t bar_columns = 8;

std::string formatted(const char* format, double value) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), format, value);
    return text.data();
}

// Up to five digits as they are, and more with a unit.
std::string rate(double value) {
    if (value <= 0) return "0";
    if (value < 9.95) return formatted("%.1f", value);
    if (value < 99'999.5) return formatted("%.0f", value);
    if (value < 999.5e3) return formatted("%.0fk", value / 1e3);
    if (value < 9.995e6) return formatted("%.2fM", value / 1e6);
    if (value < 99.95e6) return formatted("%.1fM", value / 1e6);
    if (value < 999.5e6) return formatted("%.0fM", value / 1e6);
    return formatted("%.2fG", value / 1e9);
}

std::string percent(double share) { return formatted("%.0f", share * 100) + "%"; }

std::string bar(const TopRow& row) {
    if (row.capacity == 0) return std::string(bar_columns, ' ');
    const double fill =
        std::min(1.0, static_cast<double>(row.waiting) / static_cast<double>(row.capacity));
    std::size_t full = static_cast<std::size_t>(fill * bar_columns + 0.5);
    if (row.waiting != 0 && full == 0) full = 1;
    return std::string(full, '#') + std::string(bar_columns - full, '.');
}

std::string safe(std::string_view text, std::size_t most) {
    std::string made;
    append_safe(made, text);
    if (columns(made) <= most) return made;
    return std::string(cut(made, most - 1)) + "~";
}

struct Column {
    std::string_view name;
    Sort sort;
    bool left;
    int dropped;  // the highest goes first when it is narrow; 0 stays
    std::string (*text)(const TopRow& row);
};

constexpr Column table[] = {
    {"NODE", Sort::node, true, 0, [](const TopRow& row) { return safe(row.id, node_most); }},
    {"COMPONENT", Sort::graph, true, 6,
     [](const TopRow& row) { return safe(row.component, component_most); }},
    {"STATE", Sort::graph, true, 5, [](const TopRow& row) { return std::string(row.state); }},
    {"FIRED/S", Sort::fired, false, 1, [](const TopRow& row) { return rate(row.fired); }},
    {"IN/S", Sort::in, false, 4, [](const TopRow& row) { return rate(row.in); }},
    {"OUT/S", Sort::out, false, 7, [](const TopRow& row) { return rate(row.out); }},
    {"QUEUE", Sort::queue, true, 2, [](const TopRow& row) { return bar(row); }},
    {"WAITING", Sort::queue, false, 8,
     [](const TopRow& row) { return rate(static_cast<double>(row.waiting)); }},
    {"P50", Sort::p50, false, 9,
     [](const TopRow& row) { return row.timed ? nanoseconds(row.p50_ns) : std::string("-"); }},
    {"P99", Sort::p99, false, 3,
     [](const TopRow& row) { return row.timed ? nanoseconds(row.p99_ns) : std::string("-"); }},
    {"FAILED", Sort::failed, false, 0, [](const TopRow& row) { return grouped(row.failed); }},
    {"CPU", Sort::cpu, false, 0,
     [](const TopRow& row) { return row.timed ? percent(row.cpu) : std::string("-"); }},
};
constexpr std::size_t table_columns = sizeof table / sizeof table[0];

double number_by(const TopRow& row, Sort sort) {
    switch (sort) {
        case Sort::fired:
            return row.fired;
        case Sort::in:
            return row.in;
        case Sort::out:
            return row.out;
        case Sort::queue:
            return static_cast<double>(row.waiting);
        case Sort::p50:
            return static_cast<double>(row.p50_ns);
        case Sort::p99:
            return static_cast<double>(row.p99_ns);
        case Sort::failed:
            return static_cast<double>(row.failed);
        default:
            return row.cpu;
    }
}

std::uint64_t count_of(reflow_message object, std::string_view key) {
    return static_cast<std::uint64_t>(integer_member(object, key));
}

double per_second(std::uint64_t before, std::uint64_t now, double seconds) {
    return seconds <= 0 || now < before ? 0 : static_cast<double>(now - before) / seconds;
}

double seconds_between(const TopSample& before, const TopSample& now) {
    return static_cast<double>(now.time_ns - std::min(now.time_ns, before.time_ns)) / 1e9;
}

using Cells = std::array<std::string, table_columns>;

std::string line_of(const Cells& cells, const std::array<std::size_t, table_columns>& widths) {
    std::string line;
    for (std::size_t i = 0; i < table_columns; ++i) {
        if (widths[i] == 0) continue;
        const std::string_view cell =
            columns(cells[i]) > widths[i] ? cut(cells[i], widths[i]) : std::string_view(cells[i]);
        const std::string blanks(widths[i] - columns(cell), ' ');
        if (!line.empty()) line += "  ";
        line += table[i].left ? std::string(cell) + blanks : blanks + std::string(cell);
    }
    return line;
}

// Leaves out columns until the rest fits; the ids of nodes give way first.
void fit(std::array<std::size_t, table_columns>& widths, std::size_t columns_free) {
    auto sum = [&] {
        std::size_t all = 0;
        for (const std::size_t width : widths) all += width == 0 ? 0 : width + 2;
        return all - 2;
    };
    const std::size_t least = std::min(widths[0], node_least);
    for (;;) {
        const std::size_t all = sum();
        if (all <= columns_free) return;
        const std::size_t over = all - columns_free;
        if (widths[0] >= least + over) {
            widths[0] -= over;
            return;
        }
        std::size_t victim = 0;
        for (std::size_t i = 0; i < table_columns; ++i) {
            if (widths[i] != 0 && table[i].dropped > table[victim].dropped) victim = i;
        }
        if (victim == 0) return;  // the caller cuts the lines
        widths[victim] = 0;
    }
}

}  // namespace

std::string_view sort_name(Sort sort) {
    std::string_view found;
    int left = static_cast<int>(sort);
    each_word(sort_names, [&](std::string_view word) {
        if (left-- == 0) found = word;
    });
    return found;
}

Sort sort_of(std::string_view name) {
    int at = 0;
    int found = static_cast<int>(Sort::cpu);
    each_word(sort_names, [&](std::string_view word) {
        if (word == name) found = at;
        ++at;
    });
    return static_cast<Sort>(found);
}

TopSample sample_of(reflow_message metrics) {
    TopSample sample;
    sample.time_ns = count_of(metrics, "time_ns");
    const reflow_message process = member(metrics, "process");
    sample.processor_ns = count_of(process, "user_ns") + count_of(process, "system_ns");
    const reflow_message nodes = member(metrics, "nodes");
    sample.nodes.resize(reflow_message_count(nodes));
    for (std::size_t i = 0; i < sample.nodes.size(); ++i) {
        const reflow_message node = element(nodes, i);
        sample.nodes[i] = {count_of(node, "fired"), count_of(node, "received"),
                           count_of(node, "sent"), count_of(node, "busy_ns")};
    }
    return sample;
}

std::vector<TopRow> rows_of(reflow_message metrics, const TopSample& before, const TopSample& now,
                            const TopView& view) {
    const reflow_message nodes = member(metrics, "nodes");
    const double seconds = seconds_between(before, now);
    std::vector<TopRow> rows(now.nodes.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const reflow_message node = element(nodes, i);
        const reflow_message call = member(node, "call");
        const TopSample::Counts old =
            i < before.nodes.size() ? before.nodes[i] : TopSample::Counts{};
        TopRow& row = rows[i];
        row.id = key_at(nodes, i);
        row.component = text_member(node, "component");
        row.state = text_member(node, "activity");
        row.fired = per_second(old.fired, now.nodes[i].fired, seconds);
        row.in = per_second(old.received, now.nodes[i].received, seconds);
        row.out = per_second(old.sent, now.nodes[i].sent, seconds);
        row.cpu = per_second(old.busy_ns, now.nodes[i].busy_ns, seconds * 1e9);
        row.waiting = count_of(node, "waiting");
        row.capacity = count_of(node, "capacity");
        row.failed = count_of(node, "failed");
        row.timed = count_of(call, "count") != 0;
        row.p50_ns = count_of(call, "p50_ns");
        row.p99_ns = count_of(call, "p99_ns");
    }
    auto before_in_table = [&](const TopRow& a, const TopRow& b) {
        if (view.sort == Sort::node) return a.id < b.id;
        return number_by(a, view.sort) > number_by(b, view.sort);
    };
    if (view.sort != Sort::graph) std::stable_sort(rows.begin(), rows.end(), before_in_table);
    if (view.reverse) std::reverse(rows.begin(), rows.end());
    return rows;
}

std::string heading_of(reflow_message metrics, const std::vector<TopRow>& rows,
                       const TopSample& before, const TopSample& now, const TopView& view) {
    std::size_t busy = 0;
    std::size_t held = 0;
    double fired = 0, in = 0, out = 0;
    for (const TopRow& row : rows) {
        busy += row.state == "running" || row.state == "ready" ? 1u : 0u;
        held += row.state == "held" ? 1u : 0u;
        fired += row.fired;
        in += row.in;
        out += row.out;
    }
    const reflow_message total = member(metrics, "total");
    const reflow_message process = member(metrics, "process");
    const double seconds = seconds_between(before, now);
    std::string lines[3];
    lines[0] = "reflow top: " + safe(view.graph, 40) + "  " + std::string(view.word) + "  " +
               duration(view.seconds) + "  by " + std::string(sort_name(view.sort)) +
               (view.reverse ? ", reversed" : "");
    lines[1] = "nodes " + grouped(rows.size()) + ", " + grouped(busy) + " busy, " + grouped(held) +
               " held  fired " + rate(fired) + "/s  in " + rate(in) + "/s  out " + rate(out) +
               "/s  failed " + grouped(count_of(total, "failed")) + "  dropped " +
               grouped(count_of(total, "dropped"));
    lines[2] = "process: cpu " +
               percent(per_second(before.processor_ns, now.processor_ns, seconds * 1e9)) + "  " +
               mebibytes(count_of(process, "memory_bytes")) + "  " +
               grouped(count_of(process, "threads")) + " threads  read " +
               mebibytes(count_of(process, "read_bytes")) + "  written " +
               mebibytes(count_of(process, "written_bytes"));
    std::string text;
    for (const std::string& line : lines) {
        text += cut(line, view.columns);
        text += '\n';
    }
    return text;
}

std::string table_of(const std::vector<TopRow>& rows, std::size_t first, std::size_t count,
                     const TopView& view, const Console& console) {
    const std::size_t last = std::min(rows.size(), first + std::min(count, rows.size()));
    std::vector<Cells> lines(1);
    for (std::size_t i = 0; i < table_columns; ++i) lines[0][i] = table[i].name;
    for (std::size_t r = first; r < last; ++r) {
        Cells& cells = lines.emplace_back();
        for (std::size_t i = 0; i < table_columns; ++i) cells[i] = table[i].text(rows[r]);
    }
    std::array<std::size_t, table_columns> widths{};
    for (const Cells& cells : lines) {
        for (std::size_t i = 0; i < table_columns; ++i) {
            // Numbers come and go: their columns stay where they are.
            const std::size_t least = table[i].left ? 0 : table[i].sort == Sort::cpu ? 4 : 6;
            widths[i] = std::max({widths[i], columns(cells[i]), least});
        }
    }
    fit(widths, view.columns);
    std::string text;
    for (std::size_t i = 0; i < lines.size(); ++i) {
        const std::string whole = line_of(lines[i], widths);
        const std::string_view line = cut(whole, view.columns);
        const TopRow* row = i == 0 ? nullptr : &rows[first + i - 1];
        std::string_view sgr;
        if (row == nullptr) {
            sgr = "1";
        } else if (row->failed != 0) {
            sgr = "31";
        } else if (row->state == "held") {
            sgr = "33";
        } else if (row->fired == 0) {
            sgr = "2";
        }
        text += sgr.empty() ? std::string(line) : console.on_output(sgr, line);
        text += '\n';
    }
    return text;
}

std::string rates_json(const std::vector<TopRow>& rows) {
    std::string json = "{";
    for (const TopRow& row : rows) {
        if (json.size() > 1) json += ',';
        append_json(json, row.id);
        json += ":{\"fired\":" + formatted("%.3f", row.fired) +
                ",\"in\":" + formatted("%.3f", row.in) + ",\"out\":" + formatted("%.3f", row.out) +
                ",\"cpu\":" + formatted("%.4f", row.cpu) + "}";
    }
    return json += "}";
}

}  // namespace cli
