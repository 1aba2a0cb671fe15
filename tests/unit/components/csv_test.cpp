// CsvRead and CsvWrite in running graphs.
#include <gtest/gtest.h>

#include <random>

#include "components/csv_read.hpp"
#include "run_graph.hpp"

namespace {

using namespace reflow;
using reflow::test::Folder;
using reflow::test::Lines;
using reflow::test::one_node;
using reflow::test::RunGraph;

// Reads a text with CsvRead; extra is more configuration, such as R"(,"types":"auto")".
struct Reading {
    explicit Reading(const std::string& content, const std::string& extra = "")
        : path(folder.put("in.csv", content)),
          graph(one_node("CsvRead", R"({"path":")" + path + "\"" + extra + "}")) {
        graph.collect("n", "out").collect("n", "rejected").collect("n", "done");
        ok = graph.run();
        if (!ok) return;
        rows = graph.got("n", "out");
        rejected = graph.got("n", "rejected");
        done = graph.got("n", "done");
    }
    Folder folder;
    std::string path;
    RunGraph graph;
    bool ok = false;
    Lines rows, rejected, done;
};

TEST(CsvRead, RowsBecomeObjects) {
    Reading reading("date,wind\n2012/01/01,4.7\n\n2012/01/02,\"4,5\"");
    ASSERT_TRUE(reading.ok) << reading.graph.error;
    EXPECT_EQ(reading.rows, (Lines{R"({"date":"2012/01/01","wind":"4.7"})",
                                   R"({"date":"2012/01/02","wind":"4,5"})"}));
    EXPECT_EQ(reading.rejected, Lines{});
    EXPECT_EQ(reading.done, Lines{R"({"path":")" + reading.path + R"(","rows":2,"rejected":0})"});
}

TEST(CsvRead, BadRowsAreRejectedWithLineReasonAndText) {
    Reading reading(
        "\xEF\xBB\xBF"
        "a,b\r\n1,2\r\n3\r\n\"x\ny\",4,5\r\n\xFF,6\r\nq\"q,7\r\n8,9\r\n");
    ASSERT_TRUE(reading.ok) << reading.graph.error;
    EXPECT_EQ(reading.rows, (Lines{R"({"a":"1","b":"2"})", R"({"a":"8","b":"9"})"}));
    EXPECT_EQ(reading.rejected,
              (Lines{R"({"line":3,"reason":"1 field instead of 2","row":"3"})",
                     R"({"line":4,"reason":"3 fields instead of 2","row":"\"x\ny\",4,5"})",
                     "{\"line\":6,\"reason\":\"invalid UTF-8 at byte 1\",\"row\":\"\uFFFD,6\"}",
                     R"({"line":7,"reason":"a quote inside of field 1, which does not begin with )"
                     R"(one","row":"q\"q,7"})"}));
    EXPECT_EQ(reading.done, Lines{R"({"path":")" + reading.path + R"(","rows":2,"rejected":4})"});
}

TEST(CsvRead, RejectedRowsThatNobodyHearsAreLogged) {
    Folder folder;
    RunGraph graph(one_node("CsvRead", R"({"path":")" + folder.put("a.csv", "a\n1,2\n") + "\"}"));
    ASSERT_TRUE(graph.run()) << graph.error;
    ASSERT_EQ(graph.logs().size(), 1u);
    EXPECT_NE(graph.logs()[0].find("1 row was refused"), std::string::npos) << graph.logs()[0];
}

TEST(CsvRead, NamesOfColumns) {
    EXPECT_EQ(Reading("a,b\n1,2\n", R"(,"rename":{"a":"b","b":"a"})").rows,
              Lines{R"({"b":"1","a":"2"})"});
    EXPECT_EQ(Reading("a,b\n1,2\n", R"(,"columns":["x","y"])").rows, Lines{R"({"x":"1","y":"2"})"});
    EXPECT_EQ(Reading("1,2\n", R"(,"header":false)").rows,
              Lines{R"({"column_1":"1","column_2":"2"})"});
    EXPECT_EQ(Reading("1,2\n3,4\n", R"(,"header":false,"columns":["x","y"])").rows,
              (Lines{R"({"x":"1","y":"2"})", R"({"x":"3","y":"4"})"}));
    EXPECT_EQ(Reading("569,30,x,y,z\n1,2\n", R"(,"columns":["a","b"])").rows,
              Lines{R"({"a":"1","b":"2"})"});
}

