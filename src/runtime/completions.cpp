// The table of completions. It belongs to the process, since a completion is a plain value that may
// come when its firing, its network and its runtime have ended: nothing of theirs could be asked
// then. Thread: any; the lock is held for a few instructions, and nothing else is taken under it.
#include "runtime/completions.hpp"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <mutex>

#include "base/limits.hpp"

namespace reflow::runtime::completions {
namespace {

// An id is the slot and, above it, a serial number that no two completions of the process share:
// 40 bits last for twelve days at a million a second, and then a stale id would have to meet the
// same slot.
constexpr std::uint32_t slot_bits = 24;
static_assert(limits::most_completions_count < std::uint64_t{1} << slot_bits);

struct Slot {
    std::uint64_t id;  // 0: free
    Deferred* firing;
    std::uint32_t next_free;
};
constexpr std::uint32_t none = UINT32_MAX;

constinit std::mutex table_mutex;  // guards all below
constinit Slot* table_slots = nullptr;
constinit std::uint32_t table_size = 0;
constinit std::uint32_t table_free = none;
constinit std::uint64_t last_serial = 0;
constinit std::size_t runtimes = 0;
// Of the process that uses the table. relaxed: who has a completion has it from a runtime of that life.
constinit std::atomic<process::Life> table_life{0};

void grow() {
    std::uint32_t size = std::max<std::uint32_t>(table_size * 2, 16);
    Slot* slots = Allocator<Slot>().allocate(size);
    if (table_size != 0) std::memcpy(slots, table_slots, table_size * sizeof(Slot));
    release(table_slots, table_size * sizeof(Slot), alignof(Slot));
    for (std::uint32_t i = size; i-- > table_size;) {
        slots[i] = {0, nullptr, table_free};
        table_free = i;
    }
    table_slots = slots;
    table_size = size;
}

// The slot of an id that is in use, or NULL.
Slot* slot_of(std::uint64_t id) noexcept {
    std::uint64_t slot = id & ((std::uint64_t{1} << slot_bits) - 1);
    if (id == 0 || slot >= table_size || table_slots[slot].id != id) return nullptr;
    return &table_slots[slot];
}

}  // namespace

std::uint64_t enter(Deferred& firing) {
    std::lock_guard lock(table_mutex);
    if (table_free == none) {
        if (table_size >= std::uint32_t{1} << slot_bits) return 0;
        grow();
    }
    std::uint32_t number = table_free;
    Slot& slot = table_slots[number];
    table_free = slot.next_free;
    firing.ref();
    slot.firing = &firing;
    slot.id = ++last_serial << slot_bits | number;
    return slot.id;
}

Ref<Deferred> leave(std::uint64_t id) noexcept {
    std::lock_guard lock(table_mutex);
    Slot* slot = slot_of(id);
    if (slot == nullptr) return nullptr;
    Ref<Deferred> firing = Ref<Deferred>::adopt(slot->firing);
    *slot = {0, nullptr, table_free};
    table_free = static_cast<std::uint32_t>(slot - table_slots);
    return firing;
}

reflow_status find(std::uint64_t id, Ref<Deferred>& to) noexcept {
    if (!process::is_here(table_life.load(std::memory_order_relaxed))) return REFLOW_ERROR_FORKED;
    std::lock_guard lock(table_mutex);
    if (Slot* slot = slot_of(id)) {
        to = Ref<Deferred>::share(slot->firing);
        return REFLOW_OK;
    }
    std::uint64_t serial = id >> slot_bits;
    return serial != 0 && serial <= last_serial ? REFLOW_ERROR_CLOSED : REFLOW_ERROR_NOT_FOUND;
}

void forget() noexcept {
    new (&table_mutex) std::mutex;
    table_slots = nullptr;
    table_size = 0;
    table_free = none;
    runtimes = 0;
}

void attach(process::Life life) noexcept {
    table_life.store(life, std::memory_order_relaxed);
    std::lock_guard lock(table_mutex);
    ++runtimes;
}

void detach() noexcept {
    std::lock_guard lock(table_mutex);
    if (--runtimes != 0) return;
    release(table_slots, table_size * sizeof(Slot), alignof(Slot));
    table_slots = nullptr;
    table_size = 0;
    table_free = none;
}

}  // namespace reflow::runtime::completions
