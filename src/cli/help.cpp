// The help of each command, written from the table of commands.
// Neighbours: commands (the table), arguments.hpp. Thread: any.
#include <algorithm>

#include "cli/arguments.hpp"
#include "cli/text.hpp"

namespace cli {

namespace {

constexpr std::string_view exit_codes =
    "Exit codes:\n"
    "  0    done\n"
    "  1    the run failed: a node failed and nothing takes its errors, a node could not start, "
    "or\n"
    "       output could not be written\n"
    "  2    wrong use of the command line\n"
    "  3    the graph cannot be read or is not valid\n"
    "  4    the time of --timeout was over\n"
    "  130  ended by Ctrl-C (SIGINT); 143 by SIGTERM, 129 by SIGHUP\n"
    "  141  the reader of standard output went away\n";

constexpr std::string_view environment =
    "Environment:\n"
    "  REFLOW_LOG      level of log lines, such as debug\n"
    "  NO_COLOR        no colours; CLICOLOR=0 does the same\n"
    "  CLICOLOR_FORCE  colours also without a terminal\n"
    "  TERM            with dumb there are no colours and no progress line\n";

struct Row {
    std::string left;
    std::string_view right;
};

void append_rows(std::string& out, std::string_view title, const std::vector<Row>& rows,
                 std::size_t width) {
    if (rows.empty()) return;
    out += '\n';
    out += title;
    out += ":\n";
    std::size_t left = 0;
    for (const Row& row : rows) left = std::max(left, columns(row.left));
    left += 4;
    const std::size_t right = width > left + 24 ? width - left : 24;
    for (const Row& row : rows) {
        std::string line = "  " + row.left;
        line.append(left - columns(line), ' ');
        out += line + wrapped(row.right, right, left) + '\n';
    }
}

std::string usage(const Command& command) {
    std::string out = "Usage: reflow";
    if (!command.name.empty()) out += " " + std::string(command.name);
    if (command.group) return out + " COMMAND\n";
    for (const Positional& positional : command.positionals) {
        const std::string name(positional.name);
        const std::string shown = positional.repeats ? name + "..." : name;
        out += positional.required ? " " + shown : " [" + shown + "]";
    }
    if (command.options.size() > 1) out += " [OPTIONS]";
    return out + "\n";
}

std::vector<Row> members(const Command& group) {
    std::vector<Row> rows;
    for (const Command& command : commands()) {
        const bool inside = group.name.empty()
                                ? !command.name.empty()
                                : command.name.size() > group.name.size() &&
                                      command.name.substr(0, group.name.size()) == group.name;
        if (inside && !command.group) rows.push_back({std::string(command.name), command.summary});
    }
    return rows;
}

}  // namespace

std::string help_text(const Command& command, std::size_t width) {
    width = std::clamp<std::size_t>(width, 60, 100);
    std::string out(command.summary);
    out += "\n\n" + usage(command);
    if (!command.description.empty()) out += "\n" + wrapped(command.description, width, 0) + "\n";
    if (command.group) append_rows(out, "Commands", members(command), width);

    std::vector<Row> rows;
    for (const Positional& positional : command.positionals) {
        rows.push_back({std::string(positional.name), positional.help});
    }
    append_rows(out, "Arguments", rows, width);
    rows.clear();
    for (const Option& option : command.options) {
        std::string left = option.letter != 0 ? std::string("-") + option.letter + ", " : "    ";
        left += "--" + std::string(option.name);
        if (!option.value.empty()) left += " " + std::string(option.value);
        rows.push_back({left, option.help});
    }
    append_rows(out, "Options", rows, width);

    out += "\nExamples:\n";
    for (const Example& example : command.examples) {
        out += "  # " + std::string(example.says) + "\n  " + std::string(example.line) + "\n";
    }
    if (command.name.empty() || command.name == "run") {
        out += '\n';
        out += exit_codes;
        out += '\n';
        out += environment;
    }
    if (command.group) {
        out += "\nreflow COMMAND --help tells more about a command; man reflow tells everything.\n";
    }
    return out;
}

}  // namespace cli
