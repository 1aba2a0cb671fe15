// Networks for tests: graphs made in code, components written as lambdas, hosts that send and read.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/limits.hpp"
#include "graph/graph.hpp"
#include "network/network.hpp"
#include "network/runtime.hpp"

namespace reflow::testing {

using network::Network;
using network::Output;
using runtime::Component;
using runtime::Context;
using runtime::Packet;

inline std::string error_text(const Result<void>& result) {
    return result.ok() ? "" : std::string(result.error().describe());
}

// Callbacks of a component; each node has its own copy, made by `create` of the component.
struct Behaviour {
    std::function<reflow_status(Context&, std::span<Packet>)> run;
    std::function<reflow_status(Context&)> finish;
    std::function<reflow_status(Context&)> setup;
    std::function<void(Context&)> teardown;
    std::function<void()> destroyed;
};

struct Ports {
    std::vector<std::string> in;
    std::vector<std::string> out;
    std::vector<std::string> required;  // of in
    std::map<std::string, std::uint32_t> capacity;
    std::vector<std::string> array{};  // of in, that have elements
};

// A component whose nodes get their behaviour from make(node id). The function lives until the
// component ends.
inline runtime::ComponentRef component(
    std::string_view id, const Ports& ports,
    std::function<std::unique_ptr<Behaviour>(std::string_view node)> make,
    reflow_await await = REFLOW_AWAIT_ANY, std::uint32_t max_batch = 1, bool source = false) {
    using Make = std::function<std::unique_ptr<Behaviour>(std::string_view)>;
    auto made = make_ref<Component>();
    made->id = id;
    for (const std::string& name : ports.in) {
        runtime::Port port;
        port.name = name;
        for (const std::string& required : ports.required) port.required |= required == name;
        for (const std::string& array : ports.array) port.array |= array == name;
        if (auto found = ports.capacity.find(name); found != ports.capacity.end()) {
            port.capacity = found->second;
        }
        made->inports.push_back(std::move(port));
    }
    for (const std::string& name : ports.out) {
        runtime::Port port;
        port.name = name;
        made->outports.push_back(std::move(port));
    }
    made->await = await;
    made->max_batch = max_batch;
    made->source = source;
    made->user_data = new Make(std::move(make));
    made->destroy = [](void* data) { delete static_cast<Make*>(data); };
    made->create = [](Context* context, void* data, void** state) {
        *state = (*static_cast<Make*>(data))(context->node()).release();
        return *state != nullptr ? reflow_status{REFLOW_OK} : reflow_status{REFLOW_ERROR_FAILED};
    };
    made->run = [](Context* context, void* state, Packet* inputs, std::size_t count) {
        auto* behaviour = static_cast<Behaviour*>(state);
        return behaviour->run ? behaviour->run(*context, {inputs, count})
                              : reflow_status{REFLOW_OK};
    };
    made->setup = [](Context* context, void* state) {
        auto* behaviour = static_cast<Behaviour*>(state);
        return behaviour->setup ? behaviour->setup(*context) : reflow_status{REFLOW_OK};
    };
    made->finish = [](Context* context, void* state) {
        auto* behaviour = static_cast<Behaviour*>(state);
        return behaviour->finish ? behaviour->finish(*context) : reflow_status{REFLOW_OK};
    };
    made->teardown = [](Context* context, void* state) {
        auto* behaviour = static_cast<Behaviour*>(state);
        if (behaviour->teardown) behaviour->teardown(*context);
    };
    made->destroy_state = [](void* state) {
        auto* behaviour = static_cast<Behaviour*>(state);
        if (behaviour->destroyed) behaviour->destroyed();
        delete behaviour;
    };
    return made;
}

// All nodes of the component do the same.
inline runtime::ComponentRef simple(std::string_view id, const Ports& ports,
                                    std::function<reflow_status(Context&, std::span<Packet>)> run,
                                    reflow_await await = REFLOW_AWAIT_ANY,
                                    std::uint32_t max_batch = 1, bool source = false) {
    return component(
        id, ports,
        [run](std::string_view) {
            auto behaviour = std::make_unique<Behaviour>();
            behaviour->run = run;
            return behaviour;
        },
        await, max_batch, source);
}

// in -> out.
inline runtime::ComponentRef pass(std::string_view id = "Pass", std::uint32_t max_batch = 1) {
    return simple(
        id, {{"in"}, {"out"}, {}, {}},
        [](Context& context, std::span<Packet> inputs) {
            for (Packet& packet : inputs) {
                Message message = Message::adopt(std::exchange(packet.message, {}));
                reflow_status status = context.emit(0, std::move(message));
                if (status != REFLOW_OK) return status;
            }
            return reflow_status{REFLOW_OK};
        },
        REFLOW_AWAIT_ANY, max_batch);
}

struct Options {
    reflow_mode mode = REFLOW_MODE_INLINE;
    std::uint32_t workers = 2;
    std::uint64_t seed = 1;
    std::uint32_t batch_packets = limits::batch_packets_count;
    std::uint32_t port_capacity = limits::port_capacity_count;
    std::uint64_t max_growth = limits::growth_count;
    reflow_log_fn log = nullptr;
    void* user_data = nullptr;
    reflow_destroy_fn destroy = nullptr;
};

inline Result<Ref<network::Runtime>> make_runtime(const Options& options,
                                                  std::vector<runtime::ComponentRef> components) {
    network::RuntimeOptions settings;
    settings.scheduler.mode = options.mode;
    settings.scheduler.workers = options.workers;
    settings.scheduler.seed = options.seed;
    settings.scheduler.budget = {options.batch_packets, limits::batch_us * 1000};
    settings.scheduler.max_completions = limits::completions_count;
    settings.port_capacity = options.port_capacity;
    settings.max_actors = limits::actors_count;
    settings.max_growth = options.max_growth;
    settings.log = options.log;
    Vector<runtime::ComponentRef> all(components.begin(), components.end());
    return network::Runtime::create(settings, network::HostData(options.user_data, options.destroy),
                                    nullptr, std::move(all));
}

// A handle of a network as the host has it: ended by abandon().
class Handle {
public:
    Handle() = default;
    explicit Handle(Ref<Network> network) : network_(network.leak()) {}
    Handle(Handle&& other) noexcept : network_(std::exchange(other.network_, nullptr)) {}
    Handle& operator=(Handle&& other) noexcept {
        std::swap(network_, other.network_);
        return *this;
    }
    ~Handle() { end(); }
    void end() {
        if (Network* ended = std::exchange(network_, nullptr)) ended->abandon();
    }
    Network* get() const { return network_; }
    Network* operator->() const { return network_; }

private:
    Network* network_ = nullptr;
};

// Runtime, graph and network with one line for each node and connection:
//     Net net(options, {pass()});
//     net.node("a", "Pass").node("b", "Pass").connect("a.out", "b.in");
//     net.start();
class Net {
public:
    Net(const Options& options, std::vector<runtime::ComponentRef> components) {
        auto made = make_runtime(options, std::move(components));
        EXPECT_TRUE(made.ok()) << (made.ok() ? "" : made.error().describe().c_str());
        runtime = std::move(made).take();
    }

