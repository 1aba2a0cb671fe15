// Characters of UTF-8, one or many. The table is that of RFC 3629, section 4.
// Neighbours: text.hpp, the JSON and MessagePack readers. Thread: any.
#pragma once

#include <cstddef>
#include <string_view>

namespace reflow {

// Length of the valid UTF-8 sequence at the start of text, or 0.
[[nodiscard]] inline std::size_t utf8_length(std::string_view text) noexcept {
    auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    auto in = [&](std::size_t i, unsigned low, unsigned high) {
        return i < text.size() && byte(i) >= low && byte(i) <= high;
    };
    unsigned first = byte(0);
    if (first < 0x80) return 1;
    if (first < 0xC2) return 0;
    if (first < 0xE0) return in(1, 0x80, 0xBF) ? 2 : 0;
    if (first < 0xF0) {
        unsigned low = first == 0xE0 ? 0xA0 : 0x80;
        unsigned high = first == 0xED ? 0x9F : 0xBF;
        return in(1, low, high) && in(2, 0x80, 0xBF) ? 3 : 0;
    }
    if (first < 0xF5) {
        unsigned low = first == 0xF0 ? 0x90 : 0x80;
        unsigned high = first == 0xF4 ? 0x8F : 0xBF;
        return in(1, low, high) && in(2, 0x80, 0xBF) && in(3, 0x80, 0xBF) ? 4 : 0;
    }
    return 0;
}

// How many bytes at the front are whole characters, about a window of them; or 0 if something among
// them is wrong. What may be looked at is a window and three bytes more.
inline constexpr std::ptrdiff_t utf8_window_bytes = 64;
[[nodiscard]] std::size_t whole_characters(const char* at) noexcept;

// The first place where text is no UTF-8, or its end.
[[nodiscard]] const char* valid_utf8(const char* at, const char* end) noexcept;

}  // namespace reflow
