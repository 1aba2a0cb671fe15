// Rounding against decimal arithmetic on the exact digits, and sums against larger floats.
#include "components/rounding.hpp"

#include <gtest/gtest.h>

#include <charconv>
#include <cmath>
#include <cstring>
#include <random>
#include <string>

namespace reflow::components {
namespace {

// Rounds the exact decimal expansion of a float by hand, halves away from zero.
std::string rounded_by_hand(double value, std::size_t digits) {
    char exact[1500];
    auto end =
        std::to_chars(exact, exact + sizeof exact, std::abs(value), std::chars_format::fixed, 1100);
    std::string text(exact, end.ptr);
    std::size_t point = text.find('.');
    bool up = text[point + 1 + digits] >= '5';
    std::string kept = text.substr(0, point) + text.substr(point + 1, digits);
    for (std::size_t i = kept.size(); up && i > 0; --i) {
        up = kept[i - 1] == '9';
        kept[i - 1] = up ? '0' : static_cast<char>(kept[i - 1] + 1);
    }
    if (up) kept.insert(0, "1");
    std::string result = kept.substr(0, kept.size() - digits);
    if (digits > 0) result += "." + kept.substr(kept.size() - digits);
    bool zero = result.find_first_not_of("0.") == std::string::npos;
    return (value < 0 && !zero ? "-" : "") + result;
}

void expect_agreement(double value, int digits) {
    std::string expected = rounded_by_hand(value, static_cast<std::size_t>(digits));
    String text;
    append_rounded(text, value, digits);
    EXPECT_EQ(std::string(text), expected) << value << " to " << digits;
    EXPECT_EQ(round_decimal(value, digits), std::stod(expected)) << value << " to " << digits;
}

TEST(Rounding, AgreesWithTheExactDigits) {
    for (int digits = 0; digits <= 6; ++digits) {
        for (double value : {0.5, 1.5, 2.5, 0.125, 0.375, 2.675, 1.005, 1e-7, 5e-1, 9.5, 99.995,
                             0.05, 0.25, 1e15 + 0.5, 123456.789, 4503599627370496.5}) {
            expect_agreement(value, digits);
            expect_agreement(-value, digits);
        }
    }
    std::mt19937_64 random(3);
    for (int i = 0; i < 3000; ++i) {
        // Halves and what looks like halves.
        double value = static_cast<double>(random() % 2000000) / (i % 2 == 0 ? 1024.0 : 1000.0);
        expect_agreement(i % 3 == 0 ? -value : value, static_cast<int>(random() % 6));
    }
}

TEST(Rounding, Extremes) {
    EXPECT_TRUE(std::isnan(round_decimal(NAN, 2)));
    EXPECT_EQ(round_decimal(HUGE_VAL, 2), HUGE_VAL);
    EXPECT_EQ(round_decimal(1e308, 5), 1e308);
    EXPECT_EQ(round_decimal(5e-324, 300), 0.0);
    EXPECT_EQ(round_decimal(5e-324, 301), 5e-324);
    EXPECT_EQ(round_decimal(1234.0, -2), 1200.0);
    EXPECT_EQ(round_decimal(-1250.0, -2), -1300.0);
    EXPECT_EQ(round_decimal(1.7e308, -308), HUGE_VAL);  // 2e308 is out of range
    EXPECT_EQ(round_decimal(1234.0, -400), 0.0);
    String text;
    append_rounded(text, -0.4, 0);
    append_rounded(text, NAN, 1);
    EXPECT_EQ(text, "0nan");
}

TEST(CompensatedSum, KeepsWhatPlainSumsLose) {
    CompensatedSum sum;
    for (double value : {1.0, 1e100, 1.0, -1e100}) sum.add(value);
    EXPECT_EQ(sum.value(), 2.0);
    CompensatedSum tenths;
    for (int i = 0; i < 1000000; ++i) tenths.add(0.1);
    EXPECT_EQ(tenths.value(), 100000.0);
    CompensatedSum infinite;
    infinite.add(HUGE_VAL);
    infinite.add(1);
    EXPECT_EQ(infinite.value(), HUGE_VAL);
}

}  // namespace
}  // namespace reflow::components
