// A cancellation over a link: behind what was sent before, and to those alone who know it.
// Neighbours: link_rig.hpp; what it does at actors is in tests/capi/remote_cancel_test.c. Thread: one.
#include <gtest/gtest.h>

#include "peer/link_rig.hpp"

namespace reflow::peer {
namespace {

TEST(CancelTest, GoesBehindWhatWasSent) {
    Pair pair;
    pair.pump();
    std::size_t came = 0;
    pair.b.owner.while_offered = [&] {
        ++came;
        EXPECT_TRUE(pair.b.owner.cancelled.empty());
    };
    ASSERT_EQ(send(pair.a, channel_of(pair.a), 1, 3), 3u);
    pair.a.link->cancel("glaze", "wheel");
    pair.pump();
    EXPECT_EQ(came, 1u);
    EXPECT_EQ(pair.b.owner.cancelled, (Vector<String>{"wheel -> glaze"}));
    pair.b.link->cancel("wheel", "glaze");
    pair.pump();
    EXPECT_EQ(pair.a.owner.cancelled, (Vector<String>{"glaze -> wheel"}));
    pair.a.link->close(io::WIRE_NORMAL, "");
    pair.a.link->cancel("glaze", "wheel");
    pair.pump();
    EXPECT_EQ(pair.b.owner.cancelled.size(), 1u);
}

// Of an earlier version, and of the original, whose peers say neither.
TEST(CancelTest, IsNotSaidToWhoDoesNotKnowIt) {
    constexpr std::string_view earlier =
        R"("capabilities":["actor_messaging","reflow_batches_1","reflow_confirms_1"],)"
        R"("nonce":"7777777777777777777777777777777777777777777777777777777777777777")";
    constexpr std::string_view original = R"("capabilities":["actor_messaging"],"auth_token":null)";
    for (std::string_view rest : {earlier, original}) {
        End end("kiln", false, {});
        end.link->opened(end.wire);
        const String hello = concat(
            R"({"network_id":"studio","instance_id":"studio-1","protocol_version":"1.0",)", rest, "}");
        end.link->received(end.wire, std::as_bytes(std::span(hello.data(), hello.size())), true);
        ASSERT_EQ(end.link->stage(), Stage::open) << rest;
        end.wire.out.clear();
        end.link->cancel("glaze", "wheel");
        end.link->flush();
        EXPECT_TRUE(end.wire.out.empty()) << rest;
    }
}

TEST(CancelTest, RecordsThatAreWrongEndTheLink) {
    using namespace std::string_view_literals;
    for (std::string_view frame : {"\x91\x92\x1e\xa1x"sv, "\x91\x93\x1e\xa1x\x01"sv}) {
        Pair pair;
        pair.pump();
        pair.b.link->received(pair.b.wire, std::as_bytes(std::span(frame.data(), frame.size())), false);
        EXPECT_TRUE(pair.b.wire.over);
        EXPECT_TRUE(pair.b.owner.cancelled.empty());
    }
}

}  // namespace
}  // namespace reflow::peer
