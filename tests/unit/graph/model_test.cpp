// Random sequences of edits on a graph and on a model of it that is as simple as can be: plain
// lists, searched from front to back. After each edit both say the same.
#include <algorithm>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "graph/graph.hpp"
#include "graph_helpers.hpp"

namespace reflow::graph::test {
namespace {

struct End {
    std::string node;
    std::string port;
    std::uint32_t index;
    bool operator==(const End&) const = default;
    [[nodiscard]] Endpoint endpoint() const { return {node, port, index}; }
};

struct Model {
    struct Node {
        std::string id;
        std::string component;
        std::string config;
    };
    std::vector<Node> nodes;
    std::vector<std::pair<End, End>> connections;
    std::vector<std::pair<End, int>> initials;
    std::map<std::string, End> ports[2];
    std::map<std::string, std::vector<std::string>> groups;
    std::vector<std::string> group_order;

    Node* find(const std::string& id) {
        auto at = std::find_if(nodes.begin(), nodes.end(), [&](auto& n) { return n.id == id; });
        return at == nodes.end() ? nullptr : &*at;
    }
    template <typename Change>
    void each_end(Change change) {
        for (auto& each : connections) {
            change(each.first);
            change(each.second);
        }
        for (auto& each : initials) change(each.first);
        for (auto& side : ports) {
            for (auto& each : side) change(each.second);
        }
    }
    void drop_group(const std::string& id) {
        groups.erase(id);
        std::erase(group_order, id);
    }
    void remove(const std::string& id) {
        std::erase_if(nodes, [&](auto& n) { return n.id == id; });
        std::erase_if(connections,
                      [&](auto& c) { return c.first.node == id || c.second.node == id; });
        std::erase_if(initials, [&](auto& i) { return i.first.node == id; });
        for (auto& side : ports) std::erase_if(side, [&](auto& p) { return p.second.node == id; });
        for (const std::string& name : std::vector<std::string>(group_order)) {
            if (std::erase(groups[name], id) > 0 && groups[name].empty()) drop_group(name);
        }
    }
};

class Play {
public:
    explicit Play(std::uint64_t seed) : random_(seed), graph_("model") {}

    void run(int steps) {
        for (int i = 0; i < steps; ++i) {
            step();
            if (i % 7 == 0 || i + 1 == steps) compare();
            if (::testing::Test::HasFailure()) return;
        }
        Graph copy = graph_;
        EXPECT_TRUE(equal(copy, graph_));
        auto again = load(saved(graph_), REFLOW_FORMAT_JSON, "again");
        ASSERT_TRUE(again.ok()) << again.error().describe();
        EXPECT_TRUE(equal(again.value(), graph_));
    }

private:
    std::string id() { return "n" + std::to_string(random_.below(12)); }
    End end() {
        return {id(), "p" + std::to_string(random_.below(3)),
                random_.one_in(4) ? static_cast<std::uint32_t>(random_.below(2)) : REFLOW_NO_INDEX};
    }
    void expect(const Result<void>& result, bool possible, const char* what) {
        EXPECT_EQ(result.ok(), possible) << what;
    }

