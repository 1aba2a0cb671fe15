// The memory that actors and their connections are made in: blocks that many of them share, which
// end with the last one, whoever goes when, and wherever memory runs out.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <new>
#include <string>
#include <vector>

#include "failing_memory.hpp"
#include "network/scenario.hpp"
#include "runtime/actor_block.hpp"

namespace reflow::testing {
namespace {

using runtime::ActorBlock;

// Ids of one to some forty letters, so that actors have many sizes.
std::string id_of(std::size_t number) {
    return "n" + std::to_string(number) + std::string(number % 37, 'x');
}

void chain(Net& net, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
        net.node(id_of(i), i % 3 == 0 ? "Wide" : "Pass");
        if (i > 0) net.connect(id_of(i - 1) + ".out", id_of(i) + ".in");
    }
}

std::vector<runtime::ComponentRef> kinds() {
    auto wide = pass("Wide");
    for (const char* name : {"more", "and_more"}) {
        runtime::Port port;
        port.name = name;
        wide->outports.push_back(std::move(port));
    }
    return {pass(), wide};
}

TEST(ActorBlock, GivesPlacesUntilItIsFull) {
    MemoryUse before = memory_use();
    for (std::size_t alignment : {std::size_t{8}, ActorBlock::line_bytes}) {
        auto block = Ref<ActorBlock>::adopt(ActorBlock::make(1000));
        char* last_end = nullptr;
        std::size_t places = 0;
        while (void* place = block->take(100, alignment)) {
            EXPECT_EQ(reinterpret_cast<std::uintptr_t>(place) % alignment, 0u);
            EXPECT_EQ(ActorBlock::owner(place), block.get());
            EXPECT_GE(static_cast<char*>(place) - sizeof(void*), last_end);
            last_end = static_cast<char*>(place) + 100;
            std::fill_n(static_cast<char*>(place), 100, 'x');
            ++places;
        }
        EXPECT_GE(places, 1000 / (100 + sizeof(void*) + alignment));
        EXPECT_LE(last_end, reinterpret_cast<char*>(block.get()) + 1000 + ActorBlock::line_bytes);
        EXPECT_EQ(block->take(SIZE_MAX, alignment), nullptr);
    }
    EXPECT_EQ(memory_use(), before);
}

// More nodes than one block holds, and than have lines of the cache to themselves.
TEST(Build, ALargeNetworkPassesPacketsAndGivesItsMemoryBack) {
    constexpr std::size_t count = 15'000;
    MemoryUse before = memory_use();
    {
        Net net({}, kinds());
        chain(net, count);
        Ref<Output> out = net.output(id_of(count - 1) + ".out");
        EXPECT_GT(memory_use().bytes - before.bytes, ActorBlock::most_bytes);
        net.start();
        EXPECT_EQ(net.send(net.inport(id_of(0) + ".in"), Message::integer(7)), REFLOW_OK);
        EXPECT_EQ(net.idle(), REFLOW_OK);
        EXPECT_EQ(take_all(*out).size(), 1u);
        for (std::size_t i = 0; i < count; i += 997) {
            EXPECT_EQ(net.counters(id_of(i)).fired, 1u) << i;
        }
    }
    EXPECT_EQ(memory_use(), before);
}

// All that were made together go one after the other, while what came later stays.
TEST(Build, NodesOfABlockGoOneByOne) {
    constexpr std::size_t count = 20;
    MemoryUse before = memory_use();
    {
        Net net({}, kinds());
        chain(net, count);
        net.create().start();
        for (std::size_t i = 0; i < count; ++i) {
            ASSERT_TRUE(net.graph.remove_node(id_of(i)).ok());
            ASSERT_TRUE(net.graph.add_node("new" + std::to_string(i), "Pass", {}).ok());
            if (i > 0) {
                Result<void> joined = net.graph.connect({"new" + std::to_string(i - 1), "out"},
                                                        {"new" + std::to_string(i), "in"}, {});
                ASSERT_TRUE(joined.ok());
            }
            reflow_change done{};
            auto next = make_ref<graph::SharedGraph>(net.graph);
            ASSERT_TRUE(net.network->apply(next, {}, done).ok());
            EXPECT_EQ(done.nodes_removed, 1u);
        }
        Ref<Output> out = net.output("new19.out");
        EXPECT_EQ(net.send(net.inport("new0.in"), Message::integer(1)), REFLOW_OK);
        EXPECT_EQ(net.idle(), REFLOW_OK);
        EXPECT_EQ(take_all(*out).size(), 1u);
    }
    EXPECT_EQ(memory_use(), before);
}

TEST(Build, MemoryMayRunOutAnywhere) {
    for (std::int64_t successes = 0;; ++successes) {
        SCOPED_TRACE("allocation " + std::to_string(successes));
        MemoryUse before = memory_use();
        bool failed = false;
        {
            Net net({}, kinds());
            chain(net, 7);
            auto shared = make_ref<graph::SharedGraph>(net.graph);
            bool made = false;
            {
                FailOnce fail(successes);
                try {
                    auto network = network::Network::create(net.runtime, shared);
                    made = network.ok();
                    if (made) net.network = Handle(std::move(network).take());
                } catch (const std::bad_alloc&) {
                    made = false;
                }
                failed = fail.failed();
            }
            EXPECT_NE(made, failed);
            net.network = Handle();
            net.start();  // the runtime is as it was
            EXPECT_EQ(net.send(net.inport(id_of(0) + ".in"), Message::integer(1)), REFLOW_OK);
            EXPECT_EQ(net.idle(), REFLOW_OK);
            EXPECT_EQ(net.counters(id_of(6)).fired, 1u);
        }
        EXPECT_EQ(memory_use(), before);
        if (HasFailure() || !failed) {
            EXPECT_GT(successes, 10);  // it was tried
            return;
        }
    }
}

}  // namespace
}  // namespace reflow::testing
