// What goes over the wire of a link: windows of bytes, sockets that are behind, frames that wait for
// others, and frames that are packed. Two links and two queues in memory.
#include <gtest/gtest.h>

#include <deque>

#include "base/text.hpp"
#include "peer/limits.hpp"
#include "peer/link.hpp"

namespace reflow::peer {
namespace {

struct Frame {
    String bytes;
    bool text = false;
};

// One end. What is sent lies in `out`; queued is what the socket has not taken.
class StillWire final : public io::Wire {
public:
    void ref() noexcept override { ++refs_; }
    void unref() noexcept override { --refs_; }
    reflow_status send(String&& frame, bool text) override {
        if (over) return REFLOW_ERROR_CLOSED;
        out.push_back({std::move(frame), text});
        return REFLOW_OK;
    }
    void close(std::uint16_t, std::string_view why) override {
        if (!std::exchange(over, true)) reason = why;
    }
    void cut() noexcept override { over = true; }
    void read(bool) noexcept override {}
    std::size_t queued_bytes() const noexcept override { return queued; }
    std::uint64_t bytes_in() const noexcept override { return 0; }
    std::uint64_t bytes_out() const noexcept override { return 0; }
    io::WireScheme scheme() const noexcept override { return io::WireScheme::tcp; }
    String remote() const override { return "memory"; }
    std::uint64_t frames_written() const noexcept override { return 0; }

    std::deque<Frame> out;
    bool over = false;
    std::size_t queued = 0;
    String reason;

private:
    int refs_ = 1;
};

class Sink final : public LinkOwner {
public:
    Result<void> admit(Link&, const Hello&) override { return {}; }
    void linked(Link&) override {}
    void unlinked(Link&, reflow_status, std::string_view) override {}
    Result<std::size_t> take(Link&, const Parcel&, std::uint64_t,
                             std::span<const Message> packets) override {
        std::size_t count = std::min(packets.size(), room);
        for (std::size_t i = 0; i < count; ++i) got.push_back(MessageRef(packets[i]).own());
        room -= count;
        return count;
    }
    void writable(Link&, std::uint64_t channel) override { writables.push_back(channel); }
    void lost(Link&, std::uint64_t, std::uint64_t, reflow_status, std::string_view) override {
        ++lost_count;
    }
    void confirmed(Link&, std::uint64_t, std::uint64_t) override {}
    Message actors() override { return Message::null(); }
    void actors_told(Link&, std::uint64_t, MessageRef) override {}
    void log(reflow_log_level, std::string_view) override {}
    void flush_later(Link&, std::uint64_t after_ns) override { waits.push_back(after_ns); }
    std::uint64_t now_ns() const override { return 1; }

