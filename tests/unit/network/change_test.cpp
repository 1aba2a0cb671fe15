// Changes of networks that run: random edits under traffic. Whatever the schedule, no packet is
// lost or doubled, order holds where the edits keep it, and nothing of a node runs after it has
// gone.
#include <gtest/gtest.h>
#include <atomic>
#include <map>
#include <set>
#include <thread>

#include "failing_memory.hpp"
#include "network/scenario.hpp"
#include "random.hpp"

namespace reflow::testing {
namespace {

// What instances of nodes do beyond their life, by all of them together.
struct Watch {
    std::atomic<int> alive{0};
    std::atomic<int> set_up{0};
    std::atomic<int> faults{0};
};

// Passes on, and knows whether it may run.
runtime::ComponentRef relay(Watch& watch, std::string_view id, std::uint32_t max_batch,
                            std::string_view in = "in") {
    return component(
        id, {{std::string(in)}, {"out"}, {}, {}},
        [&watch](std::string_view) {
            auto behaviour = std::make_unique<Behaviour>();
            auto up = std::make_shared<std::atomic<bool>>(false);
            ++watch.alive;
            behaviour->setup = [&watch, up](Context&) {
                ++watch.set_up;
                if (up->exchange(true)) ++watch.faults;
                return reflow_status{REFLOW_OK};
            };
            behaviour->teardown = [&watch, up](Context&) {
                --watch.set_up;
                if (!up->exchange(false)) ++watch.faults;
            };
            behaviour->destroyed = [&watch, up] {
                --watch.alive;
                if (*up) ++watch.faults;
            };
            behaviour->run = [&watch, up](Context& context, std::span<Packet> inputs) {
                if (!*up) ++watch.faults;
                for (Packet& packet : inputs) {
                    Message message = Message::adopt(std::exchange(packet.message, {}));
                    reflow_status status = context.emit(0, std::move(message));
                    if (status != REFLOW_OK) return status;
                }
                return reflow_status{REFLOW_OK};
            };
            return behaviour;
        },
        REFLOW_AWAIT_ANY, max_batch);
}

// A chain from "head" to "tail" whose middle changes.
struct Chain {
    std::vector<std::pair<std::string, std::string>> middle;  // id, component
    std::vector<std::string> sinks;                           // beside it, fed by a node of it
    std::map<std::string, int> config;
    int next_id = 0;

    [[nodiscard]] graph::Graph graph(Random& random) const {
        graph::Graph made("chain");
        auto add = [&](const std::string& id, const std::string& kind) {
            Message settings;
            if (auto found = config.find(id); found != config.end()) {
                ObjectBuilder object;
                object.set("version", Message::integer(found->second));
                settings = object.finish().take();
            }
            EXPECT_TRUE(made.add_node(id, kind, std::move(settings)).ok());
        };
        add("head", "Relay");
        for (const auto& [id, kind] : middle) add(id, kind);
        add("tail", "Relay");
        for (const std::string& id : sinks) add(id, "Sink");
        auto port = [](const std::string& kind) { return kind == "Other" ? "input" : "in"; };
        std::string before = "head";
        auto link = [&](const std::string& to, const std::string& kind) {
            ObjectBuilder metadata;
            metadata.set("capacity",
                         Message::integer(static_cast<std::int64_t>(1 + random.below(4))));
            EXPECT_TRUE(
                made.connect({before, "out"}, {to, port(kind)}, metadata.finish().take()).ok());
        };
        for (const auto& [id, kind] : middle) {
            link(id, kind);
            before = id;
        }
        link("tail", "Relay");
        for (std::size_t i = 0; i < sinks.size(); ++i) {
            const std::string& from = middle.empty() ? "head" : middle[i % middle.size()].first;
            EXPECT_TRUE(made.connect({from, "out"}, {sinks[i], "in"}, {}).ok());
        }
        return made;
    }

