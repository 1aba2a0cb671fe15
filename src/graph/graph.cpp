// The graph model: ids and the lists of what mentions them, looking things up, the view.
// Neighbours: insert.cpp, edit.cpp. Thread: one at a time.
#include "graph/graph.hpp"

#include <algorithm>
#include <functional>

#include "base/assert.hpp"
#include "base/text.hpp"

namespace reflow::graph {
namespace {

constexpr std::size_t hint_candidates_count = 10'000;  // nodes looked at for a did-you-mean

std::uint64_t hash_text(std::string_view text) noexcept {
    return std::hash<std::string_view>{}(text);
}

std::uint64_t mix(std::uint64_t seed, std::uint64_t value) noexcept {
    seed ^= value + 0x9e3779b97f4a7c15U + (seed << 6) + (seed >> 2);
    return seed * 0xff51afd7ed558ccdU;
}

}  // namespace

std::string_view section_key(Section section) noexcept {
    switch (section) {
        case Section::graph_dependencies:
            return "graphDependencies";
        case Section::external_connections:
            return "externalConnections";
        case Section::provided_interfaces:
            return "providedInterfaces";
        case Section::required_interfaces:
            return "requiredInterfaces";
    }
    return {};
}

Graph::Graph(std::string_view name, bool case_sensitive) : case_sensitive_(case_sensitive) {
    ObjectBuilder builder(1);
    builder.set("name", Message::string(name));
    auto made = builder.finish();
    REFLOW_ASSERT(made.ok());
    properties_ = std::move(made).take();
}

// Here, since each of them is long.
Graph::Graph(const Graph& other) = default;
Graph::Graph(Graph&& other) noexcept = default;
Graph& Graph::operator=(const Graph& other) = default;
Graph& Graph::operator=(Graph&& other) noexcept = default;
Graph::~Graph() = default;

std::string_view Graph::name() const noexcept { return properties_.get("name").text(); }

std::uint32_t Graph::find_name(std::string_view text) const noexcept { return ids_.find(text); }

std::uint32_t Graph::intern(std::string_view text) {
    std::uint32_t at = ids_.find(text);
    if (at != nowhere) return at;
    if (names_.size() == names_.capacity()) names_.reserve(names_.size() * 2);
    at = ids_.intern(text);
    names_.emplace_back();
    return at;
}

Graph::Node* Graph::find(std::string_view id) noexcept {
    std::uint32_t name = find_name(id);
    if (name == nowhere || names_[name].node == nowhere) return nullptr;
    return &nodes_[names_[name].node];
}

// Of a use that few names have there are lists only after mentions_of().
std::uint32_t& Graph::list_of(Use use, std::uint32_t name) noexcept {
    Name& of = names_[name];
    if (use == use_from) return of.from;
    if (use == use_to) return of.to;
    return mentions_[of.mentions].uses[use - use_initial];
}

std::uint32_t Graph::first(Use use, std::uint32_t name) const noexcept {
    const Name& of = names_[name];
    if (use == use_from) return of.from;
    if (use == use_to) return of.to;
    return of.mentions == nowhere ? nowhere : mentions_[of.mentions].uses[use - use_initial];
}

Graph::Mentions& Graph::mentions_of(std::uint32_t name) {
    std::uint32_t& at = names_[name].mentions;
    if (at == nowhere) {
        mentions_.emplace_back();
        at = static_cast<std::uint32_t>(mentions_.size() - 1);
    }
    return mentions_[at];
}

MessageRef Graph::metadata_at(std::uint32_t extras) const noexcept {
    if (extras == nowhere) return Message::null();
    return extras_[extras].metadata;
}

MessageRef Graph::extra_at(std::uint32_t extras) const noexcept {
    if (extras == nowhere) return {};
    return extras_[extras].extra;
}

std::uint32_t Graph::keep(Extras extras) {
    bool none = extras.metadata.is(REFLOW_KIND_NULL) && extras.extra.none() && !extras.from &&
                !extras.to;
    if (none) return nowhere;
    extras_.push_back(std::move(extras));
    return static_cast<std::uint32_t>(extras_.size() - 1);
}

void Graph::set_metadata(Node& node, Message metadata) {
    if (node.extras != nowhere) {
        extras_[node.extras].metadata = std::move(metadata);
    } else {
        node.extras = keep({std::move(metadata), {}, {}, {}});
    }
}

Graph::Edge& Graph::edge_at(Use use, std::uint32_t position) noexcept {
    switch (use) {
        case use_from:
            return connections_[position].from;
        case use_to:
            return connections_[position].to;
        case use_initial:
            return initials_[position].to;
        case use_inport:
            return exposed_[1][position].edge;
        default:
            return exposed_[0][position].edge;
    }
}

void Graph::link(Use use, std::uint32_t position) noexcept {
    Edge& edge = edge_at(use, position);
    std::uint32_t& head = list_of(use, edge.name);
    if (head == nowhere) head = position;
    Edge& first = edge_at(use, head);
    edge.previous = head == position ? position : first.previous;
    edge.next = nowhere;
    if (head != position) edge_at(use, edge.previous).next = position;
    first.previous = position;
}

void Graph::unlink(Use use, std::uint32_t position) noexcept {
    Edge& edge = edge_at(use, position);
    std::uint32_t& head = list_of(use, edge.name);
    if (head == position) {
        head = edge.next;
    } else {
        edge_at(use, edge.previous).next = edge.next;
    }
    std::uint32_t behind = edge.next == nowhere ? head : edge.next;
    if (behind != nowhere) edge_at(use, behind).previous = edge.previous;
}

// Everything that mentions one name mentions the other instead. `into` has room for what few names
// have.
void Graph::merge_name(std::uint32_t from, std::uint32_t into) noexcept {
    for (std::uint8_t i = 0; i < use_count; ++i) {
        Use use = static_cast<Use>(i);
        for (;;) {
            std::uint32_t position = first(use, from);
            if (position == nowhere) break;
            unlink(use, position);
            bool indexed = connections_indexed_ && (use == use_from || use == use_to);
            if (indexed) connection_index_.erase(position);
            edge_at(use, position).name = into;
            link(use, position);
            if (indexed) connection_index_.insert(position, hash_of(connections_[position]));
        }
    }
    if (names_[from].mentions == nowhere) return;
    Vector<std::uint32_t>& groups = mentions_[names_[from].mentions].groups;
    for (std::uint32_t group : groups) {
        for (std::uint32_t& name : groups_[group].names) {
            if (name == from) name = into;
        }
        mentions_[names_[into].mentions].groups.push_back(group);
    }
    groups.clear();
}

Failure Graph::no_node(std::string_view id) const {
    Vector<std::string_view> candidates;
    for (const Node& node : nodes_) {
        if (node.name != nowhere) candidates.push_back(ids_[node.name]);
        if (candidates.size() == hint_candidates_count) break;
    }
    return Failure(REFLOW_ERROR_NOT_FOUND, concat("no node '", id, "'"))
        .hint(did_you_mean(id, candidates))
        .node(id);
}

String Graph::port_text(std::string_view port) const {
    String text(port);
    if (!case_sensitive_) {
        for (char& letter : text) {
            if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
        }
    }
    return text;
}

std::uint32_t Graph::intern_port(std::string_view port) {
    return case_sensitive_ ? words_.intern(port) : words_.intern(port_text(port));
}

std::uint32_t Graph::number_of_port(std::string_view port) const {
    return case_sensitive_ ? words_.find(port) : words_.find(port_text(port));
}

std::uint64_t Graph::hash_of(const Connection& connection) const noexcept {
    std::uint64_t hash = mix(connection.from.name, connection.to.name);
    hash = mix(hash, (std::uint64_t{connection.from.port} << 32) | connection.to.port);
    return mix(hash, (std::uint64_t{connection.from.index} << 32) | connection.to.index);
}

// Newest first. Without an index both ends' lists are walked at once, until the shorter one ends.
std::uint32_t Graph::find_connection(const Endpoint& from, const Endpoint& to,
                                     std::size_t& steps) const {
    steps = 0;
    Connection key;
    key.from.name = find_name(from.node);
    key.to.name = find_name(to.node);
    if (key.from.name == nowhere || key.to.name == nowhere) return nowhere;
    key.from.port = number_of_port(from.port);
    key.to.port = number_of_port(to.port);
    key.from.index = from.index;
    key.to.index = to.index;
    auto same = [](const Edge& a, const Edge& b) {
        return a.name == b.name && a.index == b.index && a.port == b.port;
    };
    auto found = [&](std::uint32_t at) {
        ++steps;
        return same(connections_[at].from, key.from) && same(connections_[at].to, key.to);
    };
    if (connections_indexed_) {
        std::uint32_t at = connection_index_.first(hash_of(key));
        while (at != nowhere && !found(at)) at = connection_index_.next(at);
        return at;
    }
    std::uint32_t first_out = first(use_from, key.from.name);
    std::uint32_t first_in = first(use_to, key.to.name);
    if (first_out == nowhere || first_in == nowhere) return nowhere;
    std::uint32_t out = first_out;
    std::uint32_t in = first_in;
    do {
        out = connections_[out].from.previous;
        if (found(out)) return out;
        in = connections_[in].to.previous;
        if (found(in)) return in;
    } while (out != first_out && in != first_in);
    return nowhere;
}

std::uint32_t Graph::find_to_edit(const Endpoint& from, const Endpoint& to) {
    constexpr std::size_t long_walk = 128;
    std::size_t steps = 0;
    std::uint32_t at = find_connection(from, to, steps);
    if (steps < long_walk || connections_indexed_ || connections_.empty()) return at;
    ChainIndex index;
    index.reserve(static_cast<std::uint32_t>(connections_.size() - 1));
    for (std::uint32_t i = 0; i < connections_.size(); ++i) {
        if (connections_[i].live()) index.insert(i, hash_of(connections_[i]));
    }
    connection_index_ = std::move(index);
    connections_indexed_ = true;
    return at;
}

std::uint32_t Graph::find_exposed(bool in, std::string_view name) const noexcept {
    std::uint32_t at = exposed_index_[in].first(hash_text(name));
    while (at != nowhere && exposed_[in][at].name != name) at = exposed_index_[in].next(at);
    return at;
}

std::uint32_t Graph::find_group(std::string_view id) const noexcept {
    std::uint32_t at = group_index_.first(hash_text(id));
    while (at != nowhere && groups_[at].id != id) at = group_index_.next(at);
    return at;
}

std::optional<NodeItem> Graph::find_node(std::string_view id) const noexcept {
    std::uint32_t name = find_name(id);
    if (name == nowhere || names_[name].node == nowhere) return std::nullopt;
    const Node& node = nodes_[names_[name].node];
    return NodeItem{ids_[name], words_[node.component], metadata_at(node.extras),
                    extra_at(node.extras)};
}

bool Graph::has_connection(const Endpoint& from, const Endpoint& to) const {
    std::size_t steps = 0;
    return find_connection(from, to, steps) != nowhere;
}

Graph::Degree Graph::degree(std::string_view id) const noexcept {
    Degree result;
    std::uint32_t name = find_name(id);
    if (name == nowhere) return result;
    for (std::uint32_t at = names_[name].to; at != nowhere;) {
        ++result.in;
        at = connections_[at].to.next;
    }
    for (std::uint32_t at = names_[name].from; at != nowhere;) {
        ++result.out;
        at = connections_[at].from.next;
    }
    return result;
}

EdgeItem Graph::item(const Edge& edge, const EdgeDetail* detail,
                     std::span<const std::uint32_t> dense) const noexcept {
    std::uint32_t node = names_[edge.name].node;
    EdgeItem result;
    result.node = ids_[edge.name];
    result.port = words_[edge.port];
    result.position = node == nowhere || dense.empty() ? node : dense[node];
    result.index = edge.index;
    result.detail = detail;
    return result;
}

NodeItem Graph::node_item(std::uint32_t number) const noexcept {
    const Node& node = nodes_[number];
    return {ids_[node.name], words_[node.component], metadata_at(node.extras),
            extra_at(node.extras)};
}

// It stands behind the connections and initial packets that were there before it.
ConnectionItem Graph::connection_item(std::uint32_t number,
                                      std::span<const std::uint32_t> dense) const noexcept {
    const Connection& each = connections_[number];
    const Extras* extras = each.extras == nowhere ? nullptr : &extras_[each.extras];
    auto initials = std::upper_bound(
        initials_.begin(), initials_.end(), number,
        [](std::uint32_t at, const Initial& initial) { return at < initial.before; });
    return {item(each.from, extras == nullptr ? nullptr : extras->from.get(), dense),
            item(each.to, extras == nullptr ? nullptr : extras->to.get(), dense),
            metadata_at(each.extras), extra_at(each.extras),
            number + static_cast<std::uint64_t>(initials - initials_.begin())};
}

template <>
NodeItem Items<NodeItem>::operator[](std::size_t at) const {
    if (graph_ == nullptr) return own_[at];
    return graph_->node_item(live_.empty() ? static_cast<std::uint32_t>(at) : live_[at]);
}

template <>
ConnectionItem Items<ConnectionItem>::operator[](std::size_t at) const {
    if (graph_ == nullptr) return own_[at];
    return graph_->connection_item(live_.empty() ? static_cast<std::uint32_t>(at) : live_[at],
                                   dense_);
}

View Graph::view() const {
    View result;
    result.nodes.graph_ = result.connections.graph_ = this;
    result.nodes.size_ = live_nodes_;
    result.connections.size_ = live_connections_;
    Vector<std::uint32_t>& dense = result.connections.dense_;
    if (!this->dense()) {
        dense.assign(nodes_.size(), nowhere);
        for (std::uint32_t i = 0; i < nodes_.size(); ++i) {
            if (nodes_[i].name == nowhere) continue;
            dense[i] = static_cast<std::uint32_t>(result.nodes.live_.size());
            result.nodes.live_.push_back(i);
        }
    }
    if (live_connections_ != connections_.size()) {
        for (std::uint32_t i = 0; i < connections_.size(); ++i) {
            if (connections_[i].live()) result.connections.live_.push_back(i);
        }
    }
    result.initials.reserve(live_initials_);
    for (std::size_t i = 0; i < initials_.size(); ++i) {
        const Initial& each = initials_[i];
        if (!each.live) continue;
        result.initials.push_back(
            {item(each.to, each.detail.get(), dense), each.data, each.metadata, each.extra,
             each.before + i});
    }
    for (bool in : {false, true}) {
        for (const Exposed& each : exposed_[in]) {
            if (!each.live) continue;
            (in ? result.inports : result.outports)
                .push_back({each.name, item(each.edge, each.detail.get(), dense)});
        }
    }
    for (const Group& each : groups_) {
        if (!each.live) continue;
        GroupItem& group = result.groups.emplace_back();
        group.id = each.id;
        group.metadata = each.metadata;
        group.extra = each.extra;
        for (std::uint32_t name : each.names) {
            group.nodes.push_back(ids_[name]);
            std::uint32_t node = names_[name].node;
            group.positions.push_back(node == nowhere || dense.empty() ? node : dense[node]);
        }
    }
    return result;
}

Vector<View::Entry> View::document_order() const {
    Vector<Entry> result;
    result.reserve(connections.size() + initials.size());
    std::uint32_t c = 0;
    std::uint32_t i = 0;
    while (c < connections.size() || i < initials.size()) {
        bool initial = c == connections.size() ||
                       (i < initials.size() && initials[i].order < connections[c].order);
        result.push_back({initial, initial ? i++ : c++});
    }
    return result;
}

}  // namespace reflow::graph
