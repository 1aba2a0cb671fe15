// Random chains of streams, simulated and on real schedulers: order, conservation, bounded memory,
// either side leaving at any moment; and memory that runs out anywhere.
#include <gtest/gtest.h>

#include <atomic>
#include <memory>

#include "failing_memory.hpp"
#include "random.hpp"
#include "runtime/stream_actor.hpp"
#include "scenario.hpp"

namespace reflow::testing {
namespace {

using runtime::Patience;
using runtime::StreamReader;
using runtime::StreamWriter;

// What one run does, drawn from a seed.
struct Plan {
    std::uint64_t seed = 0;
    std::size_t stages = 0;  // between the source and the sink
    std::vector<std::int64_t> lengths;
    bool leaves = false;  // some leave in the middle
    std::uint32_t room = 1;
};

Plan make_plan(std::uint64_t seed) {
    Random random(seed);
    Plan plan;
    plan.seed = seed;
    plan.stages = random.below(4);
    plan.room = static_cast<std::uint32_t>(1 + random.below(5));
    plan.leaves = random.one_in(2);
    for (std::uint64_t i = 1 + random.below(6); i > 0; --i) {
        plan.lengths.push_back(static_cast<std::int64_t>(random.below(40)));
    }
    return plan;
}

// How many frames of a stream are on their way between two nodes, and the most that were. seq_cst:
// it has to be as it was.
struct Between {
    std::atomic<std::int64_t> now{0};
    std::atomic<std::int64_t> most{0};
    void add() {
        std::int64_t value = ++now;
        for (std::int64_t old = most; value > old && !most.compare_exchange_weak(old, value);) {
        }
    }
};

struct Seen {
    std::vector<std::vector<std::unique_ptr<Between>>> between;  // by node, by stream
    std::vector<std::int64_t> ended;                             // lengths, in the order of arrival
    std::size_t broken = 0;
    std::vector<std::string> faults;
    explicit Seen(const Plan& plan) {
        between.resize(plan.stages + 1);
        for (auto& streams : between) {
            for (std::size_t i = 0; i < plan.lengths.size(); ++i) {
                streams.push_back(std::make_unique<Between>());
            }
        }
    }
};

reflow_status rest(Context& context, std::size_t done) {
    (void)context.advance(done);
    (void)context.again();
    return context.rest();
}

Result<std::unique_ptr<StreamWriter>> open(Context& context, std::uint32_t room) {
    runtime::Stream::Options options;
    options.most = {room, UINT64_MAX};
    Message handle;
    auto writer = runtime::open_stream(context, 0, options, handle);
    if (writer.ok()) (void)context.emit(0, std::move(handle));
    return writer;
}

Message number(std::int64_t value) { return Message::bytes(std::to_string(value)); }

// Writes so many frames for each integer that comes in.
std::unique_ptr<Behaviour> source(const Plan& plan, Seen& seen) {
    struct State {
        std::unique_ptr<StreamWriter> writer;
        std::int64_t next = 0;
        Random random;
        std::size_t stream = 0;
    };
    auto state = std::make_shared<State>(State{nullptr, 0, Random(plan.seed + 1), 0});
    auto behaviour = std::make_unique<Behaviour>();
    behaviour->run = [=, &plan, &seen](Context& context, std::span<Packet> inputs) {
        Patience none(0);
        for (std::size_t i = 0; i < inputs.size(); ++i) {
            std::int64_t length = MessageRef(inputs[i].message).integer();
            if (!state->writer) {
                auto opened = open(context, plan.room);
                if (!opened.ok()) return context.fail(opened.take_error());
                state->writer = std::move(opened).take();
                state->next = 0;
            }
            bool leaves = false;
            while (state->next < length && !leaves) {
                Message data = number(state->next);
                reflow_status status = state->writer->write(data.raw(), none);
                if (status == REFLOW_ERROR_WOULD_BLOCK) return rest(context, i);
                if (status == REFLOW_ERROR_CLOSED) break;
                if (status != REFLOW_OK) return status;
                (void)data.leak();
                seen.between[0][state->stream]->add();
                ++state->next;
                leaves = plan.leaves && state->random.one_in(50);
            }
            if (!leaves) (void)state->writer->end();
            state->writer.reset();
            ++state->stream;
            (void)context.advance(i + 1);
        }
        return reflow_status{REFLOW_OK};
    };
    return behaviour;
}

// Passes frames on, one at a time, so that it can see both sides.
std::unique_ptr<Behaviour> stage(const Plan& plan, Seen& seen, std::size_t index) {
    struct State {
        std::unique_ptr<StreamReader> reader;
        std::unique_ptr<StreamWriter> writer;
        Random random;
        std::size_t stream = 0;
    };
    auto state = std::make_shared<State>(State{nullptr, nullptr, Random(plan.seed + 2 + index), 0});
    auto behaviour = std::make_unique<Behaviour>();
    behaviour->run = [=, &plan, &seen](Context& context, std::span<Packet> inputs) {
        Patience none(0);
        for (std::size_t i = 0; i < inputs.size(); ++i) {
            if (!state->reader) {
                auto accepted = runtime::accept_stream(context, MessageRef(inputs[i].message));
                if (!accepted.ok()) return context.fail(accepted.take_error());
                state->reader = std::move(accepted).take();
            }
            if (!state->writer) {
                auto opened = open(context, plan.room);
                if (!opened.ok()) return context.fail(opened.take_error());
                state->writer = std::move(opened).take();
            }
            for (bool over = false; !over;) {
                reflow_status status = state->writer->wait_for_room(none);
                if (status == REFLOW_ERROR_WOULD_BLOCK) return rest(context, i);
                if (status != REFLOW_OK) break;
                reflow_frame_kind kind = 0;
                Message frame;
                status = state->reader->front(none, kind, frame);
                if (status == REFLOW_ERROR_WOULD_BLOCK) return rest(context, i);
                if (kind == REFLOW_FRAME_DATA) {
                    status = state->writer->push(std::move(frame));
                    if (status != REFLOW_OK) break;
                    seen.between[index + 1][state->stream]->add();
                    state->reader->pop();
                    --seen.between[index][state->stream]->now;
                    over = plan.leaves && state->random.one_in(60);
                } else {
                    over = true;
                    if (kind == REFLOW_FRAME_END) (void)state->writer->end();
                }
            }
            state->reader.reset();
            state->writer.reset();
            ++state->stream;
            (void)context.advance(i + 1);
        }
        return reflow_status{REFLOW_OK};
    };
    return behaviour;
}

std::unique_ptr<Behaviour> sink(const Plan& plan, Seen& seen) {
    struct State {
        std::unique_ptr<StreamReader> reader, observer;
        std::int64_t next = 0;
        Random random;
        std::size_t stream = 0;
    };
    auto state = std::make_shared<State>(State{nullptr, nullptr, 0, Random(plan.seed + 99), 0});
    auto behaviour = std::make_unique<Behaviour>();
    behaviour->run = [=, &plan, &seen](Context& context, std::span<Packet> inputs) {
        Patience none(0);
        for (std::size_t i = 0; i < inputs.size(); ++i) {
            if (!state->reader) {
                MessageRef handle(inputs[i].message);
                auto accepted = runtime::accept_stream(context, handle);
                if (!accepted.ok()) return context.fail(accepted.take_error());
                // It never reads, and slows nobody.
                auto observed = runtime::observe_stream(context, handle, {1, 1}, false);
                if (observed.ok()) state->observer = std::move(observed).take();
                state->reader = std::move(accepted).take();
                state->next = 0;
            }
            for (bool over = false; !over;) {
                reflow_stream_frame frames[3];
                std::size_t count = 0;
                std::size_t most = 1 + state->random.below(3);
                reflow_status status = state->reader->read({frames, most}, none, count);
                if (status == REFLOW_ERROR_WOULD_BLOCK) return rest(context, i);
                if (status != REFLOW_OK) return status;
                for (std::size_t k = 0; k < count; ++k) {
                    Message frame = Message::adopt(frames[k].message);
                    if (frames[k].kind == REFLOW_FRAME_DATA) {
                        --seen.between[plan.stages][state->stream]->now;
                        if (frame.bytes() != std::to_string(state->next)) {
                            seen.faults.push_back("frame " + std::string(frame.bytes()) +
                                                  " instead of " + std::to_string(state->next));
                        }
                        ++state->next;
                    } else if (frames[k].kind == REFLOW_FRAME_END) {
                        seen.ended.push_back(state->next);
                        over = true;
                    } else if (frames[k].kind == REFLOW_FRAME_ERROR) {
                        ++seen.broken;
                        over = true;
                    }
                }
                if (!over && plan.leaves && state->random.one_in(40)) {
                    ++seen.broken;
                    over = true;
                }
            }
            state->reader.reset();
            state->observer.reset();
            ++state->stream;
            (void)context.advance(i + 1);
        }
        return reflow_status{REFLOW_OK};
    };
    return behaviour;
}

void build(Net& net, const Plan& plan) {
    net.node("source", "Source");
    std::string before = "source";
    for (std::size_t i = 0; i < plan.stages; ++i) {
        std::string id = "stage" + std::to_string(i);
        net.node(id, "Stage" + std::to_string(i)).connect(before + ".out", id + ".in");
        before = id;
    }
    net.node("sink", "Sink").connect(before + ".out", "sink.in");
}

std::vector<runtime::ComponentRef> components(const Plan& plan, Seen& seen) {
    std::vector<runtime::ComponentRef> all;
    all.push_back(component(
        "Source", {{"in"}, {"out"}, {}, {}}, [&](std::string_view) { return source(plan, seen); },
        REFLOW_AWAIT_ANY, 3));
    for (std::size_t i = 0; i < plan.stages; ++i) {
        all.push_back(component(
            "Stage" + std::to_string(i), {{"in"}, {"out"}, {}, {}},
            [&, i](std::string_view) { return stage(plan, seen, i); }, REFLOW_AWAIT_ANY, 2));
    }
    all.push_back(component(
        "Sink", {{"in"}, {"out"}, {}, {}}, [&](std::string_view) { return sink(plan, seen); },
        REFLOW_AWAIT_ANY, 2));
    return all;
}

void run(const Plan& plan, const Options& options, bool stops) {
    Seen seen(plan);
    Net net(options, components(plan, seen));
    build(net, plan);
    net.start();
    std::uint64_t in = net.inport("source.in");
    for (std::int64_t length : plan.lengths) {
        EXPECT_EQ(net.send(in, Message::integer(length), 60'000), REFLOW_OK);
    }
    if (!stops) {
        EXPECT_EQ(net.idle(), REFLOW_OK);
        EXPECT_EQ(seen.ended.size() + seen.broken, plan.lengths.size());
        if (!plan.leaves) {
            EXPECT_EQ(seen.ended, plan.lengths);
            for (auto& streams : seen.between) {
                for (auto& between : streams) EXPECT_EQ(between->now, 0);
            }
        }
        EXPECT_EQ(net.runtime->scheduler().streams->live, 0u);
        EXPECT_TRUE(net.network->drain(60'000).ok());
    }
    Ref<runtime::StreamCount> count = net.runtime->scheduler().streams;
    net.network.end();
    EXPECT_EQ(count->live, 0u);
    for (const std::string& fault : seen.faults) ADD_FAILURE() << fault;
    // On threads frames that a reader has just taken, three at most, are counted a moment longer.
    std::int64_t more = options.mode == REFLOW_MODE_SIMULATED ? 0 : 3;
    for (auto& streams : seen.between) {
        for (auto& between : streams) EXPECT_LE(between->most, plan.room + more);
    }
}

void simulated(std::uint64_t count) {
    auto [first, seeds_count] = seeds(count);
    for (std::uint64_t seed = first; seed < first + seeds_count; ++seed) {
        SCOPED_TRACE("REFLOW_TEST_SEED=" + std::to_string(seed));
        Plan plan = make_plan(seed);
        Options options;
        options.mode = REFLOW_MODE_SIMULATED;
        options.seed = seed;
        options.batch_packets = static_cast<std::uint32_t>(1 + seed % 4);
        run(plan, options, false);
        run(plan, options, true);
        if (::testing::Test::HasFailure()) return;
    }
}

void all_schedulers(std::uint64_t count) {
    auto [first, seeds_count] = seeds(count);
    for (std::uint64_t seed = first; seed < first + seeds_count; ++seed) {
        SCOPED_TRACE("REFLOW_TEST_SEED=" + std::to_string(seed));
        Plan plan = make_plan(seed);
        for (reflow_mode mode :
             {REFLOW_MODE_OWN, REFLOW_MODE_INLINE, REFLOW_MODE_HOSTED, REFLOW_MODE_LENT}) {
            SCOPED_TRACE("mode " + std::to_string(mode));
            Options options;
            options.mode = mode;
            options.workers = static_cast<std::uint32_t>(1 + seed % 3);
            run(plan, options, false);
            run(plan, options, true);
        }
        if (::testing::Test::HasFailure()) return;
    }
}

TEST(StreamSimulation, RandomChains) { simulated(400); }
TEST(StreamSchedulers, RandomChains) { all_schedulers(60); }
TEST(LongStreamSimulation, RandomChains) { simulated(20'000); }
TEST(LongStreamSchedulers, RandomChains) { all_schedulers(2'000); }

// One allocation fails, each in its turn. A firing may fail with it, and a stream break off;
// nothing is left behind, and nothing hangs.
TEST(StreamMemory, RunsOutAnywhere) {
    Plan plan;
    plan.seed = 5;
    plan.stages = 1;
    plan.room = 2;
    plan.lengths = {3, 0, 5};
    for (std::int64_t successes = 0;; ++successes) {
        SCOPED_TRACE("allocation " + std::to_string(successes));
        MemoryUse before = memory_use();
        bool failed = false;
        {
            Seen seen(plan);
            Options options;
            Net net(options, components(plan, seen));
            build(net, plan);
            net.start();
            std::uint64_t in = net.inport("source.in");
            {
                FailOnce fail(successes);
                for (std::int64_t length : plan.lengths) {
                    reflow_status status = REFLOW_ERROR_OUT_OF_MEMORY;
                    while (status == REFLOW_ERROR_OUT_OF_MEMORY) {
                        try {
                            status = net.send(in, Message::integer(length));
                        } catch (const std::bad_alloc&) {
                        }
                    }
                    EXPECT_EQ(status, REFLOW_OK);
                }
                reflow_status idle = net.idle();
                // A source that failed in the middle keeps its stream, and somebody who waits for
                // it.
                EXPECT_TRUE(idle == REFLOW_OK || idle == REFLOW_ERROR_LIMIT);
                failed = fail.failed();
            }
            for (const std::string& fault : seen.faults) {
                if (!failed) ADD_FAILURE() << fault;
            }
            Ref<runtime::StreamCount> count = net.runtime->scheduler().streams;
            net.network.end();
            EXPECT_EQ(count->live, 0u);
        }
        EXPECT_EQ(memory_use(), before);
        if (HasFailure()) return;
        if (failed) continue;
        EXPECT_GT(successes, 30);  // it was tried
        return;
    }
}

}  // namespace
}  // namespace reflow::testing
