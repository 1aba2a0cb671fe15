// reflow: the command line program. Finds the command, runs it, and turns failures into messages
// and exit codes. Neighbours: arguments, programs. Thread: main.
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <exception>
#include <new>
#include <vector>

#include "cli/arguments.hpp"
#include "cli/console.hpp"
#include "cli/problem.hpp"
#include "cli/programs.hpp"
#include "cli/text.hpp"

namespace cli {

int show_version(const Arguments& arguments, Console& console) {
    const std::string version(text_of(reflow_version_text()));
    if (!arguments.has("json")) {
        console.write("reflow " + version + "\n");
        return exit_ok;
    }
    std::string json = "{\"version\":";
    append_json(json, version);
    json += ",\"abi\":" + std::to_string(REFLOW_ABI) + ",\"features\":{";
    bool first = true;
    for (const std::string_view name :
         {"json", "msgpack", "yaml", "components", "files", "simulated"}) {
        if (!first) json += ',';
        first = false;
        append_json(json, name);
        json += reflow_feature(view_of(name)) ? ":true" : ":false";
    }
    console.write(json + "}}\n");
    return exit_ok;
}

namespace {

// A descriptor that the caller has closed must not be given to the next file that is opened.
void hold_standard_descriptors() {
    for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
        if (fcntl(descriptor, F_GETFD) >= 0 || errno != EBADF) continue;
        // Writing to a descriptor that is open for reading fails, as it should.
        const int opened = open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY);
        if (opened >= 0 && opened != descriptor) {
            dup2(opened, descriptor);
            close(opened);
        }
    }
}

// More errors than this are counted.
constexpr std::size_t problems_shown = 20;

struct Program {
    std::string_view name;
    int (*call)(const Arguments&, Console&);
};
constexpr Program programs[] = {
    {"run", run_graph},
    {"top", top_graph},
    {"replay", replay_run},
    {"debug", debug_graph},
    {"graph validate", validate_graph},
    {"graph show", show_graph},
    {"graph convert", convert_graph},
    {"dlq list", list_letters},
    {"dlq show", show_letter},
    {"dlq replay", run_graph},
    {"dlq drop", drop_letters},
    {"peer run", run_peer},
    {"discovery serve", serve_discovery},
    {"components", list_components},
    {"version", show_version},
    {"completion",
     [](const Arguments& arguments, Console& console) {
         console.write(completion_script(arguments.get("SHELL").value_or("")));
         return static_cast<int>(exit_ok);
     }},
};

// Whether a command line that could not be parsed asked for JSON.
bool asked_for_json(int count, const char* const* words) {
    if (count < 2) return false;
    const bool replays =
        std::string_view(words[1]) == "dlq" && count > 2 && std::string_view(words[2]) == "replay";
    if (std::string_view(words[1]) != "run" && !replays) return false;
    for (int i = 2; i < count; ++i) {
        if (std::string_view(words[i]) == "--json") return true;
    }
    return false;
}

int dispatch(const Arguments& arguments, Console& console) {
    if (arguments.help) {
        console.write(help_text(*arguments.command,
                                console.output_is_terminal() ? Console::width(STDOUT_FILENO) : 80));
        return exit_ok;
    }
    if (arguments.command->name.empty()) return show_version(arguments, console);
    for (const Program& program : programs) {
        if (program.name == arguments.command->name) return program.call(arguments, console);
    }
    return exit_usage;
}

int complain(const Failure& failure, Console& console) {
    console.error(failure.problem.text);
    std::size_t shown = 1;
    for (const Problem& problem : failure.others) {
        if (++shown > problems_shown) break;
        console.error(problem.text);
    }
    if (failure.others.size() >= problems_shown) {
        console.remark(grouped(failure.others.size() + 1 - problems_shown) + " more errors");
    }
    return failure.code;
}

// Commands that have a name of their own as well: the program by another name.
struct Alias {
    std::string_view name;
    const char* words[2];
};
constexpr Alias aliases[] = {{"reflow-peer", {"peer", "run"}},
                             {"reflow-discovery", {"discovery", "serve"}}};

// The words of the command line, those that the name of the program stands for included.
std::vector<const char*> all_words(int count, char** words) {
    std::vector<const char*> all(words, words + count);
    if (count == 0) return all;
    std::string_view name = words[0];
    name.remove_prefix(std::min(name.size(), name.rfind('/') + 1));
    for (const Alias& alias : aliases) {
        if (alias.name == name) all.insert(all.begin() + 1, alias.words, alias.words + 2);
    }
    return all;
}

int guarded(int given, char** given_words, Console& console) {
    try {
        if (reflow_abi_check(REFLOW_ABI) != REFLOW_OK) {
            fail(exit_failed, "the library libreflow is of another version, " +
                                  std::string(text_of(reflow_version_text())));
        }
        const std::vector<const char*> all = all_words(given, given_words);
        const int count = static_cast<int>(all.size());
        const char* const* words = all.data();
        Arguments arguments;
        try {
            arguments = parse_arguments(count, words);
        } catch (const Failure& failure) {
            if (asked_for_json(count, words)) console.write(run_failure_json(failure));
            throw;
        }
        return dispatch(arguments, console);
    } catch (const Failure& failure) {
        return complain(failure, console);
    } catch (const std::bad_alloc&) {
        console.error("out of memory");
    } catch (const std::exception& error) {
        console.error(error.what());
    }
    return exit_failed;
}

}  // namespace

}  // namespace cli

int main(int count, char** words) {
    signal(SIGPIPE, SIG_IGN);
    cli::hold_standard_descriptors();
    cli::Console console;
    return console.finish(cli::guarded(count, words, console));
}
