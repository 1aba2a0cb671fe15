#include "base/event_count.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <thread>
#include <vector>

#include "base/clock.hpp"
#include "base/thread.hpp"

namespace reflow {
namespace {

TEST(EventCount, AWakeBetweenPrepareAndSleepEndsTheSleep) {
    EventCount count;
    EventCount::Ticket ticket = count.prepare();
    EXPECT_TRUE(count.sleepers());
    count.wake();
    count.sleep(ticket, UINT64_MAX);  // would never end otherwise
    EXPECT_FALSE(count.sleepers());
}

TEST(EventCount, ASleepEndsAtItsDeadline) {
    EventCount count;
    SystemClock clock;
    std::uint64_t deadline = clock.now_ns() + 2'000'000;
    count.sleep(count.prepare(), deadline);
    EXPECT_GE(clock.now_ns(), deadline);
    count.sleep(count.prepare(), 0);
    EXPECT_FALSE(count.sleepers());
}

TEST(EventCount, WithoutSleepersAWakeDoesNothing) {
    EventCount count;
    count.wake();
    (void)count.prepare();
    count.cancel();
    EXPECT_FALSE(count.sleepers());
}

// Producers publish items and wake one; consumers take them and sleep when there is none. A lost
// wake-up leaves an item and a sleeper behind, and the test does not end.
TEST(EventCount, NoItemIsLeftBehindUnderThreads) {
    constexpr int producers = 3;
    constexpr int consumers = 3;
    constexpr int items = 20'000;
    EventCount count;
    std::atomic<int> available{0};
    std::atomic<int> taken{0};
    std::atomic<bool> ending{false};
    auto take = [&] {
        int now = available.load();
        while (now > 0) {
            if (available.compare_exchange_weak(now, now - 1)) return true;
        }
        return false;
    };
    auto consume = [&] {
        for (;;) {
            if (take()) {
                if (++taken == producers * items) {
                    ending = true;
                    count.wake(true);
                }
                continue;
            }
            EventCount::Ticket ticket = count.prepare();
            if (ending || available.load() > 0) {
                count.cancel();
                if (ending) return;
                continue;
            }
            count.sleep(ticket, UINT64_MAX);
        }
    };
    std::vector<std::thread> threads;
    for (int i = 0; i < consumers; ++i) threads.emplace_back(consume);
    for (int i = 0; i < producers; ++i) {
        threads.emplace_back([&] {
            for (int item = 0; item < items; ++item) {
                ++available;
                count.wake();
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(taken, producers * items);
    EXPECT_EQ(available, 0);
    EXPECT_FALSE(count.sleepers());
}

TEST(Thread, RunsOnceWithAllSignalsBlocked) {
    struct Seen {
        sigset_t mask;
        char name[16];
    } seen{};
    Thread thread;
    auto body = [](void* memory) {
        Seen* to = static_cast<Seen*>(memory);
        pthread_sigmask(SIG_SETMASK, nullptr, &to->mask);
    };
    ASSERT_TRUE(thread.start("a name that is longer than that", body, &seen).ok());
    EXPECT_TRUE(thread.running());
    thread.join();
    thread.join();
    EXPECT_FALSE(thread.running());
    for (int signal : {SIGINT, SIGTERM, SIGPIPE, SIGUSR1}) {
        EXPECT_EQ(sigismember(&seen.mask, signal), 1) << signal;
    }
    sigset_t mine;
    pthread_sigmask(SIG_SETMASK, nullptr, &mine);
    EXPECT_EQ(sigismember(&mine, SIGTERM), 0);
}

TEST(SystemClock, DoesNotGoBack) {
    SystemClock clock;
    std::uint64_t last = clock.now_ns();
    for (int i = 0; i < 1000; ++i) {
        std::uint64_t now = clock.now_ns();
        ASSERT_GE(now, last);
        last = now;
    }
    EXPECT_GT(clock.wall_ms(), 1'700'000'000'000);  // after 2023
}

}  // namespace
}  // namespace reflow
