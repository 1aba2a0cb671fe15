// Plain JSON in: what is read and what is refused, where, and with which words.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <random>

#include "codec/json.hpp"

namespace reflow {
namespace {

using codec::Duplicates;
using codec::Places;
using codec::read_json;
using codec::ReadLimits;

Message read(std::string_view text) {
    Result<Message> result = read_json(text);
    EXPECT_TRUE(result.ok()) << text << ": " << result.error().describe();
    return result.ok() ? std::move(result).take() : Message();
}

std::string refused(std::string_view text, reflow_status status = REFLOW_ERROR_PARSE,
                    const ReadLimits& limits = {}) {
    Result<Message> result = read_json(text, limits);
    if (result.ok()) return "was read";
    EXPECT_EQ(result.error().status, status) << text;
    EXPECT_GE(result.error().line, 1u);
    EXPECT_GE(result.error().column, 1u);
    return std::string(result.error().describe());
}

TEST(JsonRead, Scalars) {
    EXPECT_TRUE(read("null").is(REFLOW_KIND_NULL));
    EXPECT_TRUE(read(" \t\r\n true ").boolean());
    EXPECT_TRUE(read("false").is(REFLOW_KIND_BOOLEAN));
    EXPECT_EQ(read("0").integer(), 0);
    EXPECT_EQ(read("-7").integer(), -7);
    EXPECT_EQ(read("\"text\"").text(), "text");
    EXPECT_EQ(read("\"\"").text(), "");
}

TEST(JsonRead, IntegersAreExact) {
    EXPECT_EQ(read("9223372036854775807").integer(), INT64_MAX);
    EXPECT_EQ(read("-9223372036854775808").integer(), INT64_MIN);
    EXPECT_EQ(read("9007199254740993").integer(), 9007199254740993);
    EXPECT_EQ(read("999999999999999999").integer(), 999999999999999999);
    EXPECT_EQ(read("1000000000000000000").integer(), 1000000000000000000);
    EXPECT_TRUE(read("-0").is(REFLOW_KIND_INTEGER));
}

TEST(JsonRead, LargerIntegersAreFloatsOnlyIfExact) {
    EXPECT_TRUE(read("9223372036854775808").is(REFLOW_KIND_FLOAT));
    EXPECT_EQ(read("9223372036854775808").real(), 9223372036854775808.0);
    EXPECT_EQ(read("-18446744073709551616").real(), -18446744073709551616.0);
    EXPECT_EQ(read("100000000000000000000").real(), 1e20);
    EXPECT_EQ(refused("-9223372036854775809"),
              "line 1, column 1: integer -9223372036854775809 is beyond 64 bits and not exact as a "
              "float");
    EXPECT_EQ(refused("18446744073709551615"),
              "line 1, column 1: integer 18446744073709551615 is beyond 64 bits and not exact as a "
              "float");
    // 2^1023 has 308 digits and is a float; one more is not.
    char digits[400];
    std::snprintf(digits, sizeof digits, "%.0f", std::ldexp(1.0, 1023));
    EXPECT_EQ(read(digits).real(), std::ldexp(1.0, 1023));
    digits[std::strlen(digits) - 1] = '9';
    EXPECT_NE(refused(digits).find("beyond 64 bits"), std::string::npos);
    EXPECT_NE(refused(std::string(400, '9')).find("beyond 64 bits"), std::string::npos);
}

TEST(JsonRead, FloatsOfInterest) {
    EXPECT_TRUE(read("1.0").is(REFLOW_KIND_FLOAT));
    EXPECT_TRUE(read("1e3").is(REFLOW_KIND_FLOAT));
    EXPECT_TRUE(std::signbit(read("-0.0").real()));
    EXPECT_EQ(read("2.2250738585072011e-308").real(), 2.2250738585072011e-308);
    EXPECT_EQ(read("4.9e-324").real(), 4.9e-324);
    EXPECT_EQ(read("1e-400").real(), 0.0);
    EXPECT_TRUE(std::signbit(read("-1e-400").real()));
    EXPECT_EQ(read("1.7976931348623157e308").real(), 1.7976931348623157e308);
    EXPECT_EQ(read("0.1E+1").real(), 1.0);
    EXPECT_EQ(read("0e999999999999999999999").real(), 0.0);
    EXPECT_EQ(refused("1e400"), "line 1, column 1: number 1e400 is too large for a float");
    EXPECT_NE(refused("[-1.8e308]").find("too large"), std::string::npos);
    EXPECT_NE(refused("0.001e9999999999999999999").find("too large"), std::string::npos);
}

TEST(JsonRead, FloatsAreRoundedLikeTheCLibrary) {
    std::uint64_t seed = 20240501;
    std::mt19937_64 random(seed);
    for (int i = 0; i < 20000; ++i) {
        std::string text;
        for (std::uint64_t digits = 1 + random() % 25; digits > 0; --digits) {
            text.push_back(static_cast<char>('0' + random() % 10));
        }
        text.insert(1, ".");
        if (text.size() == 2) text += "5";
        if (random() % 2 == 0) {
            text += "e" + std::to_string(static_cast<int>(random() % 600) - 320);
        }
        double expected = std::strtod(text.c_str(), nullptr);
        Result<Message> result = read_json(text);
        if (!std::isfinite(expected)) {
            EXPECT_FALSE(result.ok()) << text << ", seed " << seed;
            continue;
        }
        ASSERT_TRUE(result.ok()) << text << ", seed " << seed;
        ASSERT_EQ(result.value().real(), expected) << text << ", seed " << seed;
    }
}

TEST(JsonRead, Strings) {
    EXPECT_EQ(read(R"("\"\\\/\b\f\n\r\t")").text(), "\"\\/\b\f\n\r\t");
    EXPECT_EQ(read(R"("a\u0000b")").text(), std::string_view("a\0b", 3));
    EXPECT_EQ(read(R"("\u00e9\u20AC")").text(), "é€");
    EXPECT_EQ(read(R"("\ud83d\ude00")").text(), "😀");
    EXPECT_EQ(read(R"("\uDBFF\uDFFF")").text(), "\xF4\x8F\xBF\xBF");
    EXPECT_EQ(read("\"é€😀\x7f\"").text(), "é€😀\x7f");
    // The reader looks at eight bytes at a time: whatever ends a run may stand anywhere.
    for (std::size_t length = 0; length < 40; ++length) {
        std::string run(length, 'x');
        EXPECT_EQ(read("\"" + run + "\"").text(), run);
        EXPECT_EQ(read("\"" + run + "\\n" + run + "\"").text(), run + "\n" + run);
        EXPECT_EQ(read("\"" + run + "é" + run + "\"").text(), run + "é" + run);
        EXPECT_NE(refused("\"" + run + "\x1f" + run + "\"").find("control character"),
                  std::string::npos);
        EXPECT_NE(refused("\"" + run + "\xff" + run + "\"").find("UTF-8"), std::string::npos);
        EXPECT_NE(refused("\"" + run).find("ends inside a string"), std::string::npos);
    }
}

TEST(JsonRead, Containers) {
    Message message = read(R"({"a":[1,2,3],"b":{"c":null},"":[]})");
    EXPECT_EQ(message.size(), 3u);
    EXPECT_EQ(message.get("a").numbers_type(), REFLOW_NUMBER_I64);
    EXPECT_TRUE(message.get("b").get("c").is(REFLOW_KIND_NULL));
    EXPECT_EQ(message.key_at(2), "");
    EXPECT_EQ(read("[1.5,2.5]").numbers_type(), REFLOW_NUMBER_F64);
    EXPECT_EQ(read("[1,2.5]").numbers_type(), 0);
    EXPECT_EQ(read("[1,2.5]").at(0).kind(), REFLOW_KIND_INTEGER);
}

TEST(JsonRead, ObjectsShareTheStringsOfTheirKeys) {
    Message message = read(R"([{"name":1},{"name":2}])");
    EXPECT_EQ(message.at(0).key_at(0).data(), message.at(1).key_at(0).data());
}

TEST(JsonRead, KeysThatLookAlikeStayApart) {
    // Keys of one length with the same first and last eight bytes, and many keys in one object.
    Message message = read(R"({"12345678A12345678":1,"12345678B12345678":2})");
    EXPECT_EQ(message.get("12345678A12345678").integer(), 1);
    EXPECT_EQ(message.get("12345678B12345678").integer(), 2);
    std::string text = "{";
    for (int i = 0; i < 5000; ++i) {
        text += (i == 0 ? "\"k" : ",\"k") + std::to_string(i) + "\":\"v" + std::to_string(i) + "\"";
    }
    Message many = read(text + "}");
    for (int i = 0; i < 5000; ++i) {
        ASSERT_EQ(many.get("k" + std::to_string(i)).text(), "v" + std::to_string(i));
    }
}

TEST(JsonRead, Duplicates) {
    EXPECT_EQ(read(R"({"a":1,"b":2,"a":3})").get("a").integer(), 3);
    Result<Message> result =
        read_json("{\"b\":{\"a\":1},\n  \"a\":[{\"a\":0}],\n  \"a\":3}", {}, Duplicates::refuse);
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.error().describe(),
              "line 3, column 3: duplicate key 'a', first at line 2, column 3");
    EXPECT_TRUE(read_json(R"([{"a":1},{"a":2}])", {}, Duplicates::refuse).ok());
    // Written differently, but the same key.
    EXPECT_FALSE(read_json(R"({"a":1,"\u0061":2})", {}, Duplicates::refuse).ok());
}

TEST(JsonRead, PlacesOfValues) {
    Places places;
    std::string_view text = "{\"a\": [1,\n {\"my key\": true}],\n\"b\":{}}";
    ASSERT_TRUE(read_json(text, {}, Duplicates::refuse, &places).ok());
    ASSERT_EQ(places.size(), 6u);
    auto place = [&](std::string_view path) {
        auto found = places.find(path);
        if (found == places.end()) return std::string("missing");
        return std::to_string(found->second.line) + ":" + std::to_string(found->second.column) +
               ":" + std::to_string(found->second.offset);
    };
    EXPECT_EQ(place("$"), "1:1:0");
    EXPECT_EQ(place("$.a"), "1:7:6");
    EXPECT_EQ(place("$.a[0]"), "1:8:7");
    EXPECT_EQ(place("$.a[1]"), "2:2:11");
    EXPECT_EQ(place("$.a[1][\"my key\"]"), "2:13:22");
    EXPECT_EQ(place("$.b"), "3:5:34");
}

TEST(JsonRead, ErrorsNameTheFactAndThePlace) {
    const std::pair<const char*, const char*> table[] = {
        {"", "line 1, column 1: the text is empty, a JSON value was expected"},
        {"  ", "line 1, column 3: the text ends where a value was expected"},
        {"[1,]",
         "line 1, column 4: unexpected ']' where a value was expected (JSON has no comma "
         "before the closing bracket)"},
        {"{\"a\":1,}",
         "line 1, column 8: unexpected '}' where a key in quotes was expected (JSON "
         "has no comma before '}')"},
        {"[1 2]", "line 1, column 4: unexpected '2' where ',' or ']' was expected"},
        {"{\"a\" 1}", "line 1, column 6: unexpected '1' where ':' was expected"},
        {"{a:1}", "line 1, column 2: unexpected 'a' where a key in quotes was expected"},
        {"\n\n nul", "line 3, column 2: unexpected 'n' where a value was expected"},
        {"1 x", "line 1, column 3: unexpected 'x' after the end of the document"},
        {"01", "line 1, column 1: a number begins with a zero that means nothing"},
        {"1.", "line 1, column 3: the text ends where a digit behind the point was expected"},
        {"1e", "line 1, column 3: the text ends where a digit of the exponent was expected"},
        {"-", "line 1, column 2: the text ends where a digit was expected"},
        {"+1",
         "line 1, column 1: unexpected '+' where a value was expected (JSON numbers have no "
         "plus sign)"},
        {"NaN",
         "line 1, column 1: unexpected 'N' where a value was expected (JSON has no NaN and "
         "no infinities)"},
        {"'a'",
         "line 1, column 1: unexpected ''' where a value was expected (strings stand in "
         "double quotes)"},
        {"[1] // x", "line 1, column 5: unexpected '/' after the end of the document"},
        {"\"\\x41\"", "line 1, column 2: unknown escape of 'x'"},
        {"\"\\u12G4\"", "line 1, column 2: \\u needs four hexadecimal digits"},
        {"\"\\ud800\"", "line 1, column 2: half of a surrogate pair: \\ud800"},
        {"\"\\ud800\\u0041\"", "line 1, column 2: half of a surrogate pair: \\ud800"},
        {"\"\\udc00\"", "line 1, column 2: half of a surrogate pair: \\udc00"},
        {"\"a\nb\"",
         "line 1, column 3: control character byte 0x0A in a string (write it as an "
         "escape, such as \\n or \\u001f)"},
        {"[\"\xC3\x28\"]", "line 1, column 3: invalid UTF-8"},
        {"[\"\xED\xA0\x80\"]", "line 1, column 3: invalid UTF-8"},
        {"\xEF\xBB\xBF{}",
         "line 1, column 1: the text begins with a byte-order mark, which JSON "
         "does not have (write the text as UTF-8 without a mark)"},
        {"\xFE\xFF", "line 1, column 1: the text is UTF-16, JSON is UTF-8"},
        {"[", "line 1, column 2: the text ends where a value was expected"},
        {"{", "line 1, column 2: the text ends where a key in quotes was expected"},
        {"[\x80]", "line 1, column 2: unexpected byte 0x80 where a value was expected"},
    };
    for (auto [text, message] : table) EXPECT_EQ(refused(text), message) << text;
}

TEST(JsonRead, OffsetIsInBytes) {
    Result<Message> result = read_json("[\"é\",\n\"é\", x]");
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.error().line, 2u);
    EXPECT_EQ(result.error().column, 7u);
    EXPECT_EQ(result.error().offset, 13u);
}

