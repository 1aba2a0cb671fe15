// The graph model: nodes, connections, initial packets, exposed ports, groups, other sections.
// Every edit either happens or is an error that changes nothing. Ids that connections of a
// document mention but no node has are kept, so that a document is checked as a whole
// (validate.hpp) and written back unchanged.
// Neighbours: load.hpp, validate.hpp, layout.hpp, render.hpp. Thread: one at a time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <span>
#include <string_view>

#include "base/memory.hpp"
#include "base/ref.hpp"
#include "base/result.hpp"
#include "graph/chain_index.hpp"
#include "graph/word_table.hpp"
#include "message/message.hpp"
#include "message/port_type.hpp"

namespace reflow::graph {

// One end of a connection, as edits name it.
struct Endpoint {
    std::string_view node;
    std::string_view port;
    std::uint32_t index = REFLOW_NO_INDEX;
};

// What few ends of connections have. Immutable and shared.
class EdgeDetail : public RefCounted<EdgeDetail> {
public:
    String port_name;  // for people
    bool expose = false;
    PortType type;
    Message data = Message::null();
    Message metadata = Message::null();  // an object, or null
    Message extra;                       // keys of the document that we do not know, or none
};

// Sections that a graph carries for others. Each is none or a container that is not empty.
enum class Section : std::uint8_t {
    graph_dependencies,    // array
    external_connections,  // array
    provided_interfaces,   // object
    required_interfaces    // object
};
inline constexpr std::size_t section_count = 4;
[[nodiscard]] std::string_view section_key(Section section) noexcept;  // "graphDependencies"

// A view of a graph at one moment: what is read by everything that looks at a whole graph.
// Positions are dense. It is valid until the graph is edited or ends.
struct NodeItem {
    std::string_view id;
    std::string_view component;
    MessageRef metadata;  // the configuration: an object, or null
    MessageRef extra;     // none, or an object
};
struct EdgeItem {
    std::string_view node;
    std::string_view port;
    std::uint32_t position = nowhere;  // of the node in the view; nowhere: no such node
    std::uint32_t index = REFLOW_NO_INDEX;
    const EdgeDetail* detail = nullptr;  // NULL: everything has its default
    [[nodiscard]] PortType type() const { return detail ? detail->type : PortType(); }
};
struct ConnectionItem {
    EdgeItem from;
    EdgeItem to;
    MessageRef metadata;      // an object, or null
    MessageRef extra;         // none, or an object
    std::uint64_t order = 0;  // rises over connections and initial packets together
};
struct InitialItem {
    EdgeItem to;
    MessageRef data;
    MessageRef metadata;
    MessageRef extra;
    std::uint64_t order = 0;
};
struct ExposedItem {
    std::string_view name;
    EdgeItem edge;
};
struct GroupItem {
    std::string_view id;
    Vector<std::string_view> nodes;
    Vector<std::uint32_t> positions;  // of the nodes; nowhere: no such node
    MessageRef metadata;
    MessageRef extra;
};
class Graph;

// Nodes or connections, by position. Those of a graph are made as they are asked for: a list of
// them would be larger than the graph, and making its memory costs more than making the items.
template <typename Item>
class Items {
public:
    class Iterator {
    public:
        using iterator_category = std::input_iterator_tag;
        using value_type = Item;
        using difference_type = std::ptrdiff_t;
        using pointer = const Item*;
        using reference = Item;
        Iterator(const Items& items, std::size_t at) noexcept : items_(&items), at_(at) {}
        Item operator*() const { return (*items_)[at_]; }
        Iterator& operator++() noexcept {
            ++at_;
            return *this;
        }
        bool operator==(const Iterator& other) const noexcept { return at_ == other.at_; }

    private:
        const Items* items_;
        std::size_t at_;
    };

    Items() noexcept = default;
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] Item operator[](std::size_t at) const;
    [[nodiscard]] Iterator begin() const noexcept { return {*this, 0}; }
    [[nodiscard]] Iterator end() const noexcept { return {*this, size_}; }
    // Of no graph: one that is kept here.
    void push_back(const Item& item) {
        own_.push_back(item);
        size_ = own_.size();
    }

private:
    friend class Graph;
    const Graph* graph_ = nullptr;  // NULL: they stand in own_
    std::size_t size_ = 0;
    Vector<std::uint32_t> live_;   // their numbers in the graph; empty: all that there are
    Vector<std::uint32_t> dense_;  // of connections: positions of nodes; likewise
    Vector<Item> own_;
};
template <>
NodeItem Items<NodeItem>::operator[](std::size_t at) const;
template <>
ConnectionItem Items<ConnectionItem>::operator[](std::size_t at) const;

