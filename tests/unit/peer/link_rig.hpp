// Links over wires that are two queues in memory: every step is one the test makes.
// Neighbours: link_test, link_stream_test. Thread: one.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <vector>

#include "base/text.hpp"
#include "codec/json.hpp"
#include "message/envelope.hpp"
#include "peer/link.hpp"

namespace reflow::peer {

struct Frame {
    String bytes;
    bool text = false;
};

// One end; what is sent lies in `out` until the test carries it over.
class FakeWire final : public io::Wire {
public:
    void ref() noexcept override { ++refs_; }
    void unref() noexcept override { --refs_; }
    reflow_status send(String&& frame, bool text) override {
        if (over) return REFLOW_ERROR_CLOSED;
        if (full) return REFLOW_ERROR_WOULD_BLOCK;
        out.push_back({std::move(frame), text});
        return REFLOW_OK;
    }
    reflow_status ping(std::uint64_t number) override {
        pings.push_back(number);
        return over ? REFLOW_ERROR_CLOSED : REFLOW_OK;
    }
    void close(std::uint16_t with, std::string_view why) override {
        if (over) return;
        over = true;
        code = with;
        reason = why;
    }
    void cut() noexcept override {
        over = true;
        code = io::WIRE_ABNORMAL;
    }
    void read(bool wanted) noexcept override { reads = wanted; }
    std::size_t queued_bytes() const noexcept override { return busy ? 1 : 0; }
    std::uint64_t bytes_in() const noexcept override { return came; }
    std::uint64_t bytes_out() const noexcept override { return 0; }
    io::WireScheme scheme() const noexcept override { return io::WireScheme::ws; }
    String remote() const override { return "memory"; }
    std::uint64_t frames_written() const noexcept override { return 0; }
    std::uint64_t unheard_ns() const noexcept override { return unheard; }

    std::deque<Frame> out;
    std::vector<std::uint64_t> pings;
    std::uint64_t unheard = 0;
    std::uint64_t came = 0;  // bytes
    bool reads = true;
    bool over = false;
    bool full = false;
    bool busy = false;
    std::uint16_t code = 0;
    String reason;

private:
    int refs_ = 1;
};

struct Got {
    String source_actor, actor, port;
    std::int64_t value = 0;
    std::uint64_t number = 0;
    String correlation, message_id;
    String outbox{};
    std::uint64_t message = 0;  // of it
    std::uint32_t index = REFLOW_NO_INDEX;
    bool again = false;
};

class Owner final : public LinkOwner {
public:
    Result<void> admit(Link&, const Hello& hello) override {
        admitted = hello.from;
        if (!refusal.empty()) return Failure(REFLOW_ERROR_REFUSED, refusal);
        return {};
    }
    void linked(Link&) override { ++linked_count; }
    void unlinked(Link&, reflow_status how, std::string_view why) override {
        ++unlinked_count;
        status = how;
        reason = why;
    }
    Result<std::size_t> take(Link&, const Parcel& parcel, std::uint64_t,
                             std::span<const Message> packets) override {
        if (parcel.actor == "nobody") return Failure(REFLOW_ERROR_NOT_FOUND, "no such actor");
        if (while_offered) while_offered();
        std::size_t count = std::min(packets.size(), room);
        for (std::size_t i = 0; i < count; ++i) {
            reflow_envelope envelope = read_envelope(envelope_of(packets[i]));
            MessageRef payload = payload_of(packets[i]);
            got.push_back({String(parcel.source_actor), String(parcel.actor), String(parcel.port),
                           payload.is(REFLOW_KIND_INTEGER) ? payload.integer() : 0, parcel.first + i,
                           String(view_of(envelope.correlation)), String(parcel.message_id),
                           String(parcel.outbox), parcel.message + i, parcel.index,
                           parcel.again});
        }
        room -= count;
        return count;
    }
    void writable(Link&, std::uint64_t channel) override { writables.push_back(channel); }
    void lost(Link&, std::uint64_t channel, std::uint64_t number, reflow_status how,
              std::string_view) override {
        if (channel == UINT64_MAX) return passed_over.push_back(how);
        EXPECT_EQ(how, REFLOW_ERROR_NOT_FOUND);
        lost_numbers.push_back(number);
    }
    void confirmed(Link&, std::uint64_t, std::uint64_t packets) override {
        confirmations.push_back(packets);
    }
    bool answers(const Link&) override { return tells; }
    bool tells = true;  // who is refused
    Message actors() override {
        return codec::read_json(
                   R"([{"actor_id":"glaze","capabilities":["actor_messaging"],"description":null}])")
            .take();
    }
    void actors_told(Link&, std::uint64_t number, MessageRef actors) override {
        told_number = number;
        told = actors.own();
    }
    void cancel(Link&, std::string_view actor, std::string_view source_actor) override {
        cancelled.push_back(concat(source_actor, " -> ", actor));
    }
    void ponged(Link&) override { ++ponged_count; }
    void log(reflow_log_level, std::string_view text) override { logs.emplace_back(text); }
    void flush_later(Link&, std::uint64_t) override {}
    std::uint64_t now_ns() const override { return now; }

