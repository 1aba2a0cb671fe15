// Section 18 of reflow.h: changes of a network.
// Thread: any.
#include "capi/guard.hpp"
#include "capi/handles.hpp"

using namespace reflow;
using namespace reflow::capi;

namespace {

// 0 stands for the default; what is negative for no limit.
Result<network::ChangeOptions> read_change_options(const reflow_change_options* given) {
    auto read = read_options(given, "reflow_change_options");
    if (!read.ok()) return read.take_error();
    const reflow_change_options& from = read.value();
    if (from.leftover < REFLOW_LEFTOVER_DRAIN || from.leftover > REFLOW_LEFTOVER_DEAD_LETTER) {
        return Failure(REFLOW_ERROR_INVALID_ARGUMENT,
                       concat("leftover ", from.leftover, " is unknown"));
    }
    if (from.replaced_state < REFLOW_REPLACED_STATE_KEPT ||
        from.replaced_state > REFLOW_REPLACED_STATE_NEW) {
        return Failure(REFLOW_ERROR_INVALID_ARGUMENT,
                       concat("replaced_state ", from.replaced_state, " is unknown"));
    }
    if (from.reserved != 0) {
        return Failure(REFLOW_ERROR_INVALID_ARGUMENT, "reserved must be 0");
    }
    network::ChangeOptions options;
    options.drop = from.leftover != REFLOW_LEFTOVER_DRAIN;
    options.letters = from.leftover == REFLOW_LEFTOVER_DEAD_LETTER;
    options.new_states = from.replaced_state == REFLOW_REPLACED_STATE_NEW;
    options.timeout_ms = from.timeout_ms;
    options.drain_ms = from.drain_ms;
    return options;
}

}  // namespace

extern "C" {

reflow_status reflow_network_apply(reflow_network* network, const reflow_graph* graph,
                                   const reflow_change_options* options, reflow_change* change,
                                   reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        reflow_change done{};
        if (change != nullptr && !fill_struct(change, done)) {
            return Failure(REFLOW_ERROR_INVALID_ARGUMENT,
                           "struct_size of reflow_change is not its size");
        }
        if (Result<void> fine = usable(network); !fine.ok()) return fine;
        if (graph == nullptr) return null_argument("graph");
        auto read = read_change_options(options);
        if (!read.ok()) return read.take_error();
        Result<void> applied = network_of(network)->apply(graph->shared, read.value(), done);
        if (applied.ok() && change != nullptr) (void)fill_struct(change, done);
        return applied;
    });
}

reflow_status reflow_network_graph(const reflow_network* network, reflow_graph** out,
                                   reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (out == nullptr) return null_argument("out");
        *out = nullptr;
        if (Result<void> fine = usable(network); !fine.ok()) return fine;
        *out = new reflow_graph(network_of(network)->topology()->graph);
        return {};
    });
}

reflow_status reflow_network_add_node(reflow_network* network, reflow_view id,
                                      reflow_view component, reflow_message config,
                                      reflow_error** error) {
    Message taken = Message::adopt(config);
    return guarded(error, [&]() -> Result<void> {
        if (Result<void> fine = usable(network); !fine.ok()) return fine;
        Result<std::string_view> name = text_argument(id, "id");
        if (!name.ok()) return name.take_error();
        Result<std::string_view> kind = text_argument(component, "component");
        if (!kind.ok()) return kind.take_error();
        return network_of(network)->apply_edit([&](graph::Graph& graph) {
            return graph.add_node(name.value(), kind.value(), std::move(taken));
        });
    });
}

reflow_status reflow_network_remove_node(reflow_network* network, reflow_view id,
                                         reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (Result<void> fine = usable(network); !fine.ok()) return fine;
        Result<std::string_view> name = text_argument(id, "id");
        if (!name.ok()) return name.take_error();
        return network_of(network)->apply_edit(
            [&](graph::Graph& graph) { return graph.remove_node(name.value()); });
    });
}

reflow_status reflow_network_replace_node(reflow_network* network, reflow_view id,
                                          reflow_view component, reflow_message config,
                                          reflow_error** error) {
    Message taken = Message::adopt(config);
    return guarded(error, [&]() -> Result<void> {
        if (Result<void> fine = usable(network); !fine.ok()) return fine;
        Result<std::string_view> name = text_argument(id, "id");
        if (!name.ok()) return name.take_error();
        Result<std::string_view> kind = text_argument(component, "component");
        if (!kind.ok()) return kind.take_error();
        return network_of(network)->apply_edit([&](graph::Graph& graph) -> Result<void> {
            Result<void> set = graph.set_component(name.value(), kind.value());
            if (!set.ok()) return set;
            return graph.set_metadata(name.value(), std::move(taken));
        });
    });
}

reflow_status reflow_network_connect(reflow_network* network, const reflow_endpoint* from,
                                     const reflow_endpoint* to, reflow_message metadata,
                                     reflow_error** error) {
    Message taken = Message::adopt(metadata);
    return guarded(error, [&]() -> Result<void> {
        if (Result<void> fine = usable(network); !fine.ok()) return fine;
        Result<Ends> ends = read_ends(from, to);
        if (!ends.ok()) return ends.take_error();
        return network_of(network)->apply_edit([&](graph::Graph& graph) {
            return graph.connect(ends.value().from, ends.value().to, std::move(taken));
        });
    });
}

reflow_status reflow_network_disconnect(reflow_network* network, const reflow_endpoint* from,
                                        const reflow_endpoint* to, reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (Result<void> fine = usable(network); !fine.ok()) return fine;
        Result<Ends> ends = read_ends(from, to);
        if (!ends.ok()) return ends.take_error();
        return network_of(network)->apply_edit(
            [&](graph::Graph& graph) { return graph.disconnect(ends.value().from, ends.value().to); });
    });
}

}  // extern "C"
