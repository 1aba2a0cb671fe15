// Reads TZif, the format of compiled time zones: A. Olson, P. Eggert, K. Murchison, RFC 8536, 2019.
// The footer is a TZ variable as POSIX and that document have it.
// Thread: any.
#include "components/zone.hpp"

#include <algorithm>
#include <chrono>
#include <optional>

#include "base/limits.hpp"
#include "base/text.hpp"

namespace reflow::components {
namespace {

constexpr std::size_t head_bytes = 44;

Failure broken() { return Failure(REFLOW_ERROR_PARSE, "the file of the time zone is damaged"); }

std::int64_t big_endian(std::string_view data, std::size_t at, std::size_t size) noexcept {
    std::uint64_t value = (static_cast<unsigned char>(data[at]) & 0x80) != 0 ? UINT64_MAX : 0;
    for (std::size_t i = 0; i < size; ++i) {
        value = value << 8 | static_cast<unsigned char>(data[at + i]);
    }
    return static_cast<std::int64_t>(value);
}

std::int64_t seconds_of(std::chrono::sys_days day) noexcept {
    return std::int64_t{day.time_since_epoch().count()} * 86'400;
}

// The counts of a header, in their order.
struct Counts {
    std::uint64_t isut, isstd, leap, time, type, chars;
    [[nodiscard]] std::uint64_t bytes(std::uint64_t time_size) const noexcept {
        return time * time_size + time + type * 6 + chars + leap * (time_size + 4) + isstd + isut;
    }
};

std::optional<Counts> read_head(std::string_view data) noexcept {
    if (data.size() < head_bytes || !data.starts_with("TZif")) return std::nullopt;
    std::uint64_t counts[6];
    for (std::size_t i = 0; i < 6; ++i) {
        counts[i] = static_cast<std::uint64_t>(big_endian(data, 20 + 4 * i, 4)) & UINT32_MAX;
    }
    return Counts{counts[0], counts[1], counts[2], counts[3], counts[4], counts[5]};
}

}  // namespace

// "CET-1CEST,M3.5.0,M10.5.0/3"
class Zone::Footer {
public:
    explicit Footer(std::string_view text) noexcept : rest_(text) {}

    // False if it is none.
    [[nodiscard]] bool read(Zone& to) noexcept {
        if (!name() || !offset(to.standard_)) return false;
        if (rest_.empty()) return true;
        to.summer_ = to.standard_ + 3600;
        if (!name() || (!rest_.starts_with(',') && !offset(to.summer_))) return false;
        to.rules_ = rule(to.to_summer_) && rule(to.to_standard_) && rest_.empty();
        return to.rules_;
    }

private:
    [[nodiscard]] bool take(char letter) noexcept {
        if (!rest_.starts_with(letter)) return false;
        rest_.remove_prefix(1);
        return true;
    }
    [[nodiscard]] bool name() noexcept {
        bool quoted = take('<');
        std::size_t size = 0;
        auto letter = [&](char c) {
            bool alphabetic = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
            return alphabetic || (quoted && c != '>');
        };
        while (size < rest_.size() && letter(rest_[size])) ++size;
        rest_.remove_prefix(size);
        return size != 0 && (!quoted || take('>'));
    }
    [[nodiscard]] bool number(std::int32_t& to, std::int32_t least, std::int32_t most) noexcept {
        std::int32_t value = 0;
        std::size_t size = 0;
        while (size < rest_.size() && size < 4 && rest_[size] >= '0' && rest_[size] <= '9') {
            value = value * 10 + (rest_[size++] - '0');
        }
        rest_.remove_prefix(size);
        to = value;
        return size != 0 && value >= least && value <= most;
    }
    // [+-]hh[:mm[:ss]]
    [[nodiscard]] bool time(std::int32_t& to) noexcept {
        bool negative = take('-');
        if (!negative) (void)take('+');
        std::int32_t hours = 0, minutes = 0, seconds = 0;
        if (!number(hours, 0, 167)) return false;
        if (take(':') && !number(minutes, 0, 59)) return false;
        if (take(':') && !number(seconds, 0, 59)) return false;
        to = hours * 3600 + minutes * 60 + seconds;
        if (negative) to = -to;
        return true;
    }
    // West of Greenwich is positive there.
    [[nodiscard]] bool offset(std::int32_t& to) noexcept {
        if (!time(to)) return false;
        to = -to;
        return true;
    }
    [[nodiscard]] bool rule(Rule& to) noexcept {
        if (!take(',')) return false;
        bool fits = false;
        if (take('M')) {
            to.kind = 'M';
            fits = number(to.month, 1, 12) && take('.') && number(to.week, 1, 5) && take('.') &&
                   number(to.day, 0, 6);
        } else {
            to.kind = take('J') ? 'J' : 'N';
            fits = number(to.day, to.kind == 'J' ? 1 : 0, 365);
        }
        return fits && (!take('/') || time(to.time));
    }

