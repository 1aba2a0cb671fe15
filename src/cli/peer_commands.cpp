// reflow peer run: one peer with an actor "recorder", which logs what it gets. Log lines go to standard
// error. Neighbours: reflow.h section 21, interrupts (Ctrl-C ends it). Thread: main; the log comes from any.
#include <pthread.h>
#include <signal.h>

#include <atomic>
#include <exception>
#include <functional>
#include <optional>
#include <thread>
#include <utility>

#include "cli/environment.hpp"
#include "cli/files.hpp"
#include "cli/interrupts.hpp"
#include "cli/log.hpp"
#include "cli/problem.hpp"
#include "cli/programs.hpp"
#include "cli/text.hpp"

namespace cli {
namespace {

using Peer = Handle<reflow_peer, reflow_peer_destroy>;

constexpr std::int64_t stop_ms = 5000;
// String("hello"): the kind, and the value as JSON, or why it has none.
std::string shown(reflow_message message) {
    Buffer buffer;
    reflow_error* raw = nullptr;
    const reflow_status status =
        reflow_message_to_json(message, REFLOW_JSON_PLAIN, Out(buffer), &raw);
    const Error error(raw);
    return std::string(text_of(reflow_kind_name(reflow_message_kind(message)))) + "(" +
           std::string(status == REFLOW_OK ? text_of(buffer)
                                           : text_of(reflow_error_text(error.get()))) +
           ")";
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

// The graph that is wanted, or one of nothing; with the recorder, unless it has a node of that name.
Network make_network(reflow_runtime* runtime, const std::optional<std::string>& file) {
    Graph graph;
    if (file) {
        GraphSource source{*file, {}};
        graph = load_graph(*file, {}, &source.text);
        resolve_environment(graph.get(), source);
    } else {
        must([&](reflow_error** e) { return reflow_graph_create(view_of("peer"), Out(graph), e); },
             exit_failed);
    }
    reflow_error* error = nullptr;
    const reflow_status added =
        reflow_graph_add_node(graph.get(), view_of("recorder"), view_of("Recorder"),
                              reflow_message_null(), &error);
    const Error kept(error);
    if (added != REFLOW_OK && added != REFLOW_ERROR_ALREADY_EXISTS) {
        fail(exit_failed, std::string(text_of(reflow_error_text(kept.get()))));
    }
    Network network;
    must(
        [&](reflow_error** e) {
            return reflow_network_create(runtime, graph.get(), Out(network), e);
        },
        file ? exit_invalid : exit_failed);
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

void bind(reflow_peer* peer, const std::string& text) {
    const BindPlace place = parse_bind(text);
    must(
        [&](reflow_error** e) {
            return reflow_peer_bind(peer, view_of(place.address), place.port, e);
        },
        exit_usage, "--bind");
}

// Waits a moment for the first answers of discovery servers, so that others can find this peer once it says that
// it is ready. What is wrong is in the log, and is tried again with each refresh.
void register_at_discovery(reflow_peer* peer) {
    constexpr std::int64_t moment_ms = 1000;
    (void)reflow_peer_discover(peer, moment_ms, nullptr);
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
        exit_usage, "--send");
    must(
        [&](reflow_error** e) {
            return reflow_peer_send(peer, view_of(to.network), view_of(to.actor),
                                    view_of(to.port), text.get(), view_of(""), timeout_ms, e);
        },
        exit_failed, "--send");
    (void)text.release();
    std::string line = "sent test message to " + to.network + "/" + to.actor + "." + to.port + ": ";
    append_json(line, to.text);
    log.write(REFLOW_LOG_INFO, line);
}

// Dials and sends on a thread of its own, which a stop of the peer ends, while the main one waits for
// Ctrl-C. If it fails the main thread is woken as by a signal.
class Beginning {
public:
    explicit Beginning(std::function<void()> work) : main_(pthread_self()) {
        sigset_t all, before;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);  // signals are the main thread's
        thread_ = std::thread([this, work = std::move(work)] {
            try {
                work();
            } catch (...) {
                if (interrupts::count() != 0) return;  // it was interrupted
                problem_ = std::current_exception();
                failed_.store(true, std::memory_order_release);
                pthread_kill(main_, SIGTERM);
            }
        });
        pthread_sigmask(SIG_SETMASK, &before, nullptr);
    }
    ~Beginning() {
        if (thread_.joinable()) thread_.join();
    }
    [[nodiscard]] bool failed() const { return failed_.load(std::memory_order_acquire); }
    // Once the peer has been stopped.
    void finish() {
        thread_.join();
        if (problem_ != nullptr) std::rethrow_exception(problem_);
    }

private:
    const pthread_t main_;
    std::exception_ptr problem_;  // fixed before failed_ (release, acquire), or the end of the thread
    std::atomic<bool> failed_{false};
    std::thread thread_;
};

}  // namespace

int run_peer(const Arguments& arguments, Console& console) {
    Log log(console, log_level(arguments));
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
    Network network = make_network(runtime.get(), arguments.get("graph"));
    Peer peer;
    const auto place = arguments.get("bind");  // instead of what the file says, which may then say nothing
    must(
        [&](reflow_error** e) {
            const std::uint32_t flags =
                REFLOW_PEER_TELL_MESSAGES | (place ? std::uint32_t{REFLOW_PEER_NO_PORT} : 0);
            return reflow_peer_create_from_toml(runtime.get(), view_of(text), view_of(path), flags,
                                                Out(peer), e);
        },
        exit_invalid);
    if (place) bind(peer.get(), *place);
    must([&](reflow_error** e) { return reflow_peer_attach(peer.get(), network.get(), e); },
         exit_failed);
    must([&](reflow_error** e) { return reflow_network_start(network.get(), e); }, exit_failed);
    must([&](reflow_error** e) { return reflow_peer_start(peer.get(), e); }, exit_failed);

    Message status;
    must([&](reflow_error** e) { return reflow_peer_status(peer.get(), status.out(), e); },
         exit_failed);
    register_at_discovery(peer.get());
    Beginning beginning([&] {
        const reflow_message endpoints = member(status.get(), "connect");
        for (std::size_t i = 0; i < reflow_message_count(endpoints); ++i) {
            if (interrupts::count() == 0) dial(peer.get(), text_of(element(endpoints, i)), log);
        }
        if (to_send && interrupts::count() == 0) send(peer.get(), *to_send, log);
        if (interrupts::count() != 0) return;
        log.write(REFLOW_LOG_INFO, "peer ready, awaiting messages (Ctrl-C to stop)");
    });
    interrupts::wait();
    if (!beginning.failed()) log.write(REFLOW_LOG_INFO, "shutting down");
    // What is under way gets to its end, over links too; what cannot is cancelled with the network.
    reflow_error* error = nullptr;
    (void)reflow_network_drain(network.get(), stop_ms, &error);
    reflow_error_destroy(error);
    must([&](reflow_error** e) { return reflow_peer_stop(peer.get(), stop_ms, e); }, exit_failed);
    beginning.finish();
    return exit_ok;
}

}  // namespace cli
