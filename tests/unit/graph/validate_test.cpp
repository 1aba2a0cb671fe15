// Findings: what is wrong in a graph, all at once.
#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "graph/cycles.hpp"
#include "graph/validate.hpp"
#include "graph_helpers.hpp"

namespace reflow::graph::test {
namespace {

// Components: Source (out: integer), Map (in: any, out: any; config with path), Sink (in: string,
// required), Many (in: array), each with "error".
class Catalog : public ComponentCatalog {
public:
    Catalog() {
        integer_ = PortType::parse("integer").value();
        string_ = PortType::parse("string").value();
        schema_ = json(R"({"type":"object","properties":{"path":{"type":"string"},
            "size":{"type":"integer","minimum":1}},"additionalProperties":false})");
    }
    bool describe(std::string_view component, ComponentInfo& info) const override {
        ++asked[std::string(component)];
        if (component == "Source") {
            info.outports.push_back({"out", &integer_, false, false});
        } else if (component == "Map") {
            info.inports.push_back({"in", nullptr, false, false});
            info.outports.push_back({"Out", &any_, false, false});
            info.config_schema = schema_;
        } else if (component == "Sink") {
            info.inports.push_back({"in", &string_, true, false});
        } else if (component == "Many") {
            info.inports.push_back({"in", &any_, false, true});
            info.outports.push_back({"out", &any_, false, true});
        } else if (component == "Wide") {
            for (const auto& name : wide_) info.inports.push_back({name, &any_, true, false});
        } else {
            return false;
        }
        info.outports.push_back({"error", &any_, false, false});
        return true;
    }
    Vector<std::string_view> ids() const override {
        return {"Source", "Map", "Sink", "Many", "Wide"};
    }
    mutable std::map<std::string, int> asked;

private:
    PortType any_;
    PortType integer_;
    PortType string_;
    Message schema_;
    std::vector<std::string> wide_ = [] {
        std::vector<std::string> names;
        for (int i = 0; i < 100; ++i) names.push_back("In" + std::to_string(i));
        return names;
    }();
};

std::string listed(const Vector<Finding>& findings) {
    std::string text;
    for (const Finding& each : findings) {
        text += std::string(severity_name(each.severity)) + " " + std::string(each.code) + " [" +
                std::string(each.node) + "." + std::string(each.port) + "] " +
                std::string(each.path) + " | " + std::string(each.message) + " | " +
                std::string(each.hint) + "\n";
    }
    return text;
}

std::string check(std::string_view text, bool with_catalog = true) {
    Catalog catalog;
    return listed(validate(loaded(text), with_catalog ? &catalog : nullptr));
}

constexpr std::string_view name = R"("properties":{"name":"g"},)";

std::string document(std::string_view rest) {
    return "{" + std::string(name) + std::string(rest) + "}";
}

TEST(GraphValidate, NothingIsSaidOfAGoodGraph) {
    EXPECT_EQ(check(document(R"("processes":{"a":{"component":"Source"},"b":{"component":"Map",
        "metadata":{"path":"x","position":{"x":1,"y":2}}},"c":{"component":"Sink"}},"connections":[
        {"src":{"process":"a","port":"out"},"tgt":{"process":"b","port":"in"}},
        {"src":{"process":"b","port":"Out"},"tgt":{"process":"c","port":"in"}}])")),
              "");
}

TEST(GraphValidate, UnknownComponentsAreAskedForOnce) {
    Catalog catalog;
    auto findings = validate(loaded(document(R"("processes":{"a":{"component":"Sorce"},
        "b":{"component":"Sorce"},"c":{}})")),
                             &catalog);
    EXPECT_EQ(listed(findings),
              "error unknown-component [a.] $.processes.a.component | no component named 'Sorce' | "
              "did you mean 'Source'?\n"
              "error unknown-component [b.] $.processes.b.component | no component named 'Sorce' | "
              "did you mean 'Source'?\n"
              "error no-component [c.] $.processes.c | the node names no component | \n"
              "warning isolated-node [a.] $.processes.a | nothing is connected to the node | \n"
              "warning isolated-node [b.] $.processes.b | nothing is connected to the node | \n"
              "warning isolated-node [c.] $.processes.c | nothing is connected to the node | \n");
    EXPECT_EQ(catalog.asked["Sorce"], 1);
    EXPECT_EQ(findings[0].status, REFLOW_ERROR_NOT_FOUND);
}

