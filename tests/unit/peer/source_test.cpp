// Envelopes on links: in records, in trace contexts of the original, and with the sender's identity.
#include "peer/source.hpp"

#include <gtest/gtest.h>

#include <cstring>

#include "base/text.hpp"
#include "codec/json.hpp"
#include "peer/frame.hpp"

namespace reflow::peer {
namespace {

String json(MessageRef message) {
    String text;
    EXPECT_TRUE(codec::write_json(text, message).ok());
    return text;
}

reflow_envelope some_envelope() {
    reflow_envelope envelope{};
    for (std::uint8_t i = 0; i < 16; ++i) envelope.trace_id[i] = static_cast<std::uint8_t>(i * 17);
    for (std::uint8_t i = 0; i < 8; ++i) envelope.span_id[i] = static_cast<std::uint8_t>(0xf8 + i);
    envelope.deadline_ms = -5;
    envelope.correlation = to_view("order 7");
    return envelope;
}

TEST(SourceTest, IsTheIdentityWhateverTheEnvelopeSays) {
    reflow_envelope lies = some_envelope();
    lies.source_network = lies.source_instance = lies.source_actor = lies.message_id =
        to_view("somebody else");
    const Identity from{"studio", "studio-1"};
    for (bool has : {false, true}) {
        Message packet = Message::integer(5);
        if (has) packet = enveloped(std::move(packet), write_envelope(lies));
        Message whole = with_source(packet, {from, "wheel", "id-1"});
        EXPECT_EQ(payload_of(whole).integer(), 5);
        reflow_envelope read = read_envelope(envelope_of(whole));
        EXPECT_EQ(view_of(read.source_network), "studio");
        EXPECT_EQ(view_of(read.source_instance), "studio-1");
        EXPECT_EQ(view_of(read.source_actor), "wheel");
        EXPECT_EQ(view_of(read.message_id), "id-1");
        EXPECT_EQ(view_of(read.correlation), has ? "order 7" : "");
        EXPECT_EQ(read.deadline_ms, has ? -5 : 0);
    }
}

TEST(SourceTest, TraceContextOfTheOriginal) {
    Message context = codec::read_json(
                          R"({"trace_id":"00112233-4455-6677-8899-aabbccddeeff","flow_id":"order 7",)"
                          R"("parent_span_id":"F8f9fafbfcfdfeff","parent_event_id":null})")
                          .take();
    Message envelope = envelope_of_trace(context);
    reflow_envelope read = read_envelope(envelope), expected = some_envelope();
    EXPECT_EQ(0, std::memcmp(read.trace_id, expected.trace_id, sizeof read.trace_id));
    EXPECT_EQ(0, std::memcmp(read.span_id, expected.span_id, sizeof read.span_id));
    EXPECT_EQ(view_of(read.correlation), "order 7");
    EXPECT_EQ(json(trace_of_envelope(envelope)),
              R"({"trace_id":"00112233-4455-6677-8899-aabbccddeeff","flow_id":"order 7",)"
              R"("parent_span_id":"f8f9fafbfcfdfeff","parent_event_id":null})");
}

TEST(SourceTest, TraceContextsThatAreNone) {
    EXPECT_TRUE(trace_of_envelope({}).nothing());
    reflow_envelope without{};
    without.correlation = to_view("x");
    EXPECT_TRUE(trace_of_envelope(write_envelope(without)).nothing());
    for (std::string_view text :
         {"null", "{}", "[]", R"({"trace_id":5})", R"({"trace_id":""})", R"({"trace_id":"0011"})",
          R"({"trace_id":"00112233-4455-6677-8899-aabbccddeefg"})",
          R"({"trace_id":"00112233-4455-6677-8899-aabbccddeeff00"})"}) {
        EXPECT_TRUE(envelope_of_trace(codec::read_json(text).take()).none()) << text;
    }
    // A span of another form is left out, and so is too long a flow.
    String flow(REFLOW_MAX_CORRELATION_BYTES + 1, 'f');
    String text = concat(R"({"trace_id":"00112233445566778899aabbccddeeff","flow_id":")", flow,
                         R"(","parent_span_id":"actor-3"})");
    reflow_envelope read = read_envelope(envelope_of_trace(codec::read_json(text).take()));
    EXPECT_EQ(read.trace_id[15], 0xff);
    EXPECT_EQ(read.span_id[0], 0);
    EXPECT_EQ(read.correlation.size, 0u);
}

