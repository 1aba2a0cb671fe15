// Plain JSON out: the table of kinds, styles, and that what is written reads back.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <limits>

#include "codec/json.hpp"
#include "codec/msgpack.hpp"
#include "random_message.hpp"

namespace reflow {
namespace {

using codec::read_json;
using codec::write_json;

std::string written(MessageRef message, unsigned indent = 0) {
    String text;
    Result<void> result = write_json(text, message, indent);
    EXPECT_TRUE(result.ok());
    return std::string(text);
}

Message wrap(reflow_kind kind, Message content) {
    return Message::wrap(kind, std::move(content)).take();
}

TEST(JsonWrite, EveryKind) {
    EXPECT_EQ(written(Message::null()), "null");
    EXPECT_EQ(written(Message::flow()), "\"flow\"");
    EXPECT_EQ(written(Message::boolean(true)), "true");
    EXPECT_EQ(written(Message::integer(INT64_MIN)), "-9223372036854775808");
    EXPECT_EQ(written(Message::real(2.5)), "2.5");
    EXPECT_EQ(written(Message::string("hé")), "\"hé\"");
    EXPECT_EQ(written(Message::error("disk full")), "\"disk full\"");
    EXPECT_EQ(written(Message::bytes(std::string_view("\0\xFF\x10", 3))), "[0,255,16]");
    EXPECT_EQ(written(wrap(REFLOW_KIND_EVENT, Message::integer(1))), "1");
    EXPECT_EQ(written(wrap(REFLOW_KIND_ANY, wrap(REFLOW_KIND_EVENT, Message::null()))), "null");
    EXPECT_EQ(written(wrap(REFLOW_KIND_OPTIONAL, Message())), "null");
    EXPECT_EQ(written(wrap(REFLOW_KIND_OPTIONAL, Message::integer(42))), "42");
    EXPECT_EQ(written(Message::remote("edge", "cam", "frames")),
              R"({"network_id":"edge","actor_id":"cam","port":"frames"})");
    EXPECT_EQ(written(Message::network_event("HeartbeatMissed", Message::integer(3)).take()),
              R"({"event_type":"HeartbeatMissed","data":3})");
    MessageRef::Stream stream;
    stream.stream_id = 12;
    stream.origin_actor = "cam";
    stream.origin_port = "frames";
    EXPECT_EQ(written(Message::stream(stream)),
              R"({"stream_id":12,"origin_actor":"cam","origin_port":"frames",)"
              R"("content_type":null,"size_hint":null})");
    stream.stream_id = UINT64_MAX;
    stream.content_type = "video";
    stream.has_size_hint = true;
    stream.size_hint = 7;
    EXPECT_EQ(written(Message::stream(stream)),
              R"({"stream_id":18446744073709551615,"origin_actor":"cam","origin_port":"frames",)"
              R"("content_type":"video","size_hint":7})");
}

TEST(JsonWrite, NoMessageIsAnError) {
    String text("before");
    EXPECT_EQ(write_json(text, Message()).error().status, REFLOW_ERROR_INVALID_ARGUMENT);
    EXPECT_EQ(text, "before");
}

TEST(JsonWrite, FloatsReadBackAsFloats) {
    EXPECT_EQ(written(Message::real(1)), "1.0");
    EXPECT_EQ(written(Message::real(-0.0)), "-0.0");
    EXPECT_EQ(written(Message::real(0.1)), "0.1");
    EXPECT_EQ(written(Message::real(1e23)), "1e+23");
    EXPECT_EQ(written(Message::real(5e-324)), "5e-324");
    EXPECT_EQ(written(Message::real(std::numeric_limits<double>::quiet_NaN())), "null");
    EXPECT_EQ(written(Message::real(std::numeric_limits<double>::infinity())), "null");
    EXPECT_EQ(written(Message::real(-std::numeric_limits<double>::infinity())), "null");
    test::RandomMessages random(5);
    random.plain_only = true;
    for (int i = 0; i < 20000; ++i) {
        double value = random.real();
        std::string text = written(Message::real(value));
        EXPECT_NE(text.find_first_of(".e"), std::string::npos) << text;
        // strtod is not what our reader uses.
        ASSERT_EQ(std::strtod(text.c_str(), nullptr), value) << text;
    }
}

TEST(JsonWrite, PackedNumbersOfEveryType) {
    auto packed = []<typename T>(reflow_number type, std::initializer_list<T> values) {
        return written(Message::numbers(type, std::data(values), values.size()));
    };
    EXPECT_EQ(packed(REFLOW_NUMBER_I8, {std::int8_t{-128}, std::int8_t{127}}), "[-128,127]");
    EXPECT_EQ(packed(REFLOW_NUMBER_U8, {std::uint8_t{0}, std::uint8_t{255}}), "[0,255]");
    EXPECT_EQ(packed(REFLOW_NUMBER_I16, {std::int16_t{-32768}}), "[-32768]");
    EXPECT_EQ(packed(REFLOW_NUMBER_U16, {std::uint16_t{65535}}), "[65535]");
    EXPECT_EQ(packed(REFLOW_NUMBER_I32, {std::int32_t{-5}}), "[-5]");
    EXPECT_EQ(packed(REFLOW_NUMBER_U32, {std::uint32_t{4294967295}}), "[4294967295]");
    EXPECT_EQ(packed(REFLOW_NUMBER_I64, {std::int64_t{INT64_MIN}}), "[-9223372036854775808]");
    EXPECT_EQ(packed(REFLOW_NUMBER_U64, {std::uint64_t{UINT64_MAX}}), "[18446744073709551615]");
    EXPECT_EQ(packed(REFLOW_NUMBER_F32, {0.5f}), "[0.5]");
    EXPECT_EQ(packed(REFLOW_NUMBER_F64, {0.1, std::nan("")}), "[0.1,null]");
    EXPECT_EQ(packed(REFLOW_NUMBER_F64, std::initializer_list<double>{}), "[]");
}

TEST(JsonWrite, Strings) {
    EXPECT_EQ(written(Message::string("\"\\/\b\f\n\r\t")), R"("\"\\/\b\f\n\r\t")");
    EXPECT_EQ(written(Message::string(std::string_view("\0\x01\x1f\x7f", 4))),
              "\"\\u0000\\u0001\\u001f\x7f\"");
    for (std::size_t length = 0; length < 40; ++length) {
        std::string run(length, 'x');
        EXPECT_EQ(written(Message::string(run + "\"" + run)), "\"" + run + "\\\"" + run + "\"");
        EXPECT_EQ(written(Message::string(run + "é" + run)), "\"" + run + "é" + run + "\"");
    }
    // Longer than what the writer collects before it hands it on.
    for (std::size_t length : {4094u, 4095u, 4096u, 4097u, 9000u}) {
        std::string run(length, 'x');
        EXPECT_EQ(written(Message::string(run + "\n" + run)), "\"" + run + "\\n" + run + "\"");
    }
}

TEST(JsonWrite, Pretty) {
    Message message = read_json(R"({"a":[1,"x",[]],"b":{},"c":{"d":null}})").take();
    EXPECT_EQ(written(message, 2), R"({
  "a": [
    1,
    "x",
    []
  ],
  "b": {},
  "c": {
    "d": null
  }
})");
    EXPECT_EQ(written(Message::integer(1), 4), "1");
    EXPECT_EQ(written(read_json("[1.5]").take(), 1), "[\n 1.5\n]");
}

TEST(JsonWrite, EncodedIsDecoded) {
    Message inner = read_json(R"({"a":[1,{"b":"c"}]})").take();
    String bytes;
    ASSERT_TRUE(codec::write_msgpack(bytes, inner).ok());
    ArrayBuilder array;
    array.append(Message::encoded(bytes));
    array.append(Message::integer(1));
    EXPECT_EQ(written(array.finish().take()), R"([{"a":[1,{"b":"c"}]},1])");
}

TEST(JsonWrite, EncodedThatIsNoMessage) {
    String text("before");
    Result<void> result = write_json(text, Message::encoded("\xC1"));
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.error().status, REFLOW_ERROR_PARSE);
    EXPECT_EQ(text, "before");
    EXPECT_EQ(result.error().describe(),
              "an encoded message cannot be decoded: byte 0xC1 has no meaning in MessagePack (at "
              "byte 0)");
}

