// A short array in two words, for what there are very many of.
// Neighbours: actors, mailboxes. Thread: guarded by its owner.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <utility>

#include "base/assert.hpp"
#include "base/memory.hpp"

namespace reflow {

// As a vector, but half as large, and its first elements may stand in memory of its owner. Moving T
// does not throw.
template <typename T>
class Row {
public:
    Row() noexcept = default;
    // So many, made anew, at a place that has room for them and lives as long; NULL: of its own.
    Row(void* place, std::size_t count)
        : first_(place == nullptr ? make(count) : static_cast<T*>(place)),
          capacity_(place == nullptr ? static_cast<std::uint32_t>(count) : 0) {
        for (; size_ < count; ++size_) new (static_cast<void*>(first_ + size_)) T();
    }
    Row(Row&& other) noexcept { swap(other); }
    Row& operator=(Row&&) = delete;
    ~Row() {
        std::destroy(begin(), end());
        Allocator<T>().deallocate(own(), capacity_);
    }
    void swap(Row& other) noexcept {
        std::swap(first_, other.first_);
        std::swap(size_, other.size_);
        std::swap(capacity_, other.capacity_);
    }

    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
    [[nodiscard]] T* data() noexcept { return first_; }
    [[nodiscard]] const T* data() const noexcept { return first_; }
    [[nodiscard]] T* begin() noexcept { return first_; }
    [[nodiscard]] T* end() noexcept { return first_ + size_; }
    [[nodiscard]] const T* begin() const noexcept { return first_; }
    [[nodiscard]] const T* end() const noexcept { return first_ + size_; }
    [[nodiscard]] T& operator[](std::size_t at) noexcept {
        REFLOW_ASSERT(at < size_);
        return first_[at];
    }
    [[nodiscard]] const T& operator[](std::size_t at) const noexcept {
        REFLOW_ASSERT(at < size_);
        return first_[at];
    }
    [[nodiscard]] T& front() noexcept { return (*this)[0]; }
    [[nodiscard]] const T& front() const noexcept { return (*this)[0]; }

    // Room for so many in all; throws std::bad_alloc, and then nothing has changed.
    void reserve(std::size_t count) {
        if (count <= std::max(capacity_, size_)) return;
        T* made = make(count);
        std::uninitialized_move(begin(), end(), made);
        std::destroy(begin(), end());
        Allocator<T>().deallocate(own(), capacity_);
        first_ = made;
        capacity_ = static_cast<std::uint32_t>(count);
    }
    void push_back(T&& value) {
        if (size_ >= capacity_) reserve(std::max<std::size_t>(std::size_t{size_} * 2, 1));
        new (static_cast<void*>(first_ + size_)) T(std::move(value));
        ++size_;
    }
    // The first elements of an empty row come to a place of its owner: announce() each, then say
    // where, then put() them; nothing else in between. place_at() returns what is behind them.
    void announce() noexcept { ++size_; }
    [[nodiscard]] T* place_at(T* place) noexcept {
        REFLOW_ASSERT(capacity_ == 0);
        first_ = place;
        return place + std::exchange(size_, 0);
    }
    void put(T&& value) noexcept {
        new (static_cast<void*>(first_ + size_)) T(std::move(value));
        ++size_;
    }
    // More of them, made anew.
    void grow(std::size_t count) {
        reserve(count);
        for (; size_ < count; ++size_) new (static_cast<void*>(first_ + size_)) T();
    }

private:
    // Throws std::bad_alloc for more than the row can count.
    static T* make(std::size_t count) {
        if (count == 0) return nullptr;
        return Allocator<T>().allocate(count > UINT32_MAX ? SIZE_MAX : count);
    }
    [[nodiscard]] T* own() const noexcept { return capacity_ == 0 ? nullptr : first_; }

    T* first_ = nullptr;
    std::uint32_t size_ = 0;
    std::uint32_t capacity_ = 0;  // 0: the place is another's, or there is none
};

}  // namespace reflow
