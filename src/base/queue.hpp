// A queue in one contiguous block that grows on demand; empty and unused it owns no memory.
// Neighbours: mailboxes, actors. Thread: guarded by its owner.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>

#include "base/assert.hpp"
#include "base/memory.hpp"

namespace reflow {

// What stands in front of the places of a queue. An empty one begins and ends at 0.
struct QueueBlock {
    std::uint32_t capacity;
    std::uint32_t begin;
    std::uint32_t end;
};
// That of all queues without memory. It is constant, so that all processors keep it in their
// caches, and whoever wrote to it would fault.
alignas(std::max_align_t) inline constexpr QueueBlock no_queue_block{0, 0, 0};

// Contiguous, so that a callback gets what waits without a copy, and two queues can be swapped
// instead of emptying one into the other. It is one pointer, since there are very many empty ones:
// to a block that has its sizes in front, or, for one without memory, to one without places that
// all share. T is trivially copyable; whoever drops elements with resources in them cleans up
// first.
template <typename T>
class Queue {
    static_assert(std::is_trivially_copyable_v<T>);

public:
    Queue() noexcept = default;
    Queue(Queue&& other) noexcept { swap(other); }
    Queue& operator=(Queue&&) = delete;
    ~Queue() { release(block_); }
    void swap(Queue& other) noexcept { std::swap(block_, other.block_); }
    // Gives all it has to one that is empty, for the memory of that.
    void give_to(Queue& other) noexcept {
        REFLOW_ASSERT(other.empty());
        swap(other);
    }

    [[nodiscard]] std::size_t size() const noexcept { return block_->end - block_->begin; }
    [[nodiscard]] bool empty() const noexcept { return block_->begin == block_->end; }
    // How many more push_unchecked() may put in.
    [[nodiscard]] std::size_t space() const noexcept { return block_->capacity - block_->end; }
    [[nodiscard]] T* data() noexcept { return slots() + block_->begin; }
    [[nodiscard]] T& operator[](std::size_t index) noexcept {
        REFLOW_ASSERT(index < size());
        return data()[index];
    }
    [[nodiscard]] const T& operator[](std::size_t index) const noexcept {
        REFLOW_ASSERT(index < size());
        return slots()[block_->begin + index];
    }
    [[nodiscard]] T& front() noexcept { return (*this)[0]; }

