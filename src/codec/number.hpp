// Numbers in text to messages, with nothing rounded that was written as an integer.
// Neighbours: the JSON, YAML and MessagePack readers. Thread: any.
#pragma once

#include <cstdint>
#include <string_view>

#include "message/message.hpp"

namespace reflow::codec {

enum class NumberFault : std::uint8_t {
    none,
    infinite,  // beyond the largest float
    inexact    // an integer beyond 64 bits that no float holds
};

struct Number {
    Message value;
    NumberFault fault = NumberFault::none;
};

// An integer from its decimal digits (no sign, no leading zeros): exact, or a float if that is.
[[nodiscard]] Number decimal_integer(bool negative, std::string_view digits);

// The same from a value.
[[nodiscard]] Number unsigned_integer(std::uint64_t value);

// A float from the text of a JSON number, correctly rounded. Too small ones are zero.
[[nodiscard]] Number decimal_real(std::string_view text);

// The fact for an error message: "integer 123... is beyond 64 bits and not exact as a float".
[[nodiscard]] String describe(NumberFault fault, std::string_view text);

}  // namespace reflow::codec
