// Functions of expressions on values of every kind: conversion, size, parts.
// Neighbours: expression_functions.hpp. Thread: any.
#include <cmath>

#include "components/expression_functions.hpp"
#include "components/text_tools.hpp"

namespace reflow::components {
namespace {

using Arguments = std::span<Value>;

Failure no_conversion(std::string_view what, MessageRef value) {
    return Failure(REFLOW_ERROR_FAILED, concat(quote(value), " is not ", what));
}

Result<Value> to_integer(Arguments arguments) {
    const Value& value = arguments[0];
    switch (value.kind()) {
        case REFLOW_KIND_INTEGER:
            return Value(Message::integer(value.integer()));
        case REFLOW_KIND_BOOLEAN:
            return Value(Message::integer(value.boolean() ? 1 : 0));
        case REFLOW_KIND_FLOAT: {
            double whole = std::trunc(value.real());
            if (whole >= -9223372036854775808.0 && whole < 9223372036854775808.0) {
                return Value(Message::integer(static_cast<std::int64_t>(whole)));
            }
            return no_conversion("an integer of 64 bits", value);
        }
        case REFLOW_KIND_STRING:
            if (auto found = integer_in(value.text())) return Value(Message::integer(*found));
            return no_conversion("the text of an integer", value);
        default:
            return wrong_argument("int", 0, "a number, a boolean or a string", value);
    }
}

Result<Value> to_real(Arguments arguments) {
    const Value& value = arguments[0];
    if (value.number()) return Value(Message::real(value.real()));
    if (value.is(REFLOW_KIND_BOOLEAN)) return Value(Message::real(value.boolean() ? 1 : 0));
    if (!value.is(REFLOW_KIND_STRING)) {
        return wrong_argument("float", 0, "a number, a boolean or a string", value);
    }
    if (auto found = real_in(value.text())) return Value(Message::real(*found));
    return no_conversion("the text of a number", value);
}

Result<Value> to_text(Arguments arguments) {
    String text;
    Result<void> done = append_text(text, arguments[0]);
    if (!done.ok()) return done.take_error();
    return text_result("string", text);
}

Result<Value> to_boolean(Arguments arguments) {
    const Value& value = arguments[0];
    bool yes = (value.is(REFLOW_KIND_BOOLEAN) && value.boolean()) ||
               (value.is(REFLOW_KIND_STRING) && value.text() == "true") ||
               (value.number() && value.real() == 1);
    bool no = (value.is(REFLOW_KIND_BOOLEAN) && !value.boolean()) ||
              (value.is(REFLOW_KIND_STRING) && value.text() == "false") ||
              (value.number() && value.real() == 0);
    if (yes || no) return Value(Message::boolean(yes));
    return no_conversion("true or false", value);
}

std::string_view type_name(MessageRef value) noexcept {
    switch (value.kind()) {
        case REFLOW_KIND_NULL:
            return "null";
        case REFLOW_KIND_BOOLEAN:
            return "boolean";
        case REFLOW_KIND_INTEGER:
            return "integer";
        case REFLOW_KIND_FLOAT:
            return "float";
        case REFLOW_KIND_STRING:
            return "string";
        case REFLOW_KIND_BYTES:
            return "bytes";
        case REFLOW_KIND_ARRAY:
            return "array";
        case REFLOW_KIND_OBJECT:
            return "object";
        case REFLOW_KIND_FLOW:
            return "flow";
        case REFLOW_KIND_ERROR:
            return "error";
        case REFLOW_KIND_EVENT:
            return "event";
        default:
            return "other";
    }
}
Result<Value> type(Arguments arguments) { return Value(Message::string(type_name(arguments[0]))); }

Result<Value> length(Arguments arguments) {
    const Value& value = arguments[0];
    std::size_t size = 0;
    if (value.is(REFLOW_KIND_STRING)) {
        size = count_code_points(value.text());
    } else if (value.is(REFLOW_KIND_BYTES)) {
        size = value.bytes().size();
    } else if (value.is(REFLOW_KIND_ARRAY) || value.is(REFLOW_KIND_OBJECT)) {
        size = value.size();
    } else {
        return wrong_argument("length", 0, "a string, an array or an object", value);
    }
    return Value(Message::integer(static_cast<std::int64_t>(size)));
}

Result<Value> keys(Arguments arguments) {
    const Value& value = arguments[0];
    if (!value.is(REFLOW_KIND_OBJECT)) return wrong_argument("keys", 0, "an object", value);
    ArrayBuilder all(value.size());
    for (std::size_t i = 0; i < value.size(); ++i) all.append(value.key_message_at(i).own());
    Result<Message> made = all.finish();
    if (!made.ok()) return made.take_error();
    return Value(std::move(made).take());
}

Result<Value> values(Arguments arguments) {
    const Value& value = arguments[0];
    if (!value.is(REFLOW_KIND_OBJECT)) return wrong_argument("values", 0, "an object", value);
    ArrayBuilder all(value.size());
    for (std::size_t i = 0; i < value.size(); ++i) all.append(value.at(i).own());
    Result<Message> made = all.finish();
    if (!made.ok()) return made.take_error();
    return Value(std::move(made).take());
}

constexpr FunctionEntry table[] = {
    {"int", "int(value)", 1, 1, to_integer},    {"float", "float(value)", 1, 1, to_real},
    {"string", "string(value)", 1, 1, to_text}, {"bool", "bool(value)", 1, 1, to_boolean},
    {"type", "type(value)", 1, 1, type},        {"length", "length(value)", 1, 1, length},
    {"keys", "keys(object)", 1, 1, keys},       {"values", "values(object)", 1, 1, values},
};

}  // namespace

std::span<const FunctionEntry> data_functions() noexcept { return table; }

}  // namespace reflow::components
