// The graph model: putting elements in and taking them out, and dropping what removal left
// behind. What allocates comes first, so that a lack of memory leaves the graph as it was.
// Neighbours: graph.cpp, edit.cpp, load.cpp. Thread: one at a time.
#include <algorithm>
#include <functional>
#include <new>
#include <utility>

#include "base/assert.hpp"
#include "graph/graph.hpp"

namespace reflow::graph {
namespace {

std::uint32_t size_of(const auto& items) noexcept {
    return static_cast<std::uint32_t>(items.size());
}

}  // namespace

void Graph::insert_node(std::uint32_t name, std::string_view component, Message metadata,
                        Message extra) {
    REFLOW_ASSERT(names_[name].node == nowhere);
    Node node;
    node.name = name;
    node.component = words_.intern(component);
    node.extras = keep({std::move(metadata), std::move(extra), {}, {}});
    nodes_.push_back(node);
    names_[name].node = size_of(nodes_) - 1;
    ++live_nodes_;
}

void Graph::insert_connection(Connection connection, Extras extras) {
    std::uint32_t at = size_of(connections_);
    if (connections_indexed_) connection_index_.reserve(at);
    connection.extras = keep(std::move(extras));
    connections_.push_back(connection);
    if (connections_indexed_) connection_index_.insert(at, hash_of(connections_[at]));
    link(use_from, at);
    link(use_to, at);
    ++live_connections_;
}

void Graph::insert_initial(Initial initial) {
    (void)mentions_of(initial.to.name);
    initial.before = size_of(connections_);
    initials_.push_back(std::move(initial));
    link(use_initial, size_of(initials_) - 1);
    ++live_initials_;
}

void Graph::insert_exposed(bool in, Exposed exposed) {
    std::uint32_t at = size_of(exposed_[in]);
    exposed_index_[in].reserve(at);
    (void)mentions_of(exposed.edge.name);
    std::uint64_t hash = std::hash<std::string_view>{}(exposed.name);
    exposed_[in].push_back(std::move(exposed));
    exposed_index_[in].insert(at, hash);
    link(in ? use_inport : use_outport, at);
}

void Graph::insert_group(Group group) {
    std::uint32_t at = size_of(groups_);
    group_index_.reserve(at);
    for (std::size_t i = 0; i < group.names.size(); ++i) {
        Vector<std::uint32_t>& groups = mentions_of(group.names[i]).groups;
        // Room for as many mentions as this group can add, grown as push_back would.
        if (groups.capacity() - groups.size() < group.names.size()) {
            std::size_t mentions = static_cast<std::size_t>(
                std::count(group.names.begin(), group.names.end(), group.names[i]));
            if (groups.capacity() - groups.size() < mentions) {
                groups.reserve(std::max(groups.size() + mentions, groups.size() * 2));
            }
        }
    }
    std::uint64_t hash = std::hash<std::string_view>{}(group.id);
    groups_.push_back(std::move(group));
    for (std::uint32_t name : groups_[at].names) mentions_of(name).groups.push_back(at);
    group_index_.insert(at, hash);
}

void Graph::erase_connection(std::uint32_t position) noexcept {
    Connection& connection = connections_[position];
    if (connections_indexed_) connection_index_.erase(position);
    unlink(use_from, position);
    unlink(use_to, position);
    if (connection.extras != nowhere) extras_[connection.extras] = Extras{};
    connection = Connection{};
    --live_connections_;
    ++dead_;
}

void Graph::erase_initial(std::uint32_t position) noexcept {
    unlink(use_initial, position);
    std::uint32_t before = initials_[position].before;  // by which they are sorted
    initials_[position] = Initial{};
    initials_[position].before = before;
    initials_[position].live = false;
    --live_initials_;
    ++dead_;
}

void Graph::erase_exposed(bool in, std::uint32_t position) noexcept {
    exposed_index_[in].erase(position);
    unlink(in ? use_inport : use_outport, position);
    exposed_[in][position] = Exposed{};
    exposed_[in][position].live = false;
    ++dead_;
}

void Graph::erase_group(std::uint32_t position) noexcept {
    group_index_.erase(position);
    for (std::uint32_t name : groups_[position].names) {
        std::erase(mentions_[names_[name].mentions].groups, position);
    }
    groups_[position] = Group{};
    groups_[position].live = false;
    ++dead_;
}

// Takes a name out of all groups; a group that becomes empty goes.
void Graph::leave_groups(std::uint32_t name) noexcept {
    if (names_[name].mentions == nowhere) return;
    Vector<std::uint32_t> groups;
    groups.swap(mentions_[names_[name].mentions].groups);
    for (std::uint32_t at : groups) {
        Group& group = groups_[at];
        if (!group.live) continue;
        std::erase(group.names, name);
        if (group.names.empty()) erase_group(at);
    }
}

void Graph::compact_if_worthwhile() noexcept {
    std::size_t live = names_.size() + nodes_.size() + connections_.size() + initials_.size() +
                       exposed_[0].size() + exposed_[1].size() + groups_.size();
    if (dead_ <= 64 || dead_ <= live / 4) return;
    try {
        compact();
    } catch (const std::bad_alloc&) {
        // The edit is done; what it left behind is dropped another time.
    }
}

void Graph::compact() {
    Graph fresh(name(), case_sensitive_);
    auto moved = [&](const Edge& edge) {
        Edge copy = edge;
        copy.name = fresh.intern(ids_[edge.name]);
        copy.port = fresh.words_.intern(words_[edge.port]);
        return copy;
    };
    for (const Node& node : nodes_) {
        if (node.name == nowhere) continue;
        fresh.insert_node(fresh.intern(ids_[node.name]), words_[node.component],
                          metadata_at(node.extras).own(), extra_at(node.extras).own());
    }
    std::size_t initial = 0;
    for (std::size_t i = 0; i <= connections_.size(); ++i) {
        for (; initial < initials_.size() && initials_[initial].before <= i; ++initial) {
            if (!initials_[initial].live) continue;
            Initial copy = initials_[initial];
            copy.to = moved(copy.to);
            fresh.insert_initial(std::move(copy));
        }
        if (i == connections_.size() || !connections_[i].live()) continue;
        Connection copy = connections_[i];
        copy.from = moved(copy.from);
        copy.to = moved(copy.to);
        fresh.insert_connection(copy, copy.extras == nowhere ? Extras{} : extras_[copy.extras]);
    }
    for (bool in : {false, true}) {
        for (const Exposed& each : exposed_[in]) {
            if (!each.live) continue;
            Exposed copy = each;
            copy.edge = moved(each.edge);
            fresh.insert_exposed(in, std::move(copy));
        }
    }
    for (const Group& each : groups_) {
        if (!each.live) continue;
        Group copy = each;
        for (std::uint32_t& name : copy.names) name = fresh.intern(ids_[name]);
        fresh.insert_group(std::move(copy));
    }
    fresh.properties_ = std::move(properties_);
    fresh.sections_ = std::move(sections_);
    fresh.resolver_ = resolver_;
    fresh.extra_ = std::move(extra_);
    fresh.remarks_ = std::move(remarks_);
    fresh.directory_ = std::move(directory_);
    *this = std::move(fresh);
}

}  // namespace reflow::graph
