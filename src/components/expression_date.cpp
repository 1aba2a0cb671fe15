// Functions of expressions on dates, which are strings such as 2012-01-31, 2012/01/31 or
// 2012-01-31T12:00:00Z. Fields are those that are written; only epoch() looks at the offset.
// Neighbours: expression_functions.hpp, date.hpp. Thread: any.
#include "components/date.hpp"
#include "components/expression_functions.hpp"
#include "components/text_tools.hpp"

namespace reflow::components {
namespace {

using Arguments = std::span<Value>;

Result<DateTime> date_argument(std::string_view name, Arguments arguments, std::size_t index) {
    const Value& value = arguments[index];
    if (!value.is(REFLOW_KIND_STRING)) return wrong_argument(name, index, "a date", value);
    if (std::optional<DateTime> date = parse_date(value.text())) return *date;
    return Failure(REFLOW_ERROR_FAILED, concat("argument ", index + 1, " of ", name,
                                               "(): ", quote(value), " is not a date"))
        .hint("dates are YYYY-MM-DD or YYYY/MM/DD, with THH:MM:SS and Z or +HH:MM behind");
}

Value integer(std::int64_t value) { return Value(Message::integer(value)); }
Value text(const DateTime& date) {
    String form;
    append_date(form, date);
    return Value(Message::string(form));
}

// A function of a date that gives an integer.
template <typename Read>
Result<Value> field(std::string_view name, Arguments arguments, Read read) {
    Result<DateTime> date = date_argument(name, arguments, 0);
    if (!date.ok()) return date.take_error();
    return integer(static_cast<std::int64_t>(read(date.value())));
}
Result<Value> year(Arguments arguments) {
    return field("year", arguments, [](const DateTime& d) { return d.year; });
}
Result<Value> month(Arguments arguments) {
    return field("month", arguments, [](const DateTime& d) { return d.month; });
}
Result<Value> day(Arguments arguments) {
    return field("day", arguments, [](const DateTime& d) { return d.day; });
}
Result<Value> hour(Arguments arguments) {
    return field("hour", arguments, [](const DateTime& d) { return d.hour; });
}
Result<Value> minute(Arguments arguments) {
    return field("minute", arguments, [](const DateTime& d) { return d.minute; });
}
Result<Value> second(Arguments arguments) {
    return field("second", arguments, [](const DateTime& d) { return d.second; });
}
Result<Value> weekday(Arguments arguments) { return field("weekday", arguments, iso_weekday); }
Result<Value> day_in_year(Arguments arguments) {
    return field("day_of_year", arguments, day_of_year);
}
Result<Value> epoch(Arguments arguments) {
    return field("epoch", arguments, [](const DateTime& d) {
        return days_from_civil(d) * 86400 + d.hour * 3600 + d.minute * 60 + d.second -
               static_cast<std::int64_t>(d.offset_minutes) * 60;
    });
}

Result<Value> from_epoch(Arguments arguments) {
    Result<std::int64_t> seconds = integer_argument("from_epoch", arguments, 0);
    if (!seconds.ok()) return seconds.take_error();
    std::int64_t days = seconds.value() / 86400;
    std::int64_t rest = seconds.value() % 86400;
    if (rest < 0) {
        rest += 86400;
        days -= 1;
    }
    DateTime date;
    date.has_time = date.has_offset = true;
    date.hour = static_cast<std::uint32_t>(rest / 3600);
    date.minute = static_cast<std::uint32_t>(rest / 60 % 60);
    date.second = static_cast<std::uint32_t>(rest % 60);
    if (set_days(date, days)) return text(date);
    return Failure(REFLOW_ERROR_FAILED, "from_epoch() is outside of the years 1 to 9999");
}

Result<Value> is_date(Arguments arguments) {
    const Value& value = arguments[0];
    bool yes = value.is(REFLOW_KIND_STRING) && parse_date(value.text()).has_value();
    return Value(Message::boolean(yes));
}

Result<Value> canonical(Arguments arguments) {
    Result<DateTime> date = date_argument("date", arguments, 0);
    if (!date.ok()) return date.take_error();
    date.value().separator = '-';
    return text(date.value());
}

Result<Value> read_pattern(Arguments arguments) {
    Result<std::string_view> value = text_argument("date_parse", arguments, 0);
    if (!value.ok()) return value.take_error();
    Result<std::string_view> pattern = text_argument("date_parse", arguments, 1);
    if (!pattern.ok()) return pattern.take_error();
    if (String fault = check_date_pattern(pattern.value()); !fault.empty()) {
        return Failure(REFLOW_ERROR_FAILED, fault);
    }
    if (auto date = parse_date(value.value(), pattern.value())) return text(*date);
    return Failure(
        REFLOW_ERROR_FAILED,
        concat("'", clip(value.value()), "' is not a date of form '", clip(pattern.value()), "'"));
}

Result<Value> write_pattern(Arguments arguments) {
    Result<DateTime> date = date_argument("date_format", arguments, 0);
    if (!date.ok()) return date.take_error();
    Result<std::string_view> pattern = text_argument("date_format", arguments, 1);
    if (!pattern.ok()) return pattern.take_error();
    String form;
    Result<void> done = format_date(form, date.value(), pattern.value());
    if (!done.ok()) return done.take_error();
    return text_result("date_format", form);
}

Result<Value> days_between(Arguments arguments) {
    Result<DateTime> from = date_argument("days_between", arguments, 0);
    if (!from.ok()) return from.take_error();
    Result<DateTime> to = date_argument("days_between", arguments, 1);
    if (!to.ok()) return to.take_error();
    return integer(days_from_civil(to.value()) - days_from_civil(from.value()));
}

Result<Value> add_days(Arguments arguments) {
    Result<DateTime> date = date_argument("add_days", arguments, 0);
    if (!date.ok()) return date.take_error();
    Result<std::int64_t> count = integer_argument("add_days", arguments, 1);
    if (!count.ok()) return count.take_error();
    std::int64_t days = 0;
    bool fits = !__builtin_add_overflow(days_from_civil(date.value()), count.value(), &days) &&
                set_days(date.value(), days);
    if (fits) return text(date.value());
    return Failure(REFLOW_ERROR_FAILED, "add_days() leaves the years 1 to 9999");
}

constexpr FunctionEntry table[] = {
    {"date", "date(value)", 1, 1, canonical},
    {"is_date", "is_date(value)", 1, 1, is_date},
    {"year", "year(date)", 1, 1, year},
    {"month", "month(date)", 1, 1, month},
    {"day", "day(date)", 1, 1, day},
    {"hour", "hour(date)", 1, 1, hour},
    {"minute", "minute(date)", 1, 1, minute},
    {"second", "second(date)", 1, 1, second},
    {"weekday", "weekday(date)", 1, 1, weekday},
    {"day_of_year", "day_of_year(date)", 1, 1, day_in_year},
    {"date_format", "date_format(date, pattern)", 2, 2, write_pattern},
    {"date_parse", "date_parse(text, pattern)", 2, 2, read_pattern},
    {"days_between", "days_between(from, to)", 2, 2, days_between},
    {"add_days", "add_days(date, count)", 2, 2, add_days},
    {"epoch", "epoch(date)", 1, 1, epoch},
    {"from_epoch", "from_epoch(seconds)", 1, 1, from_epoch},
};

}  // namespace

std::span<const FunctionEntry> date_functions() noexcept { return table; }

}  // namespace reflow::components
