// The expression language: values, errors with their places, limits, and random expressions.
// The expected values are written by hand from docs/expressions.md, or computed by other means.
#include "components/expression.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <random>
#include <string>

#include "codec/json.hpp"

namespace reflow::components {
namespace {

Message json(std::string_view text) {
    Result<Message> message = codec::read_json(text);
    EXPECT_TRUE(message.ok()) << text;
    return message.ok() ? std::move(message).take() : Message();
}

std::string to_json(MessageRef message) {
    String text;
    Result<void> done = codec::write_json(text, message);
    EXPECT_TRUE(done.ok());
    return std::string(text);
}

std::string describe(const Error& error) {
    std::string text(error.message);
    if (!error.hint.empty()) text += " (" + std::string(error.hint) + ")";
    return text;
}

// What most expressions here are evaluated on.
const char* const row_text = R"({
    "wind": 4.5, "rain": 0, "count": 7, "weather": "drizzle", "date": "2012/01/31", "empty": "",
    "none": null, "yes": true, "no": false, "odd name": 3, "temp": {"max": 12.8, "min": 5},
    "days": [10, 20, 30], "mixed": [1, "a", null], "big": 9223372036854775807,
    "small": -9223372036854775808, "größe": 2, "emoji": "añ😀z"})";

std::string run(std::string_view text, std::string_view row = row_text,
                std::string_view config = R"({"limit": 9, "names": ["rain", "snow"]})") {
    Message settings = json(config);
    Result<Expression> compiled = Expression::compile(text, {settings}, {});
    if (!compiled.ok()) return "error: " + describe(compiled.error());
    Message input = json(row);
    Result<Message> value = compiled.value().evaluate({input});
    if (!value.ok()) return "failure: " + describe(value.error());
    // A second evaluation finds the stack as the first one did.
    Result<Message> again = compiled.value().evaluate({input});
    EXPECT_TRUE(again.ok() && equal(value.value(), again.value())) << text;
    return to_json(value.value());
}

struct Case {
    const char* text;
    const char* expected;
};

void check(std::initializer_list<Case> cases) {
    for (const Case& one : cases) EXPECT_EQ(run(one.text), one.expected) << one.text;
}

TEST(Expression, Literals) {
    check({
        {"1", "1"},
        {"9223372036854775807", "9223372036854775807"},
        {"-9223372036854775808", "-9223372036854775808"},
        {"- 9223372036854775808", "-9223372036854775808"},
        {"-9223372036854775808 - 1",
         "failure: integer overflow in '-9223372036854775808 - 1' at column 22"},
        {"9223372036854775808", "error: integer 9223372036854775808 is beyond 64 bits at column 1"},
        {"-9223372036854775808 ** 2",
         "error: integer 9223372036854775808 is beyond 64 bits at column 2"},
        {"99999999999999999999",
         "error: integer 99999999999999999999 is beyond 64 bits at column 1"},
        {"1.5", "1.5"},
        {"1e3", "1000.0"},
        {"2.5E-1", "0.25"},
        {"1e999", "error: number 1e999 is out of range at column 1"},
        {"1e-999", "0.0"},
        {"'it''s'", "error: expected an operator, found ''s'' at column 5"},
        {"'it\\'s'", "\"it's\""},
        {"\"it's\"", "\"it's\""},
        {"'a\\n\\t\\u0041\\u00e9\\ud83d\\ude00'", "\"a\\n\\tAé😀\""},
        {"'\\x'", "error: unknown escape in a string at column 2"},
        {"'\\ud83d'", "error: half a surrogate pair in a string at column 2"},
        {"'\\u12'", "error: expected four hexadecimal digits after '\\u' at column 3"},
        {"'abc", "error: a string without an end starts at column 1"},
        {"true", "true"},
        {"false", "false"},
        {"null", "null"},
        {"[]", "[]"},
        {"[1, 2.5, 'x', [true, null]]", "[1,2.5,\"x\",[true,null]]"},
        {"{}", "{}"},
        {"{a: 1, 'b c': wind, d: {e: []}}", "{\"a\":1,\"b c\":4.5,\"d\":{\"e\":[]}}"},
        {"{a: 1, a: 2}", "error: key 'a' comes twice at column 8"},
        {"[1, wind]", "[1,4.5]"},
        {"1abc", "error: a name cannot follow a number without a space at column 2"},
        {"1.", "error: expected the name of a field after '.', found the end at column 3"},
        {"2e", "error: expected digits of an exponent after 'e' at column 2"},
    });
}

