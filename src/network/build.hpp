// From a graph laid flat to what a network is made of: actors, links between them, what their ports
// have to know. Makes a first topology, or the next one, in which nodes that stay are the same
// actors. Neighbours: network (a first one), change (the next one). Thread: that of the caller.
#pragma once

#include <cstdint>

#include "graph/hierarchy.hpp"
#include "graph/node_settings.hpp"
#include "network/failure_build.hpp"
#include "network/network.hpp"

namespace reflow::network {

class Builder {
public:
    // before: what there is, or NULL.
    Builder(Network& network, Topology& to, const graph::Flat& flat, const Topology* before)
        : network_(network),
          to_(to),
          graph_(to.graph->graph()),
          view_(flat),
          before_(before),
          failures_(network, to, flat) {}
    // Of the graph; for the network, once it is in place.
    [[nodiscard]] std::uint32_t dead_letters() const noexcept { return failures_.dead_letters(); }
    [[nodiscard]] graph::OnStall on_stall() const noexcept { return failures_.on_stall(); }

    // A connection between positions.
    struct Link {
        std::uint32_t from;
        std::uint32_t to;
        std::uint32_t outport;
        std::uint32_t inport;
        std::uint32_t from_index;
        std::uint32_t to_index;
        std::uint32_t capacity;  // 0: none given
        runtime::Delivery delivery;
    };
    const Output* added_output = nullptr;  // by a change
    Vector<Link> links;          // in the order of the graph
    Vector<std::uint32_t> made;  // positions of actors that are not in `before`, if there is one
    // Of all inports of all actors, those of one behind each other.
    Vector<runtime::Mailbox::PortPlan> ports;
    Vector<std::uint32_t> first_port;  // by position, and one more
    Vector<std::uint8_t> late;         // by position
    std::uint64_t capacity = 0;        // of all inports together

    // Everything but states. Actors that are made are connected to nothing yet.
    Result<void> build();
    // Calls create of the actors that were made.
    Result<void> create_states();

    [[nodiscard]] std::span<const runtime::Mailbox::PortPlan> ports_of(
        std::uint32_t position) const noexcept {
        return std::span(ports).subspan(first_port[position],
                                        first_port[position + 1] - first_port[position]);
    }
    // What a connection is for its sender.
    [[nodiscard]] runtime::Connection connection_of(const Link& link) const;
    // The ports of a component of another network that are used: inports and outports.
    Result<void> foreign_ports(std::string_view component, Foreign::Names (&names)[2]) const;
    // Gives the actors of a first topology their connections.
    void connect();

private:
    Result<void> make_actors();
    Result<Ref<runtime::Actor>> make_actor(const graph::NodeItem& node, std::size_t at,
                                           const runtime::ComponentRef& component, Message config);
    Ref<runtime::Actor> allocate_actor(const graph::NodeItem& node, std::size_t at,
                                       const runtime::ComponentRef& component, Message config);
    void apply(const graph::NodeSettings& settings, runtime::Actor& actor, std::size_t at) const;
    Result<void> watch(runtime::Actor& actor, std::uint32_t limit_ms) const;
    // Of a component that names an actor of another network, in foreign.cpp.
    Result<runtime::ComponentRef> foreign_component(std::string_view component);
    Result<void> place(Message& config, const runtime::Component& component,
                       std::size_t node) const;
    // nowhere if there is none.
    [[nodiscard]] std::uint32_t number_of(const graph::EdgeItem& edge, bool in);
    Result<std::uint32_t> port_of(const graph::EdgeItem& edge, bool in);
    void plan_ports();
    Result<void> make_links();
    Result<void> make_fallbacks();
    Result<void> make_initials();
    Result<void> make_exposed(const Vector<graph::FlatExposed>& items, bool in);
    void settle_awaits();
    void order_finishes();
    [[nodiscard]] runtime::Mailbox::PortPlan& plan(std::uint32_t position,
                                                   std::uint32_t port) noexcept {
        return ports[first_port[position] + port];
    }

    Network& network_;
    Topology& to_;
    const graph::Graph& graph_;
    const graph::Flat& view_;
    const Topology* before_;
    FailureBuilder failures_;
    graph::PortMemo memo_;
    // Of a first topology: the block that has room, if there is one. Actors keep theirs.
    Ref<runtime::ActorBlock> block_;
    // Beside few actors a line of the cache costs nothing.
    [[nodiscard]] std::size_t alignment() const noexcept {
        constexpr std::size_t few = 4096;
        return view_.nodes.size() <= few ? runtime::ActorBlock::line_bytes : sizeof(void*);
    }
};

}  // namespace reflow::network