    Net& node(std::string_view id, std::string_view component, Message config = {}) {
        check(graph.add_node(id, component, std::move(config)));
        return *this;
    }
    // kind empty and capacity 0 are not given.
    Net& connect(std::string_view from, std::string_view to, std::string_view kind = {},
                 std::uint32_t capacity = 0, std::uint32_t bytes = 0) {
        ObjectBuilder metadata;
        if (bytes != 0) metadata.set("capacity_bytes", Message::integer(bytes));
        if (!kind.empty()) metadata.set("kind", Message::string(kind));
        if (capacity != 0) metadata.set("capacity", Message::integer(capacity));
        check(graph.connect(end(from), end(to), metadata.finish().take()));
        return *this;
    }
    Net& initial(std::string_view to, Message data) {
        check(graph.add_initial(end(to), std::move(data)));
        return *this;
    }
    Net& create() {
        auto made = Network::create(runtime, graph);
        EXPECT_TRUE(made.ok()) << (made.ok() ? "" : made.error().describe().c_str());
        if (made.ok()) network = Handle(std::move(made).take());
        return *this;
    }
    Net& start() {
        if (network.get() == nullptr) create();
        check(network->start());
        return *this;
    }
    Ref<Output> output(std::string_view from, std::uint32_t capacity = 0) {
        if (network.get() == nullptr) create();
        auto opened = network->open_output(end(from).node, end(from).port, capacity);
        EXPECT_TRUE(opened.ok()) << (opened.ok() ? "" : opened.error().describe().c_str());
        return opened.ok() ? std::move(opened).take() : Ref<Output>();
    }
    std::uint64_t inport(std::string_view to) {
        auto found = network->find_inport(end(to).node, end(to).port);
        EXPECT_TRUE(found.ok()) << (found.ok() ? "" : found.error().describe().c_str());
        return found.ok() ? found.value() : 0;
    }
    // The status of sending one message; it is dropped if it does not go.
    reflow_status send(std::uint64_t inport, Message message, std::int64_t timeout_ms = 0) {
        reflow_message raw = message.raw();
        std::size_t accepted = 0;
        Result<void> sent = network->send(inport, {&raw, 1}, timeout_ms, accepted);
        if (accepted == 1) (void)message.leak();
        return sent.ok() ? reflow_status{REFLOW_OK} : sent.error().status;
    }
    reflow_node_counters counters(std::string_view node) {
        reflow_node_counters counters{};
        EXPECT_TRUE(network->counters(node, counters).ok());
        return counters;
    }
    reflow_status idle(std::int64_t timeout_ms = 60'000) {
        Result<void> waited = network->wait_idle(timeout_ms);
        return waited.ok() ? reflow_status{REFLOW_OK} : waited.error().status;
    }

    Ref<network::Runtime> runtime;
    graph::Graph graph{"test"};
    Handle network;

private:
    static graph::Endpoint end(std::string_view text) {
        std::size_t dot = text.find('.');
        return {text.substr(0, dot), text.substr(dot + 1)};
    }
    static void check(const Result<void>& result) {
        EXPECT_TRUE(result.ok()) << error_text(result);
    }
};

// All that an output has now.
inline std::vector<Message> take_all(Output& output) {
    std::vector<Message> all;
    for (;;) {
        reflow_message batch[64];
        std::size_t count = 0;
        reflow_status status = output.recv(batch, 0, count);
        for (std::size_t i = 0; i < count; ++i) all.push_back(Message::adopt(batch[i]));
        if (status != REFLOW_OK || count == 0) return all;
    }
}

// Waits until a value that other threads change is what is wanted; false after a minute.
class Signal {
public:
    void set(int value) {
        std::lock_guard lock(mutex_);
        value_ = value;
        changed_.notify_all();
    }
    [[nodiscard]] bool wait(int at_least) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, std::chrono::seconds(60),
                                 [&] { return value_ >= at_least; });
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    int value_ = 0;
};

}  // namespace reflow::testing
