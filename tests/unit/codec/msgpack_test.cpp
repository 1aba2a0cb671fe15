// MessagePack: bytes of every kind, foreign input, limits, and that every message survives.
#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

#include "base/text.hpp"
#include "codec/json.hpp"
#include "codec/msgpack.hpp"
#include "random_message.hpp"

namespace reflow {
namespace {

using codec::Duplicates;
using codec::read_json;
using codec::read_msgpack;
using codec::ReadLimits;
using codec::write_msgpack;

// Bytes from hexadecimal digits; spaces do not count.
std::string hex(std::string_view digits) {
    std::string result;
    std::string pair;
    for (char digit : digits) {
        if (digit == ' ') continue;
        pair.push_back(digit);
        if (pair.size() < 2) continue;
        result.push_back(static_cast<char>(std::stoi(pair, nullptr, 16)));
        pair.clear();
    }
    return result;
}

std::string written(MessageRef message) {
    String bytes;
    EXPECT_TRUE(write_msgpack(bytes, message).ok());
    return std::string(bytes);
}

Message read(std::string_view digits) {
    Result<Message> result = read_msgpack(hex(digits));
    EXPECT_TRUE(result.ok()) << digits << ": " << result.error().describe();
    return result.ok() ? std::move(result).take() : Message();
}

std::string refused(std::string_view digits, reflow_status status = REFLOW_ERROR_PARSE,
                    const ReadLimits& limits = {}) {
    std::string bytes = hex(digits);
    // Memory of exactly this size, so that a sanitizer sees a step too far.
    std::vector<char> exact(bytes.begin(), bytes.end());
    Result<Message> result = read_msgpack({exact.data(), exact.size()}, limits);
    if (result.ok()) return "was read";
    EXPECT_EQ(result.error().status, status) << digits;
    return std::string(result.error().describe());
}

void both_ways(const Message& message, std::string_view digits) {
    EXPECT_EQ(written(message), hex(digits)) << digits;
    EXPECT_TRUE(equal(read(digits), message)) << digits;
}

Message wrap(reflow_kind kind, Message content) {
    return Message::wrap(kind, std::move(content)).take();
}

TEST(Msgpack, BytesOfEveryKind) {
    both_ways(Message::null(), "c0");
    both_ways(Message::boolean(false), "c2");
    both_ways(Message::boolean(true), "c3");
    both_ways(Message::integer(0), "00");
    both_ways(Message::integer(127), "7f");
    both_ways(Message::integer(128), "cc 80");
    both_ways(Message::integer(-1), "ff");
    both_ways(Message::integer(-32), "e0");
    both_ways(Message::integer(-33), "d0 df");
    both_ways(Message::integer(-128), "d0 80");
    both_ways(Message::integer(-32768), "d1 8000");
    both_ways(Message::integer(65536), "ce 00010000");
    both_ways(Message::integer(INT64_MIN), "d3 8000000000000000");
    both_ways(Message::integer(INT64_MAX), "cf 7fffffffffffffff");
    both_ways(Message::real(1.5), "cb 3ff8000000000000");
    both_ways(Message::string("abc"), "a3 616263");
    both_ways(Message::bytes("abc"), "c4 03 616263");
    both_ways(read_json(R"([null,"a"])").take(), "92 c0 a161");
    both_ways(read_json(R"({"a":true})").take(), "81 a161 c3");
    both_ways(Message::flow(), "c7 00 50");
    both_ways(wrap(REFLOW_KIND_EVENT, Message::integer(5)), "c9 00000001 51 05");
    both_ways(Message::error("ab"), "d5 52 6162");
    both_ways(wrap(REFLOW_KIND_OPTIONAL, Message()), "c9 00000000 53");
    both_ways(wrap(REFLOW_KIND_OPTIONAL, Message::null()), "c9 00000001 53 c0");
    both_ways(wrap(REFLOW_KIND_ANY, Message::flow()), "c9 00000003 54 c70050");
    both_ways(Message::encoded("\x05"), "d4 55 05");
    MessageRef::Stream stream;
    stream.stream_id = 300;
    stream.origin_actor = "a";
    stream.origin_port = "p";
    both_ways(Message::stream(stream), "c9 00000009 56 cd012c c0 a161 a170 c0");
    stream.has_size_hint = true;
    stream.size_hint = UINT64_MAX;
    stream.content_type = "t";
    both_ways(Message::stream(stream), "c9 00000012 56 cd012c cfffffffffffffffff a161 a170 a174");
    both_ways(Message::remote("n", "a", "p"), "c9 00000006 57 a16e a161 a170");
    both_ways(Message::network_event("e", Message::integer(1)).take(), "c9 00000003 58 a165 01");
    std::int64_t integers[] = {1, -1};
    both_ways(Message::numbers(REFLOW_NUMBER_I64, integers, 2),
              "c7 11 59 07 0100000000000000 ffffffffffffffff");
    float floats[] = {1.0f};
    both_ways(Message::numbers(REFLOW_NUMBER_F32, floats, 1), "c7 05 59 09 0000803f");
    both_ways(Message::numbers(REFLOW_NUMBER_U8, nullptr, 0), "d4 59 02");
}

TEST(Msgpack, ForeignForms) {
    EXPECT_EQ(read("d3 0000000000000005").integer(), 5);
    EXPECT_EQ(read("cf 0000000000000005").integer(), 5);
    EXPECT_EQ(read("cd ffff").integer(), 65535);
    EXPECT_EQ(read("d2 ffffffff").integer(), -1);
    EXPECT_EQ(read("ca 3fc00000").real(), 1.5);
    EXPECT_TRUE(read("ca 3fc00000").is(REFLOW_KIND_FLOAT));
    EXPECT_EQ(read("d9 01 61").text(), "a");
    EXPECT_EQ(read("da 0001 61").text(), "a");
    EXPECT_EQ(read("db 00000001 61").text(), "a");
    EXPECT_EQ(read("c5 0001 ff").bytes(), "\xFF");
    EXPECT_EQ(read("c6 00000001 ff").bytes(), "\xFF");
    EXPECT_EQ(read("dc 0001 01").at(0).integer(), 1);
    EXPECT_EQ(read("dd 00000001 01").at(0).integer(), 1);
    EXPECT_EQ(read("de 0001 d901 61 05").get("a").integer(), 5);
    EXPECT_EQ(read("df 00000001 a161 05").get("a").integer(), 5);
    EXPECT_EQ(read("93 01 02 03").numbers_type(), REFLOW_NUMBER_I64);
    EXPECT_EQ(read("d4 53 05").content().integer(), 5);
    EXPECT_EQ(read("cf 8000000000000000").real(), 9223372036854775808.0);
    EXPECT_TRUE(read("cf 8000000000000000").is(REFLOW_KIND_FLOAT));
    EXPECT_EQ(read("82 a161 01 a161 02").get("a").integer(), 2);
}

TEST(Msgpack, Refused) {
    EXPECT_EQ(refused(""), "the data is empty, a MessagePack value was expected (at byte 0)");
    EXPECT_EQ(refused("c1"), "byte 0xC1 has no meaning in MessagePack (at byte 0)");
    EXPECT_EQ(refused("92 01"), "an array claims 2 elements, but only 1 bytes follow (at byte 0)");
    EXPECT_EQ(refused("92 01 a2 61"),
              "the data ends inside text: 2 bytes wanted, 1 left (at byte 3)");
    EXPECT_EQ(refused("01 02 03"), "2 bytes behind the end of the message (at byte 1)");
    EXPECT_EQ(refused("81 05 06"), "a key or name is not text (at byte 1)");
    EXPECT_EQ(refused("81 c0 06"), "a key or name is not text (at byte 1)");
    EXPECT_EQ(refused("91 a2 c328"), "invalid UTF-8 in text (at byte 2)");
    EXPECT_EQ(
        refused("cf ffffffffffffffff"),
        "integer 18446744073709551615 is beyond 64 bits and not exact as a float (at byte 0)");
    EXPECT_EQ(refused("d6 ff 00000000"),
              "there is no kind of message for a MessagePack timestamp (at byte 0)");
    EXPECT_EQ(refused("d4 63 00"), "extension type 99 is not known (at byte 0)");
    EXPECT_EQ(refused("d4 50 00"), "a flow extension is not empty (at byte 0)");
    EXPECT_EQ(refused("d5 51 05 05"), "bytes behind the value of an extension (at byte 3)");
    EXPECT_EQ(refused("d4 54 92"),
              "an array claims 2 elements, but only 0 bytes follow (at byte 2)");
    EXPECT_EQ(refused("c7 00 51"),
              "the data ends inside a value: 1 bytes wanted, 0 left (at byte 3)");
    EXPECT_EQ(refused("d4 59 0b"), "packed numbers of the unknown type 11 (at byte 0)");
    EXPECT_EQ(refused("c7 00 59"), "packed numbers of the unknown type 0 (at byte 0)");
    EXPECT_EQ(refused("d5 59 03 01"), "packed numbers: 1 bytes are no multiple of 2 (at byte 0)");
    EXPECT_EQ(refused("d4 57 a0"), "the data ends inside text: 1 bytes wanted, 0 left (at byte 3)");
    EXPECT_EQ(refused("c7 04 57 a0a0a0 a0"),
              "bytes behind the parts of a remote reference (at byte 6)");
    EXPECT_EQ(refused("c7 05 56 ff c0 a0 a0 c0"),
              "a number of a stream handle is missing (at byte 3)");
    EXPECT_EQ(refused("92 d457a0 05"),
              "an extension ends inside text: 1 bytes wanted, 0 left (at byte 4)");
    EXPECT_EQ(refused("d4 52 ff"), "invalid UTF-8 in text (at byte 2)");
}

TEST(Msgpack, ClaimsCostNothing) {
    // Five bytes that claim 67 million elements, and an extension of 4 GiB.
    EXPECT_EQ(refused("dd 04000000"),
              "an array claims 67108864 elements, but only 0 bytes follow (at byte 0)");
    EXPECT_EQ(refused("df ffffffff"),
              "an object claims 4294967295 keys, but only 0 bytes follow (at byte 0)");
    EXPECT_NE(refused("c9 ffffffff 51").find("ends inside an extension"), std::string::npos);
    EXPECT_NE(refused("db ffffffff").find("ends inside text"), std::string::npos);
}

TEST(Msgpack, Duplicates) {
    Result<Message> result = read_msgpack(hex("82 a161 01 a161 02"), {}, Duplicates::refuse);
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.error().describe(), "duplicate key 'a', first at byte 1 (at byte 4)");
    EXPECT_TRUE(read_msgpack(hex("92 81a16101 81a16102"), {}, Duplicates::refuse).ok());
}

TEST(Msgpack, Depth) {
    std::string deep(REFLOW_MAX_DEPTH, '\x91');
    EXPECT_TRUE(read_msgpack(deep + "\x01").ok());
    Result<Message> result = read_msgpack(deep + "\x91\x01");
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.error().status, REFLOW_ERROR_LIMIT);
    EXPECT_EQ(result.error().describe(), "nested deeper than 128 levels (max_depth) (at byte 128)");
    ReadLimits limits;
    limits.depth = 1;
    EXPECT_TRUE(read_msgpack(hex("91 01"), limits).ok());
    refused("91 c9 00000001 51 05", REFLOW_ERROR_LIMIT, limits);
    refused("91 c9 00000000 53", REFLOW_ERROR_LIMIT, limits);
    refused("91 c9 00000006 57 a16e a161 a170", REFLOW_ERROR_LIMIT, limits);
}

