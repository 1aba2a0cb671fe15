// Documents of graphs: the complete format, what is also accepted, and errors with their places.
#include <fstream>
#include <iterator>
#include <limits>

#include "graph/load.hpp"
#include "graph/validate.hpp"
#include "graph_helpers.hpp"

namespace reflow::graph::test {
namespace {

std::string file(const std::string& name) {
    std::ifstream in(std::string(REFLOW_SOURCE_DIR) + "/tests/unit/graph/" + name,
                     std::ios::binary);
    EXPECT_TRUE(in) << name;
    return {std::istreambuf_iterator<char>(in), {}};
}

TEST(GraphLoad, TheCompleteExampleComesBackAsItIs) {
    // The file is written by hand; the document of the loaded graph must be the same value.
    std::string text = file("complete.graph.json");
    Graph graph = loaded(text);
    auto document = to_message(graph);
    ASSERT_TRUE(document.ok());
    EXPECT_TRUE(reflow::equal(document.value(), json(text))) << text_of(document.value());
    EXPECT_TRUE(validate(graph, nullptr).empty());
}

TEST(GraphLoad, TheCompleteExampleIsUnderstood) {
    Graph graph = loaded(file("complete.graph.json"));
    EXPECT_EQ(graph.name(), "invoice-check");
    EXPECT_EQ(graph.node_count(), 2U);
    EXPECT_EQ(graph.connection_count(), 1U);
    EXPECT_EQ(graph.initial_count(), 1U);
    View view = graph.view();
    EXPECT_EQ(view.inports[0].edge.type().text(), "object<Invoice>");
    EXPECT_EQ(view.inports[0].edge.detail->port_name, "Doc");
    EXPECT_EQ(view.initials[0].data.integer(), 100);
    EXPECT_EQ(view.initials[0].to.index, 0U);
    EXPECT_EQ(text_of(view.connections[0].metadata), R"({"route":"main"})");
    EXPECT_EQ(graph.section(Section::required_interfaces).size(), 1U);
}

TEST(GraphLoad, EveryFormatCarriesTheCompleteExample) {
    Graph graph = loaded(file("complete.graph.json"));
    for (reflow_format format : {REFLOW_FORMAT_JSON, REFLOW_FORMAT_YAML, REFLOW_FORMAT_MSGPACK}) {
        std::string text = saved(graph, format);
        auto again = load(text, REFLOW_FORMAT_AUTO, "");
        ASSERT_TRUE(again.ok()) << again.error().describe() << text;
        EXPECT_TRUE(equal(graph, again.value())) << text;
    }
}

// The first block of a language in a page of documentation.
std::string block(const std::string& page, const std::string& language) {
    std::ifstream in(std::string(REFLOW_SOURCE_DIR) + "/docs/" + page, std::ios::binary);
    std::string text{std::istreambuf_iterator<char>(in), {}};
    std::size_t begin = text.find("```" + language + "\n");
    EXPECT_NE(begin, std::string::npos) << page;
    begin += language.size() + 4;
    return text.substr(begin, text.find("```", begin) - begin);
}

TEST(GraphLoad, TheExamplesOfTheDocumentationAreOneGraph) {
    Graph from_json = loaded(block("graphs.md", "json"), "hello.json");
    Graph from_yaml = loaded(block("graphs.md", "yaml"), "hello.graph.yaml");
    EXPECT_TRUE(equal(from_json, from_yaml));
    EXPECT_EQ(from_json.node_count(), 2U);
    EXPECT_EQ(from_json.initial_count(), 1U);
    EXPECT_TRUE(validate(from_json, nullptr).empty());
}

TEST(GraphLoad, EmptySectionsAreLeftOutAndTheOthersWritten) {
    EXPECT_EQ(text_of(to_message(Graph("g")).value()),
              R"({"caseSensitive":true,"properties":{"name":"g"},"inports":{},"outports":{},)"
              R"("groups":[],"processes":{},"connections":[]})");
}

TEST(GraphLoad, ShortFormsMeanTheSame) {
    Graph full = loaded(R"({"caseSensitive":true,"properties":{"name":"g"},
        "processes":{"a":{"id":"a","component":"A","metadata":null},
                     "b":{"id":"b","component":"B","metadata":{"k":1}}},
        "inports":{"i":{"portName":"","portId":"in","nodeId":"a","index":null,"expose":true,
                        "data":null,"metadata":null,"portType":{"type":"any"}}},
        "connections":[
          {"from":{"portName":"","portId":"out","nodeId":"a","index":2,"expose":false,"data":null,
                   "metadata":null,"portType":{"type":"integer"}},
           "to":{"portName":"","portId":"in","nodeId":"b","index":null,"expose":false,"data":null,
                 "metadata":null,"portType":{"type":"any"}},"metadata":null,"data":null},
          {"from":{"portName":"","portId":"","nodeId":"","index":null,"expose":false,"data":null,
                   "metadata":null,"portType":{"type":"any"}},
           "to":{"portName":"","portId":"in","nodeId":"a","index":null,"expose":false,"data":null,
                 "metadata":null,"portType":{"type":"any"}},"metadata":null,"data":[1,2]}],
        "groups":[{"id":"x","nodes":["a"],"metadata":null}],
        "graphDependencies":[{"graphName":"d"}],"externalConnections":[{"connectionId":"c"}],
        "providedInterfaces":{"p":{}},"requiredInterfaces":{"r":{}}})");
    Graph brief = loaded(R"({"case_sensitive":true,"properties":{"name":"g"},
        "processes":{"a":{"component":"A"},"b":{"component":"B","metadata":{"k":1}}},
        "inports":{"i":{"nodeId":"a","portId":"in"}},
        "connections":[
          {"from":{"nodeId":"a","portId":"out","index":2,"port_type":"integer"},
           "to":{"node_id":"b","port_id":"in"}},
          {"to":{"nodeId":"a","portId":"in"},"data":[1,2]}],
        "groups":[{"id":"x","nodes":["a"]}],
        "graph_dependencies":[{"graphName":"d"}],"external_connections":[{"connectionId":"c"}],
        "provided_interfaces":{"p":{}},"required_interfaces":{"r":{}}})");
    EXPECT_TRUE(equal(full, brief)) << saved(brief);
    Graph tools = loaded(R"({"properties":{"name":"g"},
        "processes":{"a":{"component":"A"},"b":{"component":"B","metadata":{"k":1}}},
        "inports":{"i":{"process":"a","port":"in"}},
        "connections":[
          {"src":{"process":"a","port":"out","index":2,"portType":{"type":"integer"}},
           "tgt":{"process":"b","port":"in"}},
          {"data":[1,2],"tgt":{"process":"a","port":"in"}}],
        "groups":[{"name":"x","nodes":["a"]}],
        "graph_dependencies":[{"graphName":"d"}],"external_connections":[{"connectionId":"c"}],
        "provided_interfaces":{"p":{}},"required_interfaces":{"r":{}}})");
    EXPECT_TRUE(equal(full, tools)) << saved(tools);
}

