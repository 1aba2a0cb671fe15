// The memory behind messages that are not scalars. Only this layer includes it.
// Thread: counted and immutable after construction, so any.
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "base/ref.hpp"
#include "base/spare.hpp"
#include "reflow.h"

namespace reflow::heap {

// tag word of a reflow_message: the kind in the low byte, this bit if payload is a Head*.
inline constexpr std::uint64_t counted = 0x100;

struct Head {
    RefCount refs;
    std::uint8_t kind = 0;     // reflow_kind
    std::uint8_t form = 0;     // arrays: reflow_number of a packed one, else 0; texts: TextForm
    std::uint16_t depth = 0;   // levels of containers, this one included; 0 for text
    std::uint16_t offset = 0;  // from the start of the slab it lies in; 0: it is a block itself
    std::uint16_t place = 0;   // in a document: Place
};
static_assert(sizeof(Head) == 12);

// linked: a block that a document has besides its slabs. Behind it stands a pointer: the one
// before. root: what holds all others of a document; if it is a block, its pointer leads to the
// last slab.
enum Place : std::uint16_t { linked = 1, root = 2 };

// What small messages of one document lie in (see pool.hpp). Counted are those that live, the pool
// that still fills it, and the root of the document.
struct Slab {
    RefCount refs;
    std::uint16_t bytes = 0;
    // Somebody has or had a reference to a piece of it that is none of the document's own. relaxed:
    // who adds one holds the document, or something in it that was marked before; so whoever drops
    // the last reference to the root sees the mark, as it sees the count.
    std::atomic<bool> touched{false};
    Slab* before = nullptr;  // of the document
    Head* blocks = nullptr;  // the last of its blocks; only known to the last slab
};

enum TextForm : std::uint8_t { near_text = 0, far_text = 1 };

// string, bytes, error, encoded. The text follows, and a NUL, unless it is a FarText.
struct Text : Head {
    std::uint32_t size = 0;
};
static_assert(sizeof(Text) == 16);

// A text that is lent, or longer than `size` of Text can tell; then it follows in the same block.
struct FarText : Text {
    std::size_t far_size = 0;
    const char* data = nullptr;
    reflow_release_fn release_lent = nullptr;  // of lent memory
    void* user_data = nullptr;
    bool lent = false;
};

// Packed numbers, in the same block (aligned to 16) or lent.
struct Numbers : Head {
    bool lent = false;
    std::size_t count = 0;
    const void* data = nullptr;
    reflow_release_fn release_lent = nullptr;
    void* user_data = nullptr;
};

struct Array : Head {
    std::uint32_t count = 0;
    reflow_message* elements() noexcept { return reinterpret_cast<reflow_message*>(this + 1); }
    const reflow_message* elements() const noexcept {
        return reinterpret_cast<const reflow_message*>(this + 1);
    }
};
static_assert(sizeof(Array) == 16);

// Up to this many keys are scanned; beyond, a table of positions follows the keys: open addressing,
// a power of two of slots, position + 1, 0 for empty.
inline constexpr std::uint32_t scanned = 8;
[[nodiscard]] inline std::size_t table_slots(std::size_t keys) noexcept {
    return keys <= scanned ? 0 : std::bit_ceil(keys + keys / 2 + 1);  // at most two thirds full
}
[[nodiscard]] inline std::size_t keys_bytes(std::size_t count) noexcept {
    return count * sizeof(Text*) + table_slots(count) * sizeof(std::uint32_t);
}

// Keys that several objects share; the texts and the table follow. Never seen as a message.
struct Keys : Head {
    std::uint32_t count = 0;
    Text** texts() noexcept { return reinterpret_cast<Text**>(this + 1); }
};
static_assert(sizeof(Keys) == 16);
inline constexpr std::uint8_t keys_kind = 0xFF;

enum ObjectForm : std::uint8_t { own_keys = 0, shared_keys = 1 };

// Values in the order of insertion. The keys follow them in the same block or are those of a Keys.
struct Object : Head {
    std::uint32_t count = 0;
    Text** keys = nullptr;
    reflow_message* values() noexcept { return reinterpret_cast<reflow_message*>(this + 1); }
    const reflow_message* values() const noexcept {
        return reinterpret_cast<const reflow_message*>(this + 1);
    }
    const std::uint32_t* table() const noexcept {
        return reinterpret_cast<const std::uint32_t*>(keys + count);
    }
    // Of an object whose form is shared_keys.
    Keys* shared() const noexcept { return reinterpret_cast<Keys*>(keys) - 1; }
};
static_assert(sizeof(Object) == 24);

[[nodiscard]] inline std::size_t object_bytes(std::size_t count, std::uint8_t form) noexcept {
    return sizeof(Object) + count * sizeof(reflow_message) +
           (form == own_keys ? keys_bytes(count) : 0);
}

// event, any, optional (type is NULL), network event (type is its type).
struct Wrap : Head {
    Text* type = nullptr;
    reflow_message content{};
};

// What a stream handle leads to. Each message that leads there counts as one claim, which ends with
// it: drop_claim() is called on whatever thread, and may end the object.
class StreamClaim {
public:
    virtual void drop_claim() noexcept = 0;

protected:
    ~StreamClaim() = default;
};

struct Stream : Head {
    bool has_size_hint = false;
    std::uint64_t stream_id = 0;
    std::uint64_t size_hint = 0;
    Text* origin_actor = nullptr;
    Text* origin_port = nullptr;
    Text* content_type = nullptr;  // may be NULL
    StreamClaim* claim = nullptr;  // NULL: it only tells its fields
};

struct Remote : Head {
    Text* network_id = nullptr;
    Text* actor_id = nullptr;
    Text* port = nullptr;
};

[[nodiscard]] inline std::string_view view(const Text* text) noexcept {
    if (text == nullptr) return {};
    if (text->form == near_text) return {reinterpret_cast<const char*>(text + 1), text->size};
    auto* far = static_cast<const FarText*>(text);
    return {far->data, far->far_size};
}

[[nodiscard]] inline bool is_text(reflow_kind kind) noexcept {
    return kind == REFLOW_KIND_STRING || kind == REFLOW_KIND_BYTES || kind == REFLOW_KIND_ERROR ||
           kind == REFLOW_KIND_ENCODED;
}

// Hash of a key for tables of positions: all of its bytes, eight at a time.
[[nodiscard]] inline std::uint64_t key_hash(std::string_view key) noexcept {
    constexpr std::uint64_t factor = 0x9E3779B97F4A7C15u;
    std::uint64_t hash = key.size() * factor;
    const char* at = key.data();
    std::size_t left = key.size();
    std::uint64_t word = 0;
    for (; left >= 8; left -= 8, at += 8) {
        std::memcpy(&word, at, 8);
        hash = (hash ^ word) * factor;
        hash ^= hash >> 32;
    }
    word = 0;
    if (left >= 4) {
        std::uint32_t halves[2];
        std::memcpy(halves, at, 4);
        std::memcpy(halves + 1, at + left - 4, 4);
        word = std::uint64_t{halves[0]} << 32 | halves[1];
    } else {
        for (; left > 0; --left) word = word << 8 | static_cast<unsigned char>(*at++);
    }
    hash = (hash ^ word) * factor;
    return hash ^ hash >> 32;
}

// Where packed numbers begin in their block, and how large one and all of them are.
inline constexpr std::size_t numbers_offset = (sizeof(Numbers) + 15) / 16 * 16;
[[nodiscard]] std::size_t number_size(reflow_number type) noexcept;  // 0: unknown type
[[nodiscard]] std::size_t numbers_block(std::uint8_t type, std::size_t count) noexcept;

// A linked block has this many bytes in all, and its pointer stands at their end.
[[nodiscard]] inline std::size_t linked_bytes(std::size_t bytes) noexcept {
    return (bytes + 15) / 8 * 8;
}

// So many more references.
void ref(Head* head, std::uint32_t more = 1) noexcept;

// The end of a slab that nothing lives in.
inline void end_slab(Slab* slab, Spare& spare) noexcept {
    std::size_t bytes = slab->bytes;
    bytes == Spare::block_bytes ? spare.give(slab) : release(slab, bytes);
}

// Makes a container the root of a document that ends with these; false if it is none.
[[nodiscard]] bool make_root(Head* head, Slab* slab, Head* blocks) noexcept;

// Ends what a document counts in its slabs, and those in which nothing lives. `whole`: in none of
// them.
void end_slabs(Slab* slab, bool whole, Spare& spare) noexcept;

// Drops one reference of a counted message; frees it without recursion if that was the last one.
void unref(Head* head) noexcept;

}  // namespace reflow::heap