TEST(JsonWrite, EncodedInsideEncodedIsBounded) {
    Message message = Message::integer(7);
    for (int level = 0; level < 17; ++level) {
        String bytes;
        ASSERT_TRUE(codec::write_msgpack(bytes, message).ok());
        message = Message::encoded(bytes);
        String text;
        Result<void> result = write_json(text, message);
        if (level < 16) {
            EXPECT_EQ(text, "7");
        } else {
            EXPECT_EQ(result.error().status, REFLOW_ERROR_LIMIT);
        }
    }
    // One behind the other, not inside one another.
    ArrayBuilder array;
    for (int i = 0; i < 100; ++i) array.append(Message::encoded("\x07"));
    String text;
    EXPECT_TRUE(write_json(text, array.finish().take()).ok());
}

TEST(JsonWrite, RandomMessagesReadBack) {
    for (std::uint64_t seed = 1; seed <= 500; ++seed) {
        test::RandomMessages random(seed);
        random.plain_only = true;
        Message message = random.message(6);
        for (unsigned indent : {0u, 3u}) {
            std::string text = written(message, indent);
            Result<Message> back = read_json(text);
            ASSERT_TRUE(back.ok()) << "seed " << seed << ": " << back.error().describe();
            ASSERT_TRUE(equal(message, back.value())) << "seed " << seed << ": " << text;
            EXPECT_EQ(written(back.value(), indent), text) << "seed " << seed;
        }
    }
}

TEST(JsonWrite, EveryKindOfMessageCanBeWritten) {
    for (std::uint64_t seed = 1; seed <= 500; ++seed) {
        test::RandomMessages random(seed);
        Message message = random.message(6);
        String text;
        Result<void> result = write_json(text, message);
        // Encoded messages of random bytes are usually none.
        if (!result.ok()) {
            EXPECT_EQ(result.error().message, "an encoded message cannot be decoded");
        }
    }
}

}  // namespace
}  // namespace reflow
