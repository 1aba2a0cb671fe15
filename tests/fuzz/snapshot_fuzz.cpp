// Snapshots from outside: whatever bytes are read, a restore refuses them and changes nothing, or
// the network runs with them to its end. Thread: one.
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "base/limits.hpp"
#include "codec/msgpack.hpp"
#include "graph/load.hpp"
#include "network/network.hpp"
#include "network/runtime.hpp"
#include "network/snapshot.hpp"

namespace {

using namespace reflow;
using runtime::Context;
using runtime::Packet;

void require(bool holds, const char* what) {
    if (holds) return;
    std::fprintf(stderr, "%s\n", what);
    std::abort();
}

// Passes on what comes at inport 0; keeps one number.
runtime::ComponentRef component(std::string_view id, reflow_await await) {
    auto made = make_ref<runtime::Component>();
    made->id = id;
    made->await = await;
    for (std::string_view name : {"a", "b"}) {
        runtime::Port port;
        port.name = name;
        port.required = name == "a";
        made->inports.push_back(port);
        port.name = name == "a" ? "o" : "p";
        made->outports.push_back(port);
    }
    made->create = [](Context*, void*, void** state) {
        *state = new std::int64_t(0);
        return reflow_status{REFLOW_OK};
    };
    made->run = [](Context* context, void* state, Packet* inputs, std::size_t count) {
        *static_cast<std::int64_t*>(state) += 1;
        for (std::size_t i = 0; i < count; ++i) {
            if (inputs[i].port != 0 || MessageRef(inputs[i].message).none()) continue;
            (void)context->emit(0, MessageRef(inputs[i].message).own());
        }
        return reflow_status{REFLOW_OK};
    };
    made->finish = [](Context*, void*) { return reflow_status{REFLOW_OK}; };
    made->save = [](Context*, void* state, reflow_message* out) {
        *out = Message::integer(*static_cast<std::int64_t*>(state)).leak();
        return reflow_status{REFLOW_OK};
    };
    made->load = [](Context*, void* state, std::uint32_t, reflow_message saved) {
        *static_cast<std::int64_t*>(state) = MessageRef(saved).integer();
        return reflow_status{REFLOW_OK};
    };
    made->destroy_state = [](void* state) { delete static_cast<std::int64_t*>(state); };
    made->state_version = 1;
    return made;
}

constexpr std::string_view document = R"({"processes":
    {"x":{"component":"Any"},"y":{"component":"All"},"z":{"component":"Required"}},
    "connections":[
    {"from":{"nodeId":"x","portId":"o"},"to":{"nodeId":"y","portId":"a"},"metadata":{"capacity":2}},
    {"from":{"nodeId":"x","portId":"o"},"to":{"nodeId":"z","portId":"b"}},
    {"from":{"nodeId":"y","portId":"o"},"to":{"nodeId":"z","portId":"a"},"metadata":{"capacity":1}},
    {"data":1,"to":{"nodeId":"x","portId":"a"}},
    {"data":{"k":[1,"two"]},"to":{"nodeId":"x","portId":"a"}},
    {"data":3,"to":{"nodeId":"y","portId":"b"}}]})";

struct Instance {
    Instance() {
        network::RuntimeOptions options;
        options.scheduler.mode = REFLOW_MODE_SIMULATED;
        options.scheduler.seed = 1;
        options.scheduler.budget = {limits::batch_packets_count, limits::batch_us * 1000};
        options.port_capacity = 10;
        options.max_actors = 100;
        options.max_growth = 1000;
        Vector<runtime::ComponentRef> components;
        components.push_back(component("Any", REFLOW_AWAIT_ANY));
        components.push_back(component("All", REFLOW_AWAIT_ALL));
        components.push_back(component("Required", REFLOW_AWAIT_REQUIRED));
        runtime = network::Runtime::create(options, {}, nullptr, std::move(components)).take();
        auto graph = graph::load(document, REFLOW_FORMAT_JSON, "fuzz");
        require(graph.ok(), "the graph is bad");
        network = network::Network::create(runtime, graph.value()).take().leak();
        output = network->open_output("z", "o", 1).take();
    }
    ~Instance() {
        output = {};
        network->abandon();
    }
    // Runs to the end, with a bound.
    void run() {
        require(network->start().ok(), "a restored network does not start");
        for (int i = 0; i < 1000; ++i) {
            Result<void> drained = network->drain(REFLOW_FOREVER);
            if (drained.ok() || drained.error().status != REFLOW_ERROR_WOULD_BLOCK) break;
            reflow_message some[8];
            std::size_t count = 0;
            (void)output->recv(some, 0, count);
            for (std::size_t n = 0; n < count; ++n) (void)Message::adopt(some[n]);
            if (count == 0) break;
        }
        (void)network->stop(REFLOW_FOREVER).ok();
    }
    Ref<network::Runtime> runtime;
    network::Network* network = nullptr;
    Ref<network::Output> output;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    // With a small limit: what is asked for here is not how much a message may hold.
    codec::ReadLimits few;
    few.elements = 10'000;
    Result<Message> read = codec::read_msgpack({reinterpret_cast<const char*>(data), size}, few);
    if (!read.ok()) return 0;
    Instance instance;
    Result<void> restored = instance.network->restore(read.value(), {nullptr, nullptr});
    require(restored.ok() || !restored.error().message.empty(), "an error without a message");
    instance.run();
    return 0;
}
