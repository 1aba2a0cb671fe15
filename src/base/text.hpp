// Text helpers: UTF-8 checks, joining, numbers, did-you-mean. No locale anywhere.
// Neighbours: everything. Thread: any.
#pragma once

#include <charconv>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/memory.hpp"

namespace reflow {

// The offset of the first byte that is not UTF-8 (RFC 3629: no surrogates, no overlong forms), or
// nothing if all is well.
[[nodiscard]] std::optional<std::size_t> invalid_utf8(std::string_view text) noexcept;

// The text with every invalid sequence replaced by U+FFFD.
[[nodiscard]] String repair_utf8(std::string_view text);

// Appends a number in its shortest form that reads back exactly; floats keep a ".0" or exponent.
void append_integer(String& to, std::int64_t value);
void append_unsigned(String& to, std::uint64_t value);
void append_float(String& to, double value);

// Not inline: concat() calls it at hundreds of places.
void append(String& to, std::string_view text);
inline void append(String& to, char letter) { to.push_back(letter); }
template <std::integral T>
    requires(!std::same_as<T, char> && !std::same_as<T, bool>)
void append(String& to, T value) {
    if constexpr (std::is_signed_v<T>) {
        append_integer(to, value);
    } else {
        append_unsigned(to, value);
    }
}
template <std::floating_point T>
void append(String& to, T value) {
    append_float(to, static_cast<double>(value));
}

// The parts one behind the other: concat("port '", name, "' of ", 3, " ports").
template <typename... Parts>
[[nodiscard]] String concat(const Parts&... parts) {
    String result;
    (append(result, parts), ...);
    return result;
}

// The candidate that is nearest to the name (restricted Damerau-Levenshtein distance, case
// ignored) if it is near enough to be a slip of the pen, otherwise empty.
[[nodiscard]] std::string_view nearest(std::string_view name,
                                       std::span<const std::string_view> candidates);

// "did you mean 'X'?" or empty.
[[nodiscard]] String did_you_mean(std::string_view name,
                                  std::span<const std::string_view> candidates);

inline std::string_view view_of(reflow_view view) noexcept {
    if (view.data == nullptr) return {};
    if (view.size == REFLOW_NUL_TERMINATED) return std::string_view(view.data);
    return {view.data, view.size};
}
// A view for the host; data is never NULL.
inline reflow_view to_view(std::string_view text) noexcept {
    return {text.data() == nullptr ? "" : text.data(), text.size()};
}

}  // namespace reflow
