// Pings of links, of both kinds. Neighbours: link_rig.hpp. Thread: the test's.
#include <gtest/gtest.h>

#include "peer/link_rig.hpp"

namespace reflow::peer {
namespace {

constexpr std::uint64_t ms = 1'000'000;

// Whatever the actors there do, and however many there are: none is asked for.
TEST(LinkPingTest, BetweenOurs) {
    Pair pair;
    pair.pump();
    pair.a.owner.now = pair.b.owner.now = 1000 * ms;
    Result<std::uint64_t> first = pair.a.link->ping(), second = pair.a.link->ping();
    ASSERT_TRUE(first.ok() && second.ok());
    EXPECT_LT(first.value(), second.value());  // although no time has passed
    EXPECT_LT(pair.a.link->answered_ping(), first.value());
    while (Pair::carry(pair.a, pair.b)) {
    }
    pair.a.owner.now = 1007 * ms;
    EXPECT_TRUE(Pair::carry(pair.b, pair.a));
    EXPECT_GE(pair.a.link->answered_ping(), first.value());
    EXPECT_EQ(pair.a.link->counts().round_trip_ns, 7 * ms);
    pair.pump();
    EXPECT_EQ(pair.a.link->answered_ping(), second.value());
    EXPECT_EQ(pair.a.owner.ponged_count, 2);
    // Those of heartbeats count as well.
    pair.a.link->tick(2000 * ms);
    pair.a.owner.now = 2003 * ms;
    pair.pump();
    EXPECT_EQ(pair.a.link->counts().round_trip_ns, 3 * ms);
    // What was not asked for tells nothing; the same answer twice neither.
    Batch batch;
    batch.pong(UINT64_MAX);
    batch.pong(first.value());
    String frame = batch.take();
    pair.a.link->received(pair.a.wire, std::as_bytes(std::span(frame.data(), frame.size())), false);
    EXPECT_EQ(pair.a.link->counts().round_trip_ns, 3 * ms);
    EXPECT_EQ(pair.a.owner.ponged_count, 3);
    pair.a.link->close(io::WIRE_NORMAL, "");
    EXPECT_EQ(pair.a.link->ping().error().status, REFLOW_ERROR_CLOSED);
}

// It knows those of the frames alone.
TEST(LinkPingTest, ToAPeerOfTheOriginal) {
    End end("kiln", false, {});
    end.link->opened(end.wire);
    constexpr std::string_view hello =
        R"({"network_id":"studio","instance_id":"studio-1","protocol_version":"1.0",)"
        R"("auth_token":null,"capabilities":["actor_messaging"]})";
    end.link->received(end.wire, std::as_bytes(std::span(hello.data(), hello.size())), true);
    ASSERT_EQ(end.link->stage(), Stage::open);
    const std::size_t frames = end.wire.out.size();
    end.owner.now = 50 * ms;
    Result<std::uint64_t> number = end.link->ping();
    ASSERT_TRUE(number.ok());
    EXPECT_EQ(end.wire.pings, std::vector{number.value()});
    EXPECT_EQ(end.wire.out.size(), frames);
    end.owner.now = 62 * ms;
    end.link->ponged(end.wire, number.value() + 1);
    EXPECT_EQ(end.owner.ponged_count, 0);
    end.link->ponged(end.wire, number.value());
    EXPECT_EQ(end.owner.ponged_count, 1);
    EXPECT_EQ(end.link->answered_ping(), number.value());
    EXPECT_EQ(end.link->counts().round_trip_ns, 12 * ms);
}

}  // namespace
}  // namespace reflow::peer
