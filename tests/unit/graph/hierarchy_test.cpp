// Graphs with subgraphs laid flat: the same nodes and connections as the graph written flat.
#include "graph/hierarchy.hpp"

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "graph_helpers.hpp"

namespace reflow::graph::test {
namespace {

// A graph as a test writes it, and what it holds.
struct Sheet {
    std::string id;
    Sheet* parent = nullptr;
    std::vector<std::unique_ptr<Sheet>> inner;
    std::vector<std::string> leaves;
    std::vector<std::string> inports;  // "name":{end}
    std::vector<std::string> outports;
    std::vector<std::string> connections;

    [[nodiscard]] std::string path() const {
        if (parent == nullptr) return "";
        return parent->path() + id + "/";
    }
    [[nodiscard]] std::string document() const {
        std::string nodes;
        for (const std::string& leaf : leaves) {
            nodes += (nodes.empty() ? "" : ",") + ("\"" + leaf + R"(":{"component":"Any"})");
        }
        for (const auto& sheet : inner) {
            nodes += (nodes.empty() ? "" : ",") + ("\"" + sheet->id) +
                     R"(":{"metadata":{"componentSpec":{"type":"subgraph","graph":)" +
                     sheet->document() + "}}}";
        }
        auto joined = [](const std::vector<std::string>& parts) {
            std::string text;
            for (const std::string& part : parts) text += (text.empty() ? "" : ",") + part;
            return text;
        };
        return R"({"properties":{"name":"g"},"processes":{)" + nodes + R"(},"inports":{)" +
               joined(inports) + R"(},"outports":{)" + joined(outports) + R"(},"connections":[)" +
               joined(connections) + "]}";
    }
};

std::string end_text(const std::string& node, const std::string& port) {
    return R"({"nodeId":")" + node + R"(","portId":")" + port + "\"}";
}

struct Leaf {
    Sheet* sheet;
    std::string id;
    [[nodiscard]] std::string path() const { return sheet->path() + id; }
};

struct Generated {
    Sheet root;
    std::vector<Leaf> leaves;
    std::vector<std::string> connections;  // as shown() tells those of a flat graph

    explicit Generated(std::uint64_t seed) {
        Random random(seed);
        std::vector<Sheet*> sheets{&root};
        for (int i = 0; i < 12; ++i) {
            Sheet* parent = sheets[random.below(sheets.size())];
            auto made = std::make_unique<Sheet>();
            made->id = "s" + std::to_string(i);
            made->parent = parent;
            sheets.push_back(made.get());
            parent->inner.push_back(std::move(made));
        }
        for (int i = 0; i < 20; ++i) {
            Leaf leaf{sheets[random.below(sheets.size())], "n" + std::to_string(i)};
            leaf.sheet->leaves.push_back(leaf.id);
            leaves.push_back(leaf);
        }
        for (int i = 0; i < 40; ++i) {
            connect(leaves[random.below(leaves.size())], leaves[random.below(leaves.size())], i);
        }
    }

