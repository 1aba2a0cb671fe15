// Log lines on standard error. Thread: any.
#include "cli/log.hpp"

#include <algorithm>
#include <cstdlib>
#include <ctime>

#include "cli/problem.hpp"
#include "cli/text.hpp"

namespace cli {
namespace {

constexpr const char* level_variable = "REFLOW_LOG";

// Some lines begin with one, which only a terminal with colours gets.
std::string_view without_picture(std::string_view text) {
    if (text.empty() || (static_cast<unsigned char>(text[0]) & 0x80) == 0) return text;
    const std::size_t space = text.find(' ');
    return space == std::string_view::npos ? text : text.substr(space + 1);
}

}  // namespace

void Log::write(reflow_log_level level, std::string_view text) {
    if (level > level_) return;
    const std::time_t now = std::time(nullptr);
    std::tm parts{};
    gmtime_r(&now, &parts);
    char time[32];
    const std::size_t size = std::strftime(time, sizeof time, "%Y-%m-%dT%H:%M:%SZ ", &parts);
    static constexpr std::string_view names[] = {"ERROR ", "WARN  ", "INFO  ", "DEBUG ", "TRACE "};
    std::string line(time, size);
    line += names[std::clamp<int>(level, 1, 5) - 1];
    append_safe(line, with_pictures_ ? text : without_picture(text));
    const std::lock_guard lock(mutex_);
    console_.note(line + "\n");
}

void Log::hook(void* self, reflow_log_level level, reflow_view, reflow_view, reflow_view text) {
    static_cast<Log*>(self)->write(level, text_of(text));
}

reflow_log_level log_level(const Arguments& arguments) {
    std::string word = arguments.get("log-level").value_or("");
    if (word.empty()) {
        const char* set = std::getenv(level_variable);
        word = set == nullptr || *set == 0 ? "info" : set;
    }
    static constexpr std::string_view words[] = {"error", "warn", "info", "debug", "trace"};
    for (std::size_t i = 0; i < std::size(words); ++i) {
        if (word == words[i]) return static_cast<reflow_log_level>(REFLOW_LOG_ERROR + i);
    }
    fail(exit_usage, std::string(level_variable) + ": '" + word +
                         "' is not error, warn, info, debug or trace");
}

BindPlace parse_bind(const std::string& text) {
    const std::size_t colon = text.rfind(':');
    const std::string port = colon == std::string::npos ? "" : text.substr(colon + 1);
    const bool digits = !port.empty() && port.size() <= 5 &&
                        std::all_of(port.begin(), port.end(), [](char c) {
                            return c >= '0' && c <= '9';
                        });
    if (!digits) fail(exit_usage, "--bind: '" + text + "' is not ADDRESS:PORT");
    BindPlace place;
    place.address = text.substr(0, colon);
    if (place.address.size() > 2 && place.address.front() == '[' && place.address.back() == ']') {
        place.address = place.address.substr(1, place.address.size() - 2);
    }
    place.port = static_cast<std::uint32_t>(std::strtoul(port.c_str(), nullptr, 10));
    return place;
}

}  // namespace cli
