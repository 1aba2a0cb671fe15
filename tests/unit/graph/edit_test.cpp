// Edits of a graph: what they do, what they refuse, and that a refusal changes nothing.
#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "graph/graph.hpp"
#include "graph_helpers.hpp"

namespace reflow::graph::test {
namespace {

Graph small() {
    Graph graph("small");
    EXPECT_TRUE(graph.add_node("a", "Source", {}).ok());
    EXPECT_TRUE(graph.add_node("b", "Map", json(R"({"expr":"x"})")).ok());
    EXPECT_TRUE(graph.add_node("c", "Log", {}).ok());
    EXPECT_TRUE(graph.connect({"a", "out"}, {"b", "in"}, {}).ok());
    EXPECT_TRUE(graph.connect({"b", "out"}, {"c", "in"}, json(R"({"capacity":3})")).ok());
    EXPECT_TRUE(graph.add_initial({"b", "in"}, Message::integer(1)).ok());
    EXPECT_TRUE(graph.add_inport("start", {"a", "go"}, {}).ok());
    EXPECT_TRUE(graph.add_outport("end", {"c", "out"}, PortType::parse("integer").value()).ok());
    std::array<std::string_view, 2> members{"a", "b"};
    EXPECT_TRUE(graph.add_group("g", members).ok());
    return graph;
}

// Runs an edit that must be refused with this status and leave the graph as it was.
template <typename Edit>
void refused(Graph& graph, reflow_status status, std::string_view words, Edit edit) {
    std::string before = saved(graph);
    Result<void> result = edit(graph);
    ASSERT_FALSE(result.ok()) << words;
    EXPECT_EQ(result.error().status, status) << result.error().describe();
    EXPECT_NE(std::string_view(result.error().describe()).find(words), std::string_view::npos)
        << result.error().describe();
    EXPECT_EQ(saved(graph), before);
}

TEST(GraphEdit, AnEmptyGraphHasItsNameAndNothingElse) {
    Graph graph("one");
    EXPECT_EQ(graph.name(), "one");
    EXPECT_TRUE(graph.case_sensitive());
    EXPECT_EQ(graph.node_count() + graph.connection_count() + graph.initial_count(), 0U);
    EXPECT_EQ(text_of(graph.properties()), R"({"name":"one"})");
}

TEST(GraphEdit, LookupsSeeWhatWasAdded) {
    Graph graph = small();
    EXPECT_EQ(graph.node_count(), 3U);
    EXPECT_EQ(graph.connection_count(), 2U);
    EXPECT_EQ(graph.initial_count(), 1U);
    EXPECT_EQ(graph.find_node("b")->component, "Map");
    EXPECT_EQ(text_of(graph.find_node("b")->metadata), R"({"expr":"x"})");
    EXPECT_FALSE(graph.find_node("z"));
    EXPECT_TRUE(graph.has_connection({"a", "out"}, {"b", "in"}));
    EXPECT_FALSE(graph.has_connection({"a", "out"}, {"b", "in", 0}));
    EXPECT_EQ(graph.degree("b").in, 1U);
    EXPECT_EQ(graph.degree("b").out, 1U);
}

TEST(GraphEdit, RemovingANodeTakesEverythingThatMentionsIt) {
    Graph graph = small();
    ASSERT_TRUE(graph.remove_node("b").ok());
    View view = graph.view();
    EXPECT_EQ(view.nodes.size(), 2U);
    EXPECT_EQ(view.connections.size(), 0U);
    EXPECT_EQ(view.initials.size(), 0U);
    ASSERT_EQ(view.groups.size(), 1U);
    EXPECT_EQ(view.groups[0].nodes, Vector<std::string_view>{"a"});
    ASSERT_TRUE(graph.remove_node("a").ok());
    EXPECT_EQ(graph.view().groups.size(), 0U) << "a group that became empty is removed";
    EXPECT_EQ(graph.view().inports.size(), 0U);
    EXPECT_EQ(graph.view().outports.size(), 1U);
}

TEST(GraphEdit, ARemovedConnectionCanBeAddedAgain) {
    Graph graph = small();
    ASSERT_TRUE(graph.disconnect({"a", "out"}, {"b", "in"}).ok());
    EXPECT_FALSE(graph.has_connection({"a", "out"}, {"b", "in"}));
    EXPECT_TRUE(graph.has_connection({"b", "out"}, {"c", "in"}));
    ASSERT_TRUE(graph.connect({"a", "out"}, {"b", "in"}, {}).ok());
    EXPECT_EQ(graph.view().connections[1].from.node, "a");
}

TEST(GraphEdit, ARenamedNodeKeepsEverything) {
    Graph graph = small();
    ASSERT_TRUE(graph.rename_node("b", "middle").ok());
    EXPECT_FALSE(graph.find_node("b"));
    EXPECT_EQ(graph.find_node("middle")->component, "Map");
    EXPECT_TRUE(graph.has_connection({"a", "out"}, {"middle", "in"}));
    EXPECT_TRUE(graph.has_connection({"middle", "out"}, {"c", "in"}));
    View view = graph.view();
    EXPECT_EQ(view.initials[0].to.node, "middle");
    EXPECT_EQ(view.groups[0].nodes[1], "middle");
    EXPECT_EQ(view.nodes[1].id, "middle") << "the place among the nodes stays";
    ASSERT_TRUE(graph.rename_node("middle", "middle").ok());
    ASSERT_TRUE(graph.add_node("b", "Other", {}).ok());
    EXPECT_EQ(graph.degree("b").in, 0U) << "the old id is free";
}

TEST(GraphEdit, RenamingTakesOverWhatMentionedTheNewIdInVain) {
    Graph graph = loaded(R"({"processes":{"a":{"component":"A"},"b":{"component":"B"}},
        "connections":[{"from":{"nodeId":"b","portId":"o"},"to":{"nodeId":"new","portId":"i"}},
                       {"from":{"nodeId":"b","portId":"o"},"to":{"nodeId":"a","portId":"i"}}],
        "groups":[{"id":"g","nodes":["new","a"]}]})");
    EXPECT_EQ(graph.view().connections[0].to.position, nowhere);
    ASSERT_TRUE(graph.rename_node("a", "new").ok());
    EXPECT_EQ(graph.degree("new").in, 2U);
    ASSERT_TRUE(graph.disconnect({"b", "o"}, {"new", "i"}).ok());
    ASSERT_TRUE(graph.disconnect({"b", "o"}, {"new", "i"}).ok());
    EXPECT_EQ(graph.connection_count(), 0U);
    ASSERT_TRUE(graph.remove_node("new").ok());
    EXPECT_EQ(graph.view().groups.size(), 0U);
}

TEST(GraphEdit, ANodeAddedLaterIsTheOneThatConnectionsMeant) {
    Graph graph = loaded(R"({"processes":{"b":{"component":"B"}},
        "connections":[{"from":{"nodeId":"b","portId":"o"},"to":{"nodeId":"late","portId":"i"}}]})");
    ASSERT_TRUE(graph.add_node("late", "L", {}).ok());
    EXPECT_EQ(graph.view().connections[0].to.position, 1U);
    EXPECT_EQ(graph.degree("late").in, 1U);
}