    // Up to the sheet that holds both, by a port exposed at each level.
    void connect(const Leaf& from, const Leaf& to, int number) {
        std::vector<Sheet*> above;
        for (Sheet* at = from.sheet; at != nullptr; at = at->parent) above.push_back(at);
        Sheet* common = to.sheet;
        while (std::find(above.begin(), above.end(), common) == above.end()) {
            common = common->parent;
        }
        auto raised = [&](const Leaf& leaf, std::string port, bool in) {
            std::string node = leaf.id;
            for (Sheet* at = leaf.sheet; at != common; at = at->parent) {
                std::string name = (in ? "i" : "o") + std::to_string(number);
                (in ? at->inports : at->outports)
                    .push_back("\"" + name + "\":" + end_text(node, port));
                node = at->id;
                port = name;
            }
            return end_text(node, port);
        };
        common->connections.push_back(R"({"from":)" + raised(from, "out", false) + R"(,"to":)" +
                                      raised(to, "in", true) + R"(,"metadata":{"capacity":)" +
                                      std::to_string(number + 1) + "}}");
        connections.push_back(from.path() + ".out>" + to.path() + ".in/" +
                              std::to_string(number + 1));
    }
};

std::vector<std::string> shown(const Flat& flat) {
    std::vector<std::string> list;
    for (const ConnectionItem& each : flat.connections) {
        EXPECT_EQ(flat.nodes[each.from.position].id, each.from.node);
        EXPECT_EQ(flat.nodes[each.to.position].id, each.to.node);
        list.push_back(std::string(each.from.node) + "." + std::string(each.from.port) + ">" +
                       std::string(each.to.node) + "." + std::string(each.to.port) + "/" +
                       std::to_string(each.metadata.get("capacity").integer()));
    }
    std::sort(list.begin(), list.end());
    return list;
}

TEST(GraphHierarchy, IsTheFlatGraph) {
    for (std::uint64_t seed = 1; seed <= 200; ++seed) {
        Generated made(seed);
        Graph graph = loaded(made.root.document());
        Hierarchy hierarchy(graph, nullptr, nullptr);
        for (const Finding& each : hierarchy.take_findings()) {
            ASSERT_NE(each.severity, Severity::error) << each.message;
        }
        auto flat = hierarchy.flatten(made.leaves.size());
        ASSERT_TRUE(flat.ok()) << flat.error().describe();
        std::vector<std::string> expected, found;
        for (const Leaf& leaf : made.leaves) expected.push_back(leaf.path());
        for (const NodeItem& node : flat.value().nodes) found.emplace_back(node.id);
        std::sort(expected.begin(), expected.end());
        std::sort(found.begin(), found.end());
        EXPECT_EQ(found, expected);
        std::sort(made.connections.begin(), made.connections.end());
        EXPECT_EQ(shown(flat.value()), made.connections) << made.root.document();
        EXPECT_FALSE(Hierarchy(graph, nullptr, nullptr).flatten(made.leaves.size() - 1).ok());
        EXPECT_EQ(saved(loaded(saved(graph))), saved(graph));
    }
}

// Ends count, not only nodes: 2^20 ways through twenty small graphs to one port.
TEST(GraphHierarchy, EndsAreLimited) {
    std::string text = R"({"inports":{"in":{"nodeId":"n","portId":"in"}},
        "processes":{"n":{"component":"Any"}}})";
    for (int i = 0; i < 20; ++i) {
        std::string end = end_text("s", "in");
        text = R"({"inports":{"in":[)" + end + "," + end + R"(]},"processes":{"s":{"metadata":{
            "componentSpec":{"type":"subgraph","graph":)" +
               text + "}}}}}";
    }
    Graph graph = loaded(text);
    auto findings = Hierarchy(graph, nullptr, nullptr).take_findings();
    ASSERT_FALSE(findings.empty());
    // From the first level that is beyond the limit on, outwards: 2^17.
    std::size_t count = 0;
    for (const Finding& each : findings) count += each.code == "subgraph-size";
    EXPECT_EQ(count, 4u);
    EXPECT_EQ(findings[0].status, REFLOW_ERROR_LIMIT);
    EXPECT_EQ(findings[0].path, "$.inports.in");
}

TEST(GraphHierarchy, Paths) {
    EXPECT_EQ(resolve_path("a/b", "../c"), "a/c");
    EXPECT_EQ(resolve_path("", "x"), "x");
    EXPECT_EQ(resolve_path(".", "./x//y"), "x/y");
    EXPECT_EQ(resolve_path("/a", "../../x"), "/x");
    EXPECT_EQ(resolve_path("..", "../x"), "../../x");
    EXPECT_EQ(resolve_path("a", "/b/../c"), "/c");
    EXPECT_EQ(resolve_path("a", "../../b"), "../b");
}

}  // namespace
}  // namespace reflow::graph::test
