// The components that a runtime knows, by id.
// Neighbours: graph/validate asks it, network takes components from it. Thread: any.
#pragma once

#include <atomic>
#include <mutex>
#include <string_view>

#include "base/result.hpp"
#include "graph/validate.hpp"
#include "runtime/component.hpp"

namespace reflow::network {

class Registry final : public graph::ComponentCatalog {
public:
    // Checks and adds a component, with the outport "error" if it has none of that name.
    // REFLOW_ERROR_ALREADY_EXISTS, REFLOW_ERROR_CONFIG, REFLOW_ERROR_LIMIT,
    // REFLOW_ERROR_INVALID_ARGUMENT. A component stays as long as the registry.
    Result<void> add(runtime::ComponentRef component);
    // A graph that nodes may name as their component. The same errors but for REFLOW_ERROR_CONFIG.
    Result<void> add_graph(std::string_view id, graph::Graph graph);
    [[nodiscard]] Ref<graph::SharedGraph> graph(std::string_view id) const override;
    [[nodiscard]] runtime::ComponentRef find(std::string_view id) const;
    // As reflow_runtime_components documents.
    [[nodiscard]] Result<Message> list() const;

    bool describe(std::string_view component, graph::ComponentInfo& info) const override;
    [[nodiscard]] Vector<std::string_view> ids() const override;

private:
    mutable std::mutex mutex_;  // guards components_ and graphs_
    Map<String, runtime::ComponentRef> components_;
    Map<String, Ref<graph::SharedGraph>> graphs_;
    // Whether graphs_ has any: asked for each node of each graph. relaxed: who registers a graph
    // and then has a network made is ordered by that.
    std::atomic<bool> any_graphs_{false};
};

}  // namespace reflow::network
