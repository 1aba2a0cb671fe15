// Long rows of numbers in JSON and MessagePack: alone in their array, and with something else at any
// place of it.
#include <gtest/gtest.h>

#include <bit>
#include <new>
#include <string>
#include <vector>

#include "codec/json.hpp"
#include "codec/msgpack.hpp"
#include "failing_memory.hpp"
#include "random.hpp"

namespace reflow {
namespace {

using codec::read_json;
using codec::read_msgpack;
using testing::FailOnce;
using testing::memory_use;
using testing::MemoryUse;
using testing::Random;

constexpr std::size_t nowhere = SIZE_MAX;
constexpr std::size_t counts[] = {1,   2,   16,  17,   255,  256,  257, 479,
                                  480, 481, 511, 1021, 1022, 1023, 3000};

std::int64_t value_at(std::size_t i) { return static_cast<std::int64_t>(i * 7919) - 1'000'000; }

struct Odd {
    const char* json;
    std::string msgpack;
    reflow_kind kind;
};
const Odd odds[] = {{"\"x\"", "\xA1x", REFLOW_KIND_STRING},
                    {"7", "\x07", REFLOW_KIND_INTEGER},
                    {"7.25", std::string("\xCA\x40\xE8\0\0", 5), REFLOW_KIND_FLOAT},
                    {"9223372036854775808", std::string("\xCF\x80\0\0\0\0\0\0\0", 9),
                     REFLOW_KIND_FLOAT},
                    {"null", "\xC0", REFLOW_KIND_NULL},
                    {"[1,2]", "\x92\x01\x02", REFLOW_KIND_ARRAY}};

// [true,[row],"end"]
void check_row(MessageRef document, std::size_t count, std::size_t odd, reflow_kind odd_kind,
               bool real) {
    ASSERT_EQ(document.size(), 3u);
    EXPECT_TRUE(document.at(0).boolean());
    EXPECT_EQ(document.at(2).text(), "end");
    MessageRef row = document.at(1);
    ASSERT_EQ(row.size(), count);
    reflow_kind kind = real ? REFLOW_KIND_FLOAT : REFLOW_KIND_INTEGER;
    bool packed = odd == nowhere || odd_kind == kind ||
                  (count == 1 && (odd_kind == REFLOW_KIND_FLOAT || odd_kind == REFLOW_KIND_INTEGER));
    EXPECT_EQ(row.numbers_type() != 0, packed);
    for (std::size_t i = 0; i < count; ++i) {
        MessageRef element = row.at(i);
        ASSERT_EQ(element.kind(), i == odd ? odd_kind : kind) << i;
        if (i == odd) continue;
        double half = real ? 0.5 : 0;
        ASSERT_EQ(element.real(), static_cast<double>(value_at(i)) + half) << i;
    }
}

template <typename Try>
void try_rows(Try each) {
    for (std::size_t count : counts) {
        for (bool real : {false, true}) {
            each(count, nowhere, odds[0], real);
            for (const Odd& odd : odds) {
                for (std::size_t at : {std::size_t{0}, count / 2, count - 1}) {
                    each(count, at, odd, real);
                }
            }
        }
    }
}

std::string json_row(std::size_t count, std::size_t odd, const char* odd_text, bool real) {
    std::string json = "[true,[";
    for (std::size_t i = 0; i < count; ++i) {
        if (i != 0) json += i % 3 == 0 ? " , " : ",";
        char number[40];
        // Halves above whole numbers below zero are nearer to zero.
        double value = static_cast<double>(value_at(i)) + 0.5;
        std::snprintf(number, sizeof number, "%.1f", value);
        json += i == odd ? odd_text : real ? number : std::to_string(value_at(i));
    }
    return json + "\n],\"end\"]";
}

TEST(NumberRow, JsonRowsOfAllLengthsAndMixtures) {
    MemoryUse before = memory_use();
    try_rows([](std::size_t count, std::size_t at, const Odd& odd, bool real) {
        Result<Message> read = read_json(json_row(count, at, odd.json, real));
        ASSERT_TRUE(read.ok()) << read.error().message;
        check_row(read.value(), count, at, odd.kind, real);
    });
    EXPECT_EQ(memory_use(), before);
}

TEST(NumberRow, BrokenJsonRowsAreRefusedAndLeaveNothing) {
    MemoryUse before = memory_use();
    for (std::size_t count : counts) {
        for (const char* odd : {"x", "1 2", "1,]", "01", "-", "1e999"}) {
            for (std::size_t at : {std::size_t{0}, count / 2, count - 1}) {
                EXPECT_FALSE(read_json(json_row(count, at, odd, false)).ok()) << odd << count;
            }
        }
        std::string cut = json_row(count, nowhere, "", false);
        EXPECT_FALSE(read_json(cut.substr(0, cut.find('\n'))).ok());
        codec::ReadLimits limits;
        limits.elements = count + 1;  // and three outside
        EXPECT_EQ(read_json(cut, limits).error().status, REFLOW_ERROR_LIMIT);
    }
    EXPECT_EQ(memory_use(), before);
}

TEST(NumberRow, MemoryThatRunsOutLeavesNothing) {
    for (const char* odd : {"1", "\"x\""}) {
        std::string json = json_row(3000, 2999, odd, false);
        bool failed = true;
        for (std::int64_t successes = 0; failed; ++successes) {
            ASSERT_LT(successes, 1000);
            MemoryUse before = memory_use();
            FailOnce once(successes);
            try {
                EXPECT_TRUE(read_json(json).ok());
            } catch (const std::bad_alloc&) {
            }
            failed = once.failed();
            EXPECT_EQ(memory_use(), before);
        }
    }
}

// ---- MessagePack

void put_big_endian(std::string& to, std::uint64_t value, unsigned bytes) {
    while (bytes-- > 0) to += static_cast<char>(value >> (8 * bytes) & 0xFF);
}

void put_header(std::string& to, std::size_t count) {
    to += '\xDD';
    put_big_endian(to, count, 4);
}

std::string msgpack_row(std::size_t count, std::size_t odd, const Odd& other, bool real) {
    std::string bytes = "\x93\xC3";
    put_header(bytes, count);
    for (std::size_t i = 0; i < count; ++i) {
        if (i == odd) {
            bytes += other.msgpack;
        } else if (real) {
            bytes += '\xCB';
            put_big_endian(bytes,
                           std::bit_cast<std::uint64_t>(static_cast<double>(value_at(i)) + 0.5), 8);
        } else {
            bytes += i % 2 == 0 ? '\xD2' : '\xD3';
            put_big_endian(bytes, static_cast<std::uint64_t>(value_at(i)), i % 2 == 0 ? 4 : 8);
        }
    }
    return bytes + "\xA3" + "end";
}

TEST(NumberRow, MsgpackRowsOfAllLengthsAndMixtures) {
    MemoryUse before = memory_use();
    try_rows([](std::size_t count, std::size_t at, const Odd& odd, bool real) {
        std::string bytes = msgpack_row(count, at, odd, real);
        Result<Message> read = read_msgpack(bytes);
        ASSERT_TRUE(read.ok()) << read.error().message;
        check_row(read.value(), count, at, odd.kind, real);
    });
    EXPECT_EQ(memory_use(), before);
}

// Every form of integer with the values at its ends, with bytes behind it and at the end of the data.
TEST(NumberRow, MsgpackIntegersOfAllForms) {
    Random random(1);
    for (std::size_t count = 1; count < 200; ++count) {
        std::string bytes;
        put_header(bytes, count);
        std::vector<std::int64_t> expected;
        for (std::size_t i = 0; i < count; ++i) {
            auto form = static_cast<unsigned>(random.below(10));
            std::uint64_t value = random.one_in(2) ? random.next() : random.below(2) - 1;
            unsigned width = 1u << (form & 3);
            if (form >= 8) {
                auto small = static_cast<std::int64_t>(random.below(160)) - 32;
                bytes += static_cast<char>(small);
                expected.push_back(small);
                continue;
            }
            if (form == 3) value &= INT64_MAX;
            bytes += static_cast<char>(0xCC + form);
            put_big_endian(bytes, value, width);
            unsigned unused = 64 - 8 * width;
            std::uint64_t highest = value << unused;
            expected.push_back(form < 4 ? static_cast<std::int64_t>(highest >> unused)
                                        : static_cast<std::int64_t>(highest) >> unused);
        }
        Message row = read_msgpack(bytes).take();
        EXPECT_EQ(row.numbers_type(), REFLOW_NUMBER_I64);
        for (std::size_t i = 0; i < count; ++i) ASSERT_EQ(row.at(i).integer(), expected[i]);
        for (std::size_t cut = 1; cut < 10 && cut < bytes.size(); ++cut) {
            // In memory of just this size, so that nothing behind it may be looked at.
            std::vector<char> part(bytes.begin(), bytes.end() - static_cast<std::ptrdiff_t>(cut));
            EXPECT_FALSE(read_msgpack({part.data(), part.size()}).ok());
        }
    }
}

}  // namespace
}  // namespace reflow
