// An actor as its streams see it: how they wake it, and how its waiting counts in the group.
// Neighbours: stream, actor, group. Thread: any, one lock for each actor that has had a stream.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>

#include "base/ref.hpp"

namespace reflow::runtime {

class Actor;
class Group;
class Scheduler;
struct StreamSide;

// What one end of a stream waits for.
enum class Wait : std::uint8_t {
    none,
    frame,         // whose writer is an actor of the same group: it does not count
    frame_coming,  // whose writer is not: the group is active until it comes
    room_stuck,    // that only actors of the same group can make: held, and stuck
    room           // that others can make: held
};

// It outlives the actor as long as a stream's end has it; from close() on nothing touches the
// actor.
class Tether : public RefCounted<Tether> {
public:
    explicit Tether(Actor& actor) noexcept;

    // An end begins to wait; in a callback of the actor. False if the group stops: then nobody will
    // be called.
    [[nodiscard]] bool arm(Wait wait) noexcept;
    // It does not wait any more. For wakes: the actor, kept by a count and a reference until
    // tell(); or NULL.
    [[nodiscard]] Actor* disarm(Wait wait, bool wakes) noexcept;
    // Without locks.
    static void tell(Actor* held, bool wakes) noexcept;
    // The group stops, or the actor ends.
    void close() noexcept;

    // An end is the actor's from now on, and is not any more; the lock of its stream may be held.
    void add(StreamSide& side) noexcept;
    void remove(StreamSide& side) noexcept;
    // Those that are left end, or those that write: behind the last call of the actor that may use them.
    void end_streams(bool all) noexcept;

    // So many frames and bytes more that wait for it to read them; both may be negative.
    void count(std::int64_t frames, std::int64_t bytes) noexcept {
        frames_.fetch_add(frames, std::memory_order_relaxed);
        bytes_.fetch_add(bytes, std::memory_order_relaxed);
    }
    // What has been counted. A moment's view: each by itself.
    void read_counts(std::uint64_t& ends, std::uint64_t& frames,
                     std::uint64_t& bytes) const noexcept {
        ends = static_cast<std::uint64_t>(ends_.load(std::memory_order_relaxed));
        frames = static_cast<std::uint64_t>(frames_.load(std::memory_order_relaxed));
        bytes = static_cast<std::uint64_t>(bytes_.load(std::memory_order_relaxed));
    }

    [[nodiscard]] bool same_group(const Tether& other) const noexcept {
        return group_ == other.group_;
    }
    // Whether the group has readers of the host; fixed before it begins.
    [[nodiscard]] bool read_by_host() const noexcept { return read_by_host_; }
    // Whether the calling thread is in a callback of the actor's runtime.
    [[nodiscard]] bool in_callback() const noexcept;
    // Whether anything goes on in its group.
    [[nodiscard]] bool busy() const noexcept;
    [[nodiscard]] bool waits_for_room() const noexcept {
        return rooms_.load(std::memory_order_relaxed) != 0;
    }

private:
    void unlink(StreamSide& side) noexcept;

    mutable std::mutex mutex_;   // guards all below; nothing else is taken under it
    Actor* actor_;               // alive until close()
    StreamSide* sides_ = nullptr;
    std::uint32_t comings_ = 0;  // ends that wait as frame_coming
    std::uint32_t stuck_ = 0;    // as room_stuck
    // Those and as room. relaxed: read for a stall, when nothing is active, which orders it.
    std::atomic<std::uint32_t> rooms_{0};
    // relaxed: for people. Each stream adds under its own lock, and takes no more than it has added.
    std::atomic<std::int64_t> ends_{0}, frames_{0}, bytes_{0};
    const void* const group_;           // only compared
    const Scheduler* const scheduler_;  // likewise
    const bool read_by_host_;
};

}  // namespace reflow::runtime