    std::uint64_t now = 1;
    std::size_t room = SIZE_MAX;
    std::function<void()> while_offered;
    int linked_count = 0, unlinked_count = 0, ponged_count = 0;
    reflow_status status = REFLOW_OK;
    String reason, refusal;
    std::optional<Identity> admitted;
    Vector<Got> got;
    Vector<std::uint64_t> writables, lost_numbers, confirmations;
    std::vector<reflow_status> passed_over;  // of the original's frames
    Vector<String> logs;
    Vector<String> cancelled;
    std::uint64_t told_number = 0;
    Message told;
};

struct End {
    End(std::string_view name, bool dials, LinkOptions options)
        : link(make_ref<Link>(owner, with(std::move(options), name), dials, "there:1")) {
        link->attach(Ref<io::Wire>::share(&wire));
    }
    static LinkOptions with(LinkOptions options, std::string_view name) {
        options.self = {String(name), concat(name, "-1")};
        return options;
    }
    FakeWire wire;
    Owner owner;
    Ref<Link> link;
    bool told = false;
};

struct Pair {
    explicit Pair(LinkOptions dialler = {}, LinkOptions acceptor = {})
        : a("studio", true, std::move(dialler)), b("kiln", false, std::move(acceptor)) {
        b.link->opened(b.wire);
        a.link->opened(a.wire);
    }
    // Carries one frame from one end to the other.
    static bool carry(End& from, End& to) {
        if (from.wire.out.empty()) return false;
        Frame frame = std::move(from.wire.out.front());
        from.wire.out.pop_front();
        to.link->received(to.wire, std::as_bytes(std::span(frame.bytes.data(), frame.bytes.size())),
                          frame.text);
        return true;
    }
    static void tell_end(End& end, const End& other) {
        if (end.told || (!end.wire.over && !other.wire.over)) return;
        end.told = true;
        const FakeWire& first = other.wire.over ? other.wire : end.wire;
        bool in_order = first.code != io::WIRE_ABNORMAL;
        end.link->closed(end.wire, first.code, in_order ? REFLOW_OK : REFLOW_ERROR_IO,
                         first.reason);
    }
    void pump() {
        while (carry(a, b) || carry(b, a)) {
        }
        tell_end(a, b);
        tell_end(b, a);
    }
    End a, b;
};

inline LinkOptions token(std::string_view text) {
    LinkOptions options;
    options.token = String(text);
    return options;
}

inline std::uint64_t channel_of(End& end, std::string_view actor = "glaze", std::string_view port = "in") {
    Result<std::uint64_t> channel = end.link->open_channel("wheel", actor, port);
    EXPECT_TRUE(channel.ok());
    return channel.value();
}

inline std::size_t send(End& end, std::uint64_t channel, std::int64_t first, std::int64_t count) {
    Vector<Message> all;
    Vector<MessageRef> packets;
    for (std::int64_t i = 0; i < count; ++i) all.push_back(Message::integer(first + i));
    for (const Message& one : all) packets.push_back(one);
    Result<std::size_t> sent = end.link->send(channel, packets);
    EXPECT_TRUE(sent.ok()) << (sent.ok() ? "" : sent.error().describe());
    return sent.ok() ? sent.value() : 0;
}

}  // namespace reflow::peer
