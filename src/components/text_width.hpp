// How many columns of a terminal a text takes.
// Neighbours: table.cpp. Thread: any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace reflow::components {

// The code point at the start of a UTF-8 text that is not empty, and its length in bytes. What is
// not UTF-8 counts as U+FFFD of one byte.
struct Letter {
    std::uint32_t code;
    std::size_t bytes;
};
[[nodiscard]] Letter first_letter(std::string_view text) noexcept;

// 0 for letters that combine with the one before and for controls, 2 for the wide ones of East Asia
// and emoji, 1 for the rest.
[[nodiscard]] unsigned letter_width(std::uint32_t code) noexcept;
[[nodiscard]] std::size_t text_width(std::string_view text) noexcept;

// As much of the beginning as fits into the width.
[[nodiscard]] std::string_view fitting(std::string_view text, std::size_t width) noexcept;

}  // namespace reflow::components
