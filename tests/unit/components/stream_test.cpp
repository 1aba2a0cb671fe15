// StreamRead, StreamWrite and StreamCollect where something breaks: memory, the file that is read, the
// file that is written, and a run that a snapshot cuts in two.
#include "components/harness.hpp"
#include "failing_memory.hpp"

namespace reflow::components::testing {
namespace {

using reflow::testing::FailOnce;
using reflow::testing::MemoryUse;
using reflow::testing::memory_use;

// read -> sink, frames of four bytes.
std::string graph_of(const std::string& sink) {
    return R"({"processes": {
        "read": {"component": "StreamRead", "metadata": {"chunk_bytes": 4, "path": "first"}},
        "sink": {"component": ")" +
           sink +
           R"("}}, "inports": {"path": {"nodeId": "read", "portId": "path"}},
        "connections": [{"from": {"nodeId": "read", "portId": "out"},
                         "to": {"nodeId": "sink", "portId": "in"}}]})";
}
const std::string writes = R"(StreamWrite", "metadata": {"path": "to"}, "x": ")";
const std::string collects = R"(StreamCollect", "metadata": {"text": true}, "x": ")";

const std::string first = "0123456789";
const std::string second = "abcdefghijklm";

HarnessOptions with_files() {
    HarnessOptions options;
    options.files->contents = {{"first", first}, {"second", second}};
    return options;
}
std::vector<Harness::Port> read_of(const std::string& sink) {
    return {{"sink", sink == writes ? "done" : "out"}, {"sink", "error"}, {"read", "error"}};
}
std::string done(std::size_t bytes) {
    return R"({"path":"to","bytes":)" + std::to_string(bytes) + R"(,"content_type":null})";
}

// One file was asked for while memory ran out; the next one is read as a whole even so.
void memory_runs_out(const std::string& sink) {
    for (std::int64_t successes = 0;; ++successes) {
        SCOPED_TRACE("allocation " + std::to_string(successes));
        bool failed = false;
        MemoryUse before = memory_use();
        {
            Harness harness(graph_of(sink), read_of(sink), with_files());
            ASSERT_EQ(harness.error(), "");
            Message path = Message::string("first");
            Message next = Message::string("second");
            {
                FailOnce fail(successes);
                bool sent = false;
                while (!sent) {
                    try {
                        harness.send("read", "path", path);
                        sent = true;
                    } catch (const std::bad_alloc&) {
                    }
                }
                harness.settle();
                failed = fail.failed();
            }
            std::size_t errors = harness.messages("sink", "error").size() +
                                 harness.messages("read", "error").size();
            Lines told = harness.take("sink", read_of(sink)[0].second);
            bool whole = sink == writes ? harness.files->contents["to"] == first : !told.empty();
            // It was done, or somebody was told, if only by a letter for want of memory.
            std::uint64_t failures = harness.counters("read").failed + harness.counters("sink").failed;
            EXPECT_TRUE(whole || failures != 0);
            EXPECT_LE(errors, failures);
            if (!failed) {
                EXPECT_TRUE(whole && failures == 0);
            }
            harness.send("read", "path", next);
            harness.idle();
            if (sink == writes) {
                EXPECT_TRUE(harness.files->contents["to"].ends_with(second));
                EXPECT_EQ(harness.take("sink", "done"), Lines({done(second.size())}));
            } else {
                EXPECT_EQ(harness.take("sink", "out"), Lines({'"' + second + '"'}));
            }
            harness.finish();
        }
        EXPECT_EQ(memory_use(), before);
        if (::testing::Test::HasFailure()) return;
        if (failed) continue;
        EXPECT_GT(successes, 10);  // it was tried
        return;
    }
}
TEST(StreamComponents, MemoryRunsOutAnywhereWhileAFileIsWritten) { memory_runs_out(writes); }
TEST(StreamComponents, MemoryRunsOutAnywhereWhileAStreamIsGathered) { memory_runs_out(collects); }

// The file that is read breaks off at each byte.
TEST(StreamComponents, AFileThatBreaksOffIsToldOfAtBothEnds) {
    for (const std::string& sink : {writes, collects}) {
        for (std::size_t at = 0; at <= first.size(); ++at) {
            SCOPED_TRACE(at);
            HarnessOptions options = with_files();
            options.files->breaks["first"] = at;
            Harness harness(graph_of(sink), read_of(sink), options);
            harness.send("read", "path", "\"first\"");
            EXPECT_EQ(harness.take("read", "error"), Lines({"node 'read': the disk is broken"}));
            Lines told = harness.take("sink", "error");
            ASSERT_EQ(told.size(), 1u);
            EXPECT_NE(told[0].find("the disk is broken"), std::string::npos) << told[0];
            EXPECT_EQ(harness.take("sink", read_of(sink)[0].second), Lines());
            harness.send("read", "path", "\"second\"");
            if (sink == writes) {
                EXPECT_EQ(harness.files->contents["to"], first.substr(0, at) + second);
                EXPECT_EQ(harness.take("sink", "done"), Lines({done(second.size())}));
            } else {
                EXPECT_EQ(harness.take("sink", "out"), Lines({'"' + second + '"'}));
            }
        }
    }
}

// The disk is full behind each byte; what is told of the next stream is of that one alone.
TEST(StreamComponents, AFullDiskEndsOneStream) {
    for (std::size_t most = 0; most < first.size(); ++most) {
        SCOPED_TRACE(most);
        HarnessOptions options = with_files();
        options.files->full["to"] = most;
        Harness harness(graph_of(writes), read_of(writes), options);
        harness.send("read", "path", "\"first\"");
        EXPECT_EQ(harness.take("sink", "error"), Lines({"node 'sink': the disk is full"}));
        EXPECT_EQ(harness.take("sink", "done"), Lines());
        harness.files->full.clear();
        harness.send("read", "path", "\"second\"");
        EXPECT_EQ(harness.files->contents["to"], first.substr(0, most - most % 4) + second);
        EXPECT_EQ(harness.take("sink", "done"), Lines({done(second.size())}));
    }
}

// Another network goes on behind the first file; while a stream is open it cannot be cut.
TEST(StreamComponents, ASnapshotCutsBetweenFiles) {
    for (const std::string& sink : {writes, collects}) {
        HarnessOptions options = with_files();
        auto harness = std::make_unique<Harness>(graph_of(sink), read_of(sink), options);
        harness->send("read", "path", "\"first\"");
        Lines told = harness->take("sink", read_of(sink)[0].second);
        ASSERT_EQ(told.size(), 1u);
        options.restore = harness->snapshot();
        harness->send("read", "path", "\"second\"");  // and is forgotten
        harness.reset();
        harness = std::make_unique<Harness>(graph_of(sink), read_of(sink), options);
        ASSERT_EQ(harness->error(), "");
        harness->send("read", "path", "\"second\"");
        if (sink == writes) {
            EXPECT_EQ(harness->files->contents["to"], first + second);
            EXPECT_EQ(harness->take("sink", "done"), Lines({done(second.size())}));
        } else {
            EXPECT_EQ(harness->take("sink", "out"), Lines({'"' + second + '"'}));
        }
        EXPECT_EQ(harness->take("sink", "error"), Lines());
    }
}

}  // namespace
}  // namespace reflow::components::testing
