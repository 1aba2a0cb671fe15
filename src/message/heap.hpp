// The memory behind messages that are not scalars. Only this layer includes it.
// Thread: counted and immutable after construction, so any.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/ref.hpp"
#include "reflow.h"

namespace reflow::heap {

// tag word of a reflow_message: the kind in the low byte, this bit if payload is a Head*.
inline constexpr std::uint64_t counted = 0x100;

struct Head {
    RefCount refs;
    std::uint8_t kind = 0;    // reflow_kind
    std::uint8_t packed = 0;  // arrays: reflow_number of a packed one, else 0
    std::uint16_t depth = 0;  // levels of containers, this one included; 0 for text
};

// string, bytes, error, encoded. The text follows in the same block, or is lent.
struct Text : Head {
    std::size_t size = 0;
    const char* data = nullptr;
    reflow_release_fn release_lent = nullptr;  // of lent memory
    void* user_data = nullptr;
    bool lent = false;
};

// Packed numbers, in the same block (aligned to 16) or lent.
struct Numbers : Head {
    std::size_t count = 0;
    const void* data = nullptr;
    reflow_release_fn release_lent = nullptr;
    void* user_data = nullptr;
    bool lent = false;
};

struct Array : Head {
    std::size_t count = 0;
    reflow_message* elements() noexcept { return reinterpret_cast<reflow_message*>(this + 1); }
    const reflow_message* elements() const noexcept {
        return reinterpret_cast<const reflow_message*>(this + 1);
    }
};

struct Entry {
    Text* key;
    reflow_message value;
};

// Entries in the order of insertion. Beyond `scanned` keys a table of positions follows them:
// open addressing, a power of two of slots, position + 1, 0 for empty.
struct Object : Head {
    std::uint32_t count = 0;
    std::uint32_t slots = 0;
    Entry* entries() noexcept { return reinterpret_cast<Entry*>(this + 1); }
    const Entry* entries() const noexcept { return reinterpret_cast<const Entry*>(this + 1); }
    std::uint32_t* table() noexcept { return reinterpret_cast<std::uint32_t*>(entries() + count); }
    const std::uint32_t* table() const noexcept {
        return reinterpret_cast<const std::uint32_t*>(entries() + count);
    }
};
inline constexpr std::uint32_t scanned = 8;

// event, any, optional (type is NULL), network event (type is its type).
struct Wrap : Head {
    Text* type = nullptr;
    reflow_message content{};
};

struct Stream : Head {
    std::uint64_t stream_id = 0;
    std::uint64_t size_hint = 0;
    bool has_size_hint = false;
    Text* origin_actor = nullptr;
    Text* origin_port = nullptr;
    Text* content_type = nullptr;  // may be NULL
};

struct Remote : Head {
    Text* network_id = nullptr;
    Text* actor_id = nullptr;
    Text* port = nullptr;
};

// Where packed numbers begin in their block, and how large one and all of them are.
inline constexpr std::size_t numbers_offset = (sizeof(Numbers) + 15) / 16 * 16;
[[nodiscard]] std::size_t number_size(reflow_number type) noexcept;  // 0: unknown type
[[nodiscard]] std::size_t numbers_block(std::uint8_t type, std::size_t count) noexcept;

// Drops one reference of a counted message; frees without recursion.
void unref(Head* head) noexcept;

}  // namespace reflow::heap
