// Some actors, mostly one or none: those that wait for room at a port, or are let go there.
// Neighbours: mailbox. Thread: guarded by its owner.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <utility>

#include "base/memory.hpp"

namespace reflow::runtime {

class Actor;

// One has its place here, so that a port with one sender needs no memory for it.
class ActorList {
public:
    ActorList() noexcept = default;
    ActorList(ActorList&& other) noexcept { swap(other); }
    ActorList& operator=(ActorList&&) = delete;
    ~ActorList() {
        if (capacity_ > 1) Allocator<Actor*>().deallocate(many_, capacity_);
    }
    void swap(ActorList& other) noexcept {
        std::swap(many_, other.many_);
        std::swap(size_, other.size_);
        std::swap(capacity_, other.capacity_);
    }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
    [[nodiscard]] Actor* const* begin() const noexcept { return capacity_ > 1 ? many_ : &one_; }
    [[nodiscard]] Actor* const* end() const noexcept { return begin() + size_; }
    [[nodiscard]] Actor* operator[](std::size_t at) const noexcept { return begin()[at]; }
    // Room for so many in all; throws std::bad_alloc, and then nothing has changed.
    void reserve(std::size_t count) {
        if (count <= capacity_) return;
        Actor** made = Allocator<Actor*>().allocate(count > UINT32_MAX ? SIZE_MAX : count);
        std::copy(begin(), end(), made);
        if (capacity_ > 1) Allocator<Actor*>().deallocate(many_, capacity_);
        many_ = made;
        capacity_ = static_cast<std::uint32_t>(count);
    }
    // There is room.
    void push_back(Actor* actor) noexcept { place()[size_++] = actor; }
    void append(const ActorList& more) noexcept {
        std::copy(more.begin(), more.end(), place() + size_);
        size_ += more.size_;
    }
    void clear() noexcept { size_ = 0; }
    void drop_first(std::size_t count) noexcept {
        std::copy(begin() + count, end(), place());
        size_ -= static_cast<std::uint32_t>(count);
    }
    // False if it is not there; the order of the others stays.
    bool erase(const Actor* actor) noexcept {
        Actor** last = std::remove(place(), place() + size_, actor);
        bool found = last != place() + size_;
        size_ = static_cast<std::uint32_t>(last - place());
        return found;
    }

private:
    [[nodiscard]] Actor** place() noexcept { return capacity_ > 1 ? many_ : &one_; }

    union {
        Actor* one_ = nullptr;
        Actor** many_;
    };
    std::uint32_t size_ = 0;
    std::uint32_t capacity_ = 1;
};

}  // namespace reflow::runtime
