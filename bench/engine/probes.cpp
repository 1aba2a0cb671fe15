// Shapes of the contender "reflow" that measure something else than a flow of packets: memory and
// creation, a wake from outside, loading a graph, the start of a process. Main thread.
#include "host.hpp"
#include "pin.hpp"

namespace bench {
namespace {

int worker_core = -1;

void pin_worker(void*) { pin_thread(worker_core); }

std::string ring_document(std::int64_t nodes) {
    std::string text = "{\"processes\":{";
    for (std::int64_t i = 0; i < nodes; ++i) {
        std::string id = "\"node_" + std::to_string(i) + "\"";
        text += (i == 0 ? "" : ",") + id + ":{\"id\":" + id +
                ",\"component\":\"BenchBounce\",\"metadata\":{\"x\":" + std::to_string(i % 100) +
                ",\"y\":" + std::to_string(i / 100) + "}}";
    }
    text += "},\"connections\":[";
    for (std::int64_t i = 0; i < nodes; ++i) {
        text += (i == 0 ? "" : ",") + std::string("{\"from\":{\"nodeId\":\"node_") +
                std::to_string(i) + "\",\"portId\":\"out\"},\"to\":{\"nodeId\":\"node_" +
                std::to_string((i + 1) % nodes) + "\",\"portId\":\"in\"},\"metadata\":{}}";
    }
    return text + "]}";
}

}  // namespace

// n actors in a row, created and started; then one packet goes through all of them.
int run_idle(const Call& call) {
    bench_plan plan{};
    Host host(call, plan);
    std::int64_t before = resident_bytes();
    host.chain("a", call.n, "BenchIdle");
    std::uint64_t begin = now_ns();
    host.create();
    std::uint64_t created = now_ns() - begin;
    reflow_inport first = host.inport("a0");
    reflow_output* last = host.output("a" + std::to_string(call.n - 1));
    begin = now_ns();
    host.start();
    created += now_ns() - begin;
    host.drop_graph();
    std::int64_t after = resident_bytes();
    host.send(first, 0);
    std::int64_t passed = Host::receive(last);
    reflow_output_destroy(last);
    return Answer()
        .add("ns", created)
        .add("count", passed)
        .add("sum", passed)
        .add("bytes", static_cast<double>(after - before) / static_cast<double>(call.n))
        .print();
}

// size 0: both threads on one core, 1: on two.
int run_wake(const Call& call) {
    worker_core = core(static_cast<int>(call.size));
    if (worker_core < 0) return UNSUPPORTED;
    bench_plan plan{};
    plan.n = call.n;
    int host_core = core(0);
    Host host(call, plan, pin_worker);
    pin_thread(host_core);
    host.node("sink", "BenchWake");
    host.create();
    reflow_inport sink = host.inport("sink");
    host.start();
    std::vector<std::uint64_t> samples;
    std::uint64_t begin = now_ns();
    const timespec rest{0, REST_NS};
    for (std::int64_t i = 0; i < call.n; ++i) {
        nanosleep(&rest, nullptr);
        __atomic_store_n(&plan.woken_ns, 0, __ATOMIC_RELAXED);
        std::uint64_t sent = now_ns();
        must(reflow_network_try_send(host.network(), sink, reflow_message_integer(i), nullptr),
             "try_send");
        host.wait();
        samples.push_back(__atomic_load_n(&plan.woken_ns, __ATOMIC_ACQUIRE) - sent);
    }
    std::uint64_t took = now_ns() - begin;
    host.end();
    return Answer()
        .add("ns", took)
        .add("count", plan.count)
        .add("sum", plan.sum)
        .add("p50", median(std::move(samples)))
        .print();
}

// A document of size nodes in a ring is loaded, created and started n times; then a token goes
// round.
int run_graph_load(const Call& call) {
    std::string document = ring_document(call.size);
    std::uint64_t took = 0;
    std::int64_t count = 0;
    std::int64_t sum = 0;
    for (std::int64_t i = 0; i < call.n; ++i) {
        bench_plan plan{};
        plan.n = call.size;
        Host host(call, plan);
        std::uint64_t begin = now_ns();
        host.load(document);
        host.create();
        host.start();
        took += now_ns() - begin;
        if (reflow_graph_node_count(host.graph()) != static_cast<std::size_t>(call.size)) return 1;
        host.send(host.inport("node_0"), 0);
        host.wait();
        host.end();
        count += plan.count;
        sum += plan.sum;
    }
    return answer(took, count, sum);
}

// The first packet of a fresh process: a document is read, and a value goes in and comes out.
int run_start(const Call& call) {
    static const char document[] =
        "{\"processes\":{\"pass\":{\"component\":\"BenchPass\"},\"end\":{\"component\":"
        "\"BenchPass\"}},\"connections\":[{\"from\":{\"nodeId\":\"pass\",\"portId\":\"out\"},"
        "\"to\":{\"nodeId\":\"end\",\"portId\":\"in\"}}]}";
    std::uint64_t begin = now_ns();
    bench_plan plan{};
    Host host(call, plan);
    host.load(document);
    host.create();
    reflow_inport in = host.inport("pass");
    reflow_output* out = host.output("end");
    host.start();
    host.send(in, 0);
    std::int64_t value = Host::receive(out);
    int result = answer(now_ns() - begin, 1, value);
    reflow_output_destroy(out);
    return result;
}

}  // namespace bench
