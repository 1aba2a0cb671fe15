// Streams over links whose every step the test makes: what is refused, and what a side that does not keep to
// its credit or says nonsense gets.
#include <gtest/gtest.h>

#include "failing_memory.hpp"
#include "network/scenario.hpp"
#include "peer/limits.hpp"
#include "peer/link_rig.hpp"
#include "runtime/stream_actor.hpp"

namespace reflow::peer {
namespace {

using runtime::Keep;
using runtime::Patience;
using runtime::Stream;
using runtime::StreamReader;
using runtime::StreamWriter;

// A runtime for the streams of both ends.
struct LinkStreamTest : ::testing::Test {
    LinkStreamTest() : net({}, {testing::simple("Nothing", {{"in"}, {}, {}, {}}, {})}) {}
    [[nodiscard]] LinkOptions options() {
        LinkOptions made;
        made.environment = net.runtime.get();
        made.scheduler = &net.runtime->scheduler();
        return made;
    }
    [[nodiscard]] Keep keep() { return Keep(*net.runtime, net.runtime->scheduler()); }
    std::unique_ptr<StreamWriter> open(Message& handle, Message metadata = {}) {
        Stream::Options with;
        with.most = {64, 1 << 20};
        with.metadata = std::move(metadata);
        auto made = Stream::create(*net.runtime->scheduler().streams, with, nullptr, handle);
        EXPECT_TRUE(made.ok());
        return std::unique_ptr<StreamWriter>(new StreamWriter(std::move(made).take(), keep()));
    }
    static reflow_status put(StreamWriter& writer, std::string_view text) {
        Patience none(0);
        Message data = Message::bytes(text);
        reflow_status status = writer.write(data.raw(), none);
        if (status == REFLOW_OK) (void)data.leak();
        return status;
    }
    static Result<std::size_t> send_one(End& end, MessageRef message) {
        return end.link->send(channel_of(end), std::span(&message, 1));
    }
    // What a peer of ours would send in one frame.
    template <typename Fill>
    static void say(End& to, Fill fill) {
        Batch batch;
        fill(batch);
        String frame = batch.take();
        to.link->received(to.wire, std::as_bytes(std::span(frame.data(), frame.size())), false);
    }
    [[nodiscard]] std::uint64_t live() const { return net.runtime->scheduler().streams->live.load(); }

