#include "base/mutex.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <thread>
#include <vector>

namespace reflow {
namespace {

TEST(Mutex, OneThreadAtATimeAndWritesAreSeen) {
    constexpr int threads = 4;
    constexpr int rounds = 50'000;
    Mutex mutex;
    std::atomic<int> inside{0};
    int overlaps = 0;      // guarded by mutex
    std::int64_t sum = 0;  // guarded by mutex: lost updates would show
    auto work = [&] {
        for (int i = 0; i < rounds; ++i) {
            std::lock_guard lock(mutex);
            overlaps += inside.fetch_add(1) == 0 ? 0 : 1;
            // Long enough for others to go to sleep, now and then.
            if (i % 5000 == 0) std::this_thread::yield();
            ++sum;
            inside.fetch_sub(1);
        }
    };
    std::vector<std::thread> all;
    for (int i = 0; i < threads; ++i) all.emplace_back(work);
    for (std::thread& thread : all) thread.join();
    EXPECT_EQ(overlaps, 0);
    EXPECT_EQ(sum, std::int64_t{threads} * rounds);
}

// Each round the holder lets go only when all others have asked: most of them sleep then, and each
// has to be woken by the one before. A lost wake-up and the test does not end.
TEST(Mutex, EverybodyWhoSleepsIsWoken) {
    constexpr int sleepers = 6;
    for (int round = 0; round < 200; ++round) {
        Mutex mutex;
        std::atomic<int> asked{0};
        int done = 0;  // guarded by mutex
        std::unique_lock hold(mutex);
        std::vector<std::thread> all;
        for (int i = 0; i < sleepers; ++i) {
            all.emplace_back([&] {
                asked.fetch_add(1);
                std::lock_guard lock(mutex);
                ++done;
            });
        }
        while (asked.load() != sleepers) std::this_thread::yield();
        for (int i = 0; i < 20; ++i) std::this_thread::yield();
        hold.unlock();
        for (std::thread& thread : all) thread.join();
        EXPECT_EQ(done, sleepers);
    }
}

TEST(Mutex, TryLockTakesItOnlyIfItIsFree) {
    Mutex mutex;
    ASSERT_TRUE(mutex.try_lock());
    bool other = true;
    std::thread([&] { other = mutex.try_lock(); }).join();
    EXPECT_FALSE(other);
    mutex.unlock();
    EXPECT_TRUE(mutex.try_lock());
    mutex.unlock();
}

#if REFLOW_SMALL_MUTEX
TEST(Mutex, IsFourBytes) { EXPECT_EQ(sizeof(Mutex), 4U); }
#endif

}  // namespace
}  // namespace reflow
