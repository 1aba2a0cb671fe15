// The part of JSON Schema that configurations are checked with.
#include <limits>

#include "graph/config_schema.hpp"
#include "graph_helpers.hpp"

namespace reflow::graph::test {
namespace {

std::string problems(const Vector<SchemaProblem>& list) {
    std::string text;
    for (const SchemaProblem& each : list) {
        text += std::string(each.path) + ": " + std::string(each.message);
        if (!each.hint.empty()) text += " (" + std::string(each.hint) + ")";
        text += "\n";
    }
    return text;
}

struct Case {
    const char* schema;
    const char* value;
    const char* problems;
};

TEST(ConfigSchema, KeywordsSayWhatTheyMean) {
    const Case cases[] = {
        {"{}", "5", ""},
        {R"({"type":"string"})", R"("x")", ""},
        {R"({"type":"string"})", "5", ": expected a string, found an integer\n"},
        {R"({"type":"integer"})", "5.0", ": expected an integer, found a float (write 5)\n"},
        {R"({"type":"integer"})", "5.5", ": expected an integer, found a float\n"},
        {R"({"type":"number"})", "5", ""},
        {R"({"type":"number"})", "5.5", ""},
        {R"({"type":["string","null"]})", "null", ""},
        {R"({"type":["string","null","array"]})", "1",
         ": expected a string, null or an array, found an integer\n"},
        {R"({"enum":["fast","slow"]})", R"("fast")", ""},
        {R"({"enum":["fast","slow"]})", R"("fsat")",
         ": \"fsat\" is not one of \"fast\", \"slow\" (did you mean 'fast'?)\n"},
        {R"({"enum":[1,2]})", "3", ": 3 is not one of 1, 2\n"},
        {R"({"enum":[1]})", "1.0", ": 1.0 is not one of 1\n"},
        {R"({"const":{"a":1}})", R"({"a":1})", ""},
        {R"({"const":1})", "2", ": expected 1, found 2\n"},
        {R"({"minimum":2})", "1", ": 1 is less than the minimum 2\n"},
        {R"({"minimum":2})", "2", ""},
        {R"({"minimum":2.5})", "2", ": 2 is less than the minimum 2.5\n"},
        {R"({"maximum":9007199254740993})", "9007199254740994",
         ": 9007199254740994 is greater than the maximum 9007199254740993\n"},
        {R"({"maximum":9})", R"("text")", ""},
        {R"({"exclusiveMinimum":0})", "0", ": 0 is not greater than 0\n"},
        {R"({"exclusiveMaximum":1})", "1.0", ": 1.0 is not less than 1\n"},
        {R"({"minLength":2})", R"("ä")", ": the text has 1 character, the least is 2\n"},
        {R"({"maxLength":1})", R"("ab")", ": the text has 2 characters, the most is 1\n"},
        {R"({"minItems":1})", "[]", ": the array has 0 elements, the least is 1\n"},
        {R"({"maxItems":1})", "[1,2]", ": the array has 2 elements, the most is 1\n"},
        {R"({"items":{"type":"integer"}})", R"([1,"x",2.5])",
         "[1]: expected an integer, found a string\n[2]: expected an integer, found a float\n"},
        {R"({"required":["a","b"]})", R"({"b":1})", ": 'a' is required and missing\n"},
        {R"({"required":["a"]})", "[]", ""},
        {R"({"properties":{"a":{"type":"string"}}})", R"({"a":1,"b":2})",
         ".a: expected a string, found an integer\n"},
        {R"({"properties":{"path":{}},"additionalProperties":false})", R"({"pth":1})",
         ".pth: unknown key 'pth' (did you mean 'path'?)\n"},
        {R"({"additionalProperties":{"type":"integer"}})", R"({"a":1,"b b":"x"})",
         "[\"b b\"]: expected an integer, found a string\n"},
        {R"({"properties":{"a":false}})", R"({"a":1})", ".a: no value is allowed here\n"},
        {R"({"properties":{"r":{"items":{"properties":{"w":{"minimum":1}}}}}})",
         R"({"r":[{"w":2},{"w":0}]})", ".r[1].w: 0 is less than the minimum 1\n"},
        {R"({"type":"array","items":{"minimum":2}})", "[1,2,3]",
         "[0]: 1 is less than the minimum 2\n"},
        {R"({"pattern":"^x","title":"t","description":"d","default":3})", R"("y")", ""},
    };
    for (const Case& each : cases) {
        Message schema = json(each.schema);
        EXPECT_TRUE(check_schema(schema).ok()) << each.schema;
        EXPECT_EQ(problems(check_value(json(each.value), schema)), each.problems)
            << each.schema << " " << each.value;
    }
}

TEST(ConfigSchema, KindsBeyondJsonMatchNoType) {
    Message schema =
        json(R"({"type":["string","number","integer","array","object","boolean","null"]})");
    EXPECT_EQ(check_value(Message::bytes("x"), schema).size(), 1U);
    EXPECT_EQ(check_value(Message::flow(), schema).size(), 1U);
    EXPECT_EQ(check_value(Message::real(0.0 / 1), schema).size(), 0U);
    double nan = std::numeric_limits<double>::quiet_NaN();
    EXPECT_EQ(check_value(Message::real(nan), json(R"({"minimum":0})")).size(), 1U);
    EXPECT_EQ(check_value(Message::real(nan), json(R"({"maximum":0})")).size(), 1U);
}

TEST(ConfigSchema, ConfigurationsMayHaveTheKeysOfEditors) {
    Message schema = json(R"({"type":"object","properties":{"a":{"type":"integer"}},
                              "additionalProperties":false,"required":["a"]})");
    Message config = json(R"({"a":1,"position":{"x":1},"dimensions":{},"title":"t","label":"l",
        "color":"#fff","env_vars":{},"description":"d","dynasb.x":1})");
    EXPECT_EQ(problems(check_config(config, schema)), "");
    EXPECT_EQ(check_value(config, schema).size(), 8U);
    EXPECT_EQ(problems(check_config(Message::null(), schema)), ": 'a' is required and missing\n");
    EXPECT_EQ(problems(check_config({}, schema)), ": 'a' is required and missing\n");
    EXPECT_TRUE(check_config(config, {}).empty());
    Message asking = json(R"({"a":1,"KEY":"v","env_vars":{"KEY":"required"}})");
    EXPECT_EQ(problems(check_config(asking, schema)), "");
    EXPECT_EQ(problems(check_config(json(R"({"a":1,"KEY":"v","env_vars":{"KEYS":""}})"), schema)),
              ".KEY: unknown key 'KEY'\n");
    Message nested = json(R"({"properties":{"in":{"additionalProperties":false}}})");
    EXPECT_EQ(check_config(json(R"({"in":{"title":"t"}})"), nested).size(), 1U)
        << "only at the top";
}