    testing::Net net;
};

TEST_F(LinkStreamTest, WhoDoesNotKnowStreamsIsSentNone) {
    for (bool dialler : {true, false}) {
        Pair pair(dialler ? options() : LinkOptions(), dialler ? LinkOptions() : options());
        pair.pump();
        Message handle;
        auto writer = open(handle);
        for (End* end : {&pair.a, &pair.b}) {
            Result<std::size_t> sent = send_one(*end, handle);
            ASSERT_FALSE(sent.ok());
            EXPECT_EQ(sent.error().status, REFLOW_ERROR_UNSUPPORTED);
        }
        pair.pump();
        EXPECT_EQ(put(*writer, "still open"), REFLOW_OK);
        // One that leads nowhere is a value like others.
        MessageRef::Stream fields;
        fields.stream_id = 7;
        EXPECT_TRUE(send_one(pair.a, Message::stream(fields)).ok());
        pair.pump();
        EXPECT_EQ(pair.b.link->stage(), Stage::open);
    }
    EXPECT_EQ(live(), 0u);
}

TEST_F(LinkStreamTest, OldPeersAreSentNone) {
    End b("kiln", false, options());
    b.link->opened(b.wire);
    String hello = R"({"network_id":"old","instance_id":"1","protocol_version":"1.0",)"
                   R"("auth_token":null,"capabilities":["actor_messaging"]})";
    b.link->received(b.wire, std::as_bytes(std::span(hello.data(), hello.size())), true);
    ASSERT_EQ(b.link->stage(), Stage::open);
    Message handle;
    auto writer = open(handle);
    Result<std::size_t> sent = send_one(b, handle);
    ASSERT_FALSE(sent.ok());
    EXPECT_EQ(sent.error().status, REFLOW_ERROR_UNSUPPORTED);
    EXPECT_EQ(put(*writer, "still open"), REFLOW_OK);
    b.wire.over = true;
    b.link->closed(b.wire, 1000, REFLOW_OK, "");
}

TEST_F(LinkStreamTest, LimitsOfWhatIsAnnounced) {
    Pair pair(options(), options());
    pair.pump();
    Message handle;
    auto writer = open(handle, Message::string(std::string(limits::peer_stream_metadata_bytes, 'm')));
    Result<std::size_t> sent = send_one(pair.a, handle);
    ASSERT_FALSE(sent.ok());
    EXPECT_EQ(sent.error().status, REFLOW_ERROR_LIMIT) << sent.error().describe();
    // Too many in one message.
    ArrayBuilder many;
    std::vector<std::unique_ptr<StreamWriter>> writers;
    for (std::size_t i = 0; i <= limits::peer_message_streams_count; ++i) {
        Message one;
        writers.push_back(open(one));
        many.append(one);
    }
    Message all = many.finish().take();
    sent = send_one(pair.a, all);
    ASSERT_FALSE(sent.ok());
    EXPECT_EQ(sent.error().status, REFLOW_ERROR_LIMIT);
    for (auto& one : writers) EXPECT_EQ(put(*one, "still open"), REFLOW_OK);
    EXPECT_EQ(pair.a.link->counts().streams, 0u);
    // A frame that no frame of a link has room for.
    Message large;
    auto big = open(large);
    Patience none(0);
    Message data = Message::bytes(std::string(limits::peer_message_bytes + 1, 'x'));
    ASSERT_EQ(big->write(data.raw(), none), REFLOW_OK);
    (void)data.leak();
    ASSERT_TRUE(send_one(pair.a, large).ok());
    pair.pump();
    EXPECT_EQ(put(*big, "more"), REFLOW_ERROR_CLOSED);
    EXPECT_EQ(pair.b.link->stage(), Stage::open);
}

// What a peer of ours never says ends the link, and all streams with it.
TEST_F(LinkStreamTest, NonsenseEndsTheLink) {
    auto announced = [](Batch& batch) {
        batch.open(9, "x", "glaze", "in");
        StreamRecord record{9, 0, 0, {}, {}};
        record.fields.stream_id = 5;
        const Message none = Message::null();
        record.metadata = none;
        EXPECT_TRUE(batch.stream(record).ok());
    };
    using Say = std::function<void(Batch&)>;
    const Say wrong[] = {
        [](Batch& to) { to.stream_data(0, Message::bytes("never announced")); },
        [](Batch& to) {
            const Message none = Message::null();
            StreamRecord record{3, 0, 0, {}, none};  // no such channel
            EXPECT_TRUE(to.stream(record).ok());
        },
        [&](Batch& to) {
            announced(to);
            const Message none = Message::null();
            StreamRecord record{9, 0, 5, {}, none};  // a number left out
            EXPECT_TRUE(to.stream(record).ok());
        },
        [&](Batch& to) {
            announced(to);
            const Message none = Message::null();
            StreamRecord record{9, 1, 1, {}, none};  // not of the next packet
            EXPECT_TRUE(to.stream(record).ok());
        },
        [&](Batch& to) {
            announced(to);
            for (std::uint64_t i = 0; i <= limits::peer_stream_frames_count; ++i) {
                to.stream_data(0, Message::bytes("beyond its credit"));
            }
        },
        [&](Batch& to) {
            announced(to);
            for (int i = 0; i < 6; ++i) to.stream_data(0, Message::bytes(std::string(1 << 20, 'x')));
        },
    };
    for (const Say& one : wrong) {
        Pair pair(options(), options());
        pair.pump();
        say(pair.b, one);
        pair.pump();
        EXPECT_EQ(pair.b.link->stage(), Stage::closed);
        EXPECT_EQ(pair.b.owner.status, REFLOW_ERROR_PROTOCOL) << pair.b.owner.reason;
    }
    EXPECT_EQ(live(), 0u);
}

// Words about streams that have ended are passed over: they were on their way.
TEST_F(LinkStreamTest, LateWordsDoNoHarm) {
    Pair pair(options(), options());
    pair.pump();
    pair.b.owner.room = 0;
    Message handle;
    auto writer = open(handle);
    ASSERT_TRUE(send_one(pair.a, handle).ok());
    ASSERT_EQ(put(*writer, "one"), REFLOW_OK);
    pair.pump();
    say(pair.a, [](Batch& to) { to.stream_cancel(0, "enough"); });
    EXPECT_EQ(put(*writer, "two"), REFLOW_ERROR_CLOSED);
    for (End* end : {&pair.a, &pair.b}) {
        say(*end, [](Batch& to) {
            to.stream_cancel(0, "again");
            to.stream_cancel(77, "never there");
            to.stream_credit(0, 1000, 1000);
            to.stream_credit(77, 1000, 1000);
            to.stream_end(77, true, "never there");
            to.stream_end(0, false, "");
            to.stream_end(0, true, "late");
        });
    }
    say(pair.b, [](Batch& to) { to.stream_data(0, Message::bytes("late")); });
    pair.pump();
    EXPECT_EQ(pair.a.link->stage(), Stage::open);
    EXPECT_EQ(pair.b.link->stage(), Stage::open);
    EXPECT_EQ(pair.a.link->counts().streams + pair.b.link->counts().streams, 0u);
}

// Whatever memory fails on the way: no leak, no wait for ever, and the stream ends.
TEST_F(LinkStreamTest, WithoutMemory) {
    for (std::int64_t after = 0; after < 60; ++after) {
        const std::uint64_t before = live();
        {
            Pair pair(options(), options());
            pair.pump();
            (void)channel_of(pair.a);
            Message handle;
            auto writer = open(handle);
            (void)put(*writer, "one");
            try {
                testing::FailOnce fails(after);
                MessageRef message(handle);
                (void)pair.a.link->send(0, std::span(&message, 1));
                pair.pump();
            } catch (const std::bad_alloc&) {
                pair.a.wire.cut();
            }
            handle = Message();
            pair.a.wire.over = pair.b.wire.over = true;
            pair.tell_end(pair.a, pair.b);
            pair.tell_end(pair.b, pair.a);
            EXPECT_EQ(put(*writer, "two"), REFLOW_ERROR_CLOSED) << after;
        }
        EXPECT_EQ(live(), before) << after;
    }
}

}  // namespace
}  // namespace reflow::peer