TEST(Msgpack, LimitsOfSizeAndElements) {
    ReadLimits limits;
    limits.elements = 3;
    EXPECT_TRUE(read_msgpack(hex("92 01 91 02"), limits).ok());
    refused("92 01 92 02 03", REFLOW_ERROR_LIMIT, limits);
    refused("c7 05 59 02 01020304", REFLOW_ERROR_LIMIT, limits);
    limits = {};
    limits.bytes = 2;
    refused("92 01 02", REFLOW_ERROR_LIMIT, limits);
}

TEST(Msgpack, EveryPrefixIsRefused) {
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        test::RandomMessages random(seed);
        std::string bytes = written(random.message(5));
        for (std::size_t size = 0; size < bytes.size() && size < 2000; ++size) {
            std::vector<char> piece(bytes.begin(),
                                    bytes.begin() + static_cast<std::ptrdiff_t>(size));
            EXPECT_FALSE(read_msgpack({piece.data(), size}).ok())
                << "seed " << seed << ", " << size;
        }
    }
}

TEST(Msgpack, RandomMessagesSurvive) {
    for (std::uint64_t seed = 1; seed <= 1000; ++seed) {
        test::RandomMessages random(seed);
        Message message = random.message(7);
        std::string bytes = written(message);
        Result<Message> back = read_msgpack(bytes);
        ASSERT_TRUE(back.ok()) << "seed " << seed << ": " << back.error().describe();
        ASSERT_TRUE(equal(message, back.value())) << "seed " << seed;
        // Also what equality does not see: packing, the order of keys, bits of NaN.
        ASSERT_EQ(written(back.value()), bytes) << "seed " << seed;
    }
}