TEST(GraphLoad, YamlReadsTheSame) {
    Graph yaml = loaded(R"(properties:
  name: g
processes:
  a: {component: A}
  b:
    component: B
    metadata:
      threshold: 9
connections:
  - src: {process: a, port: out}
    tgt: {process: b, port: in}
  - data: "on"
    tgt: {process: a, port: in}
)",
                        "g.graph.yaml");
    Graph plain = loaded(R"({"properties":{"name":"g"},
        "processes":{"a":{"component":"A"},"b":{"component":"B","metadata":{"threshold":9}}},
        "connections":[{"src":{"process":"a","port":"out"},"tgt":{"process":"b","port":"in"}},
                       {"data":"on","tgt":{"process":"a","port":"in"}}]})");
    EXPECT_TRUE(equal(yaml, plain)) << saved(yaml);
}

TEST(GraphLoad, DataDecidesWhatIsAnInitialPacket) {
    Graph graph = loaded(R"({"processes":{"a":{"component":"A"}},"connections":[
        {"from":{"nodeId":"a","portId":"o"},"to":{"nodeId":"a","portId":"i"},"data":null},
        {"from":{"nodeId":"","portId":""},"to":{"nodeId":"a","portId":"i"},"data":false},
        {"from":{"nodeId":"","portId":""},"to":{"nodeId":"a","portId":"i"},"data":null,"initial":true},
        {"to":{"nodeId":"a","portId":"i"},"data":null},
        {"from":{"nodeId":"a","portId":"o"},"to":{"nodeId":"a","portId":"j"},"data":7}]})");
    EXPECT_EQ(graph.connection_count(), 1U);
    ASSERT_EQ(graph.initial_count(), 4U);
    View view = graph.view();
    EXPECT_TRUE(view.initials[0].data.is(REFLOW_KIND_BOOLEAN));
    EXPECT_TRUE(view.initials[1].data.is(REFLOW_KIND_NULL));
    EXPECT_TRUE(view.initials[2].data.is(REFLOW_KIND_NULL));
    EXPECT_EQ(text_of(view.initials[3].extra), R"({"from":{"nodeId":"a","portId":"o"}})");
    Graph again = loaded(saved(graph));
    EXPECT_TRUE(equal(graph, again)) << saved(graph);
    EXPECT_EQ(saved(graph), saved(again));
}