TEST(CsvRead, AnnotatesLineAndText) {
    EXPECT_EQ(Reading("a,b\n\"1\n\",2\n3,4\r\n", R"(,"annotate":true)").rows,
              (Lines{R"({"a":"1\n","b":"2","_line":2,"_row":"\"1\n\",2"})",
                     R"({"a":"3","b":"4","_line":4,"_row":"3,4"})"}));
}

TEST(CsvRead, TypesOfFields) {
    EXPECT_EQ(Reading("v\n1\n-0.5\n1e3\n007\n-\ntrue\nfalse\n\"\"\n9223372036854775807\n"
                      "9223372036854775808\n1.\n-0\n 1\nnan\n",
                      R"(,"types":"auto")")
                  .rows,
              (Lines{R"({"v":1})", R"({"v":-0.5})", R"({"v":1000.0})", R"({"v":"007"})",
                     R"({"v":"-"})", R"({"v":true})", R"({"v":false})", R"({"v":null})",
                     R"({"v":9223372036854775807})", R"({"v":"9223372036854775808"})",
                     R"({"v":"1."})", R"({"v":"-0"})", R"({"v":" 1"})", R"({"v":"nan"})"}));
}

TEST(CsvRead, OtherSeparators) {
    EXPECT_EQ(Reading("a;b\n'1;1';2\n", R"(,"delimiter":";","quote":"'")").rows,
              Lines{R"({"a":"1;1","b":"2"})"});
    EXPECT_EQ(Reading("a\tb\n\"1\t2\"\n", R"(,"delimiter":"\t","quote":"")").rows,
              Lines{R"({"a":"\"1","b":"2\""})"});
}

struct BadHeader {
    const char* content;
    const char* extra;
    const char* error;
};

TEST(CsvRead, FilesThatCannotBeReadStopTheStart) {
    const BadHeader cases[] = {
        {"", "", "the file is empty: it has no header line"},
        {"\n\n", "", "the file is empty: it has no header line"},
        {"a,b,a\n", "", "columns 1 and 3 are both named 'a'"},
        {"a,,c\n", "", "column 2 has no name"},
        {"a,\xFF\n", "", "the header cannot be read: invalid UTF-8 at byte 3"},
        {"\xFF\xFE"
         "a\n",
         "", "the file is UTF-16, not UTF-8"},
        {"a,\"b\n", "", "a quoted field is not closed"},
        {"date,wind\n", R"(,"rename":{"winds":"x"})", "did you mean 'wind'?"},
        {"date,wind\n", R"(,"rename":{"wind":"date"})", "columns 1 and 2 are both named 'date'"},
        {"a,_line\n", R"(,"annotate":true)", "column 2 is named '_line', which 'annotate' uses"},
    };
    for (const BadHeader& bad : cases) {
        Reading reading(bad.content, bad.extra);
        EXPECT_FALSE(reading.ok) << bad.content;
        EXPECT_NE(reading.graph.error.find(bad.error), std::string::npos) << reading.graph.error;
        EXPECT_NE(reading.graph.error.find(reading.path), std::string::npos) << reading.graph.error;
        EXPECT_NE(reading.graph.error.find("node 'n'"), std::string::npos) << reading.graph.error;
    }
}

TEST(CsvRead, MissingFileAndFolderStopTheStart) {
    Folder folder;
    RunGraph missing(one_node("CsvRead", R"({"path":")" + (folder / "none.csv") + "\"}"));
    EXPECT_FALSE(missing.run());
    EXPECT_EQ(missing.status, REFLOW_ERROR_IO);
    EXPECT_EQ(missing.error,
              (folder / "none.csv") + ": node 'n': cannot open: no such file or directory");
    RunGraph directory(one_node("CsvRead", R"({"path":")" + (folder / "") + "\"}"));
    EXPECT_FALSE(directory.run());
    EXPECT_NE(directory.error.find("is a directory"), std::string::npos) << directory.error;
}

