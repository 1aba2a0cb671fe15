// Numbers in text to messages. The common short ones are converted by the readers themselves.
// Neighbours: the readers of this layer. Thread: any.
#include "codec/number.hpp"

#include <charconv>
#include <limits>
#include <system_error>

#include "base/text.hpp"
#include "codec/place.hpp"

namespace reflow::codec {
namespace {

// Decimal position of the first digit that is not zero: 123 has 3, 0.01 has -1. Tells a float
// that is too large from one that is too small, which from_chars reports alike.
std::int64_t decimal_position(std::string_view text) noexcept {
    constexpr std::int64_t cap = 1'000'000'000'000;
    std::int64_t position = 0;
    bool point = false;
    bool found = false;
    std::size_t at = 0;
    for (; at < text.size(); ++at) {
        char c = text[at];
        if (c == 'e' || c == 'E') break;
        if (c == '.') {
            point = true;
        } else if (c >= '0' && c <= '9') {
            if (c != '0') found = true;
            if (found && !point) ++position;
            if (!found && point) --position;
        }
    }
    std::int64_t exponent = 0;
    bool negative = false;
    for (++at; at < text.size(); ++at) {
        if (text[at] == '-') negative = true;
        if (text[at] >= '0' && text[at] <= '9' && exponent < cap) {
            exponent = exponent * 10 + (text[at] - '0');
        }
    }
    return position + (negative ? -exponent : exponent);
}

}  // namespace

Number decimal_real(std::string_view text) {
    if (!text.empty() && text.front() == '+') text.remove_prefix(1);
    double value = 0;
    auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (fault == std::errc::result_out_of_range) {
        if (decimal_position(text) > 0) return {Message(), NumberFault::infinite};
        value = text.front() == '-' ? -0.0 : 0.0;
    } else if (value > std::numeric_limits<double>::max() ||
               value < std::numeric_limits<double>::lowest()) {
        return {Message(), NumberFault::infinite};
    }
    return {Message::real(value)};
}

Number decimal_integer(bool negative, std::string_view digits) {
    constexpr auto positive_max =
        static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    std::uint64_t value = 0;
    auto [end, fault] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (fault == std::errc() && value <= positive_max + (negative ? 1 : 0)) {
        return {Message::integer(static_cast<std::int64_t>(negative ? 0 - value : value))};
    }
    Number real = decimal_real(digits);
    if (real.fault != NumberFault::none) return {Message(), NumberFault::inexact};
    // All digits of the float: the largest has 309 before the point.
    char exact[320];
    auto printed =
        std::to_chars(exact, exact + sizeof exact, real.value.real(), std::chars_format::fixed, 0);
    std::string_view all(exact, static_cast<std::size_t>(printed.ptr - exact));
    if (printed.ec != std::errc() || all != digits) return {Message(), NumberFault::inexact};
    return {Message::real(negative ? -real.value.real() : real.value.real())};
}

Number unsigned_integer(std::uint64_t value) {
    if (value <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
        return {Message::integer(static_cast<std::int64_t>(value))};
    }
    // Above 2^63 a float holds multiples of 2048; the conversion back cannot overflow for these.
    if ((value & 2047) != 0) return {Message(), NumberFault::inexact};
    return {Message::real(static_cast<double>(value))};
}

String describe(NumberFault fault, std::string_view text) {
    if (fault == NumberFault::infinite) {
        return concat("number ", show_text(text), " is too large for a float");
    }
    return concat("integer ", show_text(text), " is beyond 64 bits and not exact as a float");
}

}  // namespace reflow::codec
