// reflow peer run: one peer with an actor "recorder", which logs what it gets. Log lines go to standard
// error. Neighbours: reflow.h section 21, interrupts (Ctrl-C ends it). Thread: main; the log comes from any.
#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <mutex>
#include <optional>

#include "cli/files.hpp"
#include "cli/interrupts.hpp"
#include "cli/problem.hpp"
#include "cli/programs.hpp"
#include "cli/text.hpp"

namespace cli {
namespace {

using Peer = Handle<reflow_peer, reflow_peer_destroy>;

constexpr std::int64_t stop_ms = 5000;
constexpr const char* level_variable = "REFLOW_LOG";

// "2026-04-28T22:48:32Z INFO  text".
class Log {
public:
    Log(Console& console, reflow_log_level level) : console_(console), level_(level) {}
    void write(reflow_log_level level, std::string_view text) {
        if (level > level_) return;
        const std::time_t now = std::time(nullptr);
        std::tm parts{};
        gmtime_r(&now, &parts);
        char time[32];
        const std::size_t size = std::strftime(time, sizeof time, "%Y-%m-%dT%H:%M:%SZ ", &parts);
        static constexpr std::string_view names[] = {"ERROR ", "WARN  ", "INFO  ", "DEBUG ",
                                                     "TRACE "};
        std::string line(time, size);
        line += names[std::clamp<int>(level, 1, 5) - 1];
        append_safe(line, with_pictures_ ? text : without_picture(text));
        const std::lock_guard lock(mutex_);
        console_.note(line + "\n");
    }
    static void hook(void* self, reflow_log_level level, reflow_view, reflow_view,
                     reflow_view text) {
        static_cast<Log*>(self)->write(level, text_of(text));
    }
    [[nodiscard]] reflow_log_level level() const { return level_; }

private:
    // Some lines begin with one, which only a terminal with colours gets.
    static std::string_view without_picture(std::string_view text) {
        if (text.empty() || (static_cast<unsigned char>(text[0]) & 0x80) == 0) return text;
        const std::size_t space = text.find(' ');
        return space == std::string_view::npos ? text : text.substr(space + 1);
    }
    Console& console_;
    const reflow_log_level level_;
    const bool with_pictures_ = !console_.on_error("32", "").empty();
    std::mutex mutex_;
};

reflow_log_level level_of(const Arguments& arguments) {
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

// String("hello"): the kind, and the value as JSON.
std::string shown(reflow_message message) {
    Buffer buffer;
    must(
        [&](reflow_error** e) {
            return reflow_message_to_json(message, REFLOW_JSON_PLAIN, Out(buffer), e);
        },
        exit_failed);
    return std::string(text_of(reflow_kind_name(reflow_message_kind(message)))) + "(" +
           std::string(text_of(buffer)) + ")";
}

reflow_status record(reflow_context*, void* state, reflow_packet* inputs, size_t count) try {
    for (size_t i = 0; i < count; ++i) {
        static_cast<Log*>(state)->write(REFLOW_LOG_INFO, "recorder.in: " + shown(inputs[i].message));
    }
    return REFLOW_OK;
} catch (...) {
    return REFLOW_ERROR_OUT_OF_MEMORY;
}

void register_recorder(reflow_runtime* runtime, Log& log) {
    reflow_port in{};
    in.name = view_of("in");
    reflow_component component{};
    component.struct_size = sizeof component;
    component.port_size = sizeof in;
    component.id = view_of("Recorder");
    component.title = view_of("Recorder");
    component.description = view_of("Logs what it gets.");
    component.inports = &in;
    component.inport_count = 1;
    component.create = [](reflow_context*, void* user_data, void** state) -> reflow_status {
        *state = user_data;
        return REFLOW_OK;
    };
    component.run = record;
    component.user_data = &log;
    must([&](reflow_error** e) { return reflow_runtime_register(runtime, &component, e); },
         exit_failed);
}

Network make_network(reflow_runtime* runtime) {
    Graph graph;
    must([&](reflow_error** e) { return reflow_graph_create(view_of("peer"), Out(graph), e); },
         exit_failed);
    must(
        [&](reflow_error** e) {
            return reflow_graph_add_node(graph.get(), view_of("recorder"), view_of("Recorder"),
                                         reflow_message_null(), e);
        },
        exit_failed);
    Network network;
    must(
        [&](reflow_error** e) {
            return reflow_network_create(runtime, graph.get(), Out(network), e);
        },
        exit_failed);
    must([&](reflow_error** e) { return reflow_network_start(network.get(), e); }, exit_failed);
    return network;
}

// "network:actor:port:text", cut at the first three colons.
struct ToSend {
    std::string network, actor, port, text;
};
ToSend parse_send(const std::string& words) {
    ToSend to;
    static constexpr std::string_view missing[] = {"network_id", "actor_id", "port",
                                                   "text payload (after the third ':')"};
    std::string* parts[] = {&to.network, &to.actor, &to.port, &to.text};
    std::size_t at = 0;
    for (std::size_t i = 0; i < 4; ++i) {
        if (at == std::string::npos) {
            fail(exit_usage, "--send: missing " + std::string(missing[i]));
        }
        const std::size_t end = i == 3 ? std::string::npos : words.find(':', at);
        *parts[i] = words.substr(at, end == std::string::npos ? end : end - at);
        if (i < 3 && parts[i]->empty()) {
            fail(exit_usage, "--send: missing " + std::string(missing[i]));
        }
        at = end == std::string::npos ? end : end + 1;
    }
    return to;
}

void bind(reflow_peer* peer, const std::string& place) {
    const std::size_t colon = place.rfind(':');
    const std::string port = colon == std::string::npos ? "" : place.substr(colon + 1);
    const bool digits = !port.empty() && port.size() <= 5 &&
                        std::all_of(port.begin(), port.end(), [](char c) {
                            return c >= '0' && c <= '9';
                        });
    if (colon == std::string::npos || !digits) {
        fail(exit_usage, "--bind: '" + place + "' is not ADDRESS:PORT");
    }
    std::string address = place.substr(0, colon);
    if (address.size() > 2 && address.front() == '[' && address.back() == ']') {
        address = address.substr(1, address.size() - 2);
    }
    const auto number = static_cast<std::uint32_t>(std::strtoul(port.c_str(), nullptr, 10));
    must(
        [&](reflow_error** e) { return reflow_peer_bind(peer, view_of(address), number, e); },
        exit_usage, "--bind: ");
}

void dial(reflow_peer* peer, std::string_view endpoint, Log& log) {
    reflow_error* raw = nullptr;
    constexpr std::int64_t timeout_ms = 30'000;  // the connection has shorter ones of its own
    const reflow_status status =
        reflow_peer_connect(peer, view_of(endpoint), timeout_ms, nullptr, &raw);
    const Error error(raw);
    if (status == REFLOW_OK) {
        return log.write(REFLOW_LOG_INFO, "connected to peer at " + std::string(endpoint));
    }
    log.write(REFLOW_LOG_WARN, "could not connect to peer at " + std::string(endpoint) + ": " +
                                   std::string(text_of(reflow_error_text(error.get()))));
}

void send(reflow_peer* peer, const ToSend& to, Log& log) {
    constexpr std::int64_t timeout_ms = 5000;
    Message text;
    must(
        [&](reflow_error** e) { return reflow_message_string(view_of(to.text), text.out(), e); },
        exit_usage, "--send: ");
    must(
        [&](reflow_error** e) {
            return reflow_peer_send(peer, view_of(to.network), view_of(to.actor),
                                    view_of(to.port), text.get(), view_of(""), timeout_ms, e);
        },
        exit_failed, "--send: ");
    (void)text.release();
    std::string line = "sent test message to " + to.network + "/" + to.actor + "." + to.port + ": ";
    append_json(line, to.text);
    log.write(REFLOW_LOG_INFO, line);
}

}  // namespace

int run_peer(const Arguments& arguments, Console& console) {
    Log log(console, level_of(arguments));
    std::optional<ToSend> to_send;
    if (const auto words = arguments.get("send")) to_send = parse_send(*words);
    const std::string path = arguments.get("config").value_or("");
    if (path.empty()) fail(exit_usage, "--config FILE is missing");
    const std::string text = read_text(path, exit_invalid);
    interrupts::install("");
    interrupts::defer();

    reflow_runtime_options options{};
    options.struct_size = sizeof options;
    options.log = Log::hook;
    options.log_level = log.level();
    options.user_data = &log;
    Runtime runtime;
    must([&](reflow_error** e) { return reflow_runtime_create(&options, Out(runtime), e); },
         exit_failed);
    register_recorder(runtime.get(), log);
    Network network = make_network(runtime.get());
    Peer peer;
    must(
        [&](reflow_error** e) {
            return reflow_peer_create_from_toml(runtime.get(), view_of(text), view_of(path),
                                                REFLOW_PEER_TELL_MESSAGES, Out(peer), e);
        },
        exit_invalid);
    if (const auto place = arguments.get("bind")) bind(peer.get(), *place);
    must([&](reflow_error** e) { return reflow_peer_attach(peer.get(), network.get(), e); },
         exit_failed);
    must([&](reflow_error** e) { return reflow_peer_start(peer.get(), e); }, exit_failed);

    Message status;
    must([&](reflow_error** e) { return reflow_peer_status(peer.get(), status.out(), e); },
         exit_failed);
    log.write(REFLOW_LOG_INFO,
              "starting peer: network_id=" + std::string(text_member(status.get(), "network_id")) +
                  ", instance_id=" + std::string(text_member(status.get(), "instance_id")) +
                  ", bind=" + std::string(text_member(status.get(), "bind_address")) + ":" +
                  std::to_string(integer_member(status.get(), "port")));
    const reflow_message endpoints = member(status.get(), "connect");
    for (std::size_t i = 0; i < reflow_message_count(endpoints); ++i) {
        if (interrupts::count() == 0) dial(peer.get(), text_of(element(endpoints, i)), log);
    }
    if (to_send && interrupts::count() == 0) send(peer.get(), *to_send, log);
    log.write(REFLOW_LOG_INFO, "peer ready, awaiting messages (Ctrl-C to stop)");
    interrupts::wait();
    log.write(REFLOW_LOG_INFO, "shutting down");
    must([&](reflow_error** e) { return reflow_peer_stop(peer.get(), stop_ms, e); }, exit_failed);
    return exit_ok;
}

}  // namespace cli
