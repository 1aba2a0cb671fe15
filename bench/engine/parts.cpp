// Shapes of the contender "reflow" about parts of the engine that few packets use: a stream, a
// frame pool, settings for failures that do not come, and the rest that a snapshot takes. Main
// thread.
// Neighbours: parts.c (callbacks), observe.cpp.
#include "parts.h"

#include <thread>

#include "host.hpp"

namespace bench {
namespace {

constexpr int FAILURE_ROUNDS = 51;  // as in observe.cpp: most of them are disturbed by nobody
constexpr int SNAPSHOTS = 7;

struct Flow {
    std::uint64_t ns = 0;
    std::int64_t count = 0, sum = 0;
};

// A pipeline whose nodes all have these settings for failures, or, if empty, none.
Flow run_supervised(const Call& call, const std::string& settings) {
    bench_plan plan{};
    plan.n = plan.expected = call.n;
    Host host(call, plan);
    host.node("source", "BenchSource");
    host.chain("pass", call.size, "BenchPass");
    host.node("sink", "BenchSink");
    host.connect("source", "pass0");
    host.connect("pass" + std::to_string(call.size - 1), "sink");
    if (!settings.empty()) host.property("failure", settings);
    host.run();
    return {plan.last_ns - plan.first_ns, plan.count, plan.sum};
}

// Nodes with packets that wait for a partner which has not come.
void build_waiting(Host& host, const Call& call, bench_rest& rest) {
    Error error;
    must(bench_register_rest(host.runtime(), &rest, error), "components", error);
    host.node("tick", "BenchTick");
    host.connect("tick", "tick");
    host.node("total", "BenchTotal");
    for (std::int64_t i = 0; i < call.n; ++i) {
        std::string id = "wait" + std::to_string(i);
        host.node(id, "BenchPartner");
        host.connect(id, "total");
    }
}

// An inport that nobody has found and nothing leads to counts as one that is not there: no firing
// would wait for it.
std::vector<reflow_inport> partners(Host& host, std::int64_t nodes) {
    std::vector<reflow_inport> found;
    for (std::int64_t i = 0; i < nodes; ++i) {
        found.push_back(host.inport("wait" + std::to_string(i), "with"));
    }
    return found;
}

// The longest time between two calls of an actor while a snapshot is taken.
std::uint64_t rest_of(Host& host, bench_rest& rest, reflow_message* out) {
    std::uint64_t ticks = __atomic_load_n(&rest.ticks, __ATOMIC_ACQUIRE);
    __atomic_store_n(&rest.gap_ns, 0, __ATOMIC_RELAXED);
    auto goes_on = [&] {  // two calls: the first may have begun before
        while (__atomic_load_n(&rest.ticks, __ATOMIC_ACQUIRE) < ticks + 2) {
            std::this_thread::yield();
        }
    };
    goes_on();
    Error error;
    must(reflow_network_snapshot(host.network(), TIMEOUT_MS, out, error), "snapshot", error);
    ticks = __atomic_load_n(&rest.ticks, __ATOMIC_ACQUIRE);
    goes_on();
    return __atomic_load_n(&rest.gap_ns, __ATOMIC_RELAXED);
}

// What a snapshot had is all there: a network becomes what it tells, and the partners come.
void restore(const Call& call, reflow_message snapshot, bench_rest& rest) {
    bench_plan plan{};
    Host host(call, plan);
    build_waiting(host, call, rest);
    host.create();
    const std::vector<reflow_inport> ports = partners(host, call.n);
    Error error;
    must(reflow_network_restore(host.network(), snapshot, error), "restore", error);
    rest.stop = 1;
    host.start();
    for (reflow_inport port : ports) {
        for (std::int64_t i = 0; i < QUEUED; ++i) host.send(port, 0);
    }
    host.wait();
}

}  // namespace

// n frames of size bytes from one actor to another; each is made anew and looked into.
int run_stream(const Call& call) {
    std::string bytes(static_cast<std::size_t>(call.size), '\1');
    bench_plan plan{};
    plan.n = call.n;
    must(reflow_message_lend(REFLOW_KIND_BYTES, bytes.data(), bytes.size(), nullptr, nullptr,
                             &plan.payload, nullptr),
         "payload");
    Host host(call, plan);
    Error error;
    must(bench_register_streams(host.runtime(), &plan, error), "components", error);
    host.node("writer", "BenchWriter");
    host.node("reader", "BenchReader");
    host.connect("writer", "reader");
    host.run();
    reflow_message_unref(plan.payload);
    return answer(plan.last_ns - plan.first_ns, plan.count, plan.sum);
}

// A slot is taken, its ends are written, its frame is read by its ticket and given back, n times.
int run_frame_pool(const Call& call) {
    bench_plan plan{};
    Host host(call, plan);
    auto size = static_cast<std::size_t>(call.size);
    reflow_frame_pool_options options{};
    options.struct_size = sizeof options;
    options.frame_size = size;
    reflow_frame_pool* pool = nullptr;
    Error error;
    must(reflow_frame_pool_open(host.runtime(), reflow_str("bench"), &options, &pool, error),
         "pool", error);
    std::int64_t count = 0, sum = 0;
    std::uint64_t begin = now_ns();
    for (std::int64_t i = 0; i < call.n; ++i) {
        void* data = nullptr;
        std::int64_t ticket = 0;
        must(reflow_frame_pool_begin(pool, &data, &ticket), "begin");
        auto* slot = static_cast<unsigned char*>(data);
        slot[0] = static_cast<unsigned char>(i);
        slot[size - 1] = 1;
        must(reflow_frame_pool_commit(pool, ticket, size), "commit");
        reflow_message frame{};
        reflow_view view{};
        must(reflow_frame_pool_read(pool, ticket, &frame), "read");
        must(reflow_message_get_bytes(frame, &view), "bytes");
        auto at = [&](std::size_t place) { return static_cast<unsigned char>(view.data[place]); };
        if (at(0) == static_cast<unsigned char>(i)) ++count;
        sum += static_cast<std::int64_t>(view.size) + at(view.size - 1);
        reflow_message_unref(frame);
    }
    std::uint64_t took = now_ns() - begin;
    reflow_frame_pool_destroy(pool);
    return answer(took, count, sum);
}

// What retries and circuit breakers cost while nothing fails: the same pipeline with and without
// them, in turns; "percent" is the difference of the lower quartiles.
int run_failure_unused(const Call& call) {
    const std::string settings =
        call.shape == "failure-retries" ? R"({"retries":3})" : R"({"breaker":{"threshold":5}})";
    std::vector<std::uint64_t> off, on;
    Flow last;
    for (int round = 0; round < FAILURE_ROUNDS; ++round) {
        for (int turn = 0; turn < 2; ++turn) {
            bool supervised = (round + turn) % 2 == 0;
            last = run_supervised(call, supervised ? settings : "");
            if (last.count != call.n) break;
            (supervised ? on : off).push_back(last.ns);
        }
    }
    double with = static_cast<double>(quantile(on, 0.25));
    double without = static_cast<double>(quantile(off, 0.25));
    return Answer()
        .add("ns", median(off))
        .add("count", last.count)
        .add("sum", last.sum)
        .add("percent", (with / without - 1) * 100)
        .print();
}

// A network of n nodes with packets in their queues, and one actor that is always awake, which
// tells how long nothing ran while a snapshot was taken.
int run_snapshot(const Call& call) {
    bench_rest rest{}, after{};
    bench_plan plan{};
    Host host(call, plan);
    build_waiting(host, call, rest);
    host.token("tick", 0);
    for (std::int64_t i = 0; i < call.n; ++i) {
        for (std::int64_t j = 0; j < QUEUED; ++j) host.token("wait" + std::to_string(i), i);
    }
    host.create();
    static_cast<void>(partners(host, call.n));
    host.start();
    std::vector<std::uint64_t> samples;
    reflow_message snapshot{};
    std::uint64_t begin = now_ns();
    for (int i = 0; i < SNAPSHOTS; ++i) {
        reflow_message_unref(snapshot);
        samples.push_back(rest_of(host, rest, &snapshot));
    }
    std::uint64_t took = now_ns() - begin;
    __atomic_store_n(&rest.stop, 1, __ATOMIC_RELEASE);
    host.wait();
    restore(call, snapshot, after);
    reflow_message_unref(snapshot);
    return Answer()
        .add("ns", took)
        .add("count", after.count)
        .add("sum", after.sum)
        .add("p50", median(std::move(samples)))
        .print();
}

}  // namespace bench
