#include "base/text.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "random.hpp"

namespace reflow {
namespace {

// Decodes by the definition of UTF-8 (a code point and the shortest form of it), not by a table.
bool valid_by_definition(std::string_view text) {
    std::size_t at = 0;
    while (at < text.size()) {
        unsigned first = static_cast<unsigned char>(text[at]);
        std::size_t length = first < 0x80 ? 1 : first >> 5 == 6 ? 2 : first >> 4 == 14 ? 3 : 4;
        if (first >= 0x80 && first >> 6 == 2) return false;
        if (length == 4 && first >> 3 != 30) return false;
        if (at + length > text.size()) return false;
        std::uint32_t point = length == 1 ? first : first & (0x7fu >> length);
        for (std::size_t i = 1; i < length; ++i) {
            unsigned byte = static_cast<unsigned char>(text[at + i]);
            if (byte >> 6 != 2) return false;
            point = point << 6 | (byte & 0x3f);
        }
        static constexpr std::uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
        if (point < least[length] || point > 0x10ffff) return false;
        if (point >= 0xd800 && point <= 0xdfff) return false;
        at += length;
    }
    return true;
}

TEST(Text, Utf8OfUpToThreeBytesIsJudgedByTheDefinition) {
    for (unsigned a = 0; a < 256; ++a) {
        for (unsigned b = 0; b < 256; ++b) {
            char two[] = {static_cast<char>(a), static_cast<char>(b)};
            ASSERT_EQ(!invalid_utf8({two, 2}), valid_by_definition({two, 2})) << a << " " << b;
            if (a < 0xe0) continue;
            for (unsigned c = 0x70; c < 256; ++c) {
                char three[] = {two[0], two[1], static_cast<char>(c)};
                ASSERT_EQ(!invalid_utf8({three, 3}), valid_by_definition({three, 3}));
            }
        }
    }
}

TEST(Text, Utf8OfFourBytesIsJudgedByTheDefinition) {
    for (unsigned a = 0xef; a < 0xf9; ++a) {
        for (unsigned b = 0x7e; b < 0xc2; ++b) {
            for (unsigned c : {0x7fu, 0x80u, 0xbfu, 0xc0u}) {
                for (unsigned d : {0x7fu, 0x80u, 0xbfu, 0xc0u}) {
                    char text[] = {static_cast<char>(a), static_cast<char>(b), static_cast<char>(c),
                                   static_cast<char>(d)};
                    ASSERT_EQ(!invalid_utf8({text, 4}), valid_by_definition({text, 4}));
                }
            }
        }
    }
}

TEST(Text, TheOffsetIsThatOfTheFirstBadByteWhateverStandsBefore) {
    for (std::size_t before = 0; before < 40; ++before) {
        std::string text(before, 'x');
        text += "\xff";
        text += "and more";
        ASSERT_EQ(invalid_utf8(text), before);
        std::string two(before, 'x');
        two += "\xc3\xa4";  // a letter of two bytes, then half of one
        two += "\xc3";
        ASSERT_EQ(invalid_utf8(two), before + 2);
    }
    EXPECT_EQ(invalid_utf8(std::string_view("a\0b", 3)), std::nullopt);
    EXPECT_EQ(invalid_utf8(""), std::nullopt);
}

// In long texts many bytes are judged at once, and it must not matter where among them something
// stands, nor whether what is around is all ASCII, has few other characters or nothing else.
TEST(Text, Utf8IsJudgedAlikeWhereverItStandsInALongText) {
    testing::Random random(13);
    for (const char* around : {"x", "xxxxxxx\xc3\xa4xxxxxxxxxxxxxxxxx", "\xc3\xa4", "\xe6\x9d\xb1",
                               "\xf0\x9f\x98\x80", "\xed\x9f\xbf\xe0\xa0\x80\xf4\x8f\xbf\xbf"}) {
        std::string text;
        while (text.size() < 250) text += around;
        ASSERT_FALSE(invalid_utf8(text));
        for (std::size_t at = 0; at < text.size(); ++at) {
            ASSERT_EQ(!invalid_utf8(text.substr(0, at)), valid_by_definition(text.substr(0, at)));
            for (int round = 0; round < 60; ++round) {
                std::string other = text;
                static constexpr unsigned bytes[] = {
                    'x',  0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf,
                    0xe0, 0xec, 0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xf8, 0xff};
                for (std::size_t i = at; i < other.size() && i < at + 1 + random.below(4); ++i) {
                    other[i] = static_cast<char>(bytes[random.below(std::size(bytes))]);
                }
                auto bad = invalid_utf8(other);
                ASSERT_EQ(!bad, valid_by_definition(other)) << around << " at " << at;
                // What stands before is right, and no more of it is.
                if (!bad) continue;
                ASSERT_TRUE(valid_by_definition(other.substr(0, *bad)));
                for (std::size_t length = 1; length <= 4 && *bad + length <= other.size();
                     ++length) {
                    ASSERT_FALSE(valid_by_definition(other.substr(*bad, length)));
                }
            }
        }
    }
}

TEST(Text, RepairedTextIsValidAndKeepsWhatWas) {
    EXPECT_EQ(repair_utf8("a\xff"
                          "b"),
              "a\xEF\xBF\xBD"
              "b");
    EXPECT_EQ(repair_utf8("gr\xc3\xbc\xc3\x9f"), "gr\xc3\xbc\xc3\x9f");
    testing::Random random(7);
    for (int round = 0; round < 2000; ++round) {
        std::string text(random.below(20), '\0');
        for (char& letter : text) letter = static_cast<char>(random.next());
        String repaired = repair_utf8(text);
        ASSERT_FALSE(invalid_utf8(repaired));
        if (!invalid_utf8(text)) {
            ASSERT_EQ(std::string_view(repaired), text);
        }
    }
}

TEST(Text, NumbersReadBack) {
    for (std::int64_t value : {std::int64_t{0}, std::int64_t{-1}, INT64_MIN, INT64_MAX}) {
        EXPECT_EQ(concat(value), String(std::to_string(value)));
    }
    EXPECT_EQ(concat(UINT64_MAX), "18446744073709551615");
    EXPECT_EQ(concat(1.0), "1.0");
    EXPECT_EQ(concat(-0.0), "-0.0");
    EXPECT_EQ(concat(0.1), "0.1");
    testing::Random random(11);
    for (int round = 0; round < 2000; ++round) {
        double value = std::bit_cast<double>(random.next());
        if (std::isnan(value)) continue;
        String text = concat(value);
        ASSERT_EQ(std::strtod(text.c_str(), nullptr), value) << text;
        ASSERT_NE(text.find_first_of(".en"), String::npos) << text;
    }
}

TEST(Text, ConcatTakesWhatErrorsAreMadeOf) {
    EXPECT_EQ(concat("port '", std::string_view("in"), "' of ", 3, ' ', 2.5, String("x")),
              "port 'in' of 3 2.5x");
}

// The distance by its recursive definition (optimal string alignment).
std::size_t slow_distance(std::string_view a, std::string_view b) {
    if (a.empty()) return b.size();
    if (b.empty()) return a.size();
    std::string_view a1 = a.substr(0, a.size() - 1);
    std::string_view b1 = b.substr(0, b.size() - 1);
    std::size_t best = slow_distance(a1, b1) + (a.back() == b.back() ? 0u : 1u);
    best = std::min(best, slow_distance(a1, b) + 1);
    best = std::min(best, slow_distance(a, b1) + 1);
    if (a.size() > 1 && b.size() > 1 && a.back() == b[b.size() - 2] &&
        a[a.size() - 2] == b.back()) {
        best =
            std::min(best, slow_distance(a.substr(0, a.size() - 2), b.substr(0, b.size() - 2)) + 1);
    }
    return best;
}

TEST(Text, NearestIsTheNearestByTheDefinition) {
    testing::Random random(3);
    for (int round = 0; round < 300; ++round) {
        auto word = [&] {
            std::string text(1 + random.below(6), 'a');
            for (char& letter : text) letter = static_cast<char>('a' + random.below(3));
            return text;
        };
        std::string name = word();
        std::vector<std::string> words;
        for (int i = 0; i < 5; ++i) words.push_back(word());
        std::vector<std::string_view> views(words.begin(), words.end());
        std::size_t best = std::max<std::size_t>(1, name.size() / 3) + 1;
        std::string_view expected;
        for (std::string_view candidate : views) {
            std::size_t steps = slow_distance(name, candidate);
            if (steps < best && steps < std::max(name.size(), candidate.size())) {
                best = steps;
                expected = candidate;
            }
        }
        ASSERT_EQ(nearest(name, views), expected) << name;
    }
}

TEST(Text, DidYouMeanIgnoresCaseAndWhatIsFarAway) {
    std::string_view known[] = {"Filter", "Map", "TablePrint"};
    EXPECT_EQ(did_you_mean("filtre", known), "did you mean 'Filter'?");
    EXPECT_EQ(did_you_mean("tableprint", known), "did you mean 'TablePrint'?");
    EXPECT_EQ(did_you_mean("Something", known), "");
    EXPECT_EQ(did_you_mean("", known), "");
    EXPECT_EQ(did_you_mean(std::string(100, 'x'), known), "");
    std::string long_name(64, 'x');
    std::string longer = long_name + "y";
    std::string_view both[] = {longer, long_name};
    EXPECT_EQ(nearest(long_name, both), std::string_view(long_name));
}

TEST(Text, ViewsOfTheHost) {
    EXPECT_EQ(view_of({nullptr, 0}), "");
    EXPECT_EQ(view_of({"abc", REFLOW_NUL_TERMINATED}), "abc");
    EXPECT_EQ(view_of({"abc", 2}), "ab");
    EXPECT_NE(to_view({}).data, nullptr);
}

}  // namespace
}  // namespace reflow