TEST(Expression, Fields) {
    check({
        {"wind", "4.5"},
        {"temp.max", "12.8"},
        {"temp['min']", "5"},
        {"it['odd name']", "3"},
        {"it.temp.max", "12.8"},
        {"größe", "2"},
        {"days[0]", "10"},
        {"days[-1]", "30"},
        {"days[1 + 1]", "30"},
        {"mixed[2]", "null"},
        {"[10, 20][1]", "20"},
        {"{a: {b: 5}}.a.b", "5"},
        {"$limit", "9"},
        {"$names[1]", "\"snow\""},
        {"weather in $names", "false"},
        {"$limt", "error: no configuration key 'limt' at column 1 (did you mean 'limit'?)"},
        {"wnd", "failure: unknown field 'wnd' at column 1 (did you mean 'wind'?)"},
        {"1 + wnd", "failure: unknown field 'wnd' at column 5 (did you mean 'wind'?)"},
        {"temp.mx", "failure: unknown field 'mx' of 'temp' at column 6 (did you mean 'max'?)"},
        {"it.temp.mx * 2",
         "failure: unknown field 'mx' of 'it.temp' at column 9 (did you mean 'max'?)"},
        {"none.max", "failure: 'none' is null, so it has no field 'max' at column 6"},
        {"wind.max", "failure: 'wind' is a float, so it has no field 'max' at column 6"},
        {"days[3]", "failure: nothing at 'days[3]' at column 5"},
        {"days[-4]", "failure: nothing at 'days[-4]' at column 5"},
        {"days['a']",
         "failure: the number of an element wants an integer, but ''a'' is a string at column 6"},
        {"temp[0]",
         "failure: the name of a field wants a string, but '0' is an integer at column 6"},
        {"weather[0]",
         "failure: '[...]' wants an array or an object, but 'weather' is a string at column 1"},
    });
    EXPECT_EQ(run("it", "5"), "5");
    EXPECT_EQ(run("it * 2", "5"), "10");
    EXPECT_EQ(run("wind", "5"),
              "failure: the input is an integer, so it has no field 'wind' at column 1");
    EXPECT_EQ(run("1 +\n  wnd", "{}"), "failure: unknown field 'wnd' at line 2, column 3");
}

TEST(Expression, Arithmetic) {
    check({
        {"1 + 2 * 3", "7"},
        {"(1 + 2) * 3", "9"},
        {"7 - 2 - 1", "4"},
        {"7 / 2", "3.5"},
        {"6 / 2", "3.0"},
        {"7 // 2", "3"},
        {"-7 // 2", "-4"},
        {"7 // -2", "-4"},
        {"-7 % 3", "2"},
        {"7 % -3", "-2"},
        {"7 % -1", "0"},
        {"small % -1", "0"},
        {"small // -1", "failure: integer overflow in 'small // -1' at column 7"},
        {"7.5 // 2", "3.0"},
        {"-7.5 % 2", "0.5"},
        {"1.0 // 0.1", "9.0"},
        {"2 ** 10", "1024"},
        {"2 ** 3 ** 2", "512"},
        {"-2 ** 2", "-4"},
        {"2 ** -1", "0.5"},
        {"2 ** 0.5", "1.4142135623730951"},
        {"(-8) ** 0.5", "failure: no real number is the result in '(-8) ** 0.5' at column 6"},
        {"2 ** 63", "failure: integer overflow in '2 ** 63' at column 3"},
        {"(-2) ** 63", "-9223372036854775808"},
        {"1 ** 9223372036854775807", "1"},
        {"0 ** -1", "failure: division by zero in '0 ** -1' at column 3"},
        {"0 ** 0", "1"},
        {"big + 1", "failure: integer overflow in 'big + 1' at column 5"},
        {"small - 1", "failure: integer overflow in 'small - 1' at column 7"},
        {"big * 2", "failure: integer overflow in 'big * 2' at column 5"},
        {"-small", "failure: integer overflow in '-small' at column 1"},
        {"big + 1.0", "9223372036854775808.0"},
        {"1 / 0", "failure: division by zero in '1 / 0' at column 3"},
        {"1 // 0", "failure: division by zero in '1 // 0' at column 3"},
        {"1.5 % 0", "failure: division by zero in '1.5 % 0' at column 5"},
        {"+wind", "4.5"},
        {"-wind", "-4.5"},
        {"- - 3", "3"},
        {"0.1 + 0.2", "0.30000000000000004"},
        {"'a' + 'b'", "\"ab\""},
        {"weather + 1",
         "failure: '+' wants two numbers or two strings, but '1' is an integer at column 11 "
         "(string(x) makes a string of a number)"},
        {"weather * 2", "failure: '*' wants numbers, but 'weather' is a string at column 1"},
        {"wind * none", "failure: '*' wants numbers, but 'none' is null at column 8"},
        {"none + 'a'", "failure: '+' wants two strings, but 'none' is null at column 1"},
        {"-weather", "failure: '-' wants a number, but 'weather' is a string at column 2"},
        {"true + 1", "failure: '+' wants numbers, but 'true' is a boolean at column 1"},
    });
}