// Only the records that these tests write.
class Records final : public FrameVisitor {
public:
    Result<void> open(std::uint64_t, std::string_view, std::string_view, std::string_view) override {
        return {};
    }
    Result<void> data(std::uint64_t channel, std::uint64_t first, MessageRef all,
                      std::uint64_t) override {
        append(said, concat("data ", channel, " ", first, " ", json(all), "\n"));
        return {};
    }
    Result<void> credit(std::uint64_t, std::uint64_t, std::uint64_t) override { return {}; }
    Result<void> report(std::uint64_t, std::uint64_t, reflow_status, std::string_view) override {
        return {};
    }
    Result<void> ping(std::uint64_t) override { return {}; }
    Result<void> pong(std::uint64_t) override { return {}; }
    Result<void> follow(std::uint64_t, std::string_view, std::string_view, std::string_view) override {
        return {};
    }
    Result<void> unfollow(std::uint64_t) override { return {}; }
    Result<void> followed(std::uint64_t, std::optional<std::uint64_t>, std::string_view) override {
        return {};
    }
    Result<void> ask(std::uint64_t) override { return {}; }
    Result<void> told(std::uint64_t, MessageRef) override { return {}; }
    Result<void> note(std::uint64_t channel, std::uint64_t number, Message envelope) override {
        reflow_envelope read = read_envelope(envelope), expected = some_envelope();
        bool same = std::memcmp(read.trace_id, expected.trace_id, sizeof read.trace_id) == 0 &&
                    std::memcmp(read.span_id, expected.span_id, sizeof read.span_id) == 0;
        append(said, concat("note ", channel, " ", number, same ? " same " : " other ",
                            read.deadline_ms, " ", view_of(read.correlation), "\n"));
        return {};
    }
    Result<void> confirm(std::uint64_t channel, std::uint64_t number) override {
        append(said, concat("confirm ", channel, " ", number, "\n"));
        return {};
    }
    Result<void> confirmed(std::uint64_t channel, std::uint64_t packets) override {
        append(said, concat("confirmed ", channel, " ", packets, "\n"));
        return {};
    }
    Result<void> mark(std::uint64_t channel, std::uint64_t number, std::string_view outbox,
                      std::uint64_t message) override {
        append(said, concat("mark ", channel, " ", number, " ", outbox, " ", message, "\n"));
        return {};
    }
    Result<void> element(std::uint64_t channel, std::uint64_t number,
                         std::uint32_t index) override {
        append(said, concat("element ", channel, " ", number, " ", index, "\n"));
        return {};
    }
    String said;
};

TEST(SourceTest, RecordsOfEnvelopesAndConfirmations) {
    Batch batch;
    Message packet = enveloped(Message::integer(3), write_envelope(some_envelope()));
    EXPECT_TRUE(batch.data(7, 0, Message::integer(1)).ok());
    EXPECT_TRUE(batch.data(7, 1, Message::integer(2)).ok());
    EXPECT_TRUE(batch.data(7, 2, packet).ok());
    EXPECT_TRUE(batch.data(7, 3, Message::integer(4)).ok());
    batch.confirm(7, 3);
    batch.confirmed(9, 12);
    batch.mark(7, 4, "box", 100);
    Records records;
    ASSERT_TRUE(read_frame(batch.take(), records).ok());
    EXPECT_EQ(records.said,
              "data 7 0 [1,2]\nnote 7 2 same -5 order 7\ndata 7 2 [3,4]\nconfirm 7 3\n"
              "confirmed 9 12\nmark 7 4 box 100\n");
}

// What cannot be written leaves no note of it behind.
TEST(SourceTest, FailedPacketTakesItsNoteAlong) {
    Batch batch, same;
    EXPECT_TRUE(batch.data(7, 0, Message::integer(1)).ok());
    EXPECT_TRUE(same.data(7, 0, Message::integer(1)).ok());
    Message packet = enveloped(Message(), write_envelope(some_envelope()));
    EXPECT_FALSE(batch.data(7, 1, packet).ok());  // none is no value
    EXPECT_EQ(batch.take(), same.take());
}

TEST(SourceTest, BadNotesAreTold) {
    using namespace std::string_view_literals;
    for (std::string_view frame :
         {"\x91\x93\x14\x01\x02"sv,                              // no ids
          "\x91\x97\x14\x01\x02\xc4\x01x\xc4\x01y\x05\xa0"sv,    // ids that are too short
          "\x91\x93\x15\x01\xa1x"sv, "\x91\x92\x16\x01"sv,
          "\x91\x95\x17\x01\x02\x03\x04"sv}) {
        Records records;
        Result<void> read = read_frame(frame, records);
        ASSERT_FALSE(read.ok());
        EXPECT_EQ(read.error().status, REFLOW_ERROR_PROTOCOL);
    }
    String longer("\x91\x97\x14\x01\x02\xc4\x10", 7);
    longer += String(16, 't') + String("\xc4\x08", 2) + String(8, 's') + String("\x05\xda\x01\x01", 4);
    longer += String(257, 'c');
    Records records;
    EXPECT_FALSE(read_frame(longer, records).ok());
}

}  // namespace
}  // namespace reflow::peer