struct View {
    Items<NodeItem> nodes;              // in the order they were added
    Items<ConnectionItem> connections;  // in order
    Vector<InitialItem> initials;       // in order
    Vector<ExposedItem> inports;
    Vector<ExposedItem> outports;
    Vector<GroupItem> groups;

    // Positions in `connections` and `initials` as they stand in the "connections" of a document.
    struct Entry {
        bool initial = false;
        std::uint32_t position = 0;
    };
    [[nodiscard]] Vector<Entry> document_order() const;
};

// What the loader noticed and did without; validate() reports it.
struct Remark {
    std::string_view code;  // a literal
    String message;
    String hint;
    String path;
};

class Graph : public Allocated {
public:
    // Text arguments are UTF-8 throughout. In a graph that is not case sensitive port names are
    // folded to lower case (ASCII) on entry.
    explicit Graph(std::string_view name, bool case_sensitive = true);
    // A copy shares nothing that can change.
    Graph(const Graph& other);
    Graph(Graph&& other) noexcept;
    Graph& operator=(const Graph& other);
    Graph& operator=(Graph&& other) noexcept;
    ~Graph();

    [[nodiscard]] std::string_view name() const noexcept;
    [[nodiscard]] bool case_sensitive() const noexcept { return case_sensitive_; }
    // With the name.
    [[nodiscard]] MessageRef properties() const noexcept { return properties_; }
    [[nodiscard]] MessageRef section(Section section) const noexcept {
        return sections_[static_cast<std::size_t>(section)];
    }
    // Top-level keys of the document that we do not know: an object, or none.
    [[nodiscard]] MessageRef extra() const noexcept { return extra_; }
    [[nodiscard]] std::span<const Remark> remarks() const noexcept { return remarks_; }
    // The folder that the document was read from, empty if it was not read from a file. It is no
    // part of the document and of equality.
    [[nodiscard]] std::string_view directory() const noexcept { return directory_; }
    void set_directory(std::string_view directory) { directory_ = directory; }

    [[nodiscard]] std::size_t node_count() const noexcept { return live_nodes_; }
    [[nodiscard]] std::size_t connection_count() const noexcept { return live_connections_; }
    [[nodiscard]] std::size_t initial_count() const noexcept { return live_initials_; }
    [[nodiscard]] View view() const;
    [[nodiscard]] std::optional<NodeItem> find_node(std::string_view id) const noexcept;
    // Whether positions in a view are the numbers that position_of() gives.
    [[nodiscard]] bool dense() const noexcept { return live_nodes_ == nodes_.size(); }
    [[nodiscard]] std::uint32_t position_of(std::string_view id) const noexcept {
        std::uint32_t name = find_name(id);
        return name == nowhere ? nowhere : names_[name].node;
    }
    [[nodiscard]] bool has_connection(const Endpoint& from, const Endpoint& to) const;
    // Connections that end at a node (degree of the node), by walking its own list.
    struct Degree {
        std::size_t in = 0;
        std::size_t out = 0;
    };
    [[nodiscard]] Degree degree(std::string_view id) const noexcept;

    // Nodes. metadata is the configuration: an object, null or none.
    Result<void> add_node(std::string_view id, std::string_view component, Message metadata);
    // Removes with it: connections, initial packets, exposed ports, memberships, and groups that
    // become empty by this.
    Result<void> remove_node(std::string_view id);
    Result<void> rename_node(std::string_view id, std::string_view new_id);
    Result<void> set_component(std::string_view id, std::string_view component);
    Result<void> set_metadata(std::string_view id, Message metadata);
    // One value in the configuration: key is a path with dots; a value of none removes it.
    Result<void> set_config_value(std::string_view id, std::string_view key, Message value);
    // The variables that nodes ask for, into their configurations: some of them, if it fails. An
    // object, which is kept for subgraphs in files. A part of the library (environment.cpp): only
    // that part of capi names it.
    static Result<void> resolve(Graph& graph, Message environment);
    // The same for the graph of a file, as it was done to this one.
    Result<void> resolve_too(Graph& inner) const {
        if (resolver_ == nullptr) return {};
        return resolver_(inner, sections_[section_count]);
    }

