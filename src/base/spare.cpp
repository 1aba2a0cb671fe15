// The blocks that are kept, for all threads. See spare.hpp.
//
// A mutex guards them. Nobody waits for it: who finds it held, be it by a thread that a fork has not
// taken along, does as if nothing were kept. It is taken once for some dozen blocks.
// Thread: any.
#include "base/spare.hpp"

#include <atomic>
#include <cstdint>

#include "base/limits.hpp"
#include "base/memory.hpp"
#include "base/mutex.hpp"

namespace reflow {

class Kept {
public:
    // Some blocks for a Spare that has none.
    void take(Spare& to) noexcept {
        if (!mutex_.try_lock()) return;
        for (; first_ != nullptr && to.count_ < Spare::batch_count; ++to.count_, --count_) {
            move(first_, to.first_);
        }
        unlock();
    }
    // As many of a Spare's blocks as there is place for.
    void give(Spare& from) noexcept {
        // relaxed: unlock() looks again.
        if (holders_.load(std::memory_order_relaxed) == 0 || !mutex_.try_lock()) return;
        for (; from.first_ != nullptr && count_ < limits::spare_blocks_count; ++count_) {
            move(from.first_, first_);
        }
        unlock();
    }
    // relaxed: only the number matters.
    void hold() noexcept { holders_.fetch_add(1, std::memory_order_relaxed); }
    // With the last one the blocks end: here, or by who has the mutex, in unlock(). Both step the same
    // count, and one of them is first: if it is unlock(), its step is seen here with all before it
    // (acquire), so that the mutex is found free; if not, unlock() finds a count of zero.
    void drop() noexcept {
        if (holders_.fetch_sub(1, std::memory_order_acq_rel) != 1 || !mutex_.try_lock()) return;
        end_all();
        unlock();
    }

private:
    static void move(Spare::Block*& from, Spare::Block*& to) noexcept {
        Spare::Block* block = from;
        from = block->next;
        block->next = to;
        to = block;
    }
    void unlock() noexcept {
        for (;;) {
            mutex_.unlock();
            if (holders_.fetch_add(0, std::memory_order_acq_rel) != 0) return;
            // Who has it now has got it after us, so it sees what we have left, and ends it.
            if (!mutex_.try_lock()) return;
            if (first_ == nullptr) return mutex_.unlock();
            end_all();
        }
    }
    void end_all() noexcept {
        while (first_ != nullptr) {
            Spare::Block* block = first_;
            first_ = block->next;
            release(block, Spare::block_bytes);
        }
        count_ = 0;
    }

    std::atomic<std::uint32_t> holders_{0};
    Mutex mutex_;
    Spare::Block* first_ = nullptr;
    std::size_t count_ = 0;
};

namespace {

// Has no destructor, so that messages may end in those of the host.
constinit Kept kept;

}  // namespace

void* Spare::fetch() {
    if (limits::spare_blocks_count != 0 && !hooked()) kept.take(*this);
    if (first_ == nullptr) return allocate(block_bytes);
    return take();
}

void Spare::keep() noexcept {
    if (limits::spare_blocks_count != 0 && !hooked()) kept.give(*this);
    while (first_ != nullptr) {
        Block* block = first_;
        first_ = block->next;
        release(block, block_bytes);
    }
    count_ = 0;
}

SpareHold::SpareHold() noexcept { kept.hold(); }
SpareHold::~SpareHold() { kept.drop(); }

}  // namespace reflow
