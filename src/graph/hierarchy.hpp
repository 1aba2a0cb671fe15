// A graph with the graphs that are its nodes: found, loaded once each, checked, and laid flat.
// docs/graphs.md tells how a node names its graph. Neighbours: validate (a graph alone), network
// (builds what is flat). Thread: one at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "base/memory.hpp"
#include "base/result.hpp"
#include "base/store.hpp"
#include "graph/findings.hpp"
#include "graph/graph.hpp"
#include "graph/validate.hpp"

namespace reflow::graph {

// How the metadata of a node names a graph.
struct SubgraphSpec {
    enum Kind : std::uint8_t { none, document, registered, file, wrong };
    Kind kind = none;
    MessageRef inner;       // document
    std::string_view name;  // registered: the id; file: the path as it is written
};
[[nodiscard]] SubgraphSpec subgraph_spec(MessageRef metadata) noexcept;

// `path` as it is meant in a document of `folder`, without "." and ".." where they can be left out.
// Links of the file system are not looked at.
[[nodiscard]] String resolve_path(std::string_view folder, std::string_view path);

// An exposed port of the graph (node is empty) or of one of its subgraphs.
struct FlatExposed {
    std::string_view node;
    std::string_view name;
    EdgeItem edge;
};

// A graph without subgraphs: their nodes stand in their place, with ids such as "outer/inner", and
// connections lead from component to component. It points into the hierarchy that it was made of.
struct Flat {
    Items<NodeItem> nodes;
    Items<ConnectionItem> connections;
    Vector<InitialItem> initials;
    Vector<FlatExposed> inports;  // those of the graph first; ends of one port stand together
    Vector<FlatExposed> outports;
    // Of the document in which a node stands; by node. Empty: all in that of the graph.
    struct Origin {
        std::string_view directory;
        bool case_sensitive = true;
        std::uint32_t scope = 0;
    };
    Vector<Origin> origins;
    // The graph, first, and its subgraphs, each behind the one that it is in.
    struct Scope {
        std::string_view path;
        std::uint32_t outer = 0;  // the first is its own
        MessageRef metadata{};    // of its node; none for the graph
        MessageRef properties{};
    };
    Vector<Scope> scopes;
    bool case_sensitive = true;             // the graph itself
    Vector<std::unique_ptr<String>> texts;  // the ids
};

class Hierarchy {
public:
    // The graph has to live as long as this. catalog and store as for validate().
    Hierarchy(const Graph& root, const ComponentCatalog* catalog, Store* store,
              Checks checks = Checks::all);
    Hierarchy(const Hierarchy&) = delete;
    Hierarchy& operator=(const Hierarchy&) = delete;

    [[nodiscard]] Vector<Finding> take_findings();
    // Of a hierarchy without errors, once. REFLOW_ERROR_LIMIT beyond max_nodes and the limits for
    // subgraphs.
    [[nodiscard]] Result<Flat> flatten(std::uint64_t max_nodes);

private:
    friend class Flattener;

    // A document: the graph itself, or one that nodes name. Each is there once, however many nodes
    // name it; a document inside another one belongs to one node of that.
    struct Definition : Allocated {
        const Graph* graph = nullptr;
        std::unique_ptr<Graph> owned;
        Ref<SharedGraph> shared;
        View view;
        String source;     // "billing.json", "billing", "inline": for messages
        String file;       // that it was read from; empty: that of the graph
        String place;      // path of the document in its file, "$" mostly
        String node;       // path of the first node that names it; empty: the graph itself
        String directory;  // where its relative paths begin
        Vector<std::uint32_t> children;  // by node: definition, or nowhere. Empty: none is a graph
        Subgraphs subgraphs;             // likewise
        std::uint32_t height = 0;        // levels of subgraphs below it
        bool open = true;                // its subgraphs are being collected
        Known known;
        // The first of the ends of each exposed port, in the order of known.
        Vector<std::uint32_t> first_in;
        Vector<std::uint32_t> first_out;
        // How many ports of components each of them leads to.
        Vector<std::uint64_t> reach_in;
        Vector<std::uint64_t> reach_out;
        std::array<Vector<Finding>, 3> findings;
    };
    struct Frame {
        std::uint32_t definition = 0;
        std::uint32_t next = 0;  // node to be looked at
    };

    void collect();
    void look_at(std::uint32_t definition, std::uint32_t node);
    std::uint32_t find_definition(std::uint32_t parent, std::uint32_t node,
                                  const SubgraphSpec& spec);
    std::uint32_t inline_definition(std::uint32_t parent, std::uint32_t node, MessageRef document);
    std::uint32_t file_definition(std::uint32_t parent, std::uint32_t node, std::string_view path);
    std::uint32_t registered_definition(std::uint32_t parent, std::uint32_t node,
                                        std::string_view id);
    std::uint32_t add(std::unique_ptr<Definition> definition);
    void enter(std::uint32_t parent, std::uint32_t node, std::uint32_t child);
    void finish(Definition& definition);
    void recursion(std::uint32_t parent, std::uint32_t node, std::uint32_t again);
    void ambiguous_ids(Definition& definition);
    void count_reach(Definition& definition, bool in);
    [[nodiscard]] String path_of(const Definition& parent, std::uint32_t node) const;
    Finding& complain(std::uint32_t parent, std::uint32_t node, std::string_view code,
                      String message);

    const ComponentCatalog* catalog_;
    Store* store_;
    const Checks checks_;
    const char* no_graph_ = nullptr;  // the name of a component that is none
    Message closed_schema_;  // of the configuration of a subgraph: it has none
    Vector<std::unique_ptr<Definition>> definitions_;
    TextMap<std::uint32_t> by_name_;  // "file:..." and "graph:..."
    Vector<Frame> stack_;
};

}  // namespace reflow::graph
