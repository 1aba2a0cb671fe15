// A queue in one block that grows on demand; empty it owns no memory.
// Neighbours: mailboxes, events. Thread: guarded by its owner.
#pragma once

#include <bit>
#include <cstddef>
#include <type_traits>
#include <utility>

#include "base/assert.hpp"
#include "base/memory.hpp"

namespace reflow {

// T is trivially copyable; whoever drops elements with resources in them cleans up first.
template <typename T>
class Ring {
    static_assert(std::is_trivially_copyable_v<T>);

public:
    Ring() noexcept = default;
    Ring(Ring&& other) noexcept
        : slots_(std::exchange(other.slots_, nullptr)),
          capacity_(std::exchange(other.capacity_, 0)),
          head_(std::exchange(other.head_, 0)),
          size_(std::exchange(other.size_, 0)) {}
    Ring& operator=(Ring&&) = delete;
    ~Ring() { release(slots_, capacity_ * sizeof(T), alignof(T)); }

    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
    [[nodiscard]] T& operator[](std::size_t index) noexcept {
        REFLOW_ASSERT(index < size_);
        return slots_[(head_ + index) & (capacity_ - 1)];
    }
    [[nodiscard]] const T& operator[](std::size_t index) const noexcept {
        REFLOW_ASSERT(index < size_);
        return slots_[(head_ + index) & (capacity_ - 1)];
    }
    [[nodiscard]] T& front() noexcept { return (*this)[0]; }
    [[nodiscard]] T& back() noexcept { return (*this)[size_ - 1]; }

    // Makes room for so many more; throws std::bad_alloc and then nothing has changed.
    void reserve(std::size_t more) {
        if (size_ + more <= capacity_) return;
        std::size_t capacity = std::bit_ceil(size_ + more < 4 ? std::size_t{4} : size_ + more);
        T* slots = static_cast<T*>(allocate(capacity * sizeof(T), alignof(T)));
        for (std::size_t i = 0; i < size_; ++i) slots[i] = (*this)[i];
        release(slots_, capacity_ * sizeof(T), alignof(T));
        slots_ = slots;
        capacity_ = capacity;
        head_ = 0;
    }
    void push(const T& value) {
        reserve(1);
        ++size_;
        back() = value;
    }
    T pop() noexcept {
        T value = front();
        head_ = (head_ + 1) & (capacity_ - 1);
        --size_;
        return value;
    }
    // Puts back what pop() has just given; its slot is still there.
    void unpop(const T& value) noexcept {
        REFLOW_ASSERT(size_ < capacity_);
        head_ = (head_ + capacity_ - 1) & (capacity_ - 1);
        ++size_;
        front() = value;
    }
    // Takes the element out of the middle; the order of the others stays.
    T remove(std::size_t index) noexcept {
        T value = (*this)[index];
        for (std::size_t i = index; i > 0; --i) (*this)[i] = (*this)[i - 1];
        (void)pop();
        return value;
    }

private:
    T* slots_ = nullptr;
    std::size_t capacity_ = 0;
    std::size_t head_ = 0;
    std::size_t size_ = 0;
};

}  // namespace reflow
