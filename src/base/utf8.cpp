// Whole pieces of UTF-8 at a time. Where bytes have to continue a character is seen by comparing
// all of them with those one, two and three places before, as in J. Keiser and D. Lemire,
// "Validating UTF-8 in less than one instruction per byte" (2021); but what they look up in tables,
// which takes more than SSE2, is compared as well.
// Thread: any.
#include "base/utf8.hpp"

#include <bit>
#include <cstdint>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace reflow {
namespace {

// A bit for each byte of a window that is beyond ASCII.
[[gnu::always_inline]] inline std::uint64_t beyond_ascii(const char* at) noexcept {
    std::uint64_t beyond = 0;
    for (unsigned i = 0; i < utf8_window_bytes; i += 8) {
#if defined(__SSE2__)
        const auto* block = reinterpret_cast<const __m128i*>(at + i);
        auto found = static_cast<unsigned>(_mm_movemask_epi8(_mm_loadu_si128(block)));
        beyond |= std::uint64_t{found} << i;
        i += 8;
#else
        for (unsigned j = i; j < i + 8; ++j) {
            if (static_cast<unsigned char>(at[j]) >= 0x80) beyond |= std::uint64_t{1} << j;
        }
#endif
    }
    return beyond;
}

}  // namespace

#if defined(__SSE2__)
namespace {

// Sets a byte for each that is wrong behind those which stand one, two and three places before.
[[gnu::always_inline]] inline __m128i wrong_bytes(__m128i bytes, __m128i one, __m128i two,
                                                  __m128i three) noexcept {
    auto all = [](unsigned byte) { return _mm_set1_epi8(static_cast<char>(byte)); };
    // Bytes that continue a character, as signed numbers, are below all others that are not ASCII.
    auto below = [&](unsigned byte) { return _mm_cmplt_epi8(bytes, all(byte)); };
    auto after = [&](unsigned first) { return _mm_cmpeq_epi8(one, all(first)); };
    // Nonzero where the bytes before ask for one that continues a character.
    __m128i asked =
        _mm_or_si128(_mm_subs_epu8(one, all(0xBF)),
                     _mm_or_si128(_mm_subs_epu8(two, all(0xDF)), _mm_subs_epu8(three, all(0xEF))));
    __m128i not_asked = _mm_cmpeq_epi8(asked, _mm_setzero_si128());
    __m128i wrong = _mm_cmpeq_epi8(not_asked, below(0xC0));
    // Bytes that no character has.
    wrong = _mm_or_si128(wrong, _mm_cmpeq_epi8(_mm_and_si128(bytes, all(0xFE)), all(0xC0)));
    wrong = _mm_or_si128(wrong, _mm_subs_epu8(bytes, all(0xF4)));
    // The second bytes that are not like all others.
    wrong = _mm_or_si128(wrong, _mm_and_si128(after(0xE0), below(0xA0)));
    wrong = _mm_or_si128(wrong, _mm_andnot_si128(below(0xA0), after(0xED)));
    wrong = _mm_or_si128(wrong, _mm_and_si128(after(0xF0), below(0x90)));
    return _mm_or_si128(wrong, _mm_andnot_si128(below(0x90), after(0xF4)));
}

}  // namespace

[[gnu::noinline]] std::size_t whole_characters(const char* at) noexcept {
    auto load = [at](std::ptrdiff_t from) {
        return _mm_loadu_si128(reinterpret_cast<const __m128i*>(at + from));
    };
    __m128i first = load(0);
    __m128i wrong = wrong_bytes(first, _mm_slli_si128(first, 1), _mm_slli_si128(first, 2),
                                _mm_slli_si128(first, 3));
    for (std::ptrdiff_t i = 16; i < utf8_window_bytes; i += 16) {
        wrong = _mm_or_si128(wrong, wrong_bytes(load(i), load(i - 1), load(i - 2), load(i - 3)));
    }
    if (_mm_movemask_epi8(_mm_cmpeq_epi8(wrong, _mm_setzero_si128())) != 0xFFFF) return 0;
    // What begins at the end and goes on behind it is left.
    std::size_t whole = utf8_window_bytes;
    for (unsigned last = 1; last < 4; ++last) {
        auto byte = static_cast<unsigned char>(at[utf8_window_bytes - last]);
        if (byte >= (last == 1 ? 0xC0 : last == 2 ? 0xE0 : 0xF0)) whole = utf8_window_bytes - last;
    }
    return whole;
}
#else
std::size_t whole_characters(const char* at) noexcept {
    std::size_t passed = 0;
    while (passed < utf8_window_bytes) {
        std::size_t length = utf8_length({at + passed, 4});
        if (length == 0) return 0;
        passed += length;
    }
    return passed;
}
#endif

const char* valid_utf8(const char* at, const char* end) noexcept {
    // The step is the same for most windows, so that none waits for what was found in the one
    // before.
    while (end - at >= utf8_window_bytes + 3) {
        std::uint64_t beyond = beyond_ascii(at);
        std::ptrdiff_t whole = utf8_window_bytes;
        // A few characters are looked at one by one.
        for (unsigned left = 8; beyond != 0;) {
            const char* next = at + std::countr_zero(beyond);
            std::size_t length = utf8_length({next, 4});
            if (length == 0) return next;
            next += length;
            if (next - at >= utf8_window_bytes || --left == 0) {
                whole = next - at;
                break;
            }
            beyond &= ~std::uint64_t{0} << (next - at);
        }
        at += whole;
        // After many there are more.
        if (whole < utf8_window_bytes && end - at >= utf8_window_bytes + 3) {
            at += whole_characters(at);
        }
    }
    while (at != end) {
        std::uint64_t word = ~std::uint64_t{0};
        if (end - at >= 8) std::memcpy(&word, at, 8);
        std::size_t length = 8;
        if ((word & 0x8080808080808080u) != 0) {
            length = utf8_length({at, static_cast<std::size_t>(end - at)});
        }
        if (length == 0) break;
        at += length;
    }
    return at;
}

}  // namespace reflow