TEST(GraphLoad, TheOrderOfTheDocumentStays) {
    Graph graph = loaded(R"({"processes":{"a":{"component":"A"}},"connections":[
        {"data":1,"tgt":{"process":"a","port":"x"}},
        {"src":{"process":"a","port":"o"},"tgt":{"process":"a","port":"i"}},
        {"data":2,"tgt":{"process":"a","port":"x"}}]})");
    Message document = to_message(graph).value();
    MessageRef list = document.get("connections");
    EXPECT_EQ(list.at(0).get("data").integer(), 1);
    EXPECT_EQ(list.at(1).get("from").get("nodeId").text(), "a");
    EXPECT_EQ(list.at(2).get("data").integer(), 2);
}

TEST(GraphLoad, UnknownKeysAreKeptAtEveryLevel) {
    std::string_view text = R"({"properties":{"name":"g"},"editor":{"zoom":2},
        "processes":{"a":{"component":"A","scriptRuntime":"Python"}},
        "connections":[{"src":{"process":"a","port":"o","secure":true},
                        "tgt":{"process":"a","port":"i"},"color":5}],
        "groups":[{"id":"g","nodes":["a"],"tone":"warm"}]})";
    Graph graph = loaded(text);
    EXPECT_EQ(text_of(graph.extra()), R"({"editor":{"zoom":2}})");
    Graph again = loaded(saved(graph));
    EXPECT_TRUE(equal(graph, again));
    Message document = to_message(again).value();
    EXPECT_EQ(document.get("editor").get("zoom").integer(), 2);
    EXPECT_EQ(document.get("processes").get("a").get("scriptRuntime").text(), "Python");
    MessageRef connection = document.get("connections").at(0);
    EXPECT_TRUE(connection.get("from").get("secure").boolean());
    EXPECT_EQ(connection.get("color").integer(), 5);
    EXPECT_EQ(document.get("groups").at(0).get("tone").text(), "warm");
}

TEST(GraphLoad, AMissingNameIsThatOfTheFile) {
    EXPECT_EQ(loaded("{}", "dir.x/weather.graph.json").name(), "weather");
    EXPECT_EQ(loaded("{}", "weather.json").name(), "weather");
    EXPECT_EQ(loaded("{}", "").name(), "unnamed");
    EXPECT_EQ(loaded(R"({"properties":{"version":"1"}})", "a.json").name(), "a");
    EXPECT_EQ(loaded(R"({"properties":{"name":""}})", "a.json").name(), "");
}

