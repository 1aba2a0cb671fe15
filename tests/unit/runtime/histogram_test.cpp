// Buckets and quantiles of durations, against sorted values.
#include "runtime/histogram.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

#include "random.hpp"

namespace reflow::runtime {
namespace {

TEST(Histogram, BucketsHoldWhatIsNearTheirMiddle) {
    std::uint32_t last = 0;
    for (std::uint64_t value = 0; value < 100'000; ++value) {
        std::uint32_t bucket = buckets::of(value);
        ASSERT_TRUE(bucket == last || bucket == last + 1) << value;
        last = bucket;
        std::uint64_t middle = buckets::middle(bucket);
        std::uint64_t off = middle > value ? middle - value : value - middle;
        ASSERT_LE(off * 32, value) << value;
        if (value < 32) {
            ASSERT_EQ(middle, value);
        }
    }
    for (int power = 0; power < 64; ++power) {
        std::uint64_t value = std::uint64_t{1} << power;
        ASSERT_LT(buckets::of(value), buckets::count);
        ASSERT_LE(buckets::of(value - 1), buckets::of(value));
    }
    EXPECT_EQ(buckets::of(UINT64_MAX), buckets::count - 1);
    EXPECT_EQ(buckets::of((std::uint64_t{1} << 40) - 1), buckets::count - 1);
}

// The definition: the smallest value that so many of a thousand do not exceed.
std::uint64_t quantile_of(const std::vector<std::uint64_t>& sorted, std::uint64_t of_thousand) {
    std::size_t rank = (sorted.size() * of_thousand + 999) / 1000;
    return sorted[rank == 0 ? 0 : rank - 1];
}

TEST(Histogram, QuantilesAreThoseOfTheSortedValues) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        testing::Random random(seed);
        std::vector<std::uint64_t> values(static_cast<std::size_t>(random.below(5000)) + 1);
        auto histogram = std::make_unique<Histogram>();
        for (std::uint64_t& value : values) {
            value = random.next() >> (24 + random.below(40));
            histogram->add(value);
        }
        std::sort(values.begin(), values.end());
        auto samples = std::make_unique<Samples>();
        samples->add(*histogram);
        ASSERT_EQ(samples->count(), values.size());
        for (std::uint64_t of_thousand : {0u, 1u, 500u, 900u, 990u, 999u, 1000u}) {
            double wanted = static_cast<double>(quantile_of(values, of_thousand));
            double found = static_cast<double>(samples->quantile(of_thousand));
            ASSERT_LE(std::abs(found - wanted), wanted / 32 + 0.5) << seed << " " << of_thousand;
        }
        reflow_latency latency = samples->latency();
        EXPECT_EQ(latency.max_ns, values.back());
        std::uint64_t sum = 0;
        for (std::uint64_t value : values) sum += value;
        EXPECT_EQ(latency.mean_ns, sum / values.size());
    }
}

TEST(Histogram, SeveralTogetherAreAsOne) {
    testing::Random random(7);
    auto first = std::make_unique<Histogram>();
    auto second = std::make_unique<Histogram>();
    auto both = std::make_unique<Histogram>();
    for (int i = 0; i < 3000; ++i) {
        std::uint64_t value = random.below(1'000'000'000);
        (i % 3 == 0 ? first : second)->add(value);
        both->add(value);
    }
    auto merged = std::make_unique<Samples>();
    merged->add(*first);
    merged->add(*second);
    auto one = std::make_unique<Samples>();
    one->add(*both);
    for (std::uint64_t of_thousand = 0; of_thousand <= 1000; ++of_thousand) {
        ASSERT_EQ(merged->quantile(of_thousand), one->quantile(of_thousand));
    }
    EXPECT_EQ(merged->sum(), one->sum());
    EXPECT_EQ(Samples().latency().count, 0u);
}

}  // namespace
}  // namespace reflow::runtime
