// Windows of a JSON string in masks of 64 bits, one for each byte. Which backslashes begin an escape
// is found by a subtraction, as in simdjson (G. Langdale and D. Lemire, "Parsing Gigabytes of JSON per
// Second", 2019).
// Thread: any.
#include "codec/wide_text.hpp"

#if defined(REFLOW_WIDE_TEXT)

#include <immintrin.h>
#if defined(__clang__)
#define _Bool bool  // the header is of C, and gcc alone knows this word in C++
#endif
#include <sys/platform/x86.h>
#undef _Bool

#include <bit>
#include <cstddef>
#include <cstdint>

// What is for one processor is inlined only into what is for the same.
#define REFLOW_TARGET gnu::target("avx512bw,avx512vbmi,avx512vbmi2")

namespace reflow::codec {
namespace {

constexpr std::ptrdiff_t window = 64;

[[REFLOW_TARGET, gnu::always_inline]] inline __m512i load(const char* at) noexcept {
    return _mm512_loadu_si512(at);
}
[[REFLOW_TARGET, gnu::always_inline]] inline __m512i all(unsigned byte) noexcept {
    return _mm512_set1_epi8(static_cast<char>(byte));
}
// Bytes that are this one; that are this one or more; that are less.
[[REFLOW_TARGET, gnu::always_inline]] inline std::uint64_t equal(__m512i bytes,
                                                                 unsigned byte) noexcept {
    return _mm512_cmpeq_epi8_mask(bytes, all(byte));
}
[[REFLOW_TARGET, gnu::always_inline]] inline std::uint64_t least(__m512i bytes,
                                                                 unsigned byte) noexcept {
    return _mm512_cmpge_epu8_mask(bytes, all(byte));
}
[[REFLOW_TARGET, gnu::always_inline]] inline std::uint64_t below(__m512i bytes,
                                                                 unsigned byte) noexcept {
    return _mm512_cmplt_epu8_mask(bytes, all(byte));
}

// What is seen of UTF-8 in a window that begins with a character.
struct Characters {
    std::uint64_t first;  // bytes that begin characters of more than one
    std::uint64_t wrong;  // that do not fit what is before them
    std::uint64_t cut;    // where the last one begins, if it goes on behind the window
};
[[REFLOW_TARGET, gnu::always_inline]] inline Characters characters(__m512i bytes) noexcept {
    // First bytes of at least two, three and four.
    const std::uint64_t two = least(bytes, 0xC0);
    const std::uint64_t three = least(bytes, 0xE0);
    const std::uint64_t four = least(bytes, 0xF0);
    const std::uint64_t asked = two << 1 | three << 2 | four << 3;
    // As signed numbers, bytes that continue a character are below all others.
    const std::uint64_t goes_on = _mm512_cmplt_epi8_mask(bytes, all(0xC0));
    std::uint64_t wrong = (asked ^ goes_on) | (two & below(bytes, 0xC2));
    if (three != 0) {
        // Second bytes that are not like all others, and what no character begins with.
        const std::uint64_t from_a0 = least(bytes, 0xA0);
        const std::uint64_t from_90 = least(bytes, 0x90);
        wrong |= (equal(bytes, 0xE0) << 1 & ~from_a0) | (equal(bytes, 0xED) << 1 & from_a0) |
                 (equal(bytes, 0xF0) << 1 & ~from_90) | (equal(bytes, 0xF4) << 1 & from_90) |
                 least(bytes, 0xF5);
    }
    constexpr std::uint64_t end = ~std::uint64_t{0};
    return {two, wrong, (two & end << 63) | (three & end << 62) | (four & end << 61)};
}

}  // namespace

bool has_wide_text() noexcept {
    return CPU_FEATURE_ACTIVE(AVX512BW) && CPU_FEATURE_ACTIVE(AVX512_VBMI) &&
           CPU_FEATURE_ACTIVE(AVX512_VBMI2);
}

[[REFLOW_TARGET]] WideText read_wide_text(const char* at, const char* end, char* to,
                                          const char* limit) noexcept {
    constexpr std::uint64_t odd = 0xAAAAAAAAAAAAAAAAu;
    const __m512i meant_low = load(simple_escapes.data());
    const __m512i meant_high = load(simple_escapes.data() + window);
    while (end - at >= window && limit - to >= window) {
        const __m512i bytes = load(at);
        // Of a row of backslashes every second one begins an escape; the bytes behind those.
        const std::uint64_t backslash = equal(bytes, '\\');
        const std::uint64_t both = (((backslash << 1) | odd) - backslash) ^ odd;
        const std::uint64_t escaped = both ^ backslash;
        const std::uint64_t begins = both & backslash;
        // Of what is beyond ASCII any byte is looked up, but refused below.
        const __m512i meant = _mm512_mask2_permutex2var_epi8(meant_low, bytes, escaped, meant_high);
        const Characters found = characters(bytes);
        // Where the window has to end: at the quote, or before what goes on behind it.
        const std::uint64_t last = begins & std::uint64_t{1} << 63;
        const std::uint64_t stop = (equal(bytes, '"') & ~escaped) | last | found.cut;
        const std::uint64_t looked = stop ^ (stop - 1);  // all up to there
        const std::uint64_t wrong = found.wrong | (found.first & escaped) |
                                    below(bytes, 0x20) |
                                    _mm512_mask_testn_epi8_mask(escaped, meant, meant);
        if ((wrong & looked) != 0) break;
        const std::uint64_t kept = (stop == 0 ? looked : looked >> 1) & ~begins;
        _mm512_storeu_si512(to, _mm512_maskz_compress_epi8(kept, meant));
        to += __builtin_popcountll(kept);
        // Most windows take this step, so that the next one does not wait for what this one has.
        if (stop == 0) [[likely]] {
            at += window;
            continue;
        }
        at += std::countr_zero(stop);
        if (*at == '"') break;
    }
    return {at, to};
}

}  // namespace reflow::codec

#endif
