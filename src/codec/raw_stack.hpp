// A stack of plain values that are copied as bytes. Room is made first, and may fail; what is done
// in the room cannot. Neighbours: the JSON reader. Thread: one.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <type_traits>

#include "base/memory.hpp"

namespace reflow::codec {

template <typename T>
class RawStack {
public:
    static_assert(std::is_trivially_copyable_v<T>);

    RawStack() noexcept = default;
    ~RawStack() { release(first_, capacity() * sizeof(T)); }
    RawStack(const RawStack&) = delete;
    RawStack& operator=(const RawStack&) = delete;

    void room(std::size_t count) {
        if (static_cast<std::size_t>(limit_ - top_) < count) grow(count);
    }
    // After room().
    void push(T value) noexcept { *top_++ = value; }
    void append(const T* values, std::size_t count) {
        room(count);
        if (count != 0) std::memcpy(top_, values, count * sizeof(T));
        top_ += count;
    }
    void cut(std::size_t size) noexcept { top_ = first_ + size; }
    [[nodiscard]] T* data() noexcept { return first_; }
    [[nodiscard]] T* top() noexcept { return top_; }
    [[nodiscard]] T* limit() noexcept { return limit_; }
    [[nodiscard]] std::size_t size() const noexcept {
        return static_cast<std::size_t>(top_ - first_);
    }

private:
    [[nodiscard]] std::size_t capacity() const noexcept {
        return static_cast<std::size_t>(limit_ - first_);
    }
    [[gnu::noinline]] void grow(std::size_t count) {
        std::size_t used = size();
        std::size_t larger = std::max(used + count, 2 * capacity() + 32);
        T* memory = static_cast<T*>(allocate(larger * sizeof(T)));
        if (used != 0) std::memcpy(memory, first_, used * sizeof(T));
        release(first_, capacity() * sizeof(T));
        first_ = memory;
        top_ = memory + used;
        limit_ = memory + larger;
    }

    T* first_ = nullptr;
    T* top_ = nullptr;
    T* limit_ = nullptr;
};

}  // namespace reflow::codec
