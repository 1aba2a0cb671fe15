// Reads cron expressions and finds the next time that fits.
// Thread: any.
#include "components/cron.hpp"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <optional>
#include <utility>

#include "base/text.hpp"

namespace reflow::components {
namespace {

constexpr std::string_view month_names[] = {"jan", "feb", "mar", "apr", "may", "jun",
                                            "jul", "aug", "sep", "oct", "nov", "dec"};
constexpr std::string_view weekday_names[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};

struct Field {
    std::string_view name;
    std::uint32_t least;
    std::uint32_t most;
    std::span<const std::string_view> names;  // of values from least on
};
constexpr Field fields[] = {
    {"second", 0, 59, {}},           {"minute", 0, 59, {}}, {"hour", 0, 23, {}},
    {"day of the month", 1, 31, {}}, {"month", 1, 12, month_names},
    {"day of the week", 0, 7, weekday_names},  // 7 is Sunday too
};

struct Nickname {
    std::string_view name;
    std::string_view means;
};
constexpr Nickname nicknames[] = {
    {"@yearly", "0 0 1 1 *"}, {"@annually", "0 0 1 1 *"}, {"@monthly", "0 0 1 * *"},
    {"@weekly", "0 0 * * 0"}, {"@daily", "0 0 * * *"},    {"@midnight", "0 0 * * *"},
    {"@hourly", "0 * * * *"},
};

constexpr std::int64_t day_seconds = 86'400;
constexpr std::int64_t cycle_days = 146'097;  // of the Gregorian calendar, 400 years

bool same_letters(std::string_view text, std::string_view lower) noexcept {
    return std::equal(text.begin(), text.end(), lower.begin(), lower.end(), [](char a, char b) {
        return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b;
    });
}

}  // namespace

class Cron::Parser {
public:
    explicit Parser(std::string_view text) noexcept : text_(text) {}

    Result<Cron> read() {
        skip_blanks();
        if (at_ < text_.size() && text_[at_] == '@') return nickname();
        std::size_t count = 0;
        for (std::size_t i = at_; i < text_.size();) {
            ++count;
            while (i < text_.size() && !blank(text_[i])) ++i;
            while (i < text_.size() && blank(text_[i])) ++i;
        }
        if (count != 5 && count != 6) {
            return wrong(concat("an expression has 5 fields or 6, and this one has ", count))
                .hint("minute, hour, day of the month, month, day of the week; a second may come first");
        }
        if (count == 5) cron_.seconds_.set(0);
        for (std::size_t i = 6 - count; i < 6; ++i) {
            if (Result<void> done = field(i); !done.ok()) return done.take_error();
            skip_blanks();
        }
        cron_.both_days_ = !stars_[3] && !stars_[5];
        if (cron_.next(0) == INT64_MAX) {
            at_ = starts_[3];
            return wrong("no day of the calendar is one of these");
        }
        return cron_;
    }

private:
    [[nodiscard]] static bool blank(char c) noexcept { return c == ' ' || c == '\t'; }
    void skip_blanks() noexcept {
        while (at_ < text_.size() && blank(text_[at_])) ++at_;
    }
    [[nodiscard]] Failure wrong(std::string_view what) const {
        return Failure(REFLOW_ERROR_PARSE, what)
            .at(1, static_cast<std::uint32_t>(std::min<std::size_t>(at_, UINT32_MAX - 1) + 1), at_);
    }
    Result<Cron> nickname() {
        std::string_view word = text_.substr(at_);
        while (!word.empty() && blank(word.back())) word.remove_suffix(1);
        for (const Nickname& each : nicknames) {
            if (same_letters(word, each.name)) return Parser(each.means).read();
        }
        Vector<std::string_view> names;
        for (const Nickname& each : nicknames) names.push_back(each.name);
        return wrong(concat("'", word.substr(0, 40), "' is no expression")).hint(did_you_mean(word, names));
    }
    // A number or a name.
    Result<std::uint32_t> value(const Field& of) {
        std::size_t end = at_;
        auto part = [](char c) {
            return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        };
        while (end < text_.size() && part(text_[end])) ++end;
        std::string_view word = text_.substr(at_, end - at_);
        if (word.empty()) {
            return wrong(concat("a value of the field '", of.name, "' is missing here"));
        }
        for (std::uint32_t i = 0; i < of.names.size(); ++i) {
            if (!same_letters(word, of.names[i])) continue;
            at_ = end;
            return of.least + i;
        }
        std::uint32_t number = 0;
        for (char c : word) {
            if (c < '0' || c > '9' || word.size() > 4) {
                return wrong(concat("'", word.substr(0, 40), "' is no ", of.name))
                    .hint(of.names.empty() ? String() : did_you_mean(word, of.names));
            }
            number = number * 10 + static_cast<std::uint32_t>(c - '0');
        }
        if (number < of.least || number > of.most) {
            return wrong(concat(word, " is no ", of.name, ": they are ", of.least, " to ", of.most));
        }
        at_ = end;
        return number;
    }
    [[nodiscard]] bool take(char c) noexcept {
        if (at_ >= text_.size() || text_[at_] != c) return false;
        ++at_;
        return true;
    }
    // *, a, a-b, each of the first and last with /n; several with commas.
    Result<void> field(std::size_t which) {
        const Field& of = fields[which];
        starts_[which] = at_;
        stars_[which] = at_ < text_.size() && text_[at_] == '*';
        do {
            if (Result<void> done = part(which, of); !done.ok()) return done;
        } while (take(','));
        if (at_ < text_.size() && !blank(text_[at_])) {
            return wrong(concat("unexpected '", text_.substr(at_, 1), "' in the field '", of.name, "'"));
        }
        return {};
    }
    Result<void> part(std::size_t which, const Field& of) {
        std::uint32_t first = of.least;
        // Sunday is told once.
        std::uint32_t last = which == 5 ? 6 : of.most;
        bool range = take('*');
        if (!range) {
            Result<std::uint32_t> from = value(of);
            if (!from.ok()) return from.take_error();
            first = last = from.value();
            if (take('-')) {
                range = true;
                std::size_t begin = at_;
                Result<std::uint32_t> to = value(of);
                if (!to.ok()) return to.take_error();
                last = to.value();
                if (last < first) {
                    at_ = begin;
                    return wrong("the range ends before it begins");
                }
            }
        }
        std::uint32_t step = 1;
        if (at_ < text_.size() && text_[at_] == '/') {
            if (!range) return wrong("a step stands behind a range or *");
            ++at_;
            Result<std::uint32_t> by = value({"step", 1, of.most == 7 ? 7 : of.most + 1, {}});
            if (!by.ok()) return by.take_error();
            step = by.value();
        }
        for (std::uint32_t at = first; at <= last; at += step) set(which, at);
        return {};
    }
    void set(std::size_t which, std::uint32_t at) noexcept {
        switch (which) {
            case 0:
                cron_.seconds_.set(at);
                break;
            case 1:
                cron_.minutes_.set(at);
                break;
            case 2:
                cron_.hours_.set(at);
                break;
            case 3:
                cron_.days_.set(at);
                break;
            case 4:
                cron_.months_.set(at);
                break;
            default:
                cron_.weekdays_.set(at % 7);
        }
    }