    void step() {
        switch (random_.below(12)) {
            case 0:
            case 1:
                add_node();
                return;
            case 2:
                remove_node();
                return;
            case 3:
                rename_node();
                return;
            case 4:
            case 5:
            case 6:
                connect();
                return;
            case 7:
                disconnect();
                return;
            case 8:
                initials();
                return;
            case 9:
                ports();
                return;
            case 10:
                groups();
                return;
            default:
                configure();
                return;
        }
    }
    void add_node() {
        std::string name = id();
        bool possible = model_.find(name) == nullptr;
        expect(graph_.add_node(name, "C", {}), possible, "add_node");
        if (possible) model_.nodes.push_back({name, "C", "null"});
    }
    void remove_node() {
        std::string name = id();
        expect(graph_.remove_node(name), model_.find(name) != nullptr, "remove_node");
        model_.remove(name);
    }
    void rename_node() {
        std::string from = id();
        std::string to = id();
        Model::Node* node = model_.find(from);
        bool possible = node != nullptr && (from == to || model_.find(to) == nullptr);
        expect(graph_.rename_node(from, to), possible, "rename_node");
        if (!possible) return;
        node->id = to;
        model_.each_end([&](End& each) {
            if (each.node == from) each.node = to;
        });
        for (auto& group : model_.groups) {
            std::replace(group.second.begin(), group.second.end(), from, to);
        }
    }
    void connect() {
        std::pair<End, End> both{end(), end()};
        auto& list = model_.connections;
        bool possible = model_.find(both.first.node) && model_.find(both.second.node) &&
                        std::find(list.begin(), list.end(), both) == list.end();
        expect(graph_.connect(both.first.endpoint(), both.second.endpoint(), {}), possible,
               "connect");
        if (possible) list.push_back(both);
    }
    void disconnect() {
        auto& list = model_.connections;
        std::pair<End, End> both{end(), end()};
        if (!list.empty() && !random_.one_in(4)) both = list[random_.below(list.size())];
        auto found = std::find(list.begin(), list.end(), both);
        expect(graph_.disconnect(both.first.endpoint(), both.second.endpoint()),
               found != list.end(), "disconnect");
        if (found != list.end()) list.erase(found);
    }
    void initials() {
        End to = end();
        if (random_.one_in(3)) {
            auto gone = std::erase_if(model_.initials, [&](auto& each) {
                return each.first.node == to.node && each.first.port == to.port &&
                       (to.index == REFLOW_NO_INDEX || to.index == each.first.index);
            });
            expect(graph_.remove_initials(to.endpoint()), gone > 0, "remove_initials");
            return;
        }
        int value = static_cast<int>(random_.below(1000));
        bool possible = model_.find(to.node) != nullptr;
        expect(graph_.add_initial(to.endpoint(), Message::integer(value)), possible, "initial");
        if (possible) model_.initials.emplace_back(to, value);
    }
    void ports() {
        bool in = random_.one_in(2);
        std::string name = "x" + std::to_string(random_.below(5));
        auto& side = model_.ports[in];
        if (random_.one_in(2)) {
            bool possible = side.erase(name) > 0;
            expect(in ? graph_.remove_inport(name) : graph_.remove_outport(name), possible, "hide");
            return;
        }
        End inner = end();
        bool possible = model_.find(inner.node) != nullptr && !side.contains(name);
        expect(in ? graph_.add_inport(name, inner.endpoint(), {})
                  : graph_.add_outport(name, inner.endpoint(), {}),
               possible, "expose");
        if (possible) side.emplace(name, inner);
    }
    void groups() {
        std::string name = "g" + std::to_string(random_.below(4));
        bool exists = model_.groups.contains(name);
        if (random_.one_in(3)) {
            expect(graph_.remove_group(name), exists, "remove_group");
            model_.drop_group(name);
            return;
        }
        std::string node = id();
        bool known = model_.find(node) != nullptr;
        if (!exists) {
            std::array<std::string_view, 1> members{node};
            expect(graph_.add_group(name, members), known, "add_group");
            if (known) {
                model_.groups[name] = {node};
                model_.group_order.push_back(name);
            }
            return;
        }
        auto& members = model_.groups[name];
        bool member = std::find(members.begin(), members.end(), node) != members.end();
        if (random_.one_in(2)) {
            expect(graph_.add_to_group(name, node), known && !member, "add_to_group");
            if (known && !member) members.push_back(node);
        } else {
            expect(graph_.remove_from_group(name, node), member, "remove_from_group");
            std::erase(members, node);
            if (members.empty()) model_.drop_group(name);
        }
    }
    void configure() {
        std::string name = id();
        Model::Node* node = model_.find(name);
        int value = static_cast<int>(random_.below(100));
        expect(graph_.set_config_value(name, "v", Message::integer(value)), node != nullptr,
               "set_config_value");
        if (node != nullptr) node->config = "{\"v\":" + std::to_string(value) + "}";
        expect(graph_.set_component(name, "D"), node != nullptr, "set_component");
        if (node != nullptr) node->component = "D";
    }

