// Typed reading of configurations: values, and what problems say.
#include "components/config.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "codec/json.hpp"

namespace reflow::components {
namespace {

const char* const document = R"({
    "text": "abc", "whole": 5, "real": 2.5, "whole_real": 4.0, "yes": true, "nothing": null,
    "list": ["a", "b"], "mixed": ["a", 1], "object": {"x": 1, "odd name": {"y": "z"}},
    "objects": [{"n": 1}, {"n": "two"}], "bad_objects": [{"n": 1}, 2]})";

// What a reading says is wrong; empty if nothing is.
std::string problem(const std::function<void(const Config&)>& read) {
    Result<Message> message = codec::read_json(document);
    Config config(message.value(), "n1");
    read(config);
    if (config.ok()) return "";
    std::unique_ptr<Error> error = config.take_error();
    EXPECT_EQ(error->status, REFLOW_ERROR_CONFIG);
    EXPECT_EQ(error->node, "n1");
    return std::string(error->describe());
}

TEST(Config, Values) {
    EXPECT_EQ(problem([](const Config& c) {
                  EXPECT_EQ(c.text("text"), "abc");
                  EXPECT_EQ(c.text("none", "other"), "other");
                  EXPECT_EQ(c.text("nothing", "other"), "other");
                  EXPECT_EQ(c.integer("whole", 0), 5);
                  EXPECT_EQ(c.integer("whole_real", 0), 4);
                  EXPECT_EQ(c.integer("none", 7), 7);
                  EXPECT_EQ(c.number("whole", 0), 5.0);
                  EXPECT_EQ(c.number("real", 0), 2.5);
                  EXPECT_TRUE(c.flag("yes", false));
                  EXPECT_EQ(c.choice("text", {"xyz", "abc"}, 0), 1u);
                  EXPECT_EQ(c.choice("none", {"xyz", "abc"}, 1), 1u);
                  EXPECT_EQ(c.texts("list").size(), 2u);
                  EXPECT_EQ(c.texts("list")[1], "b");
                  EXPECT_EQ(c.texts("text").at(0), "abc");
                  EXPECT_TRUE(c.texts("none").empty());
                  EXPECT_EQ(c.section("object").integer("x", 0), 1);
                  EXPECT_EQ(c.section("object").section("odd name").text("y"), "z");
                  EXPECT_EQ(c.section("none").size(), 0u);
                  EXPECT_EQ(c.sections("objects").size(), 2u);
                  EXPECT_FALSE(c.has("nothing"));
              }),
              "");
}

TEST(Config, Problems) {
    auto expect = [](const char* text, const std::function<void(const Config&)>& read) {
        EXPECT_EQ(problem(read), std::string("node 'n1': ") + text);
    };
    expect("missing configuration key 'none'", [](const Config& c) { (void)c.text("none"); });
    expect("expected a string, found an integer at $.whole",
           [](const Config& c) { (void)c.text("whole"); });
    expect("expected an integer, found a float at $.real",
           [](const Config& c) { (void)c.integer("real", 0); });
    expect("expected 1 to 4, found 5 at $.whole",
           [](const Config& c) { (void)c.integer("whole", 0, 1, 4); });
    expect("expected at least 6, found 5 at $.whole",
           [](const Config& c) { (void)c.integer("whole", 0, 6); });
    expect("expected at most 4, found 5 at $.whole",
           [](const Config& c) { (void)c.integer("whole", 0, INT64_MIN, 4); });
    expect("expected true or false, found a string at $.text",
           [](const Config& c) { (void)c.flag("text", false); });
    expect("expected a number, found a boolean at $.yes",
           [](const Config& c) { (void)c.number("yes", 0); });
    expect("expected 'abd' or 'x', found 'abc' at $.text (did you mean 'abd'?)",
           [](const Config& c) {
               (void)c.choice("text", {"abd", "x"}, 0);
           });
    expect("expected a string, found an integer at $.mixed[1]",
           [](const Config& c) { (void)c.texts("mixed"); });
    expect("expected an array of strings, found an object at $.object",
           [](const Config& c) { (void)c.texts("object"); });
    expect("expected an integer, found a string at $.objects[1].n", [](const Config& c) {
        for (const Section& one : c.sections("objects")) (void)one.integer("n", 0);
    });
    expect("expected an object, found an integer at $.bad_objects[1]",
           [](const Config& c) { (void)c.sections("bad_objects"); });
    expect("expected an integer, found a string at $.object['odd name'].y",
           [](const Config& c) { (void)c.section("object").section("odd name").integer("y", 0); });
    expect("unknown key 'odd name' at $.object", [](const Config& c) {
        c.section("object").only({"x", "y"});
    });
    // The first problem stays.
    expect("expected a string, found an integer at $.whole", [](const Config& c) {
        (void)c.text("whole");
        (void)c.text("none");
    });
}

TEST(Config, OfWhat) {
    EXPECT_TRUE(Config(MessageRef(), "n").ok());
    EXPECT_TRUE(Config(Message::null(), "n").ok());
    Config config(Message::integer(5), "n");
    EXPECT_FALSE(config.ok());
    EXPECT_EQ(config.take_error()->describe(), "node 'n': expected an object, found an integer");
}

}  // namespace
}  // namespace reflow::components
