#include "runtime/mailbox.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <vector>

#include "failing_memory.hpp"
#include "random.hpp"
#include "runtime/actor.hpp"
#include "runtime/group.hpp"

namespace reflow::runtime {
namespace {

using reflow::testing::FailOnce;
using reflow::testing::MemoryUse;
using reflow::testing::Random;

// Senders are only names here: the mailbox keeps and returns the pointers.
Actor* sender(std::uintptr_t number) { return reinterpret_cast<Actor*>(number * 64); }

Packet packet(std::uint32_t port, std::int64_t value) {
    return {Message::integer(value).leak(), port, REFLOW_NO_INDEX, nullptr};
}

std::int64_t value_of(const Packet& packet) { return MessageRef(packet.message).integer(); }

void fill(Queue<Packet>& queue, std::uint32_t port, std::initializer_list<std::int64_t> values) {
    for (std::int64_t value : values) queue.push(packet(port, value));
}

std::vector<std::int64_t> take(Mailbox& mailbox, std::size_t max = SIZE_MAX) {
    Queue<Packet> packets;
    Released released;
    bool host = false;
    (void)mailbox.take(packets, max, released, host);
    std::vector<std::int64_t> values;
    for (std::size_t i = 0; i < packets.size(); ++i) values.push_back(value_of(packets[i]));
    return values;
}

using Values = std::vector<std::int64_t>;
using Actors = std::vector<Actor*>;

Actors actors_of(const Released& released) { return {released.begin(), released.end()}; }

void connect(Mailbox& mailbox, std::uint32_t port, std::uint32_t senders = 1) {
    mailbox.reserve_senders(port, senders);
    mailbox.set_connected(port);
}

TEST(Mailbox, KindsOfConnectionsAtAFullPort) {
    struct {
        Delivery delivery;
        Values expected;
        std::uint64_t dropped;
        std::size_t left;
    } cases[] = {{Delivery::reliable, {1, 2, 3}, 0, 2},
                 {Delivery::latest, {5}, 4, 0},
                 {Delivery::drop_oldest, {3, 4, 5}, 2, 0},
                 {Delivery::drop_newest, {1, 2, 3}, 2, 0}};
    for (auto& test : cases) {
        Mailbox mailbox(1, false, 3);
        connect(mailbox, 0);
        Queue<Packet> from;
        fill(from, 0, {1, 2, 3, 4, 5});
        Mailbox::Pushed pushed = mailbox.push(0, test.delivery, from, sender(1));
        EXPECT_EQ(pushed.accepted, 5 - test.left);
        EXPECT_EQ(pushed.blocked, test.left != 0);
        EXPECT_EQ(from.size(), test.left);
        EXPECT_EQ(mailbox.dropped(), test.dropped);
        EXPECT_EQ(mailbox.waiting(), test.expected.size());
        EXPECT_EQ(take(mailbox), test.expected);
        EXPECT_EQ(mailbox.waiting(), 0u);
    }
}

TEST(Mailbox, OnePortDropsOnlyItsOwn) {
    Mailbox mailbox(2, false, 2);
    connect(mailbox, 0);
    connect(mailbox, 1);
    Queue<Packet> a;
    Queue<Packet> b;
    fill(a, 0, {1, 2});
    fill(b, 1, {10, 11, 12});
    (void)mailbox.push(0, Delivery::reliable, a, sender(1));
    (void)mailbox.push(1, Delivery::drop_oldest, b, sender(2));
    fill(a, 0, {3});
    EXPECT_TRUE(mailbox.push(0, Delivery::reliable, a, sender(1)).blocked);
    EXPECT_EQ(take(mailbox), (Values{1, 2, 11, 12}));
    EXPECT_EQ(mailbox.dropped(), 1u);
}

TEST(Mailbox, SendersComeBackOnceWhenThePortIsHalfEmpty) {
    Mailbox mailbox(1, false, 4);
    connect(mailbox, 0, 3);
    Queue<Packet> from;
    fill(from, 0, {1, 2, 3, 4, 5});
    (void)mailbox.push(0, Delivery::reliable, from, sender(1));
    (void)mailbox.push(0, Delivery::reliable, from, sender(1));  // waits already
    (void)mailbox.push(0, Delivery::reliable, from, sender(2));
    Queue<Packet> packets;
    Released released;
    bool host = false;
    EXPECT_EQ(mailbox.take(packets, 1, released, host), 1u);
    EXPECT_TRUE(released.empty());
    EXPECT_EQ(mailbox.take(packets, 1, released, host), 1u);
    EXPECT_EQ(actors_of(released), (Actors{sender(1), sender(2)}));
    released.clear();
    EXPECT_EQ(mailbox.take(packets, 9, released, host), 2u);
    EXPECT_TRUE(released.empty());
}

TEST(Mailbox, TheHostIsToldOnlyIfItWaits) {
    Mailbox mailbox(1, false, 2);
    reflow_message messages[3] = {Message::integer(1).raw(), Message::integer(2).raw(),
                                  Message::integer(3).raw()};
    EXPECT_EQ(mailbox.push_host(0, messages, false), 2u);
    Queue<Packet> packets;
    Released released;
    bool host = false;
    (void)mailbox.take(packets, 2, released, host);
    EXPECT_FALSE(host);
    EXPECT_EQ(mailbox.push_host(0, messages, true), 2u);
    (void)mailbox.take(packets, 2, released, host);
    EXPECT_TRUE(host);
}

TEST(Mailbox, AFiringTakesOneOfEachConnectedPort) {
    Mailbox mailbox(3, true, 4);
    connect(mailbox, 0);
    connect(mailbox, 2);
    Queue<Packet> from;
    fill(from, 0, {1, 2, 3});
    (void)mailbox.push(0, Delivery::reliable, from, sender(1));
    EXPECT_FALSE(mailbox.ready());
    fill(from, 2, {7, 8});
    (void)mailbox.push(2, Delivery::reliable, from, sender(1));
    EXPECT_TRUE(mailbox.ready());
    Queue<Packet> packets;
    Released released;
    bool host = false;
    EXPECT_EQ(mailbox.take_firings(packets, 9, released, host), 4u);
    ASSERT_EQ(packets.size(), 6u);
    EXPECT_EQ(value_of(packets[0]), 1);
    EXPECT_TRUE(MessageRef(packets[1].message).none());
    EXPECT_EQ(packets[1].port, 1u);
    EXPECT_EQ(value_of(packets[2]), 7);
    EXPECT_EQ(value_of(packets[5]), 8);
    EXPECT_FALSE(mailbox.ready());
    EXPECT_EQ(mailbox.waiting(), 1u);
}

TEST(Mailbox, AStickyPortShowsItsNewestAndCountsWhatNobodySaw) {
    Mailbox mailbox(2, true, 4);
    connect(mailbox, 0);
    connect(mailbox, 1);
    mailbox.set_sticky(1);
    Queue<Packet> from;
    auto push = [&](std::uint32_t port, std::int64_t value) {
        fill(from, port, {value});
        EXPECT_EQ(mailbox.push(port, Delivery::reliable, from, sender(1)).accepted, 1u);
    };
    auto fire = [&] {
        Queue<Packet> packets;
        Released released;
        bool host = false;
        std::size_t taken = mailbox.take_firings(packets, 1, released, host);
        return std::pair(taken, packets.size() == 2 ? value_of(packets[1]) : -1);
    };
    for (std::int64_t value = 1; value <= 10; ++value) push(1, value);
    EXPECT_FALSE(mailbox.ready());
    EXPECT_EQ(mailbox.dropped(), 9u);
    EXPECT_EQ(mailbox.waiting(), 1u);
    push(0, 100);
    EXPECT_EQ(fire(), std::pair(std::size_t{2}, std::int64_t{10}));
    push(0, 101);
    EXPECT_EQ(fire(), std::pair(std::size_t{1}, std::int64_t{10}));  // shown again: not counted
    push(1, 11);
    EXPECT_EQ(mailbox.dropped(), 9u);  // 10 was seen
    EXPECT_EQ(mailbox.waiting(), 1u);
    EXPECT_EQ(mailbox.room(1), SIZE_MAX);
}

TEST(Mailbox, InitialPacketsDoNotMindTheCapacity) {
    Mailbox mailbox(1, false, 1);
    for (int i = 0; i < 5; ++i) mailbox.force(packet(0, i));
    EXPECT_EQ(mailbox.waiting(), 5u);
    EXPECT_EQ(mailbox.room(0), 0u);
    EXPECT_EQ(take(mailbox), (Values{0, 1, 2, 3, 4}));
}

TEST(Mailbox, GrowthReleasesTheSenders) {
    Mailbox mailbox(1, false, 2);
    connect(mailbox, 0);
    Released released;
    EXPECT_FALSE(mailbox.grow(0, 2, released));  // nobody waits
    Queue<Packet> from;
    fill(from, 0, {1, 2, 3, 4, 5});
    (void)mailbox.push(0, Delivery::reliable, from, sender(1));
    EXPECT_FALSE(mailbox.grow(0, 0, released));  // full
    EXPECT_TRUE(released.empty());
    EXPECT_TRUE(mailbox.grow(0, 2, released));
    EXPECT_EQ(released.size(), 1u);
    EXPECT_EQ(mailbox.room(0), 2u);
    (void)mailbox.push(0, Delivery::reliable, from, sender(1));
    EXPECT_EQ(take(mailbox, 1), (Values{1}));
    released.clear();
    EXPECT_TRUE(mailbox.grow(0, 0, released));  // there is room by now
    EXPECT_EQ(released.size(), 1u);
    EXPECT_EQ(mailbox.room(0), 1u);
}

// In packets and in bytes, the sum of both; nothing is lost where there is no memory.
TEST(Mailbox, GrowthCountsUntilTheGraphSettlesThePort) {
    Mailbox mailbox(2, false, 2);
    std::vector<Mailbox::PortPlan> plans(2);
    plans[0].capacity = 2;
    plans[1].capacity = 100;
    plans[1].capacity_bytes = 16;
    mailbox.reserve_bytes(plans);
    mailbox.settle(plans, false);
    Queue<Packet> from[2];
    for (std::uint32_t port = 0; port < 2; ++port) {
        connect(mailbox, port);
        fill(from[port], port, {1, 2, 3});
        EXPECT_EQ(mailbox.push(port, Delivery::reliable, from[port], sender(port + 1)).accepted, 2u);
    }
    Mailbox::Full full = mailbox.full(0);
    EXPECT_FALSE(full.of_bytes);
    EXPECT_EQ(full.packets, 2u);
    EXPECT_EQ(full.capacity, 2u);
    full = mailbox.full(1);
    EXPECT_TRUE(full.of_bytes);
    EXPECT_EQ(full.packets, 2u);
    EXPECT_EQ(full.capacity, 16u);
    EXPECT_EQ(full.bytes, 16u);
    EXPECT_EQ(full.needed_bytes, 8u);
    Released released;
    {
        FailOnce fail(0);
        EXPECT_THROW((void)mailbox.grow(0, 2, released), std::bad_alloc);
    }
    EXPECT_EQ(mailbox.capacity(0), 2u);
    EXPECT_EQ(mailbox.growth(), 0u);
    EXPECT_TRUE(released.empty());
    EXPECT_TRUE(mailbox.grow(0, 3, released));
    EXPECT_EQ(mailbox.growth(), 3u);
    EXPECT_TRUE(mailbox.grow(1, 2, released, 16));
    EXPECT_EQ(mailbox.growth(), 5u);
    EXPECT_EQ(actors_of(released), (Actors{sender(1), sender(2)}));
    for (std::uint32_t port = 0; port < 2; ++port) {
        EXPECT_EQ(mailbox.push(port, Delivery::reliable, from[port], sender(port + 1)).accepted, 1u);
    }
    plans[0].capacity = 0;  // as it is
    mailbox.settle(plans, false);
    EXPECT_EQ(mailbox.growth(), 5u);
    EXPECT_EQ(mailbox.capacity(0), 5u);
    plans[0].capacity = 5;
    mailbox.settle(plans, false);
    EXPECT_EQ(mailbox.growth(), 2u);
    plans[1].capacity_bytes = 32;
    mailbox.settle(plans, false);
    EXPECT_EQ(mailbox.growth(), 0u);
}

TEST(Mailbox, AClosedOneDropsEverythingAndHoldsNobody) {
    static int released_lent = 0;
    released_lent = 0;
    auto lent = [](std::uint32_t port) {
        auto release = [](void*) { ++released_lent; };
        return Packet{Message::lend(REFLOW_KIND_BYTES, "x", release, nullptr).leak(), port,
                      REFLOW_NO_INDEX, nullptr};
    };
    Mailbox mailbox(1, false, 1);
    connect(mailbox, 0);
    Queue<Packet> from;
    from.push(lent(0));
    from.push(lent(0));
    (void)mailbox.push(0, Delivery::reliable, from, sender(1));
    Released released;
    {
        FailOnce fail(0);
        mailbox.close(released);  // needs no memory
        EXPECT_FALSE(fail.failed());
    }
    EXPECT_EQ(actors_of(released), Actors{sender(1)});
    EXPECT_EQ(released_lent, 1);
    EXPECT_EQ(mailbox.push(0, Delivery::reliable, from, sender(1)).accepted, 1u);
    EXPECT_EQ(released_lent, 2);
    EXPECT_EQ(mailbox.waiting(), 0u);
}

// A mailbox against deques, with all kinds, over several ports; and every allocation of each step
// fails once before the step is made.
void against_model(std::uint64_t seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    MemoryUse before = reflow::testing::memory_use();
    {
        Random random(seed);
        std::uint32_t ports = 1 + static_cast<std::uint32_t>(random.below(3));
        bool by_port = random.one_in(2);
        std::uint32_t capacity = 1 + static_cast<std::uint32_t>(random.below(4));
        Mailbox mailbox(ports, by_port, capacity);
        struct Entry {
            std::uint32_t port;
            std::int64_t value;
        };
        std::deque<Entry> model;
        std::vector<Queue<Packet>> from(ports);
        for (std::uint32_t port = 0; port < ports; ++port) connect(mailbox, port);
        std::uint64_t dropped = 0;
        std::int64_t next = 0;
        auto count = [&](std::uint32_t port) {
            return static_cast<std::size_t>(
                std::count_if(model.begin(), model.end(),
                              [&](const Entry& entry) { return entry.port == port; }));
        };
        auto drop = [&](std::uint32_t port) {
            auto oldest = std::find_if(model.begin(), model.end(),
                                       [&](const Entry& entry) { return entry.port == port; });
            model.erase(oldest);
            ++dropped;
        };
        auto model_push = [&](std::uint32_t port, Delivery delivery) {
            Queue<Packet>& queue = from[port];
            for (std::size_t i = 0; i < queue.size(); ++i) {
                std::size_t now = count(port);
                if (delivery == Delivery::latest) {
                    while (count(port) != 0) drop(port);
                } else if (now >= capacity) {
                    if (delivery == Delivery::reliable) return i;
                    if (delivery == Delivery::drop_newest) {
                        ++dropped;
                        continue;
                    }
                    drop(port);
                }
                model.push_back({port, value_of(queue[i])});
            }
            return queue.size();
        };
        for (int step = 0; step < 400; ++step) {
            auto port = static_cast<std::uint32_t>(random.below(ports));
            if (random.one_in(2)) {
                for (std::uint64_t i = random.below(4); i > 0; --i) {
                    from[port].push(packet(port, next++));
                }
                auto delivery = static_cast<Delivery>(random.below(4));
                std::size_t accepted = model_push(port, delivery);
                for (std::int64_t n = 0;; ++n) {
                    FailOnce fail(n);
                    std::size_t size = from[port].size();
                    try {
                        auto pushed = mailbox.push(port, delivery, from[port], sender(port + 1));
                        ASSERT_EQ(pushed.accepted, accepted);
                        ASSERT_EQ(pushed.blocked, accepted != size);
                        break;
                    } catch (const std::bad_alloc&) {
                        ASSERT_EQ(from[port].size(), size);
                    }
                }
                continue;
            }
            std::size_t most = random.below(4);
            std::vector<Entry> expected;
            if (by_port) {
                for (; most > 0; --most) {
                    bool all = true;
                    for (std::uint32_t i = 0; i < ports; ++i) all = all && count(i) != 0;
                    if (!all) break;
                    for (std::uint32_t i = 0; i < ports; ++i) {
                        auto oldest = std::find_if(model.begin(), model.end(),
                                                   [&](const Entry& e) { return e.port == i; });
                        expected.push_back(*oldest);
                        model.erase(oldest);
                    }
                }
            } else {
                while (most-- > 0 && !model.empty()) {
                    expected.push_back(model.front());
                    model.pop_front();
                }
            }
            std::size_t firings = expected.size() / ports;
            Queue<Packet> packets;
            for (std::int64_t n = 0;; ++n) {
                FailOnce fail(n);
                Released released;
                bool host = false;
                try {
                    if (by_port) {
                        (void)mailbox.take_firings(packets, firings, released, host);
                    } else {
                        (void)mailbox.take(packets, expected.size(), released, host);
                    }
                    break;
                } catch (const std::bad_alloc&) {
                    ASSERT_TRUE(packets.empty());
                }
            }
            ASSERT_EQ(packets.size(), expected.size());
            for (std::size_t i = 0; i < expected.size(); ++i) {
                ASSERT_EQ(value_of(packets[i]), expected[i].value);
                ASSERT_EQ(packets[i].port, expected[i].port);
            }
            ASSERT_EQ(mailbox.waiting(), model.size());
            ASSERT_EQ(mailbox.dropped(), dropped);
        }
    }
    EXPECT_EQ(reflow::testing::memory_use(), before);
}

TEST(Mailbox, BehavesAsItsModelAlsoWhenMemoryRunsOut) {
    auto [first, count] = reflow::testing::seeds(60);
    for (std::uint64_t seed = first; seed < first + count; ++seed) against_model(seed);
}

}  // namespace
}  // namespace reflow::runtime
