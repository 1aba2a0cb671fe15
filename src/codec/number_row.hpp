// A long row of numbers of one kind, of which it is not known yet how many they are and whether they
// are a whole array. They take half the memory of values, in blocks that are kept from document to
// document, and no copy when there are more of them.
// Neighbours: the JSON reader. Thread: one.
#pragma once

#include "base/spare.hpp"
#include "codec/raw_stack.hpp"
#include "message/message.hpp"

namespace reflow {
class Pool;
}

namespace reflow::codec {

class NumberRow {
public:
    // A row of fewer is not worth it.
    static constexpr std::size_t least_count = 256;

    NumberRow() noexcept = default;
    ~NumberRow() { clear(); }
    NumberRow(const NumberRow&) = delete;
    NumberRow& operator=(const NumberRow&) = delete;

    [[nodiscard]] bool empty() const noexcept { return count_ == 0; }
    // Takes numbers behind those that it has; false if not all are of one kind, and nothing is done.
    // They are at least one.
    [[nodiscard]] bool take(const reflow_message* numbers, std::size_t count);
    // The row as a packed array, of a document. Empties it.
    [[nodiscard]] const heap::Head* make(Pool* pool = nullptr);
    // Puts the numbers back: in front of the values from `base` on. Empties it.
    void put_back(RawStack<reflow_message>& values, std::size_t base);
    void clear() noexcept;

private:
    struct Block {
        Block* next;
        std::uint64_t payloads[(Spare::block_bytes - sizeof(void*)) / sizeof(std::uint64_t)];
    };
    static_assert(sizeof(Block) <= Spare::block_bytes);
    static constexpr std::size_t block_count = sizeof(Block::payloads) / sizeof(std::uint64_t);

    // Shows the payloads of each block.
    template <typename Show>
    void each(Show show) {
        std::size_t left = count_;
        for (Block* block = first_; block != nullptr; block = block->next) {
            std::size_t count = left < block_count ? left : block_count;
            show(block->payloads, count);
            left -= count;
        }
    }

    std::uint64_t tag_ = 0;
    std::size_t count_ = 0;
    Block* first_ = nullptr;
    Block* last_ = nullptr;
    Spare spare_;
};

}  // namespace reflow::codec