TEST(GraphValidate, EndsOfConnectionsMustExist) {
    EXPECT_EQ(
        check(document(R"("processes":{"read":{"component":"Source"},"map":{"component":"Map"}},
        "connections":[
        {"src":{"process":"raed","port":"out"},"tgt":{"process":"map","port":"in"}},
        {"src":{"process":"read","port":"uot"},"tgt":{"process":"map","port":"inn"}},
        {"src":{"process":"read","port":"out"},"tgt":{"process":"map","port":""}},
        {"tgt":{"process":"map","port":"in"}},
        {"src":{"process":"read","port":"out"}}])")),
        "error unknown-node [raed.out] $.connections[0] | no node 'raed', which the connection "
        "raed.out -> map.in names | did you mean 'read'?\n"
        "error unknown-port [read.uot] $.connections[1] | Source has no outport 'uot', which "
        "the connection read.uot -> map.inn names | did you mean 'out'?\n"
        "error unknown-port [map.inn] $.connections[1] | Map has no inport 'inn', which the "
        "connection read.uot -> map.inn names | did you mean 'in'?\n"
        "error no-port [map.] $.connections[2] | the connection read.out -> map. names no "
        "inport | \n"
        "error no-source [.] $.connections[3] | the connection to map.in comes from "
        "nowhere | an initial "
        "packet has data, or \"initial\": true for null\n"
        "error no-target [.] $.connections[4] | the connection from read.out leads "
        "nowhere | \n");
}

TEST(GraphValidate, TypesMustFit) {
    EXPECT_EQ(
        check(document(R"("processes":{"a":{"component":"Source"},"c":{"component":"Sink"},
        "d":{"component":"Sink"}},"connections":[
        {"src":{"process":"a","port":"out"},"tgt":{"process":"c","port":"in"}},
        {"data":5,"tgt":{"process":"d","port":"in"}},
        {"data":"5","tgt":{"process":"d","port":"in"}},
        {"data":5,"tgt":{"process":"d","port":"no"}},
        {"data":5}])")),
        "error type-mismatch [c.in] $.connections[0] | a.out sends integer, c.in takes string | \n"
        "error type-mismatch [d.in] $.connections[1] | the initial packet is integer, d.in "
        "takes string | \n"
        "error unknown-port [d.no] $.connections[3] | Sink has no inport 'no', which the "
        "initial packet for d.no names | \n"
        "error no-target [.] $.connections[4] | an initial packet leads nowhere | \n");
}

TEST(GraphValidate, TypesOfTheDocumentCountWithoutComponents) {
    std::string_view text =
        R"("processes":{"a":{"component":"X"},"b":{"component":"Y"}},"connections":[
        {"from":{"nodeId":"a","portId":"o","portType":"boolean"},
         "to":{"nodeId":"b","portId":"i","portType":"string"}}])";
    EXPECT_EQ(
        check(document(text), false),
        "error type-mismatch [b.i] $.connections[0] | a.o sends boolean, b.i takes string | \n");
}

TEST(GraphValidate, RequiredPortsMustGetSomething) {
    const std::pair<const char*, bool> cases[] = {
        {R"("connections":[{"src":{"process":"m","port":"Out"},"tgt":{"process":"s","port":"in"}}])",
         true},
        {R"("connections":[{"data":"x","tgt":{"process":"s","port":"in"}}])", true},
        {R"("inports":{"x":{"process":"s","port":"in"}})", true},
        {R"("outports":{"x":{"process":"s","port":"error"}})", false},
        {R"("connections":[{"src":{"process":"s","port":"error"},"tgt":{"process":"m","port":"in"}}])",
         false},
    };
    for (auto [rest, fine] : cases) {
        std::string found =
            check(document(R"("processes":{"s":{"component":"Sink"},"m":{"component":"Map"}},)" +
                           std::string(rest)));
        EXPECT_EQ(found.find("required-port") == std::string::npos, fine) << rest << found;
    }
    EXPECT_EQ(check(document(R"("processes":{"s":{"component":"Sink"}})")),
              "error required-port [s.in] $.processes.s | required inport 'in' gets nothing: no "
              "connection, no initial packet | if the host feeds it, expose it as an inport of the "
              "graph\n");
}

