// Dates and times as text. The conversion between days and dates counts eras of 400 years, each of
// 146097 days, from 1 March of year 0, so that the leap day is the last of its year.
// Thread: any.
#include "components/date.hpp"

#include <array>

#include "base/text.hpp"

namespace reflow::components {
namespace {

constexpr std::array<std::string_view, 12> month_names = {
    "January", "February", "March",     "April",   "May",      "June",
    "July",    "August",   "September", "October", "November", "December"};
constexpr std::array<std::string_view, 7> day_names = {
    "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"};

// Reads a text from its start.
class Reader {
public:
    explicit Reader(std::string_view text) noexcept : rest_(text) {}
    [[nodiscard]] bool end() const noexcept { return rest_.empty(); }
    [[nodiscard]] bool is(char c) const noexcept { return rest_.starts_with(c); }
    bool skip(char c) noexcept {
        if (!is(c)) return false;
        rest_.remove_prefix(1);
        return true;
    }
    // Exactly so many digits.
    bool digits(std::size_t count, std::uint32_t& value) noexcept {
        if (rest_.size() < count) return false;
        value = 0;
        for (std::size_t i = 0; i < count; ++i) {
            char c = rest_[i];
            if (c < '0' || c > '9') return false;
            value = value * 10 + static_cast<std::uint32_t>(c - '0');
        }
        rest_.remove_prefix(count);
        return true;
    }
    // Up to nine digits behind a point, as nanoseconds.
    bool fraction(std::uint32_t& nanoseconds) noexcept {
        std::size_t count = 0;
        std::uint32_t value = 0;
        for (; count < rest_.size() && rest_[count] >= '0' && rest_[count] <= '9'; ++count) {
            if (count == 9) return false;
            value = value * 10 + static_cast<std::uint32_t>(rest_[count] - '0');
        }
        for (std::size_t i = count; i < 9; ++i) value *= 10;
        nanoseconds = value;
        rest_.remove_prefix(count);
        return count > 0;
    }

private:
    std::string_view rest_;
};

bool valid_day(const DateTime& date) noexcept {
    return date.year >= 1 && date.month >= 1 && date.month <= 12 && date.day >= 1 &&
           date.day <= days_in_month(date.year, date.month);
}

bool valid_time(const DateTime& date) noexcept {
    return date.hour < 24 && date.minute < 60 && date.second < 60;
}

bool read_year(Reader& reader, DateTime& date) noexcept {
    std::uint32_t year = 0;
    if (!reader.digits(4, year)) return false;
    date.year = static_cast<std::int32_t>(year);
    return true;
}

bool read_offset(Reader& reader, DateTime& date) noexcept {
    date.has_offset = true;
    if (reader.skip('Z')) return true;
    bool west = reader.is('-');
    std::uint32_t hours = 0;
    std::uint32_t minutes = 0;
    bool read = reader.skip(west ? '-' : '+') && reader.digits(2, hours) && reader.skip(':') &&
                reader.digits(2, minutes);
    if (!read || hours > 23 || minutes > 59) return false;
    auto offset = static_cast<std::int32_t>(hours * 60 + minutes);
    date.offset_minutes = west ? -offset : offset;
    return true;
}

bool read_time(Reader& reader, DateTime& date) noexcept {
    date.has_time = true;
    if (!reader.digits(2, date.hour) || !reader.skip(':') || !reader.digits(2, date.minute)) {
        return false;
    }
    if (reader.skip(':')) {
        if (!reader.digits(2, date.second)) return false;
        if (reader.skip('.') && !reader.fraction(date.nanosecond)) return false;
    }
    if (!valid_time(date)) return false;
    return reader.end() || read_offset(reader, date);
}

void append_padded(String& to, std::uint32_t value, std::size_t digits) {
    char text[12];
    for (std::size_t i = digits; i > 0; --i) {
        text[i - 1] = static_cast<char>('0' + value % 10);
        value /= 10;
    }
    to.append(text, digits);
}

void append_year(String& to, std::int64_t year) {
    append_padded(to, static_cast<std::uint32_t>(year), 4);
}

struct IsoWeek {
    std::int64_t year;
    std::uint32_t week;
};

// The week belongs to the year that its Thursday is in.
IsoWeek iso_week(const DateTime& date) noexcept {
    std::int64_t thursday = static_cast<std::int64_t>(day_of_year(date)) + 3 -
                            (static_cast<std::int64_t>(iso_weekday(date)) - 1);
    std::int64_t year = date.year;
    std::int64_t length = leap_year(year) ? 366 : 365;
    if (thursday < 1) {
        year -= 1;
        thursday += leap_year(year) ? 366 : 365;
    } else if (thursday > length) {
        year += 1;
        thursday -= length;
    }
    return {year, static_cast<std::uint32_t>((thursday - 1) / 7 + 1)};
}

bool append_code(String& to, const DateTime& date, char code) {
    switch (code) {
        case 'Y':
            append_year(to, date.year);
            return true;
        case 'y':
            append_padded(to, static_cast<std::uint32_t>(date.year % 100), 2);
            return true;
        case 'm':
            append_padded(to, date.month, 2);
            return true;
        case 'd':
            append_padded(to, date.day, 2);
            return true;
        case 'H':
            append_padded(to, date.hour, 2);
            return true;
        case 'M':
            append_padded(to, date.minute, 2);
            return true;
        case 'S':
            append_padded(to, date.second, 2);
            return true;
        case 'j':
            append_padded(to, day_of_year(date), 3);
            return true;
        case 'u':
            append_padded(to, iso_weekday(date), 1);
            return true;
        case 'G':
            append_year(to, iso_week(date).year);
            return true;
        case 'V':
            append_padded(to, iso_week(date).week, 2);
            return true;
        case 'b':
            to += month_names[date.month - 1].substr(0, 3);
            return true;
        case 'B':
            to += month_names[date.month - 1];
            return true;
        case 'a':
            to += day_names[iso_weekday(date) - 1].substr(0, 3);
            return true;
        case 'A':
            to += day_names[iso_weekday(date) - 1];
            return true;
        case '%':
            to += '%';
            return true;
        default:
            return false;
    }
}

// One code of a pattern; day is set by %j.
bool read_code(Reader& reader, char code, DateTime& date, std::uint32_t& day) noexcept {
    switch (code) {
        case 'Y':
            return read_year(reader, date);
        case 'm':
            return reader.digits(2, date.month);
        case 'd':
            return reader.digits(2, date.day);
        case 'H':
            date.has_time = true;
            return reader.digits(2, date.hour);
        case 'M':
            date.has_time = true;
            return reader.digits(2, date.minute);
        case 'S':
            date.has_time = true;
            return reader.digits(2, date.second);
        case 'j':
            return reader.digits(3, day) && day >= 1;
        case '%':
            return reader.skip('%');
        default:
            return false;
    }
}

}  // namespace

bool leap_year(std::int64_t year) noexcept {
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

std::uint32_t days_in_month(std::int64_t year, std::uint32_t month) noexcept {
    if (month == 2) return leap_year(year) ? 29 : 28;
    return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

std::int64_t days_from_civil(const DateTime& date) noexcept {
    std::int64_t month = date.month;
    std::int64_t year = date.year - (month <= 2 ? 1 : 0);  // never negative: years start at 1
    std::int64_t era = year / 400;
    std::int64_t of_era = year - era * 400;
    std::int64_t of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + date.day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

bool set_days(DateTime& date, std::int64_t days) noexcept {
    // 0001-01-01 and 9999-12-31.
    if (days < -719162 || days > 2932896) return false;
    days += 719468;
    std::int64_t era = days / 146097;
    std::int64_t of_era = days - era * 146097;
    std::int64_t years = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    std::int64_t of_year = of_era - (365 * years + years / 4 - years / 100);
    std::int64_t shifted = (5 * of_year + 2) / 153;  // months from March
    date.day = static_cast<std::uint32_t>(of_year - (153 * shifted + 2) / 5 + 1);
    date.month = static_cast<std::uint32_t>(shifted < 10 ? shifted + 3 : shifted - 9);
    date.year = static_cast<std::int32_t>(years + era * 400 + (date.month <= 2 ? 1 : 0));
    return true;
}

std::uint32_t iso_weekday(const DateTime& date) noexcept {
    // 1970-01-01 was a Thursday; 719467 is a multiple of 7 that makes every sum positive.
    return static_cast<std::uint32_t>((days_from_civil(date) + 3 + 719467) % 7 + 1);
}

std::uint32_t day_of_year(const DateTime& date) noexcept {
    DateTime first = date;
    first.month = 1;
    first.day = 1;
    return static_cast<std::uint32_t>(days_from_civil(date) - days_from_civil(first) + 1);
}

std::optional<DateTime> parse_date(std::string_view text) noexcept {
    Reader reader(text);
    DateTime date;
    if (!read_year(reader, date)) return std::nullopt;
    date.separator = reader.is('/') ? '/' : '-';
    bool day = reader.skip(date.separator) && reader.digits(2, date.month) &&
               reader.skip(date.separator) && reader.digits(2, date.day) && valid_day(date);
    if (!day) return std::nullopt;
    if (reader.end()) return date;
    bool time = (reader.skip('T') || reader.skip(' ')) && read_time(reader, date) && reader.end();
    if (!time) return std::nullopt;
    return date;
}

std::optional<DateTime> parse_date(std::string_view text, std::string_view pattern) noexcept {
    Reader reader(text);
    DateTime date;
    std::uint32_t day = 0;
    for (std::size_t i = 0; i < pattern.size(); ++i) {
        bool matches = pattern[i] != '%'
                           ? reader.skip(pattern[i])
                           : ++i < pattern.size() && read_code(reader, pattern[i], date, day);
        if (!matches) return std::nullopt;
    }
    if (!reader.end() || !valid_day(date) || !valid_time(date)) return std::nullopt;
    if (day > 0) {
        if (day > (leap_year(date.year) ? 366u : 365u)) return std::nullopt;
        date.month = 1;
        date.day = 1;
        if (!set_days(date, days_from_civil(date) + day - 1)) return std::nullopt;
    }
    return date;
}

void append_date(String& to, const DateTime& date) {
    append_year(to, date.year);
    to += date.separator;
    append_padded(to, date.month, 2);
    to += date.separator;
    append_padded(to, date.day, 2);
    if (!date.has_time) return;
    to += 'T';
    append_padded(to, date.hour, 2);
    to += ':';
    append_padded(to, date.minute, 2);
    to += ':';
    append_padded(to, date.second, 2);
    if (date.nanosecond != 0) {
        String digits;
        append_padded(digits, date.nanosecond, 9);
        to += '.';
        to.append(digits, 0, digits.find_last_not_of('0') + 1);
    }
    if (!date.has_offset) return;
    if (date.offset_minutes == 0) {
        to += 'Z';
        return;
    }
    auto offset = static_cast<std::uint32_t>(date.offset_minutes < 0 ? -date.offset_minutes
                                                                     : date.offset_minutes);
    to += date.offset_minutes < 0 ? '-' : '+';
    append_padded(to, offset / 60, 2);
    to += ':';
    append_padded(to, offset % 60, 2);
}

Result<void> format_date(String& to, const DateTime& date, std::string_view pattern) {
    for (std::size_t i = 0; i < pattern.size(); ++i) {
        if (pattern[i] != '%') {
            to += pattern[i];
            continue;
        }
        char code = ++i < pattern.size() ? pattern[i] : '\0';
        if (code == 'F' || code == 'T') {
            for (char part : std::string_view(code == 'F' ? "Y-m-d" : "H:M:S")) {
                if (!append_code(to, date, part)) to += part;
            }
        } else if (!append_code(to, date, code)) {
            return Failure(REFLOW_ERROR_FAILED,
                           i < pattern.size() ? concat("unknown code '%", pattern.substr(i, 1),
                                                       "' in a date pattern")
                                              : String("date pattern ends in '%'"));
        }
    }
    return {};
}

String check_date_pattern(std::string_view pattern) {
    for (std::size_t i = 0; i < pattern.size(); ++i) {
        if (pattern[i] != '%') continue;
        if (++i == pattern.size()) return String("date pattern ends in '%'");
        if (std::string_view("YmdHMSj%").find(pattern[i]) == std::string_view::npos) {
            return concat("date pattern cannot be read by code '%", pattern.substr(i, 1), "'");
        }
    }
    return String();
}

String date_pattern(std::string_view letters) {
    if (letters.find('%') != letters.npos) return String(letters);
    struct Name {
        std::string_view letters;
        std::string_view code;
    };
    static constexpr Name names[] = {{"yyyy", "%Y"}, {"mm", "%m"}, {"dd", "%d"},
                                     {"HH", "%H"},   {"MM", "%M"}, {"SS", "%S"}};
    String pattern;
    while (!letters.empty()) {
        std::size_t used = 0;
        for (const Name& name : names) {
            if (used == 0 && letters.starts_with(name.letters)) {
                pattern += name.code;
                used = name.letters.size();
            }
        }
        if (used == 0) pattern += letters[0];
        letters.remove_prefix(used == 0 ? 1 : used);
    }
    return pattern;
}

}  // namespace reflow::components
