// The peer "tbb": oneTBB's flow graph, a serial node for each actor.
#include <oneapi/tbb/flow_graph.h>
#include <oneapi/tbb/global_control.h>

#include <deque>
#include <memory>
#include <tuple>

#include "contender.hpp"

namespace bench {
namespace {

namespace flow = oneapi::tbb::flow;
using Value = std::int64_t;
using Ends = std::tuple<Value>;
using Source = flow::input_node<Value>;
// Lightweight bodies run in the call that delivers, where the graph has no cycle: the faster way.
using Pass = flow::function_node<Value, Value, flow::queueing_lightweight>;
using Sink = flow::function_node<Value, flow::continue_msg, flow::queueing_lightweight>;
using Bounce = flow::multifunction_node<Value, Ends>;
using Payload = std::shared_ptr<const std::vector<char>>;

struct Actor {
    Value count = 0, sum = 0;
    std::uint64_t worked = 0;
};

auto counting(Value n) {
    return [n, next = Value{0}](oneapi::tbb::flow_control& control) mutable -> Value {
        if (next == n) control.stop();
        return next++;
    };
}

auto adding(Actor& actor) {
    return [&actor](Value value) {
        ++actor.count;
        actor.sum += value;
        return flow::continue_msg();
    };
}

auto passing(Actor& actor, std::uint32_t turns) {
    return [&actor, turns](Value value) {
        if (turns != 0) actor.worked = spin(turns, actor.worked);
        return value;
    };
}

int finish(std::uint64_t begin, const std::deque<Actor>& actors) {
    std::uint64_t took = now_ns() - begin;
    Actor total;
    for (const Actor& actor : actors) {
        total.count += actor.count;
        total.sum += actor.sum;
    }
    return answer(took, total.count, total.sum);
}

int run_pipeline(const Call& call) {
    flow::graph graph;
    std::deque<Actor> actors(static_cast<std::size_t>(call.size) + 1);
    Source source(graph, counting(call.n));
    std::deque<Pass> passes;
    Sink sink(graph, 1, adding(actors.back()));
    for (Value i = 0; i < call.size; ++i) {
        passes.emplace_back(graph, 1, passing(actors[static_cast<std::size_t>(i)], call.spin));
        if (i == 0) {
            flow::make_edge(source, passes[0]);
        } else {
            flow::make_edge(passes[passes.size() - 2], passes.back());
        }
    }
    flow::make_edge(passes.back(), sink);
    std::uint64_t begin = now_ns();
    source.activate();
    graph.wait_for_all();
    return finish(begin, actors);
}

int run_fan(const Call& call) {
    bool in = call.shape == "fan-in";
    flow::graph graph;
    std::deque<Actor> actors(in ? 1 : static_cast<std::size_t>(call.size));
    std::deque<Source> sources;
    std::deque<Sink> sinks;
    for (Actor& actor : actors) sinks.emplace_back(graph, 1, adding(actor));
    for (Value i = 0; i < (in ? call.size : 1); ++i) {
        sources.emplace_back(graph, counting(in ? call.n / call.size : call.n));
        for (Sink& sink : sinks) flow::make_edge(sources.back(), sink);
    }
    std::uint64_t begin = now_ns();
    for (Source& source : sources) source.activate();
    graph.wait_for_all();
    return finish(begin, actors);
}

int run_rings(const Call& call, Value rings, Value length, Value tokens) {
    flow::graph graph;
    Value hops = call.n / (rings * tokens);
    std::deque<Actor> actors;
    std::deque<Bounce> nodes;
    for (Value ring = 0; ring < rings; ++ring) {
        auto first = static_cast<std::size_t>(ring * length);
        for (Value i = 0; i < length; ++i) {
            Actor& actor = actors.emplace_back();
            nodes.emplace_back(graph, 1, [&actor, hops](Value value, auto& ports) {
                ++actor.count;
                if (++value < hops) {
                    std::get<0>(ports).try_put(value);
                } else {
                    actor.sum += value;
                }
            });
            if (i > 0) flow::make_edge(flow::output_port<0>(nodes[nodes.size() - 2]), nodes.back());
        }
        flow::make_edge(flow::output_port<0>(nodes.back()), nodes[first]);
    }
    std::uint64_t begin = now_ns();
    for (Value ring = 0; ring < rings; ++ring) {
        for (Value token = 0; token < tokens; ++token) {
            auto at = static_cast<std::size_t>(ring * length + token * length / tokens);
            nodes[at].try_put(0);
        }
    }
    graph.wait_for_all();
    return finish(begin, actors);
}

int run_latency(const Call& call) {
    flow::graph graph;
    std::vector<std::uint64_t> samples;
    samples.reserve(static_cast<std::size_t>(call.n));
    std::uint64_t sent = 0;
    Value next = 0, sum = 0;
    Bounce clock(graph, 1, [&](Value, auto& ports) {
        sent = now_ns();
        std::get<0>(ports).try_put(next++);
    });
    std::deque<Pass> passes;
    std::deque<Actor> actors;
    Bounce end(graph, 1, [&](Value value, auto& ports) {
        samples.push_back(now_ns() - sent);
        sum += value;
        if (static_cast<Value>(samples.size()) < call.n) std::get<0>(ports).try_put(0);
    });
    for (Value i = 1; i < call.size; ++i) {
        passes.emplace_back(graph, 1, passing(actors.emplace_back(), 0));
        if (i == 1) {
            flow::make_edge(flow::output_port<0>(clock), passes[0]);
        } else {
            flow::make_edge(passes[passes.size() - 2], passes.back());
        }
    }
    flow::make_edge(passes.back(), end);
    flow::make_edge(flow::output_port<0>(end), clock);
    std::uint64_t begin = now_ns();
    clock.try_put(0);
    graph.wait_for_all();
    std::uint64_t took = now_ns() - begin;
    auto count = static_cast<Value>(samples.size());
    return Answer()
        .add("ns", took)
        .add("count", count)
        .add("sum", sum)
        .add("p50", median(std::move(samples)))
        .print();
}

int run_payload(const Call& call) {
    flow::graph graph;
    auto bytes = std::make_shared<const std::vector<char>>(call.size, 1);
    std::deque<Actor> actors(PAYLOAD_TARGETS);
    flow::input_node<Payload> source(
        graph, [&, next = Value{0}](oneapi::tbb::flow_control& control) mutable -> Payload {
            if (next++ == call.n) {
                control.stop();
                return nullptr;
            }
            return bytes;
        });
    using PayloadSink =
        flow::function_node<Payload, flow::continue_msg, flow::queueing_lightweight>;
    std::deque<PayloadSink> sinks;
    for (Actor& actor : actors) {
        sinks.emplace_back(graph, 1, [&actor](const Payload& payload) {
            ++actor.count;
            actor.sum += static_cast<Value>(payload->size()) + payload->back();
            return flow::continue_msg();
        });
        flow::make_edge(source, sinks.back());
    }
    std::uint64_t begin = now_ns();
    source.activate();
    graph.wait_for_all();
    return finish(begin, actors);
}

int run_idle(const Call& call) {
    Value before = resident_bytes();
    std::uint64_t begin = now_ns();
    flow::graph graph;
    Value passed = 0;
    std::deque<flow::function_node<Value, Value>> nodes;
    for (Value i = 0; i < call.n; ++i) {
        nodes.emplace_back(graph, 1, [&passed](Value value) { return passed = value + 1; });
        if (i > 0) flow::make_edge(nodes[nodes.size() - 2], nodes.back());
    }
    std::uint64_t took = now_ns() - begin;
    Value after = resident_bytes();
    nodes[0].try_put(0);
    graph.wait_for_all();
    return Answer()
        .add("ns", took)
        .add("count", passed)
        .add("sum", passed)
        .add("bytes", static_cast<double>(after - before) / static_cast<double>(call.n))
        .print();
}

int run(const Call& call) {
    const std::string& shape = call.shape;
    if (shape == "start") return run_pipeline({shape, 1, 1, 1, 0, "one"});
    if (shape == "pipeline" || shape == "work") return run_pipeline(call);
    if (shape == "fan-out" || shape == "fan-in") return run_fan(call);
    if (shape == "ping-pong") return run_rings(call, 1, 2, 1);
    if (shape == "pairs") return run_rings(call, call.size, 2, 1);
    if (shape == "ring") return run_rings(call, 1, call.size, RING_TOKENS);
    if (shape == "latency") return run_latency(call);
    if (shape == "payload") return run_payload(call);
    if (shape == "idle") return run_idle(call);
    return UNSUPPORTED;
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
    bench::Call call = bench::read_call(argc, argv);
    oneapi::tbb::global_control limit(oneapi::tbb::global_control::max_allowed_parallelism,
                                      call.workers);
    return bench::run(call);
}
