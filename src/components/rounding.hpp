// Decimal rounding and exact summation of floats.
// Neighbours: expression_number.cpp, aggregate.cpp, report. Thread: any.
#pragma once

#include <cstdint>

#include "base/memory.hpp"

namespace reflow::components {

// The nearest number with that many digits behind the point, halves away from zero. What is half
// is told by the exact value of the float: 2.675 is a little less than it looks, so two digits
// are 2.67, while 0.125 is exact and becomes 0.13.
[[nodiscard]] double round_decimal(double value, int digits);
// The same as text, with all its digits: "3.10".
void append_rounded(String& to, double value, int digits);
inline constexpr int rounding_digits = 300;  // more change nothing

// A sum whose error does not grow with the number of summands (Neumaier's variant of Kahan's).
class CompensatedSum {
public:
    void add(double value) noexcept;
    [[nodiscard]] double value() const noexcept;
    // Its two parts, to go on with.
    [[nodiscard]] double sum() const noexcept { return sum_; }
    [[nodiscard]] double lost() const noexcept { return lost_; }
    void set(double sum, double lost) noexcept {
        sum_ = sum;
        lost_ = lost;
    }

private:
    double sum_ = 0;
    double lost_ = 0;
};

}  // namespace reflow::components
