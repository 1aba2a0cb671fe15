// Memory for actors that are made together, and for their connections: a block instead of two pieces
// of memory for each actor, which saves time and a twentieth of the memory.
// Neighbours: actor (gives it back), network/build (fills it). Thread: one that fills it, then any.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <new>

#include "base/memory.hpp"
#include "base/ref.hpp"

namespace reflow::runtime {

// Lives until all that was taken has gone. What has gone before leaves a gap: so blocks are small
// beside a large network, and whatever is made later has memory of its own.
class ActorBlock {
public:
    static constexpr std::size_t most_bytes = std::size_t{4} << 20;
    // Two threads that change neighbours in one line of the cache hinder each other.
    static constexpr std::size_t line_bytes = 64;

    // With the first reference.
    [[nodiscard]] static ActorBlock* make(std::size_t bytes) {
        std::size_t all = bytes + line_bytes;
        return new (reflow::allocate(all, line_bytes)) ActorBlock(all);
    }
    ActorBlock(const ActorBlock&) = delete;
    ActorBlock& operator=(const ActorBlock&) = delete;

    // NULL if there is no room. In front of the place there are eight bytes, for owner().
    [[nodiscard]] void* take(std::size_t bytes, std::size_t alignment) noexcept {
        std::size_t at = (used_ + sizeof(ActorBlock*) + alignment - 1) / alignment * alignment;
        if (at > size_ || bytes > size_ - at) return nullptr;
        used_ = at + bytes;
        void* place = reinterpret_cast<char*>(this) + at;
        owner(place) = this;
        return place;
    }
    [[nodiscard]] static ActorBlock*& owner(void* place) noexcept {
        return static_cast<ActorBlock**>(place)[-1];
    }

    Ref<ActorBlock> connections;  // of its actors

    void ref() noexcept { refs_.add(); }
    void unref() noexcept {
        if (!refs_.drop()) return;
        std::size_t bytes = size_;
        this->~ActorBlock();
        reflow::release(this, bytes, line_bytes);
    }

private:
    explicit ActorBlock(std::size_t size) noexcept : size_(size) {}
    ~ActorBlock() = default;

    RefCount refs_;
    std::size_t size_;
    std::size_t used_ = sizeof(ActorBlock);
};
static_assert(sizeof(ActorBlock) + sizeof(ActorBlock*) <= ActorBlock::line_bytes);

}  // namespace reflow::runtime
