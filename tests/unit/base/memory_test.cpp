#include "base/memory.hpp"

#include <gtest/gtest.h>

#include <cstdint>

#include "failing_memory.hpp"

namespace reflow {
namespace {

void* refuse(void*, std::size_t, std::size_t) { return nullptr; }
void ignore(void*, void*, std::size_t, std::size_t) {}

TEST(Memory, TheHookIsSetOnce) {
    reflow_allocator allocator{sizeof(reflow_allocator), 0, refuse, ignore, nullptr};
    EXPECT_FALSE(set_allocator(allocator));
    EXPECT_NO_THROW(release(allocate(1), 1));
}

TEST(Memory, EverythingGoesThroughTheHookAndComesBack) {
    testing::MemoryUse before = testing::memory_use();
    {
        Vector<int> vector(1000);
        String text(100, 'x');
        Map<String, int> map;
        map.emplace("a key that is longer than what a string holds in itself", 1);
        TextMap<int> hashed;
        hashed.emplace("b", 2);
        Deque<int> deque(10);
        EXPECT_GE(testing::memory_use().bytes, before.bytes + 4100);
        EXPECT_EQ(hashed.find(std::string_view("b"))->second, 2);
    }
    EXPECT_EQ(testing::memory_use(), before);
}

TEST(Memory, NothingIsAPlaceOfItsOwn) {
    void* a = allocate(0);
    void* b = allocate(0);
    EXPECT_NE(a, b);
    release(a, 0);
    release(b, 0);
    release(nullptr, 5);
}

struct alignas(32) Wide : Allocated {
    char data[32] = {};
};

TEST(Memory, AlignmentIsKept) {
    testing::MemoryUse before = testing::memory_use();
    Wide* wide = new Wide;
    EXPECT_EQ(testing::memory_use().blocks, before.blocks + 1);
    delete wide;
    EXPECT_EQ(testing::memory_use(), before);
}

TEST(Memory, FailureAndSizesThatCannotBe) {
    {
        testing::FailOnce fail(1);
        void* first = allocate(8);
        EXPECT_THROW((void)allocate(8), std::bad_alloc);
        EXPECT_TRUE(fail.failed());
        release(first, 8);
    }
    Allocator<std::uint64_t> allocator;
    EXPECT_THROW((void)allocator.allocate(SIZE_MAX / 4), std::bad_alloc);
}

}  // namespace
}  // namespace reflow
