// RulesEngine in running networks.
#include "harness.hpp"

namespace reflow::components::testing {
namespace {

const char* const alerts = R"({
    "rules": [
        {"name": "storm", "when": "wind >= $wind", "value": "wind"},
        {"name": "heavy_rain", "when": "precipitation >= $precipitation", "value": "precipitation"}],
    "copy": ["date"], "wind": 9, "precipitation": 50})";

TEST(RulesEngine, ReportsEachRuleThatHolds) {
    Harness harness("RulesEngine", alerts);
    ASSERT_EQ(harness.error(), "");
    harness.send("in", R"({"date":"2012/01/01","wind":4.7,"precipitation":0.0})");
    harness.send("in", R"({"date":"2012/01/02","wind":9.0,"precipitation":55.9})");
    harness.send("in", R"({"date":"2012/01/03","wind":8.9,"precipitation":50})");
    EXPECT_EQ(harness.take("matched"),
              Lines({R"({"date":"2012/01/02","rule":"storm","value":9.0})",
                     R"({"date":"2012/01/02","rule":"heavy_rain","value":55.9})",
                     R"({"date":"2012/01/03","rule":"heavy_rain","value":50})"}));
    EXPECT_EQ(harness.take("unmatched"),
              Lines({R"({"date":"2012/01/01","wind":4.7,"precipitation":0.0})"}));
    EXPECT_EQ(harness.take("out").size(), 3u);
    EXPECT_EQ(harness.take("error"), Lines());
}

TEST(RulesEngine, FirstOnly) {
    Harness harness("RulesEngine", R"({"mode": "first", "rules": [
        {"name": "a", "when": "x > 1"}, {"name": "b", "when": "x > 0"}]})");
    ASSERT_EQ(harness.error(), "");
    for (const char* packet : {R"({"x":2})", R"({"x":1})", R"({"x":0})"}) {
        harness.send("in", packet);
    }
    EXPECT_EQ(harness.take("matched"), Lines({R"({"rule":"a"})", R"({"rule":"b"})"}));
    EXPECT_EQ(harness.take("unmatched"), Lines({R"({"x":0})"}));
}

TEST(RulesEngine, Shapes) {
    Harness harness("RulesEngine", R"({
        "rules": [{"name": "a", "when": true, "value": "x * 2",
                   "emit": {"severity": "if(x > 5, 'high', 'low') "
}
}],
        "emit": {"at": "date", "year": "year(date) + $plus"}, "plus": 100,
        "rule_key": "name", "value_key": "amount", "input_key": "row"
})");
    ASSERT_EQ(harness.error(), "");
    harness.send("in", R"({"x":6,"date":"2012/01/02"})");
    EXPECT_EQ(harness.take("matched"),
              Lines({R"({"at":"2012/01/02","year":2112,"name":"a","amount":12,)"
                     R"("severity":"high","row":{"x":6,"date":"2012/01/02"}})"}));
    Harness bare("RulesEngine", R"({"rules": [{"name": "a", "when": true, "value": 1}],
                                    "copy": "x", "rule_key": "", "value_key": ""})");
    bare.send("in", R"({"x":6,"y":7})");
    EXPECT_EQ(bare.take("matched"), Lines({R"({"x":6})"}));
}

// A rule that fails takes the whole packet with it: no half of its alerts.
TEST(RulesEngine, FailureEmitsNothing) {
    Harness harness("RulesEngine", R"({"rules": [
        {"name": "a", "when": "x > 0"}, {"name": "b", "when": "y > 0"}]})");
    ASSERT_EQ(harness.error(), "");
    harness.send("in", R"({"x":1})");
    harness.send("in", R"({"x":1,"y":1})");
    EXPECT_EQ(harness.take("matched"), Lines({R"({"rule":"a"})", R"({"rule":"b"})"}));
    EXPECT_EQ(harness.take("out"), Lines({R"({"x":1,"y":1})"}));
    EXPECT_EQ(harness.take("error"),
              Lines({"node 'node': unknown field 'y' at column 1 of rules[1].when"}));
}

TEST(RulesEngine, BadConfigurations) {
    auto has = [](std::string_view config, std::string_view part) {
        std::string found = Harness("RulesEngine", config).error();
        EXPECT_NE(found.find(part), std::string::npos) << config << ": " << found;
    };
    has("{}", "rules");
    has(R"({"rules": []})", "rules");
    has(R"({"rules": [{"name": "a"}]})", "when");
    has(R"({"rules": [{"name": "a", "when": true}, {"name": "a", "when": true}]})",
        "two rules have the name 'a' at $.rules[1].name");
    has(R"({"rules": [{"name": "a", "when": "wind >= $wind"}]})",
        "no configuration key 'wind' at column 9 at $.rules[0].when");
    has(R"({"rules": [{"name": "a", "when": "wind >= $wind"}], "wind": 9, "wnd": 8})",
        "unknown configuration key 'wnd' (did you mean 'wind'?)");
    has(R"({"rules": [{"name": "a", "when": true}], "mode": "any"})", "mode");
}

}  // namespace
}  // namespace reflow::components::testing
