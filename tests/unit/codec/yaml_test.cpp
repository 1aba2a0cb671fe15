// YAML: what scalars mean, what is refused and where, and that what is written reads back.
#include <gtest/gtest.h>

#include <cmath>

#include "codec/json.hpp"
#include "codec/yaml.hpp"
#include "random_message.hpp"

namespace reflow {
namespace {

using codec::Places;
using codec::read_yaml;
using codec::ReadLimits;
using codec::write_yaml;

// What a text reads as, written as JSON.
std::string json(std::string_view text) {
    Result<Message> result = read_yaml(text);
    if (!result.ok()) return std::string(result.error().describe());
    String out;
    EXPECT_TRUE(codec::write_json(out, result.value()).ok());
    return std::string(out);
}

std::string written(MessageRef message) {
    String text;
    Result<void> result = write_yaml(text, message);
    EXPECT_TRUE(result.ok());
    return std::string(text);
}

TEST(Yaml, PlainScalars) {
    const std::pair<const char*, const char*> table[] = {
        {"null", "null"},
        {"~", "null"},
        {"Null", "null"},
        {"nULL", "\"nULL\""},
        {"true", "true"},
        {"False", "false"},
        {"yes", "\"yes\""},
        {"no", "\"no\""},
        {"on", "\"on\""},
        {"Off", "\"Off\""},
        {"y", "\"y\""},
        {"0", "0"},
        {"-0", "0"},
        {"+5", "5"},
        {"-12", "-12"},
        {"007", "\"007\""},
        {"-01", "\"-01\""},
        {"00.5", "\"00.5\""},
        {"1_000", "\"1_000\""},
        {"0o17", "15"},
        {"0x1F", "31"},
        {"0x1f", "31"},
        {"0x", "\"0x\""},
        {"0xg", "\"0xg\""},
        {"-0x1", "\"-0x1\""},
        {"0b1", "\"0b1\""},
        {"1:30", "\"1:30\""},
        {"2001-01-01", "\"2001-01-01\""},
        {"1.5", "1.5"},
        {"1.", "1.0"},
        {".5", "0.5"},
        {"-.5", "-0.5"},
        {"+.5e1", "5.0"},
        {"1e3", "1000.0"},
        {"1.5E-2", "0.015"},
        {"1e", "\"1e\""},
        {".", "\".\""},
        {"-", "[null]"},
        {"1.2.3", "\"1.2.3\""},
        {"9223372036854775807", "9223372036854775807"},
        {"9223372036854775808", "9223372036854775808.0"},
        {"0x7fffffffffffffff", "9223372036854775807"},
        {"0x8000000000000000", "9223372036854775808.0"},
        {"hello world", "\"hello world\""},
        {"a#b", "\"a#b\""},
        {"a # b", "\"a\""},
        {"'1'", "\"1\""},
        {"\"1\"", "\"1\""},
        {"\"a\\0b\\u20ac\\U0001F600\"", "\"a\\u0000b€😀\""},
        {"|\n  a\n  b\n", "\"a\\nb\\n\""},
        {">-\n  a\n  b\n", "\"a b\""},
        {"!!str 5", "\"5\""},
        {"! 5", "\"5\""},
        {"!!int \"5\"", "5"},
        {"!!float 5", "5.0"},
        {"!!null ''", "null"},
        {"!!bool true", "true"},
    };
    for (auto [text, expected] : table) EXPECT_EQ(json(text), expected) << text;
    EXPECT_EQ(read_yaml(".inf").value().real(), INFINITY);
    EXPECT_EQ(read_yaml("-.Inf").value().real(), -INFINITY);
    EXPECT_EQ(read_yaml("+.INF").value().real(), INFINITY);
    EXPECT_TRUE(std::isnan(read_yaml(".NaN").value().real()));
}

TEST(Yaml, Containers) {
    EXPECT_EQ(json("a: 1\nb:\n  - x\n  - y: [1, {z: ~}]\n"),
              R"({"a":1,"b":["x",{"y":[1,{"z":null}]}]})");
    EXPECT_EQ(json("{\"a\": [1, 2], \"b\": {}}"), R"({"a":[1,2],"b":{}})");
    EXPECT_EQ(json("a:\nb:\n"), R"({"a":null,"b":null})");
    EXPECT_EQ(json("\xEF\xBB\xBF"
                   "a: 1"),
              R"({"a":1})");
    EXPECT_EQ(json("%YAML 1.2\n---\na: 1\n...\n"), R"({"a":1})");
    EXPECT_EQ(json("---\n"), "null");
    EXPECT_EQ(json("!!map {a: !!seq []}"), R"({"a":[]})");
    EXPECT_EQ(json("\"yes\": 1\n'1': 2\n"), R"({"yes":1,"1":2})");
    EXPECT_EQ(read_yaml("[1, 2]").value().numbers_type(), REFLOW_NUMBER_I64);
}

TEST(Yaml, ByteOrderMark) {
    EXPECT_EQ("{\"a\":1,\"b\":{}}", json("\xEF\xBB\xBF" "a: 1\nb: {}\n"));
    EXPECT_EQ("{\"a\":1}", json("\xEF\xBB\xBF{a: 1}"));
    Result<Message> wrong = read_yaml("\xEF\xBB\xBF" "\xC3\xA4: 1\n\xC3\xA4" "b: *x\n");
    ASSERT_FALSE(wrong.ok());
    EXPECT_EQ(2u, wrong.error().line);
    EXPECT_EQ(6u, wrong.error().column);
    EXPECT_EQ(3u + 6u + 5u, wrong.error().offset);
    wrong = read_yaml("\xEF\xBB\xBF*x");
    ASSERT_FALSE(wrong.ok());
    EXPECT_EQ(1u, wrong.error().column);
    EXPECT_EQ(3u, wrong.error().offset);
}

TEST(Yaml, Refused) {
    const std::pair<const char*, const char*> table[] = {
        {"", "line 1, column 1: the text holds no YAML document"},
        {"a: 1\nb: 2\na: 3\n", "line 3, column 1: duplicate key 'a', first at line 1, column 1"},
        {"x: {é: 1, b: 2, é: 3}",
         "line 1, column 18: duplicate key 'é', first at line 1, column 5"},
        {"a: *x", "line 1, column 4: alias '*x' is not supported (write the value out)"},
        {"a: &x 1", "line 1, column 4: anchor '&x' is not supported"},
        {"&x a: 1", "line 1, column 1: anchor '&x' is not supported"},
        {"&x {a: 1}", "line 1, column 1: anchor '&x' is not supported"},
        {"- &x []", "line 1, column 3: anchor '&x' is not supported"},
        {"<<: {a: 1}", "line 1, column 1: merge key '<<' is not supported"},
        {"!foo 1", "line 1, column 1: tag '!foo' is not supported"},
        {"!!binary aGk=", "line 1, column 1: tag '!!binary' is not supported"},
        {"!!set {a: ~}", "line 1, column 1: tag 'tag:yaml.org,2002:set' is not supported"},
        {"!!int x", "line 1, column 1: 'x' is no !!int"},
        {"!!int 1.5", "line 1, column 1: '1.5' is no !!int"},
        {"a: 1\n---\nb: 2", "line 2, column 1: a second document begins where one was expected"},
        {"1: a", "line 1, column 1: key '1' is not a string but Integer (put it in quotes)"},
        {"~: a", "line 1, column 1: key '~' is not a string but null (put it in quotes)"},
        {"? \n: a", "line 1, column 2: key '' is not a string but null (put it in quotes)"},
        {"? [a]\n: b", "line 1, column 3: a key is a list or a mapping; keys are strings"},
        {"18446744073709551615",
         "line 1, column 1: integer 18446744073709551615 is beyond 64 bits and not exact as a "
         "float"},
        {"0xffffffffffffffff",
         "line 1, column 1: integer 0xffffffffffffffff is beyond 64 bits and not exact as a float"},
        {"0x10000000000000000",
         "line 1, column 1: integer 0x10000000000000000 is beyond 64 bits and not exact as a "
         "float"},
        {"[1, 1e999]", "line 1, column 5: number 1e999 is too large for a float"},
        {"a:\n\t- b",
         "line 2, column 1: found character that cannot start any token while "
         "scanning for the next token"},
        {"é: [\n1,",
         "line 3, column 1: did not find expected node content while parsing a flow "
         "node"},
        {"\xFF\xFE"
         "a",
         "line 1, column 1: the text is UTF-16, YAML is read as UTF-8 here"},
    };
    for (auto [text, expected] : table) {
        Result<Message> result = read_yaml(text);
        ASSERT_FALSE(result.ok()) << text;
        EXPECT_EQ(result.error().status, REFLOW_ERROR_PARSE) << text;
        EXPECT_EQ(result.error().describe(), expected) << text;
    }
    for (const char* text : {"a: \"\xC3\x28\"", "a: \"\xED\xA0\x80\"", "a: \x01", "\"\\ud83d\""}) {
        Result<Message> result = read_yaml(text);
        ASSERT_FALSE(result.ok()) << text;
        EXPECT_EQ(result.error().line, 1u) << text;
    }
}

TEST(Yaml, PlacesOfValues) {
    Places places;
    ASSERT_TRUE(read_yaml("é:\n  - a b: 1\n    c: [x, y]\n", {}, &places).ok());
    auto place = [&](std::string_view path) {
        auto found = places.find(path);
        if (found == places.end()) return std::string("missing");
        return std::to_string(found->second.line) + ":" + std::to_string(found->second.column) +
               ":" + std::to_string(found->second.offset);
    };
    EXPECT_EQ(places.size(), 7u);
    EXPECT_EQ(place("$"), "1:1:0");
    EXPECT_EQ(place("$[\"é\"]"), "2:3:6");
    EXPECT_EQ(place("$[\"é\"][0]"), "2:5:8");
    EXPECT_EQ(place("$[\"é\"][0][\"a b\"]"), "2:10:13");
    EXPECT_EQ(place("$[\"é\"][0].c"), "3:8:22");
    EXPECT_EQ(place("$[\"é\"][0].c[1]"), "3:12:26");
}

TEST(Yaml, Limits) {
    std::string deep = std::string(128, '[') + std::string(128, ']');
    EXPECT_TRUE(read_yaml(deep).ok());
    Result<Message> result = read_yaml("[" + deep + "]");
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.error().status, REFLOW_ERROR_LIMIT);
    EXPECT_EQ(result.error().describe(),
              "line 1, column 129: nested deeper than 128 levels (max_depth)");
    EXPECT_EQ(read_yaml(std::string(1'000'000, '[')).error().status, REFLOW_ERROR_LIMIT);
    std::string lists;
    for (int i = 0; i < 200; ++i) lists += "- ";
    EXPECT_EQ(read_yaml(lists).error().status, REFLOW_ERROR_LIMIT);
    ReadLimits limits;
    limits.elements = 2;
    EXPECT_TRUE(read_yaml("[1, 2]", limits).ok());
    EXPECT_EQ(read_yaml("[1, 2, 3]", limits).error().status, REFLOW_ERROR_LIMIT);
    limits = {};
    limits.bytes = 3;
    EXPECT_EQ(read_yaml("[1, 2]", limits).error().status, REFLOW_ERROR_LIMIT);
}

TEST(Yaml, BlockStyle) {
    Message message =
        codec::read_json(R"({"name":"a b","list":["x",{"k":[1,2,3],"e":{}}],"none":null,)"
                         R"("text":"one\ntwo\n","f":1e23})")
            .take();
    EXPECT_EQ(written(message), R"(name: a b
list:
- x
- k: [1, 2, 3]
  e: {}
none: null
text: |
  one
  two
f: 1.0e+23
)");
}

TEST(Yaml, StringsAreQuotedWhereTheyWouldReadAsSomethingElse) {
    for (const char* text : {"",         "null",
                             "~",        "true",
                             "True",     "yes",
                             "NO",       "on",
                             "y",        "N",
                             "1",        "-1",
                             "1.5",      ".5",
                             ".inf",     "0x1f",
                             "0o7",      "1_000",
                             "1:30",     "2001-01-01",
                             "<<",       "=",
                             "- a",      "a: b",
                             "a #b",     "&a",
                             "*a",       "!a",
                             "%a",       "@a",
                             "`a",       "{a",
                             "[a",       "a\nb",
                             " a",       "a ",
                             "a\tb",     "'a'",
                             "\"a",      "|",
                             ">",        "? a",
                             ": a",      "---",
                             "...",      "#a",
                             "a:",       "\xEF\xBB\xBF",
                             "\x7f",     "a\rb",
                             "\n",       "a\n",
                             "a\n\n",    "\na",
                             "a\n b\n",  " \n",
                             "\xC2\x85", "\xE2\x80\xA8",
                             "😀",        ","}) {
        ObjectBuilder object;
        object.set(text, Message::string(text));
        Message message = object.finish().take();
        for (const Message& each : {Message::string(text), message}) {
            std::string yaml = written(each);
            Result<Message> back = read_yaml(yaml);
            ASSERT_TRUE(back.ok()) << yaml << back.error().describe();
            EXPECT_TRUE(equal(back.value(), each)) << yaml;
        }
    }
}

TEST(Yaml, NanAndInfinitiesSurvive) {
    for (double value : {std::nan(""), double{INFINITY}, -double{INFINITY}, -0.0, 5e-324, 1.0}) {
        Message message = Message::real(value);
        Result<Message> back = read_yaml(written(message));
        ASSERT_TRUE(back.ok());
        EXPECT_TRUE(equal(back.value(), message)) << value;
    }
}

TEST(Yaml, KindsTurnIntoPlainOnes) {
    EXPECT_EQ(written(Message::bytes("\x01\x02")), "[1, 2]\n");
    EXPECT_EQ(json(written(Message::flow())), "\"flow\"");
    EXPECT_EQ(json(written(Message::wrap(REFLOW_KIND_OPTIONAL, Message()).take())), "null");
}

TEST(Yaml, RandomMessagesReadBack) {
    for (std::uint64_t seed = 1; seed <= 2000; ++seed) {
        test::RandomMessages random(seed);
        random.plain_only = true;
        Message message = random.message(5);
        std::string text = written(message);
        Result<Message> back = read_yaml(text);
        ASSERT_TRUE(back.ok()) << "seed " << seed << ": " << back.error().describe() << "\n"
                               << text;
        ASSERT_TRUE(equal(message, back.value())) << "seed " << seed << ":\n" << text;
    }
}

}  // namespace
}  // namespace reflow
