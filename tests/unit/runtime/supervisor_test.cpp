// Back-off, circuit breaker and the window of restarts, each by itself.
#include "runtime/supervisor.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace reflow::runtime {
namespace {

FailurePolicy policy(std::uint64_t base, double factor, std::uint64_t most) {
    FailurePolicy made;
    made.backoff_ns = base;
    made.backoff_factor = factor;
    made.backoff_max_ns = most;
    return made;
}

TEST(Supervisor, BackoffIsTheFormula) {
    for (double factor : {1.0, 1.5, 2.0, 10.0, 1000.0}) {
        for (std::uint64_t most : {0ull, 1000ull, 1'000'000'000'000ull}) {
            for (std::uint32_t attempt : {1u, 2u, 3u, 10u, 100u, 1'000'000u}) {
                double expected =
                    std::min(100 * std::pow(factor, attempt - 1), static_cast<double>(most));
                double got = static_cast<double>(backoff_ns(policy(100, factor, most), attempt));
                EXPECT_NEAR(expected, got, 1 + expected * 1e-9) << factor << ' ' << attempt;
            }
        }
    }
    EXPECT_EQ(backoff_ns(policy(0, 2, 1000), 1'000'000), 0u);
}

TEST(Supervisor, WindowForgetsWhatIsOld) {
    Window window(2);
    EXPECT_TRUE(window.admit(0, 10));
    EXPECT_TRUE(window.admit(5, 10));
    EXPECT_FALSE(window.admit(10, 10));
    EXPECT_TRUE(window.admit(11, 10));
    EXPECT_FALSE(window.admit(12, 10));
    EXPECT_TRUE(window.admit(100, 10));
    EXPECT_FALSE(Window(0).admit(0, 10));
}

// Against a model written down as the drawing at the class.
TEST(Supervisor, BreakerGoesAsItIsDrawn) {
    Breaker breaker(3, 100);
    std::uint64_t now = 0;
    auto fails = [&](int times) {
        for (int i = 0; i < times; ++i) breaker.failed(now);
    };
    fails(2);
    EXPECT_TRUE(breaker.lets(now));
    breaker.succeeded();
    fails(2);
    EXPECT_EQ(breaker.state(), Breaker::State::closed);
    fails(1);
    EXPECT_EQ(breaker.state(), Breaker::State::open);
    EXPECT_FALSE(breaker.lets(99));
    breaker.succeeded();  // of one that began before
    EXPECT_EQ(breaker.state(), Breaker::State::open);
    EXPECT_TRUE(breaker.lets(100));
    EXPECT_EQ(breaker.state(), Breaker::State::half_open);
    EXPECT_FALSE(breaker.lets(100));  // the trial is under way
    now = 150;
    fails(1);
    EXPECT_EQ(breaker.state(), Breaker::State::open);
    EXPECT_FALSE(breaker.lets(249));
    EXPECT_TRUE(breaker.lets(250));
    breaker.gave_up();
    EXPECT_TRUE(breaker.lets(251));
    breaker.succeeded();
    EXPECT_EQ(breaker.state(), Breaker::State::closed);
    EXPECT_EQ(breaker.failures(), 0u);
    Breaker none(0, 0);
    for (int i = 0; i < 1000; ++i) none.failed(0);
    EXPECT_TRUE(none.lets(0));
}

}  // namespace
}  // namespace reflow::runtime
