// The command line, parsed by the table of commands. The only file that knows CLI11.
// Neighbours: commands (the table). Thread: main.
#include "cli/arguments.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cmath>

#include "cli/problem.hpp"
#include "cli/text.hpp"

namespace cli {

namespace {

using Apps = std::vector<std::pair<const Command*, CLI::App*>>;

std::string last_word(std::string_view name) {
    const std::size_t space = name.rfind(' ');
    return std::string(space == std::string_view::npos ? name : name.substr(space + 1));
}

void add_options(CLI::App& app, const Command& command, Arguments& arguments) {
    std::map<std::string_view, CLI::Option*> added;
    for (const Option& option : command.options) {
        if (option.name == "help") continue;  // CLI11 has its own way for it
        std::string names = "--" + std::string(option.name);
        if (option.letter != 0) names = std::string("-") + option.letter + "," + names;
        const std::string name(option.name);
        CLI::Option* made = nullptr;
        if (option.value.empty()) {
            made = app.add_flag_callback(names, [&arguments, name] { arguments.values[name]; });
            made->disable_flag_override();
        } else {
            made =
                app.add_option(names, [&arguments, name](const std::vector<std::string>& values) {
                    arguments.values[name] = values;
                    return true;
                });
            made->type_size(1)->allow_extra_args(false)->multi_option_policy(
                option.repeats ? CLI::MultiOptionPolicy::TakeAll : CLI::MultiOptionPolicy::Throw);
        }
        each_word(option.excludes, [&](std::string_view other) {
            if (const auto found = added.find(other); found != added.end()) {
                made->excludes(found->second);
            }
        });
        added[option.name] = made;
    }
}

// Unknown words are kept by the parser and looked at afterwards, so that the message can say what
// was probably meant.
void add_command(CLI::App& app, const Command& command, Arguments& arguments) {
    app.set_help_flag("-h,--help");
    app.allow_extras();
    app.fallthrough(false);
    add_options(app, command, arguments);
    for (const Positional& positional : command.positionals) {
        const std::string name(positional.name);
        if (positional.repeats) {
            app.add_option_function<std::vector<std::string>>(
                name, [&arguments, name](const std::vector<std::string>& values) {
                    arguments.values[name] = values;
                });
            continue;
        }
        app.add_option_function<std::string>(
               name,
               [&arguments, name](const std::string& value) { arguments.values[name] = {value}; })
            ->allow_extra_args(false);
    }
}

std::vector<std::string_view> words_of(const Command& command) {
    std::vector<std::string_view> words;
    const std::string prefix = command.name.empty() ? "" : std::string(command.name) + " ";
    for (const Command& other : commands()) {
        if (other.name.empty() || other.name.substr(0, prefix.size()) != prefix) continue;
        const std::string_view rest = other.name.substr(prefix.size());
        if (rest.find(' ') == std::string_view::npos) words.push_back(rest);
    }
    return words;
}

// Ends with a message if a word was left over that the command does not know.
void refuse_extras(const Command& command, const std::vector<std::string>& extras) {
    if (extras.empty()) return;
    const std::string& word = extras.front();
    const std::string help =
        command.name.empty() ? "reflow --help" : "reflow " + std::string(command.name) + " --help";
    if (word.size() > 1 && word[0] == '-') {
        std::vector<std::string> names;
        for (const Option& option : command.options)
            names.push_back("--" + std::string(option.name));
        const std::vector<std::string_view> views(names.begin(), names.end());
        const std::string given = word.substr(0, word.find('='));
        std::string hint = did_you_mean(given, views);
        if (hint.empty()) hint = "see " + help;
        fail(exit_usage, "unknown option '" + given + "'", hint);
    }
    if (command.group) {
        std::string hint = did_you_mean(word, words_of(command));
        if (hint.empty()) hint = "see " + help;
        const std::string group = command.name.empty() ? "" : std::string(command.name) + " ";
        fail(exit_usage, "unknown command '" + group + word + "'", hint);
    }
    fail(exit_usage, "unexpected argument '" + word + "'", "see " + help);
}

void require_complete(const Arguments& arguments) {
    const Command& command = *arguments.command;
    const std::string name =
        command.name.empty() ? "reflow" : "reflow " + std::string(command.name);
    if (command.group) {
        if (arguments.has("version")) return;
        std::string list;
        for (std::string_view word : words_of(command)) {
            list += (list.empty() ? "" : ", ") + std::string(word);
        }
        fail(exit_usage, name + " wants a command: " + list, "see " + name + " --help");
    }
    for (const Positional& positional : command.positionals) {
        if (positional.required && !arguments.has(positional.name)) {
            fail(exit_usage, name + " wants " + std::string(positional.name),
                 "see " + name + " --help");
        }
    }
}

void require_choice(std::string_view what, std::string_view choices, const std::string& value) {
    std::vector<std::string_view> words;
    std::string list;
    each_word(choices, [&](std::string_view word) {
        words.push_back(word);
        list += (list.empty() ? "" : ", ") + std::string(word);
    });
    for (std::string_view word : words) {
        if (word == value) return;
    }
    std::string hint = did_you_mean(value, words);
    if (hint.empty()) hint = "one of " + list;
    fail(exit_usage, std::string(what) + ": unknown value '" + value + "'", hint);
}

void check_choices(const Arguments& arguments) {
    for (const Option& option : arguments.command->options) {
        if (option.offer != Offer::choices) continue;
        for (const std::string& value : arguments.all(option.name)) {
            require_choice("--" + std::string(option.name), option.choices, value);
        }
    }
    for (const Positional& positional : arguments.command->positionals) {
        if (positional.offer != Offer::choices) continue;
        for (const std::string& value : arguments.all(positional.name)) {
            require_choice(positional.name, positional.choices, value);
        }
    }
}

// The deepest command that was named.
const Command* chosen(const Apps& apps) {
    const Command* found = nullptr;
    for (const auto& [command, app] : apps) {
        if (app->parsed() || command->name.empty()) found = command;
    }
    return found;
}

// `reflow help graph show` is `reflow graph show --help`.
const Command* asked_for_help(int count, const char* const* words) {
    if (count < 2 || std::string_view(words[1]) != "help") return nullptr;
    std::string name;
    for (int i = 2; i < count; ++i) {
        if (words[i][0] == '-') continue;
        name += (name.empty() ? "" : " ") + std::string(words[i]);
    }
    if (const Command* command = find_command(name)) return command;
    std::vector<std::string_view> names;
    for (const Command& command : commands()) names.push_back(command.name);
    std::string hint = did_you_mean(name, names);
    if (hint.empty()) hint = "see reflow --help";
    fail(exit_usage, "unknown command '" + name + "'", hint);
}

// What stands behind "--" is no option, whatever it begins with.
void take_literals(Arguments& arguments, const std::vector<std::string>& literals) {
    const auto& positionals = arguments.command->positionals;
    std::size_t next = 0;
    for (const std::string& word : literals) {
        while (next < positionals.size() && arguments.has(positionals[next].name)) ++next;
        if (next == positionals.size()) {
            fail(exit_usage, "unexpected argument '" + word + "'",
                 "see reflow " + std::string(arguments.command->name) + " --help");
        }
        arguments.values[std::string(positionals[next].name)] = {word};
    }
}

}  // namespace

std::optional<std::string> Arguments::get(std::string_view name) const {
    const auto found = values.find(name);
    if (found == values.end() || found->second.empty()) return std::nullopt;
    return found->second.back();
}

const std::vector<std::string>& Arguments::all(std::string_view name) const {
    static const std::vector<std::string> none;
    const auto found = values.find(name);
    return found == values.end() ? none : found->second;
}

Arguments parse_arguments(int count, const char* const* words) {
    Arguments arguments;
    if (const Command* command = asked_for_help(count, words)) {
        arguments.command = command;
        arguments.help = true;
        return arguments;
    }
    const char* const* const end = std::find(words, words + count, std::string_view("--"));
    const std::vector<std::string> literals(std::min(end + 1, words + count), words + count);
    CLI::App program;
    Apps apps;
    std::map<std::string_view, CLI::App*> by_name;
    for (const Command& command : commands()) {
        CLI::App* app = &program;
        if (!command.name.empty()) {
            const std::size_t space = command.name.rfind(' ');
            const std::string_view group =
                space == std::string_view::npos ? "" : command.name.substr(0, space);
            app = by_name.at(group)->add_subcommand(last_word(command.name));
        }
        by_name[command.name] = app;
        apps.emplace_back(&command, app);
        add_command(*app, command, arguments);
    }
    try {
        program.parse(static_cast<int>(end - words), words);
    } catch (const CLI::CallForHelp&) {
        arguments.help = true;
    } catch (const CLI::ParseError& error) {
        const Command* command = chosen(apps);
        const std::string name =
            command->name.empty() ? "reflow" : "reflow " + std::string(command->name);
        std::string message = error.what();
        if (!message.empty() && message.back() == '.') message.pop_back();
        if (error.get_name() == "ArgumentMismatch") {
            const std::string_view what =
                message.find("flag override") != std::string::npos ? " takes no value"
                : message.find("missing") != std::string::npos     ? " wants a value"
                                                                   : " is given more than once";
            message = message.substr(0, message.find_first_of(": ")) + std::string(what);
            if (message[0] != '-') message.insert(0, "--");
        }
        fail(exit_usage, message, "see " + name + " --help");
    }
    arguments.command = chosen(apps);
    for (const auto& [command, app] : apps) {
        if (!arguments.help && (app->parsed() || command->name.empty())) {
            refuse_extras(*command, app->remaining());
        }
    }
    if (arguments.help) return arguments;
    take_literals(arguments, literals);
    require_complete(arguments);
    check_choices(arguments);
    return arguments;
}

double number_option(std::string_view name, const std::string& text, double high) {
    double value = 0;
    const char* end = text.data() + text.size();
    const auto [stop, status] = std::from_chars(text.data(), end, value);
    if (status != std::errc() || stop != end || !std::isfinite(value) || value < 0 ||
        value > high) {
        fail(exit_usage,
             "--" + std::string(name) + ": '" + text + "' is not a number from 0 to 1e9");
    }
    return value;
}

std::uint64_t integer_option(std::string_view name, const std::string& text, std::uint64_t low,
                             std::uint64_t high) {
    std::uint64_t value = 0;
    const char* end = text.data() + text.size();
    const auto [stop, status] = std::from_chars(text.data(), end, value);
    if (status != std::errc() || stop != end || value < low || value > high) {
        fail(exit_usage, "--" + std::string(name) + ": '" + text + "' is not a whole number from " +
                             std::to_string(low) + " to " + std::to_string(high));
    }
    return value;
}

}  // namespace cli
