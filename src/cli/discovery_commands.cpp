// reflow discovery serve: the server by which peers find each other. Log lines go to standard error.
// Neighbours: reflow.h section 21, log, interrupts (Ctrl-C ends it). Thread: main.
#include "cli/files.hpp"
#include "cli/interrupts.hpp"
#include "cli/log.hpp"
#include "cli/problem.hpp"
#include "cli/programs.hpp"

namespace cli {
namespace {

using Discovery = Handle<reflow_discovery, reflow_discovery_destroy>;

// Seconds of an option as milliseconds; 0 if it was not given.
std::uint32_t milliseconds(const Arguments& arguments, std::string_view name) {
    constexpr std::uint64_t most = 1'000'000;  // eleven days
    const auto text = arguments.get(name);
    return text ? static_cast<std::uint32_t>(integer_option(name, *text, 1, most) * 1000) : 0;
}

// A token on a command line is seen by all users of the machine, one in a file is not.
std::string token_of(const Arguments& arguments) {
    if (const auto token = arguments.get("token")) {
        // As of a variable that is not set: everybody would be let in.
        if (token->empty()) fail(exit_invalid, "--token is empty");
        return *token;
    }
    const auto file = arguments.get("token-file");
    if (!file) return "";
    std::string token = read_text(*file, exit_invalid);
    while (!token.empty() && (token.back() == '\n' || token.back() == '\r')) token.pop_back();
    if (token.empty()) fail(exit_invalid, "--token-file: '" + *file + "' has no token");
    return token;
}

}  // namespace

int serve_discovery(const Arguments& arguments, Console& console) {
    Log log(console, log_level(arguments));
    const BindPlace place = parse_bind(arguments.get("bind").value_or("0.0.0.0:9000"));
    const std::string token = token_of(arguments);
    const std::string certificate = arguments.get("certificate").value_or("");
    const std::string key = arguments.get("key").value_or("");
    reflow_discovery_options options{};
    options.struct_size = sizeof options;
    options.entry_ttl_ms = milliseconds(arguments, "entry-ttl-secs");
    options.prune_interval_ms = milliseconds(arguments, "prune-interval-secs");
    options.token = view_of(token);
    options.certificate_file = view_of(certificate);
    options.key_file = view_of(key);
    interrupts::install("");
    interrupts::defer();

    reflow_runtime_options of_runtime{};
    of_runtime.struct_size = sizeof of_runtime;
    of_runtime.mode = REFLOW_MODE_INLINE;  // there is nothing to run
    of_runtime.log = Log::hook;
    of_runtime.log_level = log.level();
    of_runtime.user_data = &log;
    Runtime runtime;
    must([&](reflow_error** e) { return reflow_runtime_create(&of_runtime, Out(runtime), e); },
         exit_failed);
    Discovery discovery;
    must(
        [&](reflow_error** e) {
            return reflow_discovery_create(runtime.get(), &options, Out(discovery), e);
        },
        exit_usage);
    must(
        [&](reflow_error** e) {
            return reflow_discovery_serve(discovery.get(), view_of(place.address), place.port, e);
        },
        exit_failed);
    interrupts::wait();
    log.write(REFLOW_LOG_INFO, "shutting down");
    return exit_ok;
}

}  // namespace cli
