// Long strings of JSON: escapes and characters at every place of a window, with wide registers where
// the processor has them and without.
#include <gtest/gtest.h>

#include <functional>
#include <random>
#include <string>
#include <vector>

#include "base/text.hpp"
#include "codec/json_reader.hpp"
#include "codec/wide_text.hpp"

namespace reflow {
namespace {

using codec::JsonReader;

struct Read {
    bool ok;
    std::string text;  // that was read, or what the error says
    std::uint64_t offset;
};

Read read(std::string_view text, bool narrow) {
    JsonReader::Options options;
    options.narrow = narrow;
    Result<Message> result = JsonReader(options).read(text);
    if (!result.ok()) {
        return {false, std::string(result.error().describe()), result.error().offset};
    }
    return {true, std::string(result.value().text()), 0};
}

// The text as it is, in memory of just its size, at any alignment: whoever reads beyond it is told
// by a sanitizer.
Read read_exactly(const std::string& text, bool narrow) {
    std::vector<char> exact(text.begin(), text.end());
    return read({exact.data(), exact.size()}, narrow);
}

// Both ways agree; what they say.
Read both(const std::string& text) {
    Read narrow = read_exactly(text, true);
    Read wide = read_exactly(text, false);
    EXPECT_EQ(wide.ok, narrow.ok) << text;
    EXPECT_EQ(wide.text, narrow.text) << text;
    EXPECT_EQ(wide.offset, narrow.offset) << text;
    return wide;
}

// A string that is long enough before and behind something.
std::string around(std::size_t before, std::string_view something) {
    // What begins a string with an escape, so that it is not a piece of the input.
    return "\"\\n" + std::string(before, 'b') + std::string(something) + std::string(400, 'a') + '"';
}
std::string meant(std::size_t before, std::string_view something) {
    return "\n" + std::string(before, 'b') + std::string(something) + std::string(400, 'a');
}

void at_every_place(const std::function<void(std::size_t before)>& test) {
    for (std::size_t before = 180; before < 320; ++before) test(before);
}

TEST(JsonText, EscapesAtEveryPlace) {
    struct {
        std::string_view written, means;
    } const escapes[] = {{"\\n", "\n"},         {"\\\"", "\""},         {"\\\\", "\\"},
                         {"\\/", "/"},          {"\\b\\f\\r\\t", "\b\f\r\t"},
                         {"\\u00e9", "\xC3\xA9"}, {"\\ud83d\\ude00", "\xF0\x9F\x98\x80"},
                         {"\\\\\\\"\\\\", "\\\"\\"}};
    for (const auto& escape : escapes) {
        at_every_place([&](std::size_t before) {
            Read result = both(around(before, escape.written));
            ASSERT_TRUE(result.ok) << result.text;
            ASSERT_EQ(result.text, meant(before, escape.means));
        });
    }
}

TEST(JsonText, RowsOfBackslashes) {
    for (std::size_t count = 2; count < 200; count += 2) {
        Read result = both(around(190 + count % 7, std::string(count, '\\')));
        ASSERT_TRUE(result.ok);
        ASSERT_EQ(result.text, meant(190 + count % 7, std::string(count / 2, '\\')));
        // One more hides the quote behind it.
        Read open = both("\"\\n" + std::string(300, 'b') + std::string(count + 1, '\\') + '"' +
                         std::string(300, ' '));
        ASSERT_FALSE(open.ok);
    }
}

TEST(JsonText, WhatIsNoEscape) {
    for (unsigned byte = 0; byte < 256; ++byte) {
        if (byte == 'u') continue;
        const std::string after(1, static_cast<char>(byte));
        const bool simple = std::string_view("\"\\/bfnrt").find(after) != std::string::npos;
        for (std::size_t before : {200u, 230u, 231u, 254u, 255u, 256u, 257u, 258u}) {
            ASSERT_EQ(both(around(before, "\\" + after)).ok, simple) << byte;
        }
    }
}

TEST(JsonText, TwoBytesAtEveryPlace) {
    // Every first byte with the second ones that tell the rows of the table of UTF-8 apart.
    for (unsigned first = 0x80; first < 256; ++first) {
        for (unsigned second : {0x22u, 0x5Cu, 0x61u, 0x7Fu, 0x80u, 0x8Fu, 0x90u, 0x9Fu, 0xA0u, 0xBFu,
                                0xC2u, 0xFFu}) {
            for (unsigned more = 0; more < 4; ++more) {
                std::string bytes{static_cast<char>(first), static_cast<char>(second)};
                bytes.append(more, '\x80');
                if (second == '"' || second == '\\') continue;
                const bool valid = !invalid_utf8(bytes).has_value();
                for (std::size_t before : {250u, 251u, 252u, 253u, 254u, 255u, 256u, 285u}) {
                    Read result = both(around(before, bytes));
                    ASSERT_EQ(result.ok, valid) << first << ' ' << second << ' ' << more;
                    if (valid) {
                        ASSERT_EQ(result.text, meant(before, bytes));
                    }
                }
            }
        }
    }
}

TEST(JsonText, AStringThatEndsInsideOfACharacter) {
    for (std::string_view cut : {"\xC3", "\xE2\x82", "\xF0\x9F\x98", "\xE2", "\xF0"}) {
        at_every_place([&](std::size_t before) {
            std::string text = "\"\\n" + std::string(before, 'b') + std::string(cut) + '"';
            Read result = both(text + std::string(300, ' '));
            ASSERT_FALSE(result.ok);
            ASSERT_EQ(result.offset, 3 + before);
            ASSERT_FALSE(both(text).ok);
        });
    }
}

TEST(JsonText, ControlCharactersAreFoundWhereTheyStand) {
    for (char byte : {'\0', '\n', '\x1F'}) {
        at_every_place([&](std::size_t before) {
            Read result = both(around(before, {&byte, 1}));
            ASSERT_FALSE(result.ok);
            ASSERT_EQ(result.offset, 3 + before);
        });
    }
    at_every_place([&](std::size_t before) { ASSERT_TRUE(both(around(before, "\x7F")).ok); });
}

TEST(JsonText, RandomTexts) {
    std::mt19937 random(20261130);
    auto below = [&](unsigned limit) { return static_cast<unsigned>(random() % limit); };
    struct {
        std::string_view written, means;
    } const parts[] = {{"\\n", "\n"},       {"\\\"", "\""},        {"\\\\", "\\"},
                       {"\xC3\xA9", "\xC3\xA9"}, {"\xE2\x82\xAC", "\xE2\x82\xAC"},
                       {"\xED\x9F\xBF", "\xED\x9F\xBF"}, {"\xF0\x9F\x98\x80", "\xF0\x9F\x98\x80"},
                       {"\\u0041", "A"},    {"\\/", "/"}};
    for (int round = 0; round < 3000; ++round) {
        // Some have many of them, and some few.
        const unsigned every = 1 + below(60);
        const std::size_t size = below(900);
        std::string written = "\"", means;
        while (written.size() < size) {
            if (below(every) == 0) {
                const auto& part = parts[below(round % 3 == 0 ? 9 : 7)];
                written += part.written;
                means += part.means;
            } else {
                written += static_cast<char>('a' + below(26));
                means += written.back();
            }
        }
        written += '"';
        if (round % 2 == 0) written.append(below(300), ' ');
        Read result = both(written);
        ASSERT_TRUE(result.ok) << written << ": " << result.text;
        ASSERT_EQ(result.text, means) << written;
        // One byte wrong: both ways say the same of it.
        written[below(static_cast<unsigned>(written.size()))] = static_cast<char>(below(256));
        (void)both(written);
    }
}

// Which way this machine has taken.
TEST(JsonText, TellsWhetherItIsWide) {
    if (!codec::has_wide_text()) GTEST_SKIP() << "this processor has no wide registers";
    std::string text = std::string(640, 'x') + '"';
    char to[704];
    codec::WideText result =
        codec::read_wide_text(text.data(), text.data() + text.size(), to, to + sizeof to);
    EXPECT_EQ(result.at - text.data(), 640);
    EXPECT_EQ(result.to - to, 640);
}

}  // namespace
}  // namespace reflow