    Result<void> connect(const Endpoint& from, const Endpoint& to, Message metadata);
    Result<void> disconnect(const Endpoint& from, const Endpoint& to);

    Result<void> add_initial(const Endpoint& to, Message data, Message metadata = {});
    // With REFLOW_NO_INDEX those of all indices of the port.
    Result<void> remove_initials(const Endpoint& to);

    Result<void> add_inport(std::string_view name, const Endpoint& to, const PortType& type);
    Result<void> add_outport(std::string_view name, const Endpoint& from, const PortType& type);
    Result<void> remove_inport(std::string_view name);
    Result<void> remove_outport(std::string_view name);

    Result<void> add_group(std::string_view id, std::span<const std::string_view> nodes);
    Result<void> remove_group(std::string_view id);
    Result<void> add_to_group(std::string_view id, std::string_view node);
    // A group that becomes empty by this is removed.
    Result<void> remove_from_group(std::string_view id, std::string_view node);

    // A value of none removes the property; the name stays.
    Result<void> set_property(std::string_view key, Message value);

private:
    friend class Loader;
    friend class Items<NodeItem>;
    friend class Items<ConnectionItem>;

    // Lists of edges that mention a name.
    enum Use : std::uint8_t { use_from, use_to, use_initial, use_inport, use_outport, use_count };
    // A list is its first element, whose `previous` is the last one.
    struct Mentions {
        std::array<std::uint32_t, 3> uses = {nowhere, nowhere, nowhere};  // from use_initial on
        Vector<std::uint32_t> groups;  // once for each mention
    };
    // An id that a node has or an edge or group mentions. Never removed but by compact().
    struct Name {
        std::uint32_t node = nowhere;
        std::uint32_t mentions = nowhere;  // in mentions_: what few names have beside connections
        std::uint32_t from = nowhere;      // lists
        std::uint32_t to = nowhere;
    };
    // A network keeps its graph, and there may be millions of nodes and connections. So what few of
    // them have stands apart, and names are numbers: of components and ports those of words_, of
    // nodes those of ids_.
    struct Extras {
        Message metadata = Message::null();
        Message extra;
        Ref<EdgeDetail> from;  // of connections
        Ref<EdgeDetail> to;
    };
    struct Node {
        std::uint32_t name = nowhere;  // nowhere: removed
        std::uint32_t component = 0;
        std::uint32_t extras = nowhere;  // in extras_
    };
    struct Edge {
        std::uint32_t name = nowhere;
        std::uint32_t index = REFLOW_NO_INDEX;
        std::uint32_t port = 0;
        std::uint32_t previous = nowhere;  // in the list of its name; of the first: the last
        std::uint32_t next = nowhere;
    };
    struct Connection {
        Edge from;
        Edge to;
        std::uint32_t extras = nowhere;
        [[nodiscard]] bool live() const noexcept { return from.name != nowhere; }
    };
    struct Initial {
        Edge to;
        Ref<EdgeDetail> detail;
        Message data;
        Message metadata = Message::null();
        Message extra;
        std::uint32_t before = 0;  // so many connections stand before it, with those removed
        bool live = true;
    };
    struct Exposed {
        String name;
        Edge edge;
        Ref<EdgeDetail> detail;
        bool live = true;
    };
    struct Group {
        String id;
        Vector<std::uint32_t> names;
        Message metadata = Message::null();
        Message extra;
        bool live = true;
    };

