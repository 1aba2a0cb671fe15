// Functions of expressions on numbers.
// Neighbours: expression_functions.hpp. Thread: any.
#include <cmath>

#include "components/expression_functions.hpp"
#include "components/rounding.hpp"

namespace reflow::components {
namespace {

using Arguments = std::span<Value>;

Failure overflow(std::string_view name) {
    return Failure(REFLOW_ERROR_FAILED, concat("integer overflow in ", name, "()"));
}

Result<Value> absolute(Arguments arguments) {
    const Value& value = arguments[0];
    if (value.is(REFLOW_KIND_FLOAT)) return Value(Message::real(std::abs(value.real())));
    if (!value.is(REFLOW_KIND_INTEGER)) return wrong_argument("abs", 0, "a number", value);
    if (value.integer() == INT64_MIN) return overflow("abs");
    return Value(Message::integer(std::abs(value.integer())));
}

// The values that a function goes over: its arguments, or the elements of its only one.
class Values {
public:
    explicit Values(Arguments arguments) noexcept : arguments_(arguments) {
        array_ = arguments.size() == 1 && arguments[0].is(REFLOW_KIND_ARRAY);
    }
    [[nodiscard]] std::size_t size() const noexcept {
        return array_ ? arguments_[0].size() : arguments_.size();
    }
    [[nodiscard]] MessageRef operator[](std::size_t index) const noexcept {
        return array_ ? arguments_[0].at(index) : MessageRef(arguments_[index]);
    }
    [[nodiscard]] Failure wrong(std::string_view function, std::size_t index,
                                std::string_view expected) const {
        if (!array_) return wrong_argument(function, index, expected, (*this)[index]);
        return Failure(REFLOW_ERROR_FAILED,
                       concat("element ", index, " of the array in ", function, "(): expected ",
                              expected, ", found ", kind_with_article((*this)[index])));
    }

private:
    Arguments arguments_;
    bool array_;
};

Result<Value> extreme(std::string_view name, Arguments arguments, int wanted) {
    Values values(arguments);
    if (values.size() == 0) {
        return Failure(REFLOW_ERROR_FAILED, concat(name, "() of an empty array"));
    }
    bool texts = values[0].is(REFLOW_KIND_STRING);
    std::size_t best = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
        MessageRef value = values[i];
        if (texts ? !value.is(REFLOW_KIND_STRING) : !value.number()) {
            return values.wrong(name, i, texts ? "a string" : "a number");
        }
        int order = 0;
        if (texts) {
            order = value.text().compare(values[best].text());
        } else {
            order = compare_numbers(value, values[best]);
            if (order == 2) return Value(Message::real(NAN));
        }
        if ((order < 0 && wanted < 0) || (order > 0 && wanted > 0)) best = i;
    }
    return Value(values[best].own());
}
Result<Value> minimum(Arguments arguments) { return extreme("min", arguments, -1); }
Result<Value> maximum(Arguments arguments) { return extreme("max", arguments, 1); }

// An integer if all are integers, else a float.
Result<Message> sum_of(std::string_view name, const Values& values) {
    std::int64_t whole = 0;
    bool integers = true;
    CompensatedSum real;
    for (std::size_t i = 0; i < values.size(); ++i) {
        MessageRef value = values[i];
        if (!value.number()) return values.wrong(name, i, "a number");
        integers = integers && value.is(REFLOW_KIND_INTEGER);
        if (integers && __builtin_add_overflow(whole, value.integer(), &whole)) {
            return overflow(name);
        }
        real.add(value.real());
    }
    return integers ? Message::integer(whole) : Message::real(real.value());
}

Result<Value> sum(Arguments arguments) {
    Result<Message> total = sum_of("sum", Values(arguments));
    if (!total.ok()) return total.take_error();
    return Value(std::move(total).take());
}

Result<Value> mean(Arguments arguments) {
    Values values(arguments);
    if (values.size() == 0) return Failure(REFLOW_ERROR_FAILED, "mean() of an empty array");
    Result<Message> total = sum_of("mean", values);
    if (!total.ok()) return total.take_error();
    return Value(Message::real(total.value().real() / static_cast<double>(values.size())));
}

// A float without a fraction as an integer.
Result<Value> to_integer(std::string_view name, double value) {
    if (value >= -9223372036854775808.0 && value < 9223372036854775808.0) {
        return Value(Message::integer(static_cast<std::int64_t>(value)));
    }
    return Failure(REFLOW_ERROR_FAILED, concat(name, "() of ", value, " is not an integer"));
}

Result<Value> whole(std::string_view name, Arguments arguments, double (*change)(double)) {
    const Value& value = arguments[0];
    if (value.is(REFLOW_KIND_INTEGER)) return Value(Message::integer(value.integer()));
    if (!value.number()) return wrong_argument(name, 0, "a number", value);
    return to_integer(name, change(value.real()));
}
Result<Value> floor_of(Arguments arguments) {
    return whole("floor", arguments, [](double x) { return std::floor(x); });
}
Result<Value> ceiling(Arguments arguments) {
    return whole("ceil", arguments, [](double x) { return std::ceil(x); });
}

// An integer rounded to tens, hundreds, ...
Result<Value> round_integer(std::int64_t value, std::int64_t digits) {
    if (digits >= 0) return Value(Message::integer(value));
    if (digits < -19) return Value(Message::integer(0));
    std::uint64_t unit = 1;
    for (std::int64_t i = digits; i < 0; ++i) unit *= 10;  // 10^19 fits
    bool negative = value < 0;
    std::uint64_t size =
        negative ? 0 - static_cast<std::uint64_t>(value) : static_cast<std::uint64_t>(value);
    std::uint64_t rest = size % unit;
    size -= rest;
    if (rest >= unit - rest && __builtin_add_overflow(size, unit, &size)) return overflow("round");
    if (size > static_cast<std::uint64_t>(INT64_MAX)) return overflow("round");
    auto result = static_cast<std::int64_t>(size);
    return Value(Message::integer(negative ? -result : result));
}

Result<Value> round_to(Arguments arguments) {
    const Value& value = arguments[0];
    if (!value.number()) return wrong_argument("round", 0, "a number", value);
    if (arguments.size() == 1) {
        return whole("round", arguments, [](double x) { return std::round(x); });
    }
    Result<std::int64_t> digits = integer_argument("round", arguments, 1);
    if (!digits.ok()) return digits.take_error();
    if (value.is(REFLOW_KIND_INTEGER)) return round_integer(value.integer(), digits.value());
    if (digits.value() < -400) return Value(Message::real(0));
    int count =
        digits.value() > rounding_digits ? rounding_digits + 1 : static_cast<int>(digits.value());
    return Value(Message::real(round_decimal(value.real(), count)));
}

Result<Value> format(Arguments arguments) {
    Result<double> value = number_argument("format", arguments, 0);
    if (!value.ok()) return value.take_error();
    Result<std::int64_t> digits = integer_argument("format", arguments, 1);
    if (!digits.ok()) return digits.take_error();
    if (digits.value() < 0 || digits.value() > 100) {
        return Failure(REFLOW_ERROR_FAILED, "format() takes 0 to 100 digits");
    }
    String text;
    if (arguments[0].is(REFLOW_KIND_INTEGER)) {
        append(text, arguments[0].integer());
        if (digits.value() > 0) {
            text += '.';
            text.append(static_cast<std::size_t>(digits.value()), '0');
        }
    } else {
        append_rounded(text, value.value(), static_cast<int>(digits.value()));
    }
    return text_result("format", text);
}

// A function of one float. Where it has no value for a number, that is an error.
Result<Value> real(std::string_view name, Arguments arguments, double (*compute)(double)) {
    Result<double> x = number_argument(name, arguments, 0);
    if (!x.ok()) return x.take_error();
    double y = compute(x.value());
    bool defined = std::isfinite(y) || !std::isfinite(x.value()) || name == "exp";
    if (defined) return Value(Message::real(y));
    return Failure(REFLOW_ERROR_FAILED, concat(name, "() of ", x.value(), " is not a number"));
}
Result<Value> square_root(Arguments arguments) {
    return real("sqrt", arguments, [](double x) { return std::sqrt(x); });
}
Result<Value> logarithm(Arguments arguments) {
    return real("log", arguments, [](double x) { return std::log(x); });
}
Result<Value> logarithm_10(Arguments arguments) {
    return real("log10", arguments, [](double x) { return std::log10(x); });
}
Result<Value> exponential(Arguments arguments) {
    return real("exp", arguments, [](double x) { return std::exp(x); });
}

// Unlike the operator, always a float.
Result<Value> power(Arguments arguments) {
    Result<double> base = number_argument("pow", arguments, 0);
    if (!base.ok()) return base.take_error();
    Result<double> exponent = number_argument("pow", arguments, 1);
    if (!exponent.ok()) return exponent.take_error();
    double result = std::pow(base.value(), exponent.value());
    bool pole = base.value() == 0 && exponent.value() < 0;
    bool given = std::isnan(base.value()) || std::isnan(exponent.value());
    if (!pole && (given || !std::isnan(result))) return Value(Message::real(result));
    return Failure(REFLOW_ERROR_FAILED, concat("pow() of ", base.value(), " and ", exponent.value(),
                                               " is not a number"));
}

Result<Value> is_nan(Arguments arguments) {
    Result<double> x = number_argument("is_nan", arguments, 0);
    if (!x.ok()) return x.take_error();
    return Value(Message::boolean(std::isnan(x.value())));
}
Result<Value> is_finite(Arguments arguments) {
    Result<double> x = number_argument("is_finite", arguments, 0);
    if (!x.ok()) return x.take_error();
    return Value(Message::boolean(std::isfinite(x.value())));
}

constexpr FunctionEntry table[] = {
    {"abs", "abs(x)", 1, 1, absolute},
    {"min", "min(a, b, ...)", 1, many_arguments, minimum},
    {"max", "max(a, b, ...)", 1, many_arguments, maximum},
    {"sum", "sum(a, b, ...)", 1, many_arguments, sum},
    {"mean", "mean(a, b, ...)", 1, many_arguments, mean},
    {"round", "round(x, digits)", 1, 2, round_to},
    {"floor", "floor(x)", 1, 1, floor_of},
    {"ceil", "ceil(x)", 1, 1, ceiling},
    {"format", "format(x, digits)", 2, 2, format},
    {"sqrt", "sqrt(x)", 1, 1, square_root},
    {"pow", "pow(x, y)", 2, 2, power},
    {"log", "log(x)", 1, 1, logarithm},
    {"log10", "log10(x)", 1, 1, logarithm_10},
    {"exp", "exp(x)", 1, 1, exponential},
    {"is_nan", "is_nan(x)", 1, 1, is_nan},
    {"is_finite", "is_finite(x)", 1, 1, is_finite},
};

}  // namespace

std::span<const FunctionEntry> number_functions() noexcept { return table; }

}  // namespace reflow::components
