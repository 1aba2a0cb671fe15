// Delay, Log and Counter in running graphs.
#include <gtest/gtest.h>

#include "run_graph.hpp"

namespace {

using namespace reflow;
using reflow::test::Folder;
using reflow::test::Lines;
using reflow::test::one_node;
using reflow::test::RunGraph;

std::string chain(const std::string& in, const std::string& component, const std::string& config) {
    return R"({"properties":{"name":"t"},"processes":{
        "read":{"component":"JsonlRead","metadata":{"path":")" +
           in + R"("}},"n":{"component":")" + component + R"(","metadata":)" + config +
           R"(}},"connections":[{"from":{"nodeId":"read","portId":"out"},"to":{"nodeId":"n","portId":"in"}}]})";
}

Lines numbers(int count) {
    Lines lines;
    for (int i = 0; i < count; ++i) lines.push_back(std::to_string(i));
    return lines;
}

std::string text_of(const Lines& lines) {
    std::string text;
    for (const std::string& line : lines) text += line + "\n";
    return text;
}

// In simulated time an hour is over at once, and time that is not waited for does not pass.
TEST(Delay, PassesOnLaterAndInOrder) {
    RunGraph graph(one_node("Delay", R"({"ms":3600000})", "in"), REFLOW_MODE_SIMULATED);
    graph.collect("n", "out");
    ASSERT_TRUE(graph.start()) << graph.error;
    const Clock& clock = graph.network().group().scheduler.clock();
    std::uint64_t start = clock.now_ns();
    for (int i = 0; i < 100; ++i) ASSERT_TRUE(graph.send("n", "in", std::to_string(i)));
    ASSERT_TRUE(graph.wait_idle(REFLOW_FOREVER)) << graph.error;
    // Side by side: an hour for all of them, and not for each.
    std::uint64_t hour = 3'600'000'000'000;
    EXPECT_GE(clock.now_ns() - start, hour);
    EXPECT_LT(clock.now_ns() - start, hour + hour / 2);
    EXPECT_EQ(graph.got("n", "out"), numbers(100));
}

TEST(Delay, DrainWaitsForWhatIsDelayed) {
    RunGraph graph(one_node("Delay", R"({"ms":20})", "in"), REFLOW_MODE_OWN);
    graph.collect("n", "out");
    ASSERT_TRUE(graph.start()) << graph.error;
    ASSERT_TRUE(graph.send("n", "in", "1"));
    ASSERT_TRUE(graph.drain()) << graph.error;
    EXPECT_EQ(graph.got("n", "out"), Lines{"1"});
}

TEST(Delay, StopDropsWhatIsDelayed) {
    RunGraph graph(one_node("Delay", R"({"ms":3600000})", "in"));
    graph.collect("n", "out");
    ASSERT_TRUE(graph.start()) << graph.error;
    ASSERT_TRUE(graph.send("n", "in", "1"));
    ASSERT_TRUE(graph.stop()) << graph.error;
    EXPECT_EQ(graph.got("n", "out"), Lines{});
}

// Ten packets, three at a time: four seconds; meanwhile the others wait in the inports.
TEST(Delay, WhenItIsFullSendersWait) {
    Folder folder;
    RunGraph graph(
        chain(folder.put("in", text_of(numbers(10))), "Delay", R"({"ms":1000,"capacity":3})"),
        REFLOW_MODE_SIMULATED);
    graph.collect("n", "out");
    ASSERT_TRUE(graph.start()) << graph.error;
    const Clock& clock = graph.network().group().scheduler.clock();
    std::uint64_t start = clock.now_ns();
    ASSERT_TRUE(graph.wait_idle(REFLOW_FOREVER)) << graph.error;
    double seconds = static_cast<double>(clock.now_ns() - start) / 1e9;
    EXPECT_NEAR(seconds, 4, 0.1);
    EXPECT_EQ(graph.got("n", "out"), numbers(10));
}

TEST(Delay, WithoutATimePassesOnAtOnce) {
    Folder folder;
    RunGraph graph(chain(folder.put("in", text_of(numbers(5000))), "Delay", "{}"));
    graph.collect("n", "out");
    ASSERT_TRUE(graph.run()) << graph.error;
    EXPECT_EQ(graph.got("n", "out"), numbers(5000));
}

TEST(Delay, BadConfigurationIsRefused) {
    for (const char* config : {R"({"ms":-1})", R"({"ms":"1"})", R"({"ms":1e300})",
                               R"({"capacity":0})", R"({"delay":1})"}) {
        RunGraph graph(one_node("Delay", config, "in"));
        EXPECT_NE(graph.status, REFLOW_OK) << config;
    }
}

TEST(Log, LogsAndPassesOn) {
    Folder folder;
    RunGraph graph(chain(folder.put("in", "{\"a\":[1,\"x\"]}\n2\n"), "Log",
                         R"({"label":"seen","level":"warn"})"));
    graph.collect("n", "out");
    ASSERT_TRUE(graph.run()) << graph.error;
    EXPECT_EQ(graph.logs(), (Lines{R"(2 n: seen: {"a":[1,"x"]})", "2 n: seen: 2"}));
    EXPECT_EQ(graph.got("n", "out"), (Lines{R"({"a":[1,"x"]})", "2"}));
    EXPECT_EQ(graph.printed, "");
}

TEST(Log, PrintsForAPerson) {
    Folder folder;
    RunGraph graph(chain(folder.put("in", "1\n\"two\"\n"), "Log", R"({"print":true})"));
    ASSERT_TRUE(graph.run()) << graph.error;
    EXPECT_EQ(graph.printed, "1\n\"two\"\n");
    EXPECT_EQ(graph.logs(REFLOW_LOG_INFO), Lines{});
}

TEST(Counter, CountsAndPassesOn) {
    Folder folder;
    std::string in = folder.put("in", text_of(numbers(10)));
    for (auto [config, counts] : {std::pair<const char*, Lines>{"{}", {"10"}},
                                  {R"({"every":4})", {"4", "8", "10"}},
                                  {R"({"every":5})", {"5", "10"}}}) {
        RunGraph graph(chain(in, "Counter", config));
        graph.collect("n", "out").collect("n", "count");
        ASSERT_TRUE(graph.run()) << graph.error;
        EXPECT_EQ(graph.got("n", "out"), numbers(10));
        EXPECT_EQ(graph.got("n", "count"), counts) << config;
    }
    RunGraph none(chain(folder.put("empty", ""), "Counter", "{}"));
    none.collect("n", "count");
    ASSERT_TRUE(none.run()) << none.error;
    EXPECT_EQ(none.got("n", "count"), Lines{"0"});
}

}  // namespace