TEST(GraphValidate, ComponentsWithManyPortsAreChecked) {
    std::string text = R"("processes":{"w":{"component":"Wide"}},"connections":[)";
    for (int i = 0; i < 99; ++i) {
        text += (i > 0 ? "," : "");
        text += R"({"data":1,"tgt":{"process":"w","port":"In)" + std::to_string(i) + "\"}}";
    }
    text += "]";
    EXPECT_EQ(
        check(document(text)),
        "error required-port [w.In99] $.processes.w | required inport 'In99' gets nothing: no "
        "connection, no initial packet | if the host feeds it, expose it as an inport of the "
        "graph\n");
    std::string folded = R"("caseSensitive":false,)" + text;
    EXPECT_EQ(check(document(folded)), check(document(text)));
}

TEST(GraphValidate, CaseCountsAsTheGraphSays) {
    std::string text =
        R"("processes":{"a":{"component":"Map"},"b":{"component":"Map"}},"connections":[
        {"src":{"process":"a","port":"out"},"tgt":{"process":"b","port":"IN"}}])";
    EXPECT_EQ(check(document(R"("caseSensitive":false,)" + text)), "");
    EXPECT_NE(check(document(text)).find("unknown-port"), std::string::npos);
}

TEST(GraphValidate, ConnectionsAreLookedAt) {
    EXPECT_EQ(
        check(document(
            R"("processes":{"a":{"component":"Map"},"b":{"component":"Many"}},"connections":[
        {"src":{"process":"a","port":"Out"},"tgt":{"process":"b","port":"in","index":0},"metadata":{"capacity":2147483648,"kind":"latst"}},
        {"src":{"process":"a","port":"Out"},"tgt":{"process":"b","port":"in"},"metadata":{"capacity":7,"kind":"latest"}},
        {"src":{"process":"a","port":"Out","index":3},"tgt":{"process":"b","port":"in","index":1},"metadata":{"kind":5}},
        {"src":{"process":"a","port":"Out"},"tgt":{"process":"b","port":"in","index":0}},
        {"src":{"process":"b","port":"out"},"tgt":{"process":"a","port":"in"},"speed":1}])")),
        "error bad-connection-setting [b.in] $.connections[0].metadata.capacity | the capacity "
        "of the connection a.Out -> b.in[0] is a whole number from 1 to 2147483647 | \n"
        "error bad-connection-setting [b.in] $.connections[0].metadata.kind | no kind of "
        "connection 'latst', which the connection a.Out -> b.in[0] names | did you mean 'latest'?\n"
        "error bad-connection-setting [b.in] $.connections[2].metadata.kind | the kind of the "
        "connection a.Out[3] -> b.in[1] is a string, not an integer | \n"
        "warning array-port-without-index [b.in] $.connections[1] | inport 'in' is an array, "
        "and the connection a.Out -> b.in has no index | \n"
        "warning index-of-plain-port [a.Out] $.connections[2] | port 'Out' is no array, and the "
        "connection a.Out[3] -> b.in[1] names its element 3 | \n"
        "warning unknown-key [.] $.connections[4].speed | unknown key 'speed' in the connection "
        "b.out -> a.in; "
        "it is kept | \n"
        "warning duplicate-connection [b.in] $.connections[3] | a.Out is connected to b.in[0] "
        "more than once; packets arrive as often | \n"
        "note cycle [a.] $.processes.a | cycle: a -> b -> a | \n");
}

