// Builds a graph from a document that is a message. docs/graphs.md is the format.
// Neighbours: load.cpp (text in, places of errors). Thread: one at a time.
#pragma once

#include <optional>
#include <string_view>

#include "base/result.hpp"
#include "codec/place.hpp"
#include "graph/graph.hpp"

namespace reflow::graph {

class Loader {
public:
    // default_name: of a graph that has none.
    explicit Loader(std::string_view default_name) : graph_(default_name) {}
    Result<Graph> run(MessageRef document);

private:
    // The known sections of a document.
    enum Key : std::uint8_t {
        key_case_sensitive,
        key_properties,
        key_inports,
        key_outports,
        key_groups,
        key_processes,
        key_connections,
        key_graph_dependencies,  // the four of Section, in its order
        key_external_connections,
        key_provided_interfaces,
        key_required_interfaces,
        key_count
    };
    static Key key_of(std::string_view name) noexcept;

    // A key that we do not know, to be written back.
    static void keep(std::optional<ObjectBuilder>& extra, std::string_view key, MessageRef value);
    // An error about a value at the path, or at a key below it.
    [[nodiscard]] Failure wrong(std::string_view expected, MessageRef found);
    [[nodiscard]] Failure wrong_at(std::string_view key, std::string_view expected,
                                   MessageRef found);
    [[nodiscard]] Failure twice(std::string_view key);
    void remark(std::string_view code, String message, std::string_view hint);

    Result<void> collect(MessageRef document);
    Result<void> take_case_sensitive(MessageRef value);
    Result<void> take_properties(MessageRef value);
    Result<void> take_section(std::size_t number, MessageRef value);
    Result<void> take_processes(MessageRef value);
    Result<void> take_process(std::string_view id, MessageRef value);
    Result<void> take_connections(MessageRef value);
    Result<void> take_connection(MessageRef value);
    Result<void> add_connection(MessageRef from, MessageRef to, Message metadata, Message extra);
    Result<void> add_initial(MessageRef from, MessageRef to, MessageRef data, Message metadata,
                             std::optional<ObjectBuilder> extra);
    Result<void> take_exposed(bool in, MessageRef value);
    Result<void> take_ends(bool in, std::string_view name, MessageRef value);
    Result<void> take_groups(MessageRef value);
    Result<void> take_group(MessageRef value);
    Result<void> take_members(MessageRef value, Vector<std::uint32_t>& names);

    // One end of a connection. exposes: what "expose" is if it is not given.
    struct End {
        Graph::Edge edge;
        Ref<EdgeDetail> detail;
    };
    Result<End> edge(MessageRef value, bool exposes);
    Result<void> edge_field(std::string_view key, MessageRef value, Graph::Edge& edge,
                            EdgeDetail& detail, std::optional<ObjectBuilder>& extra,
                            unsigned& seen);
    Result<PortType> port_type(std::string_view key, MessageRef value);
    Result<Message> object_or_null(std::string_view key, MessageRef value);
    Result<std::string_view> text(std::string_view key, MessageRef value);

    Graph graph_;
    MessageRef sections_[key_count];
    codec::Path path_;
    std::string_view from_key_;  // of the connection being read: "from" or "src"
    std::string_view to_key_;
};

}  // namespace reflow::graph