TEST(GraphLoad, TheFormatIsToldByNameThenByContent) {
    EXPECT_EQ(detect_format("a.json", "x: 1"), REFLOW_FORMAT_JSON);
    EXPECT_EQ(detect_format("a.graph.YAML", "{}"), REFLOW_FORMAT_YAML);
    EXPECT_EQ(detect_format("a.yml", "{}"), REFLOW_FORMAT_YAML);
    EXPECT_EQ(detect_format("a.msgpack", "{}"), REFLOW_FORMAT_MSGPACK);
    EXPECT_EQ(detect_format("", " \n{}"), REFLOW_FORMAT_JSON);
    EXPECT_EQ(detect_format("", "a: 1"), REFLOW_FORMAT_YAML);
    EXPECT_EQ(detect_format("", "\x81\xA1"), REFLOW_FORMAT_MSGPACK);
    EXPECT_EQ(detect_format("", "\xDE\x00"), REFLOW_FORMAT_MSGPACK);
    EXPECT_EQ(detect_format("", "\xEF\xBB\xBF{}"), REFLOW_FORMAT_JSON);
    EXPECT_EQ(detect_format("", ""), REFLOW_FORMAT_JSON);
}

Message real(double value) { return Message::real(value); }

TEST(GraphLoad, DataBeyondJsonSurvivesEveryFormat) {
    Graph graph("g");
    ASSERT_TRUE(
        graph.add_node("a", "A", json(R"({"$msgpack":"user data","x":{"$msgpack":1}})")).ok());
    ASSERT_TRUE(graph.set_config_value("a", "one", json(R"({"$msgpack":"gA=="})")).ok());
    ASSERT_TRUE(
        graph.set_config_value("a", "raw", Message::bytes(std::string_view("\0\xff", 2))).ok());
    ArrayBuilder mixed;
    mixed.append(Message::flow());
    mixed.append(real(-0.0));
    mixed.append(Message::string(std::string_view("nul\0", 4)));
    mixed.append(Message::integer(INT64_MIN));
    const double numbers[] = {1.5, std::numeric_limits<double>::infinity()};
    const std::uint64_t large[] = {UINT64_MAX, 1};
    mixed.append(Message::numbers(numbers));
    mixed.append(Message::numbers(REFLOW_NUMBER_U64, large, 2));
    ASSERT_TRUE(graph.add_initial({"a", "i"}, std::move(mixed.finish()).take()).ok());
    for (Message each :
         {real(std::numeric_limits<double>::quiet_NaN()), Message::null(), Message::bytes("x"),
          Message::error("bad"), Message::flow(), real(1e300), Message::integer(INT64_MAX)}) {
        ASSERT_TRUE(graph.add_initial({"a", "i"}, each).ok());
    }
    for (reflow_format format : {REFLOW_FORMAT_JSON, REFLOW_FORMAT_YAML, REFLOW_FORMAT_MSGPACK}) {
        std::string text = saved(graph, format);
        auto again = load(text, format, "");
        ASSERT_TRUE(again.ok()) << again.error().describe();
        EXPECT_TRUE(equal(graph, again.value())) << format << text;
    }
}

TEST(GraphLoad, ABadEscapeIsNamed) {
    auto graph = load(R"({"processes":{"a":{"component":"A","metadata":
{"k":{"$msgpack":"!!!!"}}}}})",
                      REFLOW_FORMAT_JSON, "f.json");
    ASSERT_FALSE(graph.ok());
    EXPECT_EQ(graph.error().status, REFLOW_ERROR_GRAPH);
    EXPECT_EQ(graph.error().path, "$.processes.a.metadata.k");
    EXPECT_EQ(graph.error().line, 2U);
    EXPECT_FALSE(load(R"({"x":{"$msgpack":5}})", REFLOW_FORMAT_JSON, "").ok());
    EXPECT_FALSE(load(R"({"x":{"$msgpack":"wQ=="}})", REFLOW_FORMAT_JSON, "").ok());
}

