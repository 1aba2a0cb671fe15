// The time zones of the system: what the clocks of a place show, now and in future.
// Neighbours: cron. Thread: immutable once read, so any.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/memory.hpp"
#include "base/result.hpp"
#include "base/store.hpp"

namespace reflow::components {

// Where the zones of the system lie, as files named Europe/Berlin.
inline constexpr std::string_view zones_directory = "/usr/share/zoneinfo";

// All times are seconds: UTC since 1970, and local ones as if the place had UTC.
class Zone {
public:
    // Empty and "UTC" need no file. REFLOW_ERROR_NOT_FOUND if there is no such zone,
    // REFLOW_ERROR_PARSE if its file is not one (RFC 8536).
    [[nodiscard]] static Result<Zone> read(std::string_view name, Store& store);
    // The content of such a file.
    [[nodiscard]] static Result<Zone> parse(std::string_view data);

    [[nodiscard]] std::int64_t to_local(std::int64_t utc) const noexcept {
        return utc + span(utc).offset;
    }
    // The first moment at which the clocks show this time or a later one. So of a time that comes
    // twice it is the first, and one that is skipped is where the clocks are put forward.
    [[nodiscard]] std::int64_t first(std::int64_t local) const noexcept;

private:
    static constexpr std::int64_t never = INT64_MAX;
    // While the clocks are so far before UTC: from begin until end.
    struct Span {
        std::int64_t begin;
        std::int64_t end;
        std::int32_t offset;
    };
    struct Change {
        std::int64_t at;
        std::int32_t offset;
    };
    // Mm.w.d, Jn or n with a time of the day: when in a year the clocks are changed.
    struct Rule {
        char kind = 'M';
        std::int32_t month = 0, week = 0, day = 0;
        std::int32_t time = 2 * 3600;
        [[nodiscard]] std::int64_t in_year(std::int32_t year) const noexcept;  // local, as seconds
    };
    class Footer;

    [[nodiscard]] Span span(std::int64_t utc) const noexcept;
    [[nodiscard]] Span after_last(std::int64_t utc) const noexcept;

    Vector<Change> changes_;   // ascending
    std::int32_t before_ = 0;  // offset before the first
    // Behind the last one: the year goes on like this.
    bool rules_ = false;
    std::int32_t standard_ = 0;
    std::int32_t summer_ = 0;
    Rule to_summer_;
    Rule to_standard_;
};

}  // namespace reflow::components