TEST(JsonRead, EveryPrefixOfADocumentIsRefused) {
    std::string_view text = R"({"a":[1,-2.5e3,"x\u00e9\n",true,null],"b":{"c":{}}})";
    ASSERT_TRUE(read_json(text).ok());
    for (std::size_t size = 0; size < text.size(); ++size) {
        // Memory of exactly this size, so that a sanitizer sees a step too far.
        std::vector<char> piece(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(size));
        EXPECT_FALSE(read_json({piece.data(), size}).ok()) << size;
    }
}

TEST(JsonRead, Depth) {
    auto nested = [](std::size_t levels) {
        return std::string(levels, '[') + std::string(levels, ']');
    };
    EXPECT_EQ(read(nested(REFLOW_MAX_DEPTH)).depth(), unsigned{REFLOW_MAX_DEPTH});
    EXPECT_EQ(refused(nested(REFLOW_MAX_DEPTH + 1), REFLOW_ERROR_LIMIT),
              "line 1, column 129: nested deeper than 128 levels (max_depth)");
    ReadLimits limits;
    limits.depth = 2;
    EXPECT_TRUE(read_json("[{\"a\":1}]", limits).ok());
    EXPECT_EQ(refused("[{\"a\":[]}]", REFLOW_ERROR_LIMIT, limits),
              "line 1, column 7: nested deeper than 2 levels (max_depth)");
    limits.depth = 1000;  // more than there can be
    EXPECT_FALSE(read_json(nested(129), limits).ok());
}

TEST(JsonRead, HundredMegabytesOfBrackets) {
    std::string text(100'000'000, '[');
    EXPECT_EQ(refused(text, REFLOW_ERROR_LIMIT),
              "line 1, column 129: nested deeper than 128 levels (max_depth)");
}

TEST(JsonRead, LimitsOfSizeAndElements) {
    ReadLimits limits;
    limits.bytes = 4;
    EXPECT_TRUE(read_json("1234", limits).ok());
    EXPECT_EQ(refused("12345", REFLOW_ERROR_LIMIT, limits),
              "line 1, column 1: input of 5 bytes is longer than 4 bytes (max_bytes)");
    limits = {};
    limits.elements = 3;
    EXPECT_TRUE(read_json("[1,2,3]", limits).ok());
    EXPECT_TRUE(read_json("{\"a\":[1,2]}", limits).ok());
    EXPECT_EQ(refused("[1,2,3,4]", REFLOW_ERROR_LIMIT, limits),
              "line 1, column 9: more than 3 elements and keys (max_elements)");
    EXPECT_NE(refused("{\"a\":[1,2,3]}", REFLOW_ERROR_LIMIT, limits).find("max_elements"),
              std::string::npos);
}

}  // namespace
}  // namespace reflow
