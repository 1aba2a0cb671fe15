// Axes of charts: where ticks stand and what is written at them.
// Neighbours: chart_svg.cpp. Thread: any.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/memory.hpp"

namespace reflow::components {

struct Tick {
    double at;
    String label;
    String second;  // a second line, such as the year under a month
};

// A number axis from `low` to `high`, which are multiples of the step: 1, 2 or 5 times a power of
// ten.
struct NumberAxis {
    double low = 0;
    double high = 1;
    Vector<Tick> ticks;
};
// Covers all values from low to high in about `target` steps. Both are finite.
[[nodiscard]] NumberAxis number_axis(double low, double high, std::size_t target);

// The days since 1970-01-01 from and to which a text stands: a year "2012", a month "2012-01" or
// "2012/01"; both are the same for a date, and for a date and time. Nothing for other texts.
struct TimeSpan {
    double start;
    double end;
};
[[nodiscard]] std::optional<TimeSpan> time_span(std::string_view text);

// Ticks from low to high (in days): years, months or days, at most `most` of them.
[[nodiscard]] Vector<Tick> time_ticks(double low, double high, std::size_t most);

}  // namespace reflow::components