TEST(GraphValidate, ExposedPortsMustExistAndFit) {
    EXPECT_EQ(check(document(R"("processes":{"a":{"component":"Source"},"s":{"component":"Sink"}},
        "inports":{"x":{"process":"s","port":"in","portType":"integer"},"y":{"process":"quux","port":"in"}},
        "outports":{"z":{"process":"a","port":"out","portType":"float"},"w":{"process":"a","port":"ot"}})")),
              "error unknown-node [quux.in] $.inports.y | no node 'quux', which exposed inport 'y' "
              "names | \n"
              "error unknown-port [a.ot] $.outports.w | Source has no outport 'ot', which exposed "
              "outport 'w' names | did you mean 'out'?\n"
              "warning exposed-type [s.in] $.inports.x | exposed port 'x' is integer, s.in is "
              "string | \n");
}

TEST(GraphValidate, ConfigurationsAreChecked) {
    Catalog catalog;
    auto findings = validate(loaded(document(R"("processes":{"a":{"component":"Map",
        "metadata":{"pth":"x","size":0,"label":"fine","path":3}}})")),
                             &catalog);
    EXPECT_EQ(
        listed(findings),
        "error bad-config [a.] $.processes.a.metadata.pth | unknown key 'pth' | did you "
        "mean 'path'?\n"
        "error bad-config [a.] $.processes.a.metadata.size | size: 0 is less than the minimum "
        "1 | \n"
        "error bad-config [a.] $.processes.a.metadata.path | path: expected a string, found an "
        "integer | \n");
    EXPECT_EQ(findings[0].status, REFLOW_ERROR_CONFIG);
}

TEST(GraphValidate, TheDocumentIsLookedAt) {
    EXPECT_EQ(
        check(R"({"conections":[],"caseSensitive":true,"groups":[{"id":"g","nodes":["a","zebra"]}],
        "processes":{"a":{"id":"b","component":"Source","colour":1}},"connections":[
        {"src":{"process":"a","port":"out"},"tgt":{"process":"a","port":"x"},"data":1}]})"),
        "error unknown-port [a.x] $.connections[0] | Source has no inport 'x', which the "
        "initial packet for a.x names | \n"
        "warning missing-name [.] $.properties | the graph has no name; it is called 'test' | "
        "give it one in properties.name\n"
        "warning id-differs [.] $.processes.a | the node is called 'a' by its key and 'b' by "
        "its 'id'; the key counts | \n"
        "warning unknown-key [.] $.conections | unknown key 'conections' in the document; it is "
        "kept | did you mean 'connections'?\n"
        "warning unknown-key [.] $.processes.a.colour | unknown key 'colour' in node 'a'; it is "
        "kept | \n"
        "warning initial-with-source [a.x] $.connections[0] | the initial packet for a.x "
        "names a source as well, which is not connected | \n"
        "warning group-unknown-node [.] $.groups[0].nodes[1] | no node 'zebra', which group 'g' "
        "names | \n");
}

TEST(GraphValidate, CyclesAreNotes) {
    std::string text = R"("processes":{)";
    for (char id : std::string("abcdef")) {
        text += std::string(id == 'a' ? "" : ",") + "\"" + id + R"(":{"component":"Map"})";
    }
    text += R"(},"connections":[)";
    bool first = true;
    for (std::string_view pair : {"ab", "bc", "cd", "da", "ca", "ef", "ff"}) {
        text += std::string(first ? "" : ",") + R"({"src":{"process":")" + pair[0] +
                R"(","port":"Out"},"tgt":{"process":")" + pair[1] + R"(","port":"in"}})";
        first = false;
    }
    EXPECT_EQ(check(document(text + "]")),
              "note cycle [a.] $.processes.a | cycle: a -> b -> c -> a; 4 nodes in all reach each "
              "other | \n"
              "note cycle [f.] $.processes.f | cycle: f -> f | \n");
}

