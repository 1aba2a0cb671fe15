// Dates and times as text, and the arithmetic of the proleptic Gregorian calendar. Years 1 to
// 9999, no leap seconds, no locale, no zones but UTC and fixed offsets.
// Neighbours: expression_date.cpp, schema.cpp. Thread: any.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/memory.hpp"
#include "base/result.hpp"

namespace reflow::components {

struct DateTime {
    std::int32_t year = 1;
    std::uint32_t month = 1;  // 1 to 12
    std::uint32_t day = 1;
    std::uint32_t hour = 0;
    std::uint32_t minute = 0;
    std::uint32_t second = 0;
    std::uint32_t nanosecond = 0;
    std::int32_t offset_minutes = 0;  // of local time from UTC
    bool has_time = false;
    bool has_offset = false;
    char separator = '-';  // as it was written: '-' or '/'
};

[[nodiscard]] bool leap_year(std::int64_t year) noexcept;
[[nodiscard]] std::uint32_t days_in_month(std::int64_t year, std::uint32_t month) noexcept;
// Days since 1970-01-01, and back.
[[nodiscard]] std::int64_t days_from_civil(const DateTime& date) noexcept;
// Sets year, month and day; false outside of the years 1 to 9999.
[[nodiscard]] bool set_days(DateTime& date, std::int64_t days) noexcept;
// Monday is 1, Sunday 7.
[[nodiscard]] std::uint32_t iso_weekday(const DateTime& date) noexcept;
[[nodiscard]] std::uint32_t day_of_year(const DateTime& date) noexcept;

// YYYY-MM-DD or YYYY/MM/DD; behind it may stand 'T' or a space, HH:MM, :SS, a fraction of up to 9
// digits, and Z or +HH:MM. Nothing if the text is not such, or is no day of the calendar.
[[nodiscard]] std::optional<DateTime> parse_date(std::string_view text) noexcept;

// A pattern with %Y %m %d %H %M %S %j %% as written by strftime, each with its full number of
// digits (%j three). Nothing if the text does not match.
[[nodiscard]] std::optional<DateTime> parse_date(std::string_view text,
                                                 std::string_view pattern) noexcept;

// The same form as the date was read from.
void append_date(String& to, const DateTime& date);

// %Y %m %d %H %M %S %j %y %b %B %a %A (English) %u %G %V %F %T %%. REFLOW_ERROR_FAILED for others.
[[nodiscard]] Result<void> format_date(String& to, const DateTime& date, std::string_view pattern);
// Whether a pattern can be read by parse_date; the fault as a text, empty if there is none.
[[nodiscard]] String check_date_pattern(std::string_view pattern);
// "yyyy/mm/dd HH:MM:SS" as "%Y/%m/%d %H:%M:%S"; a pattern with '%' stays.
[[nodiscard]] String date_pattern(std::string_view letters);

}  // namespace reflow::components
