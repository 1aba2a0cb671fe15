// Two peers over wires in memory, under a clock and faults that a seed draws: connections that break with
// frames on their way, that stand still, that are silent for ever, ports that refuse, actors that are slow.
//
// What has to hold, whatever happens: over each wire, what an actor gets is a beginning of what was put on
// its way, in order; nothing comes twice; what does not come was on a wire that has ended; and once the
// faults are over, the peers find each other and lose nothing more.
//
// REFLOW_TEST_SEED=<n> plays one history again.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <set>
#include <thread>
#include <utility>

#include "codec/msgpack.hpp"
#include "failing_memory.hpp"
#include "network/scenario.hpp"
#include "peer/peer.hpp"
#include "peer/proxies.hpp"
#include "peer/simulated_pair.hpp"
#include "peer/simulated_wires.hpp"

namespace reflow::peer {
namespace {

using testing::Random;
using testing::SimulatedHost;
using testing::SimulatedWire;
using testing::Way;

constexpr std::uint64_t ms = 1'000'000;

// A packet says whose it is and its number in one value.
std::int64_t stamp(std::size_t side, std::int64_t number) {
    return number * 2 + static_cast<std::int64_t>(side);
}

// The packets of a batch, as docs/internals/peer.md has it: [2, channel, number, packets].
std::vector<std::int64_t> stamps_in(std::string_view frame) {
    std::vector<std::int64_t> stamps;
    auto read = codec::read_msgpack(frame);
    EXPECT_TRUE(read.ok());
    if (!read.ok()) return stamps;
    MessageRef records = read.value();
    for (std::size_t i = 0; i < records.size(); ++i) {
        if (records.at(i).at(0).integer() != 2) continue;
        MessageRef packets = records.at(i).at(3);
        for (std::size_t j = 0; j < packets.size(); ++j) {
            stamps.push_back(packets.at(j).at(0).integer());
        }
    }
    return stamps;
}

struct Plan {
    explicit Plan(std::uint64_t seed, void (*adjust)(Plan&)) : random(seed) {
        static constexpr std::uint32_t windows[] = {1, 2, 16, 4096};
        static constexpr std::size_t systems[] = {1, 100, 4096, 1 << 20};
        static constexpr std::uint64_t rates[] = {0, 300, 3000};
        window[0] = windows[random.below(4)];
        window[1] = windows[random.below(4)];
        batch_bytes = random.one_in(2) ? 64 : 65536;
        queue_bytes = random.one_in(3) ? 2000 : 1 << 20;
        system_bytes = systems[random.below(4)];
        capacity = 1 + static_cast<std::uint32_t>(random.below(20));
        pad = random.one_in(3) ? 500 : 10;
        both_dial = random.one_in(3);
        restarts = random.one_in(4);
        token = random.one_in(2);
        faults.cut = rates[random.below(3)];
        faults.stall = rates[random.below(3)];
        faults.hole = rates[random.below(3)] * 10;
        faults.refusal = random.one_in(2) ? 3 : 0;
        steps = 2000 + random.below(4000);
        if (adjust != nullptr) adjust(*this);
    }
    Random random;
    std::uint32_t window[2];
    std::size_t batch_bytes, queue_bytes, system_bytes;
    std::uint32_t capacity;
    std::size_t pad;
    bool both_dial, restarts, token;
    testing::Faults faults;
    std::uint64_t steps;
};

class World;

struct Side {
    Side(World& world, std::size_t number, Plan& plan);
    void begin();
    World& world;
    const std::size_t number;
    const std::uint16_t port;
    Plan& plan;
    SimulatedHost host;
    std::vector<std::int64_t> got;  // stamps, in the order of arrival
    testing::Net net;
    Ref<Peer> peer;
    std::int64_t sent = 0;  // that the peer took
    MessageBooks past;      // of peers that have stopped
    MessageBooks books() const { return sum(past, peer->books()); }
    static MessageBooks sum(const MessageBooks& a, const MessageBooks& b) {
        return {a.sent + b.sent, a.delivered + b.delivered, a.refused + b.refused,
                a.in_doubt + b.in_doubt, a.unconfirmed + b.unconfirmed};
    }
    int gave_up = 0, connected = 0;
    std::vector<std::string> said;  // by the peer
};

class World : public testing::SimulatedPair<World> {
public:
    explicit World(std::uint64_t seed, void (*adjust)(Plan&) = nullptr)
        : plan(seed, adjust), way(clock, seed), sides{Side(*this, 0, plan), Side(*this, 1, plan)} {
        way.system_bytes = plan.system_bytes;
        way.on_sent = [this](const SimulatedWire& wire, std::string_view frame) {
            if (frame.empty() || frame[0] == '{') return;
            for (std::int64_t one : stamps_in(frame)) on_way[wire.number].push_back(one);
        };
        sides[0].begin();
        sides[1].begin();
    }
    ~World() {
        way.faults = {};
        for (Side& side : sides) stop(side);
        for (Side& side : sides) side.net.network.end();
    }

