// Decimal rounding and exact summation of floats.
// Thread: any.
#include "components/rounding.hpp"

#include <charconv>
#include <cmath>
#include <string_view>

namespace reflow::components {
namespace {

// 309 digits before the point, the point, a sign, and the digits behind it.
struct Digits {
    char text[320 + rounding_digits];
    std::size_t size = 0;
    [[nodiscard]] std::string_view view() const noexcept { return {text, size}; }
};

Digits fixed(double value, int digits) noexcept {
    Digits result;
    auto end = std::to_chars(result.text, result.text + sizeof result.text, value,
                             std::chars_format::fixed, digits);
    result.size = static_cast<std::size_t>(end.ptr - result.text);
    return result;
}

double read(std::string_view text) noexcept {
    double value = 0;
    (void)std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

Digits rounded(double value, int digits) noexcept {
    // to_chars rounds the exact value, halves to even. A half that is exact has one digit more and
    // is a multiple of 2^-(digits+1); one step above it rounds away from zero.
    double scaled = std::ldexp(value, digits + 1);
    if (std::isfinite(scaled) && scaled == std::trunc(scaled)) {
        Digits exact = fixed(value, digits + 1);
        if (exact.text[exact.size - 1] == '5') {
            return fixed(std::nextafter(value, value < 0 ? -HUGE_VAL : HUGE_VAL), digits);
        }
    }
    return fixed(value, digits);
}

}  // namespace

double round_decimal(double value, int digits) {
    if (!std::isfinite(value) || value == 0) return value;
    if (digits > rounding_digits) return value;
    if (digits >= 0) return read(rounded(value, digits).view());
    double unit = std::pow(10.0, -digits);
    if (!std::isfinite(unit)) return 0;
    return std::round(value / unit) * unit;
}

void append_rounded(String& to, double value, int digits) {
    if (!std::isfinite(value)) {
        to += std::isnan(value) ? "nan" : (value < 0 ? "-inf" : "inf");
        return;
    }
    Digits text = rounded(value, digits);
    bool zero = text.view().find_first_not_of("-0.") == std::string_view::npos;
    std::string_view shown = text.view();
    if (zero && shown.starts_with('-')) shown.remove_prefix(1);
    to += shown;
}

void CompensatedSum::add(double value) noexcept {
    double next = sum_ + value;
    // What the larger of the two lost of the smaller.
    if (std::abs(sum_) >= std::abs(value)) {
        lost_ += (sum_ - next) + value;
    } else {
        lost_ += (value - next) + sum_;
    }
    sum_ = next;
}

double CompensatedSum::value() const noexcept {
    // After an overflow or a value that is no number the difference is none either.
    return std::isfinite(lost_) ? sum_ + lost_ : sum_;
}

}  // namespace reflow::components