TEST(Expression, Comparison) {
    check({
        {"1 == 1.0", "true"},
        {"1 != 2", "true"},
        {"'1' == 1", "false"},
        {"null == null", "true"},
        {"none == null", "true"},
        {"wind == null", "false"},
        {"wind < 5", "true"},
        {"wind >= 4.5", "true"},
        {"'a' < 'b'", "true"},
        {"'Z' < 'a'", "true"},
        {"'a' < 'ä'", "true"},
        // The nearest float of the largest integer is 2^63, which is one more.
        {"big == 9223372036854775807.0", "false"},
        {"big < 9223372036854775807.0", "true"},
        {"9007199254740993 > 9007199254740992.0", "true"},
        {"9007199254740993 == 9007199254740992.0", "false"},
        {"-0.0 == 0", "true"},
        {"[1, 2] == [1, 2]", "true"},
        {"{a: 1, b: 2} == {b: 2, a: 1}", "true"},
        {"weather < 5",
         "failure: '<' cannot compare a string with an integer: 'weather' and '5' at column 9"},
        {"none < 5", "failure: '<' wants numbers or strings, but 'none' is null at column 1"},
        {"5 < days", "failure: '<' wants numbers or strings, but 'days' is an array at column 5"},
        {"1 < 2 < 3", "error: comparisons cannot be chained at column 7 (join them by 'and')"},
        {"1 == 1 == 1", "error: comparisons cannot be chained at column 8 (join them by 'and')"},
        {"20 in days", "true"},
        {"20.0 in days", "true"},
        {"5 not in days", "true"},
        {"'a' in mixed", "true"},
        {"null in mixed", "true"},
        {"'izz' in weather", "true"},
        {"'max' in temp", "true"},
        {"5 in weather", "failure: 'in' wants a string, but '5' is an integer at column 1"},
        {"5 in 6",
         "failure: 'in' wants an array, a string or an object, but '6' is an integer at column 6"},
        {"a = 1", "error: unexpected '=' at column 3 (equality is '==')"},
    });
}

TEST(Expression, Logic) {
    check({
        {"yes and no", "false"},
        {"yes or no", "true"},
        {"yes && !no", "true"},
        {"no || yes", "true"},
        {"not no", "true"},
        {"not 1 == 2", "true"},
        {"!no == yes", "true"},
        {"no and nothing_here", "false"},
        {"yes or nothing_here", "true"},
        {"yes and nothing_here", "failure: unknown field 'nothing_here' at column 9"},
        {"no or yes and no", "false"},
        {"yes and 1",
         "failure: 'and' and 'or' wants true or false, but '1' is an integer at column 9"},
        {"1 and yes", "failure: 'and' wants true or false, but '1' is an integer at column 1"},
        {"not wind", "failure: 'not' wants true or false, but 'wind' is a float at column 5"},
        {"yes ? 1 : 2", "1"},
        {"no ? 1 : yes ? 2 : 3", "2"},
        {"no ? 1 : no ? 2 : 3", "3"},
        {"yes ? no ? 1 : 2 : 3", "2"},
        {"if(wind > 4, 'windy', wnd)", "\"windy\""},
        {"if(wind > 5, wnd, 'calm')", "\"calm\""},
        {"1 + if(yes, 2, 3) * 2", "5"},
        {"wind ? 1 : 2",
         "failure: a condition wants true or false, but 'wind' is a float at column 1"},
        {"none ?? 5", "5"},
        {"wnd ?? 5", "5"},
        {"wnd ?? none ?? 6", "6"},
        {"temp.x ?? 1", "1"},
        {"none.x.y ?? 1", "1"},
        {"nothing.x.y[3].z ?? 1", "1"},
        {"days[9] ?? -1", "-1"},
        {"rain ?? 5", "0"},
        {"wnd ?? 5 > 4", "true"},
        {"wnd ?? 1 + 1", "2"},
        {"(wnd ?? 1) + 1", "2"},
        {"wnd ?? wnt", "failure: unknown field 'wnt' at column 8"},
        {"(wnd + 1) ?? 5", "failure: unknown field 'wnd' at column 2 (did you mean 'wind'?)"},
        {"has('wind')", "true"},
        {"has('wnd')", "false"},
        {"has(wnd)", "false"},
        {"has('odd name')", "true"},
        {"has('none')", "true"},
        {"has(temp.max) and not has(temp.mean)", "true"},
        {"has(days[2]) and !has(days[3])", "true"},
        {"has(1 + 1)", "error: has() takes the name of a field at column 5"},
        {"yes ? 1", "error: '?' without a ':' at column 5"},
        {"1 : 2", "error: ':' without a '?' before it at column 3"},
        {"[yes ? 1]", "error: '?' without a ':' at column 6"},
    });
}

