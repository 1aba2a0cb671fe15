// Map and Filter in running networks.
#include "harness.hpp"

namespace reflow::components::testing {
namespace {

// One packet through a component with this configuration; errors are prefixed.
std::string through(std::string_view component, std::string_view config, std::string_view packet) {
    Harness harness(component, config);
    if (!harness.error().empty()) return "config: " + harness.error();
    harness.send("in", packet);
    Lines errors = harness.take("error");
    if (!errors.empty()) return "error: " + errors[0];
    Lines out = harness.take("out");
    return out.size() == 1 ? out[0] : std::to_string(out.size()) + " packets";
}

TEST(Map, Sets) {
    EXPECT_EQ(
        through("Map", R"({"set": {"mean": "(max + min) / 2", "month": "date_format(date, '%Y-%m') "
}
})",
                R"({"date": "2012/01/31", "max": 12.8, "min": 5})"),
        R"({"date":"2012/01/31","max":12.8,"min":5,"mean":8.9,"month":"2012-01"})");
    // In place, and visible to those behind it; `it` stays what came.
    EXPECT_EQ(through("Map", R"({"set": {"a": "a + 1", "b": "a * 10", "c": "it.a"}})",
                      R"({"a": 1, "z": 0})"),
              R"({"a":2,"z":0,"b":20,"c":1})");
    EXPECT_EQ(through("Map", R"({"set": {"a": 5, "b": true, "c": null, "d": "'x'"}})", "{}"),
              R"({"a":5,"b":true,"c":null,"d":"x"})");
    EXPECT_EQ(
        through(
            "Map",
            R"({"set": {"f": "c * $factor + $offset.value"}, "factor": 1.8, "offset": {"value": 32}})",
            R"({"c": 100})"),
        R"({"c":100,"f":212.0})");
}

TEST(Map, Reshapes) {
    EXPECT_EQ(
        through("Map", R"({"rename": {"a": "x"}, "remove": ["b"]})", R"({"a": 1, "b": 2, "c": 3})"),
        R"({"x":1,"c":3})");
    EXPECT_EQ(through("Map", R"({"select": ["c", "a"]})", R"({"a": 1, "b": 2, "c": 3})"),
              R"({"c":3,"a":1})");
    EXPECT_EQ(through("Map", R"({"set": {"s": "a + b"}, "rename": {"s": "sum"}, "select": "sum"})",
                      R"({"a": 1, "b": 2})"),
              R"({"sum":3})");
    EXPECT_EQ(through("Map", R"({"rename": {"a": "b"}, "remove": "b"})", R"({"a": 1, "b": 2})"),
              R"({"b":1})");
    EXPECT_EQ(through("Map", R"({"rename": {"a": "b", "b": "a"}})", R"({"a": 1, "b": 2})"),
              R"({"b":1,"a":2})");
    EXPECT_EQ(through("Map", R"({"rename": {"a": "b"}})", R"({"a": 1, "b": 2})"),
              "error: node 'node': rename makes two keys 'b'");
    EXPECT_EQ(through("Map", R"({"select": ["wnd"]})", R"({"wind": 1})"),
              "error: node 'node': no key 'wnd' to select (did you mean 'wind'?)");
    EXPECT_EQ(
        through("Map", R"({"select": ["wnd", "rain"], "rename": {"q": "r"}, "missing": "skip"})",
                R"({"rain": 1})"),
        R"({"rain":1})");
    EXPECT_EQ(through("Map", R"({"remove": ["wnd"]})", R"({"wind": 1})"), R"({"wind":1})");
}

TEST(Map, Value) {
    EXPECT_EQ(through("Map", R"({"value": "it * 2"})", "21"), "42");
    EXPECT_EQ(through("Map", R"({"value": "{a: x, b: [x, x + 1]}"})", R"({"x": 1})"),
              R"({"a":1,"b":[1,2]})");
    EXPECT_EQ(through("Map", R"({"value": "temp"})", R"({"temp": {"max": 1}})"), R"({"max":1})");
}

