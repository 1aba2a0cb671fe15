// The command line, parsed by the table of commands.
// Neighbours: commands (the table), arguments.cpp is the only file that knows the parser.
// Thread: main.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/commands.hpp"

namespace cli {

struct Arguments {
    const Command* command = nullptr;
    bool help = false;
    // By the name of the option or positional. A flag that was given has an empty value.
    std::map<std::string, std::vector<std::string>, std::less<>> values;

    [[nodiscard]] bool has(std::string_view name) const {
        return values.find(name) != values.end();
    }
    // The value that was given last, or nothing.
    [[nodiscard]] std::optional<std::string> get(std::string_view name) const;
    [[nodiscard]] const std::vector<std::string>& all(std::string_view name) const;
};

// Throws a Failure with exit_usage.
Arguments parse_arguments(int count, const char* const* words);

// Numbers of options; a Failure with exit_usage names the option if it is not one in the range.
double number_option(std::string_view name, const std::string& text, double high);
std::uint64_t integer_option(std::string_view name, const std::string& text, std::uint64_t low,
                             std::uint64_t high);

// The help of a command, for a terminal of that width.
std::string help_text(const Command& command, std::size_t width);

// The script that completes this program's command line in a shell; empty for an unknown shell.
std::string completion_script(std::string_view shell);

}  // namespace cli
