// Blocks of one size for what documents are made of. While there is a runtime, those that end are kept
// for the next documents, up to a limit: an allocator gives the end of its heap back to the system, and
// gets it again page by page, which takes longer than to read what is put there. With the last runtime
// they end too, since the library may be unloaded then.
// Neighbours: message/pool.hpp, message/heap.cpp, the writers of codec; runtimes of network. Thread: one
// for each Spare; blocks may go from any thread to any other.
#pragma once

#include <cstddef>

namespace reflow {

// Takes blocks from those that are kept, and gives blocks back to them, some at a time.
class Spare {
public:
    static constexpr std::size_t block_bytes = 4096;

    Spare() noexcept = default;
    ~Spare() {
        if (first_ != nullptr) keep();
    }
    Spare(const Spare&) = delete;
    Spare& operator=(const Spare&) = delete;

    // Memory of block_bytes; throws std::bad_alloc if there is none.
    [[nodiscard]] void* take() {
        if (first_ == nullptr) return fetch();
        Block* block = first_;
        first_ = block->next;
        --count_;
        return block;
    }
    // Ends what take() returned, of this or another one.
    void give(void* memory) noexcept {
        auto* block = static_cast<Block*>(memory);
        block->next = first_;
        first_ = block;
        if (++count_ == batch_count) keep();
    }

private:
    struct Block {
        Block* next;
    };
    friend class Kept;
    static constexpr std::size_t batch_count = 16;

    [[nodiscard]] void* fetch();
    void keep() noexcept;

    Block* first_ = nullptr;
    std::size_t count_ = 0;
};

// Blocks are kept as long as there is one of these. Thread: any.
class SpareHold {
public:
    SpareHold() noexcept;
    ~SpareHold();
    SpareHold(const SpareHold&) = delete;
    SpareHold& operator=(const SpareHold&) = delete;
};

}  // namespace reflow