TEST(CsvRead, BadConfigurationIsRefused) {
    for (const char* config :
         {R"({"path":"x","delimiter":"ab"})", R"({"path":"x","delimiter":"\n"})",
          R"({"path":"x","quote":","})", R"({"path":"x","types":"all"})",
          R"({"path":"x","max_row_bytes":0})", R"({"path":5})", R"({"path":"x","rename":{"a":1}})",
          R"({"pth":"x"})"}) {
        RunGraph graph(one_node("CsvRead", config));
        EXPECT_NE(graph.status, REFLOW_OK) << config;
        EXPECT_NE(graph.error.find("node 'n'"), std::string::npos) << graph.error;
    }
}

TEST(CsvRead, LooksBesideTheGraphForRelativePaths) {
    Folder folder;
    folder.put("data/x.csv", "a\n1\n");
    RunGraph graph(
        one_node("CsvRead", R"({"path":"x.csv","base_dir":")" + (folder / "data") + "\"}"));
    graph.collect("n", "out");
    ASSERT_TRUE(graph.run()) << graph.error;
    EXPECT_EQ(graph.got("n", "out"), Lines{R"({"a":"1"})"});
    RunGraph missing(
        one_node("CsvRead", R"({"path":"y.csv","base_dir":")" + (folder / "data") + "\"}"));
    EXPECT_FALSE(missing.start());
    EXPECT_NE(missing.error.find("y.csv: node 'n': cannot open"), std::string::npos);
    EXPECT_NE(missing.error.find("also tried '" + (folder / "data/y.csv") + "'"), std::string::npos)
        << missing.error;
}

TEST(CsvRead, PathsComeInOneByOne) {
    Folder folder;
    std::string first = folder.put("1.csv", "a\n1\n2\n");
    std::string second = folder.put("2.csv", "b\n3\n");
    RunGraph graph(one_node("CsvRead", R"({"path":")" + first + "\"}", "path"));
    graph.collect("n", "out").collect("n", "done");
    ASSERT_TRUE(graph.start()) << graph.error;
    ASSERT_TRUE(graph.send("n", "path", "\"" + second + "\""));
    ASSERT_TRUE(graph.send("n", "path", "\"" + (folder / "none") + "\""));
    ASSERT_TRUE(graph.send("n", "path", "\"" + first + "\""));
    ASSERT_TRUE(graph.drain()) << graph.error;
    // The missing one fails on its own, and the configured one is not read.
    EXPECT_EQ(graph.got("n", "out"), (Lines{R"({"b":"3"})", R"({"a":"1"})", R"({"a":"2"})"}));
    EXPECT_EQ(graph.got("n", "done").size(), 2u);
    ASSERT_EQ(graph.logs().size(), 1u);
    EXPECT_NE(graph.logs()[0].find("no such file"), std::string::npos) << graph.logs()[0];
}

TEST(CsvRead, WaitsForRoomAndKeepsTheOrder) {
    std::string content = "n\n";
    std::string expected;
    for (int i = 0; i < 20'000; ++i) {
        content += std::to_string(i) + (i % 7 == 0 ? ",ragged\n" : "\n");
        if (i % 7 != 0) expected += "{\"n\":\"" + std::to_string(i) + "\"}\n";
    }
    for (reflow_mode mode : {REFLOW_MODE_INLINE, REFLOW_MODE_SIMULATED, REFLOW_MODE_OWN}) {
        Folder folder;
        folder.put("in.csv", content);
        RunGraph graph(R"({"properties":{"name":"t"},"processes":{
            "read":{"component":"CsvRead","metadata":{"path":")" +
                           (folder / "in.csv") + R"("}},
            "write":{"component":"JsonlWrite","metadata":{"path":")" +
                           (folder / "out") + R"("}},
            "bad":{"component":"JsonlWrite","metadata":{"path":")" +
                           (folder / "bad") + R"("}}},
            "connections":[
            {"from":{"nodeId":"read","portId":"out"},"to":{"nodeId":"write","portId":"in"},"metadata":{"capacity":3}},
            {"from":{"nodeId":"read","portId":"rejected"},"to":{"nodeId":"bad","portId":"in"},"metadata":{"capacity":1}}]})",
                       mode);
        ASSERT_TRUE(graph.run()) << graph.error;
        EXPECT_EQ(folder.get("out"), expected);
        std::string bad = folder.get("bad");
        EXPECT_EQ(std::count(bad.begin(), bad.end(), '\n'), (20'000 + 6) / 7);
    }
}

