#include "base/ref.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace reflow {
namespace {

struct Thing : RefCounted<Thing> {
    explicit Thing(std::atomic<int>& ended_of) : ended(ended_of) {}
    ~Thing() { ++ended; }
    std::atomic<int>& ended;
    int value = 0;
};

TEST(Ref, EndsItsObjectOnce) {
    std::atomic<int> ended{0};
    {
        Ref<Thing> a = make_ref<Thing>(ended);
        Ref<Thing> b = a;
        Ref<Thing> c = std::move(a);
        EXPECT_FALSE(a);  // NOLINT: a moved reference is empty
        EXPECT_EQ(b, c);
        b = nullptr;
        Ref<Thing> self = c;
        self = self;  // NOLINT
        c = Ref<Thing>::adopt(self.leak());
        EXPECT_EQ(ended, 0);
        Ref<Thing> shared = Ref<Thing>::share(c.get());
        c = nullptr;
        EXPECT_EQ(ended, 0);
    }
    EXPECT_EQ(ended, 1);
    EXPECT_FALSE(Ref<Thing>::share(nullptr));
}

TEST(Ref, ManyThreadsEndItOnceAndSeeEachOther) {
    for (int round = 0; round < 200; ++round) {
        std::atomic<int> ended{0};
        Ref<Thing> thing = make_ref<Thing>(ended);
        std::vector<std::thread> threads;
        for (int i = 0; i < 4; ++i) {
            threads.emplace_back([mine = thing]() mutable {
                Ref<Thing> other = mine;
                mine = nullptr;
            });
        }
        thing = nullptr;
        for (std::thread& thread : threads) thread.join();
        ASSERT_EQ(ended, 1);
    }
}

TEST(RefCount, KnowsASoleOwner) {
    RefCount count;
    EXPECT_TRUE(count.unique());
    count.add();
    EXPECT_FALSE(count.unique());
    EXPECT_FALSE(count.drop());
    EXPECT_TRUE(count.drop());
}

}  // namespace
}  // namespace reflow
