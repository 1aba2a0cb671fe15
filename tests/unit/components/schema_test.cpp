// SchemaCheck in running networks.
#include "harness.hpp"

namespace reflow::components::testing {
namespace {

struct Outcome {
    Lines out;
    Lines rejected;
};

Outcome check(std::string_view config, const Lines& rows) {
    Harness harness("SchemaCheck", config);
    EXPECT_EQ(harness.error(), "");
    if (!harness.error().empty()) return {};
    for (const std::string& row : rows) harness.send("in", row);
    EXPECT_EQ(harness.take("error"), Lines());
    return {harness.take("out"), harness.take("rejected")};
}

// The reason for which a row {"x": value} is rejected, or the value that it becomes.
std::string field(std::string_view rule, std::string_view value) {
    Outcome outcome = check(R"({"fields": {"x": )" + std::string(rule) + "}}",
                            {value.empty() ? "{}" : "{\"x\":" + std::string(value) + "}"});
    if (outcome.rejected.size() == 1) {
        return std::string(from_json(outcome.rejected[0]).get("reason").text());
    }
    return outcome.out.size() == 1 ? outcome.out[0] : "nothing";
}

TEST(SchemaCheck, Numbers) {
    EXPECT_EQ(field(R"({"type": "number"})", R"("0.0")"), R"({"x":0.0})");
    EXPECT_EQ(field(R"({"type": "number"})", R"("5")"), R"({"x":5.0})");
    EXPECT_EQ(field(R"({"type": "number"})", R"("-1.5e3")"), R"({"x":-1500.0})");
    EXPECT_EQ(field(R"({"type": "number"})", "5"), R"({"x":5.0})");
    EXPECT_EQ(field(R"({"type": "number"})", "9007199254740993"), R"({"x":9007199254740993})");
    for (const char* bad : {R"("abc")", R"("1,5")", R"("1.")", R"(".5")", R"("0x1")", R"("nan")",
                            R"("inf")", R"("1e999")", R"("1 000")", R"("--1")"}) {
        std::string text(bad);
        EXPECT_EQ(field(R"({"type": "number"})", bad),
                  "x: '" + text.substr(1, text.size() - 2) + "' is not a number");
    }
    EXPECT_EQ(field(R"({"type": "number"})", R"(" 1")"), "x: ' 1' is not a number");
    EXPECT_EQ(field(R"({"type": "number", "trim": true})", R"(" 1\t")"), R"({"x":1.0})");
    EXPECT_EQ(field(R"({"type": "number"})", "true"), "x: true is not a number");
    EXPECT_EQ(field(R"({"type": "number"})", "[1]"), "x: an array is not a number");
    EXPECT_EQ(field(R"({"type": "integer"})", R"("007")"), R"({"x":7})");
    EXPECT_EQ(field(R"({"type": "integer"})", R"("5.0")"), "x: '5.0' is not an integer");
    EXPECT_EQ(field(R"({"type": "integer"})", "5.0"), R"({"x":5})");
    EXPECT_EQ(field(R"({"type": "integer"})", "5.5"), "x: 5.5 is not an integer");
    EXPECT_EQ(field(R"({"type": "integer"})", R"("9223372036854775807")"),
              R"({"x":9223372036854775807})");
    EXPECT_EQ(field(R"({"type": "integer"})", R"("9223372036854775808")"),
              "x: '9223372036854775808' is not an integer");
}

TEST(SchemaCheck, Ranges) {
    const char* wind = R"({"type": "number", "minimum": 0, "maximum": 60})";
    EXPECT_EQ(field(wind, R"("99.5")"), "x: 99.5 is above 60");
    EXPECT_EQ(field(wind, R"("-0.1")"), "x: -0.1 is below 0");
    EXPECT_EQ(field(wind, R"("60")"), R"({"x":60.0})");
    EXPECT_EQ(field(wind, R"("0")"), R"({"x":0.0})");
    EXPECT_EQ(field(R"({"type": "integer", "maximum": 9007199254740992})", "9007199254740993"),
              "x: 9007199254740993 is above 9007199254740992");
    const char* year = R"({"type": "date", "format": "yyyy/mm/dd", "minimum": "2012/01/01",
                           "maximum": "2015/12/31"})";
    EXPECT_EQ(field(year, R"("2012/01/01")"), R"({"x":"2012/01/01"})");
    EXPECT_EQ(field(year, R"("2011/12/31")"), "x: 2011/12/31 is below 2012/01/01");
    EXPECT_EQ(field(year, R"("2016/01/01")"), "x: 2016/01/01 is above 2015/12/31");
}