struct BadCase {
    const char* text;
    reflow_status status;
    std::uint32_t line;
    std::uint32_t column;
    const char* path;
    const char* words;
};

TEST(GraphLoad, WrongShapesAreNamedWithTheirPlace) {
    const BadCase cases[] = {
        {"[]", REFLOW_ERROR_GRAPH, 1, 1, "$",
         "expected an object, the document of a graph, found an array"},
        {"  7", REFLOW_ERROR_GRAPH, 1, 3, "$", "found an integer"},
        {"{\n \"processes\": []}", REFLOW_ERROR_GRAPH, 2, 15, "$.processes",
         "expected an object for 'processes', a node under each key, found an array"},
        {"{\"processes\":{\n\"a b\":\n 5}}", REFLOW_ERROR_GRAPH, 3, 2, "$.processes[\"a b\"]",
         "expected an object for a node, found an integer"},
        {"{\"processes\":{\"a\":{\"component\":null}}}", REFLOW_ERROR_GRAPH, 1, 32,
         "$.processes.a.component", "expected a string for the component, found null"},
        {"{\"processes\":{\"a\":{\"metadata\":[1]}}}", REFLOW_ERROR_GRAPH, 1, 31,
         "$.processes.a.metadata", "expected an object or null for 'metadata', found an array"},
        {"{\"connections\":{}}", REFLOW_ERROR_GRAPH, 1, 16, "$.connections", "expected an array"},
        {"{\"connections\":[\n{},\n 3]}", REFLOW_ERROR_GRAPH, 3, 2, "$.connections[1]",
         "expected an object for a connection"},
        {"{\"connections\":[{\"src\":{\"process\":1}}]}", REFLOW_ERROR_GRAPH, 1, 35,
         "$.connections[0].src.process", "expected a string for 'process', found an integer"},
        {"{\"connections\":[{\"from\":{\"index\":-1}}]}", REFLOW_ERROR_GRAPH, 1, 34,
         "$.connections[0].from.index", "the index -1 is not between 0 and 4294967294"},
        {"{\"connections\":[{\"to\":{\"index\":1.5}}]}", REFLOW_ERROR_GRAPH, 1, 32,
         "$.connections[0].to.index", "expected a whole number or null"},
        {"{\"connections\":[{\"to\":{\"portType\":{\"type\":\"intger\"}}}]}", REFLOW_ERROR_GRAPH, 1,
         35, "$.connections[0].to.portType", "intger"},
        {"{\"connections\":[{\"to\":{\"nodeId\":\"a\",\"process\":\"b\"}}]}", REFLOW_ERROR_GRAPH, 1,
         47, "$.connections[0].to.process", "'process' is given twice"},
        {"{\"connections\":[{\"to\":{\"expose\":1}}]}", REFLOW_ERROR_GRAPH, 1, 33,
         "$.connections[0].to.expose", "expected a boolean for 'expose'"},
        {"{\"connections\":[{\"initial\":1}]}", REFLOW_ERROR_GRAPH, 1, 28,
         "$.connections[0].initial", "expected a boolean for 'initial'"},
        {"{\"inports\":[]}", REFLOW_ERROR_GRAPH, 1, 12, "$.inports",
         "expected an object for 'inports'"},
        {"{\"outports\":{\"x\":1}}", REFLOW_ERROR_GRAPH, 1, 18, "$.outports.x",
         "expected an object with 'nodeId' and 'portId'"},
        {"{\"groups\":{}}", REFLOW_ERROR_GRAPH, 1, 11, "$.groups",
         "expected an array for 'groups'"},
        {"{\"groups\":[{\"nodes\":[]}]}", REFLOW_ERROR_GRAPH, 1, 12, "$.groups[0].id",
         "expected a string for 'id', found nothing"},
        {"{\"groups\":[{\"id\":\"g\",\"nodes\":[\"a\",2]}]}", REFLOW_ERROR_GRAPH, 1, 35,
         "$.groups[0].nodes[1]", "expected the id of a node, found an integer"},
        {"{\"groups\":[{\"id\":\"g\"},{\"id\":\"g\"}]}", REFLOW_ERROR_GRAPH, 1, 23, "$.groups[1]",
         "two groups have the id 'g'"},
        {"{\"caseSensitive\":1}", REFLOW_ERROR_GRAPH, 1, 18, "$.caseSensitive",
         "expected a boolean"},
        {"{\"properties\":7}", REFLOW_ERROR_GRAPH, 1, 15, "$.properties", "expected an object"},
        {"{\"properties\":{\"name\":7}}", REFLOW_ERROR_GRAPH, 1, 23, "$.properties.name",
         "expected a string for the name of the graph"},
        {"{\"graphDependencies\":{}}", REFLOW_ERROR_GRAPH, 1, 22, "$.graphDependencies",
         "expected an array"},
        {"{\"providedInterfaces\":[]}", REFLOW_ERROR_GRAPH, 1, 23, "$.providedInterfaces",
         "expected an object"},
        {"{\"graphDependencies\":[],\"graph_dependencies\":[]}", REFLOW_ERROR_GRAPH, 1, 46,
         "$.graph_dependencies", "given twice"},
        {"{\"caseSensitive\":false,\"inports\":{\"A\":{},\"a\":{}}}", REFLOW_ERROR_GRAPH, 1, 46,
         "$.inports.a", "two exposed inports are called 'a'"},
    };
    for (const BadCase& each : cases) {
        auto graph = load(each.text, REFLOW_FORMAT_AUTO, "bad.json");
        ASSERT_FALSE(graph.ok()) << each.text;
        const Error& error = graph.error();
        EXPECT_EQ(error.status, each.status) << each.text;
        EXPECT_EQ(error.line, each.line) << each.text << error.describe();
        EXPECT_EQ(error.column, each.column) << each.text << error.describe();
        EXPECT_EQ(error.path, each.path) << each.text;
        EXPECT_EQ(error.file, "bad.json");
        EXPECT_NE(error.message.find(each.words), String::npos) << error.message;
    }
}

