// Whether two graphs are equal.
// Neighbours: graph.hpp. Thread: one at a time.
#include <algorithm>
#include <tuple>
#include <utility>

#include "graph/graph.hpp"

namespace reflow::graph {
namespace {

// none and none are the same; reflow::equal compares values.
bool same(MessageRef a, MessageRef b) {
    if (a.none() || b.none()) return a.none() == b.none();
    return reflow::equal(a, b);
}

bool same_detail(const EdgeDetail* a, const EdgeDetail* b) {
    if (a == b) return true;
    if (a == nullptr || b == nullptr) return false;  // none is made where all has its default
    return a->port_name == b->port_name && a->expose == b->expose && a->type == b->type &&
           same(a->data, b->data) && same(a->metadata, b->metadata) && same(a->extra, b->extra);
}

bool same_edge(const EdgeItem& a, const EdgeItem& b) {
    return a.node == b.node && a.port == b.port && a.index == b.index &&
           same_detail(a.detail, b.detail);
}

// Both in the order of what key() gives, which is unique but for items that are equal.
template <typename Item, typename Key, typename Same>
bool same_set(Vector<Item>& a, Vector<Item>& b, Key key, Same same_item) {
    if (a.size() != b.size()) return false;
    auto less = [&](const Item& left, const Item& right) { return key(left) < key(right); };
    std::sort(a.begin(), a.end(), less);
    std::sort(b.begin(), b.end(), less);
    return std::equal(a.begin(), a.end(), b.begin(), [&](const Item& left, const Item& right) {
        return key(left) == key(right) && same_item(left, right);
    });
}

bool same_exposed(Vector<ExposedItem>& a, Vector<ExposedItem>& b) {
    return same_set(
        a, b,
        [](const ExposedItem& each) {
            return std::tuple(each.name, each.edge.node, each.edge.port, each.edge.index);
        },
        [](const ExposedItem& left, const ExposedItem& right) {
            return same_edge(left.edge, right.edge);
        });
}

bool same_header(const Graph& a, const Graph& b) {
    if (a.case_sensitive() != b.case_sensitive() || !same(a.properties(), b.properties()) ||
        !same(a.extra(), b.extra())) {
        return false;
    }
    for (std::size_t i = 0; i < section_count; ++i) {
        if (!same(a.section(static_cast<Section>(i)), b.section(static_cast<Section>(i)))) {
            return false;
        }
    }
    return true;
}

}  // namespace

bool equal(const Graph& a, const Graph& b) {
    if (a.node_count() != b.node_count() || a.connection_count() != b.connection_count() ||
        a.initial_count() != b.initial_count() || !same_header(a, b)) {
        return false;
    }
    View left = a.view();
    View right = b.view();
    bool connections =
        std::equal(left.connections.begin(), left.connections.end(), right.connections.begin(),
                   [](const ConnectionItem& x, const ConnectionItem& y) {
                       return same_edge(x.from, y.from) && same_edge(x.to, y.to) &&
                              same(x.metadata, y.metadata) && same(x.extra, y.extra);
                   });
    bool initials = std::equal(left.initials.begin(), left.initials.end(), right.initials.begin(),
                               [](const InitialItem& x, const InitialItem& y) {
                                   return same_edge(x.to, y.to) && same(x.data, y.data) &&
                                          same(x.metadata, y.metadata) && same(x.extra, y.extra);
                               });
    if (!connections || !initials) return false;
    Vector<NodeItem> left_nodes(left.nodes.begin(), left.nodes.end());
    Vector<NodeItem> right_nodes(right.nodes.begin(), right.nodes.end());
    return same_set(
               left_nodes, right_nodes, [](const NodeItem& each) { return each.id; },
               [](const NodeItem& x, const NodeItem& y) {
                   return x.component == y.component && same(x.metadata, y.metadata) &&
                          same(x.extra, y.extra);
               }) &&
           same_exposed(left.inports, right.inports) &&
           same_exposed(left.outports, right.outports) &&
           same_set(
               left.groups, right.groups, [](const GroupItem& each) { return each.id; },
               [](const GroupItem& x, const GroupItem& y) {
                   return x.nodes == y.nodes && same(x.metadata, y.metadata) &&
                          same(x.extra, y.extra);
               });
}

}  // namespace reflow::graph
