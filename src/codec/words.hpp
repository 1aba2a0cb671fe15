// Several bytes of text at a time: where the next byte stands that a JSON string cannot hold as it
// is, digits, and whether short texts are equal. Neighbours: the readers and the JSON writer.
// Thread: any.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

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

// Which of the first bytes of a text a JSON string cannot hold as they are: a bit for each that is
// a quote, a backslash or below 0x20, the first byte lowest. 16 bytes at a time where the processor
// is known to have SSE2, else 8. `beyond_ascii` marks bytes above 0x7F as well.
#if defined(__SSE2__)
inline constexpr std::size_t block_bytes = 16;
template <bool beyond_ascii>
[[nodiscard]] inline std::uint32_t marked_bytes(const char* at) noexcept {
    __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    // As signed numbers, bytes above 0x7F are below 0x20 as well.
    __m128i found = beyond_ascii ? _mm_cmplt_epi8(bytes, _mm_set1_epi8(0x20))
                                 : _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1F)), bytes);
    found = _mm_or_si128(found, _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"')));
    found = _mm_or_si128(found, _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\')));
    return static_cast<std::uint32_t>(_mm_movemask_epi8(found));
}
#else
inline constexpr std::size_t block_bytes = 8;
template <bool beyond_ascii>
[[nodiscard]] inline std::uint32_t marked_bytes(const char* at) noexcept {
    constexpr std::uint64_t low_bits = ~high_bits;
    std::uint64_t word = load_word(at);
    std::uint64_t low = word & low_bits;
    // Sums of seven bits stay in their byte, so that every mark is right: the high bit of each sum
    // is set where the byte is not what is looked for.
    std::uint64_t quote = (low ^ (ones * '"')) + low_bits;
    std::uint64_t backslash = (low ^ (ones * '\\')) + low_bits;
    std::uint64_t control = low + ones * (0x80 - 0x20);
    std::uint64_t found = ~(quote & backslash & control);
    found = (beyond_ascii ? found | word : found & ~word) & high_bits;
    // Gathers the bits: byte i's goes to bit 56 + i.
    return static_cast<std::uint32_t>(((found >> 7) * 0x0102040810204080u) >> 56);
}
#endif

// The same for 64 bytes.
inline constexpr std::size_t window_bytes = 64;
template <bool beyond_ascii>
[[nodiscard]] inline std::uint64_t marked_window(const char* at) noexcept {
    std::uint64_t found = 0;
    for (std::size_t i = 0; i < window_bytes; i += block_bytes) {
        found |= std::uint64_t{marked_bytes<beyond_ascii>(at + i)} << i;
    }
    return found;
}

// Copies in blocks, two at least: up to two more than asked for are read and written.
inline void copy_blocks(char* to, const char* from, std::size_t size) noexcept {
    std::memcpy(to, from, 2 * block_bytes);
    for (std::size_t i = 2 * block_bytes; i < size; i += block_bytes) {
        std::memcpy(to + i, from + i, block_bytes);
    }
}

// How many of the eight characters at the front of a word are decimal digits.
[[nodiscard]] inline unsigned count_digits(std::uint64_t word) noexcept {
    std::uint64_t value = word ^ (ones * '0');
    // Only the first one that is none has to be right, so that a carry behind it does no harm.
    std::uint64_t other = ((value + ones * 0x76) | value) & high_bits;
    return other == 0 ? 8 : first_marked(other);
}

// The value of the first `count` characters of a word, which are digits; count is 1 to 8.
[[nodiscard]] inline std::uint64_t digits_value(std::uint64_t word, unsigned count) noexcept {
    // Zeros in front, then pairs, fours, all eight.
    std::uint64_t value = (word & (ones * 0x0F)) << (64 - 8 * count);
    value = (value * 10 + (value >> 8)) & 0x00FF00FF00FF00FFu;
    value = (value * 100 + (value >> 16)) & 0x0000FFFF0000FFFFu;
    return (value * 10000 + (value >> 32)) & 0xFFFFFFFFu;
}

[[nodiscard]] inline bool digit(char c) noexcept { return c >= '0' && c <= '9'; }

// Passes over digits and adds them to the value, which wraps around behind 19 of them.
[[nodiscard]] inline const char* read_digits(const char* at, const char* end,
                                             std::uint64_t* value) noexcept {
    static constexpr std::uint64_t powers[] = {1,      10,      100,      1000,     10000,
                                               100000, 1000000, 10000000, 100000000};
    while (end - at >= 8) {
        std::uint64_t word = load_word(at);
        unsigned count = count_digits(word);
        if (count == 0) return at;
        *value = *value * powers[count] + digits_value(word, count);
        at += count;
        if (count != 8) return at;
    }
    for (; at != end && digit(*at); ++at) *value = *value * 10 + static_cast<unsigned>(*at - '0');
    return at;
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

// The first byte from `at` on that is marked.
[[nodiscard]] inline const char* skip_plain(const char* at, const char* end) noexcept {
    while (static_cast<std::size_t>(end - at) >= block_bytes) {
        std::uint32_t marked = marked_bytes<true>(at);
        if (marked != 0) return at + std::countr_zero(marked);
        at += block_bytes;
    }
    while (at != end && !special_byte(*at) && static_cast<unsigned char>(*at) < 0x80) ++at;
    return at;
}

}  // namespace reflow::codec
