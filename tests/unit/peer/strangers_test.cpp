// Rates of those who have not greeted, and of lines that others cause.
#include "peer/strangers.hpp"

#include <gtest/gtest.h>

#include <string>

#include "peer/limits.hpp"

namespace reflow::peer {
namespace {

constexpr std::uint64_t second = 1'000'000'000;
using Verdict = Strangers::Verdict;

TEST(Rate, SoManyAtOnceAndThenSoManyASecond) {
    Rate rate(5, 10);
    const auto taken = [&](std::uint64_t now) {
        int count = 0;
        for (; rate.allows(now); ++count) rate.count(now);
        return count;
    };
    EXPECT_EQ(taken(7 * second), 5);
    EXPECT_EQ(taken(7 * second), 0);
    EXPECT_EQ(taken(7 * second + second / 10), 1);
    EXPECT_EQ(taken(7 * second + second / 2), 4);
    EXPECT_FALSE(rate.rested(7 * second + second / 2));
    EXPECT_TRUE(rate.rested(9 * second));
    EXPECT_EQ(taken(100 * second), 5);
}

TEST(Strangers, WhoFailsTooOftenIsNotToldForAWhile) {
    Strangers all;
    EXPECT_EQ(all.look("10.0.0.1:5", second), Verdict::answered);
    for (std::uint64_t i = 0; i < limits::peer_failures_count; ++i) {
        EXPECT_EQ(all.look("10.0.0.1:5", second), Verdict::answered);
        all.failed("10.0.0.1:" + std::to_string(i), second);
    }
    EXPECT_EQ(all.look("10.0.0.1:5", second), Verdict::unanswered_first);
    EXPECT_EQ(all.look("10.0.0.1:6", second), Verdict::unanswered);
    // Nobody else is meant.
    EXPECT_EQ(all.look("10.0.0.2:5", second), Verdict::answered);
    EXPECT_EQ(all.look("[::1]:5", second), Verdict::answered);
    const std::uint64_t later = second + second / limits::peer_failures_per_second;
    EXPECT_EQ(all.look("10.0.0.1:5", later), Verdict::answered);
    all.failed("10.0.0.1:5", later);
    EXPECT_EQ(all.look("10.0.0.1:5", later), Verdict::unanswered_first);
}

// However many addresses fail: those that were there are remembered until they have rested.
TEST(Strangers, TheirNumberIsLimited) {
    Strangers all;
    for (std::uint64_t i = 0; i < limits::peer_failures_count; ++i) all.failed("[fe80::1]:1", second);
    for (std::size_t i = 0; i < 3 * limits::peer_failing_addresses_count; ++i) {
        all.failed("host-" + std::to_string(i) + ":1", second);
    }
    EXPECT_EQ(all.look("[fe80::1]:9", second), Verdict::unanswered_first);
    const std::uint64_t later = 60 * second;
    for (std::uint64_t i = 0; i < limits::peer_failures_count; ++i) all.failed("new:1", later);
    EXPECT_EQ(all.look("new:1", later), Verdict::unanswered_first);
    EXPECT_EQ(all.look("[fe80::1]:9", later), Verdict::answered);
}

TEST(Lines, WhatIsLeftOutIsTold) {
    Lines lines;
    for (std::uint64_t i = 0; i < limits::peer_lines_count; ++i) EXPECT_EQ(lines.take(second), 0u);
    for (int i = 0; i < 7; ++i) EXPECT_FALSE(lines.take(second));
    EXPECT_EQ(lines.take(2 * second), 7u);
    EXPECT_EQ(lines.take(2 * second), 0u);
}

}  // namespace
}  // namespace reflow::peer
