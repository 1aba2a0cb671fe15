// A host program in small: a runtime, a graph that is built, the network of it, and the way out
// with a message when a call fails. Used by the shapes of the contender "reflow" on the main
// thread.
#ifndef BENCH_HOST_HPP
#define BENCH_HOST_HPP

#include <reflow.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "actors.h"
#include "contender.hpp"

namespace bench {

inline constexpr std::int64_t TIMEOUT_MS = 100'000;

inline reflow_view view(const std::string& text) { return {text.data(), text.size()}; }

// The out-parameter for errors of one call; must() looks at it.
class Error {
public:
    Error() = default;
    Error(const Error&) = delete;
    Error& operator=(const Error&) = delete;
    ~Error() { reflow_error_destroy(error_); }
    operator reflow_error**() { return &error_; }
    const char* text() const { return error_ ? reflow_error_text(error_).data : ""; }

private:
    reflow_error* error_ = nullptr;
};

inline void must(reflow_status status, const char* what, const Error& error = {}) {
    if (status == REFLOW_OK) return;
    std::fprintf(stderr, "%s: %s %s\n", what, reflow_status_name(status).data, error.text());
    std::exit(1);
}

class Host {
public:
    Host(const Call& call, bench_plan& plan, reflow_thread_fn thread_start = nullptr) {
        reflow_runtime_options options{};
        options.struct_size = sizeof options;
        options.workers = call.workers;
        options.thread_start = thread_start;
        Error error;
        must(reflow_runtime_create(&options, &runtime_, error), "runtime", error);
        plan.batch = call.variant == "batch" ? 1 : 0;
        must(bench_register(runtime_, &plan, error), "components", error);
        must(reflow_graph_create(reflow_str("bench"), &graph_, error), "graph", error);
    }
    Host(const Host&) = delete;
    Host& operator=(const Host&) = delete;
    ~Host() { end(); }

    void node(const std::string& id, const char* component, reflow_message config = {0, 0}) {
        Error error;
        must(reflow_graph_add_node(graph_, view(id), reflow_str(component), config, error), "node",
             error);
    }
    void connect(const std::string& from, const std::string& to) {
        reflow_endpoint a{view(from), reflow_str("out"), REFLOW_NO_INDEX, 0};
        reflow_endpoint b{view(to), reflow_str("in"), REFLOW_NO_INDEX, 0};
        Error error;
        must(reflow_graph_connect(graph_, &a, &b, {0, 0}, error), "connection", error);
    }
    void token(const std::string& to, std::int64_t value) {
        reflow_endpoint end{view(to), reflow_str("in"), REFLOW_NO_INDEX, 0};
        Error error;
        must(reflow_graph_add_initial(graph_, &end, reflow_message_integer(value), error), "token",
             error);
    }
    void property(const char* key, const std::string& json) {
        reflow_message value{};
        Error error;
        must(reflow_message_from_json(view(json), nullptr, &value, error), "property", error);
        must(reflow_graph_set_property(graph_, reflow_str(key), value, error), "property", error);
    }
    // Nodes prefix0, prefix1, ... in a row.
    void chain(const std::string& prefix, std::int64_t count, const char* component) {
        for (std::int64_t i = 0; i < count; ++i) {
            node(prefix + std::to_string(i), component);
            if (i > 0) connect(prefix + std::to_string(i - 1), prefix + std::to_string(i));
        }
    }

    void load(const std::string& document) {
        reflow_graph_destroy(graph_);
        graph_ = nullptr;
        Error error;
        must(reflow_graph_load(view(document), REFLOW_FORMAT_JSON, reflow_str(""), &graph_, error),
             "load", error);
    }
    void drop_graph() {
        reflow_graph_destroy(graph_);
        graph_ = nullptr;
    }
    void create() {
        Error error;
        must(reflow_network_create(runtime_, graph_, &network_, error), "create", error);
    }
    void start() {
        Error error;
        must(reflow_network_start(network_, error), "start", error);
    }
    void wait() {
        Error error;
        must(reflow_network_wait_idle(network_, TIMEOUT_MS, error), "wait", error);
    }
    // Ends everything; the plan has the totals of all actors afterwards.
    void end() {
        reflow_network_destroy(network_);
        reflow_graph_destroy(graph_);
        reflow_runtime_destroy(runtime_);
        network_ = nullptr;
        graph_ = nullptr;
        runtime_ = nullptr;
    }
    void run() {
        create();
        start();
        wait();
        end();
    }

    reflow_runtime* runtime() { return runtime_; }
    reflow_network* network() { return network_; }
    const reflow_graph* graph() const { return graph_; }
    reflow_inport inport(const std::string& node, const char* name = "in") {
        reflow_inport port;
        Error error;
        must(reflow_network_find_inport(network_, view(node), reflow_str(name), &port, error),
             "inport", error);
        return port;
    }
    void send(reflow_inport port, std::int64_t value) {
        Error error;
        must(reflow_network_send(network_, port, reflow_message_integer(value), TIMEOUT_MS, error),
             "send", error);
    }
    reflow_output* output(const std::string& node) {
        reflow_output* out = nullptr;
        Error error;
        must(reflow_network_open_output(network_, view(node), reflow_str("out"), 0, &out, error),
             "output", error);
        return out;
    }
    static std::int64_t receive(reflow_output* output) {
        reflow_message message{};
        std::size_t count = 0;
        std::int64_t value = -1;
        Error error;
        must(reflow_output_recv_many(output, &message, 1, TIMEOUT_MS, &count, error), "receive",
             error);
        must(reflow_message_get_integer(message, &value), "value");
        return value;
    }

private:
    reflow_runtime* runtime_ = nullptr;
    reflow_graph* graph_ = nullptr;
    reflow_network* network_ = nullptr;
};

// Shapes that are not a plain flow of packets, in codec.cpp, probes.cpp, observe.cpp, links.cpp,
// pulled.cpp and parts.cpp; each prints its answer.
int run_codec(const Call& call);
int run_link(const Call& call);
int run_idle(const Call& call);
int run_wake(const Call& call);
int run_graph_load(const Call& call);
int run_start(const Call& call);
int run_slow(const Call& call);
int run_events(const Call& call);
int run_events_all(const Call& call);
int run_pulled(const Call& call);
int run_stream(const Call& call);
int run_frame_pool(const Call& call);
int run_failure_unused(const Call& call);
int run_snapshot(const Call& call);

}  // namespace bench

#endif
