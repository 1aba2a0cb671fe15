// Eight bytes of text at a time: where the next byte stands that a JSON string cannot hold as it
// is, and whether short texts are equal. Neighbours: the readers and the JSON writer. Thread: any.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace reflow::codec {

inline constexpr std::uint64_t ones = 0x0101010101010101u;
inline constexpr std::uint64_t high_bits = 0x8080808080808080u;

[[nodiscard]] inline std::uint64_t load_word(const char* at) noexcept {
    std::uint64_t word;
    std::memcpy(&word, at, sizeof word);
    if constexpr (std::endian::native == std::endian::big) word = __builtin_bswap64(word);
    return word;
}

// The high bit of every byte that is a quote, a backslash or below 0x20. A borrow may set bits
// behind the first one as well, so that only the first counts.
[[nodiscard]] inline std::uint64_t special_bytes(std::uint64_t word) noexcept {
    std::uint64_t quote = word ^ (ones * '"');
    std::uint64_t backslash = word ^ (ones * '\\');
    std::uint64_t found = (word - ones * 0x20) | (quote - ones) | (backslash - ones);
    // ~word is right for all three: a quote or a backslash has no high bit itself.
    return found & ~word & high_bits;
}

// Bytes before the first one that is marked; the mask is not zero.
[[nodiscard]] inline unsigned first_marked(std::uint64_t mask) noexcept {
    return static_cast<unsigned>(std::countr_zero(mask)) / 8;
}

// Whether two texts of the same size are equal. For short ones this is cheaper than a call.
[[nodiscard]] inline bool same_bytes(const char* a, const char* b, std::size_t size) noexcept {
    if (size >= 8) {
        for (std::size_t at = 0; at + 8 < size; at += 8) {
            if (load_word(a + at) != load_word(b + at)) return false;
        }
        return load_word(a + size - 8) == load_word(b + size - 8);
    }
    if (size >= 4) {
        std::uint32_t x[2];
        std::uint32_t y[2];
        std::memcpy(x, a, 4);
        std::memcpy(x + 1, a + size - 4, 4);
        std::memcpy(y, b, 4);
        std::memcpy(y + 1, b + size - 4, 4);
        return x[0] == y[0] && x[1] == y[1];
    }
    for (std::size_t at = 0; at < size; ++at) {
        if (a[at] != b[at]) return false;
    }
    return true;
}

[[nodiscard]] inline bool special_byte(char byte) noexcept {
    return byte == '"' || byte == '\\' || static_cast<unsigned char>(byte) < 0x20;
}

}  // namespace reflow::codec
