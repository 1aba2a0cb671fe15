// Log lines of programs that run for long, on standard error: "2026-04-28T22:48:32Z INFO  text"; and what
// the command lines of these programs have in common.
// Neighbours: console, peer_commands, discovery_commands. Thread: any.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

#include "cli/arguments.hpp"
#include "cli/console.hpp"
#include "reflow.h"

namespace cli {

class Log {
public:
    Log(Console& console, reflow_log_level level) : console_(console), level_(level) {}
    void write(reflow_log_level level, std::string_view text);
    // For the options of a runtime; user_data is the log.
    static void hook(void* self, reflow_log_level level, reflow_view subsystem, reflow_view node,
                     reflow_view text);
    [[nodiscard]] reflow_log_level level() const { return level_; }

private:
    Console& console_;
    const reflow_log_level level_;
    const bool with_pictures_ = !console_.on_error("32", "").empty();
    std::mutex mutex_;
};

// What --log-level says, else the variable REFLOW_LOG, else info. Throws a Failure.
reflow_log_level log_level(const Arguments& arguments);

// "ADDRESS:PORT" of --bind, the address of IPv6 in brackets. Throws a Failure.
struct BindPlace {
    std::string address;
    std::uint32_t port = 0;
};
BindPlace parse_bind(const std::string& text);

}  // namespace cli