TEST(Expression, TextFunctions) {
    check({
        {"length('añ😀z')", "4"},
        {"length('')", "0"},
        {"length(days)", "3"},
        {"length(temp)", "2"},
        {"length(5)",
         "failure: argument 1 of length(): expected a string, an array or an object, found an "
         "integer at column 1"},
        {"lower('ÄÖÉ ABC Ωж')", "\"äöé abc ωж\""},
        {"upper('straße éžя')", "\"STRAßE ÉŽЯ\""},
        {"lower(upper('ąćęłńóśźżčď'))", "\"ąćęłńóśźżčď\""},
        {"trim('  a b\\t\\n')", "\"a b\""},
        {"trim('   ')", "\"\""},
        {"substring('añ😀z', 1, 2)", "\"ñ😀\""},
        {"substring('añ😀z', 2)", "\"😀z\""},
        {"substring('añ😀z', -1)", "\"z\""},
        {"substring('añ😀z', -9, 1)", "\"a\""},
        {"substring('abc', 9)", "\"\""},
        {"substring('abc', 0, -1)", "failure: substring() of negative length at column 1"},
        {"substring('abc', 9223372036854775807, 9223372036854775807)", "\"\""},
        {"contains(weather, 'zz')", "true"},
        {"starts_with(weather, 'dri')", "true"},
        {"ends_with(weather, 'dri')", "false"},
        {"find('añ😀z', 'z')", "3"},
        {"find('abc', 'x')", "-1"},
        {"replace('a-b-c', '-', '+')", "\"a+b+c\""},
        {"replace('aaa', 'aa', 'b')", "\"ba\""},
        {"replace('a', '', 'b')", "failure: replace() of an empty text at column 1"},
        {"split('a,b,,c', ',')", "[\"a\",\"b\",\"\",\"c\"]"},
        {"split('', ',')", "[\"\"]"},
        {"split('a', '')", "failure: split() at an empty text at column 1"},
        {"join([1, 'a', 2.0, true, null], '-')", "\"1-a-2.0-true-null\""},
        {"join(split('a b c', ' '), '')", "\"abc\""},
        {"pad_start(7, 3, '0')", "\"007\""},
        {"pad_end('ñ', 3)", "\"ñ  \""},
        {"pad_start('abcd', 3)", "\"abcd\""},
        {"pad_start('a', 3, 'xy')", "failure: pad_start() fills with one character at column 1"},
        {"pad_start('a', 9223372036854775807)",
         "failure: pad_start() would make a text of more than 16777216 bytes at column 1"},
        {"upper(5)",
         "failure: argument 1 of upper(): expected a string, found an integer at column 1"},
        {"upper(wnd)", "failure: unknown field 'wnd' at column 7 (did you mean 'wind'?)"},
        {"uper('a')", "error: unknown function 'uper' at column 1 (did you mean 'upper'?)"},
        {"upper()", "error: upper() does not take 0 arguments at column 1 (it is upper(text))"},
        {"upper('a', 'b')",
         "error: upper() does not take 2 arguments at column 1 (it is upper(text))"},
    });
}

TEST(Expression, NumberFunctions) {
    check({
        {"abs(-3)", "3"},
        {"abs(-3.5)", "3.5"},
        {"abs(small)", "failure: integer overflow in abs() at column 1"},
        {"min(3, 1.5, 2)", "1.5"},
        {"max(3, 1.5, 2)", "3"},
        {"min(days)", "10"},
        {"max(days)", "30"},
        {"max('b', 'a')", "\"b\""},
        {"max(1, 'a')",
         "failure: argument 2 of max(): expected a number, found a string at column 1"},
        {"max([1, 'a'])",
         "failure: element 1 of the array in max(): expected a number, found a string at column 1"},
        {"min([])", "failure: min() of an empty array at column 1"},
        {"sum(days)", "60"},
        {"sum([])", "0"},
        {"sum(1, 2.5)", "3.5"},
        {"sum([big, 1])", "failure: integer overflow in sum() at column 1"},
        {"sum([1e100, 1.0, -1e100])", "1.0"},
        {"mean(days)", "20.0"},
        {"mean([])", "failure: mean() of an empty array at column 1"},
        {"round(2.5)", "3"},
        {"round(-2.5)", "-3"},
        {"round(2.4)", "2"},
        {"round(0.125, 2)", "0.13"},
        {"round(2.675, 2)", "2.67"},
        {"round(-0.125, 2)", "-0.13"},
        {"round(1.005, 2)", "1.0"},
        {"round(8.345, 1)", "8.3"},
        {"round(1234.5, -2)", "1200.0"},
        {"round(1250, -2)", "1300"},
        {"round(-1250, -2)", "-1300"},
        {"round(1249, -2)", "1200"},
        {"round(big, -18)", "9000000000000000000"},
        {"round(big, -19)", "failure: integer overflow in round() at column 1"},
        {"round(big, -25)", "0"},
        {"round(7, 2)", "7"},
        {"round(1e300)", "failure: round() of 1e+300 is not an integer at column 1"},
        {"floor(-1.5)", "-2"},
        {"ceil(1.2)", "2"},
        {"floor(7)", "7"},
        {"sqrt(2)", "1.4142135623730951"},
        {"sqrt(-1)", "failure: sqrt() of -1.0 is not a number at column 1"},
        {"log(0)", "failure: log() of 0.0 is not a number at column 1"},
        {"log10(1000)", "3.0"},
        {"exp(0)", "1.0"},
        {"pow(2, 3)", "8.0"},
        {"is_nan(wind)", "false"},
        {"is_finite(exp(1000))", "false"},
        {"format(3.14159, 2)", "\"3.14\""},
        {"format(3, 2)", "\"3.00\""},
        {"format(-0.001, 1)", "\"0.0\""},
        {"format(0.125, 2)", "\"0.13\""},
        {"format(1, -1)", "failure: format() takes 0 to 100 digits at column 1"},
    });
}