    std::size_t room = SIZE_MAX;
    Vector<Message> got;
    Vector<std::uint64_t> writables, waits;
    int lost_count = 0;
};

struct End {
    End(std::string_view name, bool dials, LinkOptions options) {
        options.self = {String(name), String(name)};
        link = make_ref<Link>(owner, std::move(options), dials, "there:1");
        link->attach(Ref<io::Wire>::share(&wire));
    }
    StillWire wire;
    Sink owner;
    Ref<Link> link;
};

struct Pair {
    explicit Pair(LinkOptions dialler = {}, LinkOptions acceptor = {})
        : a("studio", true, std::move(dialler)), b("kiln", false, std::move(acceptor)) {
        b.link->opened(b.wire);
        a.link->opened(a.wire);
        pump();
        in = a.link->open_channel("wheel", "glaze", "in").value();
    }
    static void say(End& to, std::string_view bytes, bool text = false) {
        to.link->received(to.wire, std::as_bytes(std::span(bytes.data(), bytes.size())), text);
    }
    static bool carry(End& from, End& to) {
        if (from.wire.out.empty()) return false;
        Frame frame = std::move(from.wire.out.front());
        from.wire.out.pop_front();
        say(to, frame.bytes, frame.text);
        return true;
    }
    void pump() {
        while (carry(a, b) || carry(b, a)) {
        }
    }
    std::size_t send(MessageRef message, std::size_t count = 1) {
        Result<std::size_t> sent = a.link->send(in, Vector<MessageRef>(count, message));
        EXPECT_TRUE(sent.ok());
        return sent.ok() ? sent.value() : 0;
    }
    End a, b;
    std::uint64_t in = 0;
};

LinkOptions packing(int level = 1) {
    LinkOptions options;
    options.packer = make_ref<Packer>(PackOptions{100, level});
    return options;
}

// Large packets fill a window before small ones do, and the sides need not have the same one.
TEST(LinkWiresTest, WindowHasBytes) {
    LinkOptions small;
    small.window.bytes = 1000;
    Pair pair({}, small);
    const Message text = Message::string(String(98, 'x'));  // 100 bytes in a frame
    pair.b.owner.room = 0;
    EXPECT_EQ(pair.send(text, 100), 10u);
    pair.pump();
    EXPECT_EQ(pair.send(text, 100), 0u);
    pair.b.owner.room = 4;
    pair.b.link->resume(pair.in);
    pair.pump();
    EXPECT_TRUE(pair.a.owner.writables.empty());  // less than half of it
    pair.b.owner.room = 1;
    pair.b.link->resume(pair.in);
    pair.pump();
    ASSERT_EQ(pair.a.owner.writables, Vector<std::uint64_t>{pair.in});
    EXPECT_EQ(pair.send(text, 100), 5u);
    pair.b.owner.room = SIZE_MAX;
    pair.b.link->resume(pair.in);
    pair.pump();
    // One that is larger than the window goes alone.
    EXPECT_EQ(pair.send(Message::string(String(5000, 'y')), 3), 1u);
    pair.pump();
    EXPECT_EQ(pair.send(text, 100), 10u);
    pair.pump();
    EXPECT_EQ(pair.b.owner.got.size(), 26u);
    EXPECT_EQ(pair.a.link->stage(), Stage::open);
    // The other way the usual window holds.
    std::uint64_t back = pair.b.link->open_channel("kiln", "wheel", "in").value();
    EXPECT_EQ(pair.b.link->send(back, Vector<MessageRef>(100, text)).value(), 100u);
}

TEST(LinkWiresTest, WindowOfOtherSideHolds) {
    LinkOptions one, two;
    one.window.packets = 5;
    two.window.packets = 7;
    Pair pair(one, two);
    pair.b.owner.room = pair.a.owner.room = 0;
    EXPECT_EQ(pair.send(Message::flow(), 100), 7u);
    std::uint64_t back = pair.b.link->open_channel("kiln", "wheel", "in").value();
    const Message flow = Message::flow();
    EXPECT_EQ(pair.b.link->send(back, Vector<MessageRef>(100, flow)).value(), 5u);
    pair.pump();
    EXPECT_FALSE(pair.a.wire.over || pair.b.wire.over);
}

// What would wait for a socket that is behind waits with its sender.
TEST(LinkWiresTest, CrowdedSocketParksSenders) {
    Pair pair;
    pair.a.wire.queued = std::size_t{8} << 20;
    EXPECT_EQ(pair.send(Message::integer(1)), 1u);
    EXPECT_EQ(pair.send(Message::integer(2), 5), 0u);
    EXPECT_TRUE(pair.a.owner.writables.empty());
    pair.a.wire.queued = 0;
    pair.a.link->drained(pair.a.wire);
    EXPECT_EQ(pair.a.owner.writables, Vector<std::uint64_t>{pair.in});
    EXPECT_EQ(pair.send(Message::integer(2), 5), 5u);
    pair.pump();
    EXPECT_EQ(pair.b.owner.got.size(), 6u);
}

TEST(LinkWiresTest, MessagesThatNoFrameTakesAreRefused) {
    Pair pair;
    const Message large = Message::bytes(String(limits::peer_message_bytes, 'x'));
    Result<std::size_t> sent = pair.a.link->send(pair.in, Vector<MessageRef>(1, large));
    ASSERT_FALSE(sent.ok());
    EXPECT_EQ(sent.error().status, REFLOW_ERROR_LIMIT);
    EXPECT_EQ(pair.send(Message::integer(1), 5), 5u);
    pair.pump();
    EXPECT_EQ(pair.b.owner.got.size(), 5u);
}

// The deepest message that there is does not fit into a record, and is refused where it is sent.
TEST(LinkWiresTest, MessagesThatAreTooDeepAreRefused) {
    Pair pair;
    std::size_t went = 0;
    Message deep = Message::integer(1);
    for (std::uint32_t depth = 1; depth <= REFLOW_MAX_DEPTH; ++depth) {
        ArrayBuilder around(1);
        around.append(std::move(deep));
        deep = around.finish().take();
        if (depth < REFLOW_MAX_DEPTH - 3) continue;
        Result<std::size_t> sent = pair.a.link->send(pair.in, Vector<MessageRef>(1, deep));
        if (sent.ok()) {
            ++went;
        } else {
            EXPECT_EQ(sent.error().status, REFLOW_ERROR_LIMIT);
            EXPECT_NE(sent.error().message.find("levels"), String::npos) << sent.error().message;
        }
        EXPECT_EQ(pair.send(Message::integer(1), 1), 1u);
        ++went;
        pair.pump();
        EXPECT_EQ(pair.b.owner.got.size(), went);  // the link is there
    }
    EXPECT_EQ(went, 7u);
}

// The first packet asks for the end of its wait; full frames and windows do not wait.
TEST(LinkWiresTest, PacketsLinger) {
    LinkOptions options;
    options.linger_ns = 300'000;
    options.batch_bytes = 1200;
    LinkOptions small;
    small.window.packets = 2000;
    Pair pair(options, small);
    for (int i = 0; i < 10; ++i) EXPECT_EQ(pair.send(Message::integer(i)), 1u);
    EXPECT_TRUE(pair.a.wire.out.empty());
    EXPECT_EQ(pair.a.owner.waits, Vector<std::uint64_t>{300'000});
    pair.a.link->flush();
    EXPECT_EQ(pair.a.wire.out.size(), 1u);
    pair.send(Message::integer(1));
    EXPECT_EQ(pair.a.owner.waits.size(), 2u);
    EXPECT_EQ(pair.send(Message::integer(1), 1500), 1500u);
    EXPECT_EQ(pair.a.wire.out.size(), 2u);
    EXPECT_EQ(pair.send(Message::integer(1), 1500), 489u);  // the window is full
    EXPECT_EQ(pair.a.wire.out.size(), 3u);
    pair.a.link->flush();
    EXPECT_EQ(pair.a.wire.out.size(), 3u);
    pair.pump();
    EXPECT_EQ(pair.b.owner.got.size(), 2000u);
}

TEST(LinkWiresTest, FramesArePackedIfBothCan) {
    const Message text = Message::string(String(10'000, 'x'));
    Pair pair(packing(), packing());
    pair.send(text);
    ASSERT_EQ(pair.a.wire.out.size(), 1u);
    EXPECT_LT(pair.a.wire.out.front().bytes.size(), 1000u);
    EXPECT_EQ(pair.a.wire.out.front().bytes.front(), packed_mark);
    pair.pump();
    ASSERT_EQ(pair.b.owner.got.size(), 1u);
    EXPECT_EQ(MessageRef(pair.b.owner.got[0]).text(), MessageRef(text).text());
    // Below the threshold, with level 0, or to somebody who cannot: as they are.
    pair.send(Message::integer(1));
    EXPECT_NE(pair.a.wire.out.front().bytes.front(), packed_mark);
    Pair off(packing(0), packing()), alone(packing(), {});
    for (Pair* other : {&off, &alone}) {
        other->send(text);
        EXPECT_GT(other->a.wire.out.front().bytes.size(), 10'000u);
        other->pump();
        EXPECT_EQ(other->b.owner.got.size(), 1u);
    }
}

// What does not become smaller goes as it is, and is not tried each time.
TEST(LinkWiresTest, NoiseIsNotPacked) {
    Pair pair(packing(), packing());
    std::uint64_t seed = 88172645463325252;
    String noise;
    for (int i = 0; i < 2000; ++i) {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        noise.push_back(static_cast<char>(seed >> 40));
    }
    const Message bytes = Message::bytes(noise);
    for (int i = 0; i < 20; ++i) pair.send(bytes);
    for (const Frame& frame : pair.a.wire.out) EXPECT_GT(frame.bytes.size(), 2000u);
    // After a while it is tried again.
    for (int i = 0; i < 130; ++i) pair.send(Message::string(String(1000, 'x')));
    EXPECT_EQ(pair.a.wire.out.back().bytes.front(), packed_mark);
    pair.pump();
    EXPECT_EQ(pair.b.owner.got.size(), 150u);
}

TEST(LinkWiresTest, PackedFramesThatLieEndTheLink) {
    Packer packer(PackOptions{1, 1});
    PackMemory memory;
    String good(5000, 'x'), bomb(limits::peer_frame_bytes + 1, '\0');
    packer.pack(good, memory);
    packer.pack(bomb, memory);
    ASSERT_EQ(good.front(), packed_mark);
    ASSERT_LT(bomb.size(), std::size_t{100'000});
    const String cases[] = {String(1, packed_mark), concat(String(1, packed_mark), "no zstd"),
                            String(good.substr(0, good.size() - 3)), concat(good, "more"), bomb,
                            concat(good, good.substr(1))};
    for (const String& frame : cases) {
        Pair pair(packing(), packing());
        Pair::say(pair.b, frame);
        EXPECT_TRUE(pair.b.wire.over) << frame.size();
        EXPECT_NE(pair.b.wire.reason.find("packed"), String::npos) << pair.b.wire.reason;
    }
    Pair pair;  // which has not said that it can
    Pair::say(pair.b, good);
    EXPECT_TRUE(pair.b.wire.over);
}

}  // namespace
}  // namespace reflow::peer