    bool connected() {
        return sides[0].peer->connected("b") && sides[1].peer->connected("a");
    }
    void connect(std::size_t from) {
        Side& to = sides[1 - from];
        String endpoint = concat("tcp://127.0.0.1:", to.port);
        beside([&] {
            auto there = sides[from].peer->connect(endpoint, 60'000);
            // Where both dial, the second is told that it is connected already.
            bool known = !there.ok() && there.error().describe().find("already") != String::npos;
            EXPECT_TRUE(there.ok() || known) << (there.ok() ? "" : there.error().describe());
        });
    }
    void stop(Side& side) {
        way.heal();
        beside([&] { side.peer->stop(20'000); });
    }
    void send(std::size_t from) {
        Side& side = sides[from];
        // Half of them are for an element of the port, which they tell themselves too.
        const bool element = plan.random.one_in(2);
        const auto index = element ? static_cast<std::uint32_t>(plan.random.below(3)) : REFLOW_NO_INDEX;
        ArrayBuilder parts;
        parts.append(Message::integer(stamp(from, side.sent)));
        parts.append(Message::string(std::string(plan.random.below(plan.pad), 'x')));
        parts.append(Message::integer(index));
        Message packet = parts.finish().take();
        const char* to = from == 0 ? "b" : "a";
        auto done = element ? send_element(*side.peer, to, packet, index)
                            : side.peer->send(to, "sink", "in", packet, "source", 0);
        if (done.ok()) {
            ++side.sent;
            return;
        }
        reflow_status status = done.error().status;
        EXPECT_TRUE(status == REFLOW_ERROR_TIMEOUT || status == REFLOW_ERROR_NOT_FOUND ||
                    status == REFLOW_ERROR_CLOSED)
            << done.error().describe();
    }

    // As nodes of graphs do: hosts send to whole ports.
    static Result<void> send_element(Peer& peer, std::string_view to, MessageRef packet,
                                     std::uint32_t index) {
        Ref<Link> link = peer.pick(to);
        if (!link) return Failure(REFLOW_ERROR_NOT_FOUND, "no link");
        Result<std::uint64_t> channel = link->open_channel("source", "sink", "in");
        if (!channel.ok()) return channel.take_error();
        Link::Sending sending;
        sending.index = index;
        Result<std::size_t> sent = link->send(channel.value(), std::span(&packet, 1), sending);
        if (!sent.ok()) return sent.take_error();
        if (sent.value() == 0) return Failure(REFLOW_ERROR_TIMEOUT, "no room");
        return {};
    }

    void check();

    Plan plan;
    testing::SimulatedClock clock;
    Way way;
    std::array<Side, 2> sides;
    // What each wire was given, in its order.
    std::map<std::uint64_t, std::vector<std::int64_t>> on_way;
};

testing::Options simulated(std::uint64_t seed) {
    testing::Options options;
    options.mode = REFLOW_MODE_SIMULATED;
    options.seed = seed;
    options.batch_packets = 2;
    return options;
}

runtime::ComponentRef sink(Side& side, std::uint32_t capacity) {
    return testing::simple("Sink", {{"in"}, {}, {}, {{"in", capacity}}, {"in"}},
                           [&side](runtime::Context&, std::span<runtime::Packet> inputs) {
                               for (runtime::Packet& packet : inputs) {
                                   MessageRef one(packet.message);
                                   bool ours = one.size() == 3 && one.at(1).is(REFLOW_KIND_STRING) &&
                                               one.at(2).integer() == packet.index;
                                   side.got.push_back(ours ? one.at(0).integer() : -1);
                               }
                               return reflow_status{REFLOW_OK};
                           });
}

Side::Side(World& of, std::size_t which, Plan& drawn)
    : world(of),
      number(which),
      port(static_cast<std::uint16_t>(1 + which)),
      plan(drawn),
      host(of.way),
      net(simulated(which + 1), {sink(*this, drawn.capacity)}) {
    net.runtime->make_foreign = make_proxies;
    net.node("sink", "Sink").start();
}

void Side::begin() {
    PeerOptions options;
    options.link.self = {number == 0 ? "a" : "b", number == 0 ? "a-1" : "b-1"};
    if (plan.token) options.link.token = "secret";
    options.link.heartbeat_ns = 100 * ms;
    options.link.window.packets = plan.window[number];
    options.link.batch_bytes = plan.batch_bytes;
    options.wire.queue_bytes = plan.queue_bytes;
    options.link.environment = net.runtime.get();
    options.link.scheduler = &net.runtime->scheduler();
    options.bind_port = port;
    options.reconnect_forever = true;
    options.clock = &world.clock;
    options.log = [this](reflow_log_level, std::string_view text) { said.emplace_back(text); };
    peer = make_ref<Peer>(host, std::move(options), [this](const PeerEvent& event) {
        if (event.kind == PeerEventKind::connected) ++connected;
        if (event.kind == PeerEventKind::gave_up) ++gave_up;
    });
    auto attached = peer->attach(Ref<network::Network>::share(net.network.get()));
    auto started = peer->start();
    EXPECT_TRUE(attached.ok() && started.ok());
}

// The books, wire by wire.
void World::check() {
    std::map<std::int64_t, std::uint64_t> wire_of;
    for (const auto& [wire, stamps] : on_way) {
        for (std::int64_t one : stamps) {
            EXPECT_TRUE(wire_of.emplace(one, wire).second) << one << " was put on two wires";
        }
    }
    std::set<std::int64_t> seen;
    std::map<std::uint64_t, std::size_t> at;
    for (std::size_t i = 0; i < 2; ++i) {
        for (std::int64_t one : sides[i].got) {
            EXPECT_EQ(one % 2, static_cast<std::int64_t>(1 - i));
            EXPECT_TRUE(seen.insert(one).second) << one << " came twice";
            auto found = wire_of.find(one);
            ASSERT_NE(found, wire_of.end()) << one << " was never sent";
            std::size_t& next = at[found->second];
            const auto& stamps = on_way[found->second];
            ASSERT_LT(next, stamps.size());
            EXPECT_EQ(stamps[next], one) << "out of order, or with a gap";
            ++next;
        }
    }
    for (std::size_t i = 0; i < 2; ++i) {
        const MessageBooks books = sides[i].books();
        const std::size_t got = sides[1 - i].got.size();
        EXPECT_EQ(books.sent, static_cast<std::uint64_t>(sides[i].sent));
        EXPECT_EQ(books.sent, books.delivered + books.refused + books.in_doubt + books.unconfirmed);
        EXPECT_EQ(books.unconfirmed, 0u);
        EXPECT_LE(books.delivered, got);
        EXPECT_LE(got, books.delivered + books.in_doubt);
    }
}

void play(std::uint64_t seed) {
    SCOPED_TRACE(concat("REFLOW_TEST_SEED=", seed));
    World world(seed);
    Random random(seed * 7);
    world.connect(0);
    if (world.plan.both_dial) world.connect(1);
    ASSERT_TRUE(world.connected());
    world.way.faults = world.plan.faults;
    for (std::uint64_t i = 0; i < world.plan.steps; ++i) {
        switch (random.below(8)) {
            case 0:
            case 1:
                world.send(0);
                break;
            case 2:
                world.send(1);
                break;
            case 3:
                world.work();
                break;
            case 4:
                if (random.one_in(4)) world.way.jump(200 * ms);
                break;
            default:
                if (!world.way.step()) world.way.jump(random.below(20) * ms);
        }
        if (world.plan.restarts && random.one_in(1500)) {
            Side& again = world.sides[1];
            world.stop(again);
            again.past = again.books();
            EXPECT_EQ(again.past.unconfirmed, 0u);
            again.begin();
            if (world.plan.both_dial) break;  // who dials first would be chance
        }
    }
    // No more faults: they find each other, and what is sent now arrives.
    world.way.faults = {};
    world.way.heal();
    for (int i = 0; i < 200 && !world.connected(); ++i) world.pass(100 * ms);
    ASSERT_TRUE(world.connected()) << world.sides[0].said.back();
    world.pass(1000 * ms);
    ASSERT_TRUE(world.connected());
    std::int64_t before[2] = {world.sides[0].sent, world.sides[1].sent};
    for (int i = 0; i < 400; ++i) {
        for (std::size_t from : {0U, 1U}) {
            if (world.sides[from].sent < before[from] + 30) world.send(from);
        }
        world.settle();
    }
    world.pass(300 * ms);
    for (std::size_t from : {0U, 1U}) {
        EXPECT_EQ(world.sides[from].sent, before[from] + 30);
        const auto& got = world.sides[1 - from].got;
        std::set<std::int64_t> all(got.begin(), got.end());
        for (std::int64_t number = before[from]; number < world.sides[from].sent; ++number) {
            EXPECT_EQ(all.count(stamp(from, number)), 1u) << "of " << from << ": " << number;
        }
        EXPECT_EQ(world.sides[from].gave_up, 0);
        // The only links that are there: none is left behind by those before.
        EXPECT_EQ(world.sides[from].peer->links().size(), 1u);
    }
    world.check();
}

void play_all(std::uint64_t count) {
    testing::Seeds seeds = testing::seeds(count);
    for (std::uint64_t i = 0; i < seeds.count; ++i) {
        const std::size_t before = testing::memory_use().bytes;
        play(seeds.first + i);
        EXPECT_EQ(testing::memory_use().bytes, before) << "after seed " << seeds.first + i;
        if (::testing::Test::HasFailure()) return;
    }
}

// ---- somebody who says whatever a seed draws, beside two who work

// A value in MessagePack, of a few kinds and never deep, or bytes that are none.
void put_value(std::string& to, Random& random, int depth) {
    auto byte = [&](std::uint64_t value) { to.push_back(static_cast<char>(value)); };
    switch (random.below(depth > 3 ? 6 : 9)) {
        case 0: return byte(random.below(4));
        case 1: return byte(0xc0 + random.below(4));
        case 2:
            byte(0xcf);
            for (int i = 0; i < 8; ++i) byte(random.one_in(2) ? 0 : random.next());
            return;
        case 3: return byte(0xff);  // -1
        case 4:
            byte(0xa0 + random.below(5));
            for (std::uint64_t i = random.below(6); i > 0; --i) byte('a' + random.below(26));
            return;
        case 5:
            static constexpr std::string_view known[] = {"sink", "in", "source", "b", "a"};
            {
                std::string_view text = known[random.below(5)];
                byte(0xa0 + text.size());
                to += text;
            }
            return;
        case 6: return byte(random.next());
        default: {
            std::uint64_t count = random.below(4);
            byte(0x90 + count);
            for (std::uint64_t i = 0; i < count; ++i) put_value(to, random, depth + 1);
        }
    }
}

// A batch of records, most of them of a kind that there is and with as many fields.
std::string some_batch(Random& random) {
    std::uint64_t records = random.below(6);
    std::string to(1, static_cast<char>(0x90 + records));
    for (std::uint64_t i = 0; i < records; ++i) {
        static constexpr std::uint8_t fields[] = {0, 4, 3, 2, 4, 1, 1, 4, 1, 3, 1, 2, 0, 0, 0,
                                                  0, 0, 0, 0, 0, 6, 2, 2, 4, 9, 2, 3, 3, 2, 3, 2};
        static constexpr std::size_t kinds = std::size(fields);
        std::uint64_t kind = random.one_in(4) ? random.below(128) : 1 + random.below(kinds - 1);
        std::uint64_t count = kind < kinds && !random.one_in(10) ? fields[kind] : random.below(6);
        to.push_back(static_cast<char>(0x91 + count));
        to.push_back(static_cast<char>(kind));
        for (std::uint64_t j = 0; j < count; ++j) put_value(to, random, 0);
    }
    if (random.one_in(10) && !to.empty()) to[random.below(to.size())] ^= static_cast<char>(random.next());
    return to;
}

struct Guest final : io::WireHandler {
    void opened(io::Wire& one) override { wire = Ref<io::Wire>::share(&one); }
    void received(io::Wire&, std::span<const std::byte> frame, bool text) override {
        if (text) welcome.assign(reinterpret_cast<const char*>(frame.data()), frame.size());
    }
    void drained(io::Wire&) override {}
    void closed(io::Wire&, std::uint16_t told, reflow_status, std::string_view) override {
        over = true;
        code = told;
    }
    Ref<io::Wire> wire;
    std::string welcome;
    bool over = false;
    std::uint16_t code = 0;
};

std::string some_hello(Random& random, std::uint64_t seed) {
    std::string hello = R"({"network_id":"guest-)" + std::to_string(seed) +
                        R"(","instance_id":"g","protocol_version":"1.0","capabilities":)"
                        R"(["actor_messaging","reflow_batches_1","reflow_confirms_1","reflow_streams_1",)"
                        R"("reflow_cancels_1"],"nonce":")" +
                        std::string(64, '7') + R"(","heartbeat_interval_ms":100})";
    if (random.one_in(3)) hello[random.below(hello.size())] = static_cast<char>(random.next());
    return hello;
}

void disturb(std::uint64_t seed) {
    SCOPED_TRACE(concat("REFLOW_TEST_SEED=", seed));
    Random random(seed);
    World world(seed, [](Plan& plan) {
        plan.both_dial = plan.restarts = plan.token = false;
        plan.faults = {};
    });
    world.connect(0);
    world.way.on_sent = nullptr;
    {
        SimulatedHost host(world.way);
        for (std::uint64_t round = 0; round < 20; ++round) {
            Guest guest;
            auto to = io::WireAddress::parse("tcp://127.0.0.1:2");
            auto dialled = host.dial(to.value(), {}, guest);
            ASSERT_TRUE(dialled.ok());
            world.settle();
            ASSERT_TRUE(guest.wire);
            std::string hello = some_hello(random, seed * 100 + round);
            (void)guest.wire->send(String(hello), !random.one_in(20));
            world.settle();
            for (int i = 0; i < 20 && !guest.over; ++i) {
                (void)guest.wire->send(String(some_batch(random)), random.one_in(20));
                world.send(0);
                world.settle();
            }
            guest.wire->cut();
            world.settle();
            EXPECT_TRUE(guest.over);
        }
    }
    // The others have noticed nothing.
    world.pass(500 * ms);
    ASSERT_TRUE(world.connected());
    std::int64_t next = 0;
    for (std::int64_t one : world.sides[1].got) {
        if (one >= 0 && one % 2 == 0 && one == stamp(0, next)) ++next;
    }
    EXPECT_EQ(next, world.sides[0].sent);
    EXPECT_EQ(world.sides[1].peer->links().size(), 1u);
}

TEST(PeerSimulationTest, WhoSaysAnythingDisturbsNobody) {
    testing::Seeds seeds = testing::seeds(20);
    for (std::uint64_t i = 0; i < seeds.count && !HasFailure(); ++i) {
        const std::size_t before = testing::memory_use().bytes;
        disturb(seeds.first + i);
        EXPECT_EQ(testing::memory_use().bytes, before) << "after seed " << seeds.first + i;
    }
}

// Who says goodbye has sent what it has sent, however slow the actor is.
TEST(PeerSimulationTest, AnEndInOrderLosesNothing) {
    World world(1, [](Plan& plan) {
        plan.capacity = 2;
        plan.window[0] = plan.window[1] = 100;
        plan.both_dial = plan.restarts = false;
        plan.queue_bytes = plan.system_bytes = 1 << 20;
    });
    world.connect(0);
    for (int i = 0; i < 50; ++i) world.send(0);
    EXPECT_EQ(world.sides[0].sent, 50);
    EXPECT_TRUE(world.sides[0].peer->disconnect("b").ok());
    EXPECT_FALSE(world.sides[0].peer->connected("b"));
    while (world.way.step()) {
    }
    EXPECT_LT(world.sides[1].got.size(), 50u);
    world.settle();
    ASSERT_EQ(world.sides[1].got.size(), 50u);
    // What became of them is known before the link ends.
    world.pass(100 * ms);
    EXPECT_FALSE(world.sides[1].peer->connected("a"));
    EXPECT_EQ(world.sides[0].peer->books().in_doubt, 0u);
    for (std::int64_t i = 0; i < 50; ++i) EXPECT_EQ(world.sides[1].got[static_cast<std::size_t>(i)], stamp(0, i));
}

// Two that dial each other end up with one link, under TLS if one was, and what either has sent arrives.
TEST(PeerSimulationTest, TwoThatDialEachOtherLoseNothing) {
    testing::Seeds seeds = testing::seeds(200);
    std::size_t twice = 0;
    for (std::uint64_t i = 0; i < seeds.count && !HasFailure(); ++i) {
        SCOPED_TRACE(concat("REFLOW_TEST_SEED=", seeds.first + i));
        World world(seeds.first + i, [](Plan& plan) {
            plan.restarts = false;
            plan.faults = {};
            plan.window[0] = plan.window[1] = 100;
            plan.queue_bytes = 1 << 20;
        });
        const std::size_t secure = world.plan.random.below(4);  // which side dials under TLS, if one does
        const std::uint64_t begun = world.clock.now_ns();
        std::atomic<int> calling{2};
        std::thread callers[2];
        for (std::size_t from : {0U, 1U}) {
            callers[from] = std::thread([&world, &calling, from, secure] {
                String endpoint = concat(from == secure ? "tls" : "tcp", "://127.0.0.1:", world.sides[1 - from].port);
                auto there = world.sides[from].peer->connect(endpoint, 60'000);
                EXPECT_TRUE(there.ok()) << (there.ok() ? "" : there.error().describe());
                calling.fetch_sub(1);
            });
        }
        std::size_t most = 0;
        for (int sent[2] = {}; calling.load() > 0 || sent[0] < 10 || sent[1] < 10;) {
            if (!world.way.step() && !world.work()) {
                std::this_thread::yield();
                world.way.jump(20 * ms);
            }
            for (std::size_t from : {0U, 1U}) {
                most = std::max(most, world.sides[from].peer->links().size());
                if (sent[from] >= 10 || !world.sides[from].peer->connected(from == 0 ? "b" : "a")) {
                    continue;
                }
                world.send(from);
                ++sent[from];
            }
        }
        for (std::thread& caller : callers) caller.join();
        const std::uint64_t took = world.clock.now_ns() - begun;
        world.pass(3000 * ms);
        if (most == 2) ++twice;
        for (std::size_t from : {0U, 1U}) {
            EXPECT_EQ(world.sides[1 - from].got.size(), static_cast<std::size_t>(world.sides[from].sent));
            // It goes on with the link that it has until that ends: never by both in turn.
            std::map<std::int64_t, std::int64_t> ranges;
            for (const auto& [wire, stamps] : world.on_way) {
                if (!stamps.empty() && stamps[0] % 2 == static_cast<std::int64_t>(from))
                    ranges[stamps.front()] = stamps.back();
            }
            std::int64_t last = -1;
            for (const auto& [first, end] : ranges) EXPECT_LT(std::exchange(last, end), first) << "of " << from;
            const auto links = world.sides[from].peer->links();
            ASSERT_EQ(links.size(), 1u);
            // Within the first second; a link that is older stays in any case.
            EXPECT_TRUE(links[0]->secure() || secure > 1 || most == 1 || took > 1000 * ms) << secure;
        }
        world.check();
    }
    EXPECT_GT(twice, 0u);
}

// A link that breaks is there again with the first attempt after the other side is back.
TEST(PeerSimulationTest, DialsAgainWhenItSaid) {
    for (std::uint64_t away_ms : {50U, 500U, 1000U, 2900U, 9000U}) {
        World world(1, [](Plan& plan) { plan.both_dial = plan.restarts = false; });
        world.connect(0);
        Side& back = world.sides[1];
        world.stop(back);
        const std::uint64_t gone = world.clock.now_ns();
        world.pass(away_ms * ms);
        back.begin();
        const std::uint64_t here = world.clock.now_ns();
        // Attempts are 200 ms after the end, 400 after that, up to 3200.
        std::uint64_t next = gone, wait = 200 * ms;
        while (next < here) {
            next += wait;
            wait = std::min<std::uint64_t>(2 * wait, 3200 * ms);
        }
        while (!world.connected() && world.clock.now_ns() < next + 200 * ms) world.pass(ms);
        EXPECT_TRUE(world.connected()) << away_ms;
        EXPECT_LE(world.clock.now_ns(), next + 100 * ms) << away_ms;
    }
}

TEST(PeerSimulationTest, BooksBalance) { play_all(15); }
TEST(LongPeerSimulationTest, BooksBalance) { play_all(1000); }

}  // namespace
}  // namespace reflow::peer
