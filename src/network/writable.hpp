// Hosts that are called when an inport that has refused a message takes some again.
// Neighbours: traffic (refuses), actor (takes). Thread: any.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>

#include "network/runtime.hpp"
#include "runtime/actor.hpp"

namespace reflow::network {

class Writables {
public:
    Writables() = default;
    ~Writables();
    // In place of what the same one has set for this inport; a callback of NULL ends that. who: NULL for
    // the host, else only compared. REFLOW_ERROR_LIMIT.
    Result<void> set(std::uint64_t inport, const void* who, reflow_writable_fn callback,
                     HostData data);
    // Somebody may want to know; relaxed, since who has set one sends behind it.
    [[nodiscard]] bool some() const noexcept { return count_.load(std::memory_order_relaxed) != 0; }
    // A message has been refused: the next room is told of. False if nobody wants to know. The
    // caller tries once more behind it, so that room which came in between is not missed. It stays armed if
    // that goes in after all: another sender may have been refused meanwhile.
    [[nodiscard]] bool arm(std::uint64_t inport, const runtime::Actor& actor,
                           std::uint32_t port) noexcept;
    // Calls those whose ports have room again. In a turn of the actor, without locks.
    void made_room(const runtime::Actor& actor) noexcept;
    // Calls all that are armed: a refusal would be another one now. On a thread of the host.
    void tell_all(runtime::Scheduler& scheduler) noexcept;

private:
    // One host or peer. What changes is guarded by mutex_; the callback runs without it.
    struct Watcher : RefCounted<Watcher> {
        std::uint64_t inport = 0;
        const void* who = nullptr;
        reflow_writable_fn callback = nullptr;
        HostData data;
        const runtime::Actor* actor = nullptr;  // that refused; only compared, it may be gone
        std::uint32_t port = 0;
        bool armed = false;
        bool calls = false;  // its callback runs
        bool again = false;  // and is to run once more
        bool gone = false;
    };
    template <typename Due>
    void tell(const runtime::Scheduler& scheduler, Due due) noexcept;

    std::mutex mutex_;  // nothing is called under it but room() of a mailbox, which has no lock
    // Places stay while a callback runs; one that has ended leaves its place to another.
    Vector<Ref<Watcher>> all_;
    std::atomic<std::uint32_t> count_{0};  // written under mutex_
};

}  // namespace reflow::network