    // Edits that keep the order of what goes from head to tail, and one that does not. Returns
    // whether a sink goes, whose packets have to be worked off: they are copies.
    bool edit(Random& random, bool keeps_order) {
        static const char* kinds[] = {"Relay", "Batch", "Other"};
        std::uint64_t what = random.below(keeps_order ? 6 : 7);
        std::size_t at = middle.empty() ? 0 : random.below(middle.size());
        switch (what) {
            case 0:
            case 1:
                if (middle.size() >= 6) break;
                middle.insert(middle.begin() + static_cast<std::ptrdiff_t>(at),
                              {"n" + std::to_string(next_id++), kinds[random.below(3)]});
                break;
            case 2:
                if (middle.empty()) break;
                middle.erase(middle.begin() + static_cast<std::ptrdiff_t>(at));
                break;
            case 3:
                if (!middle.empty()) middle[at].second = kinds[random.below(3)];
                break;
            case 4:
                if (!middle.empty()) ++config[middle[at].first];
                break;
            case 5:
                if (sinks.size() < 3 && random.below(2) == 0) {
                    sinks.push_back("s" + std::to_string(next_id++));
                } else if (!sinks.empty()) {
                    sinks.erase(sinks.begin());
                    return true;
                }
                break;
            default:
                for (std::size_t i = middle.size(); i > 1; --i) {
                    std::swap(middle[i - 1], middle[random.below(i)]);
                }
        }
        return false;
    }
};

std::vector<runtime::ComponentRef> components(Watch& watch) {
    return {relay(watch, "Relay", 1), relay(watch, "Batch", 16), relay(watch, "Other", 3, "input"),
            simple("Sink", {{"in"}, {}, {}, {}},
                   [](Context&, std::span<Packet>) { return reflow_status{REFLOW_OK}; })};
}

// What arrived at the end, and what changes dropped.
struct Arrived {
    std::vector<std::int64_t> numbers;
    std::uint64_t dropped = 0;

