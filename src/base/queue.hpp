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

// Contiguous, so that a callback gets what waits without a copy, and two queues can be swapped
// instead of emptying one into the other. T is trivially copyable; whoever drops elements with
// resources in them cleans up first.
template <typename T>
class Queue {
    static_assert(std::is_trivially_copyable_v<T>);

public:
    Queue() noexcept = default;
    Queue(Queue&& other) noexcept { swap(other); }
    Queue& operator=(Queue&&) = delete;
    ~Queue() { release(slots_, capacity_ * sizeof(T), alignof(T)); }
    void swap(Queue& other) noexcept {
        std::swap(slots_, other.slots_);
        std::swap(capacity_, other.capacity_);
        std::swap(begin_, other.begin_);
        std::swap(end_, other.end_);
    }
    // Gives all it has to one that is empty, for the memory of that.
    void give_to(Queue& other) noexcept {
        REFLOW_ASSERT(other.empty());
        std::swap(slots_, other.slots_);
        std::swap(capacity_, other.capacity_);
        other.begin_ = std::exchange(begin_, 0);
        other.end_ = std::exchange(end_, 0);
    }

    [[nodiscard]] std::size_t size() const noexcept { return end_ - begin_; }
    [[nodiscard]] bool empty() const noexcept { return begin_ == end_; }
    // How many more push_unchecked() may put in.
    [[nodiscard]] std::size_t space() const noexcept { return capacity_ - end_; }
    [[nodiscard]] T* data() noexcept { return slots_ + begin_; }
    [[nodiscard]] T& operator[](std::size_t index) noexcept {
        REFLOW_ASSERT(index < size());
        return slots_[begin_ + index];
    }
    [[nodiscard]] const T& operator[](std::size_t index) const noexcept {
        REFLOW_ASSERT(index < size());
        return slots_[begin_ + index];
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
        REFLOW_ASSERT(end_ < capacity_);
        slots_[end_++] = value;
    }
    // The same in two steps: the places of the next ones, of which there are space(), to be filled
    // in; and that so many have been.
    [[nodiscard]] T* push_places() noexcept { return slots_ + end_; }
    void pushed(std::size_t count) noexcept {
        REFLOW_ASSERT(count <= space());
        end_ += static_cast<std::uint32_t>(count);
    }
    // Puts in the first `count` of another queue, for which there is room, and takes them there.
    void move_from(Queue& other, std::size_t count) noexcept {
        REFLOW_ASSERT(count <= space() && count <= other.size());
        if (count == 0) return;
        std::memcpy(slots_ + end_, other.data(), count * sizeof(T));
        end_ += static_cast<std::uint32_t>(count);
        other.skip(count);
    }
    T pop() noexcept {
        T value = front();
        skip(1);
        return value;
    }
    // Takes out the first `count`.
    void skip(std::size_t count) noexcept {
        REFLOW_ASSERT(count <= size());
        begin_ += static_cast<std::uint32_t>(count);
        if (begin_ == end_) begin_ = end_ = 0;
    }
    // Puts back what pop() has just given; its slot is still there.
    void unpop(const T& value) noexcept {
        if (begin_ == 0) {
            REFLOW_ASSERT(end_ == 0 && capacity_ != 0);
            end_ = 1;
        } else {
            --begin_;
        }
        front() = value;
    }
    T pop_back() noexcept {
        T value = (*this)[size() - 1];
        --end_;
        if (begin_ == end_) begin_ = end_ = 0;
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
        if (begin_ == 0) return;
        std::memmove(slots_, slots_ + begin_, size() * sizeof(T));
        end_ -= begin_;
        begin_ = 0;
    }
    // Gives the memory of an empty queue back if it is more than this.
    void shrink(std::size_t most) noexcept {
        if (!empty() || capacity_ <= most) return;
        release(slots_, capacity_ * sizeof(T), alignof(T));
        slots_ = nullptr;
        capacity_ = 0;
    }
    // Of one that rests: what a burst has needed goes, and what most turns need stays.
    void rest() noexcept { shrink(128); }

private:
    // Moves all to the front if half of the block is free there, so that each element is moved
    // once at most while another takes its place; else into a larger block.
    void make_room(std::size_t more) {
        std::size_t all = size() + more;
        if (all <= capacity_ && begin_ >= capacity_ / 2) return compact();
        std::size_t least = all <= capacity_ ? std::size_t{capacity_} * 2 : all;
        std::size_t capacity = std::bit_ceil(std::max<std::size_t>(least, 4));
        T* slots = Allocator<T>().allocate(capacity > UINT32_MAX ? SIZE_MAX : capacity);
        if (!empty()) std::memcpy(slots, slots_ + begin_, size() * sizeof(T));
        release(slots_, capacity_ * sizeof(T), alignof(T));
        slots_ = slots;
        capacity_ = static_cast<std::uint32_t>(capacity);
        end_ -= begin_;
        begin_ = 0;
    }

    T* slots_ = nullptr;
    std::uint32_t capacity_ = 0;
    std::uint32_t begin_ = 0;
    std::uint32_t end_ = 0;
};

}  // namespace reflow
