// Very many connections at one port.
#include <gtest/gtest.h>

#include <string>

#include "scenario.hpp"

namespace reflow::testing {
namespace {

// One outport with so many targets, and one inport with so many senders.
void many_connections(const Options& options, std::int64_t targets, std::int64_t packets) {
    std::vector<std::int64_t> seen;  // of the sink alone
    auto sink = simple("Sink", {{"in"}, {}, {}, {}},
                       [&](Context&, std::span<Packet> inputs) {
                           for (Packet& packet : inputs) {
                               seen.push_back(MessageRef(packet.message).integer());
                           }
                           return reflow_status{REFLOW_OK};
                       });
    Net net(options, {pass(), sink});
    net.node("first", "Pass").node("sink", "Sink");
    for (std::int64_t i = 0; i < targets; ++i) {
        const std::string id = "n" + std::to_string(i);
        net.node(id, "Pass").connect("first.out", id + ".in").connect(id + ".out", "sink.in");
    }
    net.start();
    const std::uint64_t in = net.inport("first.in");
    for (std::int64_t i = 0; i < packets; ++i) {
        ASSERT_EQ(net.send(in, Message::integer(i), 60'000), REFLOW_OK);
    }
    ASSERT_EQ(net.idle(), REFLOW_OK);
    std::vector<std::int64_t> times(static_cast<std::size_t>(packets));
    for (std::int64_t value : seen) ++times.at(static_cast<std::size_t>(value));
    for (std::int64_t count : times) EXPECT_EQ(count, targets);
    EXPECT_EQ(net.counters("sink").received, static_cast<std::uint64_t>(targets * packets));
    EXPECT_EQ(net.counters("first").sent, static_cast<std::uint64_t>(targets * packets));
}

TEST(Crowd, TenThousandConnectionsOnAPort) {
    Options options;
    many_connections(options, 10'000, 3);
    options.mode = REFLOW_MODE_OWN;
    many_connections(options, 10'000, 3);
}

}  // namespace
}  // namespace reflow::testing
