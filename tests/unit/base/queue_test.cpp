#include "base/queue.hpp"

#include <gtest/gtest.h>

#include <deque>

#include "failing_memory.hpp"
#include "random.hpp"

namespace reflow {
namespace {

TEST(Queue, BehavesAsADequeDoes) {
    testing::MemoryUse before = testing::memory_use();
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        testing::Random random(seed);
        Queue<int> queue;
        std::deque<int> model;
        for (int step = 0; step < 2000; ++step) {
            switch (random.below(8)) {
                case 0:
                case 1:
                case 2:
                    queue.push(step);
                    model.push_back(step);
                    break;
                case 3:
                    if (model.empty()) break;
                    ASSERT_EQ(queue.pop(), model.front());
                    model.pop_front();
                    if (random.one_in(2)) {
                        queue.unpop(-step);
                        model.push_front(-step);
                    }
                    break;
                case 4:
                    if (!model.empty()) {
                        std::size_t index = random.below(model.size());
                        ASSERT_EQ(queue.remove(index), model[index]);
                        model.erase(model.begin() + static_cast<std::ptrdiff_t>(index));
                    }
                    break;
                case 5: {
                    Queue<int> other;
                    for (std::uint64_t i = random.below(9); i > 0; --i) {
                        other.push(step + 100'000);
                        model.push_back(step + 100'000);
                    }
                    queue.reserve(other.size());
                    std::size_t first = random.below(other.size() + 1);
                    queue.move_from(other, first);
                    queue.move_from(other, other.size());
                    ASSERT_TRUE(other.empty());
                    if (random.one_in(2)) {
                        queue.swap(other);
                        queue.swap(other);
                    }
                    break;
                }
                case 6: {
                    std::size_t count = random.below(model.size() + 1);
                    queue.skip(count);
                    model.erase(model.begin(), model.begin() + static_cast<std::ptrdiff_t>(count));
                    queue.shrink(random.below(64));
                    break;
                }
                default: {
                    std::size_t more = random.below(20);
                    queue.reserve(more);
                    ASSERT_GE(queue.space(), more);
                    break;
                }
            }
            ASSERT_EQ(queue.size(), model.size());
            for (std::size_t i = 0; i < model.size(); ++i) ASSERT_EQ(queue[i], model[i]);
        }
        Queue<int> moved(std::move(queue));
        EXPECT_EQ(moved.size(), model.size());
        EXPECT_TRUE(queue.empty());  // NOLINT: what is left of a queue that was moved is empty
    }
    EXPECT_EQ(testing::memory_use(), before);
}

TEST(Queue, AFailedReserveChangesNothing) {
    Queue<int> queue;
    for (int i = 0; i < 4; ++i) queue.push(i);
    {
        testing::FailOnce fail(0);
        EXPECT_THROW(queue.push(4), std::bad_alloc);
    }
    ASSERT_EQ(queue.size(), 4u);
    queue.push(4);
    for (int i = 0; i < 5; ++i) EXPECT_EQ(queue.pop(), i);
}

}  // namespace
}  // namespace reflow
