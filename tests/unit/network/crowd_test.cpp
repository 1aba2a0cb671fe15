// Very many connections at one port.
#include <gtest/gtest.h>

#include <atomic>
#include <string>

#include "failing_memory.hpp"
#include "network/scenario.hpp"

namespace reflow::testing {
namespace {

// One outport with so many targets, and one inport with so many senders. In mode simulated it returns how many
// turns that took.
std::uint64_t many_connections(const Options& options, std::int64_t targets, std::int64_t packets) {
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
        EXPECT_EQ(net.send(in, Message::integer(i), 60'000), REFLOW_OK);
    }
    EXPECT_EQ(net.idle(), REFLOW_OK);
    std::vector<std::int64_t> times(static_cast<std::size_t>(packets));
    for (std::int64_t value : seen) ++times.at(static_cast<std::size_t>(value));
    for (std::int64_t count : times) EXPECT_EQ(count, targets);
    EXPECT_EQ(net.counters("sink").received, static_cast<std::uint64_t>(targets * packets));
    EXPECT_EQ(net.counters("first").sent, static_cast<std::uint64_t>(targets * packets));
    return net.runtime->scheduler().turns();
}

TEST(Crowd, TenThousandConnectionsOnAPort) {
    Options options;
    many_connections(options, 10'000, 3);
    options.mode = REFLOW_MODE_OWN;
    many_connections(options, 10'000, 3);
}

// Nobody is let go to find that there is no room: some turns for each packet, however many wait.
TEST(Crowd, NoMoreAreLetGoThanThereIsRoomFor) {
    Options options;
    options.mode = REFLOW_MODE_SIMULATED;
    options.max_growth = 0;
    for (std::uint32_t capacity : {1u, 2u, 7u}) {
        options.port_capacity = capacity;
        EXPECT_LT(many_connections(options, 1000, 3), 10u * 3000u) << capacity;
    }
}

TEST(Crowd, TenThousandSendersBeforeASmallPort) {
    Options options;
    options.port_capacity = 2;
    options.max_growth = 0;
    many_connections(options, 10'000, 3);
    options.mode = REFLOW_MODE_OWN;
    many_connections(options, 10'000, 3);
}

// Each is made, runs once and ends, and all memory is given back.
TEST(LongCrowd, AMillionActorsRunOnce) {
    constexpr std::uint64_t actors = 1'000'000;
    const MemoryUse before = memory_use();
    for (reflow_mode mode : {REFLOW_MODE_INLINE, REFLOW_MODE_OWN}) {
        std::atomic<std::uint64_t> ran{0}, ended{0};
        auto once = component("Once", {{}, {}, {}, {}}, [&](std::string_view) {
            auto behaviour = std::make_unique<Behaviour>();
            behaviour->run = [&](Context&, std::span<Packet>) {
                ran.fetch_add(1, std::memory_order_relaxed);
                return reflow_status{REFLOW_OK};
            };
            behaviour->destroyed = [&] { ended.fetch_add(1, std::memory_order_relaxed); };
            return behaviour;
        }, REFLOW_AWAIT_ANY, 1, true);
        Options options;
        options.mode = mode;
        {
            Net net(options, {once});
            for (std::uint64_t i = 0; i < actors; ++i) net.node("n" + std::to_string(i), "Once");
            net.start();
            EXPECT_EQ(net.idle(), REFLOW_OK);
            EXPECT_EQ(ran.load(), actors);
            EXPECT_EQ(net.counters("n999999").fired, 1u);
        }
        EXPECT_EQ(ended.load(), actors);
        EXPECT_EQ(ran.load(), actors);
    }
    EXPECT_EQ(memory_use(), before);
}

}  // namespace
}  // namespace reflow::testing
