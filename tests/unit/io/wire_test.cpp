// Wires of both forms against a port of the same host: order, sizes, queues, pauses, ends.
#include "io/wires.hpp"

#include <csignal>
#include <cstring>
#include <future>

#include "io/frame.hpp"

using namespace wires;

namespace {

// A port, its door, and one wire to it.
class WireTest : public ::testing::TestWithParam<const char*> {
protected:
    void listen(const PortOptions& options = patient_port()) {
        auto listening = wires_host->listen("127.0.0.1", 0, options, door, &port);
        ASSERT_TRUE(listening.ok()) << listening.error().message;
        listener = listening.value();
        ASSERT_NE(port, 0);
    }
    Ref<Wire> dial(Ear& hearer, const WireOptions& options = patient_wire()) {
        auto made = wires_host->dial(at(GetParam(), port), options, hearer);
        EXPECT_TRUE(made.ok());
        return std::move(made).take();
    }
    Bell bell;
    Door door{bell};
    Ear ear{bell};
    std::unique_ptr<WireHost> wires_host = host();
    std::uint16_t port = 0;
    std::uint64_t listener = 0;
    ~WireTest() override {
        wires_host.reset();
        ear.wire = nullptr;
        for (auto& each : door.ears) {
            EXPECT_EQ(each->closed_count, 1);
            each->wire = nullptr;
        }
    }
};

std::string numbered(std::uint32_t sender, std::uint32_t number, std::size_t size) {
    std::string frame(std::max<std::size_t>(size, 8), 'x');
    std::memcpy(frame.data(), &sender, 4);
    std::memcpy(frame.data() + 4, &number, 4);
    return frame;
}

String as_string(const std::string& text) { return String(text.data(), text.size()); }

reflow_status insist(Wire& wire, Ear& ear, std::string_view frame, bool text = false) {
    for (;;) {
        std::uint64_t before = 0;
        {
            std::lock_guard lock(ear.bell.mutex);
            before = ear.drained_count;
        }
        reflow_status status = wire.send(String(frame), text);
        if (status != REFLOW_ERROR_WOULD_BLOCK) return status;
        if (!ear.bell.wait([&] { return ear.drained_count != before || ear.closed_count > 0; }))
            return REFLOW_ERROR_TIMEOUT;
    }
}

TEST_P(WireTest, EchoesBothKindsAndEmptyFrames) {
    door.prepare = [](Ear& each) { each.echoes = true; };
    listen();
    Ref<Wire> wire = dial(ear);
    ASSERT_TRUE(ear.wait_open());
    EXPECT_EQ(wire->remote(), String("127.0.0.1:") + as_string(std::to_string(port)));
    EXPECT_EQ(wire->send("hello", true), REFLOW_OK);
    EXPECT_EQ(wire->send("", false), REFLOW_OK);
    EXPECT_EQ(wire->send(String(100, '\xff'), false), REFLOW_OK);
    EXPECT_EQ(wire->send("", true), REFLOW_OK);
    ASSERT_TRUE(ear.wait_frames(4));
    EXPECT_EQ(ear.frames, (std::deque<std::string>{"hello", "", std::string(100, '\xff'), ""}));
    EXPECT_EQ(ear.texts, (std::deque<bool>{true, false, false, true}));
    EXPECT_TRUE(bell.wait([&] { return wire->queued_bytes() == 0 || ear.closed_count > 0; }));
    EXPECT_EQ(wire->frames_written(), 4U);
    EXPECT_GT(wire->bytes_in(), 105U);
    EXPECT_GT(wire->bytes_out(), 105U);
}

TEST_P(WireTest, PingsAreAnsweredInTheirOrder) {
    door.prepare = [](Ear& each) { each.echoes = true; };
    listen();
    Ref<Wire> wire = dial(ear);
    ASSERT_TRUE(ear.wait_open());
    std::vector<std::uint64_t> numbers{1, 0, UINT64_MAX, 77};
    for (std::uint64_t number : numbers) {
        ASSERT_EQ(wire->ping(number), REFLOW_OK);
        ASSERT_TRUE(bell.wait([&] { return !ear.pongs.empty() || ear.closed_count > 0; }));
        std::lock_guard lock(bell.mutex);
        ASSERT_EQ(ear.pongs, std::vector{number});
        ear.pongs.clear();
    }
    // They are no frames that count, and disturb none.
    ASSERT_EQ(wire->send("hello", true), REFLOW_OK);
    ASSERT_TRUE(ear.wait_frames(1));
    EXPECT_EQ(wire->frames_written(), 1U);
}

TEST_P(WireTest, SizesAtTheBordersOfHeadsAndBuffers) {
    door.prepare = [](Ear& each) { each.echoes = true; };
    listen();
    Ref<Wire> wire = dial(ear);
    ASSERT_TRUE(ear.wait_open());
    std::uint64_t count = 0;
    for (std::size_t middle : {125UL, 65535UL, 262144UL, 262144UL - 8, 1048576UL, 3000000UL}) {
        for (std::size_t size = middle - 2; size <= middle + 2; ++size) {
            std::string frame(size, '\0');
            for (std::size_t i = 0; i < size; ++i) frame[i] = static_cast<char>(i * 7 + size);
            ASSERT_EQ(insist(*wire, ear, frame), REFLOW_OK);
            ASSERT_TRUE(ear.wait_frames(++count));
            std::lock_guard lock(bell.mutex);
            ASSERT_TRUE(ear.frames.back() == frame) << size;
            ear.frames.clear();
        }
    }
}

TEST_P(WireTest, OrderFromSeveralThreadsBothWays) {
    constexpr std::uint32_t senders = 4;
    constexpr std::uint32_t each = 25'000;
    std::vector<std::uint32_t> next_there(senders), next_here(senders);
    auto check = [senders](std::vector<std::uint32_t>& next, std::span<const std::byte> frame) {
        std::uint32_t sender = 0, number = 0;
        ASSERT_GE(frame.size(), 8U);
        std::memcpy(&sender, frame.data(), 4);
        std::memcpy(&number, frame.data() + 4, 4);
        ASSERT_LT(sender, senders);
        ASSERT_EQ(number, next[sender]++);
        ASSERT_EQ(frame.size(), std::max<std::size_t>(8, number % 300));
    };
    door.prepare = [&](Ear& server) {
        server.keeps = false;
        server.on_frame = [&](Wire&, std::span<const std::byte> frame) {
            check(next_there, frame);
        };
    };
    ear.keeps = false;
    ear.on_frame = [&](Wire&, std::span<const std::byte> frame) { check(next_here, frame); };
    listen();
    WireOptions options = patient_wire();
    options.queue_bytes = 100'000;
    Ref<Wire> wire = dial(ear, options);
    ASSERT_TRUE(ear.wait_open());
    Ear* server = door.wait_ear();
    ASSERT_NE(server, nullptr);
    ASSERT_TRUE(server->wait_open());
    auto send_all = [&](Wire& out, Ear& own, std::uint32_t sender) {
        for (std::uint32_t i = 0; i < each; ++i)
            ASSERT_EQ(insist(out, own, numbered(sender, i, i % 300)), REFLOW_OK);
    };
    std::vector<std::thread> threads;
    for (std::uint32_t s = 0; s < senders; ++s) {
        threads.emplace_back([&, s] { send_all(*wire, ear, s); });
        threads.emplace_back([&, s] { send_all(*server->wire, *server, s); });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_TRUE(ear.wait_frames(senders * each));
    EXPECT_TRUE(server->wait_frames(senders * each));
}

TEST_P(WireTest, SixtyMebibytes) {
    door.prepare = [](Ear& each) { each.echoes = true; };
    listen();
    Ref<Wire> wire = dial(ear);
    ASSERT_TRUE(ear.wait_open());
    std::string frame(std::size_t{60} << 20, 'a');
    for (std::size_t i = 0; i < frame.size(); i += 4096) frame[i] = static_cast<char>(i >> 12);
    ASSERT_EQ(wire->send(as_string(frame), false), REFLOW_OK);
    ASSERT_TRUE(ear.wait_frames(1));
    EXPECT_TRUE(ear.frames.front() == frame);
}

TEST_P(WireTest, TooLargeIsRefusedWithItsCodeOnBothSides) {
    PortOptions options = patient_port();
    options.wire.frame_bytes = 1000;
    listen(options);
    Ref<Wire> wire = dial(ear);
    ASSERT_TRUE(ear.wait_open());
    EXPECT_EQ(wire->send(String(1000, 'a'), false), REFLOW_OK);
    EXPECT_EQ(wire->send(String(1001, 'b'), false), REFLOW_OK);
    ASSERT_TRUE(ear.wait_closed());
    Ear* server = door.wait_ear();
    ASSERT_TRUE(server->wait_closed());
    EXPECT_EQ(ear.code, WIRE_TOO_LARGE);
    EXPECT_EQ(ear.status, REFLOW_ERROR_LIMIT);
    EXPECT_EQ(server->code, WIRE_TOO_LARGE);
    EXPECT_EQ(server->status, REFLOW_ERROR_LIMIT);
    EXPECT_EQ(server->frames_count, 1U);
    EXPECT_EQ(wire->send("x", false), REFLOW_ERROR_CLOSED);
}

TEST_P(WireTest, FullQueueLeavesTheFrameAndMemoryAlone) {
    door.prepare = [](Ear& each) {
        each.on_open = [](Wire& wire) { wire.read(false); };
        each.keeps = false;
    };
    listen();
    WireOptions options = patient_wire();
    options.queue_bytes = 1'000'000;
    Ref<Wire> wire = dial(ear, options);
    ASSERT_TRUE(ear.wait_open());
    std::uint64_t taken = 0;
    String frame;
    for (;;) {
        frame.assign(10'000, 'q');
        reflow_status status = wire->send(std::move(frame), false);
        if (status == REFLOW_ERROR_WOULD_BLOCK) break;
        ASSERT_EQ(status, REFLOW_OK);
        ++taken;
        ASSERT_LT(taken, 100'000U);
    }
    EXPECT_EQ(frame, String(10'000, 'q'));
    EXPECT_LE(wire->queued_bytes(), 1'000'000U + 14 * 100);
    EXPECT_GT(wire->queued_bytes(), 900'000U);
    Ear* server = door.wait_ear();
    ASSERT_TRUE(server->wait_open());
    server->wire->read(true);
    EXPECT_TRUE(server->wait_frames(taken));
    EXPECT_TRUE(bell.wait([&] { return ear.drained_count > 0; }));
    EXPECT_EQ(wire->queued_bytes(), 0U);
    EXPECT_EQ(wire->frames_written(), taken);
}

TEST_P(WireTest, ReadingStopsInTheMiddleOfABuffer) {
    door.prepare = [](Ear& each) {
        each.on_frame = [](Wire& wire, std::span<const std::byte>) { wire.read(false); };
    };
    listen();
    Ref<Wire> wire = dial(ear);
    ASSERT_TRUE(ear.wait_open());
    for (int i = 0; i < 50; ++i)
        ASSERT_EQ(wire->send(as_string(std::to_string(i)), true), REFLOW_OK);
    Ear* server = door.wait_ear();
    for (std::uint64_t i = 1; i <= 50; ++i) {
        ASSERT_TRUE(server->wait_frames(i));
        {
            std::lock_guard lock(bell.mutex);
            ASSERT_EQ(server->frames_count, i);
            ASSERT_EQ(server->frames.back(), std::to_string(i - 1));
        }
        server->wire->read(true);
    }
}

// Somebody else ends the pauses, also in the moment in which the loop begins one.
TEST_P(WireTest, NothingIsLostWherePausesEndAtOnce) {
    constexpr std::uint32_t frames = 3'000;
    std::atomic<Wire*> there{nullptr};
    std::uint32_t expected = 0;
    bool in_order = true;
    door.prepare = [&](Ear& each) {
        each.keeps = false;
        each.on_frame = [&](Wire& wire, std::span<const std::byte> frame) {
            std::uint32_t number = 0;
            std::memcpy(&number, frame.data() + 4, 4);
            in_order = in_order && number == expected;
            expected = number + 1;
            wire.read(false);
            there.store(&wire, std::memory_order_release);
        };
    };
    listen();
    Ref<Wire> wire = dial(ear);
    ASSERT_TRUE(ear.wait_open());
    Ear* server = door.wait_ear();
    std::atomic<bool> over{false};
    std::thread ends_pauses([&] {
        while (!over.load(std::memory_order_acquire)) {
            if (Wire* paused = there.load(std::memory_order_acquire)) paused->read(true);
        }
    });
    for (std::uint32_t i = 0; i < frames; ++i)
        ASSERT_EQ(insist(*wire, ear, numbered(0, i, 8)), REFLOW_OK);
    bool all = true;
    for (std::uint32_t i = 100; i <= frames; i += 100) all = all && server->wait_frames(i);
    over.store(true, std::memory_order_release);
    ends_pauses.join();
    std::lock_guard lock(bell.mutex);
    EXPECT_TRUE(all) << server->frames_count << " " << server->reason;
    EXPECT_TRUE(in_order);
}

TEST_P(WireTest, WhatDoesNotMoveEnds) {
    door.prepare = [](Ear& each) { each.on_open = [](Wire& wire) { wire.read(false); }; };
    listen();
    WireOptions options = patient_wire();
    options.send_ns = 100'000'000;
    Ref<Wire> wire = dial(ear, options);
    ASSERT_TRUE(ear.wait_open());
    ASSERT_EQ(wire->send(String(50'000'000, 's'), false), REFLOW_OK);
    ASSERT_TRUE(ear.wait_closed());
    EXPECT_EQ(ear.status, REFLOW_ERROR_TIMEOUT);
    EXPECT_EQ(ear.code, WIRE_ABNORMAL);
}

TEST_P(WireTest, CloseCarriesCodeAndReasonBehindWhatIsQueued) {
    listen();
    Ref<Wire> wire = dial(ear);
    ASSERT_TRUE(ear.wait_open());
    for (int i = 0; i < 1000; ++i) ASSERT_EQ(wire->send(String(1000, 'c'), false), REFLOW_OK);
    wire->close(4321, "that is all");
    EXPECT_EQ(wire->send("late", false), REFLOW_ERROR_CLOSED);
    wire->close(WIRE_NORMAL, "again");
    ASSERT_TRUE(ear.wait_closed());
    Ear* server = door.wait_ear();
    ASSERT_TRUE(server->wait_closed());
    EXPECT_EQ(server->frames_count, 1000U);
    for (Ear* each : {&ear, server}) {
        EXPECT_EQ(each->code, 4321);
        EXPECT_EQ(each->status, REFLOW_OK);
        EXPECT_EQ(each->reason, "that is all");
    }
}

// Who closes for no fault hears what the other side says until it goes too, also the rest of a frame that has begun.
TEST_P(WireTest, LastWordsComeBeforeTheEnd) {
    constexpr std::size_t large = std::size_t{8} << 20;
    door.prepare = [&](Ear& one) {
        one.on_frame = [](Wire& to, std::span<const std::byte>) {
            EXPECT_EQ(to.send(String(large, 'l'), false), REFLOW_OK);
        };
        one.on_closing = [](Wire& to) { EXPECT_EQ(to.send("last", false), REFLOW_OK); };
    };
    listen();
    for (std::uint16_t code : {std::uint16_t{WIRE_NORMAL}, std::uint16_t{WIRE_GOING_AWAY},
                               std::uint16_t{4321}}) {
        for (bool inside : {false, true}) {
            Ear mine(bell);
            Ref<Wire> wire = dial(mine);
            ASSERT_TRUE(mine.wait_open());
            ASSERT_EQ(wire->send("first", false), REFLOW_OK);
            while (inside && wire->bytes_in() < large / 8) std::this_thread::yield();
            wire->close(code, "bye");
            ASSERT_TRUE(mine.wait_closed());
            EXPECT_EQ(mine.code, code);
            if (code == 4321) continue;
            ASSERT_EQ(mine.frames_count, 2U);
            EXPECT_EQ(mine.frames[0], std::string(large, 'l'));
            EXPECT_EQ(mine.frames[1], "last");
        }
    }
}

TEST_P(WireTest, BothCloseAtOnce) {
    listen();
    for (std::size_t i = 0; i < 50; ++i) {
        Ear mine(bell);
        Ref<Wire> wire = dial(mine);
        ASSERT_TRUE(mine.wait_open());
        Ear* server = door.wait_ear(i);
        ASSERT_TRUE(server->wait_open());
        std::thread other([&] { server->wire->close(WIRE_GOING_AWAY, "server"); });
        wire->close(WIRE_NORMAL, "client");
        other.join();
        ASSERT_TRUE(mine.wait_closed());
        ASSERT_TRUE(server->wait_closed());
        EXPECT_EQ(mine.status, REFLOW_OK);
        EXPECT_EQ(server->status, REFLOW_OK);
    }
}

TEST_P(WireTest, CutEndsBothAtOnce) {
    listen();
    Ref<Wire> wire = dial(ear);
    ASSERT_TRUE(ear.wait_open());
    wire->cut();
    wire->cut();
    ASSERT_TRUE(ear.wait_closed());
    Ear* server = door.wait_ear();
    ASSERT_TRUE(server->wait_closed());
    EXPECT_EQ(ear.code, WIRE_ABNORMAL);
    EXPECT_EQ(ear.status, REFLOW_ERROR_CANCELLED);
    EXPECT_EQ(server->code, WIRE_ABNORMAL);
    EXPECT_EQ(server->status, REFLOW_ERROR_IO);
}

TEST_P(WireTest, CutInsideOfCallbacks) {
    ear.on_open = [](Wire& wire) { wire.cut(); };
    door.prepare = [](Ear& each) {
        each.on_open = [](Wire& wire) { wire.close(WIRE_NORMAL, {}); };
    };
    listen();
    Ref<Wire> wire = dial(ear);
    EXPECT_TRUE(ear.wait_closed());
    Ear* server = door.wait_ear();
    EXPECT_TRUE(server->wait_closed());
}

TEST_P(WireTest, ClosedBeforeItIsOpen) {
    listen();
    for (int i = 0; i < 100; ++i) {
        Ear mine(bell);
        Ref<Wire> wire = dial(mine);
        if (i % 2 == 0) {
            wire->close(WIRE_NORMAL, "no more");
        } else {
            wire->cut();
        }
        ASSERT_TRUE(mine.wait_closed());
        if (i % 2 == 0) {
            EXPECT_EQ(mine.status, REFLOW_OK);
        }
    }
}

// It says what it wants and is gone before anybody has looked; who it was is known all the same.
TEST_P(WireTest, WhoHasComeAndGoneHasAnAddress) {
    listen();
    std::string seen;
    door.prepare = [&](Ear&) { seen = "accepted"; };  // Door looks at the address
    std::promise<void> stands, go;
    wires_host->after(0, [&] {  // the loop does nothing meanwhile
        stands.set_value();
        go.get_future().wait();
    });
    stands.get_future().wait();
    {
        Plain other(port);
        ASSERT_TRUE(other.ok());
        const bool tcp = std::string_view(GetParam()) == "tcp";
        other.say(tcp ? String(tcp_mark) : upgrade_request("here", "/", websocket_key(), false));
        linger cut{1, 0};
        ASSERT_EQ(setsockopt(other.number(), SOL_SOCKET, SO_LINGER, &cut, sizeof cut), 0);
    }
    go.set_value();
    Ear* guest = door.wait_ear();
    ASSERT_NE(guest, nullptr);
    ASSERT_TRUE(guest->wait_closed());
    EXPECT_EQ(seen, "accepted");
}

TEST_P(WireTest, RefusedPortAndRefusingHandler) {
    listen();
    wires_host->unlisten(listener);
    Ref<Wire> wire = dial(ear);
    ASSERT_TRUE(ear.wait_closed());
    EXPECT_EQ(ear.status, REFLOW_ERROR_REFUSED) << ear.reason;
    EXPECT_EQ(ear.opened_count, 0);
    door.refuses = true;
    listen();
    Ear second(bell);
    Ref<Wire> other = dial(second);
    ASSERT_TRUE(second.wait_closed());
    EXPECT_EQ(second.status, REFLOW_ERROR_REFUSED) << second.reason;
    EXPECT_EQ(second.opened_count, 0);
}

TEST_P(WireTest, UnknownHost) {
    // A name with an empty part: no server has to be asked.
    auto to = WireAddress::parse(std::string(GetParam()) + "://no-such-host..invalid:9000");
    ASSERT_TRUE(to.ok());
    auto wire = wires_host->dial(to.value(), {}, ear);
    ASSERT_TRUE(wire.ok());
    ASSERT_TRUE(ear.wait_closed());
    EXPECT_TRUE(ear.status == REFLOW_ERROR_UNRESOLVED || ear.status == REFLOW_ERROR_TIMEOUT);
    EXPECT_NE(ear.reason.find("no-such-host..invalid"), std::string::npos);
}

// A socket that listens, and whose queue of those who want in is full.
struct FullPort {
    FullPort() {
        number = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t length = sizeof to;
        bind(number, reinterpret_cast<sockaddr*>(&to), sizeof to);
        ::listen(number, 0);
        getsockname(number, reinterpret_cast<sockaddr*>(&to), &length);
        port = ntohs(to.sin_port);
        for (int& each : fillers) {
            each = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
            (void)!connect(each, reinterpret_cast<sockaddr*>(&to), sizeof to);
        }
    }
    ~FullPort() {
        for (int each : fillers) close(each);
        close(number);
    }
    int number = -1;
    int fillers[4];
    std::uint16_t port = 0;
};

TEST_P(WireTest, ConnectTakesTooLong) {
    FullPort full;
    port = full.port;
    WireOptions options = patient_wire();
    options.connect_ns = 50'000'000;
    Ref<Wire> wire = dial(ear, options);
    ASSERT_TRUE(ear.wait_closed());
    EXPECT_EQ(ear.status, REFLOW_ERROR_TIMEOUT) << ear.reason;
    EXPECT_NE(ear.reason.find("no connection within "), std::string::npos);
}

TEST_P(WireTest, UpgradeTakesTooLong) {
    int silent = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof to;
    ASSERT_EQ(bind(silent, reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
    ::listen(silent, 10);
    getsockname(silent, reinterpret_cast<sockaddr*>(&to), &length);
    port = ntohs(to.sin_port);
    WireOptions options = patient_wire();
    options.upgrade_ns = 50'000'000;
    Ref<Wire> wire = dial(ear, options);
    ASSERT_TRUE(ear.wait_closed());
    EXPECT_EQ(ear.status, REFLOW_ERROR_TIMEOUT) << ear.reason;
    EXPECT_NE(ear.reason.find("no handshake within "), std::string::npos);
    close(silent);
}

TEST_P(WireTest, HostEndsInEveryState) {
    FullPort full;
    for (int state = 0; state < 6; ++state) {
        for (int turn = 0; turn < 20; ++turn) {
            auto own = host();
            Bell ring;
            Door own_door(ring);
            Ear mine(ring);
            if (state == 5)
                own_door.prepare = [](Ear& each) {
                    each.on_open = [](Wire& wire) { wire.read(false); };
                };
            std::uint16_t own_port = 0;
            auto listening = own->listen("127.0.0.1", 0, {}, own_door, &own_port);
            ASSERT_TRUE(listening.ok());
            if (state == 0) continue;
            auto to = state == 1 ? std::move(WireAddress::parse(std::string(GetParam()) +
                                                                "://nowhere..invalid:1"))
                                       .take()
                                 : at(GetParam(), state == 2 ? full.port : own_port);
            auto wire = own->dial(to, {}, mine);
            ASSERT_TRUE(wire.ok());
            if (state >= 4) {
                ASSERT_TRUE(mine.wait_open());
            }
            if (state == 5) {
                ASSERT_EQ(wire.value()->send(String(20'000'000, 'x'), false), REFLOW_OK);
            }
            own.reset();
            EXPECT_EQ(mine.closed_count, 1);
            EXPECT_EQ(wire.value()->send("x", false), REFLOW_ERROR_CLOSED);
            wire.value()->close(1000, "x");
            wire.value()->cut();
            wire.value()->read(false);
            mine.wire = nullptr;
            for (auto& each : own_door.ears) {
                EXPECT_EQ(each->closed_count, 1);
                each->wire = nullptr;
            }
        }
    }
}

TEST_P(WireTest, TwoHundredConnections) {
    door.prepare = [](Ear& each) { each.echoes = true; };
    listen();
    std::vector<std::unique_ptr<Ear>> ears;
    std::vector<Ref<Wire>> all;
    for (int i = 0; i < 200; ++i) {
        ears.push_back(std::make_unique<Ear>(bell));
        all.push_back(dial(*ears.back()));
        ASSERT_EQ(all.back()->send(as_string("wire " + std::to_string(i)), true), REFLOW_OK);
    }
    for (int i = 0; i < 200; ++i) {
        ASSERT_TRUE(ears[static_cast<std::size_t>(i)]->wait_frames(1));
        EXPECT_EQ(ears[static_cast<std::size_t>(i)]->frames.front(), "wire " + std::to_string(i));
    }
    wires_host.reset();
    for (auto& each : ears) each->wire = nullptr;
}

TEST_P(WireTest, ConnectionsHaveALimit) {
    PortOptions options = patient_port();
    options.connections = 3;
    listen(options);
    std::vector<std::unique_ptr<Ear>> ears;
    for (int i = 0; i < 4; ++i) {
        ears.push_back(std::make_unique<Ear>(bell));
        Ref<Wire> wire = dial(*ears.back());
        ASSERT_EQ(ears.back()->wait_open(), i < 3);
    }
    EXPECT_EQ(ears[3]->status, REFLOW_ERROR_REFUSED) << ears[3]->reason;
    ears[0]->wire->close(WIRE_NORMAL, {});
    ASSERT_TRUE(ears[0]->wait_closed());
    ASSERT_TRUE(door.wait_ear(0)->wait_closed());
    // The place is free as soon as the port has heard the end, which was before its ear was told.
    Ear next(bell);
    for (int i = 0; i < 1000 && next.opened_count == 0; ++i) {
        Ear attempt(bell);
        Ref<Wire> wire = dial(attempt);
        if (attempt.wait_open()) next.opened_count = 1;
        wire->cut();
        ASSERT_TRUE(attempt.wait_closed());
        attempt.wire = nullptr;
    }
    EXPECT_EQ(next.opened_count, 1);
    for (auto& each : ears) each->wire = nullptr;
    wires_host.reset();
}

TEST_P(WireTest, ThousandConnectsLeaveNoDescriptor) {
    listen();
    int before = 0;
    for (int i = 0; i < 1000; ++i) {
        Ear mine(bell);
        Ref<Wire> wire = dial(mine);
        if (i % 3 == 0) wire->cut();
        if (i % 3 == 1) {
            ASSERT_TRUE(mine.wait_open());
        }
        if (i % 3 != 0) wire->close(WIRE_NORMAL, {});
        ASSERT_TRUE(mine.wait_closed());
        mine.wire = nullptr;
        if (i == 50) before = descriptors();
    }
    for (auto& each : door.ears) {
        ASSERT_TRUE(each->wait_closed());
        each->wire = nullptr;
    }
    // Guests that came and went are noticed in the turn of the loop that is on its way.
    bool few = false;
    for (int i = 0; i < 1000 && !few; ++i) {
        Bell turn;
        bool ran = false;
        wires_host->after(0, [&] {
            std::lock_guard lock(turn.mutex);
            ran = true;
            turn.rung.notify_all();
        });
        ASSERT_TRUE(turn.wait([&] { return ran; }));
        few = descriptors() <= before + 3;
    }
    EXPECT_TRUE(few) << descriptors() << " after " << before;
}

INSTANTIATE_TEST_SUITE_P(Forms, WireTest, ::testing::Values("ws", "tcp"),
                         [](const auto& each) { return std::string(each.param); });

}  // namespace
