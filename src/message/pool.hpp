// Memory for the small messages of one document: pieces of slabs, so that not each of them costs an
// allocation. A slab is freed when its last message is, so it is small: a message that is kept from
// a large document keeps its neighbours' memory, but never more than one slab.
// Neighbours: the readers of `codec`. Thread: one; the messages may go to any.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <new>
#include <string_view>
#include <type_traits>

#include "base/assert.hpp"
#include "base/limits.hpp"
#include "base/result.hpp"
#include "base/spare.hpp"
#include "message/heap.hpp"

namespace reflow {

// Copies at most 32 bytes, and touches no others. For short texts this is cheaper than a call.
inline void copy_short(char* to, const char* from, std::size_t size) noexcept {
    auto ends = [&]<std::size_t half>(std::integral_constant<std::size_t, half>) {
        // The first and the last bytes, which may overlap.
        char front[half];
        char back[half];
        std::memcpy(front, from, half);
        std::memcpy(back, from + size - half, half);
        std::memcpy(to, front, half);
        std::memcpy(to + size - half, back, half);
    };
    if (size >= 16) return ends(std::integral_constant<std::size_t, 16>());
    if (size >= 8) return ends(std::integral_constant<std::size_t, 8>());
    if (size >= 4) return ends(std::integral_constant<std::size_t, 4>());
    for (std::size_t at = 0; at < size; ++at) to[at] = from[at];
}

class Pool {
public:
    static constexpr std::size_t slab_bytes = Spare::block_bytes;
    static constexpr std::size_t piece_bytes = 256;  // the largest that is put into a slab

    Pool() noexcept = default;
    ~Pool() { close(); }
    Pool(const Pool&) = delete;
    Pool& operator=(const Pool&) = delete;

    // Begins a new document, whose messages take about so many bytes.
    void begin(std::size_t expected) noexcept {
        close();
        whole_ = true;
        expected_ = expected;
    }
    // The document has got something that is not of this pool, or something of it has ended.
    void mix() noexcept { whole_ = false; }
    // The document is complete, and all that was made for it stands in this value; if it is a
    // container, and nobody takes a part of it, it will end in one step.
    void finish(reflow_message value) noexcept;

    // A T at the start of that many bytes.
    template <typename T>
    [[nodiscard]] T* make(std::size_t bytes) {
        if (bytes > piece_bytes) {
            T* block = new (allocate(heap::linked_bytes(bytes))) T;
            link(block, bytes);
            return block;
        }
        std::size_t rounded = (bytes + 7) & ~std::size_t{7};
        if (left_ < rounded) open(rounded);
        T* made = new (reinterpret_cast<char*>(slab_) + used_) T;
        made->offset = static_cast<std::uint16_t>(used_);
        used_ += static_cast<std::uint32_t>(rounded);
        left_ -= rounded;
        ++pieces_;
        return made;
    }

    // Takes a block of heap::linked_bytes() into the document.
    void link(heap::Head* block, std::size_t bytes) noexcept;

    // A string that is UTF-8 and at most 2^32-1 bytes.
    [[nodiscard]] reflow_message string(std::string_view data) {
        auto* text = make<heap::Text>(sizeof(heap::Text) + data.size() + 1);
        text->kind = REFLOW_KIND_STRING;
        text->size = static_cast<std::uint32_t>(data.size());
        char* letters = reinterpret_cast<char*>(text + 1);
        if (data.size() <= 32) {
            copy_short(letters, data.data(), data.size());
        } else {
            std::memcpy(letters, data.data(), data.size());
        }
        letters[data.size()] = '\0';
        return {REFLOW_KIND_STRING | heap::counted, reinterpret_cast<std::uint64_t>(text)};
    }

    // One more reference to what this pool made for a document that nobody else has seen yet.
    [[nodiscard]] static reflow_message share(reflow_message message) noexcept {
        reinterpret_cast<heap::Head*>(message.payload)->refs.add_unpublished();
        return message;
    }

private:
    // While a slab is filled it counts this many pieces, so that those which are made and ended
    // need no counting on this side.
    static constexpr std::uint32_t open_count = 1u << 30;

    void open(std::size_t least);
    void leave() noexcept;
    void close() noexcept;

    heap::Slab* slab_ = nullptr;    // the last one
    heap::Head* blocks_ = nullptr;  // the last one
    bool whole_ = true;
    std::size_t left_ = 0;
    std::uint32_t used_ = 0;
    std::uint32_t pieces_ = 0;
    std::size_t expected_ = slab_bytes;
    Spare spare_;
};

// Why a container was not made.
enum class Made : std::uint8_t { too_deep, too_many, duplicate };

[[nodiscard]] inline reflow_message counted_message(const heap::Head* head) noexcept {
    return {std::uint64_t{head->kind} | heap::counted, reinterpret_cast<std::uint64_t>(head)};
}

// Containers of what stands in a row, which is theirs then; NULL with a reason otherwise.
// An array of only integers or only floats becomes packed. Without a pool it is a block of its own.
[[nodiscard]] heap::Head* make_array(const reflow_message* elements, std::size_t count, Pool* pool,
                                     Made* made);
// A packed array whose numbers are still to be filled in, at `values`. It is a block of its own.
[[nodiscard]] heap::Head* make_numbers(std::uint8_t type, std::size_t count, char** values,
                                       Pool* pool);
// Keys and values in turn. A key that stands twice is `duplicate`, unless it is known that there is
// none (`distinct`).
[[nodiscard]] heap::Head* make_object(const reflow_message* pairs, std::size_t count, bool distinct,
                                      Pool* pool, Made* made);
// The keys of several objects, which are known to be distinct; the texts get a reference each.
[[nodiscard]] heap::Head* make_keys(const reflow_message* keys, std::size_t count, Pool& pool);
// An object with these keys, and as many values in a row; NULL if it were too deep.
[[nodiscard]] inline heap::Head* make_object(const reflow_message* values, heap::Head* keys,
                                             Pool& pool) {
    auto* shared = static_cast<heap::Keys*>(keys);
    std::size_t count = shared->count;
    std::uint32_t depth = 0;
    for (std::size_t i = 0; i < count; ++i) {
        if ((values[i].tag & heap::counted) == 0) continue;
        depth =
            std::max<std::uint32_t>(depth, reinterpret_cast<heap::Head*>(values[i].payload)->depth);
    }
    if (depth >= limits::depth_count) return nullptr;
    auto* object = pool.make<heap::Object>(heap::object_bytes(count, heap::shared_keys));
    object->kind = REFLOW_KIND_OBJECT;
    object->form = heap::shared_keys;
    object->depth = static_cast<std::uint16_t>(depth + 1);
    object->count = static_cast<std::uint32_t>(count);
    object->keys = shared->texts();
    for (std::size_t i = 0; i < count; ++i) object->values()[i] = values[i];
    shared->refs.add_unpublished();
    return object;
}
// Position of the first key that stood before, and of the one before; count if there is none.
struct Twice {
    std::size_t again;
    std::size_t first;
};
[[nodiscard]] Twice find_duplicate(const reflow_message* pairs, std::size_t count);
// Gives each key its last value in its first place; the new count. What is dropped is unreferenced.
[[nodiscard, gnu::cold]] std::size_t merge_duplicates(reflow_message* pairs, std::size_t count);
// What an error says about a container that was not made.
[[nodiscard, gnu::cold]] Failure container_failure(Made made, bool object);

}  // namespace reflow