TEST(GraphLoad, PlacesAreFoundInYamlAsWell) {
    auto graph =
        load("processes:\n  a:\n    component: A\n    metadata: 5\n", REFLOW_FORMAT_AUTO, "g.yaml");
    ASSERT_FALSE(graph.ok());
    EXPECT_EQ(graph.error().path, "$.processes.a.metadata");
    EXPECT_EQ(graph.error().line, 4U);
    EXPECT_EQ(graph.error().column, 15U);
}

TEST(GraphLoad, WhatIsNoDocumentIsRefused) {
    std::string deep(2'000'000, '[');
    const std::pair<std::string, reflow_status> cases[] = {
        {"", REFLOW_ERROR_PARSE},
        {"   \n", REFLOW_ERROR_PARSE},
        {"not json", REFLOW_ERROR_PARSE},
        {"\xEF\xBB\xBF{}", REFLOW_ERROR_PARSE},
        {R"({"processes":{"a":{"component")", REFLOW_ERROR_PARSE},
        {"{} x", REFLOW_ERROR_PARSE},
        {"{\"a\":\"\xff\"}", REFLOW_ERROR_PARSE},
        {deep, REFLOW_ERROR_LIMIT},
    };
    for (const auto& [text, status] : cases) {
        auto graph = load(text, REFLOW_FORMAT_AUTO, "bad.graph.json");
        ASSERT_FALSE(graph.ok()) << text.substr(0, 40);
        EXPECT_EQ(graph.error().file, "bad.graph.json");
        EXPECT_TRUE(graph.error().status == status ||
                    graph.error().status == REFLOW_ERROR_INVALID_UTF8)
            << graph.error().describe();
        EXPECT_NE(graph.error().line, 0U) << graph.error().describe();
    }
    EXPECT_FALSE(load("\xDF\x00", REFLOW_FORMAT_AUTO, "bad.msgpack").ok());
    EXPECT_EQ(load("{}", 9, "").error().status, REFLOW_ERROR_INVALID_ARGUMENT);
    EXPECT_EQ(save(Graph("g"), -1).error().status, REFLOW_ERROR_INVALID_ARGUMENT);
}

