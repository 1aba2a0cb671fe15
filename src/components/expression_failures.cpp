// What failures of an evaluation say: the name, the text it came from, the place in it.
// Neighbours: expression_machine.hpp. Thread: that of the actor.
#include "components/expression_functions.hpp"
#include "components/expression_machine.hpp"
#include "components/text_tools.hpp"

namespace reflow::components::machine {
namespace {

std::string_view symbol(Op op) noexcept {
    switch (op) {
        case Op::add:
            return "'+'";
        case Op::subtract:
            return "'-'";
        case Op::multiply:
            return "'*'";
        case Op::divide:
            return "'/'";
        case Op::divide_floor:
            return "'//'";
        case Op::modulo:
            return "'%'";
        case Op::power:
            return "'**'";
        case Op::less:
            return "'<'";
        case Op::less_equal:
            return "'<='";
        case Op::greater:
            return "'>'";
        default:
            return "'>='";
    }
}

String suggestion(std::string_view name, MessageRef object) {
    Vector<std::string_view> keys;
    for (std::size_t i = 0; i < object.size(); ++i) keys.push_back(object.key_at(i));
    return did_you_mean(name, keys);
}

}  // namespace

String Machine::source(Span span) const {
    std::string_view text = program_.text;
    return clip(text.substr(span.begin, span.end - span.begin));
}

bool Machine::fail_at(Failure failure, std::uint32_t offset) {
    error_ = std::move(failure).take();
    append(error_->message, concat(" at ", place_text(program_.text, offset)));
    if (!program_.label.empty()) append(error_->message, concat(" of ", program_.label));
    return false;
}

bool Machine::fail(Failure failure) { return fail_at(std::move(failure), origin().at); }

bool Machine::fail_operation(std::string_view fact) {
    Span whole = origin().left;
    if (origin().right.end > whole.end) whole.end = origin().right.end;
    if (origin().at < whole.begin) whole.begin = origin().at;
    return fail(Failure(REFLOW_ERROR_FAILED, concat(fact, " in '", source(whole), "'")));
}

bool Machine::fail_operand(const Value& value, Span span, std::string_view who,
                           std::string_view expected) {
    if (value.none()) return fail_missing(value);
    return fail_at(
        Failure(REFLOW_ERROR_FAILED, concat(who, " wants ", expected, ", but '", source(span),
                                            "' is ", kind_with_article(value))),
        span.begin);
}

bool Machine::fail_arithmetic(Op op) {
    const Value& a = top_[-2];
    const Value& b = top_[-1];
    if (a.none() || b.none()) return fail_missing(a.none() ? a : b);
    bool text = op == Op::add && (a.is(REFLOW_KIND_STRING) || b.is(REFLOW_KIND_STRING));
    if (!text || a.is(REFLOW_KIND_NULL) || b.is(REFLOW_KIND_NULL)) {
        bool left = !a.number() && !(text && a.is(REFLOW_KIND_STRING));
        return fail_operand(left ? a : b, left ? origin().left : origin().right, symbol(op),
                            text ? "two strings" : "numbers");
    }
    bool left = !a.is(REFLOW_KIND_STRING);
    (void)fail_operand(left ? a : b, left ? origin().left : origin().right, symbol(op),
                       "two numbers or two strings");
    error_->hint = "string(x) makes a string of a number";
    return false;
}

bool Machine::fail_compare(Op op) {
    const Value& a = top_[-2];
    const Value& b = top_[-1];
    bool orders_a = a.number() || a.is(REFLOW_KIND_STRING);
    bool orders_b = b.number() || b.is(REFLOW_KIND_STRING);
    if (!orders_a || !orders_b) {
        return fail_operand(orders_a ? b : a, orders_a ? origin().right : origin().left, symbol(op),
                            "numbers or strings");
    }
    return fail(Failure(
        REFLOW_ERROR_FAILED,
        concat(symbol(op), " cannot compare ", kind_with_article(a), " with ", kind_with_article(b),
               ": '", source(origin().left), "' and '", source(origin().right), "'")));
}

bool Machine::fail_member(const Value& object, std::string_view name) {
    return fail(Failure(REFLOW_ERROR_FAILED,
                        concat("'", source(origin().left), "' is ", kind_with_article(object),
                               ", so it has no field '", clip(name), "'")));
}

// The value in which a missing one was looked for, if only names lead there; else none.
MessageRef Machine::path_before(std::size_t instruction) const noexcept {
    std::size_t first = instruction;
    while (first > 0 && program_.code[first].op == Op::member) --first;
    MessageRef value;
    const Instruction& start = program_.code[first];
    if (start.op == Op::field) {
        value = scope_.input.get(program_.constants[start.a].text());
    } else if (start.op == Op::local) {
        value = scope_.locals[start.a];
    } else if (start.op == Op::input) {
        value = scope_.input;
    } else if (start.op == Op::constant) {
        value = program_.constants[start.a];
    }
    for (std::size_t i = first + 1; i < instruction; ++i) {
        value = value.get(program_.constants[program_.code[i].a].text());
    }
    return value;
}

bool Machine::fail_missing(const Value& missing) {
    auto instruction = static_cast<std::size_t>(missing.raw().payload);
    const Instruction& looked = program_.code[instruction];
    const Origin& from = program_.origins[instruction];
    if (looked.op == Op::index) {
        Span whole = {from.left.begin, from.right.end + 1};
        return fail_at(Failure(REFLOW_ERROR_FAILED, concat("nothing at '", source(whole), "'")),
                       from.at);
    }
    std::string_view name = program_.constants[looked.a].text();
    MessageRef object = scope_.input;
    String fact = concat("unknown field '", clip(name), "'");
    if (looked.op == Op::member) {
        object = path_before(instruction);
        if (object.nothing()) {
            fact =
                concat("'", source(from.left), "' is null, so it has no field '", clip(name), "'");
        } else {
            append(fact, concat(" of '", source(from.left), "'"));
        }
    } else if (!object.is(REFLOW_KIND_OBJECT)) {
        fact = concat("the input is ", kind_with_article(object), ", so it has no field '",
                      clip(name), "'");
    }
    return fail_at(Failure(REFLOW_ERROR_FAILED, fact).hint(suggestion(name, object)), from.at);
}

}  // namespace reflow::components::machine
