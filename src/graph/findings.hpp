// What the parts of validate() share: the list that is written and what is known of components.
// Neighbours: validate.cpp, validate_edges.cpp, validate_failure.cpp. Thread: one at a time.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "codec/place.hpp"
#include "graph/failure_settings.hpp"
#include "graph/validate.hpp"

namespace reflow::graph {

// The ports of a component one way, found by name. Names of a graph that is not case sensitive
// find ports in whatever case they are declared.
class PortTable {
public:
    PortTable(const Vector<PortInfo>& ports, bool case_sensitive);
    // The number of the port; nowhere if there is none.
    [[nodiscard]] std::uint32_t find(std::string_view name) const;
    [[nodiscard]] String hint(std::string_view name) const;  // did you mean

private:
    const Vector<PortInfo>* ports_;
    bool case_sensitive_;
    TextMap<std::uint32_t> index_;  // of many ports
};

// Numbers of ports that were looked for before. Names of one graph that are equal stand in one place:
// so that is compared, and not the letters.
class PortMemo {
public:
    // `of` stands for what has the ports, all the while; look() gives the number, if it is new.
    template <typename Look>
    [[nodiscard]] std::uint32_t find(const void* of, std::string_view name, Look look) {
        auto sum = reinterpret_cast<std::uintptr_t>(of) / 16 +
                   reinterpret_cast<std::uintptr_t>(name.data());
        Slot& slot = slots_[sum % slots_.size()];
        if (slot.of != of || slot.name != name.data()) slot = {of, name.data(), look()};
        return slot.number;
    }

private:
    struct Slot {
        const void* of = nullptr;
        const char* name = nullptr;
        std::uint32_t number = nowhere;
    };
    std::array<Slot, 32> slots_;
};

struct Known : Allocated {
    bool exists = false;
    ComponentInfo info;
    std::optional<PortTable> inports;
    std::optional<PortTable> outports;
    String hint;  // for a component that does not exist
};

// Which nodes of a graph are subgraphs, by position. Empty if none is.
struct Subgraphs {
    struct Node {
        bool subgraph = false;
        const Known* known = nullptr;  // what it exposes; NULL: it could not be loaded
    };
    Vector<Node> nodes;
};

class Validator {
public:
    // `view` is that of the graph.
    Validator(const Graph& graph, const View& view, const ComponentCatalog* catalog,
              const Subgraphs& subgraphs);
    // What is found, by severity.
    std::array<Vector<Finding>, 3> run(Checks checks);
    // After run(): the ports that the graph exposes, as those of a component.
    [[nodiscard]] ComponentInfo exposes();

private:
    Finding& add(Severity severity, std::string_view code, String message);
    // Searching all nodes for a near name is dear: only the first findings get that hint.
    String node_hint(std::string_view id);

    // validate.cpp
    void document();
    void unknown_keys(MessageRef extra, std::string_view what, std::string_view path,
                      std::span<const std::string_view> known);
    void nodes();
    void node(std::uint32_t position);
    void config(const NodeItem& item, const Known& known, bool subgraph);
    void settings(const NodeItem& item, const Known& known, bool subgraph);
    Known* learn(std::string_view component);
    Known* find_known(std::string_view component);
    void groups();
    void isolated();
    void cycles();

    // Where an end stands. The path is made for findings only; most ends have none.
    struct Place {
        bool initial = false;
        std::uint32_t position = nowhere;  // in the view; nowhere: the path is text
        std::string_view text;
    };

    // validate_failure.cpp
    void failures();
    void failure(MessageRef from, FailurePlace place, std::string_view node, std::string_view path,
                 TextMap<std::uint32_t>& positions);
    void fallback_value(std::uint32_t position, String path);
    void bad_setting(std::unique_ptr<Error> error, std::string_view node, std::string_view path);

    // validate_edges.cpp
    void connections();
    void connection(std::uint32_t position);
    void connection_settings(const ConnectionItem& item, const Place& place);
    void duplicates();
    void initials();
    void exposed(bool in);
    void expose(const ExposedItem& item, bool in, const PortInfo* inner, bool fed);
    void required_ports();
    // The port of an end, if both are there; otherwise says what is missing.
    struct End {
        const PortInfo* port = nullptr;
        std::uint32_t number = nowhere;
        bool judged = true;  // false: nothing more can be said
    };
    // `what` names the place in messages if it is neither a connection nor an initial packet.
    End end(const EdgeItem& edge, bool in, std::string_view what, const Place& place);
    // "the connection a.out -> b.in", "the initial packet for b.in".
    [[nodiscard]] String name_of(const Place& place) const;
    void array_index(const EdgeItem& edge, const PortInfo& port, const Place& place);
    void satisfied(const EdgeItem& edge, std::uint32_t port);
    [[nodiscard]] String path_of(const Place& place);
    [[nodiscard]] const PortType& type_of(const EdgeItem& edge, const PortInfo* port) const;

    const Graph& graph_;
    const ComponentCatalog* catalog_;
    const View& view_;
    const Subgraphs& subgraphs_;
    ComponentInfo exposed_;
    PortType any_;
    // In the document, by position; made for the first finding that has such a path.
    Vector<std::uint32_t> connection_places_;
    Vector<std::uint32_t> initial_places_;
    TextMap<std::unique_ptr<Known>> components_;
    Known* learned_ = nullptr;  // the last one that was asked for, under this name
    std::string_view learned_name_;
    PortMemo memo_;
    bool settings_ = false;              // some node has metadata
    Vector<const Known*> known_;         // by node; NULL: the component is not known
    Vector<std::uint32_t> port_starts_;  // of each node in ports_
    Vector<std::uint8_t> ports_;         // inports that get packets
    Vector<std::uint8_t> touched_;       // nodes that something is attached to
    std::uint32_t node_hints_ = 0;
    std::array<Vector<Finding>, 3> findings_;  // by severity
};

}  // namespace reflow::graph