TEST(Expression, Conversions) {
    check({
        {"int('42')", "42"},
        {"int('-007')", "-7"},
        {"int('+5')", "5"},
        {"int('4.0')", "failure: '4.0' is not the text of an integer at column 1"},
        {"int(' 4')", "failure: ' 4' is not the text of an integer at column 1"},
        {"int('9223372036854775808')",
         "failure: '9223372036854775808' is not the text of an integer at column 1"},
        {"int(-3.9)", "-3"},
        {"int(1e30)", "failure: 1e+30 is not an integer of 64 bits at column 1"},
        {"int(true)", "1"},
        {"int(null)",
         "failure: argument 1 of int(): expected a number, a boolean or a string, found null at "
         "column 1"},
        {"float('1.50')", "1.5"},
        {"float('1e3')", "1000.0"},
        {"float('nan')", "failure: 'nan' is not the text of a number at column 1"},
        {"float('0x10')", "failure: '0x10' is not the text of a number at column 1"},
        {"float('.5')", "failure: '.5' is not the text of a number at column 1"},
        {"float(3)", "3.0"},
        {"string(3)", "\"3\""},
        {"string(3.0)", "\"3.0\""},
        {"string([1, 'a'])", "\"[1,\\\"a\\\"]\""},
        {"bool('true')", "true"},
        {"bool(0)", "false"},
        {"bool('yes')", "failure: 'yes' is not true or false at column 1"},
        {"type(wind)", "\"float\""},
        {"type(rain)", "\"integer\""},
        {"type(none)", "\"null\""},
        {"type(days)", "\"array\""},
        {"type({})", "\"object\""},
        {"keys(temp)", "[\"max\",\"min\"]"},
        {"values(temp)", "[12.8,5]"},
    });
}

TEST(Expression, Dates) {
    check({
        {"year(date)", "2012"},
        {"month(date)", "1"},
        {"day('2012-01-31')", "31"},
        {"weekday('2012-01-31')", "2"},
        {"day_of_year('2012-12-31')", "366"},
        {"day_of_year('2011-12-31')", "365"},
        {"date(date)", "\"2012-01-31\""},
        {"date_format(date, '%Y-%m')", "\"2012-01\""},
        {"date_format('2012-01-31T09:05:07Z', '%F %T %j %a %A %b %B %u %y %%')",
         "\"2012-01-31 09:05:07 031 Tue Tuesday Jan January 2 12 %\""},
        {"date_format('2021-01-03', '%G-W%V')", "\"2020-W53\""},
        {"date_format('2019-12-31', '%G-W%V')", "\"2020-W01\""},
        {"date_format(date, '%q')", "failure: unknown code '%q' in a date pattern at column 1"},
        {"date_format(date, '%')", "failure: date pattern ends in '%' at column 1"},
        {"date_parse('31.01.2012', '%d.%m.%Y')", "\"2012-01-31\""},
        {"date_parse('2012 366', '%Y %j')", "\"2012-12-31\""},
        {"date_parse('2011 366', '%Y %j')",
         "failure: '2011 366' is not a date of form '%Y %j' at column 1"},
        {"days_between('2012/02/28', '2012-03-01')", "2"},
        {"days_between('2011-03-01', '2011-02-28')", "-1"},
        {"add_days(date, 1)", "\"2012/02/01\""},
        {"add_days('2012-02-28T10:00:00+01:00', 1)", "\"2012-02-29T10:00:00+01:00\""},
        {"add_days('9999-12-31', 1)", "failure: add_days() leaves the years 1 to 9999 at column 1"},
        {"add_days('0001-01-01', -1)",
         "failure: add_days() leaves the years 1 to 9999 at column 1"},
        {"epoch('1970-01-01')", "0"},
        {"epoch('2001-09-09T01:46:40Z')", "1000000000"},
        {"epoch('2001-09-09T03:46:40+02:00')", "1000000000"},
        {"from_epoch(1000000000)", "\"2001-09-09T01:46:40Z\""},
        {"from_epoch(-1)", "\"1969-12-31T23:59:59Z\""},
        {"hour('2012-01-31 23:59')", "23"},
        {"is_date('1900-02-29')", "false"},
        {"is_date('2000-02-29')", "true"},
        {"is_date('2012-1-31')", "false"},
        {"is_date('2012-01/31')", "false"},
        {"is_date('2012-01-32')", "false"},
        {"is_date('2012-13-01')", "false"},
        {"is_date('0000-01-01')", "false"},
        {"is_date('2012-01-31T24:00:00')", "false"},
        {"is_date('2012-01-31T23:59:60Z')", "false"},
        {"is_date('2012-01-31T23:59:59.123456789Z')", "true"},
        {"is_date('2012-01-31Z')", "false"},
        {"year('12/01/31')",
         "failure: argument 1 of year(): '12/01/31' is not a date at column 1 "
         "(dates are YYYY-MM-DD or YYYY/MM/DD, with THH:MM:SS and Z or +HH:MM behind)"},
        {"year(2012)",
         "failure: argument 1 of year(): expected a date, found an integer at column 1"},
    });
}