    void check(std::int64_t sent, bool keeps_order) const {
        EXPECT_EQ(numbers.size() + dropped, static_cast<std::uint64_t>(sent));
        std::set<std::int64_t> all(numbers.begin(), numbers.end());
        EXPECT_EQ(all.size(), numbers.size()) << "doubled";
        if (!keeps_order) return;
        for (std::size_t i = 1; i < numbers.size(); ++i) {
            ASSERT_LT(numbers[i - 1], numbers[i]) << "order, at " << i;
        }
    }
};

void take(Output& output, Arrived& to) {
    for (const Message& message : take_all(output)) to.numbers.push_back(message.integer());
}

void run_alone(std::uint64_t seed, reflow_mode mode, bool keeps_order) {
    SCOPED_TRACE(::testing::Message() << "seed " << seed << ", mode " << mode);
    Watch watch;
    {
        Random random(seed);
        Options options;
        options.mode = mode;
        options.seed = seed;
        options.batch_packets = static_cast<std::uint32_t>(1 + random.below(20));
        Net net(options, components(watch));
        Chain chain;
        for (std::uint64_t i = random.below(4); i > 0; --i) chain.edit(random, true);
        net.graph = chain.graph(random);
        auto output = net.output("tail.out", static_cast<std::uint32_t>(1 + random.below(8)));
        net.start();
        std::uint64_t inport = net.inport("head.in");
        Arrived arrived;
        std::int64_t sent = 0;
        for (int round = 0; round < 25; ++round) {
            for (std::uint64_t i = random.below(30); i > 0; --i) {
                if (net.send(inport, Message::integer(sent)) == REFLOW_OK) ++sent;
            }
            net.runtime->scheduler().run({.turns = random.below(12)});
            if (random.below(3) != 0) take(*output, arrived);
            bool works_off = chain.edit(random, keeps_order);
            network::ChangeOptions how;
            how.drop = !works_off && random.below(4) == 0;
            how.drain_ms = works_off ? 20 : 1;
            reflow_change done{};
            auto graph = make_ref<graph::SharedGraph>(chain.graph(random));
            Result<void> applied = net.network->apply(graph, how, done);
            ASSERT_TRUE(applied.ok()) << error_text(applied);
            arrived.dropped += done.packets_dropped;
            EXPECT_EQ(net.counters("head").failed, 0u);
        }
        for (int i = 0; i < 1000 && net.idle(1000) != REFLOW_OK; ++i) take(*output, arrived);
        take(*output, arrived);
        EXPECT_EQ(net.counters("head").fired, static_cast<std::uint64_t>(sent));
        EXPECT_EQ(net.counters("tail").fired, arrived.numbers.size());
        arrived.check(sent, keeps_order);
    }
    EXPECT_EQ(watch.alive, 0);
    EXPECT_EQ(watch.set_up, 0);
    EXPECT_EQ(watch.faults, 0);
}

TEST(Change, KeepsPacketsAndOrder) {
    for (std::uint64_t seed = 1; seed <= 150; ++seed) {
        run_alone(seed, REFLOW_MODE_SIMULATED, true);
        if (HasFatalFailure()) return;
    }
    for (std::uint64_t seed = 1; seed <= 20; ++seed) run_alone(seed, REFLOW_MODE_INLINE, true);
}

TEST(Change, KeepsPacketsWhenNodesChangePlaces) {
    for (std::uint64_t seed = 1; seed <= 100; ++seed) {
        run_alone(seed, REFLOW_MODE_SIMULATED, false);
        if (HasFatalFailure()) return;
    }
}

// A feeder and a reader at work while the main thread changes what is between them.
void run_threads(std::uint64_t seed, reflow_mode mode, std::uint32_t workers, int rounds) {
    SCOPED_TRACE(::testing::Message() << "seed " << seed << ", " << workers << " workers");
    Watch watch;
    {
        Random random(seed);
        Options options;
        options.mode = mode;
        options.workers = workers;
        options.batch_packets = static_cast<std::uint32_t>(1 + random.below(20));
        Net net(options, components(watch));
        Chain chain;
        net.graph = chain.graph(random);
        auto output = net.output("tail.out", 16);
        net.start();
        std::uint64_t inport = net.inport("head.in");
        std::atomic<bool> over{false};
        std::int64_t sent = 0;
        std::thread feeder([&] {
            while (!over) {
                if (net.send(inport, Message::integer(sent), 60'000) != REFLOW_OK) break;
                ++sent;
            }
        });
        Arrived arrived;
        std::thread reader([&] {
            for (;;) {
                reflow_message batch[32];
                std::size_t count = 0;
                reflow_status status = output->recv(batch, 60'000, count);
                for (std::size_t i = 0; i < count; ++i) {
                    arrived.numbers.push_back(Message::adopt(batch[i]).integer());
                }
                if (status != REFLOW_OK) return;
            }
        });
        std::uint64_t dropped = 0;
        for (int round = 0; round < rounds; ++round) {
            bool works_off = chain.edit(random, true);
            network::ChangeOptions how;
            how.drop = !works_off && random.below(4) == 0;
            how.drain_ms = works_off ? 60'000 : 1 + static_cast<std::int64_t>(random.below(20));
            how.timeout_ms = 60'000;
            reflow_change done{};
            auto graph = make_ref<graph::SharedGraph>(chain.graph(random));
            Result<void> applied = net.network->apply(graph, how, done);
            EXPECT_TRUE(applied.ok()) << error_text(applied);
            if (!applied.ok()) break;
            dropped += done.packets_dropped;
            // Whoever looks meanwhile.
            EXPECT_EQ(net.counters("head").failed, 0u);
            EXPECT_TRUE(net.network->report().ok());
            if (random.below(4) == 0) {
                EXPECT_TRUE(net.network->pause("", 60'000).ok());
                EXPECT_TRUE(net.network->resume("").ok());
            }
        }
        over = true;
        feeder.join();
        Result<void> drained = net.network->drain(60'000);
        EXPECT_TRUE(drained.ok()) << error_text(drained);
        reader.join();
        arrived.dropped = dropped;
        EXPECT_EQ(net.counters("head").fired, static_cast<std::uint64_t>(sent));
        arrived.check(sent, true);
    }
    EXPECT_EQ(watch.alive, 0);
    EXPECT_EQ(watch.set_up, 0);
    EXPECT_EQ(watch.faults, 0);
}

TEST(Change, UnderTrafficOnThreads) {
    for (std::uint64_t seed = 1; seed <= 6; ++seed) {
        run_threads(seed, REFLOW_MODE_OWN, seed % 2 == 0 ? 4 : 1, 30);
        if (HasFailure()) return;
    }
}

TEST(LongChange, UnderTrafficOnThreads) {
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        run_threads(seed, REFLOW_MODE_OWN, static_cast<std::uint32_t>(1 + seed % 5), 100);
        if (HasFailure()) return;
    }
}

TEST(LongChange, ManySeeds) {
    Seeds range = seeds(1'500);
    for (std::uint64_t seed = range.first; seed < range.first + range.count; ++seed) {
        run_alone(1000 + seed, REFLOW_MODE_SIMULATED, seed % 2 == 0);
        if (HasFailure()) return;
    }
}

// There and back again: what the library holds is the same each time.
void change_often(int times) {
    Watch watch;
    Options options;
    Net net(options, components(watch));
    Random random(1);
    Chain one, other;
    one.middle = {{"a", "Relay"}, {"b", "Batch"}};
    other.middle = {{"b", "Other"}, {"c", "Relay"}};
    auto first = make_ref<graph::SharedGraph>(one.graph(random));
    auto second = make_ref<graph::SharedGraph>(other.graph(random));
    net.graph = first->graph();
    auto output = net.output("tail.out", 1000);
    net.start();
    std::uint64_t inport = net.inport("head.in");
    auto there_and_back = [&](int count) {
        for (int i = 0; i < count; ++i) {
            reflow_change done{};
            ASSERT_TRUE(net.network->apply(i % 2 == 0 ? second : first, {}, done).ok());
            ASSERT_EQ(net.send(inport, Message::integer(i)), REFLOW_OK);
            ASSERT_EQ(net.idle(), REFLOW_OK);
            ASSERT_EQ(take_all(*output).size(), 1u);
        }
    };
    there_and_back(10);
    MemoryUse before = memory_use();
    there_and_back(times);
    MemoryUse after = memory_use();
    EXPECT_EQ(before.blocks, after.blocks);
    EXPECT_NEAR(static_cast<double>(before.bytes), static_cast<double>(after.bytes), 4096);
}

TEST(Change, HoldsNoMoreMemoryThanBefore) { change_often(300); }
TEST(LongChange, HoldsNoMoreMemoryThanBefore) { change_often(100'000); }

// Whichever allocations fail, the network is the old one or the new one, and nothing is lost without a word.
void change_without_memory(bool there, std::int64_t count) {
    for (std::int64_t successes = 0;; ++successes) {
        ASSERT_LT(successes, 20'000);
        Watch watch;
        bool failed = false;
        {
            Options options;
            Net net(options, components(watch));
            Random random(1);
            Chain one, other;
            one.middle = {{"a", "Relay"}, {"b", "Batch"}};
            other.middle = {{"b", "Relay"}, {"c", "Relay"}};
            if (!there) std::swap(one, other);
            auto second = make_ref<graph::SharedGraph>(other.graph(random));
            net.graph = one.graph(random);
            auto output = net.output("tail.out", 1000);
            net.start();
            std::uint64_t inport = net.inport("head.in");
            for (int i = 0; i < 5; ++i) net.send(inport, Message::integer(i));
            auto before = net.network->topology()->graph;
            reflow_change done{};
            bool applied = false;
            {
                FailBurst memory(successes, count);
                try {
                    Result<void> result = net.network->apply(second, {}, done);
                    applied = result.ok();
                } catch (const std::bad_alloc&) {
                    applied = false;
                }
                failed = memory.failed();
            }
            EXPECT_TRUE(applied || failed);
            EXPECT_EQ(net.network->topology()->graph == (applied ? second : before), true) << successes;
            net.send(inport, Message::integer(5));
            EXPECT_EQ(net.idle(), REFLOW_OK);
            EXPECT_EQ(take_all(*output).size() + done.packets_dropped, 6u) << successes;
            EXPECT_EQ(watch.set_up, 4);
        }
        EXPECT_EQ(watch.alive, 0);
        EXPECT_EQ(watch.faults, 0);
        if (::testing::Test::HasFailure()) return;
        if (failed) continue;
        EXPECT_GT(successes, 100);  // it was tried
        break;
    }
}

TEST(Change, OutOfMemory) {
    for (std::int64_t count : burst_sizes) {
        SCOPED_TRACE("allocations that fail: " + std::to_string(count));
        change_without_memory(true, count);
        change_without_memory(false, count);
    }
}

}  // namespace
}  // namespace reflow::testing
