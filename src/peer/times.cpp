// Times as text.
// Thread: any.
#include "peer/times.hpp"

#include <algorithm>
#include <chrono>

namespace reflow::peer {
namespace {

namespace chrono = std::chrono;

constexpr std::int64_t day_ms = 86'400'000;

constexpr std::int64_t day_number(int year, unsigned month, unsigned day) noexcept {
    return chrono::sys_days(chrono::year(year) / chrono::month(month) / chrono::day(day))
        .time_since_epoch()
        .count();
}

void put(String& to, unsigned value, unsigned digits) {
    char text[4];
    for (unsigned i = digits; i-- > 0; value /= 10) text[i] = static_cast<char>('0' + value % 10);
    to.append(text, digits);
}

// Takes what it reads off the front of a text.
class Scanner {
public:
    explicit Scanner(std::string_view text) noexcept : rest_(text) {}

    // So many digits, with a value from low to high.
    int number(std::size_t digits, int low, int high) noexcept {
        int value = 0;
        if (rest_.size() < digits) return refuse();
        for (char digit : rest_.substr(0, digits)) {
            if (digit < '0' || digit > '9') return refuse();
            value = value * 10 + (digit - '0');
        }
        rest_.remove_prefix(digits);
        return value < low || value > high ? refuse() : value;
    }
    bool one_of(std::string_view letters) noexcept {
        if (rest_.empty() || letters.find(rest_.front()) == std::string_view::npos) return false;
        rest_.remove_prefix(1);
        return true;
    }
    void want(std::string_view letters) noexcept {
        if (!one_of(letters)) refuse();
    }
    // The digits behind a point, as milliseconds.
    int milliseconds() noexcept {
        int value = 0, digits = 0;
        for (; !rest_.empty() && rest_.front() >= '0' && rest_.front() <= '9'; ++digits) {
            if (digits < 3) value = value * 10 + (rest_.front() - '0');
            rest_.remove_prefix(1);
        }
        if (digits == 0) return refuse();
        for (; digits < 3; ++digits) value *= 10;
        return value;
    }
    [[nodiscard]] char front() const noexcept { return rest_.empty() ? '\0' : rest_.front(); }
    [[nodiscard]] bool done() const noexcept { return ok_ && rest_.empty(); }

private:
    int refuse() noexcept {
        ok_ = false;
        return 0;
    }
    std::string_view rest_;
    bool ok_ = true;
};

}  // namespace

String write_time(std::int64_t wall_ms, bool fraction) {
    constexpr std::int64_t first = day_number(0, 1, 1) * day_ms;
    constexpr std::int64_t last = day_number(10'000, 1, 1) * day_ms - 1;
    wall_ms = std::clamp(wall_ms, first, last);
    std::int64_t day = wall_ms >= 0 ? wall_ms / day_ms : (wall_ms - day_ms + 1) / day_ms;
    auto rest = static_cast<unsigned>(wall_ms - day * day_ms);
    chrono::year_month_day date{chrono::sys_days(chrono::days(static_cast<int>(day)))};
    String out;
    put(out, static_cast<unsigned>(static_cast<int>(date.year())), 4);
    out += '-';
    put(out, static_cast<unsigned>(date.month()), 2);
    out += '-';
    put(out, static_cast<unsigned>(date.day()), 2);
    out += 'T';
    put(out, rest / 3'600'000, 2);
    out += ':';
    put(out, rest / 60'000 % 60, 2);
    out += ':';
    put(out, rest / 1000 % 60, 2);
    if (fraction) {
        out += '.';
        put(out, rest % 1000, 3);
    }
    out += 'Z';
    return out;
}

std::optional<std::int64_t> read_time(std::string_view text) noexcept {
    Scanner in(text);
    int year = in.number(4, 0, 9999);
    in.want("-");
    int month = in.number(2, 1, 12);
    in.want("-");
    int day = in.number(2, 1, 31);
    in.want("Tt ");
    int hour = in.number(2, 0, 23);
    in.want(":");
    int minute = in.number(2, 0, 59);
    in.want(":");
    int second = in.number(2, 0, 60);  // 60: a leap second, which is the next one here
    int ms = in.one_of(".") ? in.milliseconds() : 0;
    int offset = 0;
    if (!in.one_of("Zz")) {
        bool west = in.front() == '-';
        in.want("+-");
        offset = in.number(2, 0, 23) * 60;
        in.want(":");
        offset += in.number(2, 0, 59);
        if (west) offset = -offset;
    }
    if (!in.done()) return std::nullopt;
    chrono::year_month_day date(chrono::year(year), chrono::month(static_cast<unsigned>(month)),
                                chrono::day(static_cast<unsigned>(day)));
    if (!date.ok()) return std::nullopt;
    std::int64_t days = chrono::sys_days(date).time_since_epoch().count();
    std::int64_t seconds = ((hour * 60 + minute) - offset) * 60 + second;
    return days * day_ms + seconds * 1000 + ms;
}

}  // namespace reflow::peer