    // Makes room for so many more; throws std::bad_alloc and then nothing has changed.
    void reserve(std::size_t more) {
        if (more > space()) make_room(more);
    }
    void push(const T& value) {
        reserve(1);
        push_unchecked(value);
    }
    void push_unchecked(const T& value) noexcept {
        REFLOW_ASSERT(block_->end < block_->capacity);
        slots()[block_->end++] = value;
    }
    // The same in two steps: the places of the next ones, of which there are space(), to be filled
    // in; and that so many have been, one at least.
    [[nodiscard]] T* push_places() noexcept { return slots() + block_->end; }
    void pushed(std::size_t count) noexcept {
        REFLOW_ASSERT(count != 0 && count <= space());
        block_->end += static_cast<std::uint32_t>(count);
    }
    // Puts in the first `count` of another queue, for which there is room, and takes them there.
    void move_from(Queue& other, std::size_t count) noexcept {
        REFLOW_ASSERT(count <= space() && count <= other.size());
        if (count == 0) return;
        std::memcpy(push_places(), other.data(), count * sizeof(T));
        pushed(count);
        other.skip(count);
    }
    T pop() noexcept {
        T value = front();
        (void)skip_first();
        return value;
    }
    // Takes out the first, which is there; whether there are more.
    bool skip_first() noexcept {
        REFLOW_ASSERT(!empty());
        if (++block_->begin != block_->end) return true;
        block_->begin = block_->end = 0;
        return false;
    }
    // The same of what is not the last.
    void step() noexcept {
        REFLOW_ASSERT(size() > 1);
        ++block_->begin;
    }
    // Takes out the first `count`.
    void skip(std::size_t count) noexcept {
        REFLOW_ASSERT(count <= size());
        std::uint32_t begin = block_->begin + static_cast<std::uint32_t>(count);
        if (begin != block_->end) {
            block_->begin = begin;
        } else if (begin != 0) {
            block_->begin = block_->end = 0;
        }
    }
    // Puts back what pop() has just given; its slot is still there.
    void unpop(const T& value) noexcept {
        if (block_->begin == 0) {
            REFLOW_ASSERT(block_->end == 0 && block_->capacity != 0);
            block_->end = 1;
        } else {
            --block_->begin;
        }
        front() = value;
    }
    T pop_back() noexcept {
        T value = (*this)[size() - 1];
        --block_->end;
        if (block_->begin == block_->end) block_->begin = block_->end = 0;
        return value;
    }
    // Takes the element out of the middle; the order of the others stays.
    T remove(std::size_t index) noexcept {
        T value = (*this)[index];
        for (std::size_t i = index; i > 0; --i) (*this)[i] = (*this)[i - 1];
        skip(1);
        return value;
    }
    // Moves all to the front of the block, so that what was taken out leaves space.
    void compact() noexcept {
        if (block_->begin == 0) return;
        std::memmove(slots(), data(), size() * sizeof(T));
        block_->end -= block_->begin;
        block_->begin = 0;
    }
    // Gives the memory of an empty queue back if it is more than this.
    void shrink(std::size_t most) noexcept {
        if (!empty() || block_->capacity <= most) return;
        release(std::exchange(block_, none()));
    }
    // Of one that rests: what a burst has needed goes, and what most turns need stays.
    void rest() noexcept { shrink(128); }

private:
    using Block = QueueBlock;
    static constexpr std::size_t alignment = std::max(alignof(Block), alignof(T));
    static constexpr std::size_t front_bytes =
        (sizeof(Block) + alignof(T) - 1) / alignof(T) * alignof(T);
    static constexpr std::size_t most_places =
        std::min<std::size_t>(UINT32_MAX, (SIZE_MAX - front_bytes) / sizeof(T));
    static_assert(alignof(T) <= alignof(std::max_align_t));

    [[nodiscard]] static Block* none() noexcept { return const_cast<Block*>(&no_queue_block); }

    [[nodiscard]] T* slots() const noexcept {
        return reinterpret_cast<T*>(reinterpret_cast<char*>(block_) + front_bytes);
    }
    // By the capacity: a second library in the process may have a block without places of its own.
    static void release(Block* block) noexcept {
        if (block->capacity == 0) return;
        reflow::release(block, front_bytes + block->capacity * sizeof(T), alignment);
    }

    // Moves all to the front if half of the block is free there, so that each element is moved
    // once at most while another takes its place; else into a larger block.
    void make_room(std::size_t more) {
        std::size_t all = size() + more;
        std::size_t before = block_->capacity;
        if (all <= before && block_->begin >= before / 2) return compact();
        std::size_t least = all <= before ? before * 2 : all;
        std::size_t capacity = std::bit_ceil(std::max<std::size_t>(least, 4));
        // Throws for more than can be counted.
        std::size_t bytes =
            capacity > most_places ? SIZE_MAX : front_bytes + capacity * sizeof(T);
        auto* made = static_cast<Block*>(reflow::allocate(bytes, alignment));
        auto count = static_cast<std::uint32_t>(size());
        *made = {static_cast<std::uint32_t>(capacity), 0, count};
        // memmove, since in a file that is compiled for size memcpy would go byte by byte.
        if (count != 0) {
            std::memmove(reinterpret_cast<char*>(made) + front_bytes, data(), count * sizeof(T));
        }
        release(std::exchange(block_, made));
    }

    Block* block_ = none();
};

}  // namespace reflow
