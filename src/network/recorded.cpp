// Networks that record: how one is made, and what stands first in its file.
// Neighbours: recorder, build. Thread: that of the caller.
#include <algorithm>

#include "base/text.hpp"
#include "graph/hierarchy.hpp"
#include "graph/load.hpp"
#include "graph/node_settings.hpp"
#include "message/count.hpp"
#include "network/network.hpp"

namespace reflow::network {

using runtime::Actor;
using runtime::Connection;
using runtime::Delivery;

namespace {

Result<Message> settings_of(const Connection& connection) {
    static constexpr std::string_view kinds[] = {"reliable", "latest", "drop-oldest",
                                                 "drop-newest"};
    std::size_t capacity = connection.mailbox->capacity(connection.inport);
    std::uint64_t bytes = connection.mailbox->capacity_bytes(connection.inport);
    ObjectBuilder settings(3);
    if (bytes != 0) settings.set("capacity_bytes", count_message(bytes));
    settings.set("kind", Message::string(kinds[static_cast<std::size_t>(connection.delivery)]));
    settings.set("capacity", count_message(std::min<std::size_t>(capacity, INT32_MAX)));
    return settings.finish();
}

// Ports are called here as their component does, whatever the graph says: the recorded one is case
// sensitive.
Result<Message> config_of(const Actor& actor) {
    Result<graph::NodeSettings> settings = graph::read_node_settings(actor.config);
    if (!settings.ok()) return settings.take_error();
    if (settings.value().distributions.empty()) return Message(actor.config);
    ObjectBuilder ways;
    for (const graph::Distribution& each : settings.value().distributions) {
        auto outport = actor.component->find_outport(each.outport);
        for (std::uint32_t i = 0; !outport; ++i) {
            if (graph::same_port(each.outport, actor.component->outports[i].name, false)) {
                outport = i;
            }
        }
        ways.set(actor.component->outports[*outport].name,
                 actor.config.get("distribute").get(each.outport).own());
    }
    Result<Message> made = ways.finish();
    if (!made.ok()) return made;
    return with_key(actor.config, "distribute", std::move(made).take());
}

Result<void> add_connections(graph::Graph& graph, const Actor& actor) {
    for (const auto& connections : actor.outports) {
        for (const Connection& connection : connections) {
            // Those of a fallback come with the settings of the node.
            const bool hidden = connection.outport >= actor.component->outports.size();
            if (connection.target == nullptr || hidden) continue;
            Result<Message> settings = settings_of(connection);
            if (!settings.ok()) return settings.take_error();
            const Actor& to = *connection.target;
            Result<void> connected = graph.connect(
                {actor.id, actor.component->outports[connection.outport].name,
                 connection.from_index},
                {to.id, to.component->inports[connection.inport].name, connection.to_index},
                std::move(settings).take());
            if (!connected.ok()) return connected;
        }
    }
    return {};
}

}  // namespace

void Recorder::lay(graph::Flat& flat) {
    ArrayBuilder all, nodes;
    for (const graph::Flat::Origin& origin : flat.origins) {
        nodes.append(Message::integer(origin.scope));
    }
    all.append(Message::boolean(flat.case_sensitive));
    all.append(nodes.finish().take());
    for (const graph::Flat::Scope& scope : flat.scopes) {
        MessageRef said = scope.metadata.get("failure");  // and there is the whole subgraph, maybe
        all.append(Message::string(scope.path));
        all.append(Message::integer(scope.outer));
        all.append(said.none() ? Message::null()
                               : with_key(MessageRef(), "failure", said.own()).take());
        all.append(scope.properties.own());
    }
    scopes_ = all.finish().take();
}

// The graph as it runs, laid flat, so that it needs no other file.
Result<Message> Network::record_header(const Recorder& recorder) const {
    graph::Graph graph("recorded");
    for (const auto& actor : topology_->actors) {
        Result<Message> config = config_of(*actor);
        if (!config.ok()) return config;
        Result<void> added =
            graph.add_node(actor->id, actor->component->id, std::move(config).take());
        if (!added.ok()) return added.take_error();
    }
    for (const auto& actor : topology_->actors) {
        Result<void> added = add_connections(graph, *actor);
        if (!added.ok()) return added.take_error();
    }
    for (const Topology::Initial& initial : topology_->initials) {
        Result<void> added = graph.add_initial(
            {initial.actor->id, initial.actor->component->inports[initial.packet.port].name,
             initial.packet.index},
            MessageRef(initial.packet.message).own());
        if (!added.ok()) return added.take_error();
    }
    // They count as connected; nobody looks for them by name.
    std::size_t number = 0;
    for (const Exposed& exposed : topology_->inports) {
        if (!exposed.node.empty()) continue;
        Result<void> added =
            graph.add_inport(concat(exposed.name, "/", ++number),
                             {exposed.actor->id,
                              exposed.actor->component->inports[exposed.port].name, exposed.index},
                             PortType());
        if (!added.ok()) return added.take_error();
    }
    Result<Message> document = graph::to_message(graph);
    if (!document.ok()) return document;
    const RuntimeOptions& options = runtime_->options();
    ObjectBuilder header(12);
    header.set("format", Message::integer(recording_format));
    header.set("engine", Message::integer(recording_engine));
    header.set("seed", Message::string(concat(options.scheduler.seed)));
    header.set("batch_packets", count_message(options.scheduler.budget.packets));
    header.set("batch_ns", count_message(options.scheduler.budget.ns));
    header.set("port_capacity", count_message(options.port_capacity));
    if (options.port_capacity_bytes != 0) {
        header.set("port_capacity_bytes", count_message(options.port_capacity_bytes));
    }
    header.set("max_growth", count_message(options.max_growth));
    header.set("max_completions", count_message(runtime_->scheduler().max_completions));
    header.set("check_types", Message::boolean(options.check_types));
    header.set("graph", std::move(document).take());
    header.set("scopes", Message(recorder.scopes()));
    return header.finish();
}

Result<Ref<Network>> Network::create_recorded(Ref<Runtime> runtime, Ref<graph::SharedGraph> graph,
                                              std::string_view path) {
    const runtime::Scheduler& scheduler = runtime->scheduler();
    if (runtime->options().scheduler.mode != REFLOW_MODE_SIMULATED) {
        return Failure(REFLOW_ERROR_UNSUPPORTED, "only runtimes of mode simulated record");
    }
    if (scheduler.turns() != 0 || scheduler.clock().now_ns() != 0) {
        return Failure(REFLOW_ERROR_INVALID_STATE,
                       "a recording begins with a runtime that has run nothing yet");
    }
    if (runtime->files() == nullptr) {
        return Failure(REFLOW_ERROR_UNSUPPORTED, "this runtime has no files");
    }
    // The graph first: what cannot run leaves no file behind.
    auto recorder = make_ref<Recorder>();
    Ref<Runtime> home = runtime;
    Result<Ref<Network>> made =
        create(std::move(runtime), std::move(graph), Ref<Instrument>::share(recorder.get()));
    if (!made.ok()) return made;
    Result<Message> header = made.value()->record_header(*recorder);
    if (!header.ok()) return header.take_error();
    auto writer = home->files()->open_writer(path, false);
    if (!writer.ok()) return writer.take_error();
    Result<void> begun = recorder->begin(std::move(writer).take(), std::move(header).take());
    if (!begun.ok()) return begun.take_error();
    return made;
}

Result<void> Network::flush_recording() {
    if (!instrument_ || instrument_->replays()) {
        return Failure(REFLOW_ERROR_INVALID_STATE, "the network does not record");
    }
    auto nobody_runs = still();
    instrument_->settle();
    return instrument_->status();
}

}  // namespace reflow::network
