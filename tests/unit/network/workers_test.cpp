// Networks on threads of their own: who runs what is ready, and that nobody waits behind a callback
// that does not return.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "network/scenario.hpp"
#include "runtime/ready_queue.hpp"

namespace reflow::testing {
namespace {

using runtime::Actor;
using runtime::LocalQueue;

// Actors are only names here.
Actor& actor(std::uintptr_t number) { return *reinterpret_cast<Actor*>(number * 64); }

TEST(LocalQueue, IsFirstInFirstOutAndBounded) {
    LocalQueue queue;
    EXPECT_EQ(queue.pop(true), nullptr);
    std::uintptr_t next = 1;
    std::uintptr_t first = 1;
    for (int round = 0; round < 5; ++round) {
        while (queue.push(actor(next))) ++next;
        EXPECT_EQ(queue.size(), LocalQueue::most);
        for (std::uint32_t i = 0; i < LocalQueue::most / 3; ++i) {
            ASSERT_EQ(queue.pop(i % 2 == 0), &actor(first++));
        }
    }
    LocalQueue thief;
    std::uint32_t size = queue.size();
    EXPECT_EQ(queue.steal(thief), &actor(first));
    EXPECT_EQ(queue.size(), size / 2);
    EXPECT_EQ(thief.size(), size - size / 2 - 1);
    EXPECT_EQ(thief.pop(false), &actor(first + 1));
    EXPECT_EQ(queue.pop(false), &actor(first + size - size / 2));
}

// Each actor goes from the owner to exactly one of those who take.
TEST(LocalQueue, LosesAndDoublesNothingUnderThreads) {
    constexpr std::uintptr_t count = 100'000;
    constexpr int thieves = 3;
    LocalQueue queue;
    std::vector<std::atomic<int>> seen(count + 1);
    std::atomic<std::uintptr_t> taken{0};
    auto take = [&](Actor* one) {
        ++seen[reinterpret_cast<std::uintptr_t>(one) / 64];
        ++taken;
    };
    std::vector<std::thread> threads;
    for (int i = 0; i < thieves; ++i) {
        threads.emplace_back([&] {
            LocalQueue own;
            while (taken < count) {
                if (Actor* one = queue.steal(own)) take(one);
                while (Actor* one = own.pop(false)) take(one);
            }
        });
    }
    for (std::uintptr_t next = 1; next <= count;) {
        if (queue.push(actor(next))) {
            ++next;
        } else if (Actor* one = queue.pop(false)) {
            take(one);
        }
    }
    while (Actor* one = queue.pop(false)) take(one);
    for (std::thread& thread : threads) thread.join();
    for (std::uintptr_t i = 1; i <= count; ++i) ASSERT_EQ(seen[i], 1) << i;
}

// After many short callbacks one waits for an actor that is ready behind it on the same worker.
TEST(Workers, NobodyWaitsBehindACallbackThatSuddenlyTakesLong) {
    constexpr std::int64_t last = 20'000;
    Signal other;
    bool came = false;
    std::int64_t next = 0;
    auto source = simple("Source", {{}, {"out"}, {}, {}}, [&](Context& context, std::span<Packet>) {
        reflow_status status = context.emit(0, Message::integer(++next));
        if (status != REFLOW_OK || next == last) return status;
        return context.again();
    });
    auto waits = simple("Waits", {{"in"}, {}, {}, {}}, [&](Context&, std::span<Packet> inputs) {
        if (MessageRef(inputs[0].message).integer() == last) came = other.wait(1);
        return reflow_status{REFLOW_OK};
    });
    auto tells = simple("Tells", {{"in"}, {}, {}, {}}, [&](Context&, std::span<Packet> inputs) {
        if (MessageRef(inputs[0].message).integer() == last) other.set(1);
        return reflow_status{REFLOW_OK};
    });
    source->source = true;
    Options options;
    options.mode = REFLOW_MODE_OWN;
    options.workers = 2;
    Net net(options, {source, waits, tells});
    net.node("s", "Source").node("w", "Waits").node("t", "Tells");
    net.connect("s.out", "t.in").connect("s.out", "w.in").start();
    EXPECT_EQ(net.idle(), REFLOW_OK);
    EXPECT_TRUE(came);
    EXPECT_EQ(net.counters("w").fired, static_cast<std::uint64_t>(last));
}

// One worker is in a callback that lasts, and others are ready behind it. A second worker that is added then
// runs them, though the first does not look at its queue meanwhile.
TEST(Workers, OneThatIsAddedRunsWhatWaitsBehindACallback) {
    for (int round = 0; round < 20; ++round) {
        Signal inside, other;
        bool came = false;
        auto source = simple("Source", {{"in"}, {"out"}, {}, {}}, [&](Context& context, std::span<Packet>) {
            return context.emit(0, Message::integer(1));
        });
        auto waits = simple("Waits", {{"in"}, {}, {}, {}}, [&](Context&, std::span<Packet>) {
            inside.set(1);
            came = other.wait(1);
            return reflow_status{REFLOW_OK};
        });
        auto tells = simple("Tells", {{"in"}, {}, {}, {}}, [&](Context&, std::span<Packet>) {
            other.set(1);
            return reflow_status{REFLOW_OK};
        });
        auto passes = simple("Passes", {{"in"}, {}, {}, {}},
                             [&](Context&, std::span<Packet>) { return reflow_status{REFLOW_OK}; });
        Options options;
        options.mode = REFLOW_MODE_OWN;
        options.workers = 1;
        Net net(options, {source, waits, tells, passes});
        // The last one runs first, past the queue; then the others in their order.
        net.node("s", "Source").node("w", "Waits").node("t", "Tells").node("p", "Passes");
        net.connect("s.out", "w.in").connect("s.out", "t.in").connect("s.out", "p.in").start();
        EXPECT_EQ(net.send(net.inport("s.in"), Message::integer(0)), REFLOW_OK);
        ASSERT_TRUE(inside.wait(1));
        EXPECT_TRUE(net.runtime->scheduler().set_workers(2).ok());
        EXPECT_EQ(net.idle(), REFLOW_OK);
        ASSERT_TRUE(came);
    }
}

}  // namespace
}  // namespace reflow::testing
