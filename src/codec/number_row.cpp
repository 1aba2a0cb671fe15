// See number_row.hpp.
// Thread: one.
#include "codec/number_row.hpp"

#include <cstring>
#include <new>

#include "base/limits.hpp"
#include "message/pool.hpp"

namespace reflow::codec {

bool NumberRow::take(const reflow_message* numbers, std::size_t count) {
    std::uint64_t tag = empty() ? numbers[0].tag : tag_;
    if (tag != REFLOW_KIND_INTEGER && tag != REFLOW_KIND_FLOAT) return false;
    if (count > limits::elements_count - count_) return false;  // as an array it will be refused
    for (std::size_t i = 0; i < count; ++i) {
        if (numbers[i].tag != tag) return false;
    }
    tag_ = tag;
    for (std::size_t i = 0; i < count; ++i) {
        if (count_ % block_count == 0) {
            auto* block = new (spare_.take()) Block;
            block->next = nullptr;
            (last_ == nullptr ? first_ : last_->next) = block;
            last_ = block;
        }
        last_->payloads[count_++ % block_count] = numbers[i].payload;
    }
    return true;
}

const heap::Head* NumberRow::make(Pool* pool) {
    char* to = nullptr;
    const heap::Head* made = make_numbers(
        tag_ == REFLOW_KIND_INTEGER ? REFLOW_NUMBER_I64 : REFLOW_NUMBER_F64, count_, &to, pool);
    each([&](const std::uint64_t* payloads, std::size_t count) {
        std::memcpy(to, payloads, count * sizeof *payloads);
        to += count * sizeof *payloads;
    });
    clear();
    return made;
}

void NumberRow::put_back(RawStack<reflow_message>& values, std::size_t base) {
    values.room(count_);
    std::size_t behind = values.size() - base;
    reflow_message* at = values.data() + base;
    if (behind != 0) std::memmove(at + count_, at, behind * sizeof *at);
    values.cut(values.size() + count_);
    each([&](const std::uint64_t* payloads, std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) *at++ = {tag_, payloads[i]};
    });
    clear();
}

void NumberRow::clear() noexcept {
    while (first_ != nullptr) {
        Block* block = first_;
        first_ = block->next;
        spare_.give(block);
    }
    last_ = nullptr;
    count_ = 0;
}

}  // namespace reflow::codec