    std::string_view text_;
    std::size_t at_ = 0;
    Cron cron_;
    std::array<std::size_t, 6> starts_{};
    std::array<bool, 6> stars_{};
};

Result<Cron> Cron::parse(std::string_view expression) { return Parser(expression).read(); }

bool Cron::day_fits(std::int64_t days, std::uint32_t day) const noexcept {
    bool of_month = days_[day];
    bool of_week = weekdays_[static_cast<std::size_t>(((days + 4) % 7 + 7) % 7)];  // 1970-01-01: Thursday
    return both_days_ ? of_month || of_week : of_month && of_week;
}

namespace {

// The first that is set from this one on.
template <std::size_t size>
std::optional<std::uint32_t> from(const std::bitset<size>& set, std::uint32_t at) noexcept {
    for (; at < size; ++at) {
        if (set[at]) return at;
    }
    return std::nullopt;
}

}  // namespace

std::int64_t Cron::next(std::int64_t local) const noexcept {
    using namespace std::chrono;
    constexpr std::int64_t least = -day_seconds * 100 * 366, most = day_seconds * 8000 * 366;
    if (local < least || local > most) return INT64_MAX;
    std::int64_t day = local >= 0 ? local / day_seconds : -((-local + day_seconds - 1) / day_seconds);
    auto rest = static_cast<std::uint32_t>(local - day * day_seconds);
    for (const std::int64_t end = day + cycle_days; day <= end; ++day, rest = 0) {
        const year_month_day date{sys_days{days(day)}};
        if (!months_[static_cast<unsigned>(date.month())]) {
            day = (sys_days(date.year() / date.month() / last) - sys_days{}).count();
            continue;
        }
        if (!day_fits(day, static_cast<unsigned>(date.day()))) continue;
        // The first time of this day that is not before the rest of it.
        std::uint32_t hour = rest / 3600, minute = rest / 60 % 60, second = rest % 60;
        for (auto h = from(hours_, hour); h; h = from(hours_, *h + 1)) {
            std::uint32_t first_minute = *h == hour ? minute : 0;
            for (auto m = from(minutes_, first_minute); m; m = from(minutes_, *m + 1)) {
                bool same = *h == hour && *m == minute;
                if (auto s = from(seconds_, same ? second : 0)) {
                    return day * day_seconds + *h * 3600 + *m * 60 + *s;
                }
            }
        }
    }
    return INT64_MAX;
}

Result<std::unique_ptr<CronTimes>> CronTimes::make(std::string_view expression,
                                                   std::string_view zone, Store& store) {
    Result<Cron> cron = Cron::parse(expression);
    if (!cron.ok()) return cron.take_error();
    Result<Zone> place = Zone::read(zone, store);
    if (!place.ok()) return place.take_error();
    return std::unique_ptr<CronTimes>(
        new CronTimes(cron.value(), std::move(place).take(), expression, zone));
}

std::unique_ptr<runtime::Recurrence> CronTimes::copy() const {
    return std::unique_ptr<runtime::Recurrence>(new CronTimes(*this));
}

// Later local times do not fire earlier, and the time that the clocks show now has fired: so it is
// enough to look from there on.
std::int64_t CronTimes::after(std::int64_t wall_ms) noexcept {
    std::int64_t now = wall_ms / 1000 - (wall_ms % 1000 < 0 ? 1 : 0);
    std::int64_t local = zone_.to_local(now);
    for (;;) {
        local = cron_.next(local + 1);
        if (local == INT64_MAX) return INT64_MAX;
        std::int64_t when = zone_.first(local);
        if (when > now) return when * 1000;
    }
}

}  // namespace reflow::components
