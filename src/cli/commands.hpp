// The table of commands: the one place that the parser, the help and the completions come from.
// Neighbours: arguments (parses by it), help, completion. Thread: any, it never changes.
#pragma once

#include <span>
#include <string_view>

namespace cli {

// What a shell may offer for a value.
enum class Offer { nothing, file, folder, component, choices };

struct Option {
    std::string_view name;        // without dashes
    char letter = 0;              // 'q' for -q, 0 for none
    std::string_view value = {};  // name of the value; empty for a flag
    std::string_view help = {};
    Offer offer = Offer::nothing;
    std::string_view choices = {};  // separated by spaces
    bool repeats = false;
    std::string_view excludes = {};  // names of other options, separated by spaces
};

struct Positional {
    std::string_view name;
    std::string_view help;
    bool required = true;
    Offer offer = Offer::file;
    std::string_view choices = {};
    bool repeats = false;  // the last one
};

struct Example {
    std::string_view line;
    std::string_view says;
};

struct Command {
    std::string_view name;  // "run", "graph show"; a group such as "graph" has no positionals
    std::string_view summary;
    std::string_view description;
    std::span<const Positional> positionals = {};
    std::span<const Option> options = {};
    std::span<const Example> examples = {};
    bool group = false;
};

// All commands, groups before their members; the first is the program itself, with an empty name.
std::span<const Command> commands();

// The command of that name, or nullptr.
const Command* find_command(std::string_view name);

// Calls take(word) for each word of a text that is separated by spaces.
template <typename Take>
void each_word(std::string_view words, Take take) {
    while (!words.empty()) {
        const std::size_t end = words.find(' ');
        take(words.substr(0, end));
        if (end == std::string_view::npos) return;
        words.remove_prefix(end + 1);
    }
}

}  // namespace cli
