// Everything that is wrong, or worth a look, in a graph: all of it at once.
// What components there are comes through ComponentCatalog, which network implements.
// Neighbours: network and capi. Thread: any, one at a time for a graph.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/memory.hpp"
#include "base/result.hpp"
#include "base/store.hpp"
#include "graph/graph.hpp"
#include "message/message.hpp"
#include "message/port_type.hpp"

namespace reflow::graph {

// What the checks need to know of a component. Views live as long as the catalog.
struct PortInfo {
    std::string_view name;
    const PortType* type = nullptr;  // NULL: any
    bool required = false;
    bool array = false;
};
struct ComponentInfo {
    Vector<PortInfo> inports;
    Vector<PortInfo> outports;  // with "error"
    MessageRef config_schema;   // none: not checked
};
// A graph that several look at: it does not change while it is shared.
class SharedGraph : public RefCounted<SharedGraph> {
public:
    explicit SharedGraph(Graph graph_of) : graph_(std::move(graph_of)) {}
    [[nodiscard]] const Graph& graph() const noexcept { return graph_; }
    // To edit it: a copy, if somebody else has it too.
    [[nodiscard]] static Graph& own(Ref<SharedGraph>& shared) {
        if (!shared->unique()) shared = make_ref<SharedGraph>(shared->graph_);
        return shared->graph_;
    }

private:
    Graph graph_;
};
class ComponentCatalog {
public:
    virtual ~ComponentCatalog() = default;
    // The graph that is registered under this id; none if there is none.
    [[nodiscard]] virtual Ref<SharedGraph> graph(std::string_view) const { return {}; }
    // Fills info; false if there is no such component. Asked once for each component of a graph.
    virtual bool describe(std::string_view component, ComponentInfo& info) const = 0;
    // All ids, those of graphs too, for did-you-mean.
    virtual Vector<std::string_view> ids() const = 0;
};

// Whether a port that a graph names is one that a component declares: in a graph that is not case
// sensitive, whatever the case of its letters (ASCII).
[[nodiscard]] bool same_port(std::string_view asked, std::string_view declared,
                             bool case_sensitive) noexcept;

// Whether a component that nobody has registered names an actor of another network, "actor@network",
// whose ports are those that the graph uses.
[[nodiscard]] bool is_foreign(std::string_view component) noexcept;

// What is looked for: all there is to say, or only what keeps a graph from running. One that was
// recorded has no scopes: what its nodes name as fallbacks, and what these feed, is not looked at.
enum class Checks : std::uint8_t { all, errors, recorded };

enum class Severity : std::uint8_t {
    error,    // the graph does not run
    warning,  // it runs, but look
    note      // allowed, and good to know
};
[[nodiscard]] std::string_view severity_name(Severity severity) noexcept;

struct Finding {
    Severity severity = Severity::error;
    reflow_status status = REFLOW_ERROR_GRAPH;  // of errors: what a network answers
    std::string_view code;                      // "unknown-component"; the list: docs/graphs.md
    String message;
    String hint;
    String node;
    String port;
    String path;  // in the document that save() writes, or in `file`
    String file;  // a subgraph's, as it was opened; empty: the document itself
};

// Errors first, then warnings, then notes; each in the order of the document, subgraphs behind it.
// The catalog may be NULL: then nothing that needs components is checked. Without a store subgraphs
// in files are not looked at.
[[nodiscard]] Vector<Finding> validate(const Graph& graph, const ComponentCatalog* catalog,
                                       Store* store = nullptr);

// An array of objects, as reflow_graph_validate documents.
[[nodiscard]] Result<Message> to_message(const Vector<Finding>& findings);

// The first error, with the number of those behind it; fine if there is none.
[[nodiscard]] Result<void> first_error(const Vector<Finding>& findings);

}  // namespace reflow::graph