// ---- writing

std::string write_csv(const std::string& config, const std::string& rows, std::string& error) {
    Folder folder;
    std::string in = folder.put("in.jsonl", rows);
    RunGraph graph(R"({"properties":{"name":"t"},"processes":{
        "read":{"component":"JsonlRead","metadata":{"path":")" +
                   in + R"("}},
        "write":{"component":"CsvWrite","metadata":{"path":"out.csv","folder":")" +
                   (folder / "new/sub") + "\"" + config + R"(}}},
        "connections":[{"from":{"nodeId":"read","portId":"out"},"to":{"nodeId":"write","portId":"in"}}]})");
    bool ok = graph.run();
    error = graph.error;
    for (const std::string& line : graph.logs()) error += line + "\n";
    return ok ? folder.get("new/sub/out.csv") : "failed";
}

TEST(CsvWrite, WritesRows) {
    std::string error;
    EXPECT_EQ(write_csv("", R"({"a":1,"b":"x"}
{"b":"say \"hi\"","a":2.5}
{"a":"1,2"}
{"a":null,"b":"line\nend"}
{"a":true,"b":[1,{"c":"d"}]}
)",
                        error),
              "a,b\n1,x\n2.5,\"say \"\"hi\"\"\"\n\"1,2\",\n,\"line\nend\"\ntrue,\"[1,{\"\"c\"\":"
              "\"\"d\"\"}]\"\n");
    EXPECT_EQ(error, "");
    EXPECT_EQ(write_csv(R"(,"columns":["b"],"line_end":"crlf")",
                        "{\"a\":1,\"b\":\"\"}\n{\"b\":2}\n", error),
              "b\r\n\"\"\r\n2\r\n");
    EXPECT_EQ(
        write_csv(R"(,"header":false,"delimiter":";")", "{\"a\":\"1;\",\"b\":\"2,\"}\n", error),
        "\"1;\";2,\n");
}

TEST(CsvWrite, KeysThatAreNoColumnFailTheirRowOnly) {
    std::string error;
    EXPECT_EQ(write_csv("", "{\"a\":1}\n{\"a\":2,\"z\":3}\n{\"a\":4}\n5\n", error), "a\n1\n4\n");
    EXPECT_NE(error.find("the key 'z' is none of the columns"), std::string::npos) << error;
    EXPECT_NE(error.find("expected a row as an object, found an integer"), std::string::npos)
        << error;
}

TEST(CsvWrite, WhatItWritesReadsBack) {
    std::mt19937 random(7);
    const char* pieces[] = {"a", ",", "\\\"", "\\n", "\\r", " ", "\u00e9", "x"};
    std::string rows;
    for (int i = 0; i < 500; ++i) {
        rows += "{";
        for (const char* key : {"k1", "k,2", "k\\\"3"}) {
            rows += rows.back() == '{' ? "" : ",";
            rows += "\"" + std::string(key) + "\":\"";
            for (auto n = random() % 5; n > 0; --n) rows += pieces[random() % 8];
            rows += "\"";
        }
        rows += "}\n";
    }
    Folder folder;
    std::string in = folder.put("in.jsonl", rows);
    std::string error;
    folder.put("mid.csv", write_csv("", rows, error));
    EXPECT_EQ(error, "");
    RunGraph back(one_node("CsvRead", R"({"path":")" + (folder / "mid.csv") + "\"}"));
    back.collect("n", "out");
    ASSERT_TRUE(back.run()) << back.error;
    std::string again;
    for (const std::string& line : back.got("n", "out")) again += line + "\n";
    EXPECT_EQ(again, rows);
}

}  // namespace
