// Nodes that stand for actors of other networks: "actor@network" as their component. What such a component
// does, another layer says; its ports are those that the graph uses.
// Neighbours: build asks for components, peer makes them. Thread: see the functions.
#pragma once

#include <string_view>

#include "base/memory.hpp"
#include "base/ref.hpp"
#include "base/result.hpp"
#include "runtime/component.hpp"

namespace reflow::network {

class Builder;

// Of one network.
class Foreign : public RefCounted<Foreign> {
public:
    using Names = Vector<std::string_view>;
    virtual ~Foreign() = default;
    // The component that `id` means, with at least the ports that of.foreign_ports() tells, and "error". The same one
    // as before if that has them: its nodes stay as they are then. Of who builds or changes the network.
    virtual Result<runtime::ComponentRef> component(std::string_view id, const Builder& of) = 0;
    // Something may be connected to its nodes that was not, or the other way round. changed: by a change, whose thread
    // this is, before what was touched by it goes on; else a reader was closed, on any thread.
    virtual void look(bool changed) noexcept = 0;
    // What was pending of a node, of those in a subgraph, or of all if the path is empty, has been cancelled. Of any
    // thread.
    virtual void cancelled(std::string_view path) noexcept = 0;
};

}  // namespace reflow::network