TEST(GraphEdit, TextsHaveAZeroBehindThem) {
    Graph graph = small();
    View view = graph.view();
    auto ends = [](std::string_view text) { return text.data()[text.size()] == 0; };
    for (const NodeItem& node : view.nodes) {
        EXPECT_TRUE(ends(node.id) && ends(node.component)) << node.id;
    }
    for (const ConnectionItem& item : view.connections) {
        EXPECT_TRUE(ends(item.from.node) && ends(item.from.port) && ends(item.to.port));
    }
    EXPECT_TRUE(ends(graph.find_node("a")->id));
}

// So many that the graph goes over from walking along a node's connections to an index of them.
TEST(GraphEdit, TwoNodesMayHaveManyConnections) {
    Graph graph = loaded(R"({"processes":{"a":{"component":"A"},"b":{"component":"B"}}})");
    constexpr std::uint32_t count = 1000;
    std::string target = "b";
    auto from = [](std::uint32_t i) { return Endpoint{"a", i % 2 == 0 ? "x" : "y", i / 2}; };
    auto to = [&](std::uint32_t i) { return Endpoint{target, "in", i}; };
    for (std::uint32_t i = 0; i < count; ++i) {
        ASSERT_TRUE(graph.connect(from(i), to(i), {}).ok()) << i;
        ASSERT_FALSE(graph.connect(from(i / 2), to(i / 2), {}).ok()) << i;
    }
    std::vector<bool> there(count, true);
    for (std::uint32_t step = 0; step < count; ++step) {
        std::uint32_t i = step * 7 % count;
        if (step == count / 2) {
            target = "c";
            ASSERT_TRUE(graph.rename_node("b", target).ok());
        }
        ASSERT_EQ(graph.has_connection(from(i), to(i)), there[i]) << i;
        ASSERT_FALSE(graph.has_connection(from(i), to((i + 1) % count))) << i;
        if (step % 3 == 0) continue;
        ASSERT_TRUE(graph.disconnect(from(i), to(i)).ok()) << i;
        ASSERT_FALSE(graph.disconnect(from(i), to(i)).ok()) << i;
        there[i] = false;
    }
    auto left = static_cast<std::size_t>(std::count(there.begin(), there.end(), true));
    EXPECT_EQ(graph.connection_count(), left);
    EXPECT_EQ(graph.degree("c").in, left);
    EXPECT_EQ(graph.degree("a").out, left);
    for (std::uint32_t i = 0; i < count; ++i) {
        ASSERT_EQ(graph.has_connection(from(i), to(i)), there[i]) << i;
    }
}