TEST(GraphLoad, DuplicateKeysAreRefusedInEveryFormat) {
    for (const char* text : {R"({"processes":{"a":{"component":"A"},"a":{"component":"B"}}})",
                             "processes:\n  a: {component: A}\n  a: {component: B}\n"}) {
        auto graph = load(text, REFLOW_FORMAT_AUTO, "");
        ASSERT_FALSE(graph.ok());
        EXPECT_NE(graph.error().line, 0U) << graph.error().describe();
    }
    EXPECT_FALSE(load("\x82\xA1"
                      "a\x01\xA1"
                      "a\x02",
                      REFLOW_FORMAT_MSGPACK, "")
                     .ok());
}

TEST(GraphLoad, AGraphThatIsTooDeepToBeSavedSaysSo) {
    Message deep = Message::integer(1);
    for (int i = 0; i < REFLOW_MAX_DEPTH - 1; ++i) {
        ArrayBuilder builder;
        builder.append(std::move(deep));
        builder.append(Message::null());
        deep = std::move(builder.finish()).take();
    }
    Graph graph("g");
    ASSERT_TRUE(graph.add_node("a", "A", {}).ok());
    ASSERT_TRUE(graph.add_initial({"a", "i"}, deep).ok());
    EXPECT_EQ(save(graph, REFLOW_FORMAT_JSON).error().status, REFLOW_ERROR_LIMIT);
}

// A value of any kind, with everything that is awkward somewhere.
Message random_value(Random& random, int depth) {
    switch (random.below(depth > 0 ? 13U : 10U)) {
        case 0:
            return Message::null();
        case 1:
            return Message::boolean(random.one_in(2));
        case 2:
            return Message::integer(static_cast<std::int64_t>(random.next()));
        case 3:
            return Message::integer(static_cast<std::int64_t>(random.below(100)));
        case 4:
            return Message::real(static_cast<double>(random.below(1000)) / 8);
        case 5:
            return Message::real(std::numeric_limits<double>::infinity());
        case 6:
            return Message::string(std::string_view("yes\0\n: #\"'$-", random.below(12)));
        case 7:
            return Message::string("\xC3\xA4\xF0\x9F\x8C\xA7 ~ null");
        case 8:
            return Message::bytes("bytes");
        case 9:
            return Message::flow();
        case 10:
        case 11: {
            ObjectBuilder builder;
            constexpr std::string_view keys[] = {"a", "name", "$msgpack", "1", "x y", "", "true"};
            for (std::size_t i = random.below(4); i > 0; --i) {
                builder.set(keys[random.below(std::size(keys))], random_value(random, depth - 1));
            }
            return std::move(builder.finish()).take();
        }
        default: {
            ArrayBuilder builder;
            for (std::size_t i = random.below(4); i > 0; --i) {
                builder.append(random_value(random, depth - 1));
            }
            return std::move(builder.finish()).take();
        }
    }
}

