// Memory of the whole library: one allocator hook, and the containers that use it.
// Neighbours: everything. Thread: any; the hook is set once before the first allocation.
#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "reflow.h"

namespace reflow {

// Memory with the given alignment; throws std::bad_alloc if there is none.
[[nodiscard]] void* allocate(std::size_t size, std::size_t alignment = alignof(std::max_align_t));
// Ends what allocate returned for the same size and alignment; NULL is allowed.
void release(void* memory, std::size_t size,
             std::size_t alignment = alignof(std::max_align_t)) noexcept;

// Installs the hook of the host; false if memory was allocated before.
[[nodiscard]] bool set_allocator(const reflow_allocator& allocator) noexcept;
// Whether memory comes from a hook of the host, which then is to see all that ends.
[[nodiscard]] bool hooked() noexcept;

// The standard containers' door to the hook.
template <typename T>
struct Allocator {
    using value_type = T;
    Allocator() noexcept = default;
    template <typename U>
    Allocator(const Allocator<U>&) noexcept {}
    [[nodiscard]] T* allocate(std::size_t count) {
        if (count > SIZE_MAX / sizeof(T)) throw std::bad_alloc();
        return static_cast<T*>(reflow::allocate(count * sizeof(T), alignof(T)));
    }
    void deallocate(T* memory, std::size_t count) noexcept {
        reflow::release(memory, count * sizeof(T), alignof(T));
    }
    template <typename U>
    bool operator==(const Allocator<U>&) const noexcept {
        return true;
    }
};

using String = std::basic_string<char, std::char_traits<char>, Allocator<char>>;
template <typename T>
using Vector = std::vector<T, Allocator<T>>;
template <typename T>
using Deque = std::deque<T, Allocator<T>>;
template <typename K, typename V, typename Less = std::less<>>
using Map = std::map<K, V, Less, Allocator<std::pair<const K, V>>>;

// Hash and equality that look up String keys by std::string_view without a copy.
struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept {
        return std::hash<std::string_view>{}(text);
    }
};
struct TextEqual {
    using is_transparent = void;
    bool operator()(std::string_view a, std::string_view b) const noexcept { return a == b; }
};
template <typename K, typename V, typename Hash = std::hash<K>, typename Equal = std::equal_to<K>>
using HashMap = std::unordered_map<K, V, Hash, Equal, Allocator<std::pair<const K, V>>>;
template <typename V>
using TextMap = HashMap<String, V, TextHash, TextEqual>;

// Base of classes that are made with new: their memory comes from the hook.
struct Allocated {
    static void* operator new(std::size_t size) { return reflow::allocate(size); }
    static void* operator new(std::size_t size, std::align_val_t alignment) {
        return reflow::allocate(size, static_cast<std::size_t>(alignment));
    }
    static void* operator new(std::size_t, void* place) noexcept { return place; }
    static void operator delete(void* memory, std::size_t size) noexcept {
        reflow::release(memory, size);
    }
    static void operator delete(void* memory, std::size_t size,
                                std::align_val_t alignment) noexcept {
        reflow::release(memory, size, static_cast<std::size_t>(alignment));
    }
};

}  // namespace reflow

// Instantiated once, in string.cpp: every file of the library uses it.
extern template class std::basic_string<char, std::char_traits<char>, reflow::Allocator<char>>;
