// Links over wires that are two queues in memory: every step is one the test makes.
#include <gtest/gtest.h>

#include "base/text.hpp"
#include "codec/json.hpp"
#include "failing_memory.hpp"
#include "message/envelope.hpp"
#include "peer/link_rig.hpp"
#include "random.hpp"

namespace reflow::peer {
namespace {

TEST(LinkTest, MeetWithoutToken) {
    Pair pair;
    pair.pump();
    EXPECT_EQ(pair.a.link->stage(), Stage::open);
    EXPECT_EQ(pair.b.link->stage(), Stage::open);
    EXPECT_EQ(pair.a.link->remote(), (Identity{"kiln", "kiln-1"}));
    EXPECT_EQ(pair.b.link->remote(), (Identity{"studio", "studio-1"}));
    EXPECT_EQ(pair.a.owner.linked_count, 1);
    EXPECT_EQ(pair.b.owner.linked_count, 1);
    EXPECT_FALSE(pair.a.link->old());
}

TEST(LinkTest, TokenIsProvedByBothAndNeverSaid) {
    Pair pair(token("correct-horse"), token("correct-horse"));
    String said;
    for (bool goes = true; goes;) {
        for (const Frame& frame : pair.a.wire.out) said += frame.bytes;
        for (const Frame& frame : pair.b.wire.out) said += frame.bytes;
        goes = Pair::carry(pair.a, pair.b) || Pair::carry(pair.b, pair.a);
    }
    EXPECT_EQ(pair.a.link->stage(), Stage::open);
    EXPECT_EQ(pair.b.link->stage(), Stage::open);
    EXPECT_NE(said.find("proof"), String::npos);
    EXPECT_EQ(said.find("correct-horse"), String::npos);
}

TEST(LinkTest, WrongTokenIsRefused) {
    for (auto dialler : {token("wrong"), LinkOptions{}}) {
        Pair pair(dialler, token("correct-horse"));
        pair.pump();
        EXPECT_EQ(pair.a.link->stage(), Stage::closed);
        EXPECT_EQ(pair.b.link->stage(), Stage::closed);
        EXPECT_EQ(pair.a.owner.linked_count + pair.b.owner.linked_count, 0);
        EXPECT_FALSE(pair.b.owner.admitted);
        EXPECT_EQ(pair.a.owner.status, REFLOW_ERROR_AUTH) << pair.a.owner.reason;
    }
}

// An acceptor that does not know the token cannot pass for one that does.
TEST(LinkTest, DiallerWantsProof) {
    Pair pair(token("correct-horse"), {});
    pair.pump();
    EXPECT_EQ(pair.a.link->stage(), Stage::closed);
    EXPECT_EQ(pair.a.owner.linked_count, 0);
    EXPECT_EQ(pair.a.owner.status, REFLOW_ERROR_AUTH);
}

TEST(LinkTest, OwnerRefuses) {
    Pair pair;
    pair.b.owner.refusal = "too many connections";
    pair.pump();
    EXPECT_EQ(pair.a.owner.status, REFLOW_ERROR_REFUSED);
    EXPECT_EQ(pair.a.owner.reason, "handshake refused: too many connections");
    EXPECT_EQ(pair.b.owner.linked_count, 0);
}

TEST(LinkTest, PacketsKeepTheirOrder) {
    Pair pair;
    pair.pump();
    std::uint64_t in = channel_of(pair.a), other = channel_of(pair.a, "glaze", "other");
    EXPECT_NE(in, other);
    EXPECT_EQ(channel_of(pair.a), in);
    for (std::int64_t i = 0; i < 1000; i += 10) {
        EXPECT_EQ(send(pair.a, in, i, 10), 10u);
        EXPECT_EQ(send(pair.a, other, i, 10), 10u);
        pair.pump();
    }
    std::int64_t next[2] = {0, 0};
    for (const Got& one : pair.b.owner.got) {
        EXPECT_EQ(one.source_actor, "wheel");
        EXPECT_EQ(one.value, next[one.port == "in" ? 0 : 1]++);
    }
    EXPECT_EQ(next[0], 1000);
    EXPECT_EQ(next[1], 1000);
}

// What comes while the socket is busy goes in one frame.
TEST(LinkTest, BusySocketGathers) {
    Pair pair;
    pair.pump();
    std::uint64_t in = channel_of(pair.a);
    pair.a.wire.busy = true;
    for (std::int64_t i = 0; i < 100; ++i) send(pair.a, in, i, 1);
    EXPECT_LE(pair.a.wire.out.size(), 2u);
    pair.a.wire.busy = false;
    pair.a.link->drained(pair.a.wire);
    pair.pump();
    EXPECT_EQ(pair.b.owner.got.size(), 100u);
}

// A slow actor parks its senders at the window, and nobody else's.
TEST(LinkTest, WhatHasGatheredGoesBeforeTheEnd) {
    Pair pair;
    pair.pump();
    std::uint64_t in = channel_of(pair.a);
    pair.a.wire.busy = true;
    for (std::int64_t i = 0; i < 5; ++i) EXPECT_EQ(send(pair.a, in, i, 1), 1u);
    pair.a.link->close(io::WIRE_GOING_AWAY, "bye");
    pair.pump();
    ASSERT_EQ(pair.b.owner.got.size(), 5u);
    EXPECT_EQ(pair.b.owner.reason, "bye");
}

TEST(LinkTest, SlowActorParksItsSenderAlone) {
    LinkOptions options;
    options.window.packets = 64;
    Pair pair(options, options);
    pair.pump();
    std::uint64_t in = channel_of(pair.a);
    pair.b.owner.room = 0;
    EXPECT_EQ(send(pair.a, in, 0, 100), 64u);
    pair.pump();
    EXPECT_EQ(send(pair.a, in, 64, 36), 0u);
    EXPECT_TRUE(pair.b.owner.got.empty());
    EXPECT_TRUE(pair.a.owner.writables.empty());
    pair.b.owner.room = 31;
    pair.b.link->resume(in);
    pair.pump();
    EXPECT_TRUE(pair.a.owner.writables.empty());  // less than half of the window
    pair.b.owner.room = 1;
    pair.b.link->resume(in);
    pair.pump();
    ASSERT_EQ(pair.a.owner.writables, Vector<std::uint64_t>{in});
    pair.b.owner.room = SIZE_MAX;
    EXPECT_EQ(send(pair.a, in, 64, 36), 32u);
    pair.b.link->resume(in);
    pair.pump();
    EXPECT_EQ(send(pair.a, in, 96, 4), 4u);
    pair.pump();
    ASSERT_EQ(pair.b.owner.got.size(), 100u);
    for (std::size_t i = 0; i < 100; ++i) {
        EXPECT_EQ(pair.b.owner.got[i].value, static_cast<std::int64_t>(i));
    }
}

TEST(LinkTest, WhatNobodyTakesIsReported) {
    Pair pair;
    pair.pump();
    std::uint64_t nobody = channel_of(pair.a, "nobody"), in = channel_of(pair.a);
    send(pair.a, nobody, 0, 3);
    send(pair.a, in, 0, 3);
    pair.pump();
    EXPECT_EQ(pair.a.owner.lost_numbers, (Vector<std::uint64_t>{0, 1, 2}));
    EXPECT_EQ(pair.b.owner.got.size(), 3u);
    EXPECT_EQ(pair.a.link->stage(), Stage::open);
}

Message noted(std::int64_t value, std::string_view correlation) {
    reflow_envelope envelope{};
    envelope.trace_id[0] = 0xab;
    envelope.correlation = to_view(correlation);
    return enveloped(Message::integer(value), write_envelope(envelope));
}

// Those that have an envelope keep it, also when they wait; the others have none.
TEST(LinkTest, EnvelopesGoWithTheirPackets) {
    LinkOptions options;
    options.window.packets = 8;
    Pair pair(options, options);
    pair.pump();
    std::uint64_t in = channel_of(pair.a);
    pair.b.owner.room = 0;
    const Message all[] = {Message::integer(0), noted(1, "one"), noted(2, "two"),
                           Message::integer(3)};
    const MessageRef packets[] = {all[0], all[1], all[2], all[3]};
    EXPECT_EQ(pair.a.link->send(in, packets).value(), 4u);
    pair.pump();
    pair.b.owner.room = 2;
    pair.b.link->resume(in);
    pair.b.owner.room = 2;
    pair.b.link->resume(in);
    ASSERT_EQ(pair.b.owner.got.size(), 4u);
    static constexpr std::string_view correlations[] = {"", "one", "two", ""};
    for (std::size_t i = 0; i < 4; ++i) {
        EXPECT_EQ(pair.b.owner.got[i].value, static_cast<std::int64_t>(i));
        EXPECT_EQ(pair.b.owner.got[i].number, i);
        EXPECT_EQ(pair.b.owner.got[i].correlation, correlations[i]);
    }
    EXPECT_NE(pair.b.link->message_id(in, 0), pair.b.link->message_id(in, 1));
    EXPECT_NE(pair.b.link->message_id(in, 0), pair.a.link->message_id(in, 0));
}

// A sender that wants to know hears how far the other side is, in its order, and others hear nothing.
TEST(LinkTest, DeliveriesAreConfirmed) {
    Pair pair;
    pair.pump();
    EXPECT_TRUE(pair.a.link->confirms());
    std::uint64_t in = channel_of(pair.a), nobody = channel_of(pair.a, "nobody");
    EXPECT_EQ(send(pair.a, in, 0, 5), 5u);
    pair.pump();
    EXPECT_TRUE(pair.a.owner.confirmations.empty());
    pair.b.owner.room = 2;
    Vector<Message> all(4, Message::integer(7));
    const MessageRef packets[] = {all[0], all[1], all[2], all[3]};
    Link::Sending sending;
    sending.confirm = true;
    EXPECT_EQ(pair.a.link->send(in, packets, sending).value(), 4u);
    EXPECT_EQ(sending.first, 5u);
    pair.pump();
    EXPECT_EQ(pair.a.owner.confirmations, (Vector<std::uint64_t>{7}));
    pair.b.owner.room = SIZE_MAX;
    pair.b.link->resume(in);
    pair.pump();
    EXPECT_EQ(pair.a.owner.confirmations, (Vector<std::uint64_t>{7, 9}));
    // What is reported is through as well, and the report comes first.
    EXPECT_EQ(pair.a.link->send(nobody, std::span(packets, 1), sending).value(), 1u);
    pair.pump();
    EXPECT_EQ(pair.a.owner.lost_numbers, (Vector<std::uint64_t>{0}));
    EXPECT_EQ(pair.a.owner.confirmations, (Vector<std::uint64_t>{7, 9, 1}));
    // Once it has heard what it asked for, it hears no more.
    EXPECT_EQ(send(pair.a, in, 0, 5), 5u);
    pair.pump();
    EXPECT_EQ(pair.a.owner.confirmations.size(), 3u);
}

// Each packet is that of its outbox, also when they wait, when numbers are left out, and between others.
// Each packet is through, refused, or unknown, and the books say so to the number.
TEST(LinkTest, BooksOfWhatWasSent) {
    LinkOptions options;
    options.window.packets = 8;
    Pair pair({}, options);
    pair.pump();
    auto is = [&](std::uint64_t sent, std::uint64_t through, std::uint64_t refused) {
        const Link::Books books = pair.a.link->books();
        EXPECT_EQ(books.sent, sent);
        EXPECT_EQ(books.through, through);
        EXPECT_EQ(books.refused, refused);
        EXPECT_EQ(pair.a.link->counts().unconfirmed, sent - through);
    };
    const std::uint64_t channel = channel_of(pair.a);
    EXPECT_EQ(send(pair.a, channel, 0, 3), 3u);
    is(3, 0, 0);
    pair.pump();
    is(3, 0, 0);  // nobody has asked
    auto tick = [&] {
        pair.a.owner.now += 2'000'000'000;
        pair.a.link->tick(pair.a.owner.now);
        pair.pump();
    };
    tick();
    is(3, 3, 0);
    // Credit tells as well, once half of the window is free.
    EXPECT_EQ(send(pair.a, channel, 3, 4), 4u);
    pair.pump();
    is(7, 7, 0);
    const std::uint64_t nobody = channel_of(pair.a, "nobody");
    EXPECT_EQ(send(pair.a, nobody, 0, 2), 2u);
    pair.pump();
    is(9, 9, 2);
    // What an actor does not take is unknown until it does.
    pair.b.owner.room = 2;
    EXPECT_EQ(send(pair.a, channel, 7, 5), 5u);
    tick();
    is(14, 11, 2);
    pair.b.owner.room = SIZE_MAX;
    pair.b.link->resume(channel);
    pair.pump();
    is(14, 14, 2);
    // An outbox that sends again has books of its own.
    const Message more = Message::integer(1);
    const MessageRef packet = more;
    Link::Sending sending;
    sending.outbox = "box";
    ASSERT_TRUE(pair.a.link->send(channel, std::span(&packet, 1), sending).ok());
    is(14, 14, 2);
}

// What the other side says behind our goodbye and in front of its own still counts; packets do not.
TEST(LinkTest, LastWordsAreHeard) {
    Pair pair;
    pair.pump();
    const std::uint64_t channel = channel_of(pair.a);
    const std::uint64_t back = channel_of(pair.b);
    EXPECT_EQ(send(pair.b, back, 0, 3), 3u);
    pair.pump();
    EXPECT_EQ(pair.b.link->books().through, 0u);
    EXPECT_EQ(send(pair.a, channel, 0, 5), 5u);
    pair.a.link->close(io::WIRE_NORMAL, "bye");
    while (Pair::carry(pair.a, pair.b)) {
    }
    EXPECT_EQ(pair.b.owner.got.size(), 5u);
    EXPECT_EQ(pair.b.link->books().through, 3u);  // who goes says how far it is
    EXPECT_EQ(send(pair.b, back, 3, 1), 1u);
    pair.b.link->closing(pair.b.wire);
    while (Pair::carry(pair.b, pair.a)) {
    }
    EXPECT_EQ(pair.a.link->books().through, 5u);
    EXPECT_EQ(pair.a.owner.got.size(), 3u);
}

// A socket that is busy holds back what is said, but not behind a goodbye.
TEST(LinkTest, LastWordsDoNotWaitForABusySocket) {
    Pair pair;
    pair.pump();
    const std::uint64_t channel = channel_of(pair.a);
    EXPECT_EQ(send(pair.a, channel, 0, 5), 5u);
    pair.a.link->close(io::WIRE_NORMAL, "bye");
    pair.b.wire.busy = true;
    EXPECT_EQ(send(pair.b, channel_of(pair.b), 0, 2), 2u);  // it finds out by the first frame
    while (Pair::carry(pair.a, pair.b)) {
    }
    const std::size_t before = pair.b.wire.out.size();
    pair.b.link->closing(pair.b.wire);
    EXPECT_GT(pair.b.wire.out.size(), before);
    while (Pair::carry(pair.b, pair.a)) {
    }
    EXPECT_EQ(pair.a.link->books().through, 5u);
}

TEST(LinkTest, PacketsKnowTheirOutbox) {
    Pair pair;
    pair.pump();
    std::uint64_t in = channel_of(pair.a);
    pair.b.owner.room = 0;
    struct Run {
        std::string_view outbox;
        std::uint64_t number, count;
    };
    std::int64_t value = 0;
    for (const Run& run : {Run{"box", 7, 2}, Run{"box", 9, 1}, Run{"box", 20, 2}, Run{"", 0, 2},
                           Run{"box", 20, 2}}) {
        Vector<Message> all;
        for (std::uint64_t i = 0; i < run.count; ++i) all.push_back(Message::integer(value++));
        Vector<MessageRef> packets(all.begin(), all.end());
        Link::Sending sending;
        sending.outbox = run.outbox;
        sending.number = run.number;
        EXPECT_EQ(pair.a.link->send(in, packets, sending).value(), run.count);
    }
    pair.pump();
    for (std::size_t room : {std::size_t{1}, std::size_t{3}, std::size_t{SIZE_MAX}}) {
        pair.b.owner.room = room;
        pair.b.link->resume(in);
    }
    String said;
    for (const Got& one : pair.b.owner.got) {
        append(said, concat(one.value, ":", one.outbox, one.outbox.empty() ? 0 : one.message, " "));
    }
    EXPECT_EQ(said, "0:box7 1:box8 2:box9 3:box20 4:box21 5:0 6:0 7:box20 8:box21 ");
}

// Each packet is for its element of an array port, whatever waits, and in the order in which they were sent.
TEST(LinkTest, PacketsKnowTheirElement) {
    for (std::uint64_t seed = 1; seed <= 200; ++seed) {
        SCOPED_TRACE(seed);
        testing::Random random(seed);
        Pair pair;
        pair.pump();
        std::uint64_t in = channel_of(pair.a);
        std::vector<std::uint32_t> sent;
        for (int step = 0; step < 60; ++step) {
            const std::uint32_t elements[] = {REFLOW_NO_INDEX, 0, 1, REFLOW_NO_INDEX - 1};
            Link::Sending sending;
            sending.index = elements[random.below(4)];
            std::vector<Message> all;
            for (std::uint64_t i = random.below(4); i > 0; --i) {
                all.push_back(Message::integer(static_cast<std::int64_t>(sent.size())));
                sent.push_back(sending.index);
            }
            Vector<MessageRef> packets(all.begin(), all.end());
            ASSERT_EQ(pair.a.link->send(in, packets, sending).value(), packets.size());
            pair.b.owner.room = random.below(4);
            if (random.one_in(2)) pair.pump();
            if (random.one_in(2)) pair.b.link->resume(in);
        }
        pair.b.owner.room = SIZE_MAX;
        pair.pump();
        pair.b.link->resume(in);
        ASSERT_EQ(pair.b.owner.got.size(), sent.size());
        for (std::size_t i = 0; i < sent.size(); ++i) {
            EXPECT_EQ(pair.b.owner.got[i].value, static_cast<std::int64_t>(i));
            EXPECT_EQ(pair.b.owner.got[i].index, sent[i]) << i;
        }
    }
}

// What waits fills the window, whatever it is for: who changes the element each time gets no further ahead.
TEST(LinkTest, ElementsDoNotWidenTheWindow) {
    constexpr std::uint64_t window_bytes = 20'000;
    for (bool marked : {false, true}) {
        SCOPED_TRACE(marked);
        LinkOptions options;
        options.window.bytes = window_bytes;
        Pair pair(options, options);
        pair.pump();
        std::uint64_t in = channel_of(pair.a);
        const Message large = Message::string(std::string(1000, 'x'));
        const MessageRef packet = large;
        pair.b.owner.room = 0;
        std::uint64_t sent = 0;
        for (int round = 0; round < 500; ++round) {
            for (;;) {
                Link::Sending sending;
                if (marked) {
                    sending.outbox = sent % 2 == 0 ? "even" : "odd";
                    sending.number = 2 * sent;
                } else {
                    sending.index = static_cast<std::uint32_t>(sent % 2);
                }
                if (pair.a.link->send(in, std::span(&packet, 1), sending).value() == 0) break;
                ++sent;
            }
            pair.pump();
            ASSERT_LE((sent - pair.b.owner.got.size()) * 1000, 2 * window_bytes) << round;
            pair.b.owner.room = 1;
            pair.b.link->resume(in);
            pair.b.owner.room = 0;
            pair.pump();
        }
        EXPECT_EQ(pair.b.owner.got.size(), 500u);
    }
}

// At most once: nothing is put behind what the socket has not taken yet.
TEST(LinkTest, OnlyIdleSocketsAreGivenSome) {
    Pair pair;
    pair.pump();
    std::uint64_t in = channel_of(pair.a);
    Message one = Message::integer(1);
    const MessageRef packet = one;
    Link::Sending sending;
    sending.only_idle = true;
    pair.a.wire.busy = true;
    EXPECT_EQ(pair.a.link->send(in, std::span(&packet, 1), sending).value(), 1u);
    EXPECT_EQ(pair.a.link->send(in, std::span(&packet, 1), sending).value(), 0u);
    EXPECT_TRUE(pair.a.owner.writables.empty());
    pair.a.wire.busy = false;
    pair.a.link->drained(pair.a.wire);
    EXPECT_EQ(pair.a.owner.writables, (Vector<std::uint64_t>{in}));
    EXPECT_EQ(pair.a.link->send(in, std::span(&packet, 1), sending).value(), 1u);
}

TEST(LinkTest, ActorsAreTold) {
    Pair pair;
    pair.pump();
    EXPECT_TRUE(pair.a.link->ask_actors(7).ok());
    pair.pump();
    EXPECT_EQ(pair.a.owner.told_number, 7u);
    EXPECT_EQ(pair.a.owner.told.at(0).get("actor_id").text(), "glaze");
}

TEST(LinkTest, HeartbeatsMeasureAndSilenceEnds) {
    constexpr std::uint64_t ms = 1'000'000;
    LinkOptions quick, slow;
    quick.heartbeat_ns = 100 * ms;
    slow.heartbeat_ns = 500 * ms;
    Pair pair(quick, slow);
    pair.pump();
    pair.a.owner.now = pair.b.owner.now = 1000 * ms;
    pair.a.link->tick(1000 * ms);
    EXPECT_TRUE(Pair::carry(pair.a, pair.b));
    pair.a.owner.now = pair.b.owner.now = 1040 * ms;
    pair.pump();
    EXPECT_EQ(pair.a.link->counts().round_trip_ns, 40 * ms);
    // Three times the larger interval, whoever has it.
    pair.a.link->tick(1040 * ms + 1500 * ms);
    EXPECT_FALSE(pair.a.wire.over);
    pair.a.link->tick(1040 * ms + 1501 * ms);
    EXPECT_TRUE(pair.a.wire.over);
    pair.pump();
    EXPECT_EQ(pair.a.owner.status, REFLOW_ERROR_TIMEOUT);
    EXPECT_EQ(pair.a.owner.unlinked_count, 1);
}

// A side that was stopped for a while knows nothing of who was silent: what has come meanwhile lies
// in the socket, and somebody of the same name may be served before it.
TEST(LinkTest, WhoWasStoppedTakesNobodyForDead) {
    constexpr std::uint64_t ms = 1'000'000;
    LinkOptions options;
    options.heartbeat_ns = 100 * ms;
    Pair pair(options, options);
    pair.a.owner.now = pair.b.owner.now = 1000 * ms;
    pair.pump();
    auto tick = [&](std::uint64_t first_ms, std::uint64_t last_ms) {
        for (std::uint64_t at = first_ms; at <= last_ms; at += 25) pair.b.link->tick(at * ms);
    };
    tick(1000, 1150);
    EXPECT_FALSE(pair.b.link->seems_dead(1150 * ms));
    EXPECT_TRUE(pair.b.link->seems_dead(1151 * ms));
    // Heard, and then not called for longer than a heartbeat: before its first tick and after it.
    pair.a.link->tick(1200 * ms);
    pair.b.owner.now = 1200 * ms;
    pair.pump();
    tick(1200, 1200);
    EXPECT_FALSE(pair.b.link->seems_dead(1400 * ms));
    tick(1400, 1550);
    EXPECT_FALSE(pair.b.link->seems_dead(1550 * ms));
    EXPECT_TRUE(pair.b.link->seems_dead(1551 * ms));
}

TEST(LinkTest, AnyByteIsLife) {
    constexpr std::uint64_t ms = 1'000'000;
    LinkOptions options;
    options.heartbeat_ns = 100 * ms;
    Pair pair(options, options);
    pair.pump();
    // Parts of a frame, or pings of WebSocket: no frame is complete for ten times the time-out.
    std::uint64_t& now = pair.a.owner.now;
    for (int i = 0; i < 120; ++i) {
        now += 25 * ms;
        if (i % 4 == 0) ++pair.a.wire.came;
        pair.a.link->tick(now);
    }
    EXPECT_FALSE(pair.a.wire.over);
    for (int i = 0; i < 13; ++i) pair.a.link->tick(now += 25 * ms);
    EXPECT_TRUE(pair.a.wire.over);
}

TEST(LinkTest, GreetingHasADeadline) {
    Pair pair;
    pair.a.wire.out.clear();
    pair.b.link->tick(1 + 4'999'999'999);
    EXPECT_FALSE(pair.b.wire.over);
    pair.b.link->tick(1 + 5'000'000'000);
    EXPECT_TRUE(pair.b.wire.over);
    pair.pump();
    EXPECT_EQ(pair.b.owner.status, REFLOW_ERROR_TIMEOUT);
    EXPECT_EQ(pair.b.owner.linked_count, 0);
}

// ---- a peer that knows the published original's handshake and frames alone

struct Old {
    explicit Old(LinkOptions options = {}) : end("kiln", false, std::move(options)) {
        end.link->opened(end.wire);
    }
    void say(std::string_view text) {
        end.link->received(end.wire, std::as_bytes(std::span(text.data(), text.size())), true);
    }
    String heard() {
        if (end.wire.out.empty()) return "";
        EXPECT_TRUE(end.wire.out.front().text);
        String text = std::move(end.wire.out.front().bytes);
        end.wire.out.pop_front();
        return text;
    }
    End end;
};

constexpr std::string_view old_hello =
    R"({"network_id":"studio","instance_id":"studio-1","protocol_version":"1.0",)"
    R"("auth_token":"correct-horse","capabilities":["actor_messaging"]})";

// Who fails again and again is not told; nor does another try on that connection help.
TEST(LinkTest, ARefusalMayBeKeptBack) {
    Old old(token("correct-horse"));
    old.end.owner.tells = false;
    String wrong(old_hello);
    wrong.replace(wrong.find("correct"), 7, "another");
    old.say(wrong);
    old.say(old_hello);
    EXPECT_EQ(old.heard(), "");
    EXPECT_NE(old.end.link->stage(), Stage::open);
    Old known(token("correct-horse"));
    known.end.owner.tells = false;
    known.say(old_hello);
    EXPECT_EQ(known.end.link->stage(), Stage::open);
    // What has nothing to do with tokens is told to those who have the right one.
    Old twin(token("correct-horse"));
    twin.end.owner.tells = false;
    twin.end.owner.refusal = "studio is linked already";
    twin.say(old_hello);
    EXPECT_NE(twin.heard().find("studio is linked already"), String::npos);
}

TEST(LinkTest, OldPeerIsAnsweredInItsWords) {
    Old old(token("correct-horse"));
    old.say(old_hello);
    EXPECT_EQ(old.heard(),
              R"({"success":true,"network_id":"kiln","instance_id":"kiln-1","error":null})");
    EXPECT_EQ(old.end.link->stage(), Stage::open);
    ASSERT_EQ(old.end.owner.logs.size(), 1u);
    EXPECT_NE(old.end.owner.logs[0].find("in clear"), String::npos);
    old.say(R"({"message_id":"1","source_network":"studio","source_actor":"unknown",)"
            R"("target_network":"kiln","target_actor":"glaze","target_port":"in",)"
            R"("payload":{"type":"Integer","data":41},"timestamp":"2026-05-04T10:11:12Z"})");
    ASSERT_EQ(old.end.owner.got.size(), 1u);
    EXPECT_EQ(old.end.owner.got[0].value, 41);
    EXPECT_EQ(old.end.owner.got[0].message_id, "1");
    EXPECT_FALSE(old.end.link->confirms());
    // One that speaks for somebody else, or to somebody else, is not heard.
    old.say(R"({"message_id":"1","source_network":"other","source_actor":"unknown",)"
            R"("target_network":"kiln","target_actor":"glaze","target_port":"in",)"
            R"("payload":{"type":"Integer","data":41},"timestamp":"2026-05-04T10:11:12Z"})");
    EXPECT_EQ(old.end.owner.got.size(), 1u);
    old.say(R"({"neither":1})");
    EXPECT_EQ(old.end.owner.passed_over,
              (std::vector<reflow_status>{REFLOW_ERROR_PROTOCOL, REFLOW_ERROR_PROTOCOL}));
    old.say(R"({"request_id":"r","requesting_network":"studio"})");
    EXPECT_EQ(old.heard(), R"({"request_id":"r","network_id":"kiln","actors":[{"actor_id":"glaze",)"
                           R"("capabilities":["actor_messaging"],"description":null}]})");
    std::uint64_t channel = channel_of(old.end);
    EXPECT_EQ(send(old.end, channel, 5, 1), 1u);
    String said = old.heard();
    EXPECT_NE(said.find(R"("payload":{"type":"Integer","data":5})"), String::npos) << said;
    EXPECT_NE(said.find(R"("source_network":"kiln","source_actor":"wheel")"), String::npos);
    EXPECT_NE(said.find(R"("trace_context":null)"), String::npos);
    // What its library would break the link for is refused here: 64 MiB of JSON, with all that is around.
    Message much = Message::string(std::string((std::size_t{64} << 20) - 100, 'x'));
    const MessageRef too_long = much;
    Result<std::size_t> refused = old.end.link->send(channel, std::span(&too_long, 1));
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().status, REFLOW_ERROR_LIMIT);
    EXPECT_EQ(old.heard(), "");
    EXPECT_EQ(old.end.link->stage(), Stage::open);
    // A trace crosses in both directions.
    Message packet = noted(6, "flow");
    const MessageRef traced = packet;
    EXPECT_EQ(old.end.link->send(channel, std::span(&traced, 1)).value(), 1u);
    said = old.heard();
    EXPECT_NE(said.find(R"("trace_context":{"trace_id":"ab000000-0000-0000-0000-000000000000",)"
                        R"("flow_id":"flow",)"),
              String::npos)
        << said;
    old.say(R"({"message_id":"2","source_network":"studio","source_actor":"unknown",)"
            R"("target_network":"kiln","target_actor":"glaze","target_port":"in",)"
            R"("payload":{"type":"Integer","data":41},"timestamp":"2026-05-04T10:11:12Z",)"
            R"("trace_context":{"trace_id":"ab000000-0000-0000-0000-000000000000",)"
            R"("flow_id":"theirs","parent_span_id":"x","parent_event_id":null}})");
    ASSERT_EQ(old.end.owner.got.size(), 2u);
    EXPECT_EQ(old.end.owner.got[1].correlation, "theirs");
}

// It knows no windows: as long as there is no room for a message nothing more is read, and nobody takes it for
// dead. One that waits for too long is lost.
TEST(LinkTest, OldPeerWaitsForRoom) {
    constexpr std::uint64_t second = 1'000'000'000;
    Old old;
    old.say(old_hello);
    (void)old.heard();
    auto say = [&](int number) {
        old.say(concat(R"({"message_id":")", number, R"(","source_network":"studio",)",
                       R"("source_actor":"unknown","target_network":"kiln",)",
                       R"("target_actor":"glaze","target_port":"in","payload":{"type":"Integer",)",
                       R"("data":)", number, R"(},"timestamp":"2026-05-04T10:11:12Z"})"));
    };
    Owner& owner = old.end.owner;
    say(1);
    ASSERT_EQ(owner.got.size(), 1u);
    EXPECT_FALSE(owner.got[0].again);
    EXPECT_TRUE(old.end.wire.reads);
    owner.room = 0;
    say(2);
    EXPECT_FALSE(old.end.wire.reads);
    for (int tick = 0; tick < 100; ++tick) {
        owner.now += second / 5;
        old.end.link->tick(owner.now);
    }
    EXPECT_EQ(old.end.link->stage(), Stage::open);
    EXPECT_FALSE(old.end.wire.reads);
    old.end.link->resume(UINT64_MAX);
    EXPECT_EQ(owner.got.size(), 1u);
    owner.room = 1;
    old.end.link->resume(UINT64_MAX);
    ASSERT_EQ(owner.got.size(), 2u);
    EXPECT_EQ(owner.got[1].message_id, "2");
    EXPECT_TRUE(owner.got[1].again);
    EXPECT_TRUE(old.end.wire.reads);
    EXPECT_TRUE(owner.passed_over.empty());
    // No room in thirty seconds.
    say(3);
    EXPECT_FALSE(old.end.wire.reads);
    for (int tick = 0; tick < 149; ++tick) {
        owner.now += second / 5;
        old.end.link->tick(owner.now);
    }
    EXPECT_TRUE(owner.passed_over.empty());
    owner.now += second / 5;
    old.end.link->tick(owner.now);
    EXPECT_EQ(owner.passed_over, (std::vector<reflow_status>{REFLOW_ERROR_WOULD_BLOCK}));
    EXPECT_TRUE(old.end.wire.reads);
    owner.room = SIZE_MAX;
    old.end.link->resume(UINT64_MAX);
    EXPECT_EQ(owner.got.size(), 2u);
    say(4);
    ASSERT_EQ(owner.got.size(), 3u);
    EXPECT_EQ(owner.got[2].value, 4);
    // Now silence is one again.
    while (old.end.link->stage() == Stage::open && owner.now < 1000 * second) {
        owner.now += second / 5;
        old.end.link->tick(owner.now);
    }
    EXPECT_TRUE(old.end.wire.over);
}

// A message that is offered at the moment when nobody waits for room any more is told as lost, and not kept.
TEST(LinkTest, WhatIsOfferedAtTheStopIsTold) {
    for (bool offered : {false, true}) {
        Old old;
        old.say(old_hello);
        Owner& owner = old.end.owner;
        owner.room = 0;
        auto stop = [&] { old.end.link->give_up_parked(); };
        if (offered) owner.while_offered = stop;
        old.say(R"({"message_id":"1","source_network":"studio","source_actor":"unknown",)"
                R"("target_network":"kiln","target_actor":"glaze","target_port":"in",)"
                R"("payload":{"type":"Integer","data":1},"timestamp":"2026-05-04T10:11:12Z"})");
        if (!offered) stop();
        EXPECT_EQ(owner.passed_over, (std::vector<reflow_status>{REFLOW_ERROR_WOULD_BLOCK}));
        owner.while_offered = nullptr;
        owner.room = 1;
        old.end.link->resume(UINT64_MAX);
        EXPECT_TRUE(owner.got.empty());
    }
}

// While a message waits nothing is read, so the system says whether there is still a machine.
TEST(LinkTest, AMachineThatHasGoneIsMissedWhileAMessageWaits) {
    constexpr std::uint64_t second = 1'000'000'000;
    Old old;
    old.say(old_hello);
    Owner& owner = old.end.owner;
    owner.room = 0;
    old.say(R"({"message_id":"1","source_network":"studio","source_actor":"unknown",)"
            R"("target_network":"kiln","target_actor":"glaze","target_port":"in",)"
            R"("payload":{"type":"Integer","data":1},"timestamp":"2026-05-04T10:11:12Z"})");
    ASSERT_FALSE(old.end.wire.reads);
    auto tick = [&](bool answers) {
        owner.now += second / 5;
        old.end.wire.unheard = answers ? second / 10 : old.end.wire.unheard + second / 5;
        old.end.link->tick(owner.now);
    };
    for (int i = 0; i < 50; ++i) tick(true);
    EXPECT_FALSE(old.end.wire.over);
    for (int i = 0; i < 14; ++i) tick(false);
    EXPECT_FALSE(old.end.wire.over);
    for (int i = 0; i < 2; ++i) tick(false);
    EXPECT_TRUE(old.end.wire.over);
}

TEST(LinkTest, OldPeerWithAnotherTokenIsRefused) {
    Old old(token("other"));
    old.say(old_hello);
    EXPECT_EQ(old.heard(), R"({"success":false,"network_id":"kiln","instance_id":"kiln-1",)"
                           R"("error":"auth_token mismatch"})");
    EXPECT_TRUE(old.end.wire.over);
    EXPECT_EQ(old.end.wire.code, 4001);
}

TEST(LinkTest, TokenGoesInClearOnlyIfThatIsAsked) {
    for (bool asked : {false, true}) {
        LinkOptions options = token("correct-horse");
        options.legacy_auth = asked;
        End end("studio", true, options);
        end.link->opened(end.wire);
        EXPECT_EQ(end.wire.out.front().bytes.find("correct-horse") != String::npos, asked);
        std::string_view welcome =
            R"({"success":true,"network_id":"kiln","instance_id":"kiln-a","error":null})";
        end.link->received(end.wire, std::as_bytes(std::span(welcome.data(), welcome.size())),
                           true);
        EXPECT_EQ(end.link->stage() == Stage::open, asked);
        EXPECT_EQ(end.wire.over, !asked);
    }
}

TEST(LinkTest, BadGreetingsEndTheLink) {
    for (std::string_view text :
         {"", "x", "[]", "{}", R"({"network_id":"a"})", R"({"network_id":5,"instance_id":"b"})",
          R"({"network_id":"a","instance_id":"b","protocol_version":"1.0"})",
          R"({"network_id":"a","instance_id":"b","protocol_version":"1.0","capabilities":[1]})",
          R"({"network_id":"","instance_id":"b","protocol_version":"1.0","capabilities":[]})",
          R"({"network_id":"a","instance_id":"b","protocol_version":"2.0","capabilities":[]})",
          R"({"network_id":"a","instance_id":"b","protocol_version":"1.0","capabilities":[],"nonce":"x"})"}) {
        Old old;
        old.say(text);
        EXPECT_TRUE(old.end.wire.over) << text;
        EXPECT_EQ(old.end.owner.linked_count, 0) << text;
    }
}

// Frames that break the rules end the link and nothing else; those of later versions are passed over.
TEST(LinkTest, BadFrames) {
    auto say = [](Pair& pair, std::string_view frame) {
        pair.b.link->received(pair.b.wire, std::as_bytes(std::span(frame.data(), frame.size())),
                              false);
    };
    using namespace std::string_view_literals;
    for (std::string_view frame : {"\xc1"sv, "\x01"sv, "\x91\x01"sv, "\x91\x91\x01"sv,
                                   "\x91\x94\x02\x09\x00\x91\x01"sv,       // no such channel
                                   "\x91\x94\x02\xa1x\x00\x91\x01"sv,      // a channel that is a text
                                   "\xdd\xff\xff\xff\xff"sv}) {
        Pair pair;
        pair.pump();
        say(pair, frame);
        EXPECT_TRUE(pair.b.wire.over);
        pair.pump();
        EXPECT_EQ(pair.b.owner.unlinked_count, 1);
    }
    Pair pair;
    pair.pump();
    say(pair, "\x91\x92\x63\x01"sv);
    EXPECT_FALSE(pair.b.wire.over);
    // Beyond its credit, and with a gap.
    for (std::uint64_t first : {std::uint64_t{1}, std::uint64_t{0}}) {
        LinkOptions small;
        small.window.packets = 4;
        Pair bad({}, small);
        bad.pump();
        Batch batch;
        batch.open(0, "s", "a", "p");
        for (std::uint64_t i = 0; i < 5; ++i) {
            EXPECT_TRUE(batch.data(0, first + i, Message::integer(1)).ok());
        }
        bad.b.owner.room = 0;
        String text = batch.take();
        say(bad, text);
        EXPECT_TRUE(bad.b.wire.over);
        EXPECT_TRUE(bad.b.owner.got.empty());
    }
}

// Who has been refused is not heard any more, whatever it had sent behind what was wrong.
TEST(LinkTest, NoSecondGuess) {
    Old old(token("right"));
    String right(old_hello);
    right.replace(right.find("correct-horse"), 13, "right");
    old.say(old_hello);
    old.say(right);
    EXPECT_TRUE(old.end.wire.over);
    EXPECT_EQ(old.end.owner.linked_count, 0);
    EXPECT_FALSE(old.end.owner.admitted);

    Pair pair(token("right"), token("right"));
    EXPECT_TRUE(Pair::carry(pair.a, pair.b) && Pair::carry(pair.b, pair.a));
    Frame proof = pair.a.wire.out.front();
    pair.a.wire.out.front().bytes = write_proof(String(64, '0'));
    pair.a.wire.out.push_back(proof);
    pair.pump();
    EXPECT_EQ(pair.b.owner.linked_count, 0);
    EXPECT_EQ(pair.b.owner.status, REFLOW_ERROR_AUTH);
    EXPECT_EQ(pair.a.owner.status, REFLOW_ERROR_AUTH);
}

// Somebody without the token lets a peer that dials it prove to itself that it is itself.
TEST(LinkTest, ReflectedProofProvesNothing) {
    End dialler("studio", true, token("secret")), acceptor("studio", false, token("secret"));
    acceptor.link->opened(acceptor.wire);
    dialler.link->opened(dialler.wire);
    EXPECT_TRUE(Pair::carry(dialler, acceptor));
    for (const Frame& frame : acceptor.wire.out) {
        EXPECT_EQ(frame.bytes.find("proof\":\""), String::npos) << frame.bytes;
    }
    EXPECT_TRUE(Pair::carry(acceptor, dialler));
    EXPECT_EQ(acceptor.owner.linked_count + dialler.owner.linked_count, 0);
    // Nor if it says it in its own words, whatever else holds.
    End other("studio", true, token("secret"));
    other.link->opened(other.wire);
    String welcome(R"({"success":true,"network_id":"studio","instance_id":"studio-1","error":null,)"
                   R"("capabilities":[],"nonce":")");
    welcome += String(64, '1') + R"(","proof":")" + String(64, '2') + R"(","wants_proof":true})";
    other.link->received(other.wire, std::as_bytes(std::span(welcome.data(), welcome.size())), true);
    EXPECT_TRUE(other.wire.over);
    EXPECT_NE(other.wire.reason.find("calls itself"), String::npos) << other.wire.reason;
}

// What an actor has taken is let go of, though there is always one that waits behind it.
TEST(LinkTest, SlowActorKeepsNothingAlive) {
    LinkOptions options;
    options.window.packets = 64;
    Pair pair(options, options);
    pair.pump();
    std::uint64_t in = channel_of(pair.a);
    pair.b.owner.room = 0;
    std::int64_t sent = static_cast<std::int64_t>(send(pair.a, in, 0, 64));
    pair.pump();
    std::size_t before = 0;
    for (int i = 0; i < 3000; ++i) {
        if (i == 1000) before = testing::memory_use().bytes;
        pair.b.owner.room = 1;
        pair.b.link->resume(in);
        pair.pump();
        sent += static_cast<std::int64_t>(send(pair.a, in, sent, 1));
        pair.pump();
        pair.b.owner.got.clear();
    }
    EXPECT_GT(sent, 3000);
    EXPECT_LE(testing::memory_use().bytes, before + 1024);
}

}  // namespace
}  // namespace reflow::peer