TEST(GraphEdit, TheOrderOfTheDocumentOutlivesRemovals) {
    Graph graph = loaded(R"({"processes":{"a":{"component":"A"}}})");
    constexpr std::uint32_t count = 600;
    for (std::uint32_t i = 0; i < count; ++i) {
        if (i % 5 < 2) {
            ASSERT_TRUE(graph.add_initial({"a", "in", i}, Message::integer(i)).ok());
        } else {
            ASSERT_TRUE(graph.connect({"a", "out", i}, {"a", "in", i}, {}).ok());
        }
    }
    for (std::uint32_t i = 0; i < count; ++i) {
        if (i % 5 == 1) {
            ASSERT_TRUE(graph.remove_initials({"a", "in", i}).ok());
        }
        if (i % 5 == 3) {
            ASSERT_TRUE(graph.disconnect({"a", "out", i}, {"a", "in", i}).ok());
        }
    }
    ASSERT_TRUE(graph.add_initial({"a", "in", count}, Message::null()).ok());
    ASSERT_TRUE(graph.connect({"a", "out", count + 1}, {"a", "in"}, {}).ok());
    View view = graph.view();
    std::vector<std::uint32_t> found;
    for (const View::Entry& entry : view.document_order()) {
        found.push_back(entry.initial ? view.initials[entry.position].to.index
                                      : view.connections[entry.position].from.index);
    }
    std::vector<std::uint32_t> expected;
    for (std::uint32_t i = 0; i < count + 2; ++i) {
        if (i >= count || (i % 5 != 1 && i % 5 != 3)) expected.push_back(i);
    }
    EXPECT_EQ(found, expected);
}

