// bench: measures the engine beside its peers and its limits. See docs/benchmarks.md.
// Neighbours: rows.cpp (what), measure.cpp (how), report.cpp (results). One thread.
#include <unistd.h>

#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sstream>

#include "measure.hpp"
#include "report.hpp"
#include "rows.hpp"

namespace bench {
namespace {

struct Options {
    Settings settings;
    std::vector<std::string> rows;  // parts of names; empty: all
    std::string json;
    bool list = false;
};

constexpr char USAGE[] =
    "usage: bench [--quick] [--rows PART[,PART]...] [--peers all|none|NAME[,NAME]...]\n"
    "             [--runs N] [--json FILE] [--contenders FOLDER] [--list]\n";

std::vector<std::string> split(const std::string& text) {
    std::vector<std::string> parts;
    std::istringstream stream(text);
    for (std::string part; std::getline(stream, part, ',');) {
        if (!part.empty()) parts.push_back(part);
    }
    return parts;
}

[[noreturn]] void give_up(const std::string& text, int code) {
    std::fprintf(stderr, "bench: %s\n", text.c_str());
    std::exit(code);
}

std::string own_folder() {
    char path[PATH_MAX];
    ssize_t size = readlink("/proc/self/exe", path, sizeof path);
    std::string text(path, size > 0 ? static_cast<std::size_t>(size) : 0);
    return text.substr(0, text.rfind('/'));
}

void choose_peers(Settings& settings, const std::string& text) {
    const std::vector<std::string>& names = peer_names();
    settings.peers.clear();
    if (text == "none") return;
    if (text == "all") {
        settings.peers.insert(names.begin(), names.end());
        return;
    }
    for (const std::string& name : split(text)) {
        if (std::find(names.begin(), names.end(), name) == names.end()) {
            give_up("no peer named '" + name + "'", 2);
        }
        settings.peers.insert(name);
    }
}

Options read_options(int argc, char** argv) {
    Options options;
    std::string folder = own_folder();
    options.settings.contenders = folder + "/contenders";
    options.settings.library = folder + "/../lib/libreflow.so";
    options.json = folder + "/../bench.json";
    choose_peers(options.settings, "all");
    for (int i = 1; i < argc; ++i) {
        std::string name = argv[i];
        if (name == "--quick") {
            options.settings.quick = true;
            continue;
        }
        if (name == "--list") {
            options.list = true;
            continue;
        }
        if (name == "--help") {
            std::fputs(USAGE, stdout);
            std::exit(0);
        }
        if (i + 1 == argc) give_up("unknown option, or no value for it: " + name + "\n" + USAGE, 2);
        std::string value = argv[++i];
        if (name == "--rows") {
            options.rows = split(value);
        } else if (name == "--peers") {
            choose_peers(options.settings, value);
        } else if (name == "--runs") {
            options.settings.runs = std::atoi(value.c_str());
            if (options.settings.runs < 1) give_up("--runs wants a number from 1", 2);
        } else if (name == "--json") {
            options.json = value;
        } else if (name == "--contenders") {
            options.settings.contenders = value;
        } else {
            give_up("unknown option: " + name + "\n" + USAGE, 2);
        }
    }
    return options;
}

// The rows that are asked for, and those that they are compared with.
std::vector<Row> chosen_rows(const std::vector<std::string>& parts) {
    std::vector<Row> rows = all_rows();
    std::set<std::string> names;
    for (const Row& row : rows) {
        bool wanted = parts.empty();
        for (const std::string& part : parts) wanted |= row.name.find(part) != std::string::npos;
        if (wanted) names.insert({row.name, row.base});
    }
    std::erase_if(rows, [&](const Row& row) { return !names.contains(row.name); });
    return rows;
}

// Figures of another build than the release build beside this program would mislead.
void check_build(const Settings& settings) {
    Outcome outcome =
        run_program({settings.contenders + "/reflow", "library", "0", "0", "1", "0", "one"}, 20);
    if (outcome.state != Outcome::State::DONE || !outcome.line.starts_with("library=")) {
        give_up("the engine does not run: " + outcome.problem, 1);
    }
    std::string used = outcome.line.substr(std::strlen("library="));
    char real[PATH_MAX], wanted[PATH_MAX];
    if (realpath(used.c_str(), real) == nullptr ||
        realpath(settings.library.c_str(), wanted) == nullptr || std::strcmp(real, wanted) != 0) {
        give_up("the engine runs with another library: " + used, 1);
    }
    bool release = std::strcmp(BENCH_BUILD_TYPE, "Release") == 0 && BENCH_CHECKED == 0;
    if (!release && !settings.quick) {
        give_up("this is no release build (" BENCH_BUILD_TYPE
                "); configure with CMAKE_BUILD_TYPE=Release, without sanitizers and assertions",
                1);
    }
}

// One line that is written over on a terminal, and nothing elsewhere.
class Terminal {
public:
    Terminal() : on_(isatty(STDERR_FILENO) != 0) {}
    void show(std::size_t step, std::size_t steps, const std::string& text) const {
        if (on_) std::fprintf(stderr, "\r\033[K[%zu/%zu] %s", step, steps, text.c_str());
    }
    void clear() const {
        if (on_) std::fputs("\r\033[K", stderr);
    }

private:
    bool on_;
};

std::vector<Result> measure(const std::vector<Row>& rows, Measurement& measurement,
                            std::size_t& step, const Terminal& terminal) {
    std::map<std::string, Group> groups;
    for (const Group& group : all_groups()) groups[group.id] = group;
    std::map<std::string, std::set<std::string>> wanted;
    for (const Row& row : rows) wanted[row.group].insert({row.contender, row.limit, row.bare});
    std::set<std::string> done;
    std::vector<Result> results;
    for (const Row& row : rows) {
        ++step;
        if (row.figure == Figure::FILE) {
            std::string library = own_folder() + "/" + row.contender;
            if (access(library.c_str(), R_OK) != 0) continue;  // the core is built with the tests
            results.push_back(judge_library(row, library));
        } else {
            if (!groups.contains(row.group)) give_up(row.name + ": no group " + row.group, 1);
            const Group& group = groups[row.group];
            std::set<std::string>& names = wanted[row.group];
            names.erase("");
            if (done.insert(row.group).second) measurement.run(group, names);
            Result result = judge(row, group, measurement, results);
            if (group.optional && !result.measured) continue;
            results.push_back(std::move(result));
        }
        terminal.clear();
        print_row(results.back());
    }
    return results;
}

int run(const Options& options) {
    std::vector<Row> rows = chosen_rows(options.rows);
    if (rows.empty()) give_up("no row has such a name (--list shows them)", 2);
    if (options.list) {
        for (const Row& row : rows) std::printf("%s\n", row.name.c_str());
        return 0;
    }
    check_build(options.settings);
    std::string machine = machine_text();
    std::printf("%s\n\n", machine.c_str());
    Terminal terminal;
    std::size_t step = 0;
    Measurement measurement(
        options.settings, [&](const std::string& text) { terminal.show(step, rows.size(), text); });
    print_heading();
    std::vector<Result> results = measure(rows, measurement, step, terminal);
    print_summary(results, measurement);
    if (!write_json(options.json, results, options.settings, machine)) {
        give_up("cannot write " + options.json, 1);
    }
    std::printf("%s\n", options.json.c_str());
    bool complete = measurement.faults().empty();
    for (const Result& result : results) complete = complete && result.measured;
    if (!complete) std::fprintf(stderr, "bench: some rows have no result\n");
    return complete ? 0 : 1;
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) { return bench::run(bench::read_options(argc, argv)); }
