// Text in the data components: code points, numbers in text, text inside error messages.
// Neighbours: expressions, schema. Thread: any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/memory.hpp"
#include "message/message.hpp"

namespace reflow::components {

// The text, or its beginning and "...": for error messages, which quote what they are about.
[[nodiscard]] String clip(std::string_view text, std::size_t bytes = 60);

// A value for an error message: "99.5", "'rain'", "null", "an array".
[[nodiscard]] String quote(MessageRef value);

// UTF-8 of a code point that is one.
void append_code_point(String& to, std::uint32_t code);

// Of text that is UTF-8.
[[nodiscard]] std::size_t count_code_points(std::string_view text) noexcept;
// The byte at which code point number `index` starts; the size of the text if there are fewer.
[[nodiscard]] std::size_t code_point_offset(std::string_view text, std::size_t index) noexcept;

// ASCII spaces, tabs and line ends off both ends.
[[nodiscard]] std::string_view trim(std::string_view text) noexcept;

// Numbers as people write them in data: a sign, digits, a fraction after '.', an exponent; leading
// zeros are allowed; no spaces, no separators, no hexadecimal, no infinity. Nothing if the text is
// not one, or is out of range.
[[nodiscard]] std::optional<std::int64_t> integer_in(std::string_view text) noexcept;
[[nodiscard]] std::optional<double> real_in(std::string_view text);

}  // namespace reflow::components
