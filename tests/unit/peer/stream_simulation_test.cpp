// Streams between two peers over wires in memory, under a clock and faults that a seed draws: writers that
// stop, fail, end and go, readers that are slow, leave, or never come, and connections that break.
//
// What has to hold: a reader gets a beginning of what was written, in order; an END only behind all of it,
// and only if the writer has ended; an ERROR only for a reason; nobody waits for ever; no more is on its way
// than the windows allow; and nothing is left.
//
// REFLOW_TEST_SEED=<n> plays one history again.
#include <gtest/gtest.h>

#include <array>
#include <list>

#include "failing_memory.hpp"
#include "network/scenario.hpp"
#include "peer/limits.hpp"
#include "peer/peer.hpp"
#include "peer/proxies.hpp"
#include "peer/simulated_pair.hpp"
#include "peer/simulated_wires.hpp"
#include "runtime/stream_actor.hpp"

namespace reflow::peer {
namespace {

using runtime::Keep;
using runtime::Patience;
using runtime::Stream;
using runtime::StreamReader;
using runtime::StreamWriter;
using testing::Random;
using testing::SimulatedHost;
using testing::Way;

constexpr std::uint64_t ms = 1'000'000;
constexpr std::uint32_t local_frames = 8;

// One stream, as whoever looks at both sides sees it.
struct History {
    std::int64_t id = 0;
    std::uint64_t written = 0, read = 0;  // frames
    bool ended = false, failed = false;   // by the writer, who was told that it counts
    bool unheard = false;                 // the writer was told that nobody reads
    bool over = false, in_full = false;   // for the reader
    bool left = false;                    // by the reader
    std::unique_ptr<StreamWriter> writer;
    std::unique_ptr<StreamReader> reader;
};

class World;
struct Side {
    Side(World& world, std::size_t which);
    void begin();
    World& world;
    const std::size_t number;
    SimulatedHost host;
    std::vector<Message> got;  // handles, as they came
    testing::Net net;
    Ref<Peer> peer;
};

class World : public testing::SimulatedPair<World> {
public:
    explicit World(std::uint64_t seed)
        : random(seed), way(clock, seed), sides{Side(*this, 0), Side(*this, 1)} {
        static constexpr std::size_t systems[] = {100, 4096, 1 << 20};
        static constexpr std::uint64_t rates[] = {0, 300, 3000};
        way.system_bytes = systems[random.below(3)];
        batch_bytes = random.one_in(2) ? 64 : 65536;
        faults.cut = rates[random.below(3)];
        faults.stall = rates[random.below(3)];
        faults.hole = rates[random.below(3)] * 10;
        big = random.one_in(3);
        static constexpr std::uint64_t windows[] = {2, 8, 256};
        window.packets = windows[random.below(3)];
        window.bytes = random.one_in(3) ? 1000 : 1 << 20;
        socket_bytes = random.one_in(2) ? 1000 : 1 << 20;
        for (Side& side : sides) side.begin();
        beside([&] { EXPECT_TRUE(sides[0].peer->connect("tcp://127.0.0.1:2", 60'000).ok()); });
    }
    ~World() {
        way.faults = {};
        way.heal();
        for (Side& side : sides) beside([&] { side.peer->stop(20'000); });
        for (Side& side : sides) side.net.network.end();
    }
    void open_stream();
    void write(History& of);
    void read(History& of);
    void accept();
    void act();
    void finish();
    [[nodiscard]] Keep keep(std::size_t side) {
        return Keep(*sides[side].net.runtime, sides[side].net.runtime->scheduler());
    }

    Random random;
    testing::SimulatedClock clock;
    Way way;
    testing::Faults faults;
    std::size_t batch_bytes = 65536;
    bool big = false, ending = false;
    Window window{};
    std::size_t socket_bytes = 0;
    std::array<Side, 2> sides;
    std::list<History> all;
    std::uint64_t frames = 0, breaks = 0;
};

testing::Options simulated(std::uint64_t seed) {
    testing::Options options;
    options.mode = REFLOW_MODE_SIMULATED;
    options.seed = seed;
    return options;
}

Side::Side(World& of, std::size_t which)
    : world(of),
      number(which),
      host(of.way),
      net(simulated(which + 1),
          {testing::simple("Sink", {{"in"}, {}, {}, {}},
                           [this](runtime::Context&, std::span<runtime::Packet> inputs) {
                               for (runtime::Packet& packet : inputs) {
                                   got.push_back(MessageRef(packet.message).own());
                               }
                               return reflow_status{REFLOW_OK};
                           })}) {
    net.runtime->make_foreign = make_proxies;
    net.node("sink", "Sink").start();
}

void Side::begin() {
    PeerOptions options;
    options.link.self = {number == 0 ? "a" : "b", "1"};
    options.link.heartbeat_ns = 100 * ms;
    options.link.batch_bytes = world.batch_bytes;
    options.link.stream_window = world.window;
    options.link.socket_bytes = world.socket_bytes;
    options.link.environment = net.runtime.get();
    options.link.scheduler = &net.runtime->scheduler();
    options.bind_port = static_cast<std::uint16_t>(1 + number);
    options.reconnect_forever = true;
    options.clock = &world.clock;
    peer = make_ref<Peer>(host, std::move(options), Peer::Listener());
    EXPECT_TRUE(peer->attach(Ref<network::Network>::share(net.network.get())).ok());
    EXPECT_TRUE(peer->start().ok());
}

void World::open_stream() {
    if (all.size() > 40) return;
    const std::size_t from = random.below(2);
    Stream::Options options;
    options.most = {local_frames, std::uint64_t{1} << 20};
    options.metadata = Message::integer(static_cast<std::int64_t>(all.size()));
    Message handle;
    auto made = Stream::create(*sides[from].net.runtime->scheduler().streams, options, nullptr, handle);
    ASSERT_TRUE(made.ok());
    History& of = all.emplace_back();
    of.id = static_cast<std::int64_t>(all.size() - 1);
    of.writer.reset(new StreamWriter(std::move(made).take(), keep(from)));
    if (random.one_in(3)) {  // somewhere inside
        ArrayBuilder array;
        array.append(Message::string("here"));
        array.append(handle);
        handle = array.finish().take();
    }
    // Without a link the handle ends here.
    (void)sides[from].peer->send(from == 0 ? "b" : "a", "sink", "in", handle, "host", 0);
}

// A frame says its place; some are large.
void World::write(History& of) {
    if (!of.writer) return;
    if (random.one_in(60)) {
        of.unheard = of.writer->end() == REFLOW_ERROR_CLOSED;
        of.ended = !of.unheard;
        of.writer.reset();
        return;
    }
    if (random.one_in(150)) {
        of.unheard = of.writer->fail(Message::error("on purpose")) == REFLOW_ERROR_CLOSED;
        of.failed = !of.unheard;
        of.writer.reset();
        return;
    }
    for (std::uint64_t i = random.below(12); i > 0; --i) {
        std::size_t size = sizeof of.written + (big ? random.below(60'000) : random.below(100));
        std::string text(size, 'x');
        std::memcpy(text.data(), &of.written, sizeof of.written);
        Message data = Message::bytes(text);
        Patience none(0);
        reflow_status status = of.writer->write(data.raw(), none);
        if (status == REFLOW_OK) {
            (void)data.leak();
            ++of.written;
            ++frames;
        }
        if (status == REFLOW_ERROR_CLOSED) {
            of.unheard = true;
            of.writer.reset();
        }
        if (status != REFLOW_OK) break;
    }
    EXPECT_LE(of.written - of.read, local_frames + window.packets + 17);
}

void World::read(History& of) {
    if (!of.reader) return;
    if (!ending && random.one_in(100)) {
        of.left = true;
        of.reader.reset();
        return;
    }
    reflow_stream_frame some[7];
    std::size_t count = 0;
    Patience none(0);
    reflow_status status = of.reader->read({some, 1 + random.below(7)}, none, count);
    EXPECT_TRUE(status == REFLOW_OK || status == REFLOW_ERROR_WOULD_BLOCK) << status;
    for (std::size_t i = 0; i < count; ++i) {
        Message message = Message::adopt(some[i].message);
        EXPECT_FALSE(of.over);
        if (some[i].kind == REFLOW_FRAME_DATA) {
            std::uint64_t number = 0;
            std::memcpy(&number, message.bytes().data(), sizeof number);
            EXPECT_EQ(number, of.read++) << "of stream " << of.id;
        }
        if (some[i].kind == REFLOW_FRAME_END) {
            EXPECT_TRUE(of.ended);
            EXPECT_EQ(of.read, of.written);
            of.over = of.in_full = true;
        }
        if (some[i].kind == REFLOW_FRAME_ERROR) {
            of.over = true;
            std::string_view text = message.text();
            bool broke = text.starts_with("the link to ");
            breaks += broke ? 1 : 0;
            EXPECT_TRUE(broke || (text == "on purpose" && of.failed && of.read == of.written))
                << text;
        }
    }
    if (of.over) of.reader.reset();
}

MessageRef handle_in(MessageRef message) {
    return message.is(REFLOW_KIND_ARRAY) ? message.at(1) : message;
}

void World::accept() {
    for (std::size_t to : {0U, 1U}) {
        for (const Message& message : std::exchange(sides[to].got, {})) {
            if (!ending && random.one_in(8)) continue;  // nobody wants it
            auto made = runtime::accept_stream(handle_in(message), keep(to), nullptr);
            ASSERT_TRUE(made.ok());
            std::int64_t id = made.value()->begin().get("metadata").integer();
            for (History& of : all) {
                if (of.id == id) of.reader = std::move(made).take();
            }
        }
    }
}

void World::act() {
    switch (random.below(8)) {
        case 0:
            if (random.one_in(20)) open_stream();
            return;
        case 1:
        case 2:
            for (History& of : all) {
                if (random.one_in(6)) write(of);
            }
            return;
        case 3:
            for (History& of : all) {
                if (random.one_in(6)) read(of);
            }
            return;
        case 4:
            if (random.one_in(4)) accept();
            return;
        case 5:
            if (random.one_in(6)) way.jump(200 * ms);
            (void)work();
            return;
        default:
            if (!way.step() && !work()) way.jump(random.below(20) * ms);
    }
}

// No more faults, and all writers end: so do all readers.
void World::finish() {
    ending = true;  // who reads, reads to the end
    way.faults = {};
    way.heal();
    pass(2000 * ms);
    accept();
    for (History& of : all) {
        if (!of.writer) continue;
        of.unheard = of.writer->end() == REFLOW_ERROR_CLOSED;
        of.ended = !of.unheard;
        of.writer.reset();
    }
    for (int i = 0; i < 2000; ++i) {
        bool open = false;
        settle();
        accept();
        for (History& of : all) {
            read(of);
            open = open || of.reader;
        }
        if (!open) break;
    }
    pass(1000 * ms);
    for (History& of : all) {
        EXPECT_FALSE(of.reader) << "of stream " << of.id << ": nobody ends it";
    }
    for (Side& side : sides) {
        side.got.clear();
        EXPECT_EQ(side.net.runtime->scheduler().streams->live.load(), 0u);
        for (const Ref<Link>& link : side.peer->links()) EXPECT_EQ(link->counts().streams, 0u);
    }
}

struct Sum {
    std::uint64_t streams = 0, frames = 0, full = 0, breaks = 0, left = 0, unheard = 0;
};

void play(std::uint64_t seed, Sum& sum) {
    SCOPED_TRACE(concat("REFLOW_TEST_SEED=", seed));
    World world(seed);
    world.way.faults = world.faults;
    for (int i = 0; i < 12'000 && !::testing::Test::HasFailure(); ++i) world.act();
    world.finish();
    sum.streams += world.all.size();
    sum.frames += world.frames;
    sum.breaks += world.breaks;
    for (const History& of : world.all) {
        sum.full += of.in_full ? 1 : 0;
        sum.left += of.left ? 1 : 0;
        sum.unheard += of.unheard ? 1 : 0;
    }
}

void play_all(std::uint64_t count) {
    testing::Seeds seeds = testing::seeds(count);
    Sum sum;
    for (std::uint64_t i = 0; i < seeds.count; ++i) {
        const std::size_t before = testing::memory_use().bytes;
        play(seeds.first + i, sum);
        EXPECT_EQ(testing::memory_use().bytes, before) << "after seed " << seeds.first + i;
        if (::testing::Test::HasFailure()) return;
    }
    if (seeds.count < count) return;
    // Or the histories are not what the test is about.
    EXPECT_GT(sum.full, count);
    EXPECT_GT(sum.breaks, count / 4);
    EXPECT_GT(sum.left, count / 4);
    EXPECT_GT(sum.unheard, count / 4);
    EXPECT_GT(sum.frames, 100 * count);
}

TEST(StreamSimulationTest, StreamsEndWhateverHappens) { play_all(15); }
TEST(LongStreamSimulationTest, StreamsEndWhateverHappens) { play_all(500); }

}  // namespace
}  // namespace reflow::peer
