// Section 9 of reflow.h: environment variables that nodes ask for. A build that leaves them out
// (REFLOW_WITH_ENVIRONMENT) has a function that says so. Thread: one at a time for a graph.
#include "capi/guard.hpp"
#include "capi/handles.hpp"
#include "capi/modules.hpp"

using namespace reflow;
using namespace reflow::capi;

extern "C" {

#if REFLOW_WITH_ENVIRONMENT

reflow_status reflow_graph_resolve_env(reflow_graph* graph, reflow_message environment,
                                       reflow_error** error) {
    Message taken = Message::adopt(environment);
    return guarded(error, [&]() -> Result<void> {
        if (graph == nullptr) return null_argument("graph");
        Ref<graph::SharedGraph> made = graph->shared;  // two have it, so a copy is edited
        Result<void> resolved =
            graph::Graph::resolve(graph::SharedGraph::own(made), std::move(taken));
        if (resolved.ok()) graph->shared = std::move(made);
        return resolved;
    });
}

#else

reflow_status reflow_graph_resolve_env(reflow_graph*, reflow_message environment,
                                       reflow_error** error) {
    reflow_message_unref(environment);
    return left_out(error, "environment");
}

#endif

}  // extern "C"