TEST(GraphLoad, RandomGraphsSurviveEveryFormat) {
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        Random random(seed);
        Graph graph("random", !random.one_in(4));
        constexpr std::string_view ids[] = {"a",    "B", "with space", "\xC3\xBC", "a.b",
                                            "null", "7", "\"",         "tab\t",    "~"};
        for (std::string_view id : ids) {
            Message config = random_value(random, 3);
            if (!config.is(REFLOW_KIND_OBJECT)) config = Message();
            ASSERT_TRUE(graph.add_node(id, "C:x", config).ok());
        }
        auto any = [&] { return ids[random.below(std::size(ids))]; };
        for (int i = 0; i < 20; ++i) {
            Message metadata = random_value(random, 2);
            if (!metadata.is(REFLOW_KIND_OBJECT)) metadata = Message();
            (void)graph.connect({any(), "Out"},
                                {any(), "in", random.one_in(3) ? 1 : REFLOW_NO_INDEX}, metadata);
            ASSERT_TRUE(graph.add_initial({any(), "P"}, random_value(random, 3)).ok());
        }
        ASSERT_TRUE(
            graph.add_inport("X", {any(), "in"}, PortType::parse("array<integer>").value()).ok());
        ASSERT_TRUE(graph.set_property("extra", random_value(random, 3)).ok());
        for (reflow_format format :
             {REFLOW_FORMAT_JSON, REFLOW_FORMAT_YAML, REFLOW_FORMAT_MSGPACK}) {
            std::string text = saved(graph, format);
            auto again = load(text, format, "");
            ASSERT_TRUE(again.ok()) << seed << again.error().describe() << text;
            ASSERT_TRUE(equal(graph, again.value())) << "seed " << seed << "\n" << text;
            ASSERT_EQ(saved(again.value(), format), text) << "seed " << seed;
        }
    }
}

TEST(GraphLoad, EqualLooksAtEverything) {
    std::string base = file("complete.graph.json");
    Graph graph = loaded(base);
    const std::pair<const char*, const char*> changes[] = {
        {"\"caseSensitive\": true", "\"caseSensitive\": false"},
        {"1.4.0", "1.4.1"},
        {"\"portName\": \"Doc\"", "\"portName\": \"Dog\""},
        {"#123456", "#123457"},
        {"DocReader", "DocWriter"},
        {"\"anchor\": {\"x\": 0.5", "\"anchor\": {\"x\": 0.6"},
        {"\"portId\": \"Fields\"", "\"portId\": \"fields\""},
        {"\"route\": \"main\"", "\"route\": \"side\""},
        {"\"data\": 100", "\"data\": 100.0"},
        {"\"index\": 0", "\"index\": 1"},
        {">=1.0.0", ">=1.0.1"},
        {"\"book\"", "\"look\""},
        {"\"type\": \"boolean\"", "\"type\": \"string\""},
        {"[\"reader\", \"rules\"]", "[\"rules\", \"reader\"]"},
        {"\"fx\"", "\"gx\""},
    };
    for (auto [from, to] : changes) {
        std::string text = base;
        std::size_t at = text.find(from);
        ASSERT_NE(at, std::string::npos) << from;
        text.replace(at, std::string_view(from).size(), to);
        EXPECT_FALSE(equal(graph, loaded(text))) << from;
    }
    EXPECT_TRUE(equal(graph, loaded(base)));
}

TEST(GraphLoad, AHundredThousandNodesAreNoTrouble) {
    constexpr int count = 100'000;
    std::string text = R"({"properties":{"name":"large"},"processes":{)";
    for (int i = 0; i < count; ++i) {
        text += (i == 0 ? "\"n" : ",\"n") + std::to_string(i) + R"(":{"component":"Pass"})";
    }
    text += R"(},"connections":[)";
    for (int i = 0; i < count; ++i) {
        text += (i == 0 ? "" : ",");
        text += R"({"src":{"process":"n)" + std::to_string(i) +
                R"(","port":"out"},"tgt":{"process":"n)" + std::to_string((i + 1) % count) +
                R"(","port":"in"}})";
    }
    Graph graph = loaded(text + "]}");
    EXPECT_EQ(graph.node_count(), static_cast<std::size_t>(count));
    EXPECT_EQ(graph.connection_count(), static_cast<std::size_t>(count));
    EXPECT_TRUE(graph.has_connection({"n99999", "out"}, {"n0", "in"}));
    ASSERT_TRUE(graph.rename_node("n5", "five").ok());
    for (int i = 10; i < count; ++i) {
        ASSERT_TRUE(graph.remove_node("n" + std::to_string(i)).ok());
    }
    EXPECT_EQ(graph.node_count(), 10U);
    EXPECT_EQ(graph.connection_count(), 9U);
    // Anything that is quadratic takes minutes here, which the time limit of the test does not allow.
}

}  // namespace
}  // namespace reflow::graph::test
