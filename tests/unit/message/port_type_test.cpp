#include "message/port_type.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/limits.hpp"

namespace reflow {
namespace {

PortType type(std::string_view text) {
    Result<PortType> parsed = PortType::parse(text);
    EXPECT_TRUE(parsed.ok()) << text;
    return parsed.ok() ? std::move(parsed).take() : PortType();
}

// A type as a tree, with the rules of compatibility written down one by one and by recursion.
struct Tree {
    std::string kind;
    std::string name;
    std::vector<Tree> inner;
};

Tree tree(std::string_view text) {
    std::size_t open = text.find('<');
    if (open == std::string_view::npos) {
        bool element = text == "array" || text == "option";
        return {std::string(text), "",
                element ? std::vector<Tree>{{"any", "", {}}} : std::vector<Tree>{}};
    }
    std::string_view inside = text.substr(open + 1, text.size() - open - 2);
    std::string kind(text.substr(0, open));
    if (kind == "object") return {kind, std::string(inside), {}};
    return {kind, "", {tree(inside)}};
}

bool flows(const Tree& a, const Tree& b) {
    if (a.kind == "any" || b.kind == "any") return true;
    if (a.kind == "stream" || b.kind == "stream") return true;
    if (a.kind == "bytes" || b.kind == "bytes") return true;
    if (a.kind == "array" && b.kind == "array") return flows(a.inner[0], b.inner[0]);
    if (a.kind == "option" && b.kind == "option") return flows(a.inner[0], b.inner[0]);
    if (a.kind == "option") return flows(a.inner[0], b);
    if (b.kind == "option") return flows(a, b.inner[0]);
    if (a.kind == "integer" && b.kind == "float") return true;
    if (a.kind == "object" && b.kind == "object") {
        return a.name.empty() || b.name.empty() || a.name == b.name;
    }
    return a.kind == b.kind;
}

std::vector<std::string> some_types() {
    std::vector<std::string> plain = {
        "any",   "flow",   "event",         "boolean",      "integer", "float", "string",
        "bytes", "object", "object<Order>", "object<Bill>", "encoded", "stream"};
    std::vector<std::string> all = plain;
    for (const std::string& inner : plain) {
        all.push_back("array<" + inner + ">");
        all.push_back("option<" + inner + ">");
        all.push_back("array<option<" + inner + ">>");
        all.push_back("option<array<" + inner + ">>");
    }
    return all;
}

TEST(PortType, CompatibilityIsThatOfTheRules) {
    for (const std::string& a : some_types()) {
        for (const std::string& b : some_types()) {
            EXPECT_EQ(type(a).flows_into(type(b)), flows(tree(a), tree(b))) << a << " -> " << b;
        }
    }
}

TEST(PortType, TextAndMessageReadBack) {
    for (const std::string& text : some_types()) {
        PortType parsed = type(text);
        EXPECT_EQ(std::string_view(parsed.text()), text);
        Result<PortType> again = PortType::from_message(parsed.to_message());
        ASSERT_TRUE(again.ok()) << text;
        EXPECT_EQ(again.value(), parsed) << text;
    }
    EXPECT_EQ(type("").text(), "any");
    EXPECT_EQ(type("array").text(), "array<any>");
    EXPECT_EQ(type("option"), type("option<any>"));
    EXPECT_EQ(PortType::from_message(Message::null()).value(), PortType());
    EXPECT_EQ(PortType::from_message(Message::string("array<flow>")).value(), type("array<flow>"));
}

TEST(PortType, WhatIsNoTypeIsRefused) {
    for (std::string_view text :
         {"Any", "integer<any>", "array<", "array<>", "array<integer", "array<integer>>", "object<",
          "object<>", "array<x>", "<any>", "array<integer>x", ">", "array<object<A>", " any"}) {
        Result<PortType> parsed = PortType::parse(text);
        EXPECT_FALSE(parsed.ok()) << text;
    }
    Result<PortType> slip = PortType::parse("sting");
    ASSERT_FALSE(slip.ok());
    EXPECT_EQ(slip.error().status, REFLOW_ERROR_CONFIG);
    EXPECT_EQ(slip.error().hint, "did you mean 'string'?");
    EXPECT_FALSE(PortType::from_message(Message::integer(1)).ok());
}

TEST(PortType, NestingIsLimitedAndTheLimitCanBeWritten) {
    auto nested = [](std::size_t levels, std::string_view inner) {
        std::string text;
        for (std::size_t i = 0; i < levels; ++i) text += "array<";
        text += inner;
        return text + std::string(levels, '>');
    };
    // With its element, which may be left out, a type has at most depth_count levels.
    for (std::string_view inner : {"integer", "array<any>"}) {
        std::size_t more = inner == "integer" ? 1 : 2;
        std::string deepest = nested(limits::depth_count - more, inner);
        PortType parsed = type(deepest);
        EXPECT_EQ(std::string_view(parsed.text()), deepest);
        Message message = parsed.to_message();
        EXPECT_EQ(message.depth(), limits::depth_count);
        EXPECT_EQ(PortType::from_message(message).value(), parsed);
        EXPECT_TRUE(parsed.flows_into(parsed));
        Result<PortType> refused = PortType::parse(nested(limits::depth_count - more + 1, inner));
        ASSERT_FALSE(refused.ok());
        EXPECT_EQ(refused.error().status, REFLOW_ERROR_LIMIT);
    }
    EXPECT_FALSE(PortType::parse(nested(limits::depth_count - 1, "array")).ok());
    EXPECT_TRUE(PortType::parse(nested(limits::depth_count - 2, "array")).ok());
}

TEST(PortType, OfAMessage) {
    auto array = [](std::initializer_list<Message> elements) {
        ArrayBuilder builder;
        for (const Message& element : elements) builder.append(element);
        return builder.finish().take();
    };
    struct {
        Message message;
        std::string_view expected;
    } cases[] = {
        {Message::boolean(true), "boolean"},
        {Message::integer(1), "integer"},
        {Message::real(1), "float"},
        {Message::string("x"), "string"},
        {Message::bytes("x"), "bytes"},
        {Message::flow(), "flow"},
        {Message::null(), "option<any>"},
        {Message::wrap(REFLOW_KIND_OPTIONAL, Message::integer(1)).take(), "option<any>"},
        {Message::wrap(REFLOW_KIND_EVENT, Message::integer(1)).take(), "event"},
        {Message::wrap(REFLOW_KIND_ANY, Message::integer(1)).take(), "any"},
        {Message::encoded("x"), "encoded"},
        {Message::error("x"), "string"},
        {ObjectBuilder().finish().take(), "object"},
        {array({}), "array<any>"},
        {array({Message::integer(1), Message::integer(2)}), "array<integer>"},
        {array({Message::real(1)}), "array<float>"},
        {array({Message::string("a"), Message::string("b")}), "array<string>"},
        {array({Message::string("a"), Message::integer(1)}), "array<any>"},
        {array({array({}), array({})}), "array<any>"},
    };
    for (auto& test : cases) EXPECT_EQ(PortType::of(test.message).text(), test.expected);
    EXPECT_TRUE(type("float").takes(Message::integer(1)));
    EXPECT_FALSE(type("integer").takes(Message::real(1)));
    EXPECT_TRUE(type("integer").takes(Message::null()));
    EXPECT_FALSE(type("boolean").takes(Message::string("true")));
    EXPECT_TRUE(type("array<float>").takes(array({Message::integer(1)})));
    EXPECT_FALSE(type("array<string>").takes(array({Message::integer(1)})));
    EXPECT_TRUE(type("string").takes(Message::wrap(REFLOW_KIND_ANY, Message::flow()).take()));
}

}  // namespace
}  // namespace reflow