TEST(Map, Errors) {
    EXPECT_EQ(through("Map", R"({"set": {"a": "b + 1"}})", R"({"bb": 1})"),
              "error: node 'node': unknown field 'b' at column 1 of set.a (did you mean 'bb'?)");
    EXPECT_EQ(through("Map", R"({"set": {"a": "1"}})", "5"),
              "error: node 'node': expected an object, found an integer");
    EXPECT_EQ(
        through("Map", "{}", "5"),
        "config: node 'node': expected 'value', or some of 'set', 'rename', 'remove', 'select'");
    EXPECT_EQ(through("Map", R"({"value": "1", "set": {"a": "1"}})", "5"),
              "config: node 'node': 'value' makes the whole packet, so nothing else can be given");
    EXPECT_EQ(through("Map", R"({"set": {"a": [1]}})", "{}"),
              "config: node 'node': expected an expression, found an array at $.set.a");
    EXPECT_EQ(through("Map", R"({"set": {"a b": "1 +"}})", "{}"),
              "config: node 'node': expected a value, found the end at column 4 at $.set['a b']");
    EXPECT_EQ(through("Map", R"({"set": {"a": "1"}, "selct": []})", "{}"),
              "config: node 'node': unknown configuration key 'selct' (did you mean 'select'?)");
    EXPECT_EQ(through("Map", R"({"set": {"a": "1"}, "factor": 2})", "{}"),
              "config: node 'node': unknown configuration key 'factor' (no expression reads it as "
              "$factor)");
    // What editors keep there is no fault.
    EXPECT_EQ(through("Map", R"({"set": {"a": "1"}, "label": "x", "position": {"x": 1}})", "{}"),
              R"({"a":1})");
}

// A failing packet hits itself only: the others come out, in order.
TEST(Map, FailureIsOfOnePacket) {
    Harness harness("Map", R"({"value": "10 // x"})");
    ASSERT_EQ(harness.error(), "");
    for (int i = -3; i <= 3; ++i) {
        harness.send("node", "in", from_json("{\"x\":" + std::to_string(i) + "}"));
    }
    harness.idle();
    EXPECT_EQ(harness.take("out"), Lines({"-4", "-5", "-10", "10", "5", "3"}));
    EXPECT_EQ(harness.take("error"),
              Lines({"node 'node': division by zero in '10 // x' at column 4 of value"}));
    EXPECT_EQ(harness.counters().fired, 7u);
    EXPECT_EQ(harness.counters().failed, 1u);
}

TEST(Filter, Chooses) {
    Harness harness("Filter",
                    R"({"when": "rain >= $least and weather in ['rain', 'snow']", "least": 5})");
    ASSERT_EQ(harness.error(), "");
    harness.send("in", R"({"rain":7,"weather":"rain"})");
    harness.send("in", R"({"rain":4,"weather":"rain"})");
    harness.send("in", R"({"rain":9,"weather":"sun"})");
    harness.send("in", R"({"rain":"9","weather":"rain"})");
    EXPECT_EQ(harness.take("out"), Lines({R"({"rain":7,"weather":"rain"})"}));
    EXPECT_EQ(harness.take("rejected"),
              Lines({R"({"rain":4,"weather":"rain"})", R"({"rain":9,"weather":"sun"})"}));
    EXPECT_EQ(
        harness.take("error"),
        Lines({"node 'node': '>=' cannot compare a string with an integer: 'rain' and '$least' "
               "at column 6 of when"}));
}

TEST(Filter, Configuration) {
    EXPECT_NE(through("Filter", "{}", "1").find("when"), std::string::npos);
    EXPECT_EQ(through("Filter", R"({"when": true})", "1"), "1");
    EXPECT_EQ(through("Filter", R"({"when": "it"})", "1"),
              "error: node 'node': expected true or false, found an integer as the value of when");
}

// Slow readers, small ports and any order of steps: nothing is lost, doubled or reordered.
TEST(Filter, ConservesUnderPressure) {
    for (std::uint64_t seed = 1; seed <= 30; ++seed) {
        HarnessOptions options;
        options.simulated = true;
        options.seed = seed;
        options.port_capacity = 2;
        Harness harness(R"({
            "properties": {"name": "t"},
            "processes": {
                "double": {"component": "Map", "metadata": {"value": "it * 2"}},
                "odd": {"component": "Filter", "metadata": {"when": "it // 2 % 2 == 1"}},
                "merge": {"component": "Merge"}},
            "connections": [
                {"from": {"nodeId": "double", "portId": "out"}, "to": {"nodeId": "odd", "portId": "in"}},
                {"from": {"nodeId": "odd", "portId": "out"}, "to": {"nodeId": "merge", "portId": "in"}},
                {"from": {"nodeId": "odd", "portId": "rejected"}, "to": {"nodeId": "merge", "portId": "in"}}],
            "inports": {"in": {"nodeId": "double", "portId": "in"}}})",
                        {{"merge", "out"}}, options);
        ASSERT_EQ(harness.error(), "");
        for (int i = 0; i < 300; ++i) harness.send("double", "in", Message::integer(i));
        harness.finish();
        std::int64_t odd = 1;
        std::int64_t even = 0;
        for (const Message& message : harness.messages("merge", "out")) {
            std::int64_t value = message.integer() / 2;
            std::int64_t& next = value % 2 == 1 ? odd : even;
            ASSERT_EQ(value, next) << "seed " << seed;
            next += 2;
        }
        EXPECT_EQ(odd, 301);
        EXPECT_EQ(even, 300);
    }
}

}  // namespace
}  // namespace reflow::components::testing