    // A number of names_, or nowhere.
    [[nodiscard]] std::uint32_t find_name(std::string_view text) const noexcept;
    std::uint32_t intern(std::string_view text);
    [[nodiscard]] Node* find(std::string_view id) noexcept;
    [[nodiscard]] std::uint32_t& list_of(Use use, std::uint32_t name) noexcept;
    [[nodiscard]] std::uint32_t first(Use use, std::uint32_t name) const noexcept;
    // Made if there are none.
    Mentions& mentions_of(std::uint32_t name);
    [[nodiscard]] MessageRef metadata_at(std::uint32_t extras) const noexcept;
    [[nodiscard]] MessageRef extra_at(std::uint32_t extras) const noexcept;
    // A place for these, or nowhere if there is nothing in them.
    std::uint32_t keep(Extras extras);
    void set_metadata(Node& node, Message metadata);
    [[nodiscard]] Edge& edge_at(Use use, std::uint32_t position) noexcept;
    void link(Use use, std::uint32_t position) noexcept;
    void unlink(Use use, std::uint32_t position) noexcept;
    void merge_name(std::uint32_t from, std::uint32_t into) noexcept;
    [[nodiscard]] Failure no_node(std::string_view id) const;
    [[nodiscard]] String port_text(std::string_view port) const;
    // The number of its name in words_; number_of_port does not add it, and may give nowhere.
    std::uint32_t intern_port(std::string_view port);
    [[nodiscard]] std::uint32_t number_of_port(std::string_view port) const;
    // dense: positions in a view by number; empty: they are the same.
    [[nodiscard]] EdgeItem item(const Edge& edge, const EdgeDetail* detail,
                                std::span<const std::uint32_t> dense) const noexcept;
    [[nodiscard]] NodeItem node_item(std::uint32_t number) const noexcept;
    [[nodiscard]] ConnectionItem connection_item(std::uint32_t number,
                                                 std::span<const std::uint32_t> dense) const noexcept;

    // Insertions without checks: what edits, the loader and compact() share. Each happens as a
    // whole or, when memory runs out, not at all.
    void insert_node(std::uint32_t name, std::string_view component, Message metadata,
                     Message extra);
    void insert_connection(Connection connection, Extras extras);
    void insert_initial(Initial initial);
    void insert_exposed(bool in, Exposed exposed);
    void insert_group(Group group);
    void erase_connection(std::uint32_t position) noexcept;
    void erase_initial(std::uint32_t position) noexcept;
    void erase_exposed(bool in, std::uint32_t position) noexcept;
    void erase_group(std::uint32_t position) noexcept;
    void leave_groups(std::uint32_t name) noexcept;

    [[nodiscard]] std::uint64_t hash_of(const Connection& connection) const noexcept;
    // steps: how many connections it looked at.
    [[nodiscard]] std::uint32_t find_connection(const Endpoint& from, const Endpoint& to,
                                                std::size_t& steps) const;
    // The same, which makes the next ones quick if it was not.
    [[nodiscard]] std::uint32_t find_to_edit(const Endpoint& from, const Endpoint& to);
    [[nodiscard]] std::uint32_t find_exposed(bool in, std::string_view name) const noexcept;
    [[nodiscard]] std::uint32_t find_group(std::string_view id) const noexcept;
    Result<void> expose(bool in, std::string_view name, const Endpoint& end, const PortType& type);
    Result<void> hide(bool in, std::string_view name);
    Result<Edge> edge_for(const Endpoint& end, std::string_view role);

    // Drops what edits left behind, once that is a good part of the whole.
    void compact_if_worthwhile() noexcept;
    void compact();

    bool case_sensitive_ = true;
    Message properties_;  // an object with the name
    std::array<Message, section_count + 1> sections_;  // and what it was resolved with
    Result<void> (*resolver_)(Graph& graph, Message environment) = nullptr;  // NULL: it was not
    Message extra_;
    Vector<Remark> remarks_;
    String directory_;

    WordTable ids_;
    Vector<Name> names_ = Vector<Name>(1);  // by number in ids_; the first is of the empty id
    Vector<Mentions> mentions_;
    WordTable words_;  // names of components and ports
    Vector<Extras> extras_;
    Vector<Node> nodes_;
    Vector<Connection> connections_;
    Vector<Initial> initials_;
    std::array<Vector<Exposed>, 2> exposed_;  // outports, inports
    Vector<Group> groups_;
    // Made once a walk of lists was long: nodes mostly have a few connections.
    ChainIndex connection_index_;
    bool connections_indexed_ = false;
    std::array<ChainIndex, 2> exposed_index_;
    ChainIndex group_index_;
    std::size_t live_nodes_ = 0;
    std::size_t live_connections_ = 0;
    std::size_t live_initials_ = 0;
    std::size_t dead_ = 0;  // removed elements of all kinds
};

// As reflow_graph_equal says.
[[nodiscard]] bool equal(const Graph& a, const Graph& b);

}  // namespace reflow::graph
