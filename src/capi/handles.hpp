// What is behind the handles of runtimes, graphs and networks.
// Neighbours: the files of capi. Thread: see reflow.h.
#pragma once

#include "graph/validate.hpp"
#include "network/network.hpp"
#include "network/runtime.hpp"
#include "reflow.h"

namespace reflow::capi {

inline network::Runtime* runtime_of(reflow_runtime* handle) noexcept {
    return reinterpret_cast<network::Runtime*>(handle);
}
inline const network::Runtime* runtime_of(const reflow_runtime* handle) noexcept {
    return reinterpret_cast<const network::Runtime*>(handle);
}
inline network::Network* network_of(reflow_network* handle) noexcept {
    return reinterpret_cast<network::Network*>(handle);
}
inline const network::Network* network_of(const reflow_network* handle) noexcept {
    return reinterpret_cast<const network::Network*>(handle);
}

// Whether a call may go on with a handle: it is not NULL, and this is no forked child of the process
// that made it, where locks may be held for ever by threads that are not here.
[[nodiscard]] Result<void> usable(const reflow_runtime* runtime);
[[nodiscard]] Result<void> usable(const reflow_network* network);
[[nodiscard]] Result<void> usable(const reflow_output* output);
[[nodiscard]] Result<void> usable(const reflow_subscription* subscription);
// The error of a handle that is of another process; no error if it is of this one.
[[nodiscard]] Result<void> of_this_process(bool forked);
[[nodiscard]] inline bool is_forked(const reflow_network* network) noexcept {
    return network_of(network)->runtime().forked();
}

// Has a host told; callback may be NULL, which ends that. log: where it is told if the callback throws, or NULL. In
// network.cpp.
void has_told(Told& told, reflow_readable_fn callback, network::HostData data, const HostLog* log = nullptr);

// What a host gave as an envelope, checked. In envelope.cpp.
[[nodiscard]] Result<Message> envelope_argument(const reflow_envelope& given);

// What a host gave for one end of a connection; name is that of the argument. In graph.cpp.
[[nodiscard]] Result<graph::Endpoint> endpoint(const reflow_endpoint* given, std::string_view name);
struct Ends {
    graph::Endpoint from;
    graph::Endpoint to;
};
[[nodiscard]] Result<Ends> read_ends(const reflow_endpoint* from, const reflow_endpoint* to);

// private_state: hosts do not see what create makes.
reflow_status register_component(reflow_runtime* runtime, const reflow_component* component,
                                 bool private_state, reflow_error** error);

}  // namespace reflow::capi

struct reflow_graph : reflow::Allocated {
    explicit reflow_graph(reflow::graph::Graph graph_of)
        : shared(reflow::make_ref<reflow::graph::SharedGraph>(std::move(graph_of))) {}
    explicit reflow_graph(reflow::Ref<reflow::graph::SharedGraph> graph_of)
        : shared(std::move(graph_of)) {}
    [[nodiscard]] const reflow::graph::Graph& graph() const noexcept { return shared->graph(); }
    [[nodiscard]] reflow::graph::Graph& edit() { return reflow::graph::SharedGraph::own(shared); }
    // With the networks that were made of it, until it is edited.
    reflow::Ref<reflow::graph::SharedGraph> shared;
};

struct reflow_output : reflow::Allocated {
    reflow::Ref<reflow::network::Network> network;
    reflow::Ref<reflow::network::Output> output;
    reflow::Message last;  // that was taken with its envelope
};

struct reflow_event_batch : reflow::Allocated {
    reflow::Ref<reflow::network::Network> network;  // the events point into it
    reflow::Vector<reflow::Ref<reflow::network::Event>> events;
};
