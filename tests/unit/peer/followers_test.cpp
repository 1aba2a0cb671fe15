// Outports that the other side of a link follows: each packet goes once, whenever somebody has them looked
// for again. Neighbours: link_rig.hpp. Thread: the test's, two workers, and the one that opens outputs.
#include "peer/followers.hpp"

#include <gtest/gtest.h>

#include "network/scenario.hpp"
#include "peer/link_rig.hpp"

namespace reflow::peer {
namespace {

// A node of a network that runs is looked for at each packet that comes for it, also while its output is
// being opened.
TEST(FollowersTest, PacketsGoOnceWhileOutportsAreLookedForAgain) {
    for (int round = 0; round < 20; ++round) {
        testing::Options options;
        options.mode = REFLOW_MODE_OWN;
        testing::Net net(options, {testing::pass()});
        net.node("a", "Pass").start();
        const std::uint64_t inport = net.inport("a.in");
        Pair pair;
        pair.pump();
        Followers followers([](reflow_log_level, std::string_view) {});
        followers.follow(Ref<testing::Network>::share(net.network.get()), pair.a.link,
                         {7, "a", "out", {}});
        std::int64_t sent = 0;
        while (pair.a.link->counts().packets_out < 100) {
            followers.look_again();
            ASSERT_EQ(net.send(inport, Message::integer(sent), 60'000), REFLOW_OK);
            ASSERT_LT(++sent, 5'000'000) << "nothing was followed";
        }
        ASSERT_EQ(net.idle(), REFLOW_OK);
        followers.stop();
        pair.pump();
        // All of them from the first one on, each once.
        ASSERT_GE(pair.b.owner.got.size(), 100u);
        std::int64_t expected = pair.b.owner.got.front().value;
        for (const Got& one : pair.b.owner.got) ASSERT_EQ(one.value, expected++);
        ASSERT_EQ(expected, sent);
    }
}

}  // namespace
}  // namespace reflow::peer
