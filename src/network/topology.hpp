// What a network consists of at one moment: actors, their index, exposed ports, the numbers of
// inports. It does not change once it is in place: a change of the network makes another one.
// Neighbours: build and change make it, network owns it, everything that names nodes looks into it.
// Thread: any, with a reference.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/memory.hpp"
#include "base/ref.hpp"
#include "base/result.hpp"
#include "graph/validate.hpp"
#include "runtime/actor.hpp"

namespace reflow::network {

// One end of an exposed port.
struct Exposed {
    String node;  // path of the subgraph; empty: the graph
    String name;
    runtime::Actor* actor = nullptr;
    std::uint32_t port = 0;
    std::uint32_t index = REFLOW_NO_INDEX;
};

class Topology : public RefCounted<Topology> {
public:
    Topology() = default;
    ~Topology();

    Ref<graph::SharedGraph> graph;  // what was asked for
    bool case_sensitive = true;
    Vector<Ref<runtime::Actor>> actors;  // in the order of the graph, laid flat
    // What is known of an actor, by its position: what goes to it, and whether its errors are
    // taken.
    static constexpr std::uint8_t by_connection = 1;
    static constexpr std::uint8_t otherwise = 2;  // an initial packet
    static constexpr std::uint8_t errors_taken = 4;
    Vector<std::uint8_t> marks;
    Vector<std::uint32_t> finish_order;  // after the data
    Vector<Exposed> inports;
    Vector<Exposed> outports;

    // Initial packets, until they have been sent.
    struct Initial {
        runtime::Actor* actor;
        runtime::Packet packet;  // owns its message
    };
    Vector<Initial> initials;

    [[nodiscard]] bool fed(std::size_t position) const noexcept {
        return (marks[position] & (by_connection | otherwise)) != 0;
    }
    [[nodiscard]] bool is_source(std::size_t position) const noexcept {
        return (marks[position] & by_connection) == 0;
    }

    // ---- finding
    // plain: the graph has no subgraphs, so that its own index may serve.
    void index_actors(bool plain);
    [[nodiscard]] std::optional<std::uint32_t> find_position(std::string_view id) const noexcept;
    [[nodiscard]] runtime::Actor* find_actor(std::string_view id) const noexcept;
    [[nodiscard]] Failure no_node(std::string_view id) const;
    // A port of an actor, or the ends of an exposed one.
    struct Place {
        runtime::Actor* actor = nullptr;  // of the port, or of the first end
        std::uint32_t port = 0;
        std::span<const Exposed> ends;  // empty: a port of an actor
    };
    Result<Place> resolve(std::string_view node, std::string_view port, bool in) const;
    // The nodes that a path means: one, those of a subgraph, or all. They live as long as this.
    [[nodiscard]] Result<Vector<runtime::Actor*>> select(std::string_view path) const;

    // ---- the numbers of inports: a tag, a place in the table, a port
    // Actors come first and exposed inports behind them, in their order and with the tag of the
    // network, as long as nothing has changed: then there is no table. From the first change on
    // there is one, in which places are used again with another tag, so that the number of what has
    // gone is never that of something else.
    struct Slot {
        runtime::Actor* actor = nullptr;  // NULL: free
        std::uint32_t index = REFLOW_NO_INDEX;
        std::uint32_t tag = 0;
    };
    static constexpr std::uint64_t max_slot = 0xffffff;  // what a number has room for
    std::uint32_t tag = 0;
    Vector<Slot> slots;
    Vector<std::uint32_t> slot_of_actor;    // by position
    Vector<std::uint32_t> slot_of_exposed;  // by place in inports
    [[nodiscard]] Result<std::uint64_t> number_of(const Place& place) const;
    // NULL if there is no such inport (any more).
    [[nodiscard]] runtime::Actor* find_inport(std::uint64_t number,
                                              std::uint32_t& index) const noexcept {
        std::uint64_t at = number >> 16 & max_slot;
        std::uint64_t wanted = number >> 40;
        if (slots.empty()) {
            if (wanted != tag) return nullptr;
            if (at < actors.size()) return actors[at].get();
            if (at - actors.size() >= inports.size()) return nullptr;
            index = inports[at - actors.size()].index;
            return inports[at - actors.size()].actor;
        }
        if (at >= slots.size() || wanted != slots[at].tag) return nullptr;
        index = slots[at].index;
        return slots[at].actor;
    }

private:
    Result<Place> resolve_exposed(std::string_view node, std::string_view port, bool in) const;

    // Positions of actors by the hash of their ids: position + 1, 0 for empty; a power of two of
    // slots, one after the other. None: the graph knows them.
    Vector<std::uint32_t> positions_;
};

}  // namespace reflow::network
