// The watchdog with a clock of the test, which looks from inside a callback.
#include "runtime/watchdog.hpp"

#include <gtest/gtest.h>

#include "codec/json.hpp"
#include "failing_memory.hpp"
#include "network/scenario.hpp"

namespace reflow {
namespace {

using namespace testing;

constexpr std::uint64_t ms = 1'000'000;

struct Seen {
    std::uint64_t stuck = 0;
    std::vector<std::uint64_t> durations;
};

// A network of one node that is watched for 100 ms; `inside` runs in its callback.
Seen watched(reflow_mode mode, int packets,
             const std::function<void(runtime::Watchdog& dog, int call)>& inside) {
    Options options;
    options.mode = mode;
    int call = 0;
    runtime::Watchdog* dog = nullptr;
    Net net(options, {simple("Node", {{"in"}, {}, {}, {}}, [&](Context&, std::span<Packet>) {
                inside(*dog, call++);
                return reflow_status{REFLOW_OK};
            })});
    net.runtime->scheduler().watchdog.reset(dog = new runtime::Watchdog);
    net.node("n", "Node",
             codec::read_json(R"({"firing": {"watchdog_ms": 100}})", {}, codec::Duplicates::refuse)
                 .take());
    for (int i = 0; i < packets; ++i) net.initial("n.in", Message::integer(i));
    net.create();
    auto events = net.network
                      ->subscribe({.kinds = std::uint64_t{1} << REFLOW_EVENT_ACTOR_STUCK,
                                   .capacity = 100})
                      .take();
    net.start();
    EXPECT_EQ(net.idle(), REFLOW_OK);
    dog->look(UINT64_MAX / 2);  // nobody is inside
    Seen seen;
    reflow_node_metrics metrics{};
    EXPECT_TRUE(net.network->node_metrics("n", metrics).ok());
    seen.stuck = metrics.stuck;
    Vector<Ref<network::Event>> all;
    std::uint64_t missed = 0;
    (void)events->take(0, all, missed);
    all.reserve(100);
    (void)events->take(100, all, missed);
    for (const auto& event : all) seen.durations.push_back(event->duration_ns);
    net.network->unsubscribe(*events);
    return seen;
}

class WatchdogTest : public ::testing::TestWithParam<reflow_mode> {};
INSTANTIATE_TEST_SUITE_P(Modes, WatchdogTest,
                         ::testing::Values(REFLOW_MODE_INLINE, REFLOW_MODE_SIMULATED,
                                           REFLOW_MODE_HOSTED));

TEST_P(WatchdogTest, TellsOnceOfACallThatLasts) {
    Seen seen = watched(GetParam(), 1, [](runtime::Watchdog& dog, int) {
        dog.look(1'000 * ms);  // it is seen inside from here on
        dog.look(1'000 * ms + 100 * ms - 1);
        dog.look(1'100 * ms);
        dog.look(1'200 * ms);
        dog.look(9'000 * ms);
    });
    EXPECT_EQ(seen.stuck, 1u);
    EXPECT_EQ(seen.durations, std::vector<std::uint64_t>{100 * ms});
}

TEST_P(WatchdogTest, TakesEachCallByItself) {
    Seen seen = watched(GetParam(), 4, [](runtime::Watchdog& dog, int call) {
        std::uint64_t start = static_cast<std::uint64_t>(call) * 60 * ms;
        // Together they last long enough, one alone only the third.
        dog.look(start);
        dog.look(start + 50 * ms);
        if (call == 2) dog.look(start + 150 * ms);
    });
    EXPECT_EQ(seen.stuck, 1u);
    EXPECT_EQ(seen.durations, std::vector<std::uint64_t>{150 * ms});
}

TEST_P(WatchdogTest, SeesNothingBetweenTwoLooks) {
    Seen seen = watched(GetParam(), 3, [](runtime::Watchdog& dog, int call) {
        dog.look(static_cast<std::uint64_t>(call) * 10'000 * ms);
    });
    EXPECT_EQ(seen.stuck, 0u);
    EXPECT_TRUE(seen.durations.empty());
}

TEST(WatchdogPlaces, AreUsedAgain) {
    runtime::Watchdog dog;
    runtime::WatchedPlace* one = dog.take_place();
    runtime::WatchedPlace* other = dog.take_place();
    EXPECT_NE(one, other);
    one->leave();
    EXPECT_EQ(dog.take_place(), one);
}

TEST(WatchdogPlaces, AreGivenBackWhenMemoryRunsOut) {
    MemoryUse before = memory_use();
    for (std::int64_t successes = 0; successes < 8; ++successes) {
        runtime::Watchdog dog;
        FailOnce fail(successes);
        for (int i = 0; i < 3; ++i) (void)dog.take_place();  // NULL: this one is not watched
    }
    EXPECT_EQ(memory_use(), before);
}

}  // namespace
}  // namespace reflow