TEST(SchemaCheck, TextDatesAndBooleans) {
    EXPECT_EQ(field(R"({"type": "date", "format": "yyyy/mm/dd"})", R"("2012/02/30")"),
              "x: '2012/02/30' is not a date of the form 'yyyy/mm/dd'");
    EXPECT_EQ(field(R"({"type": "date", "format": "yyyy/mm/dd"})", R"("2012-02-01")"),
              "x: '2012-02-01' is not a date of the form 'yyyy/mm/dd'");
    EXPECT_EQ(field(R"({"type": "date", "format": "%d.%m.%Y"})", R"("29.02.2012")"),
              R"({"x":"29.02.2012"})");
    EXPECT_EQ(field(R"({"type": "date"})", R"("2012-02-01T10:00:00Z")"),
              R"({"x":"2012-02-01T10:00:00Z"})");
    EXPECT_EQ(field(R"({"type": "date"})", "20120201"), "x: 20120201 is not a date");
    EXPECT_EQ(field(R"({"type": "boolean"})", R"("true")"), R"({"x":true})");
    EXPECT_EQ(field(R"({"type": "boolean"})", R"("yes")"), "x: 'yes' is not a boolean");
    EXPECT_EQ(field(R"({"enum": ["rain", "sun"]})", R"("hail")"),
              "x: 'hail' is not one of 'rain' or 'sun'");
    EXPECT_EQ(field(R"({"enum": ["rain", "sun"]})", R"("sun")"), R"({"x":"sun"})");
    EXPECT_EQ(field(R"({"type": "integer", "enum": [1, 2, 3]})", R"("4")"),
              "x: 4 is not one of 1, 2 or 3");
    EXPECT_EQ(field(R"({"min_length": 2, "max_length": 3})", R"("äöü")"), R"({"x":"äöü"})");
    EXPECT_EQ(field(R"({"min_length": 1})", R"("")"), "x: '' has 0 characters, fewer than 1");
    EXPECT_EQ(field(R"({"max_length": 3})", R"("abcd")"),
              "x: 'abcd' has 4 characters, more than 3");
    EXPECT_EQ(field(R"({"type": "string"})", "5"), "x: 5 is not a string");
    EXPECT_EQ(field(R"({"type": "any"})", "5"), R"({"x":5})");
    EXPECT_EQ(field(R"({"trim": true})", R"("  a b ")"), R"({"x":"a b"})");
}

TEST(SchemaCheck, Missing) {
    EXPECT_EQ(field(R"({"type": "number"})", ""), "x: missing");
    EXPECT_EQ(field(R"({"type": "number"})", "null"), "x: missing");
    EXPECT_EQ(field(R"({"type": "number"})", R"("")"), "x: missing");
    EXPECT_EQ(field(R"({"type": "string"})", R"("")"), R"({"x":""})");
    EXPECT_EQ(field(R"({"type": "number", "required": false})", ""), "{}");
    EXPECT_EQ(field(R"({"type": "number", "required": false})", R"("")"), R"({"x":null})");
    EXPECT_EQ(field(R"({"type": "number", "default": 7})", ""), R"({"x":7})");
    EXPECT_EQ(field(R"({"type": "number", "default": 7})", R"("")"), R"({"x":7})");
    EXPECT_EQ(field(R"({"type": "number", "default": 7})", R"("8")"), R"({"x":8.0})");
}