TEST(ConfigSchema, BadSchemasAreRefusedWithTheirPlace) {
    const Case cases[] = {
        {"[]", "$", "expected an object"},
        {"true", "$", "expected an object"},
        {R"({"type":"text"})", "$", "null, boolean, integer"},
        {R"({"type":5})", "$", "the name of a type"},
        {R"({"type":[]})", "$", "the name of a type"},
        {R"({"enum":[]})", "$", "the values that are allowed"},
        {R"({"minimum":"1"})", "$", "expected a number for 'minimum', found \"1\""},
        {R"({"maxLength":-1})", "$", "a whole number of 0 or more"},
        {R"({"required":"a"})", "$", "an array of keys"},
        {R"({"required":[1]})", "$", "an array of keys"},
        {R"({"properties":[]})", "$", "an object of schemas"},
        {R"({"properties":{"a":{"type":"text"}}})", "$.a", "for 'type'"},
        {R"({"items":5})", "$.items", "expected an object, found 5"},
        {R"({"additionalProperties":"no"})", "$.additionalProperties", "expected an object"},
    };
    for (const Case& each : cases) {
        auto result = check_schema(json(each.schema));
        ASSERT_FALSE(result.ok()) << each.schema;
        EXPECT_EQ(result.error().status, REFLOW_ERROR_CONFIG);
        EXPECT_EQ(result.error().path, each.value) << each.schema;
        EXPECT_NE(result.error().message.find(each.problems), String::npos)
            << result.error().message;
    }
    EXPECT_TRUE(check_schema({}).ok());
}

}  // namespace
}  // namespace reflow::graph::test
