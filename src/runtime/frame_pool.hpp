// Frame pools: slots of memory for large frames that come again and again, and tickets for them.
// Neighbours: capi, network (a runtime owns its pools). Thread: any; the lock of a pool is held for
// a few instructions, never while bytes are copied.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string_view>

#include "base/memory.hpp"
#include "base/process.hpp"
#include "base/ref.hpp"
#include "base/result.hpp"
#include "message/message.hpp"

namespace reflow::runtime {

// Bytes of all pools of a runtime. Pools may outlive it.
class PoolBytes : public RefCounted<PoolBytes> {
public:
    PoolBytes(std::uint64_t most_of, process::Life life_of) noexcept
        : most(most_of), life(life_of) {}
    std::atomic<std::uint64_t> taken{0};  // relaxed: only the number matters
    const std::uint64_t most;
    const process::Life life;  // of the process of the runtime
};

// A ticket is the number of a write and, below it, the slot. Each write has a number of its own, so
// a slot that was written again does not answer to an older one.
class FramePool : public RefCounted<FramePool> {
public:
    FramePool(Ref<PoolBytes> bytes, std::uint32_t slots, std::uint64_t frame_size);
    ~FramePool();

    reflow_status write(std::string_view data, std::int64_t& ticket);
    reflow_status begin(void*& data, std::int64_t& ticket);
    reflow_status commit(std::int64_t ticket, std::uint64_t size) noexcept;
    reflow_status abandon(std::int64_t ticket) noexcept;
    reflow_status read(std::int64_t ticket, Message& to);
    reflow_status latest(std::int64_t& ticket, Message& to);
    // See Runtime::forked().
    [[nodiscard]] bool forked() const noexcept { return !process::is_here(bytes_->life); }
    [[nodiscard]] reflow_frame_pool_info info() const noexcept;
    [[nodiscard]] std::uint32_t slots() const noexcept {
        return static_cast<std::uint32_t>(slots_.size());
    }
    [[nodiscard]] std::uint64_t frame_size() const noexcept { return frame_size_; }

private:
    enum class State : std::uint8_t { empty, writing, readable };
    struct Slot {
        FramePool* pool = nullptr;
        char* data = nullptr;  // taken with the first write
        std::uint64_t size = 0;
        std::uint64_t number = 0;  // of the write; 0: none yet
        std::uint32_t held = 0;    // messages that look into it
        State state = State::empty;
    };
    static constexpr unsigned slot_bits = 16;

    // With the lock. NULL if all are held.
    [[nodiscard]] Slot* claim() noexcept;
    // The slot of a ticket, or NULL with the reason.
    [[nodiscard]] Slot* find(std::int64_t ticket, State wanted, reflow_status& why) noexcept;
    [[nodiscard]] std::int64_t ticket_of(const Slot& slot) const noexcept;
    // A message of a slot that is held for it.
    reflow_status lend(Slot& slot, std::uint64_t size, Message& to);
    void let_go(Slot& slot) noexcept;

    const Ref<PoolBytes> bytes_;
    const std::uint64_t frame_size_;
    mutable std::mutex mutex_;  // guards all below; nothing else is taken under it
    Vector<Slot> slots_;        // their number is fixed
    std::size_t next_ = 0;      // where the search for a slot begins
    std::uint64_t begun_ = 0;   // writes so far
    std::uint64_t written_ = 0;
};

// Those of a runtime, by name.
class FramePools {
public:
    FramePools(std::uint64_t most_bytes, process::Life life)
        : bytes_(make_ref<PoolBytes>(most_bytes, life)) {}
    // slots 0 and frame_size 0: only looks for it.
    Result<Ref<FramePool>> open(std::string_view name, std::uint32_t slots,
                                std::uint64_t frame_size);
    Result<void> remove(std::string_view name);

private:
    const Ref<PoolBytes> bytes_;
    std::mutex mutex_;  // guards pools_; nothing else is taken under it
    TextMap<Ref<FramePool>> pools_;
};

}  // namespace reflow::runtime