TEST(Expression, Syntax) {
    check({
        {"", "error: the expression is empty at column 1"},
        {"   ", "error: the expression is empty at column 1"},
        {"1 2", "error: expected an operator, found '2' at column 3"},
        {"1 +", "error: expected a value, found the end at column 4"},
        {"* 2", "error: expected a value, found '*' at column 1"},
        {"(1", "error: expected ')' for the bracket at column 1, found the end at column 3"},
        {"1)", "error: ')' without an opening bracket at column 2"},
        {"(1]", "error: expected ')', found ']' at column 3"},
        {"()", "error: expected a value, found ')' at column 2"},
        {"[1,]", "error: expected a value, found ']' at column 4"},
        {"{a}", "error: expected ':' after a key, found '}' at column 3"},
        {"{1: 2}", "error: expected a key, found '1' at column 2"},
        {"f(1)", "error: unknown function 'f' at column 1 (did you mean 'if'?)"},
        {"if(true, 1)",
         "error: if() takes a condition and two values, not 2 arguments at column 1"},
        {"if(true, 1, 2, 3)", "error: too many arguments of if() at column 1"},
        {"has()", "error: has() takes the name of one field, not 0 arguments at column 1"},
        {"has(a, b)", "error: too many arguments of has() at column 1"},
        {"a.", "error: expected the name of a field after '.', found the end at column 3"},
        {"a.'b'", "error: expected the name of a field after '.', found ''b'' at column 3"},
        {"(1, 2)", "error: expected ')', found ',' at column 3"},
        {"1, 2", "error: expected an operator, found ',' at column 2"},
        {"1 & 2", "error: unexpected '&' at column 3 (both is 'and' or '&&')"},
        {"a not b", "error: expected an operator, found 'not' at column 3"},
        {"and", "error: expected a value, found 'and' at column 1"},
        {"$", "error: expected a name after '$' at column 1"},
        {"#", "error: unexpected '#' at column 1"},
        {"f(", "error: unknown function 'f' at column 1 (did you mean 'if'?)"},
        {"-", "error: expected a value, found the end at column 2"},
        {"1\n+\n*", "error: expected a value, found '*' at line 3, column 1"},
    });
    std::string bad("a \xff b");
    EXPECT_EQ(run(bad), "error: invalid UTF-8 at byte 2");
}

TEST(Expression, LabelsAndLocals) {
    const std::string_view names[] = {"mean", "wind"};
    Result<Expression> compiled =
        Expression::compile("mean * 2 + it.wind + wind + mn", {MessageRef(), names}, "set.total");
    ASSERT_TRUE(compiled.ok());
    Message input = json(R"({"wind": 4, "mn": 1})");
    const Message locals[] = {Message::integer(10), Message::integer(100)};
    Result<Message> value = compiled.value().evaluate({input, locals});
    ASSERT_TRUE(value.ok());
    EXPECT_EQ(to_json(value.value()), "125");
    Message other = json(R"({"wind": 4})");
    value = compiled.value().evaluate({other, locals});
    ASSERT_FALSE(value.ok());
    EXPECT_EQ(value.error().message, "unknown field 'mn' at column 29 of set.total");
    EXPECT_EQ(value.error().status, REFLOW_ERROR_FAILED);
    EXPECT_EQ(Expression::compile("1 +", {}, {}).error().status, REFLOW_ERROR_PARSE);
}

