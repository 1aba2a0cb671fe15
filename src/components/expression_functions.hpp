// The functions of the expression language: a table of names, counts of arguments and code.
// Neighbours: expression_parser looks them up, expression_evaluator calls them.
// Thread: any; they keep nothing.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/result.hpp"
#include "components/expression_program.hpp"

namespace reflow::components {

// Arguments are there, but may be null. A failure says what is wrong; the place is added.
using ExpressionFunction = Result<Value> (*)(std::span<Value> arguments);

struct FunctionEntry {
    std::string_view name;
    std::string_view signature;  // "round(x, digits)"
    std::uint8_t least = 0;      // arguments
    std::uint8_t most = 0;       // many: as many as you like
    ExpressionFunction call = nullptr;
};
inline constexpr std::uint8_t many_arguments = 255;

// One table for each file.
[[nodiscard]] std::span<const FunctionEntry> text_functions() noexcept;
[[nodiscard]] std::span<const FunctionEntry> number_functions() noexcept;
[[nodiscard]] std::span<const FunctionEntry> data_functions() noexcept;
[[nodiscard]] std::span<const FunctionEntry> date_functions() noexcept;

[[nodiscard]] std::size_t function_count() noexcept;
[[nodiscard]] const FunctionEntry& function_at(std::size_t index) noexcept;

// ---- for the functions

// "argument 2 of round(): expected an integer, found a string"
[[nodiscard]] Failure wrong_argument(std::string_view function, std::size_t index,
                                     std::string_view expected, MessageRef found);
[[nodiscard]] Result<std::string_view> text_argument(std::string_view function,
                                                     std::span<Value> arguments, std::size_t index);
[[nodiscard]] Result<std::int64_t> integer_argument(std::string_view function,
                                                    std::span<Value> arguments, std::size_t index);
[[nodiscard]] Result<double> number_argument(std::string_view function, std::span<Value> arguments,
                                             std::size_t index);
// A text that was made, refused beyond the limit of results.
[[nodiscard]] Result<Value> text_result(std::string_view function, const String& text);
[[nodiscard]] Failure too_long(std::string_view function);

// The text form of a scalar, as string() gives it.
[[nodiscard]] Result<void> append_text(String& to, MessageRef value);

// An integer compared with a float, exactly: -1, 0, 1, or 2 if the float is not a number.
[[nodiscard]] int compare_exactly(std::int64_t a, double b) noexcept;
// Two numbers, likewise.
[[nodiscard]] int compare_numbers(MessageRef a, MessageRef b) noexcept;
// Whether == holds; both are there.
[[nodiscard]] bool same_value(MessageRef a, MessageRef b);

}  // namespace reflow::components
