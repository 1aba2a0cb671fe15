// Start, idle, drain, stop and the end of networks, also inside callbacks and from several threads.
#include <atomic>
#include <thread>

#include "network/scenario.hpp"

namespace reflow {
namespace {

using namespace testing;

// Emits integers from 0 on, as many as asked for.
runtime::ComponentRef counting(std::int64_t count, std::uint32_t per_call = 1) {
    return component("Count", {{}, {"out"}, {}, {}}, [=](std::string_view) {
        auto behaviour = std::make_unique<Behaviour>();
        behaviour->run = [=, next = std::int64_t{0}](Context& context, std::span<Packet>) mutable {
            for (std::uint32_t i = 0; i < per_call && next < count; ++i) {
                (void)context.emit(0, Message::integer(next++));
            }
            return next < count ? context.again() : reflow_status{REFLOW_OK};
        };
        return behaviour;
    });
}

struct Sink {
    std::vector<std::int64_t> seen;
    runtime::ComponentRef make() {
        return simple("Sink", {{"in"}, {}, {}, {}}, [this](Context&, std::span<Packet> inputs) {
            for (Packet& packet : inputs) seen.push_back(MessageRef(packet.message).integer());
            return reflow_status{REFLOW_OK};
        });
    }
};

class Life : public ::testing::TestWithParam<int> {
protected:
    // 0 inline, -1 simulated, -2 hosted, -3 lent (whoever waits works), else threads.
    Options options() const {
        constexpr reflow_mode without[] = {REFLOW_MODE_LENT, REFLOW_MODE_HOSTED,
                                           REFLOW_MODE_SIMULATED, REFLOW_MODE_INLINE};
        Options options;
        options.mode = GetParam() <= 0 ? without[GetParam() + 3] : reflow_mode{REFLOW_MODE_OWN};
        options.workers = static_cast<std::uint32_t>(std::max(GetParam(), 1));
        return options;
    }
};
INSTANTIATE_TEST_SUITE_P(Modes, Life, ::testing::Values(-3, -2, -1, 0, 1, 2, 8));

TEST_P(Life, EverythingArrivesOnceAndInOrder) {
    Options settings = options();
    settings.port_capacity = 2;
    Sink sink;
    Net net(settings, {counting(1000, 3), pass(), sink.make()});
    net.node("c", "Count").node("p", "Pass").node("s", "Sink");
    net.connect("c.out", "p.in").connect("p.out", "s.in").start();
    ASSERT_EQ(net.idle(), REFLOW_OK);
    ASSERT_EQ(sink.seen.size(), 1000u);
    for (std::size_t i = 0; i < 1000; ++i) EXPECT_EQ(sink.seen[i], static_cast<std::int64_t>(i));
    EXPECT_EQ(net.counters("c").sent, 1000u);
    EXPECT_EQ(net.counters("c").fired, 1u);
    EXPECT_EQ(net.counters("p").received, 1000u);
    EXPECT_EQ(net.counters("p").fired, 1000u);
    EXPECT_EQ(net.counters("s").waiting, 0u);
}

TEST_P(Life, StatesAndWhatEachRefuses) {
    Net net(options(), {pass()});
    net.node("p", "Pass").create();
    std::uint64_t in = net.inport("p.in");
    EXPECT_EQ(net.network->state(), REFLOW_NETWORK_CREATED);
    EXPECT_EQ(net.idle(0), REFLOW_ERROR_INVALID_STATE);
    EXPECT_EQ(net.network->drain(0).error().status, REFLOW_ERROR_INVALID_STATE);
    EXPECT_EQ(net.send(in, Message::flow()), REFLOW_ERROR_INVALID_STATE);
    net.start();
    EXPECT_EQ(net.network->start().error().status, REFLOW_ERROR_INVALID_STATE);
    EXPECT_EQ(net.send(in, Message::flow()), REFLOW_OK);
    EXPECT_EQ(net.send(in + (1u << 16), Message::flow()), REFLOW_ERROR_NOT_FOUND);
    EXPECT_EQ(net.send(0, Message::flow()), REFLOW_ERROR_NOT_FOUND);
    EXPECT_TRUE(net.network->open_output("p", "out", 0).ok());
    EXPECT_TRUE(net.network->drain(REFLOW_FOREVER).ok());
    EXPECT_EQ(net.network->open_output("p", "out", 0).error().status, REFLOW_ERROR_INVALID_STATE);
    EXPECT_EQ(net.network->state(), REFLOW_NETWORK_DRAINED);
    EXPECT_EQ(net.send(in, Message::flow()), REFLOW_ERROR_CLOSED);
    EXPECT_TRUE(net.network->drain(0).ok());
    EXPECT_TRUE(net.network->stop(REFLOW_FOREVER).ok());
    EXPECT_EQ(net.network->state(), REFLOW_NETWORK_STOPPED);
    EXPECT_TRUE(net.network->stop(0).ok());
    EXPECT_EQ(net.send(in, Message::flow()), REFLOW_ERROR_CLOSED);
}

TEST_P(Life, AnInportOfAnotherNetworkIsRefused) {
    Net a(options(), {pass()});
    a.node("p", "Pass").start();
    Net b(options(), {pass()});
    b.node("p", "Pass").start();
    EXPECT_EQ(b.send(a.inport("p.in"), Message::flow()), REFLOW_ERROR_NOT_FOUND);
}

TEST_P(Life, CallbacksComeInTheirOrderAndOnce) {
    std::mutex mutex;
    std::string calls;
    auto note = [&](char call) {
        std::lock_guard lock(mutex);
        calls += call;
    };
    auto logged = component("Logged", {{"in"}, {"out"}, {}, {}}, [&](std::string_view) {
        note('c');
        auto behaviour = std::make_unique<Behaviour>();
        behaviour->setup = [&](Context&) { return note('s'), reflow_status{REFLOW_OK}; };
        behaviour->run = [&](Context&, std::span<Packet>) {
            return note('r'), reflow_status{REFLOW_OK};
        };
        behaviour->finish = [&](Context&) { return note('f'), reflow_status{REFLOW_OK}; };
        behaviour->teardown = [&](Context&) { note('t'); };
        behaviour->destroyed = [&] { note('d'); };
        return behaviour;
    });
    {
        Net net(options(), {logged});
        net.node("n", "Logged").initial("n.in", Message::integer(1)).create();
        EXPECT_EQ(calls, "c");
        net.start();
        ASSERT_EQ(net.idle(), REFLOW_OK);
        EXPECT_EQ(calls, "csr");
        ASSERT_TRUE(net.network->drain(REFLOW_FOREVER).ok());
        EXPECT_EQ(calls, "csrf");
        ASSERT_TRUE(net.network->stop(REFLOW_FOREVER).ok());
        EXPECT_EQ(calls, "csrft");
    }
    EXPECT_EQ(calls, "csrftd");
}

TEST_P(Life, AnActorThatGathersEmitsInFinishAfterItsFeeders) {
    auto gather = component("Gather", {{"in"}, {"out"}, {}, {}}, [](std::string_view) {
        auto behaviour = std::make_unique<Behaviour>();
        auto sum = std::make_shared<std::int64_t>(0);
        behaviour->run = [sum](Context&, std::span<Packet> inputs) {
            for (Packet& packet : inputs) *sum += MessageRef(packet.message).integer();
            return reflow_status{REFLOW_OK};
        };
        behaviour->finish = [sum, left = 3](Context& context) mutable {
            // In several calls, as one does that has more than fits.
            (void)context.emit(0, Message::integer(*sum));
            return --left > 0 ? context.again() : reflow_status{REFLOW_OK};
        };
        return behaviour;
    });
    Sink sink;
    Net net(options(), {counting(10), gather, sink.make()});
    // The order of the nodes is against that of the data.
    net.node("s", "Sink").node("g2", "Gather").node("g1", "Gather").node("c", "Count");
    net.connect("c.out", "g1.in").connect("g1.out", "g2.in").connect("g2.out", "s.in").start();
    ASSERT_TRUE(net.network->drain(60'000).ok());
    EXPECT_EQ(sink.seen, (std::vector<std::int64_t>{135, 135, 135}));
}

TEST_P(Life, AFailedSetupTakesBackThoseBeforeIt) {
    std::atomic<int> set_up{0};
    std::atomic<bool> fails{true};
    auto careful = component("Careful", {{"in"}, {}, {}, {}}, [&](std::string_view node) {
        auto behaviour = std::make_unique<Behaviour>();
        bool last = node == "b";
        behaviour->setup = [&, last](Context& context) -> reflow_status {
            if (last && fails) return context.fail(Failure(REFLOW_ERROR_IO, "no disk"));
            ++set_up;
            return REFLOW_OK;
        };
        behaviour->teardown = [&](Context&) { --set_up; };
        return behaviour;
    });
    Net net(options(), {careful});
    net.node("a", "Careful").node("b", "Careful").initial("a.in", Message::flow()).create();
    Result<void> failed = net.network->start();
    ASSERT_FALSE(failed.ok());
    EXPECT_EQ(failed.error().describe(), "node 'b': no disk");
    EXPECT_EQ(set_up, 0);
    EXPECT_EQ(net.network->state(), REFLOW_NETWORK_CREATED);
    fails = false;
    net.start();
    EXPECT_EQ(set_up, 2);
    ASSERT_EQ(net.idle(), REFLOW_OK);
    EXPECT_EQ(net.counters("a").received, 1u);
    net.network.end();
    EXPECT_EQ(set_up, 0);
}

TEST_P(Life, WaitingInsideCallbacksIsRefusedAndChangesNothing) {
    Network* network = nullptr;
    std::vector<reflow_status> answers;
    auto ask = [&](Context&) {
        for (const Result<void>& result :
             {network->drain(REFLOW_FOREVER), network->wait_idle(REFLOW_FOREVER)}) {
            answers.push_back(result.ok() ? reflow_status{REFLOW_OK} : result.error().status);
        }
        return reflow_status{REFLOW_OK};
    };
    auto curious = component("Curious", {{"in"}, {}, {}, {}}, [&](std::string_view) {
        auto behaviour = std::make_unique<Behaviour>();
        behaviour->run = [ask](Context& context, std::span<Packet>) { return ask(context); };
        return behaviour;
    });
    Net net(options(), {curious});
    net.node("n", "Curious").initial("n.in", Message::flow()).create();
    network = net.network.get();
    net.start();
    ASSERT_EQ(net.idle(), REFLOW_OK);
    EXPECT_EQ(answers, (std::vector<reflow_status>{REFLOW_ERROR_WOULD_DEADLOCK,
                                                   REFLOW_ERROR_WOULD_DEADLOCK}));
    EXPECT_EQ(net.network->state(), REFLOW_NETWORK_RUNNING);
}

TEST_P(Life, StopInsideACallbackAsksOnly) {
    Network* network = nullptr;
    std::atomic<int> runs{0};
    auto stopper = simple("Stop", {{"in"}, {}, {}, {}}, [&](Context& context, std::span<Packet>) {
        ++runs;
        EXPECT_FALSE(context.stopping());
        EXPECT_TRUE(network->stop(REFLOW_FOREVER).ok());
        EXPECT_TRUE(context.stopping());
        return reflow_status{REFLOW_OK};
    });
    Net net(options(), {stopper});
    net.node("n", "Stop").initial("n.in", Message::flow()).initial("n.in", Message::flow());
    net.create();
    network = net.network.get();
    net.start();
    (void)net.idle();  // ends with the stop
    EXPECT_TRUE(net.network->stop(REFLOW_FOREVER).ok());
    EXPECT_EQ(runs, 1);
}

// The end of the handle inside each callback: the state is destroyed once, after the callback.
TEST_P(Life, DestroyInsideACallbackIsDeferred) {
    for (char where : {'s', 'r', 'f', 't'}) {
        SCOPED_TRACE(where);
        std::atomic<int> destroyed{0};
        Handle* handle = nullptr;
        auto end = [&](char now) {
            if (now != where) return;
            handle->end();
            EXPECT_EQ(destroyed, 0);
        };
        auto fatal = component("Fatal", {{"in"}, {"out"}, {}, {}}, [&](std::string_view) {
            auto behaviour = std::make_unique<Behaviour>();
            behaviour->setup = [=](Context&) { return end('s'), reflow_status{REFLOW_OK}; };
            behaviour->run = [=](Context& context, std::span<Packet>) {
                end('r');
                (void)context.emit(0, Message::flow());
                return reflow_status{REFLOW_OK};
            };
            behaviour->finish = [=](Context&) { return end('f'), reflow_status{REFLOW_OK}; };
            behaviour->teardown = [=](Context&) { end('t'); };
            behaviour->destroyed = [&] { ++destroyed; };
            return behaviour;
        });
        {
            Net net(options(), {fatal});
            net.node("a", "Fatal").node("b", "Fatal").connect("a.out", "b.in");
            net.initial("a.in", Message::flow()).create();
            handle = &net.network;
            Network* network = net.network.get();
            Ref<Network> kept = Ref<Network>::share(network);  // as an output would
            Result<void> started = network->start();
            if (where == 's') {
                ASSERT_FALSE(started.ok());
                EXPECT_EQ(started.error().status, REFLOW_ERROR_CANCELLED);
            } else {
                (void)network->wait_idle(60'000);
                (void)network->drain(60'000);
                EXPECT_TRUE(network->stop(60'000).ok());
            }
            EXPECT_EQ(network->state(), REFLOW_NETWORK_STOPPED);
        }
        // The end inside the callback may still be on its way on another thread.
        while (destroyed < 2) std::this_thread::yield();
        network::Runtime::join_ended();
        EXPECT_EQ(destroyed, 2);
    }
}

// Without anything that keeps it: the network, and then the runtime, end inside the turn.
TEST_P(Life, TheLastHandlesMayEndInsideACallback) {
    std::atomic<int> destroyed{0};
    std::atomic<int> ended{0};
    Signal done;
    Ref<network::Runtime>* runtime = nullptr;
    Handle* handle = nullptr;
    auto fatal = component("Fatal", {{"in"}, {"out"}, {}, {}}, [&](std::string_view) {
        auto behaviour = std::make_unique<Behaviour>();
        behaviour->run = [&](Context& context, std::span<Packet>) {
            (void)context.emit(0, Message::flow());
            *runtime = nullptr;
            handle->end();
            return reflow_status{REFLOW_OK};
        };
        behaviour->destroyed = [&] {
            if (++destroyed == 2) done.set(1);
        };
        return behaviour;
    });
    Options settings = options();
    settings.user_data = &ended;
    settings.destroy = [](void* data) { ++*static_cast<std::atomic<int>*>(data); };
    {
        Net net(settings, {fatal});
        net.node("a", "Fatal").node("b", "Fatal").connect("a.out", "b.in");
        net.initial("a.in", Message::flow()).create();
        runtime = &net.runtime;
        handle = &net.network;
        Network* network = net.network.get();
        net.start();
        // Inline, the wait is what runs the turn in which everything ends.
        if (GetParam() <= 0) (void)network->wait_idle(60'000);
        ASSERT_TRUE(done.wait(1));
    }
    // With threads the runtime ends on its own thread, and another joins it: perhaps not yet.
    while (ended == 0) {
        network::Runtime::join_ended();
        std::this_thread::yield();
    }
    EXPECT_EQ(ended, 1);
    EXPECT_EQ(destroyed, 2);
}

// An actor that waits for room in an output is let go by the host after the stop. It must not be
// run any more: the network may end at once.
TEST_P(Life, ReadingAfterStopRunsNothing) {
    for (int round = 0; round < 20; ++round) {
        Ref<Output> output;
        Net net(options(), {counting(1'000'000)});
        net.node("c", "Count");
        output = net.output("c.out", 4);
        net.start();
        reflow_message batch[4];
        std::size_t count = 0;
        ASSERT_EQ(output->recv(batch, 60'000, count), REFLOW_OK);
        bool waits = GetParam() > 0 || GetParam() == -3;
        (void)net.idle(waits ? 1 : 60'000);  // it is held back by now
        ASSERT_TRUE(net.network->stop(REFLOW_FOREVER).ok());
        while (output->recv(batch, 0, count) == REFLOW_OK) {
        }
        net.network.end();
    }
}

TEST_P(Life, AReaderThatEndsHoldsNobodyBack) {
    Net net(options(), {counting(1000)});
    net.node("c", "Count");
    Ref<Output> output = net.output("c.out", 4);
    net.start();
    reflow_message one;
    std::size_t count = 0;
    ASSERT_EQ(output->recv({&one, 1}, 60'000, count), REFLOW_OK);
    output->close();
    ASSERT_EQ(net.idle(), REFLOW_OK);
    EXPECT_EQ(net.counters("c").sent, 1000u);
}

TEST_P(Life, AStopDoesNotWaitForTimers) {
    // Armed before the stop, and by a callback that the stop finds running.
    for (bool before : {true, false}) {
        Signal inside;
        Signal go_on;
        auto timed =
            simple("Timed", {{"in"}, {}, {}, {}}, [&](Context& context, std::span<Packet>) {
                if (before) return context.wake_after(3'600'000'000'000);
                inside.set(1);
                EXPECT_TRUE(go_on.wait(1));
                return context.wake_after(3'600'000'000'000);
            });
        if (GetParam() <= 0 && !before) continue;  // there is only one thread
        Net net(options(), {timed});
        net.node("t", "Timed").initial("t.in", Message::flow()).start();
        if (before) {
            if (GetParam() != -1) {
                EXPECT_EQ(net.idle(1), REFLOW_ERROR_TIMEOUT);
            }
            ASSERT_TRUE(net.network->stop(30'000).ok());
        } else {
            ASSERT_TRUE(inside.wait(1));
            EXPECT_EQ(net.network->stop(0).error().status, REFLOW_ERROR_TIMEOUT);
            go_on.set(1);
            ASSERT_TRUE(net.network->stop(30'000).ok());
        }
    }
}

TEST_P(Life, ATimerForEverIsNoBusyLoop) {
    std::atomic<int> runs{0};
    auto timed = simple("Timed", {{"in"}, {}, {}, {}}, [&](Context& context, std::span<Packet>) {
        if (++runs < 3) return context.wake_after(UINT64_MAX);
        return reflow_status{REFLOW_OK};
    });
    Net net(options(), {timed});
    net.node("t", "Timed").initial("t.in", Message::flow()).start();
    if (GetParam() == -1) {
        // Logical time jumps to the end of time, which is that of signed numbers.
        ASSERT_EQ(net.idle(REFLOW_FOREVER), REFLOW_OK);
        EXPECT_EQ(runs, 3);
        EXPECT_GE(net.runtime->scheduler().clock().now_ns(), std::uint64_t{INT64_MAX});
    } else {
        const auto& timers = net.runtime->scheduler().timers;
        while (timers.next_due() == UINT64_MAX) (void)net.idle(1);
        EXPECT_EQ(net.idle(20), REFLOW_ERROR_TIMEOUT);
        EXPECT_EQ(runs, 1);
        EXPECT_EQ(timers.next_due(), std::uint64_t{INT64_MAX});
    }
}

TEST_P(Life, MessagesAreGivenBackAtTheEnd) {
    static std::atomic<int> lent{0};
    {
        Net net(options(), {pass()});
        net.node("p", "Pass");
        Ref<Output> output = net.output("p.out", 2);
        net.start();
        std::uint64_t in = net.inport("p.in");
        auto release = [](void*) { --lent; };
        for (int i = 0; i < 10; ++i) {
            ++lent;
            net.send(in, Message::lend(REFLOW_KIND_BYTES, "some", release, nullptr));
        }
        (void)net.idle(1);
    }
    EXPECT_EQ(lent, 0);
}

TEST_P(Life, ManyNetworksOnOneRuntimeEndInAnyOrder) {
    Options settings = options();
    Net first(settings, {counting(100), pass()});
    std::vector<Handle> handles;
    first.node("c", "Count").node("p", "Pass").connect("c.out", "p.in");
    for (int i = 0; i < 20; ++i) {
        auto made = Network::create(first.runtime, first.graph);
        ASSERT_TRUE(made.ok());
        handles.emplace_back(std::move(made).take());
        ASSERT_TRUE(handles.back()->start().ok());
    }
    first.runtime = nullptr;
    for (std::size_t i = 1; i < handles.size(); i += 2) handles[i].end();
    for (std::size_t i = 0; i < handles.size(); i += 2) {
        EXPECT_TRUE(handles[i]->wait_idle(60'000).ok());
        handles[i].end();
    }
}

// Stop while hosts send, read, wait, drain and look, on threads of their own.
TEST(LifeUnderThreads, StopInTheMiddleOfTraffic) {
    for (int round = 0; round < 60; ++round) {
        Options settings;
        settings.mode = REFLOW_MODE_OWN;
        settings.workers = 2;
        settings.port_capacity = 3;
        Net net(settings, {pass()});
        net.node("a", "Pass").node("b", "Pass").connect("a.out", "b.in");
        Ref<Output> output = net.output("b.out", 2);
        net.start();
        std::uint64_t in = net.inport("a.in");
        std::uint64_t kinds = round % 2 == 0 ? 0 : REFLOW_EVENTS_ALL;
        auto subscription = net.network->subscribe({.kinds = kinds, .capacity = 64});
        ASSERT_TRUE(subscription.ok());
        std::atomic<int> ready{0};
        std::vector<std::thread> hosts;
        for (int i = 0; i < 2; ++i) {
            hosts.emplace_back([&] {
                ++ready;
                while (net.send(in, Message::string("text"), 1000) == REFLOW_OK) {
                }
            });
        }
        hosts.emplace_back([&] {
            ++ready;
            reflow_message one;
            std::size_t count = 0;
            for (int i = 0; i < 50 && output->recv({&one, 1}, 1000, count) == REFLOW_OK; ++i) {
                (void)Message::adopt(one);
            }
        });
        hosts.emplace_back([&] {
            ++ready;
            (void)net.network->wait_idle(1);
            if (round % 3 == 0) (void)net.network->drain(1);
        });
        while (ready < 4) std::this_thread::yield();
        for (int i = 0; i < round * 20; ++i) (void)net.counters("a");
        ASSERT_TRUE(net.network->stop(60'000).ok());
        for (std::thread& host : hosts) host.join();
        net.network->unsubscribe(*subscription.value());
    }
}

// The end of the handle waits for the threads of the runtime: afterwards nothing runs any more.
TEST(LifeUnderThreads, AfterTheEndOfTheHandleNothingRuns) {
    for (int round = 0; round < 200; ++round) {
        std::atomic<bool> alive{true};
        std::atomic<int> destroyed{0};
        auto watched = component("Watched", {{"in"}, {"out"}, {}, {}}, [&](std::string_view) {
            auto behaviour = std::make_unique<Behaviour>();
            behaviour->run = [&](Context& context, std::span<Packet>) {
                EXPECT_TRUE(alive);
                return context.emit(0, Message::flow());
            };
            behaviour->teardown = [&](Context&) { EXPECT_TRUE(alive); };
            behaviour->destroyed = [&] { ++destroyed; };
            return behaviour;
        });
        Options settings;
        settings.mode = REFLOW_MODE_OWN;
        settings.workers = 2;
        Net net(settings, {watched});
        net.node("a", "Watched").node("b", "Watched");
        net.connect("a.out", "b.in").connect("b.out", "a.in").initial("a.in", Message::flow());
        net.start();
        if (round % 2 == 0) {
            ASSERT_TRUE(net.network->stop(REFLOW_FOREVER).ok());
        }
        net.network.end();
        alive = false;
        EXPECT_EQ(destroyed, 2);
        net.runtime = nullptr;
    }
}

}  // namespace
}  // namespace reflow
