// Durations counted in buckets: quantiles from bounded memory.
// Neighbours: probe (one writer), network (readers). Thread: add() on one at a time, reading on any.
#pragma once

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstdint>

#include "base/memory.hpp"
#include "reflow.h"

namespace reflow::runtime {

// Log-linear buckets: each power of two has 16 equal ones, so that a bucket is at most a sixteenth
// of its values wide (G. Tene, HdrHistogram, 2012).
namespace buckets {

inline constexpr std::uint32_t steps_log2 = 4;
inline constexpr std::uint32_t steps = 1u << steps_log2;
inline constexpr std::uint32_t most_log2 = 40;  // 2^40 ns are 18 minutes; what is longer is there too
inline constexpr std::uint32_t count = (most_log2 - steps_log2 + 1) * steps;

[[nodiscard]] constexpr std::uint32_t of(std::uint64_t value) noexcept {
    if (value < steps) return static_cast<std::uint32_t>(value);
    std::uint32_t power = static_cast<std::uint32_t>(std::bit_width(value)) - 1;
    if (power >= most_log2) return count - 1;
    std::uint32_t shift = power - steps_log2;
    return (shift + 1) * steps + static_cast<std::uint32_t>(value >> shift & (steps - 1));
}
// The middle of a bucket: at most a thirty-second off.
[[nodiscard]] constexpr std::uint64_t middle(std::uint32_t bucket) noexcept {
    if (bucket < steps) return bucket;
    std::uint32_t shift = bucket / steps - 1;
    std::uint64_t lowest = std::uint64_t{steps + bucket % steps} << shift;
    return lowest + (std::uint64_t{1} << shift) / 2;
}

}  // namespace buckets

class Histogram : public Allocated {
public:
    void add(std::uint64_t value) noexcept {
        step(counts_[buckets::of(value)], 1);
        step(sum_, value);
        if (value > max_.load(std::memory_order_relaxed)) {
            max_.store(value, std::memory_order_relaxed);
        }
    }

private:
    friend class Samples;
    // One thread writes. relaxed: a statistic.
    static void step(std::atomic<std::uint64_t>& to, std::uint64_t by) noexcept {
        to.store(to.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
    }
    std::atomic<std::uint64_t> sum_{0};
    std::atomic<std::uint64_t> max_{0};
    std::atomic<std::uint64_t> counts_[buckets::count] = {};
};

// What one histogram or several together had at a moment. Thread: its owner's.
class Samples : public Allocated {
public:
    void clear() noexcept { *this = Samples(); }
    void add(const Histogram& from) noexcept {
        for (std::uint32_t i = 0; i < buckets::count; ++i) {
            std::uint64_t here = from.counts_[i].load(std::memory_order_relaxed);
            counts_[i] += here;
            count_ += here;
        }
        sum_ += from.sum_.load(std::memory_order_relaxed);
        max_ = std::max(max_, from.max_.load(std::memory_order_relaxed));
    }
    [[nodiscard]] std::uint64_t sum() const noexcept { return sum_; }
    [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
    // The value that so many of a thousand samples do not exceed.
    [[nodiscard]] std::uint64_t quantile(std::uint64_t of_thousand) const noexcept {
        // The smallest bucket that has, with those below it, that share of all, rounded up.
        std::uint64_t whole = count_ / 1000 * of_thousand;
        std::uint64_t rest = (count_ % 1000 * of_thousand + 999) / 1000;
        std::uint64_t wanted = std::max<std::uint64_t>(whole + rest, 1);
        std::uint64_t seen = 0;
        for (std::uint32_t i = 0; i < buckets::count; ++i) {
            seen += counts_[i];
            if (seen < wanted) continue;
            return i + 1 == buckets::count ? max_ : std::min(buckets::middle(i), max_);
        }
        return max_;
    }
    [[nodiscard]] reflow_latency latency() const noexcept {
        if (count_ == 0) return {};
        return {count_,        sum_ / count_, quantile(500), quantile(900),
                quantile(990), quantile(999), max_};
    }

private:
    std::uint64_t count_ = 0;
    std::uint64_t sum_ = 0;
    std::uint64_t max_ = 0;
    std::uint64_t counts_[buckets::count] = {};
};

}  // namespace reflow::runtime
