// Memory that runs out anywhere in the turns of actors that keep firings open: nothing is written where
// there is no place, everything is told, and all of it is given back.
#include <gtest/gtest.h>

#include "failing_memory.hpp"
#include "network/scenario.hpp"

namespace reflow::testing {
namespace {

// Keeps the first firing open, in order; the second fails in its call, and the third works. What
// has been emitted by the end.
struct Seen {
    std::size_t out = 0;
    std::uint64_t fired = 0, failed = 0, received = 0;
    bool ran_out = false;
};

Seen ordered(std::int64_t successes, std::int64_t count = 1) {
    std::vector<reflow_completion> open;
    auto make = [&](std::string_view) {
        auto behaviour = std::make_unique<Behaviour>();
        behaviour->run = [&](Context& context, std::span<Packet> inputs) {
            std::int64_t value = MessageRef(inputs[0].message).integer();
            if (value == 0) {
                reflow_completion made{};
                reflow_status status = context.defer(0, made);
                if (status == REFLOW_OK) open.push_back(made);
                return status;
            }
            reflow_status status = context.emit(0, Message::integer(value));
            return value == 1 ? reflow_status{REFLOW_ERROR_FAILED} : status;
        };
        return behaviour;
    };
    runtime::ComponentRef kind = component("Ordered", {{"in"}, {"out"}, {}, {}}, make);
    kind->ordered = true;
    kind->max_concurrency = 8;
    Net net({}, {kind});
    net.runtime->scheduler().max_completions = 100;
    net.node("n", "Ordered");
    Ref<Output> out = net.output("n.out");
    net.start();
    std::uint64_t in = net.inport("n.in");
    for (std::int64_t i = 0; i < 3; ++i) EXPECT_EQ(net.send(in, Message::integer(i)), REFLOW_OK);
    Seen run;
    {
        FailBurst fail(successes, count);
        (void)net.runtime->scheduler().run({.turns = 100});
        run.ran_out = fail.failed();
    }
    for (reflow_completion each : open) (void)reflow_completion_resolve(each);
    EXPECT_EQ(net.idle(), REFLOW_OK);
    run.out = take_all(*out).size();
    reflow_node_counters counters = net.counters("n");
    run.fired = counters.fired;
    run.failed = counters.failed;
    run.received = counters.received;
    return run;
}

TEST(TurnMemory, RunsOutAnywhereBehindAPendingFiring) {
    Seen whole = ordered(1'000'000);
    EXPECT_EQ(whole.fired, 3u);
    EXPECT_EQ(whole.failed, 1u);
    EXPECT_EQ(whole.out, 2u);
    for (std::int64_t count : burst_sizes) {
        Seen run;
        run.ran_out = true;
        for (std::int64_t successes = 0; run.ran_out; ++successes) {
            SCOPED_TRACE("allocation " + std::to_string(successes) + " and on: " + std::to_string(count));
            MemoryUse before = memory_use();
            run = ordered(successes, count);
            EXPECT_EQ(memory_use(), before);
            // Each packet is one firing, and so many more of them may have failed.
            EXPECT_EQ(run.received, 3u);
            EXPECT_EQ(run.fired, 3u);
            EXPECT_GE(run.failed, 1u);
            EXPECT_LE(run.failed, run.ran_out ? 1u + static_cast<std::uint64_t>(count) : 1u);
            if (HasFailure()) return;
            if (!run.ran_out) {
                EXPECT_GT(successes, 5);  // it was tried
            }
        }
    }
}

}  // namespace
}  // namespace reflow::testing
