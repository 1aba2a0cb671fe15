// Arrays and objects: how they are made, and the builders that collect for them.
// Neighbours: message.cpp; the JSON reader calls the makers of pool.hpp itself. Thread: any.
#include <algorithm>
#include <cstring>
#include <new>

#include "base/limits.hpp"
#include "message/message.hpp"
#include "message/pool.hpp"

namespace reflow {

// ---- pool

void Pool::open(std::size_t least) {
    // The first slab of a small document is not larger than the document needs.
    std::size_t bytes = std::clamp(expected_, least + sizeof(heap::Slab), slab_bytes);
    expected_ = 2 * bytes;
    void* memory = bytes == slab_bytes ? spare_.take() : allocate(bytes);
    leave();
    slab_ =
        new (memory) heap::Slab{RefCount(open_count), static_cast<std::uint16_t>(bytes), {}, slab_};
    used_ = sizeof(heap::Slab);
    left_ = bytes - used_;
    pieces_ = 0;
}

// The last slab gets no more pieces: it counts those that live, and one for the document.
void Pool::leave() noexcept {
    if (slab_ == nullptr) return;
    bool ended = slab_->refs.drop(open_count - 1 - pieces_);
    REFLOW_ASSERT(!ended);
    (void)ended;
}

void Pool::close() noexcept {
    leave();
    heap::end_slabs(slab_, false, spare_);
    slab_ = nullptr;
    blocks_ = nullptr;
    left_ = 0;
}

void Pool::link(heap::Head* block, std::size_t bytes) noexcept {
    block->place = heap::linked;
    std::memcpy(reinterpret_cast<char*>(block) + heap::linked_bytes(bytes) - sizeof blocks_,
                &blocks_, sizeof blocks_);
    blocks_ = block;
}

void Pool::finish(reflow_message value) noexcept {
    bool held = whole_ && slab_ != nullptr && (value.tag & heap::counted) != 0 &&
                heap::make_root(reinterpret_cast<heap::Head*>(value.payload), slab_, blocks_);
    if (held) {
        leave();
        slab_ = nullptr;
    }
    close();
}

// ---- makers

using heap::Array;
using heap::Head;
using heap::Keys;
using heap::Numbers;
using heap::Object;
using heap::Text;
using heap::view;

namespace {

const Head* head_of(reflow_message message) noexcept {
    return reinterpret_cast<const Head*>(message.payload);
}

std::uint32_t depth_of(reflow_message message) noexcept {
    return (message.tag & heap::counted) != 0 ? head_of(message)->depth : 0;
}

Text* key_of(reflow_message message) noexcept { return reinterpret_cast<Text*>(message.payload); }

// Keys of one document are mostly the same text.
bool same_key(const Text* a, const Text* b) noexcept { return a == b || view(a) == view(b); }

template <typename T>
T* make(std::size_t bytes, Pool* pool) {
    if (pool != nullptr) return pool->make<T>(bytes);
    return new (allocate(bytes)) T;
}

// The payloads of integers and floats are what a packed array of them holds.
Head* pack(std::uint8_t type, const reflow_message* elements, std::size_t count, Pool* pool) {
    char* values = nullptr;
    Head* numbers = make_numbers(type, count, &values, pool);
    for (std::size_t i = 0; i < count; ++i) {
        std::memcpy(values + i * sizeof(std::uint64_t), &elements[i].payload,
                    sizeof(std::uint64_t));
    }
    return numbers;
}

Head* refuse(Made why, Made* made) noexcept {
    *made = why;
    return nullptr;
}

// Positions of keys by their hash while they are compared: position + 1, 0 for empty. The keys
// stand in a row with so many bytes for each.
class KeyTable {
public:
    KeyTable(std::uint32_t* slots, std::size_t count, const void* keys, std::size_t step) noexcept
        : slots_(slots), mask_(count - 1), keys_(static_cast<const char*>(keys)), step_(step) {
        std::memset(slots, 0, count * sizeof(std::uint32_t));
    }
    // Enters the key of a position; gives another position if the key stands there.
    std::size_t enter(std::size_t position) noexcept {
        const Text* key = at_position(position);
        std::size_t at = heap::key_hash(view(key)) & mask_;
        for (; slots_[at] != 0; at = (at + 1) & mask_) {
            if (same_key(at_position(slots_[at] - 1), key)) return slots_[at] - 1;
        }
        slots_[at] = static_cast<std::uint32_t>(position + 1);
        return position;
    }

private:
    [[nodiscard]] const Text* at_position(std::size_t position) const noexcept {
        const Text* key = nullptr;
        std::memcpy(&key, keys_ + position * step_, sizeof key);
        return key;
    }
    std::uint32_t* slots_;
    std::size_t mask_;
    const char* keys_;
    std::size_t step_;
};

// Where the keys of pairs stand.
const void* keys_of(const reflow_message* pairs) noexcept { return &pairs->payload; }
constexpr std::size_t pair_bytes = 2 * sizeof(reflow_message);

// Makes the table behind the keys, if there are so many; false if one stands twice.
bool enter_keys(Text** keys, std::size_t count) noexcept {
    std::size_t slots = heap::table_slots(count);
    if (slots == 0) return true;
    KeyTable table(reinterpret_cast<std::uint32_t*>(keys + count), slots, keys, sizeof(Text*));
    for (std::size_t i = 0; i < count; ++i) {
        if (table.enter(i) != i) return false;
    }
    return true;
}

}  // namespace

[[gnu::cold]] Failure container_failure(Made made, bool object) {
    if (made == Made::too_deep) {
        return Failure(REFLOW_ERROR_LIMIT,
                       concat("nested deeper than ", limits::depth_count, " levels"));
    }
    if (object) {
        return Failure(REFLOW_ERROR_LIMIT,
                       concat("object of more than ", limits::elements_count / 4, " keys"));
    }
    return Failure(REFLOW_ERROR_LIMIT,
                   concat("array of more than ", limits::elements_count, " elements"));
}

Head* make_numbers(std::uint8_t type, std::size_t count, char** values, Pool* pool) {
    std::size_t bytes = heap::numbers_block(type, count);
    void* memory = allocate(pool == nullptr ? bytes : heap::linked_bytes(bytes));
    auto* numbers = new (memory) Numbers;
    if (pool != nullptr) pool->link(numbers, bytes);
    numbers->kind = REFLOW_KIND_ARRAY;
    numbers->form = type;
    numbers->depth = 1;
    numbers->count = count;
    numbers->data = *values = static_cast<char*>(memory) + heap::numbers_offset;
    return numbers;
}

Head* make_array(const reflow_message* elements, std::size_t count, Pool* pool, Made* made) {
    if (count > limits::elements_count) return refuse(Made::too_many, made);
    std::uint64_t first = count == 0 ? 0 : elements[0].tag;
    if (first == REFLOW_KIND_INTEGER || first == REFLOW_KIND_FLOAT) {
        std::size_t same = 1;
        while (same < count && elements[same].tag == first) ++same;
        if (same == count) {
            return pack(first == REFLOW_KIND_INTEGER ? REFLOW_NUMBER_I64 : REFLOW_NUMBER_F64,
                        elements, count, pool);
        }
    }
    std::uint32_t depth = 0;
    for (std::size_t i = 0; i < count; ++i) depth = std::max(depth, depth_of(elements[i]));
    if (depth >= limits::depth_count) return refuse(Made::too_deep, made);
    auto* array = make<Array>(sizeof(Array) + count * sizeof(reflow_message), pool);
    array->kind = REFLOW_KIND_ARRAY;
    array->depth = static_cast<std::uint16_t>(depth + 1);
    array->count = static_cast<std::uint32_t>(count);
    if (count != 0) std::memcpy(array->elements(), elements, count * sizeof(reflow_message));
    return array;
}

Head* make_object(const reflow_message* pairs, std::size_t count, bool distinct, Pool* pool,
                  Made* made) {
    if (count > limits::elements_count / 4) return refuse(Made::too_many, made);
    std::uint32_t depth = 0;
    for (std::size_t i = 0; i < count; ++i) depth = std::max(depth, depth_of(pairs[2 * i + 1]));
    if (depth >= limits::depth_count) return refuse(Made::too_deep, made);
    std::size_t slots = heap::table_slots(count);
    if (!distinct && slots == 0 && find_duplicate(pairs, count).again != count) {
        return refuse(Made::duplicate, made);
    }
    std::size_t bytes = heap::object_bytes(count, heap::own_keys);
    auto* object = make<Object>(bytes, pool);
    object->kind = REFLOW_KIND_OBJECT;
    object->depth = static_cast<std::uint16_t>(depth + 1);
    object->count = static_cast<std::uint32_t>(count);
    reflow_message* values = object->values();
    object->keys = reinterpret_cast<Text**>(values + count);
    for (std::size_t i = 0; i < count; ++i) {
        values[i] = pairs[2 * i + 1];
        object->keys[i] = key_of(pairs[2 * i]);
    }
    if (!enter_keys(object->keys, count)) {
        if (pool != nullptr) pool->mix();  // it is still linked
        release(object, pool == nullptr ? bytes : heap::linked_bytes(bytes));
        return refuse(Made::duplicate, made);
    }
    return object;
}

Head* make_keys(const reflow_message* keys, std::size_t count, Pool& pool) {
    auto* made = pool.make<Keys>(sizeof(Keys) + heap::keys_bytes(count));
    made->kind = heap::keys_kind;
    made->count = static_cast<std::uint32_t>(count);
    for (std::size_t i = 0; i < count; ++i) made->texts()[i] = key_of(Pool::share(keys[i]));
    bool distinct = enter_keys(made->texts(), count);
    REFLOW_ASSERT(distinct);
    (void)distinct;
    return made;
}

Twice find_duplicate(const reflow_message* pairs, std::size_t count) {
    auto key_at = [&](std::size_t at) { return key_of(pairs[2 * at]); };
    if (count <= heap::scanned) {
        for (std::size_t i = 1; i < count; ++i) {
            for (std::size_t j = 0; j < i; ++j) {
                if (same_key(key_at(i), key_at(j))) return {i, j};
            }
        }
        return {count, count};
    }
    Vector<std::uint32_t> slots(heap::table_slots(count));
    KeyTable table(slots.data(), slots.size(), keys_of(pairs), pair_bytes);
    for (std::size_t i = 0; i < count; ++i) {
        std::size_t at = table.enter(i);
        if (at != i) return {i, at};
    }
    return {count, count};
}

[[gnu::cold]] std::size_t merge_duplicates(reflow_message* pairs, std::size_t count) {
    Vector<std::uint32_t> slots(std::bit_ceil(2 * count + 1));
    KeyTable table(slots.data(), slots.size(), keys_of(pairs), pair_bytes);
    std::size_t kept = 0;
    for (std::size_t i = 0; i < count; ++i) {
        pairs[2 * kept] = pairs[2 * i];
        std::swap(pairs[2 * kept + 1], pairs[2 * i + 1]);
        std::size_t at = table.enter(kept);
        if (at == kept) {
            ++kept;
            continue;
        }
        std::swap(pairs[2 * at + 1], pairs[2 * kept + 1]);
        Message dropped_key = Message::adopt(pairs[2 * kept]);
        Message dropped_value = Message::adopt(pairs[2 * kept + 1]);
    }
    return kept;
}

// ---- builders

Result<Message> ArrayBuilder::finish() {
    Made how{};
    auto* elements = reinterpret_cast<const reflow_message*>(elements_.data());
    const Head* made = make_array(elements, elements_.size(), nullptr, &how);
    if (made == nullptr) return container_failure(how, false);
    for (Message& element : elements_) (void)element.leak();
    elements_.clear();
    return Message::adopt(counted_message(made));
}

ObjectBuilder::ObjectBuilder(std::size_t expected) { entries_.reserve(expected); }
ObjectBuilder::~ObjectBuilder() = default;

std::size_t ObjectBuilder::find(std::string_view key) const noexcept {
    if (table_.empty()) {
        for (std::size_t i = 0; i < entries_.size(); ++i) {
            if (entries_[i].key.text() == key) return i;
        }
        return entries_.size();
    }
    std::size_t mask = table_.size() - 1;
    for (std::size_t at = heap::key_hash(key) & mask;; at = (at + 1) & mask) {
        if (table_[at] == 0) return entries_.size();
        if (entries_[table_[at] - 1].key.text() == key) return table_[at] - 1;
    }
}

bool ObjectBuilder::has(std::string_view key) const noexcept {
    return find(key) != entries_.size();
}

void ObjectBuilder::prepare_table() {
    std::size_t after = entries_.size() + 1;
    if (after <= heap::scanned || table_.size() >= heap::table_slots(after)) return;
    Vector<std::uint32_t> table(heap::table_slots(after) * 2, 0);
    table_.swap(table);
    for (std::uint32_t position = 1; position <= entries_.size(); ++position) {
        enter(position);
    }
}

void ObjectBuilder::enter(std::uint32_t position) noexcept {
    if (table_.empty()) return;
    std::size_t mask = table_.size() - 1;
    std::size_t at = heap::key_hash(entries_[position - 1].key.text()) & mask;
    while (table_[at] != 0) at = (at + 1) & mask;
    table_[at] = position;
}

void ObjectBuilder::add(Message key, Message value) {
    // Whatever can fail comes first, so that a failure leaves the builder as it was.
    prepare_table();
    entries_.push_back({std::move(key), std::move(value)});
    enter(static_cast<std::uint32_t>(entries_.size()));
}

void ObjectBuilder::set(std::string_view key, Message value) {
    std::size_t at = find(key);
    if (at != entries_.size()) {
        entries_[at].value = std::move(value);
    } else {
        add(Message::string(key), std::move(value));
    }
}

void ObjectBuilder::set(const Message& key, Message value) {
    std::size_t at = find(key.text());
    if (at != entries_.size()) {
        entries_[at].value = std::move(value);
    } else {
        add(key, std::move(value));
    }
}

Result<Message> ObjectBuilder::finish() {
    Made how{};
    auto* pairs = reinterpret_cast<const reflow_message*>(entries_.data());
    const Head* made = make_object(pairs, entries_.size(), true, nullptr, &how);
    if (made == nullptr) return container_failure(how, true);
    for (Pair& pair : entries_) {
        (void)pair.key.leak();
        (void)pair.value.leak();
    }
    entries_.clear();
    table_.clear();
    return Message::adopt(counted_message(made));
}

[[gnu::cold]] Result<Message> with_key(MessageRef object, std::string_view key, Message value) {
    ObjectBuilder builder(object.size() + 1);
    for (std::size_t i = 0; i < object.size(); ++i) {
        if (value.none() && object.key_at(i) == key) continue;
        builder.set(object.key_message_at(i).own(), object.at(i).own());
    }
    if (!value.none()) builder.set(key, std::move(value));
    return builder.finish();
}

}  // namespace reflow
