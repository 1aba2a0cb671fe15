// JsonlRead and JsonlWrite in running graphs, and what happens to writers when the disk is full.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>

#include "components/jsonl_read.hpp"
#include "run_graph.hpp"

namespace {

using namespace reflow;
using components::LineScanner;
using reflow::test::Folder;
using reflow::test::Lines;
using reflow::test::one_node;
using reflow::test::RunGraph;

Lines lines_of(std::string_view text, std::size_t most, std::size_t piece) {
    LineScanner scanner(most);
    Lines lines;
    for (;;) {
        LineScanner::Step step = scanner.next();
        if (step == LineScanner::Step::end) return lines;
        if (step == LineScanner::Step::more) {
            std::span<char> space = scanner.space();
            std::size_t count = std::min({piece, space.size(), text.size()});
            text.copy(space.data(), count);
            text.remove_prefix(count);
            scanner.filled(count);
            continue;
        }
        lines.push_back(std::to_string(scanner.number()) +
                        (step == LineScanner::Step::too_long ? "!" : ":") +
                        std::string(scanner.text()));
    }
}

TEST(LineScanner, CutsLinesWhateverThePieces) {
    for (std::size_t piece : {std::size_t{1}, std::size_t{2}, std::size_t{5}, SIZE_MAX}) {
        EXPECT_EQ(lines_of("a\r\n\nbb\nlast", 100, piece), (Lines{"1:a", "2:", "3:bb", "4:last"}));
        EXPECT_EQ(lines_of("", 100, piece), Lines{});
        EXPECT_EQ(lines_of("x\n", 100, piece), Lines{"1:x"});
        EXPECT_EQ(lines_of("abcd\nabcde\n\nabcdefghij\nxyz\nlonger", 4, piece),
                  (Lines{"1:abcd", "2!abcd", "3:", "4!abcd", "5:xyz", "6!long"}));
    }
    std::string large(300'000, 'y');
    EXPECT_EQ(lines_of(large + "\nz", 1 << 20, 1000), (Lines{"1:" + large, "2:z"}));
}

TEST(JsonlRead, ValuesAndBadLines) {
    Folder folder;
    std::string path = folder.put("in.jsonl",
                                  "{\"a\":1}\n\n[1, 2]\r\n{\"a\":}\n\"text\"\n\xFF\n  \n12 13\n"
                                  "123456789012\nnull");
    RunGraph graph(one_node("JsonlRead", R"({"path":")" + path + R"(","max_line_bytes":10})"));
    graph.collect("n", "out").collect("n", "rejected").collect("n", "done");
    ASSERT_TRUE(graph.run()) << graph.error;
    EXPECT_EQ(graph.got("n", "out"), (Lines{R"({"a":1})", "[1,2]", "\"text\"", "null"}));
    Lines rejected = graph.got("n", "rejected");
    ASSERT_EQ(rejected.size(), 4u);
    EXPECT_TRUE(rejected[0].starts_with(R"({"line":4,"reason":"column 6: )")) << rejected[0];
    EXPECT_TRUE(rejected[0].ends_with(R"("row":"{\"a\":}"})")) << rejected[0];
    EXPECT_TRUE(rejected[1].starts_with("{\"line\":6,")) << rejected[1];
    EXPECT_TRUE(rejected[1].ends_with("\"row\":\"\uFFFD\"}")) << rejected[1];
    EXPECT_TRUE(rejected[2].starts_with("{\"line\":8,\"reason\":\"column 4: ")) << rejected[2];
    EXPECT_EQ(rejected[3],
              "{\"line\":9,\"reason\":\"longer than 10 bytes (max_line_bytes)\","
              "\"row\":\"1234567890\"}");
    EXPECT_EQ(graph.got("n", "done"), Lines{R"({"path":")" + path + R"(","rows":4,"rejected":4})"});
}

TEST(JsonlRead, AnEmptyFileHasNoValues) {
    Folder folder;
    RunGraph graph(one_node("JsonlRead", R"({"path":")" + folder.put("e", "") + "\"}"));
    graph.collect("n", "out").collect("n", "done");
    ASSERT_TRUE(graph.run()) << graph.error;
    EXPECT_EQ(graph.got("n", "out"), Lines{});
    EXPECT_EQ(graph.got("n", "done").size(), 1u);
}

TEST(JsonlRead, WithoutAPathItFails) {
    RunGraph graph(one_node("JsonlRead", "{}"));
    ASSERT_TRUE(graph.start());
    ASSERT_TRUE(graph.drain());
    ASSERT_EQ(graph.logs().size(), 1u);
    EXPECT_NE(graph.logs()[0].find("no file to read (set 'path' or connect the inport 'path')"),
              std::string::npos)
        << graph.logs()[0];
}

TEST(JsonlRead, WithoutAPathItWaitsForOneThatTheGraphExposes) {
    RunGraph graph(R"({"processes":{"n":{"component":"JsonlRead","metadata":{}}},
        "inports":{"file":{"nodeId":"n","portId":"path"}},"connections":[]})");
    ASSERT_TRUE(graph.start()) << graph.error;
    ASSERT_TRUE(graph.drain());
    EXPECT_EQ(graph.logs().size(), 0u);
}

// ---- writing

std::string copy_graph(const std::string& in, const std::string& write_config) {
    return R"({"properties":{"name":"t"},"processes":{
        "read":{"component":"JsonlRead","metadata":{"path":")" +
           in + R"("}},"write":{"component":"JsonlWrite","metadata":)" + write_config +
           R"(}},"connections":[{"from":{"nodeId":"read","portId":"out"},"to":{"nodeId":"write","portId":"in"}}]})";
}

std::string numbered(int count) {
    std::string lines;
    for (int i = 0; i < count; ++i) lines += "{\"n\":" + std::to_string(i) + "}\n";
    return lines;
}

TEST(JsonlWrite, CopiesLines) {
    Folder folder;
    std::string content = numbered(30'000);
    std::string in = folder.put("in", content);
    folder.put("out/x.jsonl", "old content that is longer than nothing\n");
    for (reflow_mode mode : {REFLOW_MODE_INLINE, REFLOW_MODE_OWN}) {
        RunGraph graph(copy_graph(in, R"({"path":"x.jsonl","folder":")" + (folder / "out") + "\"}"),
                       mode);
        ASSERT_TRUE(graph.run()) << graph.error;
        EXPECT_EQ(folder.get("out/x.jsonl"), content);
    }
    RunGraph more(copy_graph(
        folder.put("one", "1\n"),
        R"({"append":true,"path":")" + (folder / "out/x.jsonl") + R"(","folder":"/nowhere"})"));
    ASSERT_TRUE(more.run()) << more.error;
    EXPECT_EQ(folder.get("out/x.jsonl"), content + "1\n");
}

TEST(JsonlWrite, PrintsForADash) {
    Folder folder;
    std::string in = folder.put("in", numbered(100));
    RunGraph graph(copy_graph(in, R"({"path":"-"})"));
    ASSERT_TRUE(graph.run()) << graph.error;
    EXPECT_EQ(graph.printed, numbered(100));
}

TEST(JsonlWrite, APersonWhoLeavesIsAFailureWithACount) {
    Folder folder;
    std::string in = folder.put("in", numbered(1000));
    RunGraph graph(copy_graph(in, R"({"path":"-"})"));
    graph.print_status = REFLOW_ERROR_CLOSED;
    ASSERT_TRUE(graph.run()) << graph.error;
    Lines logs = graph.logs();
    ASSERT_EQ(logs.size(), 2u);
    EXPECT_NE(logs[0].find("cannot print"), std::string::npos) << logs[0];
    EXPECT_NE(logs[1].find("1000 rows were not written"), std::string::npos) << logs[1];
}

TEST(JsonlWrite, AFolderThatCannotBeWrittenStopsTheStart) {
    Folder folder;
    std::string in = folder.put("in", "1\n");
    folder.put("plain", "x");
    RunGraph graph(copy_graph(in, R"({"path":"x","folder":")" + (folder / "plain/sub") + "\"}"));
    EXPECT_FALSE(graph.run());
    EXPECT_EQ(graph.status, REFLOW_ERROR_IO);
    EXPECT_NE(graph.error.find("plain/sub/x: node 'write': cannot open: not a directory"),
              std::string::npos)
        << graph.error;
    RunGraph empty(copy_graph(in, R"({"path":""})"));
    EXPECT_NE(empty.error.find("the path is empty"), std::string::npos) << empty.error;
    RunGraph none(copy_graph(in, "{}"));
    EXPECT_NE(none.error.find("path"), std::string::npos) << none.error;
}

TEST(JsonlWrite, AFullDiskIsToldOnceAndCounted) {
    Folder folder;
    std::string in = folder.put("in", numbered(20'000));
    RunGraph graph(copy_graph(in, R"({"path":"/dev/full"})"));
    ASSERT_TRUE(graph.run()) << graph.error;
    Lines logs = graph.logs();
    ASSERT_EQ(logs.size(), 2u);
    EXPECT_NE(logs[0].find("/dev/full: node 'write': cannot write: no space left on device"),
              std::string::npos)
        << logs[0];
    EXPECT_NE(logs[1].find("20000 rows were not written"), std::string::npos) << logs[1];
}

TEST(JsonlWrite, AFullDiskAtTheEndIsToldWithTheCount) {
    Folder folder;
    RunGraph graph(copy_graph(folder.put("in", numbered(3)), R"({"path":"/dev/full"})"));
    ASSERT_TRUE(graph.run()) << graph.error;
    Lines logs = graph.logs();
    ASSERT_EQ(logs.size(), 1u);
    EXPECT_NE(logs[0].find("no space left on device (3 rows were not written)"), std::string::npos)
        << logs[0];
}

// The size of files is limited in a child, since the limit acts on the whole process.
TEST(JsonlWrite, WhatFitsOnTheDiskEndsWithAWholeLine) {
    Folder folder;
    std::string content = numbered(40'000);
    std::string in = folder.put("in", content);
    auto tries = [&] {
        std::signal(SIGXFSZ, SIG_IGN);
        rlimit limit{200'000, 200'000};
        if (setrlimit(RLIMIT_FSIZE, &limit) != 0) return 2;
        RunGraph graph(copy_graph(in, R"({"path":")" + (folder / "out") + "\"}"));
        return graph.run() && graph.logs().size() == 2 ? 0 : 1;
    };
    ASSERT_EXIT(_exit(tries()), ::testing::ExitedWithCode(0), "");
    std::string written = folder.get("out");
    EXPECT_GT(written.size(), 100'000u);
    EXPECT_LE(written.size(), 200'000u);
    EXPECT_TRUE(written.ends_with('\n'));
    EXPECT_TRUE(content.starts_with(written));
}

TEST(JsonlWrite, StoppingLeavesWhatWasAccepted) {
    Folder folder;
    RunGraph graph(one_node("JsonlWrite", R"({"path":")" + (folder / "out") + "\"}", "in"));
    ASSERT_TRUE(graph.start()) << graph.error;
    for (int i = 0; i < 10; ++i) ASSERT_TRUE(graph.send("n", "in", std::to_string(i)));
    ASSERT_TRUE(graph.wait_idle());
    EXPECT_EQ(folder.get("out"), "");
    ASSERT_TRUE(graph.stop());
    EXPECT_EQ(folder.get("out"), "0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n");
}

TEST(JsonlWrite, FlushWritesEveryBatch) {
    Folder folder;
    RunGraph graph(
        one_node("JsonlWrite", R"({"flush":true,"path":")" + (folder / "out") + "\"}", "in"));
    ASSERT_TRUE(graph.start()) << graph.error;
    ASSERT_TRUE(graph.send("n", "in", "1"));
    ASSERT_TRUE(graph.wait_idle());
    EXPECT_EQ(folder.get("out"), "1\n");
}

}  // namespace