    std::string_view rest_;
};

std::int64_t Zone::Rule::in_year(std::int32_t year) const noexcept {
    using namespace std::chrono;
    const std::chrono::year of(year);
    if (kind == 'M') {
        auto in = of / std::chrono::month(static_cast<unsigned>(month));
        auto which = weekday(static_cast<unsigned>(day));
        sys_days at = week == 5 ? sys_days(in / which[last])
                                : sys_days(in / which[static_cast<unsigned>(week)]);
        return seconds_of(at) + time;
    }
    // J counts from 1 and never the 29th of February.
    std::int64_t days = kind == 'J' ? day - 1 + (of.is_leap() && day >= 60 ? 1 : 0) : day;
    return seconds_of(sys_days(of / January / 1)) + days * 86'400 + time;
}

Result<Zone> Zone::parse(std::string_view data) {
    std::optional<Counts> head = read_head(data);
    if (!head) return broken();
    // The first block has times of 32 bits; from version 2 on the same follows with 64.
    std::size_t time_size = 4;
    const bool wide = data[4] >= '2';
    if (wide) {
        if (head->bytes(4) > data.size() - head_bytes) return broken();
        data.remove_prefix(head_bytes + static_cast<std::size_t>(head->bytes(4)));
        head = read_head(data);
        if (!head) return broken();
        time_size = 8;
    }
    data.remove_prefix(head_bytes);
    if (head->bytes(time_size) > data.size() || head->type == 0) return broken();
    const auto count = static_cast<std::size_t>(head->time);
    const std::size_t indexes = count * time_size;
    const std::size_t types = indexes + count;
    auto offset_of = [&](std::size_t type) {
        return static_cast<std::int32_t>(big_endian(data, types + 6 * type, 4));
    };
    constexpr std::int32_t most_offset = 26 * 3600;
    for (std::size_t i = 0; i < head->type; ++i) {
        if (offset_of(i) > most_offset || offset_of(i) < -most_offset) return broken();
    }
    Zone zone;
    zone.before_ = offset_of(0);
    zone.changes_.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
        std::int64_t at = big_endian(data, i * time_size, time_size);
        std::size_t type = static_cast<unsigned char>(data[indexes + i]);
        bool rises = zone.changes_.empty() || at > zone.changes_.back().at;
        if (type >= head->type || !rises) return broken();
        zone.changes_.push_back({at, offset_of(type)});
    }
    zone.standard_ = zone.changes_.empty() ? zone.before_ : zone.changes_.back().offset;
    if (!wide) return zone;
    data.remove_prefix(static_cast<std::size_t>(head->bytes(8)));
    std::size_t end = data.size() < 2 ? std::string_view::npos : data.find('\n', 1);
    if (data.empty() || data[0] != '\n' || end == std::string_view::npos) return broken();
    std::string_view footer = data.substr(1, end - 1);
    if (!footer.empty() && !Footer(footer).read(zone)) return broken();
    return zone;
}

Result<Zone> Zone::read(std::string_view name, Store& store) {
    if (name.empty() || name == "UTC") return Zone();
    bool plain = name.size() <= limits::zone_name_bytes && name[0] != '/' && name.back() != '/' &&
                 name.find("..") == std::string_view::npos &&
                 std::all_of(name.begin(), name.end(), [](char c) {
                     return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                            (c >= '0' && c <= '9') || c == '/' || c == '_' || c == '-' || c == '+';
                 });
    if (!plain) {
        return Failure(REFLOW_ERROR_NOT_FOUND, concat("'", name.substr(0, limits::zone_name_bytes),
                                                      "' is no name of a time zone"))
            .hint("they are such as Europe/Berlin or UTC");
    }
    String path = concat(zones_directory, "/", name);
    Result<String> data = store.read_file(path, limits::zone_bytes);
    if (!data.ok()) {
        return Failure(REFLOW_ERROR_NOT_FOUND,
                       concat("no time zone '", name, "' in ", zones_directory))
            .hint("is the package tzdata installed?")
            .because(data.take_error());
    }
    Result<Zone> zone = parse(data.value());
    if (!zone.ok()) zone.error().file = path;
    return zone;
}

Zone::Span Zone::after_last(std::int64_t utc) const noexcept {
    std::int64_t begin = changes_.empty() ? INT64_MIN : changes_.back().at;
    if (!rules_) return {begin, never, standard_};
    using namespace std::chrono;
    const sys_days day{days(std::clamp<std::int64_t>(utc / 86'400, -700'000, 10'000'000))};
    const auto year = static_cast<std::int32_t>(static_cast<int>(year_month_day(day).year()));
    Span at{begin, never, standard_};
    // All changes around, in their order; in the south the year begins in summer.
    for (std::int32_t y = year - 2; y <= year + 2; ++y) {
        Change both[2] = {{to_summer_.in_year(y) - standard_, summer_},
                          {to_standard_.in_year(y) - summer_, standard_}};
        if (both[1].at < both[0].at) std::swap(both[0], both[1]);
        for (const Change& change : both) {
            if (change.at > utc) {
                at.end = change.at;
                return at;
            }
            // What the file itself tells counts up to its last change.
            at = {std::max(begin, change.at), never, change.offset};
        }
    }
    return at;
}

Zone::Span Zone::span(std::int64_t utc) const noexcept {
    auto next = std::upper_bound(changes_.begin(), changes_.end(), utc,
                                 [](std::int64_t time, const Change& change) {
                                     return time < change.at;
                                 });
    if (next == changes_.begin()) {
        if (changes_.empty()) return after_last(utc);
        return {INT64_MIN, next->at, before_};
    }
    const Change& last = *(next - 1);
    if (next != changes_.end()) return {last.at, next->at, last.offset};
    return after_last(utc);
}

std::int64_t Zone::first(std::int64_t local) const noexcept {
    std::int64_t from = local - 27 * 3600;  // there the clocks do not show it yet
    for (;;) {
        Span at = span(from);
        std::int64_t when = std::max(from, local - at.offset);
        if (when < at.end) return when;
        from = at.end;
    }
}

}  // namespace reflow::components
