// Steps of 1, 2 and 5 for numbers, and those of the calendar for time.
// Thread: any.
#include "components/chart_scale.hpp"

#include <algorithm>
#include <cmath>

#include "base/text.hpp"
#include "components/date.hpp"
#include "components/table.hpp"

namespace reflow::components {
namespace {

constexpr std::string_view months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

// The smallest of 1, 2, 5 times a power of ten that is not below `least`.
double nice_step(double least) {
    double power = std::pow(10.0, std::floor(std::log10(least)));
    for (double factor : {1.0, 2.0, 5.0}) {
        if (factor * power >= least * (1 - 1e-9)) return factor * power;
    }
    return 10 * power;
}

// "1234567" as "1,234,567"; ticks of this size have nothing behind the point that counts.
void group_thousands(String& label) {
    std::size_t first = label.starts_with('-') ? 1 : 0;
    std::size_t end = std::min(label.find('.'), label.size());
    for (std::size_t at = end; at > first + 3;) label.insert(at -= 3, 1, ',');
}

String tick_label(double value, double step) {
    if (std::abs(value) >= 1e9 || step < 1e-6) {
        String label;
        append_float(label, value);
        if (label.ends_with(".0")) label.resize(label.size() - 2);
        return label;
    }
    int decimals = std::max(0, static_cast<int>(std::ceil(-std::log10(step) - 1e-9)));
    String label = fixed_number(value, decimals);
    if (std::abs(value) >= 10000) group_thousands(label);
    if (label.starts_with('-')) label.replace(0, 1, "\u2212");  // the minus sign
    return label;
}

bool digits(std::string_view text) noexcept {
    return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

DateTime civil(double days) {
    DateTime date;
    if (!set_days(date, static_cast<std::int64_t>(std::floor(days)))) date = DateTime{};
    return date;
}

DateTime month_start(std::int64_t number) {  // months since year 0
    DateTime date;
    date.year = static_cast<std::int32_t>(number / 12);
    date.month = static_cast<std::uint32_t>(number % 12) + 1;
    date.day = 1;
    return date;
}

Vector<Tick> month_ticks(double low, double high, std::int64_t step) {
    DateTime first = civil(low);
    std::int64_t number = std::int64_t{first.year} * 12 + first.month - 1;
    number = (number + step - 1) / step * step;
    Vector<Tick> ticks;
    for (;; number += step) {
        DateTime date = month_start(number);
        if (date.year < 1 || date.year > 9999) break;
        auto at = static_cast<double>(days_from_civil(date));
        if (at > high) break;
        if (at < low) continue;
        if (step >= 12) {
            ticks.push_back({at, concat(date.year), {}});
        } else {
            bool year = date.month == 1 || ticks.empty();
            ticks.push_back(
                {at, String(months[date.month - 1]), year ? concat(date.year) : String()});
        }
    }
    return ticks;
}

Vector<Tick> day_ticks(double low, double high, double step) {
    Vector<Tick> ticks;
    std::uint32_t month = 0;
    for (double at = std::ceil(low / step) * step; at <= high; at += step) {
        DateTime date = civil(at);
        Tick tick{at, {}, {}};
        if (step < 1) {
            auto minutes = static_cast<unsigned>(std::lround((at - std::floor(at)) * 1440));
            tick.label = concat(minutes / 60 < 10 ? "0" : "", minutes / 60, ":",
                                minutes % 60 < 10 ? "0" : "", minutes % 60);
            if (minutes == 0 || ticks.empty()) {
                tick.second = concat(date.day, " ", months[date.month - 1]);
            }
        } else {
            tick.label = concat(date.day);
            if (date.month != month) {
                tick.second = concat(months[date.month - 1], " ", date.year);
            }
        }
        month = date.month;
        ticks.push_back(std::move(tick));
    }
    return ticks;
}

}  // namespace

NumberAxis number_axis(double low, double high, std::size_t target) {
    NumberAxis axis;
    if (low > high) std::swap(low, high);
    if (low == high) {
        double around = low == 0 ? 1 : std::abs(low) / 2;
        low -= around;
        high += around;
    }
    // Half each, since the difference of two large numbers may not be one.
    double step = nice_step(2 * (high / 2 - low / 2) / static_cast<double>(target));
    if (!std::isfinite(step) || step <= 0) return axis;
    // Whole numbers of steps, so that no rounding gathers on the way.
    double first = std::floor(low / step + 1e-9);
    double last = std::ceil(high / step - 1e-9);
    axis.low = first * step;
    axis.high = last * step;
    if (!std::isfinite(axis.low) || !std::isfinite(axis.high)) return NumberAxis{};
    for (double i = first; i <= last && axis.ticks.size() < 100; ++i) {
        double at = i * step;
        axis.ticks.push_back({at, tick_label(at, step), {}});
    }
    return axis;
}

std::optional<TimeSpan> time_span(std::string_view text) {
    if (text.size() == 4 && digits(text)) {
        std::optional<DateTime> start = parse_date(concat(text, "-01-01"));
        if (!start) return std::nullopt;
        auto days = static_cast<double>(days_from_civil(*start));
        return TimeSpan{days, days + (leap_year(start->year) ? 366 : 365)};
    }
    if (text.size() == 7 && (text[4] == '-' || text[4] == '/')) {
        std::optional<DateTime> start = parse_date(concat(text, text.substr(4, 1), "01"));
        if (!start) return std::nullopt;
        auto days = static_cast<double>(days_from_civil(*start));
        return TimeSpan{days, days + days_in_month(start->year, start->month)};
    }
    std::optional<DateTime> date = parse_date(text);
    if (!date) return std::nullopt;
    double seconds =
        date->hour * 3600.0 + date->minute * 60.0 + date->second - date->offset_minutes * 60.0;
    double days = static_cast<double>(days_from_civil(*date)) + seconds / 86400.0;
    return TimeSpan{days, days};
}

Vector<Tick> time_ticks(double low, double high, std::size_t most) {
    double span = std::max(high - low, 1e-6);
    double spaces = static_cast<double>(std::max<std::size_t>(most, 2));
    for (double minutes : {1.0, 5.0, 15.0, 30.0, 60.0, 180.0, 360.0, 720.0}) {
        if (span * 1440 / minutes <= spaces) return day_ticks(low, high, minutes / 1440);
    }
    for (double days : {1.0, 2.0, 7.0}) {
        if (span / days <= spaces) return day_ticks(low, high, days);
    }
    constexpr double month = 30.436875;
    for (std::int64_t step : {1, 2, 3, 6, 12, 24, 60, 120, 240, 600, 1200, 2400, 6000, 12000}) {
        if (span / (month * static_cast<double>(step)) <= spaces) {
            return month_ticks(low, high, step);
        }
    }
    return month_ticks(low, high, 24000);
}

}  // namespace reflow::components
