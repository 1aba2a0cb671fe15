#include "base/ring.hpp"

#include <gtest/gtest.h>

#include <deque>

#include "failing_memory.hpp"
#include "random.hpp"

namespace reflow {
namespace {

TEST(Ring, BehavesAsADequeDoes) {
    testing::MemoryUse before = testing::memory_use();
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        testing::Random random(seed);
        Ring<int> ring;
        std::deque<int> model;
        for (int step = 0; step < 2000; ++step) {
            switch (random.below(6)) {
                case 0:
                case 1:
                case 2:
                    ring.push(step);
                    model.push_back(step);
                    break;
                case 3:
                    if (model.empty()) break;
                    ASSERT_EQ(ring.pop(), model.front());
                    model.pop_front();
                    if (random.one_in(2)) {
                        ring.unpop(-step);
                        model.push_front(-step);
                    }
                    break;
                case 4:
                    if (!model.empty()) {
                        std::size_t index = random.below(model.size());
                        ASSERT_EQ(ring.remove(index), model[index]);
                        model.erase(model.begin() + static_cast<std::ptrdiff_t>(index));
                    }
                    break;
                default:
                    ring.reserve(random.below(20));
                    break;
            }
            ASSERT_EQ(ring.size(), model.size());
            for (std::size_t i = 0; i < model.size(); ++i) ASSERT_EQ(ring[i], model[i]);
        }
        Ring<int> moved(std::move(ring));
        EXPECT_EQ(moved.size(), model.size());
        EXPECT_TRUE(ring.empty());  // NOLINT: what is left of a ring that was moved is empty
    }
    EXPECT_EQ(testing::memory_use(), before);
}

TEST(Ring, AFailedReserveChangesNothing) {
    Ring<int> ring;
    for (int i = 0; i < 4; ++i) ring.push(i);
    {
        testing::FailOnce fail(0);
        EXPECT_THROW(ring.push(4), std::bad_alloc);
    }
    ASSERT_EQ(ring.size(), 4u);
    ring.push(4);
    for (int i = 0; i < 5; ++i) EXPECT_EQ(ring.pop(), i);
}

}  // namespace
}  // namespace reflow
