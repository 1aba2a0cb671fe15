// Readers and writers whose configuration is changed while they work: with another file they begin anew,
// with the same one they go on.
#include "components/harness.hpp"

namespace reflow::components::testing {
namespace {

std::string rows_from(int begin, int end) {
    std::string rows;
    for (int i = begin; i < end; ++i) rows += "{\"n\":" + std::to_string(i) + "}\n";
    return rows;
}
Lines lines_from(int begin, int end) {
    Lines lines;
    for (int i = begin; i < end; ++i) lines.push_back("{\"n\":" + std::to_string(i) + "}");
    return lines;
}

// s -> p, where a packet waits at most.
std::string reading(const std::string& config, const std::string& told = {}) {
    std::string initial;
    if (!told.empty()) {
        initial = R"(,{"data":")" + told + R"(","to":{"nodeId":"s","portId":"path"}})";
    }
    return R"({"processes":{"s":{"component":"JsonlRead","metadata":)" + config +
           R"(},"p":{"component":"Tee"}},"connections":[{"from":{"nodeId":"s","portId":"out"},
              "to":{"nodeId":"p","portId":"in"},"metadata":{"capacity":1}})" +
           initial + "]}";
}

// What comes of a reader that is changed when some rows have come, and the number of these.
Lines changed_reader(const std::string& from, const std::string& to, std::size_t& before) {
    HarnessOptions options;
    options.read_capacity = 1;
    options.files->contents["a"] = rows_from(0, 10);
    options.files->contents["b"] = rows_from(10, 12);
    Harness harness(from, {{"p", "out"}}, options);
    EXPECT_EQ(harness.error(), "");
    Lines lines;
    for (bool changed = false;;) {
        harness.settle();
        Lines some = harness.take("p", "out");
        lines.insert(lines.end(), some.begin(), some.end());
        if (!changed && lines.size() >= 2) {
            before = lines.size();
            harness.change(to);
            changed = true;
        } else if (some.empty()) {
            return lines;
        }
    }
}

TEST(Replace, AReaderWithAnotherPathReadsItFromTheBeginning) {
    std::size_t before = 0;
    Lines lines = changed_reader(reading(R"({"path":"a"})"), reading(R"({"path":"b"})"), before);
    // What had been read of the first file is not lost, and nothing more of it comes.
    ASSERT_GE(lines.size(), before + 2);
    Lines last(lines.end() - 2, lines.end());
    lines.resize(lines.size() - 2);
    EXPECT_EQ(last, lines_from(10, 12));
    EXPECT_EQ(lines, lines_from(0, static_cast<int>(lines.size())));
    EXPECT_LT(lines.size(), 10u);
}

TEST(Replace, AReaderWithTheSamePathGoesOn) {
    std::size_t before = 0;
    Lines lines = changed_reader(reading(R"({"path":"a"})"),
                                 reading(R"({"path":"a","max_line_bytes":1000})"), before);
    EXPECT_EQ(lines, lines_from(0, 10));
}

TEST(Replace, AFileThatAnInportHasToldStays) {
    std::size_t before = 0;
    Lines lines =
        changed_reader(reading("{}", "a"), reading(R"({"max_line_bytes":1000})", "a"), before);
    // A replaced node gets its initial packets again, behind what it is at.
    Lines all = lines_from(0, 10);
    Lines again = lines_from(0, 10);
    all.insert(all.end(), again.begin(), again.end());
    EXPECT_EQ(lines, all);
}

std::string writing(const std::string& component, const std::string& path, const std::string& more) {
    return R"({"processes":{"w":{"component":")" + component + R"(","metadata":{"path":")" + path +
           "\"" + more + R"(}}},"inports":{"in":{"nodeId":"w","portId":"in"}}})";
}

TEST(Replace, AWriterWithAnotherPathBeginsAFile) {
    for (const std::string component : {"JsonlWrite", "CsvWrite"}) {
        SCOPED_TRACE(component);
        HarnessOptions options;
        auto files = options.files;
        Harness harness(writing(component, "a", ""), std::vector<Harness::Port>(), options);
        ASSERT_EQ(harness.error(), "");
        harness.send("w", "in", from_json(R"({"n":1})"));
        harness.idle();
        harness.change(writing(component, "b", ""));
        harness.send("w", "in", from_json(R"({"n":2})"));
        harness.idle();
        harness.change(writing(component, "b", R"(,"flush":true)"));
        harness.send("w", "in", from_json(R"({"n":3})"));
        harness.finish();
        if (component == "JsonlWrite") {
            EXPECT_EQ(files->contents["a"], rows_from(1, 2));
            EXPECT_EQ(files->contents["b"], rows_from(2, 4));
        } else {
            EXPECT_EQ(files->contents["a"], "n\n1\n");
            EXPECT_EQ(files->contents["b"], "n\n2\n3\n");
        }
    }
}

TEST(Replace, AWriterOfStreamsWithAnotherPathBeginsAFile) {
    HarnessOptions options;
    auto files = options.files;
    files->contents["one"] = "0123456789";
    files->contents["two"] = "abcdef";
    auto graph = [](const std::string& path) {
        return R"({"processes":{"r":{"component":"StreamRead","metadata":{"chunk_bytes":4}},
                   "w":{"component":"StreamWrite","metadata":{"path":")" +
               path + R"("}}},"connections":[{"from":{"nodeId":"r","portId":"out"},
                   "to":{"nodeId":"w","portId":"in"}}]})";
    };
    Harness harness(graph("a"), {{"w", "done"}}, options);
    ASSERT_EQ(harness.error(), "");
    harness.send("r", "path", Message::string("one"));
    harness.idle();
    harness.change(graph("b"));
    harness.send("r", "path", Message::string("two"));
    harness.idle();
    harness.finish();
    EXPECT_EQ(files->contents["a"], "0123456789");
    EXPECT_EQ(files->contents["b"], "abcdef");
}

}  // namespace
}  // namespace reflow::components::testing
