// Completion scripts for bash, zsh and fish, written from the table of commands.
// Neighbours: commands (the table), arguments.hpp. Thread: any.
#include <algorithm>
#include <set>
#include <string>

#include "cli/arguments.hpp"

namespace cli {

namespace {

constexpr std::string_view component_ids =
    "reflow components 2>/dev/null | awk 'NR > 1 { print $1 }'";

// What fits behind a name in a list: the first sentence, without its stop.
std::string brief(std::string_view help) {
    std::size_t end = help.find(". ");
    end = std::min(end, help.find("; "));
    if (end == std::string_view::npos) end = help.size();
    if (end > 0 && help[end - 1] == '.') --end;
    return std::string(help.substr(0, end));
}

std::string replaced(std::string_view text, std::string_view from, std::string_view to) {
    std::string out;
    for (std::size_t at = text.find(from); at != std::string_view::npos; at = text.find(from)) {
        out += text.substr(0, at);
        out += to;
        text.remove_prefix(at + from.size());
    }
    return out += text;
}

std::string quoted(std::string_view text) { return "'" + replaced(text, "'", "'\\''") + "'"; }

std::string names_of(const Command& command) {
    std::string names;
    for (const Option& option : command.options) {
        if (!names.empty()) names += ' ';
        if (option.letter != 0) names += std::string("-") + option.letter + ' ';
        names += "--" + std::string(option.name);
    }
    return names;
}

// Calls take(command, word) for the commands that stand directly in a group.
template <typename Take>
void each_member(const Command& group, Take take) {
    const std::string prefix = group.name.empty() ? "" : std::string(group.name) + " ";
    for (const Command& command : commands()) {
        if (command.name.empty() || command.name.substr(0, prefix.size()) != prefix) continue;
        const std::string_view word = command.name.substr(prefix.size());
        if (word.find(' ') == std::string_view::npos) take(command, word);
    }
}

// ---- bash ---------------------------------------------------------------------------------------

std::string bash_action(Offer offer, std::string_view choices) {
    switch (offer) {
        case Offer::file:
            return "compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- \"$cur\")";
        case Offer::folder:
            return "compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- \"$cur\")";
        case Offer::component:
            return "mapfile -t COMPREPLY < <(compgen -W \"$(" + std::string(component_ids) +
                   ")\" -- \"$cur\")";
        case Offer::choices:
            return "mapfile -t COMPREPLY < <(compgen -W \"" + std::string(choices) +
                   "\" -- \"$cur\")";
        case Offer::nothing:
            break;
    }
    return ":";
}

constexpr std::string_view bash_head =
    R"(# bash completion for reflow, made by: reflow completion bash
_reflow() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
    local command="" skip="" word i index=0
    COMPREPLY=()
    # The shell makes words of their own of the = in --option=value.
    if [[ $cur == "=" ]]; then
        cur=""
    elif [[ $prev == "=" ]]; then
        prev=${COMP_WORDS[COMP_CWORD - 2]}
    fi
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if [[ $word == "=" ]]; then
            skip=1
        elif [[ -n $skip ]]; then
            skip=""
        else
)";

std::string bash_script() {
    std::string out(bash_head);
    std::set<std::string> valued;
    std::string paths;
    for (const Command& command : commands()) {
        for (const Option& option : command.options) {
            if (option.value.empty()) continue;
            valued.insert("--" + std::string(option.name));
            if (option.letter != 0) valued.insert(std::string("-") + option.letter);
        }
        if (command.name.empty()) continue;
        const bool nested = command.name.find(' ') != std::string_view::npos;
        paths += (paths.empty() ? "\"" : " | \"") + std::string(nested ? "" : " ") +
                 std::string(command.name) + "\"";
    }
    std::string options;
    for (const std::string& name : valued) options += (options.empty() ? "" : " | ") + name;
    out += "            case $word in\n                " + options + ") skip=1 ;;\n";
    out += "                -*) ;;\n                *)\n";
    out +=
        "                    case \"$command $word\" in\n                        " + paths + ")\n";
    out += "                            command=\"${command:+$command }$word\" ;;\n";
    out += "                        *) index=$((index + 1)) ;;\n                    esac ;;\n";
    out += "            esac\n        fi\n    done\n    case \"$command:$prev\" in\n";
    for (const Command& command : commands()) {
        for (const Option& option : command.options) {
            if (option.value.empty()) continue;
            const std::string head = "\"" + std::string(command.name) + ":";
            out += "        " + head + "--" + std::string(option.name) + "\"";
            if (option.letter != 0) out += " | " + head + "-" + option.letter + "\"";
            out += ") " + bash_action(option.offer, option.choices) + "; return ;;\n";
        }
    }
    out += "    esac\n    if [[ $cur == -?* ]]; then\n        case $command in\n";
    for (const Command& command : commands()) {
        out += "            \"" + std::string(command.name) + "\") " +
               bash_action(Offer::choices, names_of(command)) + " ;;\n";
    }
    out += "        esac\n        return\n    fi\n    case \"$command:$index\" in\n";
    for (const Command& command : commands()) {
        const std::string head = "        \"" + std::string(command.name) + ":";
        if (command.group) {
            std::string words;
            each_member(command, [&](const Command&, std::string_view word) {
                words += (words.empty() ? "" : " ") + std::string(word);
            });
            out += head + "0\") " + bash_action(Offer::choices, words) + " ;;\n";
        }
        std::size_t at = 0;
        for (const Positional& positional : command.positionals) {
            out += head + std::to_string(at++) + "\") " +
                   bash_action(positional.offer, positional.choices) + " ;;\n";
        }
    }
    return out + "    esac\n}\ncomplete -F _reflow reflow\n";
}

// ---- zsh ----------------------------------------------------------------------------------------

std::string zsh_action(Offer offer, std::string_view choices) {
    switch (offer) {
        case Offer::file:
            return "_files";
        case Offer::folder:
            return "_files -/";
        case Offer::component:
            return "_reflow_component_ids";
        case Offer::choices:
            return "(" + std::string(choices) + ")";
        case Offer::nothing:
            break;
    }
    return " ";
}

std::string zsh_text(std::string_view text) {
    std::string out = replaced(text, "[", "\\[");
    out = replaced(out, "]", "\\]");
    return replaced(out, ":", "\\:");
}

std::string zsh_option(const Option& option) {
    std::string others;
    each_word(option.excludes, [&](std::string_view other) {
        others += (others.empty() ? "" : " ") + ("--" + std::string(other));
    });
    const std::string name = "--" + std::string(option.name);
    std::string tail = "[" + zsh_text(brief(option.help)) + "]";
    if (!option.value.empty()) {
        tail += ":" + zsh_text(option.value) + ":" + zsh_action(option.offer, option.choices);
    }
    const std::string_view assign = option.value.empty() ? "" : "=";
    std::string head = option.repeats ? "*" : others.empty() ? "" : "(" + others + ")";
    if (option.letter == 0) return quoted(head + name + std::string(assign) + tail);
    const std::string letter = std::string("-") + option.letter;
    const std::string plus = option.value.empty() ? "" : "+";
    return quoted("(" + letter + " " + name + ")") + "{" + letter + plus + "," + name +
           std::string(assign) + "}" + quoted(tail);
}

std::string zsh_function(const Command& command) {
    const std::string name =
        command.name.empty() ? "_reflow" : "_reflow_" + replaced(command.name, " ", "_");
    std::string out = name + "() {\n";
    if (command.group) {
        out += "    local state line curcontext=$curcontext\n    local -a list\n";
    }
    out += command.group ? "    _arguments -C" : "    _arguments -s";
    for (const Option& option : command.options) out += " \\\n        " + zsh_option(option);
    if (!command.group) {
        std::size_t at = 0;
        for (const Positional& positional : command.positionals) {
            ++at;
            out +=
                " \\\n        " + quoted(std::to_string(at) + (positional.required ? ":" : "::") +
                                         zsh_text(positional.name) + ":" +
                                         zsh_action(positional.offer, positional.choices));
        }
        return out + "\n}\n\n";
    }
    out += " \\\n        '1:command:->command' '*::argument:->argument'\n";
    out += "    case $state in\n        command)\n            list=(\n";
    std::string cases;
    each_member(command, [&](const Command& member, std::string_view word) {
        out += "                " + quoted(std::string(word) + ":" + brief(member.summary)) + "\n";
        cases += "                " + std::string(word) + ") _reflow_" +
                 replaced(member.name, " ", "_") + " ;;\n";
    });
    out += "            )\n            _describe command list ;;\n        argument)\n";
    out += "            case $words[1] in\n" + cases + "            esac ;;\n    esac\n}\n\n";
    return out;
}

std::string zsh_script() {
    std::string out =
        "#compdef reflow\n# zsh completion for reflow, made by: reflow completion zsh\n\n";
    out += "_reflow_component_ids() {\n    local -a list\n    list=(${(f)\"$(" +
           std::string(component_ids) + ")\"})\n    compadd -a list\n}\n\n";
    for (const Command& command : commands()) out += zsh_function(command);
    return out +
           "if [[ $zsh_eval_context[-1] == loadautofunc ]]; then\n    _reflow \"$@\"\nelse\n"
           "    compdef _reflow reflow\nfi\n";
}

// ---- fish ---------------------------------------------------------------------------------------

std::string fish_condition(const Command& command) {
    if (command.name.empty()) return "__fish_use_subcommand";
    std::string condition;
    each_word(command.name, [&](std::string_view word) {
        if (!condition.empty()) condition += "; and ";
        condition += "__fish_seen_subcommand_from " + std::string(word);
    });
    if (command.group) {
        condition += "; and not __fish_seen_subcommand_from";
        each_member(command, [&](const Command&, std::string_view word) {
            condition += " " + std::string(word);
        });
    }
    return condition;
}

std::string fish_value(Offer offer, std::string_view choices) {
    switch (offer) {
        case Offer::file:
            return " -r -F";
        case Offer::folder:
            return " -x -a '(__fish_complete_directories)'";
        case Offer::component:
            return " -x -a " + quoted("(" + std::string(component_ids) + ")");
        case Offer::choices:
            return " -x -a " + quoted(choices);
        case Offer::nothing:
            break;
    }
    return " -x";
}

std::string fish_script() {
    std::string out =
        "# fish completion for reflow, made by: reflow completion fish\n"
        "complete -c reflow -f\n";
    for (const Command& command : commands()) {
        const std::string head = "complete -c reflow -n " + quoted(fish_condition(command));
        each_member(command, [&](const Command& member, std::string_view word) {
            if (!command.group) return;
            out +=
                head + " -a " + std::string(word) + " -d " + quoted(brief(member.summary)) + "\n";
        });
        for (const Positional& positional : command.positionals) {
            const std::string value = fish_value(positional.offer, positional.choices);
            // For an argument -r and -x have no meaning: they are for the values of options.
            out += head + (positional.offer == Offer::file ? " -F" : value.substr(3)) + "\n";
        }
        for (const Option& option : command.options) {
            out += head;
            if (option.letter != 0) out += std::string(" -s ") + option.letter;
            out += " -l " + std::string(option.name);
            if (!option.value.empty()) out += fish_value(option.offer, option.choices);
            out += " -d " + quoted(brief(option.help)) + "\n";
        }
    }
    return out;
}

}  // namespace

std::string completion_script(std::string_view shell) {
    if (shell == "bash") return bash_script();
    if (shell == "zsh") return zsh_script();
    if (shell == "fish") return fish_script();
    return {};
}

}  // namespace cli
