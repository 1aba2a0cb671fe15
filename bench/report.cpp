// Judging rows by their budgets, the table, bench.json.
#include "report.hpp"

#include <spawn.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "contender.hpp"

extern char** environ;

namespace bench {
namespace {

// Figures are kept in the unit of the row: wall times and graph loads are measured in nanoseconds.
double in_unit(const Row& row, double value) { return row.unit == "ms" ? value / 1e6 : value; }

bool reaches(const Result& result, double threshold) {
    return result.row.higher_is_better ? result.value >= threshold : result.value <= threshold;
}

// The stricter of two thresholds.
void tighten(Result& result, const char* name, double threshold) {
    bool higher = result.row.higher_is_better;
    result.budgets[name] = threshold;
    if (!result.has_budget || (higher ? threshold > result.budget : threshold < result.budget)) {
        result.budget = threshold;
    }
    result.has_budget = true;
}

// 1.5 times the best peer or 0.7 times the bare engine, whichever asks less.
void apply_rule(Result& result) {
    bool higher = result.row.higher_is_better;
    bool any = false;
    double least = 0;
    auto ask = [&](double threshold) {
        least =
            any ? (higher ? std::min(least, threshold) : std::max(least, threshold)) : threshold;
        any = true;
    };
    if (!result.peer.empty()) {
        ask(higher ? result.peer_value * 1.5 : result.peer_value / 1.5);
    }
    auto bare = result.others.find(result.row.bare);
    if (bare != result.others.end()) ask(higher ? bare->second * 0.7 : bare->second / 0.7);
    if (any) tighten(result, "rule", least);
}

void apply_budgets(Result& result, const std::vector<Result>& results) {
    const Row& row = result.row;
    if (row.absolute > 0) tighten(result, "own", row.absolute);
    if (row.of_limit > 0 && result.has_limit) {
        tighten(result, "limit", result.limit * row.of_limit);
    }
    for (const Result& base : results) {
        if (base.row.name == row.base && base.measured) {
            tighten(result, "base", base.value * row.of_base);
        }
    }
    if (row.rule) apply_rule(result);
    if (result.has_budget) result.met = reaches(result, result.budget);
}

std::string scaled(double value, const std::string& unit) {
    char text[64];
    double size = std::fabs(value);
    if (unit == "%" || unit == "ms") {
        std::snprintf(text, sizeof text, "%.2f %s", value, unit.c_str());
    } else if (size >= 1e9) {
        std::snprintf(text, sizeof text, "%.4g G", value / 1e9);
    } else if (size >= 1e6) {
        std::snprintf(text, sizeof text, "%.4g M", value / 1e6);
    } else if (size >= 1e4) {
        std::snprintf(text, sizeof text, "%.4g k", value / 1e3);
    } else {
        std::snprintf(text, sizeof text, "%.4g", value);
    }
    return text;
}

std::string json_text(const std::string& text) {
    std::string out = "\"";
    for (char byte : text) {
        if (byte == '"' || byte == '\\') out += '\\';
        if (static_cast<unsigned char>(byte) < 0x20) {
            out += ' ';
        } else {
            out += byte;
        }
    }
    return out + "\"";
}

std::string json_number(double value) {
    if (!std::isfinite(value)) return "null";
    char text[40];
    std::snprintf(text, sizeof text, "%.6g", value);
    return text;
}

std::string json_row(const Result& result, const Settings& settings, const std::string& machine) {
    auto number_if = [](bool there, double value) {
        return there ? json_number(value) : std::string("null");
    };
    bool has_peer = !result.peer.empty();
    std::string out = "{\"name\": " + json_text(result.row.name);
    out += ", \"value\": " + number_if(result.measured, result.value);
    out += ", \"unit\": " + json_text(result.row.unit);
    out += ", \"peer\": " + (has_peer ? json_text(result.peer) : "null");
    out += ", \"peer_value\": " + number_if(has_peer, result.peer_value);
    out += ", \"ratio\": " + number_if(has_peer, result.ratio);
    out += ", \"limit\": " + number_if(result.has_limit, result.limit);
    out += ", \"budget\": " + number_if(result.has_budget, result.budget);
    out += ", \"met\": ";
    out += result.has_budget && result.measured ? (result.met ? "true" : "false") : "null";
    out += ", \"budgets\": {";
    const char* comma = "";
    for (const auto& [name, value] : result.budgets) {
        out += comma + json_text(name) + ": " + json_number(value);
        comma = ", ";
    }
    out += "}, \"better\": ";
    out += result.row.higher_is_better ? "\"higher\"" : "\"lower\"";
    out += ", \"limit_name\": " + (result.has_limit ? json_text(result.row.limit) : "null");
    out += ", \"others\": {";
    comma = "";
    for (const auto& [name, value] : result.others) {
        out += comma + json_text(name) + ": " + json_number(value);
        comma = ", ";
    }
    out += "}, \"runs\": " + std::to_string(settings.quick ? 1 : settings.runs);
    out += ", \"quick\": ";
    out += settings.quick ? "true" : "false";
    out += ", \"disturbance\": " + json_number(result.disturbance);
    return out + ", \"machine\": " + json_text(machine) + "}";
}

}  // namespace

Result judge(const Row& row, const Group& group, const Measurement& measurement,
             const std::vector<Result>& results) {
    Result result;
    result.row = row;
    double value = 0;
    result.measured = measurement.figure(group, row, row.contender, &value);
    result.disturbance = measurement.disturbance(group.id);
    result.value = in_unit(row, value);
    for (const std::string& peer : measurement.peers(group.id)) {
        if (!measurement.figure(group, row, peer, &value)) continue;
        value = in_unit(row, value);
        result.others[peer] = value;
        bool better = row.higher_is_better ? value > result.peer_value : value < result.peer_value;
        if (result.peer.empty() || better) {
            result.peer = peer;
            result.peer_value = value;
        }
    }
    for (const std::string& name : {row.limit, row.bare}) {
        if (measurement.figure(group, row, name, &value)) {
            result.others[name] = in_unit(row, value);
        }
    }
    auto limit = result.others.find(row.limit);
    result.has_limit = limit != result.others.end();
    if (result.has_limit) result.limit = limit->second;
    if (!result.measured) return result;
    if (!result.peer.empty()) {
        result.ratio = row.higher_is_better ? result.value / result.peer_value
                                            : result.peer_value / result.value;
    }
    apply_budgets(result, results);
    return result;
}

Result judge_library(const Row& row, const std::string& library) {
    Result result;
    result.row = row;
    char name[] = "/tmp/reflow-bench-XXXXXX";
    int file = mkstemp(name);
    if (file < 0) return result;
    close(file);
    std::string words[] = {"strip", "--strip-unneeded", "-o", name, library};
    char* arguments[6] = {};
    for (std::size_t i = 0; i < 5; ++i) arguments[i] = words[i].data();
    pid_t pid = -1;
    int status = -1;
    struct stat info {};
    if (posix_spawnp(&pid, "strip", nullptr, nullptr, arguments, environ) == 0 &&
        waitpid(pid, &status, 0) == pid && status == 0 && stat(name, &info) == 0) {
        result.measured = true;
        result.value = static_cast<double>(info.st_size);
        apply_budgets(result, {});
    }
    unlink(name);
    return result;
}

void print_heading() {
    std::printf("%-26s %-13s %10s  %-10s %10s %7s %10s %10s  %s\n", "row", "unit", "reflow",
                "best peer", "", "ratio", "limit", "budget", "met");
}

void print_row(const Result& result) {
    const Row& row = result.row;
    auto cell = [&](bool there, double value) {
        return there ? scaled(value, row.unit) : std::string("-");
    };
    char ratio[32] = "-";
    if (!result.peer.empty()) std::snprintf(ratio, sizeof ratio, "%.2f", result.ratio);
    const char* met = "-";
    if (result.has_budget && result.measured) met = result.met ? "yes" : "NO";
    std::printf("%-26s %-13s %10s  %-10s %10s %7s %10s %10s  %s\n", row.name.c_str(),
                row.unit.c_str(), cell(result.measured, result.value).c_str(),
                result.peer.empty() ? "-" : result.peer.c_str(),
                cell(!result.peer.empty(), result.peer_value).c_str(), ratio,
                cell(result.has_limit, result.limit).c_str(),
                cell(result.has_budget, result.budget).c_str(), met);
    std::fflush(stdout);
}

void print_summary(const std::vector<Result>& results, const Measurement& measurement) {
    std::size_t met = 0, judged = 0;
    for (const Result& result : results) {
        if (!result.measured || !result.has_budget) continue;
        ++judged;
        if (result.met) ++met;
    }
    std::printf("\n%zu rows, %zu of %zu budgets met\n", results.size(), met, judged);
    // What is the row's own is not the strictest: both are said.
    for (const Result& result : results) {
        auto own = result.budgets.find("own");
        if (!result.measured || result.met || own == result.budgets.end()) continue;
        if (!reaches(result, own->second)) continue;
        std::printf("note: %s keeps its own budget, %s, and misses a stricter one\n",
                    result.row.name.c_str(), scaled(own->second, result.row.unit).c_str());
    }
    double most = 0;
    for (const Result& result : results) most = std::max(most, result.disturbance);
    if (most > 0.1) {
        std::printf(
            "note: other programs took up to %.0f %% of the processors (\"disturbance\" in "
            "JSON): measure again when the machine is quiet\n",
            most * 100);
    }
    for (const std::string& note : measurement.notes()) std::printf("note: %s\n", note.c_str());
    std::fflush(stdout);
    for (const std::string& fault : measurement.faults()) {
        std::fprintf(stderr, "bench: %s\n", fault.c_str());
    }
}

bool write_json(const std::string& path, const std::vector<Result>& results,
                const Settings& settings, const std::string& machine) {
    std::string temporary = path + ".new";
    std::ofstream file(temporary, std::ios::trunc);
    file << "[\n";
    for (std::size_t i = 0; i < results.size(); ++i) {
        file << "  " << json_row(results[i], settings, machine)
             << (i + 1 < results.size() ? ",\n" : "\n");
    }
    file << "]\n";
    file.close();
    std::error_code failed;
    if (file) std::filesystem::rename(temporary, path, failed);
    return file && !failed;
}

std::string machine_text() {
    std::string model = "unknown processor";
    std::ifstream info("/proc/cpuinfo");
    for (std::string line; std::getline(info, line);) {
        if (line.starts_with("model name")) {
            model = line.substr(std::min(line.size(), line.find(':') + 2));
            break;
        }
    }
    utsname system{};
    uname(&system);
    return model + ", " + std::to_string(std::thread::hardware_concurrency()) + " cores, " +
           system.sysname + " " + system.release + ", " + BENCH_COMPILER;
}

}  // namespace bench
