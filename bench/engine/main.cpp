// The contender "reflow": the engine, used through its header alone, one shape in each call.
// Neighbours: actors.c (callbacks), host.hpp, codec.cpp, probes.cpp, observe.cpp,
// pulled.cpp, parts.cpp (the other shapes).
#include <dlfcn.h>

#include <cstring>

#include "host.hpp"

namespace bench {
namespace {

bench_plan plan_of(const Call& call) {
    bench_plan plan{};
    plan.n = call.n;
    plan.expected = call.n;
    plan.spin = call.spin;
    return plan;
}

int answer_of(const bench_plan& plan) {
    return answer(plan.last_ns - plan.first_ns, plan.count, plan.sum);
}

int run_pipeline(const Call& call, const char* component) {
    bench_plan plan = plan_of(call);
    Host host(call, plan);
    host.node("source", "BenchSource");
    host.chain("pass", call.size, component);
    host.node("sink", "BenchSink");
    host.connect("source", "pass0");
    host.connect("pass" + std::to_string(call.size - 1), "sink");
    host.run();
    return answer_of(plan);
}

int run_fan(const Call& call) {
    bench_plan plan = plan_of(call);
    Host host(call, plan);
    bool in = call.shape == "fan-in";
    if (in) plan.n = call.n / call.size;
    host.node("one", in ? "BenchSink" : "BenchSource");
    for (std::int64_t i = 0; i < call.size; ++i) {
        std::string id = "many" + std::to_string(i);
        host.node(id, in ? "BenchSource" : "BenchSink");
        host.connect(in ? id : "one", in ? "one" : id);
    }
    host.run();
    return answer_of(plan);
}

// One source that deals to many, all of which pass on to one sink.
int run_deal(const Call& call) {
    bench_plan plan = plan_of(call);
    Host host(call, plan);
    std::string way = "\"" + call.shape.substr(sizeof "deal-" - 1) + "\"";
    if (way == "\"key\"") way = "{\"key\":\"none\"}";  // integers have none: all go one way
    std::string text = "{\"distribute\":{\"out\":" + way + "}}";
    reflow_message config{};
    Error error;
    must(reflow_message_from_json(view(text), nullptr, &config, error), "config", error);
    host.node("source", "BenchSource", config);
    host.node("sink", "BenchSink");
    for (std::int64_t i = 0; i < call.size; ++i) {
        std::string id = "worker" + std::to_string(i);
        host.node(id, "BenchPass");
        host.connect("source", id);
        host.connect(id, "sink");
    }
    host.run();
    return answer_of(plan);
}

// Tokens on rings: ping-pong is one ring of two, pairs are many of them.
int run_rings(const Call& call, std::int64_t rings, std::int64_t length, std::int64_t tokens) {
    bench_plan plan = plan_of(call);
    plan.n = call.n / (rings * tokens);
    Host host(call, plan);
    for (std::int64_t ring = 0; ring < rings; ++ring) {
        std::string prefix = "ring" + std::to_string(ring) + "-";
        host.chain(prefix, length, "BenchBounce");
        host.connect(prefix + std::to_string(length - 1), prefix + "0");
        for (std::int64_t token = 0; token < tokens; ++token) {
            host.token(prefix + std::to_string(token * length / tokens), 0);
        }
    }
    host.run();
    return answer_of(plan);
}

int run_latency(const Call& call) {
    bench_plan plan = plan_of(call);
    std::vector<std::uint64_t> samples(static_cast<std::size_t>(call.n));
    plan.samples = samples.data();
    Host host(call, plan);
    host.node("clock", "BenchClock");
    host.chain("pass", call.size - 1, "BenchPass");
    host.node("end", "BenchClockEnd");
    host.connect("clock", "pass0");
    host.connect("pass" + std::to_string(call.size - 2), "end");
    host.connect("end", "clock");
    host.token("clock", 0);
    host.run();
    return Answer()
        .add("ns", plan.last_ns - plan.first_ns)
        .add("count", plan.count)
        .add("sum", plan.sum)
        .add("p50", median(std::move(samples)))
        .print();
}

int run_payload(const Call& call) {
    bench_plan plan = plan_of(call);
    std::string bytes(static_cast<std::size_t>(call.size), '\1');
    must(reflow_message_lend(REFLOW_KIND_BYTES, bytes.data(), bytes.size(), nullptr, nullptr,
                             &plan.payload, nullptr),
         "payload");
    Host host(call, plan);
    host.node("source", "BenchPayloadSource");
    for (std::int64_t i = 0; i < PAYLOAD_TARGETS; ++i) {
        std::string id = "sink" + std::to_string(i);
        host.node(id, "BenchPayloadSink");
        host.connect("source", id);
    }
    host.run();
    reflow_message_unref(plan.payload);
    return answer_of(plan);
}

// Which library this program runs with, so that nobody measures another one by mistake.
int run_library() {
    Dl_info info;
    void* symbol = nullptr;
    auto function = &reflow_version;
    std::memcpy(&symbol, &function, sizeof symbol);
    if (dladdr(symbol, &info) == 0) return 1;
    std::printf("library=%s\n", info.dli_fname);
    return 0;
}

int run(const Call& call) {
    const std::string& shape = call.shape;
    if (shape == "pipeline") return run_pipeline(call, "BenchPass");
    if (shape == "work") return run_pipeline(call, "BenchWork");
    if (shape == "fan-out" || shape == "fan-in") return run_fan(call);
    if (shape.starts_with("deal-")) return run_deal(call);
    if (shape == "ping-pong") return run_rings(call, 1, 2, 1);
    if (shape == "pairs") return run_rings(call, call.size, 2, 1);
    if (shape == "ring") return run_rings(call, 1, call.size, RING_TOKENS);
    if (shape == "latency") return run_latency(call);
    if (shape == "payload") return run_payload(call);
    if (shape == "idle") return run_idle(call);
    if (shape == "wake") return run_wake(call);
    if (shape == "graph-load") return run_graph_load(call);
    if (shape == "start") return run_start(call);
    if (shape == "slow") return run_slow(call);
    if (shape == "events-unasked" || shape == "events-default") return run_events(call);
    if (shape == "events-all") return run_events_all(call);
    if (shape.starts_with("json-") || shape.starts_with("msgpack-")) return run_codec(call);
    if (shape.starts_with("link-")) return run_link(call);
    if (shape == "pulled") return run_pulled(call);
    if (shape == "stream") return run_stream(call);
    if (shape == "frame-pool") return run_frame_pool(call);
    if (shape.starts_with("failure-")) return run_failure_unused(call);
    if (shape == "snapshot") return run_snapshot(call);
    if (shape == "library") return run_library();
    return UNSUPPORTED;
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) { return bench::run(bench::read_call(argc, argv)); }
