// Intrusive reference counts. The memory orders of counting are written here and nowhere else.
// Neighbours: every layer that shares objects. Thread: any.
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

#include "base/assert.hpp"
#include "base/memory.hpp"

namespace reflow {

// A count that starts at one.
class RefCount {
public:
    RefCount() noexcept = default;
    explicit RefCount(std::uint32_t count) noexcept : count_(count) {}
    // relaxed: whoever adds a reference already holds one, so nothing needs to be published.
    void add(std::uint32_t more = 1) noexcept {
        count_.fetch_add(more, std::memory_order_relaxed);
    }
    // The same while no other thread knows the object yet: no read-modify-write is needed.
    void add_unpublished() noexcept {
        count_.store(count_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    }
    // True for the last reference. release orders our uses before the drop, acquire on the last
    // drop orders all of them before the destruction.
    [[nodiscard]] bool drop() noexcept {
        if (count_.load(std::memory_order_acquire) == 1) return true;  // sole owner: nobody races
        return count_.fetch_sub(1, std::memory_order_acq_rel) == 1;
    }
    // Several references at once; true if they were the last ones.
    [[nodiscard]] bool drop(std::uint32_t count) noexcept {
        if (count_.load(std::memory_order_acquire) == count) return true;
        return count_.fetch_sub(count, std::memory_order_acq_rel) == count;
    }
    // Whether the caller holds all references (acquire, as for a drop of the last one).
    [[nodiscard]] bool holds_all(std::uint32_t count) const noexcept {
        return count_.load(std::memory_order_acquire) == count;
    }
    // Whether the caller's reference is the only one (acquire: see the others' last uses).
    [[nodiscard]] bool unique() const noexcept {
        return count_.load(std::memory_order_acquire) == 1;
    }

private:
    std::atomic<std::uint32_t> count_{1};
};

// Base of shared objects; Derived is destroyed as itself, so no virtual destructor is needed.
template <typename Derived>
class RefCounted : public Allocated {
public:
    void ref() noexcept { refs_.add(); }
    void unref() noexcept {
        if (refs_.drop()) delete static_cast<Derived*>(this);
    }
    [[nodiscard]] bool unique() const noexcept { return refs_.unique(); }

    // Whether there is another reference than the caller's.
    [[nodiscard]] bool shared() const noexcept { return !refs_.unique(); }

protected:
    RefCounted() = default;
    ~RefCounted() = default;
    RefCounted(const RefCounted&) = delete;
    RefCounted& operator=(const RefCounted&) = delete;

private:
    RefCount refs_;
};

// A counted pointer to a RefCounted object, or nothing.
template <typename T>
class Ref {
public:
    Ref() noexcept = default;
    Ref(std::nullptr_t) noexcept {}
    // Takes over the reference that the caller holds (such as the first one after new).
    [[nodiscard]] static Ref adopt(T* object) noexcept {
        Ref result;
        result.object_ = object;
        return result;
    }
    // Adds a reference.
    [[nodiscard]] static Ref share(T* object) noexcept {
        if (object != nullptr) object->ref();
        return adopt(object);
    }
    Ref(const Ref& other) noexcept : object_(other.object_) {
        if (object_ != nullptr) object_->ref();
    }
    Ref(Ref&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
    Ref& operator=(Ref other) noexcept {
        std::swap(object_, other.object_);
        return *this;
    }
    ~Ref() {
        if (object_ != nullptr) object_->unref();
    }
    T* get() const noexcept { return object_; }
    T& operator*() const noexcept { return *object_; }
    T* operator->() const noexcept { return object_; }
    explicit operator bool() const noexcept { return object_ != nullptr; }
    bool operator==(const Ref& other) const noexcept { return object_ == other.object_; }
    // Gives the reference to the caller.
    [[nodiscard]] T* leak() noexcept { return std::exchange(object_, nullptr); }

private:
    T* object_ = nullptr;
};

template <typename T, typename... Args>
[[nodiscard]] Ref<T> make_ref(Args&&... args) {
    return Ref<T>::adopt(new T(std::forward<Args>(args)...));
}

}  // namespace reflow
