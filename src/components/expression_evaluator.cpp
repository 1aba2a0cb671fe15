// Runs compiled expressions. Numbers, comparisons and field access allocate nothing; there are no
// backward jumps, so a run takes at most as many steps as the program has instructions.
// Neighbours: expression_program.hpp, expression_failures.cpp (what failures say),
// expression_functions. Thread: that of the actor.
#include "components/expression_machine.hpp"

#include <cmath>

#include "components/expression_functions.hpp"

namespace reflow::components {

MessageRef plain_value(MessageRef message) noexcept {
    while (message.is(REFLOW_KIND_OPTIONAL) || message.is(REFLOW_KIND_ANY)) {
        MessageRef content = message.content();
        if (content.none()) return Message::null();
        message = content;
    }
    return message;
}

namespace machine {
namespace {

// Division that rounds down, and the remainder that goes with it: its sign is that of b.
double floored_quotient(double a, double b, double& remainder) noexcept {
    remainder = std::fmod(a, b);
    double quotient = (a - remainder) / b;
    if (remainder != 0 && (remainder < 0) != (b < 0)) {
        remainder += b;
        quotient -= 1;
    }
    // quotient is an integer but for rounding.
    return std::round(quotient);
}

bool integer_power(std::int64_t base, std::int64_t exponent, std::int64_t& result) noexcept {
    result = 1;
    while (exponent > 0) {
        if ((exponent & 1) != 0 && __builtin_mul_overflow(result, base, &result)) return false;
        exponent >>= 1;
        if (exponent > 0 && __builtin_mul_overflow(base, base, &base)) return false;
    }
    return true;
}

}  // namespace

// Puts the result of an operator with two operands in their place.
bool Machine::replace_two(Message&& result) noexcept {
    pop();
    top_[-1].own(std::move(result));
    return true;
}

bool Machine::integers(Op op, std::int64_t a, std::int64_t b) {
    std::int64_t result = 0;
    bool overflow = false;
    switch (op) {
        case Op::add:
            overflow = __builtin_add_overflow(a, b, &result);
            break;
        case Op::subtract:
            overflow = __builtin_sub_overflow(a, b, &result);
            break;
        case Op::multiply:
            overflow = __builtin_mul_overflow(a, b, &result);
            break;
        case Op::power:
            if (b < 0) return reals(op, static_cast<double>(a), static_cast<double>(b));
            overflow = !integer_power(a, b, result);
            break;
        case Op::divide_floor:
        case Op::modulo: {
            if (b == 0) return fail_operation("division by zero");
            overflow = op == Op::divide_floor && a == INT64_MIN && b == -1;
            if (overflow || b == -1) {
                result = op == Op::modulo ? 0 : (overflow ? 0 : -a);
                break;
            }
            std::int64_t rest = a % b;
            bool down = rest != 0 && (rest < 0) != (b < 0);
            result = op == Op::modulo ? rest + (down ? b : 0) : a / b - (down ? 1 : 0);
            break;
        }
        default:
            return reals(op, static_cast<double>(a), static_cast<double>(b));
    }
    if (overflow) return fail_operation("integer overflow");
    return replace_two(Message::integer(result));
}

bool Machine::reals(Op op, double a, double b) {
    bool divides = op == Op::divide || op == Op::divide_floor || op == Op::modulo;
    if (divides && b == 0) return fail_operation("division by zero");
    double result = 0;
    switch (op) {
        case Op::add:
            result = a + b;
            break;
        case Op::subtract:
            result = a - b;
            break;
        case Op::multiply:
            result = a * b;
            break;
        case Op::divide:
            result = a / b;
            break;
        case Op::divide_floor: {
            double rest = 0;
            result = floored_quotient(a, b, rest);
            break;
        }
        case Op::modulo:
            (void)floored_quotient(a, b, result);
            break;
        default:
            if (a == 0 && b < 0) return fail_operation("division by zero");
            result = std::pow(a, b);
            if (std::isnan(result) && !std::isnan(a) && !std::isnan(b)) {
                return fail_operation("no real number is the result");
            }
            break;
    }
    return replace_two(Message::real(result));
}

bool Machine::arithmetic(Op op) {
    const Value& a = top_[-2];
    const Value& b = top_[-1];
    if (a.is(REFLOW_KIND_INTEGER) && b.is(REFLOW_KIND_INTEGER)) {
        return integers(op, a.integer(), b.integer());
    }
    if (a.number() && b.number()) return reals(op, a.real(), b.real());
    bool texts = op == Op::add && a.is(REFLOW_KIND_STRING) && b.is(REFLOW_KIND_STRING);
    if (!texts) return fail_arithmetic(op);
    if (a.text().size() + b.text().size() > expression_limits::result_bytes) {
        return fail(too_long("'+'"));
    }
    return replace_two(Message::string(concat(a.text(), b.text())));
}

bool Machine::sign(Op op) {
    Value& value = top_[-1];
    if (value.is(REFLOW_KIND_INTEGER)) {
        if (op == Op::plus) return true;
        if (value.integer() == INT64_MIN) return fail_operation("integer overflow");
        value.own(Message::integer(-value.integer()));
        return true;
    }
    if (!value.is(REFLOW_KIND_FLOAT)) {
        return fail_operand(value, origin().left, op == Op::plus ? "'+'" : "'-'", "a number");
    }
    if (op == Op::negate) value.own(Message::real(-value.real()));
    return true;
}

bool Machine::compare(Op op) {
    const Value& a = top_[-2];
    const Value& b = top_[-1];
    if (a.none() || b.none()) return fail_missing(a.none() ? a : b);
    if (op == Op::equal || op == Op::unequal) {
        return replace_two(Message::boolean(same_value(a, b) == (op == Op::equal)));
    }
    int order = 0;
    if (a.number() && b.number()) {
        order = compare_numbers(a, b);
        if (order == 2) return replace_two(Message::boolean(false));
    } else if (a.is(REFLOW_KIND_STRING) && b.is(REFLOW_KIND_STRING)) {
        order = a.text().compare(b.text());
    } else {
        return fail_compare(op);
    }
    bool holds = op == Op::less         ? order < 0
                 : op == Op::less_equal ? order <= 0
                 : op == Op::greater    ? order > 0
                                        : order >= 0;
    return replace_two(Message::boolean(holds));
}

bool Machine::contained(bool wanted) {
    const Value& element = top_[-2];
    const Value& whole = top_[-1];
    if (element.none() || whole.none()) return fail_missing(element.none() ? element : whole);
    bool found = false;
    if (whole.is(REFLOW_KIND_ARRAY)) {
        for (std::size_t i = 0; i < whole.size() && !found; ++i) {
            found = same_value(element, plain_value(whole.at(i)));
        }
    } else if (whole.is(REFLOW_KIND_STRING) || whole.is(REFLOW_KIND_OBJECT)) {
        if (!element.is(REFLOW_KIND_STRING)) {
            return fail_operand(element, origin().left, "'in'", "a string");
        }
        found = whole.is(REFLOW_KIND_OBJECT)
                    ? whole.has(element.text())
                    : whole.text().find(element.text()) != std::string_view::npos;
    } else {
        return fail_operand(whole, origin().right, "'in'", "an array, a string or an object");
    }
    return replace_two(Message::boolean(found == wanted));
}

bool Machine::member(std::string_view name) {
    Value& object = top_[-1];
    if (object.none()) return true;  // still what was missing first
    if (object.is(REFLOW_KIND_NULL)) {
        object = Value::missing(at_);
        return true;
    }
    if (!object.is(REFLOW_KIND_OBJECT)) return fail_member(object, name);
    set_part(object, plain_value(object.get(name)));
    return true;
}

bool Machine::element() {
    Value& whole = top_[-2];
    Value& key = top_[-1];
    if (key.none()) return fail_missing(key);
    if (whole.none() || whole.is(REFLOW_KIND_NULL)) {
        if (!whole.none()) whole = Value::missing(at_);
        pop();
        return true;
    }
    MessageRef found;
    if (whole.is(REFLOW_KIND_OBJECT)) {
        if (!key.is(REFLOW_KIND_STRING)) {
            return fail_operand(key, origin().right, "the name of a field", "a string");
        }
        found = plain_value(whole.get(key.text()));
    } else if (whole.is(REFLOW_KIND_ARRAY)) {
        if (!key.is(REFLOW_KIND_INTEGER)) {
            return fail_operand(key, origin().right, "the number of an element", "an integer");
        }
        // Negative numbers count from the end.
        std::int64_t number = key.integer();
        auto size = static_cast<std::int64_t>(whole.size());
        if (number < 0) number = number < -size ? size : number + size;
        found = plain_value(whole.at(static_cast<std::size_t>(number)));
    } else {
        return fail_operand(whole, origin().left, "'[...]'", "an array or an object");
    }
    set_part(whole, found);
    pop();
    return true;
}

// Replaces a whole by a part of it, which has to live on when the whole was owned.
void Machine::set_part(Value& whole, MessageRef part) noexcept {
    if (part.none()) {
        whole = Value::missing(at_);
    } else if (whole.owned()) {
        Message kept = part.own();
        whole.own(std::move(kept));
    } else {
        whole.borrow(part);
    }
}

bool Machine::make_array(std::size_t count) {
    ArrayBuilder elements(count);
    for (Value* value = top_ - count; value != top_; ++value) {
        if (value->none()) return fail_missing(*value);
        elements.append(value->take());
    }
    Result<Message> made = elements.finish();
    if (!made.ok()) return fail(Failure(made.take_error()));
    for (std::size_t i = 0; i < count; ++i) pop();
    (top_++)->own(std::move(made).take());
    return true;
}

bool Machine::make_object(std::size_t keys, std::size_t count) {
    ObjectBuilder object(count);
    Value* values = top_ - count;
    for (std::size_t i = 0; i < count; ++i) {
        if (values[i].none()) return fail_missing(values[i]);
        object.set(program_.constants[keys + i], values[i].take());
    }
    Result<Message> made = object.finish();
    if (!made.ok()) return fail(Failure(made.take_error()));
    for (std::size_t i = 0; i < count; ++i) pop();
    (top_++)->own(std::move(made).take());
    return true;
}

bool Machine::call(std::size_t function, std::size_t count) {
    Value* arguments = top_ - count;
    for (Value* argument = arguments; argument != top_; ++argument) {
        if (argument->none()) return fail_missing(*argument);
    }
    Result<Value> result = function_at(function).call({arguments, count});
    if (!result.ok()) return fail(Failure(result.take_error()));
    for (std::size_t i = 0; i < count; ++i) pop();
    // The result may be borrowed from an argument that was owned: functions own what they give.
    *top_++ = std::move(result).take();
    return true;
}

bool Machine::condition(const Value& value, std::string_view what) {
    if (value.is(REFLOW_KIND_BOOLEAN)) return true;
    return fail_operand(value, origin().left, what, "true or false");
}

bool Machine::jump(const Instruction& instruction) {
    Value& top = top_[-1];
    bool goes = false;
    switch (instruction.op) {
        case Op::jump_false:
            if (!condition(top, "a condition")) return false;
            goes = !top.boolean();
            pop();
            if (goes) at_ = instruction.a;
            return true;
        case Op::and_else:
            if (!condition(top, "'and'")) return false;
            goes = !top.boolean();
            break;
        case Op::or_else:
            if (!condition(top, "'or'")) return false;
            goes = top.boolean();
            break;
        default:
            goes = !top.none() && !top.is(REFLOW_KIND_NULL);
            break;
    }
    if (goes) {
        at_ = instruction.a;
    } else {
        pop();
    }
    return true;
}

void Machine::field(const Instruction& instruction) noexcept {
    std::string_view name = program_.constants[instruction.a].text();
    std::uint32_t& place = places_[instruction.b];
    // Objects with more keys are looked up by their own table when the field has moved.
    constexpr std::size_t searched = 64;
    MessageRef input = scope_.input;
    MessageRef found;
    if (input.key_at(place) == name) {
        found = input.at(place);
    } else if (input.size() > searched) {
        found = input.get(name);
    } else {
        for (std::uint32_t i = 0; i < input.size(); ++i) {
            if (input.key_at(i) != name) continue;
            found = input.at(i);
            place = i;
            break;
        }
    }
    found = plain_value(found);
    if (found.none()) {
        *top_++ = Value::missing(at_);
    } else {
        (top_++)->borrow(found);
    }
}

bool Machine::step(const Instruction& instruction) {
    switch (instruction.op) {
        case Op::constant:
            (top_++)->borrow(program_.constants[instruction.a]);
            return true;
        case Op::field:
            field(instruction);
            return true;
        case Op::local:
            (top_++)->borrow(plain_value(scope_.locals[instruction.a]));
            return true;
        case Op::input:
            (top_++)->borrow(plain_value(scope_.input));
            return true;
        case Op::member:
            return member(program_.constants[instruction.a].text());
        case Op::index:
            return element();
        case Op::negate:
        case Op::plus:
            return sign(instruction.op);
        case Op::invert:
            if (!condition(top_[-1], "'not'")) return false;
            top_[-1].own(Message::boolean(!top_[-1].boolean()));
            return true;
        case Op::add:
        case Op::subtract:
        case Op::multiply:
        case Op::divide:
        case Op::divide_floor:
        case Op::modulo:
        case Op::power:
            return arithmetic(instruction.op);
        case Op::in:
            return contained(true);
        case Op::not_in:
            return contained(false);
        case Op::equal:
        case Op::unequal:
        case Op::less:
        case Op::less_equal:
        case Op::greater:
        case Op::greater_equal:
            return compare(instruction.op);
        case Op::jump:
            at_ = instruction.a;
            return true;
        case Op::jump_false:
        case Op::and_else:
        case Op::or_else:
        case Op::coalesce:
            return jump(instruction);
        case Op::truth:
            return condition(top_[-1], "'and' and 'or'");
        case Op::has:
            top_[-1].own(Message::boolean(!top_[-1].none()));
            return true;
        case Op::array:
            return make_array(instruction.a);
        case Op::object:
            return make_object(instruction.a, instruction.b);
        case Op::call:
            return call(instruction.a, instruction.b);
    }
    return true;
}

Result<Message> Machine::run() {
    while (at_ < program_.code.size()) {
        std::size_t before = at_;
        if (!step(program_.code[at_])) break;
        if (at_ == before) ++at_;  // jumps go forward, so this was none
    }
    if (error_ == nullptr && top_[-1].none()) {
        at_ = program_.code.size() - 1;
        (void)fail_missing(top_[-1]);
    }
    Message result = error_ == nullptr ? top_[-1].take() : Message();
    while (top_ != bottom_) pop();
    if (error_ != nullptr) return std::move(error_);
    return result;
}

}  // namespace machine

Result<Message> run_program(const Program& program, const ExpressionScope& scope,
                            std::span<Value> stack, std::span<std::uint32_t> places) {
    return machine::Machine(program, scope, stack, places).run();
}

}  // namespace reflow::components