    static End plain(const EdgeItem& edge) {
        return {std::string(edge.node), std::string(edge.port), edge.index};
    }

    void compare() {
        View view = graph_.view();
        ASSERT_EQ(view.nodes.size(), model_.nodes.size());
        ASSERT_EQ(graph_.node_count(), model_.nodes.size());
        ASSERT_EQ(graph_.connection_count(), model_.connections.size());
        ASSERT_EQ(graph_.initial_count(), model_.initials.size());
        for (std::size_t i = 0; i < view.nodes.size(); ++i) {
            ASSERT_EQ(view.nodes[i].id, model_.nodes[i].id);
            ASSERT_EQ(view.nodes[i].component, model_.nodes[i].component);
            ASSERT_EQ(text_of(view.nodes[i].metadata), model_.nodes[i].config);
            compare_degree(model_.nodes[i].id);
        }
        ASSERT_EQ(view.connections.size(), model_.connections.size());
        for (std::size_t i = 0; i < view.connections.size(); ++i) {
            ASSERT_EQ(plain(view.connections[i].from), model_.connections[i].first);
            ASSERT_EQ(plain(view.connections[i].to), model_.connections[i].second);
            ASSERT_EQ(view.nodes[view.connections[i].to.position].id,
                      model_.connections[i].second.node);
            ASSERT_TRUE(graph_.has_connection(model_.connections[i].first.endpoint(),
                                              model_.connections[i].second.endpoint()));
        }
        ASSERT_EQ(view.initials.size(), model_.initials.size());
        for (std::size_t i = 0; i < view.initials.size(); ++i) {
            ASSERT_EQ(plain(view.initials[i].to), model_.initials[i].first);
            ASSERT_EQ(view.initials[i].data.integer(), model_.initials[i].second);
        }
        compare_ports(view.outports, model_.ports[0]);
        compare_ports(view.inports, model_.ports[1]);
        ASSERT_EQ(view.groups.size(), model_.group_order.size());
        for (std::size_t i = 0; i < view.groups.size(); ++i) {
            ASSERT_EQ(view.groups[i].id, model_.group_order[i]);
            const auto& members = model_.groups[model_.group_order[i]];
            ASSERT_EQ(
                std::vector<std::string>(view.groups[i].nodes.begin(), view.groups[i].nodes.end()),
                members);
        }
    }
    void compare_degree(const std::string& node) {
        auto count = [&](auto side) {
            return static_cast<std::size_t>(
                std::count_if(model_.connections.begin(), model_.connections.end(),
                              [&](auto& each) { return side(each).node == node; }));
        };
        ASSERT_EQ(graph_.degree(node).out, count([](auto& each) { return each.first; }));
        ASSERT_EQ(graph_.degree(node).in, count([](auto& each) { return each.second; }));
    }
    void compare_ports(const Vector<ExposedItem>& ports, const std::map<std::string, End>& model) {
        ASSERT_EQ(ports.size(), model.size());
        for (const ExposedItem& port : ports) {
            auto found = model.find(std::string(port.name));
            ASSERT_NE(found, model.end());
            ASSERT_EQ(plain(port.edge), found->second);
        }
    }

    Random random_;
    Graph graph_;
    Model model_;
};

void play(std::uint64_t seeds, int steps) {
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        Play(seed).run(steps);
        if (::testing::Test::HasFailure()) return;
    }
}

TEST(GraphModel, RandomEditsAgreeWithANaiveModel) { play(25, 1500); }

TEST(LongGraphModel, RandomEditsAgreeWithANaiveModel) { play(600, 4000); }

}  // namespace
}  // namespace reflow::graph::test
