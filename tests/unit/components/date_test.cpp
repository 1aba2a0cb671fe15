// Dates against a calendar that is counted day by day, and against days that are known.
#include "components/date.hpp"

#include <gtest/gtest.h>

#include <string>

namespace reflow::components {
namespace {

std::string text(const DateTime& date) {
    String form;
    append_date(form, date);
    return std::string(form);
}

std::string format(const DateTime& date, std::string_view pattern) {
    String form;
    Result<void> done = format_date(form, date, pattern);
    EXPECT_TRUE(done.ok());
    return std::string(form);
}

// Every day of the years 1 to 9999, with month lengths and leap years written out here.
TEST(Date, EveryDay) {
    const unsigned lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    std::int64_t days = -719162;
    unsigned weekday = 1;  // 0001-01-01 was a Monday
    for (int year = 1; year <= 9999; ++year) {
        bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
        ASSERT_EQ(leap_year(year), leap);
        unsigned of_year = 0;
        for (unsigned month = 1; month <= 12; ++month) {
            unsigned length = lengths[month - 1] + (leap && month == 2 ? 1 : 0);
            ASSERT_EQ(days_in_month(year, month), length);
            for (unsigned day = 1; day <= length; ++day) {
                DateTime date;
                date.year = year;
                date.month = month;
                date.day = day;
                ++of_year;
                ASSERT_EQ(days_from_civil(date), days) << text(date);
                ASSERT_EQ(iso_weekday(date), weekday) << text(date);
                ASSERT_EQ(day_of_year(date), of_year) << text(date);
                DateTime back;
                ASSERT_TRUE(set_days(back, days));
                ASSERT_TRUE(back.year == year && back.month == month && back.day == day)
                    << text(date);
                ++days;
                weekday = weekday % 7 + 1;
            }
        }
    }
    EXPECT_EQ(days, 2932897);
    DateTime date;
    EXPECT_FALSE(set_days(date, 2932897));
    EXPECT_FALSE(set_days(date, -719163));
}

TEST(Date, EveryDayReadsBack) {
    DateTime date;
    for (std::int64_t days = -719162; days <= 2932896; days += 17) {
        ASSERT_TRUE(set_days(date, days));
        for (char separator : {'-', '/'}) {
            date.separator = separator;
            std::string form = text(date);
            auto read = parse_date(form);
            ASSERT_TRUE(read.has_value()) << form;
            ASSERT_EQ(days_from_civil(*read), days);
            ASSERT_EQ(text(*read), form);
        }
        for (const char* pattern : {"%Y-%m-%d", "%d.%m.%Y", "%Y%j", "%m/%d/%Y"}) {
            std::string form = format(date, pattern);
            auto read = parse_date(form, pattern);
            ASSERT_TRUE(read.has_value()) << form;
            ASSERT_EQ(days_from_civil(*read), days) << form;
        }
    }
}

// From the tables of ISO 8601.
TEST(Date, IsoWeeks) {
    const char* const known[][2] = {
        {"2005-01-01", "2004-W53-6"}, {"2005-01-02", "2004-W53-7"}, {"2005-12-31", "2005-W52-6"},
        {"2006-01-01", "2005-W52-7"}, {"2006-01-02", "2006-W01-1"}, {"2006-12-31", "2006-W52-7"},
        {"2007-01-01", "2007-W01-1"}, {"2007-12-30", "2007-W52-7"}, {"2007-12-31", "2008-W01-1"},
        {"2008-01-01", "2008-W01-2"}, {"2008-12-28", "2008-W52-7"}, {"2008-12-29", "2009-W01-1"},
        {"2009-12-31", "2009-W53-4"}, {"2010-01-03", "2009-W53-7"}};
    for (auto [day, week] : known) {
        EXPECT_EQ(format(*parse_date(day), "%G-W%V-%u"), week) << day;
    }
}

TEST(Date, Times) {
    auto date = parse_date("2012-02-29T23:59:58.1250-05:30");
    ASSERT_TRUE(date.has_value());
    EXPECT_EQ(date->hour, 23u);
    EXPECT_EQ(date->second, 58u);
    EXPECT_EQ(date->nanosecond, 125000000u);
    EXPECT_EQ(date->offset_minutes, -330);
    EXPECT_EQ(text(*date), "2012-02-29T23:59:58.125-05:30");
    EXPECT_EQ(text(*parse_date("2012/02/29 07:05")), "2012/02/29T07:05:00");
    EXPECT_EQ(text(*parse_date("2012-02-29T07:05+00:00")), "2012-02-29T07:05:00Z");
    for (const char* bad : {"",
                            "2012",
                            "2012-02",
                            "2012-02-30",
                            "1900-02-29",
                            "2012-00-01",
                            "2012-01-00",
                            "02012-01-01",
                            "2012-01-01T",
                            "2012-01-01T1:00",
                            "2012-01-01T10",
                            "2012-01-01T10:60",
                            "2012-01-01T10:00:60",
                            "2012-01-01T10:00:00.",
                            "2012-01-01T10:00:00.1234567890",
                            "2012-01-01T10:00:00+1:00",
                            "2012-01-01T10:00:00+24:00",
                            "2012-01-01T10:00:00Zx",
                            "2012-01-01x",
                            " 2012-01-01",
                            "2012-01-01 ",
                            "-012-01-01",
                            "2012-+1-01",
                            "0000-01-01"}) {
        EXPECT_FALSE(parse_date(bad).has_value()) << bad;
    }
}

TEST(Date, Patterns) {
    EXPECT_EQ(date_pattern("yyyy/mm/dd HH:MM:SS"), "%Y/%m/%d %H:%M:%S");
    EXPECT_EQ(date_pattern("%d.%m.%Y"), "%d.%m.%Y");
    EXPECT_EQ(text(*parse_date("2012 at 10:30", "%Y at %H:%M")), "2012-01-01T10:30:00");
    EXPECT_FALSE(parse_date("2012-01-01x", "%Y-%m-%d").has_value());
    EXPECT_FALSE(parse_date("2012-01", "%Y-%m-%d").has_value());
    EXPECT_FALSE(parse_date("2012-366", "%Y-%").has_value());
    EXPECT_FALSE(parse_date("2013-366", "%Y-%j").has_value());
    EXPECT_FALSE(parse_date("2013-000", "%Y-%j").has_value());
    EXPECT_EQ(check_date_pattern("%Y-%m %%"), "");
    EXPECT_EQ(check_date_pattern("%Y-%B"), "date pattern cannot be read by code '%B'");
    EXPECT_EQ(check_date_pattern("%Y-%"), "date pattern ends in '%'");
}

}  // namespace
}  // namespace reflow::components