// Fields are found wherever they are, also when the message before had them elsewhere.
TEST(Expression, FieldsMayMove) {
    Result<Expression> compiled = Expression::compile("a * 100 + b * 10 + (c ?? 0)", {}, {});
    ASSERT_TRUE(compiled.ok());
    std::string wide = R"({"b":2,)";
    for (int i = 0; i < 100; ++i) wide += "\"x" + std::to_string(i) + "\":0,";
    wide += R"("a":1,"c":3})";
    const Case cases[] = {{R"({"a":1,"b":2,"c":3})", "123"}, {R"({"c":6,"b":5,"a":4})", "456"},
                          {R"({"b":8,"a":7})", "780"},       {wide.c_str(), "123"},
                          {R"({"x":0,"a":1,"b":1})", "110"}, {wide.c_str(), "123"}};
    for (const Case& one : cases) {
        Message input = json(one.text);
        Result<Message> value = compiled.value().evaluate({input});
        ASSERT_TRUE(value.ok()) << one.text;
        EXPECT_EQ(to_json(value.value()), one.expected) << one.text;
    }
    Message short_input = json(R"({"a":1})");
    EXPECT_FALSE(compiled.value().evaluate({short_input}).ok());
    EXPECT_FALSE(compiled.value().evaluate({Message::integer(1)}).ok());
}

TEST(Expression, TestWantsABoolean) {
    Result<Expression> compiled = Expression::compile("wind", {}, "when");
    ASSERT_TRUE(compiled.ok());
    Message input = json(R"({"wind": 4})");
    Result<bool> holds = compiled.value().test({input});
    ASSERT_FALSE(holds.ok());
    EXPECT_EQ(holds.error().message,
              "expected true or false, found an integer as the value of when");
    Message yes = json(R"({"wind": true})");
    holds = compiled.value().test({yes});
    EXPECT_TRUE(holds.ok() && holds.value());
}

TEST(Expression, WrappedValuesArePlain) {
    ObjectBuilder builder;
    builder.set("some", std::move(Message::wrap(REFLOW_KIND_OPTIONAL, Message::integer(5))).take());
    builder.set("nothing", std::move(Message::wrap(REFLOW_KIND_OPTIONAL, Message())).take());
    builder.set("any", std::move(Message::wrap(REFLOW_KIND_ANY, Message::string("x"))).take());
    Message input = std::move(builder.finish()).take();
    for (auto [text, expected] : {Case{"some + 1", "6"}, Case{"nothing ?? 7", "7"},
                                  Case{"nothing == null", "true"}, Case{"any + 'y'", "\"xy\""}}) {
        Result<Expression> compiled = Expression::compile(text, {}, {});
        ASSERT_TRUE(compiled.ok());
        Result<Message> value = compiled.value().evaluate({input});
        ASSERT_TRUE(value.ok()) << text << ": " << value.error().message;
        EXPECT_EQ(to_json(value.value()), expected);
    }
}

TEST(Expression, NotANumber) {
    ObjectBuilder builder;
    builder.set("x", Message::real(std::nan("")));
    Message input = std::move(builder.finish()).take();
    for (auto [text, expected] :
         {Case{"x == x", "false"}, Case{"x != x", "true"}, Case{"x < 1", "false"},
          Case{"x >= 1", "false"}, Case{"is_nan(x)", "true"}, Case{"is_nan(max(1, x))", "true"}}) {
        Result<Expression> compiled = Expression::compile(text, {}, {});
        ASSERT_TRUE(compiled.ok());
        Result<Message> value = compiled.value().evaluate({input});
        ASSERT_TRUE(value.ok()) << text;
        EXPECT_EQ(to_json(value.value()), expected) << text;
    }
}

TEST(Expression, Limits) {
    auto compile = [](const std::string& text) { return Expression::compile(text, {}, {}); };
    auto nested = [](std::size_t depth) {
        return std::string(depth, '(') + "1" + std::string(depth, ')');
    };
    EXPECT_TRUE(compile(nested(128)).ok());
    EXPECT_EQ(compile(nested(129)).error().status, REFLOW_ERROR_LIMIT);
    EXPECT_EQ(compile(nested(30000)).error().status, REFLOW_ERROR_LIMIT);
    EXPECT_TRUE(compile(std::string(1000, '-') + "1").ok());
    EXPECT_EQ(compile(std::string(1025, '-') + "1").error().status, REFLOW_ERROR_LIMIT);
    EXPECT_EQ(compile(std::string(65536, ' ') + "1").error().status, REFLOW_ERROR_LIMIT);

    // Long is no problem where it is not deep.
    std::string sum = "1";
    while (sum.size() < 65000) sum += "+1";
    Result<Expression> long_sum = compile(sum);
    ASSERT_TRUE(long_sum.ok());
    EXPECT_EQ(to_json(long_sum.value().evaluate({}).value()), std::to_string((sum.size() + 1) / 2));
    std::string list = "[it";
    while (list.size() < 65000) list += ",it";
    Result<Expression> long_list = compile("length(" + list + "])");
    ASSERT_TRUE(long_list.ok());
    EXPECT_EQ(to_json(long_list.value().evaluate({Message::integer(1)}).value()),
              std::to_string((list.size() - 1) / 3 + (list.size() - 1) % 3 / 2));
    // Doubling 24 times over 1 byte would make 16 MiB, the 25th is refused.
    const std::string_view names[] = {"x"};
    Result<Expression> twice = Expression::compile("x + x", {MessageRef(), names}, {});
    ASSERT_TRUE(twice.ok());
    Message value = Message::string("x");
    for (int i = 0; i < 24; ++i) {
        const Message locals[] = {value};
        Result<Message> next = twice.value().evaluate({MessageRef(), locals});
        ASSERT_TRUE(next.ok());
        value = std::move(next).take();
    }
    const Message locals[] = {value};
    EXPECT_EQ(twice.value().evaluate({MessageRef(), locals}).error().status, REFLOW_ERROR_LIMIT);
}