TEST(SchemaCheck, RowsKeepTheirOrderAndLoseTheirMarks) {
    const char* config = R"({"fields": {"b": {"type": "integer"}, "a": {"type": "number"}}})";
    Outcome outcome =
        check(config, {R"({"a":"1.5","z":"kept","b":"2","_line":2,"_row":"1.5,kept,2"})",
                       R"({"b":"x","a":"1","_line":3,"_row":"1,kept,x"})", R"({"b":"x","a":"y"})"});
    EXPECT_EQ(outcome.out, Lines({R"({"a":1.5,"z":"kept","b":2})"}));
    EXPECT_EQ(
        outcome.rejected,
        Lines(
            {R"({"line":3,"reason":"b: 'x' is not an integer","row":"1,kept,x"})",
             R"({"line":null,"reason":"b: 'x' is not an integer","row":"{\"b\":\"x\",\"a\":\"y\"}"})"}));
    outcome = check(R"({"fields": {"a": {}}, "line_field": "n", "text_field": "t"})",
                    {R"({"a":"1","n":5,"t":"x","_line":6})", R"({"n":6,"t":"y"})"});
    EXPECT_EQ(outcome.out, Lines({R"({"a":"1","_line":6})"}));
    EXPECT_EQ(outcome.rejected, Lines({R"({"line":6,"reason":"a: missing","row":"y"})"}));
}

TEST(SchemaCheck, UnknownFieldsAndAllReasons) {
    Lines rows = {R"({"a":"1","z":2})", R"({"y":1,"z":2})"};
    EXPECT_EQ(check(R"({"fields": {"a": {}}, "unknown": "drop"})", rows).out,
              Lines({R"({"a":"1"})"}));
    Outcome outcome = check(
        R"({"fields": {"a": {}}, "unknown": "reject", "report": "all", "text_field": "z"})", rows);
    EXPECT_EQ(outcome.out, Lines({R"({"a":"1"})"}));
    EXPECT_EQ(
        outcome.rejected,
        Lines({R"({"line":null,"reason":"y: not a field of the schema; a: missing","row":2})"}));
}

TEST(SchemaCheck, Checks) {
    const char* config = R"({
        "fields": {"low": {"type": "number"}, "high": {"type": "number"}, "w": {"type": "number", "required": false}},
        "checks": [{"name": "order", "when": "low <= high"},
                   {"name": "calm", "when": "w < $most", "reason": "too much wind"}],
        "most": 5, "report": "all"})";
    Outcome outcome =
        check(config, {R"({"low":"1","high":"2","w":"3"})", R"({"low":"3","high":"2","w":"9"})",
                       R"({"low":"1","high":"2","w":""})", R"({"low":"x","high":"2","w":"9"})"});
    EXPECT_EQ(outcome.out, Lines({R"({"low":1.0,"high":2.0,"w":3.0})"}));
    ASSERT_EQ(outcome.rejected.size(), 3u);
    auto reason = [&](std::size_t i) {
        return std::string(from_json(outcome.rejected[i]).get("reason").text());
    };
    EXPECT_EQ(reason(0), "order: not true: low <= high; calm: too much wind");
    EXPECT_EQ(reason(1),
              "calm: '<' wants numbers or strings, but 'w' is null at column 1 of checks[1].when");
    EXPECT_EQ(reason(2), "low: 'x' is not a number");
}

TEST(SchemaCheck, NotARow) {
    Harness harness("SchemaCheck", R"({"fields": {"a": {}}})");
    harness.send("in", "[1]");
    EXPECT_EQ(harness.take("error").size(), 1u);
    EXPECT_EQ(harness.counters().failed + harness.take("rejected").size(), 1u);
}

TEST(SchemaCheck, BadConfigurations) {
    auto has = [](std::string_view config, std::string_view part) {
        std::string found = Harness("SchemaCheck", config).error();
        EXPECT_NE(found.find(part), std::string::npos) << config << ": " << found;
    };
    has("{}", "fields");
    has(R"({"fields": {}})", "expected the fields of a row at $.fields");
    has(R"({"fields": {"a": {"type": "nubmer"}}})", "fields.a.type: \"nubmer\" is not one of");
    has(R"({"fields": {"a": {"typ": "number"}}})", "typ");
    has(R"({"fields": {"a": {"minimum": 1}}})", "only integers, numbers and dates have a range");
    has(R"({"fields": {"a": {"type": "number", "minimum": 2, "maximum": 1}}})",
        "'minimum' is above 'maximum' at $.fields.a");
    has(R"({"fields": {"a": {"type": "number", "minimum": "1"}}})",
        "expected a number, found a string");
    has(R"({"fields": {"a": {"type": "date", "minimum": "x"}}})", "expected a date of the format");
    has(R"({"fields": {"a": {"format": "yyyy"}}})", "only fields of type 'date' have a format");
    has(R"({"fields": {"a": {"type": "date", "format": "%q"}}})", "code '%q' at $.fields.a.format");
    has(R"({"fields": {"a": {"type": "integer", "enum": ["x"]}}})",
        "'x' is not an integer at $.fields.a.enum");
    has(R"({"fields": {"a": {"type": "integer", "min_length": 1}}})",
        "only fields of type 'string' have a length");
    has(R"({"fields": {"a": {"required": true, "default": 1}}})",
        "a field with a default is not required");
    has(R"({"fields": {"a": {}}, "checks": [{"name": "c", "when": "a <"}]})", "$.checks[0].when");
    has(R"({"fields": {"a": {}}, "chekcs": []})",
        "unknown configuration key 'chekcs' (did you mean 'checks'?)");
}

}  // namespace
}  // namespace reflow::components::testing
