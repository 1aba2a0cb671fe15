// Decimal digits and a power of ten to the nearest double, for the sizes that nearly all numbers in
// text have. Neighbours: the JSON reader; number.cpp does the others. Thread: any.
#pragma once

#include <array>
#include <bit>
#include <cfloat>
#include <cstdint>

namespace reflow::codec {

// 128 bits by 64: high is below the divisor. `inexact` if something is left.
[[nodiscard]] inline std::uint64_t divide(std::uint64_t high, std::uint64_t low,
                                          std::uint64_t divisor, bool* inexact) noexcept {
#if defined(__x86_64__)
    // What the compiler makes of the lines below is a call that does not know of high < divisor.
    std::uint64_t quotient = low;
    std::uint64_t rest = high;
    asm("divq %2" : "+a"(quotient), "+d"(rest) : "r"(divisor) : "cc");
    *inexact = rest != 0;
    return quotient;
#else
    __extension__ typedef unsigned __int128 Wide;
    Wide dividend = Wide{high} << 64 | low;
    *inexact = dividend % divisor != 0;
    return static_cast<std::uint64_t>(dividend / divisor);
#endif
}

// The double nearest to mantissa / 10^power, ties to even; mantissa is not 0, power 1 to 19.
[[nodiscard]] inline double divided(std::uint64_t mantissa, unsigned power) noexcept {
    static constexpr auto powers = [] {
        std::array<std::uint64_t, 20> values{1};
        for (std::size_t i = 1; i < values.size(); ++i) values[i] = values[i - 1] * 10;
        return values;
    }();
    std::uint64_t divisor = powers[power];
    int mantissa_shift = std::countl_zero(mantissa);
    int divisor_shift = std::countl_zero(divisor);
    // The quotient of the shifted numbers has 63 or 64 bits, so that 53 of them, the rest and
    // whether the division left one are all that rounding needs.
    auto high = mantissa << mantissa_shift >> 1;
    auto low = mantissa << mantissa_shift << 63;
    bool inexact = false;
    std::uint64_t quotient = divide(high, low, divisor << divisor_shift, &inexact);
    int drop = 11 - std::countl_zero(quotient);
    std::uint64_t half = std::uint64_t{1} << (drop - 1);
    std::uint64_t rest = quotient & (2 * half - 1);
    std::uint64_t bits = quotient >> drop;
    if (rest > half || (rest == half && (inexact || bits % 2 != 0))) ++bits;
    int exponent = drop + divisor_shift - mantissa_shift - 63;
    // bits has the leading one of a double, which the exponent takes; 2^53 carries into it.
    auto biased = static_cast<std::uint64_t>(exponent + 52 + 1022);
    return std::bit_cast<double>((biased << 52) + bits);
}

// mantissa * 10^power, correctly rounded, where that takes one operation.
[[nodiscard]] inline bool scaled(std::uint64_t mantissa, std::int64_t power,
                                 double* value) noexcept {
    static constexpr double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                        1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                        1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    // Both the digits and the power of ten are exact as doubles, so one operation rounds once.
    if (FLT_EVAL_METHOD == 0 && mantissa <= (std::uint64_t{1} << 53) && power >= -22 &&
        power <= 22) {
        auto whole = static_cast<double>(mantissa);
        *value = power < 0 ? whole / powers[-power] : whole * powers[power];
        return true;
    }
    if (mantissa == 0 || power >= 0 || power < -19) return false;
    *value = divided(mantissa, static_cast<unsigned>(-power));
    return true;
}

}  // namespace reflow::codec
