// Switch, Tee, Merge in running networks.
#include "harness.hpp"

namespace reflow::components::testing {
namespace {

TEST(Switch, ByCondition) {
    Harness harness("Switch", R"({"cases": [{"when": "wind > $limit"}, {"when": "rain > 5"}],
                                  "limit": 8})");
    ASSERT_EQ(harness.error(), "");
    harness.send("in", R"({"wind": 9, "rain": 9})");
    harness.send("in", R"({"wind": 1, "rain": 9})");
    harness.send("in", R"({"wind": 1, "rain": 1})");
    EXPECT_EQ(harness.take("case"), Lines({R"({"wind":9,"rain":9})", R"({"wind":1,"rain":9})"}));
    EXPECT_EQ(harness.take("default"), Lines({R"({"wind":1,"rain":1})"}));
    EXPECT_EQ(harness.take("error"), Lines());
}

// Each case has a connection of its own by its index.
TEST(Switch, CasesHaveIndices) {
    Harness harness(R"({
        "properties": {"name": "t"},
        "processes": {
            "s": {"component": "Switch", "metadata": {"value": "kind",
                  "cases": [{"equals": "a"}, {"equals": 2}, {"equals": null}]}},
            "zero": {"component": "Tee"}, "one": {"component": "Tee"},
            "two": {"component": "Tee"}, "all": {"component": "Merge"}},
        "connections": [
            {"from": {"nodeId": "s", "portId": "case", "index": 0}, "to": {"nodeId": "zero", "portId": "in"}},
            {"from": {"nodeId": "s", "portId": "case", "index": 1}, "to": {"nodeId": "one", "portId": "in"}},
            {"from": {"nodeId": "s", "portId": "case", "index": 2}, "to": {"nodeId": "two", "portId": "in"}},
            {"from": {"nodeId": "s", "portId": "case"}, "to": {"nodeId": "all", "portId": "in"}}],
        "inports": {"in": {"nodeId": "s", "portId": "in"}}})",
                    {{"zero", "out"},
                     {"one", "out"},
                     {"two", "out"},
                     {"all", "out"},
                     {"s", "default"},
                     {"s", "error"}});
    ASSERT_EQ(harness.error(), "");
    for (const char* packet : {R"({"kind":"a"})", R"({"kind":2.0})", R"({"kind":null})",
                               R"({"kind":"b"})", R"({"other":1})"}) {
        harness.send("s", "in", packet);
    }
    EXPECT_EQ(harness.take("zero", "out"), Lines({R"({"kind":"a"})"}));
    EXPECT_EQ(harness.take("one", "out"), Lines({R"({"kind":2.0})"}));
    EXPECT_EQ(harness.take("two", "out"), Lines({R"({"kind":null})"}));
    EXPECT_EQ(harness.take("all", "out").size(), 3u);
    EXPECT_EQ(harness.take("s", "default"), Lines({R"({"kind":"b"})"}));
    EXPECT_EQ(harness.take("s", "error"),
              Lines({"node 's': unknown field 'kind' at column 1 of value"}));
}

TEST(Switch, BadConfigurations) {
    auto error = [](std::string_view config) { return Harness("Switch", config).error(); };
    auto has = [&](std::string_view config, std::string_view part) {
        std::string found = error(config);
        EXPECT_NE(found.find(part), std::string::npos) << config << ": " << found;
    };
    has(R"({})", "'cases'");
    has(R"({"cases": []})", "cases");
    has(R"({"cases": [{}]})", "expected either 'when' or 'equals'");
    has(R"({"cases": [{"equals": 1}]})", "'equals' needs the configuration key 'value'");
    has(R"({"cases": [{"when": "wind >"}]})", "expected a value, found the end at column 7");
    has(R"({"cases": [{"whn": "true"}]})", "whn");
    has(R"({"cases": [{"when": "wind > $limit"}], "limt": 5})",
        "no configuration key 'limit' at column 8 at $.cases[0].when (did you mean 'limt'?)");
    has(R"({"cases": [{"when": "wind > $limit"}], "limit": 5, "limitt": 6})",
        "unknown configuration key 'limitt' (did you mean 'limit'?)");
}

TEST(Tee, SharesPackets) {
    Harness harness(R"({
        "properties": {"name": "t"},
        "processes": {"t": {"component": "Tee"}, "a": {"component": "Tee"}, "b": {"component": "Tee"}},
        "connections": [
            {"from": {"nodeId": "t", "portId": "out"}, "to": {"nodeId": "a", "portId": "in"}},
            {"from": {"nodeId": "t", "portId": "out"}, "to": {"nodeId": "b", "portId": "in"}}],
        "inports": {"in": {"nodeId": "t", "portId": "in"}}})",
                    {{"a", "out"}, {"b", "out"}});
    ASSERT_EQ(harness.error(), "");
    for (int i = 0; i < 200; ++i) harness.send("t", "in", std::to_string(i));
    harness.send("t", "in", "\"text\"");
    std::vector<Message> a = harness.messages("a", "out");
    std::vector<Message> b = harness.messages("b", "out");
    ASSERT_EQ(a.size(), 201u);
    ASSERT_EQ(b.size(), 201u);
    for (std::size_t i = 0; i < 200; ++i) {
        EXPECT_EQ(a[i].integer(), static_cast<std::int64_t>(i));
        EXPECT_TRUE(equal(a[i], b[i]));
    }
    // The same memory, not a copy.
    EXPECT_EQ(a[200].text().data(), b[200].text().data());
}

TEST(Merge, KeepsTheOrderOfEachConnection) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        HarnessOptions options;
        options.simulated = true;
        options.seed = seed;
        options.port_capacity = 3;
        Harness harness(R"({
            "properties": {"name": "t"},
            "processes": {"a": {"component": "Tee"}, "b": {"component": "Tee"},
                          "m": {"component": "Merge"}},
            "connections": [
                {"from": {"nodeId": "a", "portId": "out"}, "to": {"nodeId": "m", "portId": "in"}},
                {"from": {"nodeId": "b", "portId": "out"}, "to": {"nodeId": "m", "portId": "in"}}],
            "inports": {"a": {"nodeId": "a", "portId": "in"}, "b": {"nodeId": "b", "portId": "in"}}})",
                        {{"m", "out"}}, options);
        ASSERT_EQ(harness.error(), "");
        for (int i = 0; i < 30; ++i) {
            harness.send("a", "in", Message::integer(i));
            harness.send("b", "in", Message::integer(1000 + i));
        }
        harness.finish();
        std::int64_t next_a = 0;
        std::int64_t next_b = 1000;
        for (const Message& message : harness.messages("m", "out")) {
            std::int64_t& next = message.integer() < 1000 ? next_a : next_b;
            EXPECT_EQ(message.integer(), next++) << "seed " << seed;
        }
        EXPECT_EQ(next_a, 30);
        EXPECT_EQ(next_b, 1030);
    }
}

}  // namespace
}  // namespace reflow::components::testing
