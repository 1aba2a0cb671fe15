// Cron expressions: which times of the wall clock of a place they mean.
// Neighbours: zone, schedule; capi/timers hands them to actors. Thread: immutable once read, so any.
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <memory>
#include <string_view>

#include "base/result.hpp"
#include "base/store.hpp"
#include "components/zone.hpp"
#include "runtime/actor_timers.hpp"

namespace reflow::components {

// Five fields (minute, hour, day of the month, month, day of the week), or six with the second before
// them: what the cron of P. Vixie takes, and the second. docs/components/flow.md has the table.
class Cron {
public:
    // REFLOW_ERROR_PARSE with the column.
    [[nodiscard]] static Result<Cron> parse(std::string_view expression);
    // The first time from this one on; local times as in Zone. INT64_MAX if none comes in 400 years,
    // after which the calendar repeats itself.
    [[nodiscard]] std::int64_t next(std::int64_t local) const noexcept;

private:
    class Parser;
    [[nodiscard]] bool day_fits(std::int64_t days, std::uint32_t day) const noexcept;

    std::bitset<60> seconds_;
    std::bitset<60> minutes_;
    std::bitset<24> hours_;
    std::bitset<32> days_;  // from 1
    std::bitset<13> months_;
    std::bitset<7> weekdays_;  // from Sunday
    bool both_days_ = false;   // neither field of days begins with '*': one of them is enough
};

// Times of an expression in a zone. A local time that is skipped fires where the clocks are put forward,
// one that comes twice fires the first time, and what falls on one moment is one.
class CronTimes final : public runtime::Recurrence {
public:
    // zone: see Zone::read().
    [[nodiscard]] static Result<std::unique_ptr<CronTimes>> make(std::string_view expression,
                                                                 std::string_view zone,
                                                                 Store& store);
    [[nodiscard]] std::int64_t after(std::int64_t wall_ms) noexcept override;
    [[nodiscard]] std::string_view expression() const noexcept override { return expression_; }
    [[nodiscard]] std::string_view zone() const noexcept override { return name_; }
    [[nodiscard]] std::unique_ptr<runtime::Recurrence> copy() const override;

private:
    CronTimes(Cron cron, Zone zone, std::string_view expression, std::string_view name)
        : cron_(cron), zone_(std::move(zone)), expression_(expression), name_(name) {}

    Cron cron_;
    Zone zone_;
    String expression_;
    String name_;  // of the zone
};

}  // namespace reflow::components
