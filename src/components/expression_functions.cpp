// The tables of functions as one, what functions share, and comparison of values.
// Neighbours: expression_functions.hpp. Thread: any.
#include "components/expression_functions.hpp"

#include <cmath>

#include "codec/json.hpp"
#include "components/text_tools.hpp"

namespace reflow::components {

std::size_t function_count() noexcept {
    return text_functions().size() + number_functions().size() + data_functions().size() +
           date_functions().size();
}

const FunctionEntry& function_at(std::size_t index) noexcept {
    for (std::span<const FunctionEntry> table :
         {text_functions(), number_functions(), data_functions()}) {
        if (index < table.size()) return table[index];
        index -= table.size();
    }
    return date_functions()[index];
}

Vector<std::string_view> expression_function_signatures() {
    Vector<std::string_view> all = {"if(condition, then, else)", "has(field)"};
    for (std::size_t i = 0; i < function_count(); ++i) all.push_back(function_at(i).signature);
    return all;
}

Failure wrong_argument(std::string_view function, std::size_t index, std::string_view expected,
                       MessageRef found) {
    return Failure(REFLOW_ERROR_FAILED,
                   concat("argument ", index + 1, " of ", function, "(): expected ", expected,
                          ", found ", kind_with_article(found)));
}

Result<std::string_view> text_argument(std::string_view function, std::span<Value> arguments,
                                       std::size_t index) {
    const Value& value = arguments[index];
    if (value.is(REFLOW_KIND_STRING)) return value.text();
    return wrong_argument(function, index, "a string", value);
}

Result<std::int64_t> integer_argument(std::string_view function, std::span<Value> arguments,
                                      std::size_t index) {
    const Value& value = arguments[index];
    if (value.is(REFLOW_KIND_INTEGER)) return value.integer();
    return wrong_argument(function, index, "an integer", value);
}

Result<double> number_argument(std::string_view function, std::span<Value> arguments,
                               std::size_t index) {
    const Value& value = arguments[index];
    if (value.number()) return value.real();
    return wrong_argument(function, index, "a number", value);
}

Failure too_long(std::string_view function) {
    return Failure(REFLOW_ERROR_LIMIT, concat(function, " would make a text of more than ",
                                              expression_limits::result_bytes, " bytes"));
}

Result<Value> text_result(std::string_view function, const String& text) {
    if (text.size() > expression_limits::result_bytes) return too_long(concat(function, "()"));
    return Value(Message::string(text));
}

Result<void> append_text(String& to, MessageRef value) {
    switch (value.kind()) {
        case REFLOW_KIND_STRING:
            append(to, value.text());
            return {};
        case REFLOW_KIND_INTEGER:
            append(to, value.integer());
            return {};
        case REFLOW_KIND_FLOAT:
            append(to, value.real());
            return {};
        case REFLOW_KIND_BOOLEAN:
            append(to, value.boolean() ? "true" : "false");
            return {};
        case REFLOW_KIND_NULL:
            append(to, "null");
            return {};
        default:
            return codec::write_json(to, value);
    }
}

int compare_exactly(std::int64_t a, double b) noexcept {
    if (std::isnan(b)) return 2;
    // 2^63 is a float, the largest integer is not.
    if (b >= 9223372036854775808.0) return -1;
    if (b < -9223372036854775808.0) return 1;
    double whole = std::trunc(b);
    auto integer = static_cast<std::int64_t>(whole);
    if (a != integer) return a < integer ? -1 : 1;
    if (b == whole) return 0;
    return b > whole ? -1 : 1;
}

int compare_numbers(MessageRef a, MessageRef b) noexcept {
    bool integer_a = a.is(REFLOW_KIND_INTEGER);
    bool integer_b = b.is(REFLOW_KIND_INTEGER);
    if (integer_a && integer_b) {
        return a.integer() < b.integer() ? -1 : (a.integer() > b.integer() ? 1 : 0);
    }
    if (integer_a) return compare_exactly(a.integer(), b.real());
    if (integer_b) {
        int reversed = compare_exactly(b.integer(), a.real());
        return reversed == 2 ? 2 : -reversed;
    }
    double x = a.real();
    double y = b.real();
    if (std::isnan(x) || std::isnan(y)) return 2;
    return x < y ? -1 : (x > y ? 1 : 0);
}

bool same_value(MessageRef a, MessageRef b) {
    if (a.number() && b.number()) return compare_numbers(a, b) == 0;
    if (a.kind() != b.kind()) return false;
    if (a.is(REFLOW_KIND_STRING)) return a.text() == b.text();
    return equal(a, b);
}

}  // namespace reflow::components