// Random integer expressions against the same computation here, in 128 bits.
struct Made {
    std::string text;
    __int128 value;
};

Made random_integer(std::mt19937& random, int depth) {
    auto below = [&random](unsigned limit) { return random() % limit; };
    if (depth == 0 || below(4) == 0) {
        auto number = static_cast<std::int64_t>(below(2000)) - 1000;
        return {"(" + std::to_string(number) + ")", number};
    }
    Made a = random_integer(random, depth - 1);
    Made b = random_integer(random, depth - 1);
    auto floored = [](__int128 x, __int128 y) {
        __int128 quotient = x / y;
        return x % y != 0 && (x % y < 0) != (y < 0) ? quotient - 1 : quotient;
    };
    switch (below(6)) {
        case 0:
            return {"(" + a.text + " + " + b.text + ")", a.value + b.value};
        case 1:
            return {"(" + a.text + " - " + b.text + ")", a.value - b.value};
        case 2:
            if (a.value < 1'000'000 && a.value > -1'000'000 && b.value < 1000 && b.value > -1000) {
                return {"(" + a.text + " * " + b.text + ")", a.value * b.value};
            }
            return a;
        case 3:
            if (b.value == 0) return a;
            return {"(" + a.text + " // " + b.text + ")", floored(a.value, b.value)};
        case 4:
            if (b.value == 0) return a;
            return {"(" + a.text + " % " + b.text + ")",
                    a.value - b.value * floored(a.value, b.value)};
        default:
            return {"(" + a.text + " < " + b.text + " ? " + a.text + " : " + b.text + ")",
                    a.value < b.value ? a.value : b.value};
    }
}

TEST(Expression, RandomIntegersAgree) {
    std::mt19937 random(20120101);
    for (int i = 0; i < 2000; ++i) {
        Made made = random_integer(random, 5);
        Result<Expression> compiled = Expression::compile(made.text, {}, {});
        ASSERT_TRUE(compiled.ok()) << made.text << ": " << compiled.error().message;
        Result<Message> value = compiled.value().evaluate({});
        ASSERT_TRUE(value.ok()) << made.text << ": " << value.error().message;
        ASSERT_TRUE(value.value().is(REFLOW_KIND_INTEGER));
        ASSERT_EQ(static_cast<__int128>(value.value().integer()), made.value) << made.text;
    }
}

// Tokens in any order: nothing but a value or an error comes of them.
TEST(Expression, RandomTokensNeverCrash) {
    const char* const tokens[] = {
        "1",   "2.5",  "'a'",    "wind",  "temp",    ".max", "[",       "]",     "(",
        ")",   "{",    "}",      ",",     ":",       "?",    "??",      "+",     "-",
        "*",   "/",    "//",     "%",     "**",      "==",   "<",       "in",    "not",
        "and", "or",   "!",      "null",  "it",      "days", "has(",    "if(",   "max(",
        "a:",  "true", "$limit", "join(", "length(", "0",    "string(", "round("};
    std::mt19937 random(7);
    Message input = json(row_text);
    Message config = json(R"({"limit": 9})");
    std::size_t compiled_count = 0;
    std::size_t evaluated = 0;
    for (int i = 0; i < 200000; ++i) {
        std::string text;
        for (auto n = 1 + random() % 9; n > 0; --n) {
            text += tokens[random() % std::size(tokens)];
            text += ' ';
        }
        Result<Expression> compiled = Expression::compile(text, {config}, {});
        if (!compiled.ok()) {
            ASSERT_FALSE(compiled.error().message.empty());
            continue;
        }
        ++compiled_count;
        Result<Message> value = compiled.value().evaluate({input});
        if (value.ok()) {
            ++evaluated;
            ASSERT_FALSE(value.value().none()) << text;
        } else {
            ASSERT_NE(value.error().message.find(" at "), std::string::npos) << text;
        }
    }
    EXPECT_GT(compiled_count, 2000u);
    EXPECT_GT(evaluated, 500u);
}

}  // namespace
}  // namespace reflow::components