TEST(GraphEdit, RefusalsOfNodesChangeNothing) {
    Graph graph = small();
    refused(graph, REFLOW_ERROR_ALREADY_EXISTS, "there is a node 'a' already",
            [](Graph& g) { return g.add_node("a", "X", {}); });
    refused(graph, REFLOW_ERROR_INVALID_ARGUMENT, "the id of a node is empty",
            [](Graph& g) { return g.add_node("", "X", {}); });
    refused(graph, REFLOW_ERROR_INVALID_ARGUMENT, "the component of a node is empty",
            [](Graph& g) { return g.add_node("d", "", {}); });
    refused(graph, REFLOW_ERROR_WRONG_KIND, "an object or null",
            [](Graph& g) { return g.add_node("d", "X", Message::integer(1)); });
    refused(graph, REFLOW_ERROR_NOT_FOUND, "no node 'z'",
            [](Graph& g) { return g.remove_node("z"); });
    refused(graph, REFLOW_ERROR_NOT_FOUND, "no node 'z'",
            [](Graph& g) { return g.rename_node("z", "y"); });
    refused(graph, REFLOW_ERROR_ALREADY_EXISTS, "there is a node 'b' already",
            [](Graph& g) { return g.rename_node("a", "b"); });
    refused(graph, REFLOW_ERROR_NOT_FOUND, "no node 'z'",
            [](Graph& g) { return g.set_component("z", "Y"); });
    refused(graph, REFLOW_ERROR_NOT_FOUND, "no node 'z'",
            [](Graph& g) { return g.set_metadata("z", {}); });
    refused(graph, REFLOW_ERROR_WRONG_KIND, "an object or null",
            [](Graph& g) { return g.set_metadata("a", Message::boolean(true)); });
}

TEST(GraphEdit, RefusalsOfConnectionsChangeNothing) {
    Graph graph = small();
    refused(graph, REFLOW_ERROR_ALREADY_EXISTS, "a.out is connected to b.in already", [](Graph& g) {
        return g.connect({"a", "out"}, {"b", "in"}, {});
    });
    refused(graph, REFLOW_ERROR_NOT_FOUND, "no node 'z'", [](Graph& g) {
        return g.connect({"a", "out"}, {"z", "in"}, {});
    });
    refused(graph, REFLOW_ERROR_INVALID_ARGUMENT, "is empty", [](Graph& g) {
        return g.connect({"a", ""}, {"b", "in"}, {});
    });
    refused(graph, REFLOW_ERROR_WRONG_KIND, "metadata of a connection", [](Graph& g) {
        return g.connect({"a", "o"}, {"b", "in"}, Message::integer(1));
    });
    refused(graph, REFLOW_ERROR_NOT_FOUND, "no connection from a.out to c.in", [](Graph& g) {
        return g.disconnect({"a", "out"}, {"c", "in"});
    });
    refused(graph, REFLOW_ERROR_INVALID_ARGUMENT, "is none", [](Graph& g) {
        return g.add_initial({"a", "in"}, {});
    });
    refused(graph, REFLOW_ERROR_NOT_FOUND, "no node 'z'", [](Graph& g) {
        return g.add_initial({"z", "in"}, Message::null());
    });
    refused(graph, REFLOW_ERROR_NOT_FOUND, "no initial packet for c.in", [](Graph& g) {
        return g.remove_initials({"c", "in"});
    });
}

TEST(GraphEdit, RefusalsOfPortsAndGroupsChangeNothing) {
    Graph graph = small();
    refused(graph, REFLOW_ERROR_ALREADY_EXISTS, "there is an inport 'start' already", [](Graph& g) {
        return g.add_inport("start", {"b", "in"}, {});
    });
    refused(graph, REFLOW_ERROR_NOT_FOUND, "no node 'z'", [](Graph& g) {
        return g.add_outport("more", {"z", "out"}, {});
    });
    refused(graph, REFLOW_ERROR_NOT_FOUND, "did you mean 'start'?",
            [](Graph& g) { return g.remove_inport("strat"); });
    refused(graph, REFLOW_ERROR_NOT_FOUND, "no exposed outport 'start'",
            [](Graph& g) { return g.remove_outport("start"); });
    std::array<std::string_view, 2> members{"a", "z"};
    refused(graph, REFLOW_ERROR_NOT_FOUND, "no node 'z'",
            [&](Graph& g) { return g.add_group("h", members); });
    refused(graph, REFLOW_ERROR_ALREADY_EXISTS, "there is a group 'g' already",
            [&](Graph& g) { return g.add_group("g", {}); });
    refused(graph, REFLOW_ERROR_NOT_FOUND, "no group 'h'",
            [](Graph& g) { return g.remove_group("h"); });
    refused(graph, REFLOW_ERROR_ALREADY_EXISTS, "has node 'a' already",
            [](Graph& g) { return g.add_to_group("g", "a"); });
    refused(graph, REFLOW_ERROR_NOT_FOUND, "no node 'c' in group 'g'",
            [](Graph& g) { return g.remove_from_group("g", "c"); });
    refused(graph, REFLOW_ERROR_WRONG_KIND, "the name of a graph is a string",
            [](Graph& g) { return g.set_property("name", {}); });
}

