// Long strings of JSON, 64 bytes in some fifty instructions, on processors with AVX-512 (VBMI2).
// What that leaves, and all of it elsewhere, is JsonReader::window()'s.
// Neighbours: json_scalar. Thread: any.
#pragma once

#include <array>

#if defined(__x86_64__) && defined(__has_include)
#if __has_include(<sys/platform/x86.h>)
// The C library knows the processor. Who asks that itself waits for the host of a virtual machine.
#define REFLOW_WIDE_TEXT 1
#endif
#endif

namespace reflow::codec {

// What a byte behind a backslash means; 0 for others.
inline constexpr auto simple_escapes = [] {
    std::array<char, 256> meant{};
    for (char same : {'"', '\\', '/'}) meant[static_cast<unsigned char>(same)] = same;
    meant['b'] = '\b';
    meant['f'] = '\f';
    meant['n'] = '\n';
    meant['r'] = '\r';
    meant['t'] = '\t';
    return meant;
}();

// How far a string was read, and where what it means ends.
struct WideText {
    const char* at;
    char* to;
};

#if defined(REFLOW_WIDE_TEXT)
// Whether this processor can, and the system lets it.
[[nodiscard]] bool has_wide_text() noexcept;

// Copies a string with its simple escapes resolved: whole windows of 64 bytes, as long as there is
// one before `end` and room for one before `limit`, and what is before the quote that ends the
// string. Stops at that quote and before what is left to others: \u, and what is wrong. `at` is
// where a character or an escape begins, and so is the place that is returned.
[[nodiscard]] WideText read_wide_text(const char* at, const char* end, char* to,
                                      const char* limit) noexcept;
#else
inline bool has_wide_text() noexcept { return false; }
inline WideText read_wide_text(const char* at, const char*, char* to, const char*) noexcept {
    return {at, to};
}
#endif

}  // namespace reflow::codec
