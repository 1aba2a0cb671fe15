// The shape of the contender "reflow" with firings that its main thread pulls: a source, a node whose
// firings wait in a queue and of which `size` may be open at once, and a sink.
#include "host.hpp"

namespace bench {
namespace {

constexpr std::size_t AT_ONCE = 64;  // taken in one call

void register_pulled(reflow_firing_queue* queue, std::uint32_t concurrency) {
    reflow_port in{}, out{};
    in.name = reflow_str("in");
    out.name = reflow_str("out");
    reflow_component component{};
    component.struct_size = sizeof component;
    component.port_size = sizeof in;
    component.id = reflow_str("BenchPulled");
    component.inports = &in;
    component.outports = &out;
    component.inport_count = component.outport_count = 1;
    component.max_concurrency = concurrency;
    Error error;
    must(reflow_firing_queue_register(queue, &component, error), "component", error);
}

// Passes on what it has got.
void finish(reflow_firing* firing) {
    std::size_t count = 0;
    const reflow_packet* inputs = reflow_firing_inputs(firing, &count);
    const reflow_completion completion = reflow_firing_completion(firing);
    must(reflow_completion_emit(completion, 0, reflow_message_ref(inputs[0].message), 0), "emit");
    must(reflow_completion_resolve(completion), "resolve");
    reflow_firing_destroy(firing);
}

}  // namespace

int run_pulled(const Call& call) {
    bench_plan plan{};
    plan.n = call.n;
    plan.expected = call.n;
    Host host(call, plan);
    reflow_firing_queue* queue = nullptr;
    Error error;
    must(reflow_firing_queue_create(host.runtime(), &queue, error), "queue", error);
    register_pulled(queue, static_cast<std::uint32_t>(call.size));
    host.node("source", "BenchSource");
    host.node("pulled", "BenchPulled");
    host.node("sink", "BenchSink");
    host.connect("source", "pulled");
    host.connect("pulled", "sink");
    host.create();
    host.start();
    for (std::int64_t done = 0; done < call.n;) {
        reflow_firing* firings[AT_ONCE];
        std::size_t count = 0;
        must(reflow_firing_queue_next(queue, firings, AT_ONCE, TIMEOUT_MS, &count, error), "next",
             error);
        for (std::size_t i = 0; i < count; ++i) finish(firings[i]);
        done += static_cast<std::int64_t>(count);
    }
    host.wait();
    host.end();
    reflow_firing_queue_destroy(queue);
    return answer(plan.last_ns - plan.first_ns, plan.count, plan.sum);
}

}  // namespace bench
