// The components that a runtime knows, by id.
// Neighbours: graph/validate asks it, network takes components from it. Thread: any.
#pragma once

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
    [[nodiscard]] runtime::ComponentRef find(std::string_view id) const;
    // As reflow_runtime_components documents.
    [[nodiscard]] Result<Message> list() const;

    bool describe(std::string_view component, graph::ComponentInfo& info) const override;
    [[nodiscard]] Vector<std::string_view> ids() const override;

private:
    mutable std::mutex mutex_;  // guards components_
    Map<String, runtime::ComponentRef> components_;
};

}  // namespace reflow::network
