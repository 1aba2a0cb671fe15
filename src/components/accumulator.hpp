// What is gathered of the values of one field in one group.
// Neighbours: aggregate.cpp. Thread: that of the actor.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/memory.hpp"
#include "base/result.hpp"
#include "components/rounding.hpp"
#include "message/message.hpp"

namespace reflow::components {

enum class Aggregate : std::uint8_t {
    count,
    sum,
    mean,
    min,
    max,
    first,
    last,
    mode,
    distinct,
    stddev,
    median
};
inline constexpr std::string_view aggregate_names[] = {
    "count", "sum", "mean", "min", "max", "first", "last", "mode", "distinct", "stddev", "median"};

// A set of aggregates.
class Needs {
public:
    void add(Aggregate aggregate) noexcept { bits_ |= bit(aggregate); }
    [[nodiscard]] bool has(Aggregate aggregate) const noexcept {
        return (bits_ & bit(aggregate)) != 0;
    }
    // Values have to be numbers.
    [[nodiscard]] bool numbers() const noexcept {
        return has(Aggregate::sum) || has(Aggregate::mean) || has(Aggregate::stddev) ||
               has(Aggregate::median);
    }
    [[nodiscard]] bool extremes() const noexcept {
        return has(Aggregate::min) || has(Aggregate::max);
    }
    [[nodiscard]] bool ends() const noexcept {
        return has(Aggregate::first) || has(Aggregate::last);
    }
    // Every distinct value is kept.
    [[nodiscard]] bool tally() const noexcept {
        return has(Aggregate::mode) || has(Aggregate::distinct);
    }

private:
    static std::uint32_t bit(Aggregate aggregate) noexcept {
        return 1u << static_cast<std::uint32_t>(aggregate);
    }
    std::uint32_t bits_ = 0;
};

// Order of scalars: null, false, true, numbers by value, strings bytewise. Others are equal.
[[nodiscard]] int compare_scalars(MessageRef a, MessageRef b) noexcept;

// Appends bytes that are equal for equal scalars (1 and 1.0 are); false for other kinds.
[[nodiscard]] bool append_scalar_key(String& to, MessageRef value);

class Accumulator {
public:
    // Whether add() will take the value; the fault does not name the field.
    [[nodiscard]] Result<void> check(MessageRef value, Needs needs) const;
    // Adds a value that check() let pass; returns how many values are kept more than before.
    std::size_t add(MessageRef value, Needs needs);
    // null where there is no value for it: the mean of nothing.
    [[nodiscard]] Message result(Aggregate aggregate);

    // All that it has, and back into one that is new; a value is no accumulator if that is false.
    [[nodiscard]] Result<Message> save() const;
    [[nodiscard]] bool load(MessageRef saved);
    [[nodiscard]] bool empty() const noexcept { return count_ == 0; }
    // Whether it has what result() of all of these looks at.
    [[nodiscard]] bool keeps(Needs needs) const noexcept;
    // How many values it keeps for mode, distinct and median.
    [[nodiscard]] std::size_t kept() const noexcept {
        return values_.size() + (tallies_ == nullptr ? 0 : tallies_->by_key.size());
    }

private:
    struct Tally {
        Message value;
        std::uint64_t count = 0;
    };
    struct Tallies : Allocated {
        TextMap<Tally> by_key;
    };
    void add_number(MessageRef value, Needs needs);
    [[nodiscard]] double total() const noexcept;
    [[nodiscard]] Message sum() const;
    [[nodiscard]] Message mode() const;
    [[nodiscard]] Message median();

    std::uint64_t count_ = 0;
    // The sum in two parts, integers exactly: 2^64 of them fit.
    __int128 integers_ = 0;
    CompensatedSum reals_;
    bool any_real_ = false;
    // Mean and sum of squared differences from it, as Welford does.
    double mean_ = 0;
    double squares_ = 0;
    Message min_;
    Message max_;
    Message first_;
    Message last_;
    std::unique_ptr<Tallies> tallies_;
    Vector<double> values_;
};

}  // namespace reflow::components