// Whether b can be reached from a by at least one arc, by trying all.
bool reaches(std::uint32_t count, const Vector<Arc>& arcs, std::uint32_t a, std::uint32_t b) {
    std::vector<bool> seen(count, false);
    std::vector<std::uint32_t> todo{a};
    while (!todo.empty()) {
        std::uint32_t node = todo.back();
        todo.pop_back();
        for (const Arc& arc : arcs) {
            if (arc.from != node) continue;
            if (arc.to == b) return true;
            if (!seen[arc.to]) {
                seen[arc.to] = true;
                todo.push_back(arc.to);
            }
        }
    }
    return false;
}

TEST(GraphValidate, ComponentsOfRandomGraphsAreThoseOfReachability) {
    for (std::uint64_t seed = 1; seed <= 200; ++seed) {
        Random random(seed);
        auto count = static_cast<std::uint32_t>(1 + random.below(12));
        Vector<Arc> arcs;
        for (std::size_t i = random.below(2U * count); i > 0; --i) {
            arcs.push_back({static_cast<std::uint32_t>(random.below(count)),
                            static_cast<std::uint32_t>(random.below(count))});
        }
        Adjacency graph = adjacency(count, arcs);
        Vector<std::uint32_t> component = strong_components(graph);
        std::size_t cyclic = 0;
        for (std::uint32_t a = 0; a < count; ++a) {
            bool first = true;
            for (std::uint32_t b = 0; b < count; ++b) {
                bool both = a == b || (reaches(count, arcs, a, b) && reaches(count, arcs, b, a));
                ASSERT_EQ(component[a] == component[b], both) << seed;
                if (both && b < a) first = false;
            }
            if (first && reaches(count, arcs, a, a)) ++cyclic;
        }
        auto found = cycles(graph);
        ASSERT_EQ(found.size(), cyclic) << seed;
        for (const Cycle& cycle : found) {
            for (std::size_t i = 0; i < cycle.nodes.size(); ++i) {
                std::uint32_t next = cycle.nodes[(i + 1) % cycle.nodes.size()];
                auto of = graph.of(cycle.nodes[i]);
                ASSERT_NE(std::find(of.begin(), of.end(), next), of.end()) << seed;
            }
        }
    }
}

TEST(GraphValidate, TheFirstErrorTellsOfTheOthers) {
    Catalog catalog;
    auto findings = validate(loaded(document(R"("processes":{"a":{"component":"Sorce"},
        "b":{"component":"Sink"}})")),
                             &catalog);
    auto result = first_error(findings);
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.error().status, REFLOW_ERROR_NOT_FOUND);
    EXPECT_EQ(result.error().describe(),
              "node 'a': no component named 'Sorce' at $.processes.a.component (did you mean "
              "'Source'?): there is 1 error more in the graph");
    EXPECT_TRUE(first_error({}).ok());
    auto message = to_message(findings);
    ASSERT_TRUE(message.ok());
    EXPECT_EQ(text_of(message.value().at(0)),
              R"({"severity":"error","code":"unknown-component","message":"no component named )"
              R"('Sorce'","hint":"did you mean 'Source'?","node":"a","port":"","path":)"
              R"("$.processes.a.component","file":""})");
}

TEST(GraphValidate, ManyMistakesAreFoundQuickly) {
    constexpr int count = 20'000;
    std::string text = R"("processes":{)";
    for (int i = 0; i < count; ++i) {
        text += (i ? ",\"node" : "\"node") + std::to_string(i) + R"(":{"component":"Nix"})";
    }
    text += R"(},"connections":[)";
    for (int i = 0; i < count; ++i) {
        text += (i ? "," : "");
        text += R"({"src":{"process":"nod)" + std::to_string(i) +
                R"(","port":"o"},"tgt":{"process":"x","port":"i"}})";
    }
    Catalog catalog;
    auto findings = validate(loaded(document(text + "]")), &catalog);
    EXPECT_EQ(std::count_if(findings.begin(), findings.end(),
                            [](auto& each) { return each.code == "unknown-node"; }),
              2 * count);
}

}  // namespace
}  // namespace reflow::graph::test