TEST(GraphEdit, AnUnknownNodeGetsAHint) {
    Graph graph("g");
    ASSERT_TRUE(graph.add_node("by_month", "X", {}).ok());
    EXPECT_EQ(graph.remove_node("by_mont").error().hint, "did you mean 'by_month'?");
}

TEST(GraphEdit, InitialPacketsOfAPortKeepTheirOrder) {
    Graph graph("g");
    ASSERT_TRUE(graph.add_node("a", "X", {}).ok());
    for (int i = 0; i < 3; ++i) {
        ASSERT_TRUE(graph.add_initial({"a", "in"}, Message::integer(i)).ok());
    }
    ASSERT_TRUE(graph.add_initial({"a", "in", 1}, Message::integer(3)).ok());
    ASSERT_TRUE(graph.add_initial({"a", "other"}, Message::integer(4)).ok());
    View view = graph.view();
    for (std::size_t i = 0; i < 5; ++i) {
        EXPECT_EQ(view.initials[i].data.integer(), static_cast<std::int64_t>(i));
    }
    ASSERT_TRUE(graph.remove_initials({"a", "in", 1}).ok());
    EXPECT_EQ(graph.initial_count(), 4U);
    ASSERT_TRUE(graph.remove_initials({"a", "in"}).ok());
    EXPECT_EQ(graph.initial_count(), 1U);
}

TEST(GraphEdit, PortNamesAreFoldedIfCaseDoesNotCount) {
    Graph graph("g", false);
    ASSERT_TRUE(graph.add_node("A", "X", {}).ok());
    ASSERT_TRUE(graph.connect({"A", "Out"}, {"A", "In"}, {}).ok());
    ASSERT_TRUE(graph.add_inport("Start", {"A", "IN"}, {}).ok());
    View view = graph.view();
    EXPECT_EQ(view.connections[0].from.port, "out");
    EXPECT_EQ(view.inports[0].name, "start");
    EXPECT_EQ(view.inports[0].edge.port, "in");
    EXPECT_EQ(view.nodes[0].id, "A") << "ids are never changed";
    EXPECT_TRUE(graph.has_connection({"A", "OUT"}, {"A", "iN"}));
    EXPECT_FALSE(graph.connect({"A", "oUT"}, {"A", "in"}, {}).ok());
    EXPECT_TRUE(graph.remove_inport("START").ok());
}

TEST(GraphEdit, PropertiesAreSetAndRemoved) {
    Graph graph("g");
    ASSERT_TRUE(graph.set_property("description", Message::string("d")).ok());
    ASSERT_TRUE(graph.set_property("name", Message::string("h")).ok());
    EXPECT_EQ(graph.name(), "h");
    EXPECT_EQ(text_of(graph.properties()), R"({"name":"h","description":"d"})");
    ASSERT_TRUE(graph.set_property("description", {}).ok());
    EXPECT_EQ(text_of(graph.properties()), R"({"name":"h"})");
}

TEST(GraphEdit, ACopySharesNothingThatChanges) {
    Graph graph = small();
    Graph copy = graph;
    EXPECT_TRUE(equal(graph, copy));
    ASSERT_TRUE(copy.rename_node("a", "x").ok());
    ASSERT_TRUE(copy.set_config_value("b", "expr", Message::string("y")).ok());
    ASSERT_TRUE(copy.remove_outport("end").ok());
    EXPECT_FALSE(equal(graph, copy));
    EXPECT_TRUE(equal(graph, small()));
}

struct ConfigCase {
    const char* before;
    const char* key;
    const char* value;  // NULL: removes
    const char* after;  // NULL: refused
};

