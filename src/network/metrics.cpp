// What is measured of a network, node by node and together.
// Neighbours: runtime/probe. Thread: any.
#include <optional>

#include "message/count.hpp"
#include "network/network.hpp"
#include "runtime/tether.hpp"

namespace reflow::network {

using runtime::Actor;
using runtime::Probe;
using runtime::Samples;

void Network::measure(std::uint32_t every) {
    Ref<Topology> all = topology();
    std::lock_guard lock(mutex_);
    if (every == 0) return sampling_.every.store(0, std::memory_order_relaxed);
    // Memory first: a failure then changes nothing that is seen.
    for (auto& actor : all->actors) give_probe(*actor);
    bool off = sampling_.every.exchange(every, std::memory_order_relaxed) == 0;
    if (off) sampling_.epoch.fetch_add(1, std::memory_order_relaxed);
}

void Network::give_probe(Actor& actor) {
    if (actor.probe.load(std::memory_order_relaxed) != nullptr) return;
    auto made = std::unique_ptr<Probe>(new Probe);
    made->follow(sampling_);
    actor.probe.store(made.release(), std::memory_order_release);
}

namespace {

std::string_view activity_name(reflow_activity activity) noexcept {
    static constexpr std::string_view names[] = {"idle", "ready", "running", "held"};
    return names[activity];
}

std::string_view state_name(reflow_network_state state) noexcept {
    static constexpr std::string_view names[] = {"created", "running",  "draining",
                                                 "drained", "stopping", "stopped"};
    return names[state];
}

void read(const Actor& actor, const Probe* probe, Samples& call, Samples& wait,
          reflow_node_metrics& to) noexcept {
    to.activity = actor.activity();
    to.fired = actor.fired.get();
    to.received = actor.received.get();
    to.sent = actor.sent.get();
    to.failed = actor.failed.get();
    to.dropped = actor.mailbox.dropped();
    to.waiting = actor.mailbox.waiting();
    to.stuck = actor.stuck.load(std::memory_order_relaxed);
    if (const runtime::Tether* streams = actor.tether()) {
        streams->read_counts(to.streams, to.stream_frames, to.stream_bytes);
    }
    for (std::uint32_t i = 0; i < actor.component->inports.size(); ++i) {
        to.capacity += actor.mailbox.capacity(i);
    }
    call.clear();
    wait.clear();
    if (probe == nullptr) return;
    probe->read(call, wait);
    to.call = call.latency();
    to.wait = wait.latency();
    to.highest = probe->highest();
    to.busy_ns = probe->busy_ns(call);
}

Result<Message> latency_message(const reflow_latency& latency) {
    if (latency.count == 0) return Message::null();
    ObjectBuilder made(7);
    made.set("count", count_message(latency.count));
    made.set("mean_ns", count_message(latency.mean_ns));
    made.set("p50_ns", count_message(latency.p50_ns));
    made.set("p90_ns", count_message(latency.p90_ns));
    made.set("p99_ns", count_message(latency.p99_ns));
    made.set("p999_ns", count_message(latency.p999_ns));
    made.set("max_ns", count_message(latency.max_ns));
    return made.finish();
}

Result<Message> finish(ObjectBuilder& node, const reflow_node_metrics& from) {
    Result<Message> call = latency_message(from.call);
    if (!call.ok()) return call;
    Result<Message> wait = latency_message(from.wait);
    if (!wait.ok()) return wait;
    double fired = static_cast<double>(from.fired);
    node.set("fired", count_message(from.fired));
    node.set("received", count_message(from.received));
    node.set("sent", count_message(from.sent));
    node.set("failed", count_message(from.failed));
    node.set("dropped", count_message(from.dropped));
    node.set("error_rate",
             Message::real(fired == 0 ? 0.0 : static_cast<double>(from.failed) / fired));
    node.set("waiting", count_message(from.waiting));
    node.set("capacity", count_message(from.capacity));
    node.set("highest", count_message(from.highest));
    node.set("busy_ns", count_message(from.busy_ns));
    node.set("stuck", count_message(from.stuck));
    node.set("streams", count_message(from.streams));
    node.set("stream_frames", count_message(from.stream_frames));
    node.set("stream_bytes", count_message(from.stream_bytes));
    node.set("call", std::move(call).take());
    node.set("wait", std::move(wait).take());
    return node.finish();
}

void add(reflow_node_metrics& sum, const reflow_node_metrics& one) noexcept {
    sum.fired += one.fired;
    sum.received += one.received;
    sum.sent += one.sent;
    sum.failed += one.failed;
    sum.dropped += one.dropped;
    sum.waiting += one.waiting;
    sum.capacity += one.capacity;
    sum.highest = std::max(sum.highest, one.highest);
    sum.busy_ns += one.busy_ns;
    sum.stuck += one.stuck;
    sum.streams += one.streams;
    sum.stream_frames += one.stream_frames;
    sum.stream_bytes += one.stream_bytes;
}

// Four kinds of samples are 20 KiB: not for the stack of a worker.
struct Scratch : Allocated {
    Samples call, wait, all_calls, all_waits;
};

}  // namespace

Result<void> Network::node_metrics(std::string_view node, reflow_node_metrics& to) const {
    Ref<Topology> all = topology();
    const Actor* actor = all->find_actor(node);
    if (actor == nullptr) return all->no_node(node);
    auto scratch = std::unique_ptr<Scratch>(new Scratch);
    const Probe* probe = actor->probe.load(std::memory_order_acquire);
    read(*actor, probe, scratch->call, scratch->wait, to);
    return {};
}

Result<Message> Network::metrics() const {
    auto scratch = std::unique_ptr<Scratch>(new Scratch);
    Ref<Topology> now = topology();
    bool measured = sampling_.every.load(std::memory_order_relaxed) != 0;
    reflow_node_metrics sum{};
    ObjectBuilder nodes(now->actors.size());
    for (std::size_t i = 0; i < now->actors.size(); ++i) {
        const Actor& actor = *now->actors[i];
        const Probe* probe = actor.probe.load(std::memory_order_acquire);
        reflow_node_metrics one{};
        read(actor, probe, scratch->call, scratch->wait, one);
        add(sum, one);
        if (probe != nullptr) probe->read(scratch->all_calls, scratch->all_waits);
        ObjectBuilder node(19);
        node.set("component", Message::string(actor.component->id));
        node.set("source", Message::boolean(now->is_source(i)));
        node.set("activity", Message::string(activity_name(one.activity)));
        Result<Message> made = finish(node, one);
        if (!made.ok()) return made;
        nodes.set(actor.id, std::move(made).take());
    }
    sum.call = scratch->all_calls.latency();
    sum.wait = scratch->all_waits.latency();
    ObjectBuilder total(16);
    Result<Message> together = finish(total, sum);
    if (!together.ok()) return together;
    Result<Message> each = nodes.finish();
    if (!each.ok()) return each;
    ObjectBuilder all(7);
    all.set("time_ns", count_message(runtime_->scheduler().clock().now_ns()));
    all.set("state", Message::string(state_name(state())));
    all.set("measured", Message::boolean(measured));
    all.set("nodes", std::move(each).take());
    all.set("total", std::move(together).take());
    return all.finish();
}

}  // namespace reflow::network