TEST(Msgpack, TypeOfPackedNumbersSurvives) {
    for (reflow_number type = REFLOW_NUMBER_I8; type <= REFLOW_NUMBER_F64; ++type) {
        char data[32] = {1, 2, 3, 4, 5, 6, 7, 8};
        std::size_t count = sizeof data / Message::number_size(type);
        Result<Message> back = read_msgpack(written(Message::numbers(type, data, count)));
        ASSERT_TRUE(back.ok());
        EXPECT_EQ(back.value().numbers_type(), type);
        EXPECT_EQ(std::memcmp(back.value().numbers_data(), data, sizeof data), 0);
    }
}

TEST(Msgpack, MutatedBytesNeverCrash) {
    for (std::uint64_t seed = 1; seed <= 300; ++seed) {
        test::RandomMessages random(seed);
        std::string bytes = written(random.message(5));
        for (int change = 0; change < 50; ++change) {
            std::string changed = bytes;
            changed[random.below(changed.size())] = static_cast<char>(random.below(256));
            Result<Message> back = read_msgpack(changed);
            if (back.ok()) {
                EXPECT_FALSE(written(back.value()).empty());
            }
        }
    }
}

// Characters and broken ones at every place of a word, in memory of just their size.
TEST(Msgpack, TextsAreCheckedWhereverCharactersStand) {
    const std::string pieces[] = {"\xC3\xA9",     "\xE6\x9D\xB1", "\xF0\x9F\x98\x80",
                                  "\xC3",         "\x80",         "\xE6\x9D",
                                  "\xED\xA0\x80", "\xC0\x80",     "\xF4\x90\x80\x80",
                                  "\xFF",         "\xC3\xA9\xC3", "\xC3\xA9\xE6\x9D\xB1"};
    for (std::size_t before = 0; before < 40; ++before) {
        for (std::size_t behind : {0u, 1u, 7u, 8u, 9u, 17u}) {
            for (const std::string& piece : pieces) {
                std::string text = std::string(before, 'a') + piece + std::string(behind, 'z');
                std::string data = "\xD9" + std::string(1, static_cast<char>(text.size())) + text;
                std::vector<char> exact(data.begin(), data.end());
                Result<Message> read = read_msgpack({exact.data(), exact.size()});
                auto bad = invalid_utf8(text);
                ASSERT_EQ(read.ok(), !bad.has_value()) << before << ' ' << behind;
                if (bad) {
                    EXPECT_EQ(read.error().offset, 2 + *bad);
                } else {
                    EXPECT_EQ(read.value().text(), text);
                }
            }
        }
    }
}

}  // namespace
}  // namespace reflow