TEST(GraphEdit, OneConfigurationValueIsSetByItsPath) {
    const ConfigCase cases[] = {
        {"null", "a", "1", R"({"a":1})"},
        {R"({"a":1})", "a", "2", R"({"a":2})"},
        {R"({"a":1,"b":2})", "c.d.e", "true", R"({"a":1,"b":2,"c":{"d":{"e":true}}})"},
        {R"({"a":null})", "a.b", "1", R"({"a":{"b":1}})"},
        {R"({"r":[{"w":1},{"w":2}]})", "r.1.w", "3", R"({"r":[{"w":1},{"w":3}]})"},
        {R"({"r":[1,2]})", "r.2", "3", R"({"r":[1,2,3]})"},
        {R"({"r":[1,2]})", "r.2.x", "3", R"({"r":[1,2,{"x":3}]})"},
        {R"({"r":[1,2,3]})", "r.1", nullptr, R"({"r":[1,3]})"},
        {R"({"a":{"b":1,"c":2}})", "a.b", nullptr, R"({"a":{"c":2}})"},
        {R"({"a":1})", "a", nullptr, "{}"},
        {R"({"a":1})", "a", "null", R"({"a":null})"},
        {R"({"r":[1,2]})", "r.3", "3", nullptr},
        {R"({"r":[1,2]})", "r.x", "3", nullptr},
        {R"({"r":[1,2]})", "r.01", "3", nullptr},
        {R"({"r":[1,2]})", "r.-1", "3", nullptr},
        {R"({"a":1})", "a.b", "3", nullptr},
        {R"({"a":"t"})", "a.b.c", "3", nullptr},
        {R"({"a":1})", "b", nullptr, nullptr},
        {R"({"r":[1]})", "r.1", nullptr, nullptr},
        {R"({"a":1})", "", "1", nullptr},
        {R"({"a":1})", "a..b", "1", nullptr},
        {R"({"a":1})", "b.", "1", nullptr},
    };
    for (const ConfigCase& each : cases) {
        Graph graph("g");
        ASSERT_TRUE(graph.add_node("n", "X", json(each.before)).ok());
        auto result =
            graph.set_config_value("n", each.key, each.value ? json(each.value) : Message());
        EXPECT_EQ(result.ok(), each.after != nullptr) << each.before << " " << each.key;
        if (!result.ok()) {
            EXPECT_EQ(result.error().status, REFLOW_ERROR_NOT_FOUND);
            EXPECT_EQ(result.error().node, "n");
        }
        EXPECT_EQ(text_of(graph.find_node("n")->metadata),
                  text_of(json(each.after ? each.after : each.before)))
            << each.key;
    }
}

TEST(GraphEdit, AConfigurationPathHasALimit) {
    Graph graph("g");
    ASSERT_TRUE(graph.add_node("n", "X", {}).ok());
    std::string key = "k";
    for (int i = 0; i < 1000; ++i) key += ".k";
    auto result = graph.set_config_value("n", key, Message::integer(1));
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.error().status, REFLOW_ERROR_LIMIT);
    EXPECT_TRUE(graph.find_node("n")->metadata.is(REFLOW_KIND_NULL));
}

TEST(GraphEdit, ManyIdenticalConnectionsAreNoTrouble) {
    constexpr std::size_t count = 50'000;
    std::string document =
        R"({"processes":{"a":{"component":"A"},"b":{"component":"B"}},"connections":[)";
    for (std::size_t i = 0; i < count; ++i) {
        document += i == 0 ? "" : ",";
        document += R"({"from":{"nodeId":"a","portId":"o"},"to":{"nodeId":"b","portId":"i"}})";
    }
    Graph graph = loaded(document + "]}");
    EXPECT_EQ(graph.connection_count(), count);
    ASSERT_TRUE(graph.disconnect({"a", "o"}, {"b", "i"}).ok());
    EXPECT_EQ(graph.connection_count(), count - 1);
    ASSERT_TRUE(graph.remove_node("a").ok());
    EXPECT_EQ(graph.connection_count(), 0U);
}

}  // namespace
}  // namespace reflow::graph::test
