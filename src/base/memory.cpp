// The allocator hook. malloc unless the host replaced it before the first allocation.
// Thread: any.
#include "base/memory.hpp"

#include <atomic>
#include <cstdlib>
#include <new>

namespace reflow {
namespace {

// 0 nothing allocated yet, 1 in use (malloc), 2 being set, 3 in use (hook).
// acquire on read pairs with the release store of 3, which publishes `hook`; a stale 0 or 1
// only means malloc, and set_allocator refuses to change 1.
constinit std::atomic<int> state{0};
constinit reflow_allocator hook{};

bool use_hook() noexcept {
    int now = state.load(std::memory_order_acquire);
    if (now == 1) return false;
    if (now == 3) return true;
    if (now == 0 && state.compare_exchange_strong(now, 1, std::memory_order_acq_rel)) return false;
    // Another thread sets the hook or took the first memory at this very moment.
    while (now == 2) now = state.load(std::memory_order_acquire);
    return now == 3;
}

}  // namespace

void* allocate(std::size_t size, std::size_t alignment) {
    void* memory = nullptr;
    if (size == 0) size = 1;
    if (use_hook()) {
        memory = hook.allocate(hook.user_data, size, alignment);
    } else if (alignment <= alignof(std::max_align_t)) {
        memory = std::malloc(size);
    } else {
        memory = std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
    }
    if (memory == nullptr) throw std::bad_alloc();
    return memory;
}

void release(void* memory, std::size_t size, std::size_t alignment) noexcept {
    if (memory == nullptr) return;
    if (size == 0) size = 1;
    if (use_hook()) {
        hook.release(hook.user_data, memory, size, alignment);
    } else {
        std::free(memory);
    }
}

bool hooked() noexcept { return use_hook(); }

bool set_allocator(const reflow_allocator& allocator) noexcept {
    int expected = 0;
    if (!state.compare_exchange_strong(expected, 2, std::memory_order_acq_rel)) return false;
    hook = allocator;
    state.store(3, std::memory_order_release);
    return true;
}

}  // namespace reflow
