// A descriptor that a foreign event loop watches: the loop of the host polls it beside its own.
// Neighbours: schedulers ring it; implemented in io, handed in by capi. Thread: one at a time.
#pragma once

#include <cstdint>
#include <memory>

#include "base/memory.hpp"
#include "base/result.hpp"

namespace reflow {

class Doorbell : public Allocated {
public:
    virtual ~Doorbell() = default;
    // Readable from ring() to silence(), and from the time of the alarm until it is set anew.
    [[nodiscard]] virtual int descriptor() const noexcept = 0;
    // None of these waits, and none can fail once the descriptor is there.
    virtual void ring() noexcept = 0;
    virtual void silence() noexcept = 0;
    // By the steady clock; UINT64_MAX is never. Without timers of the system it does nothing, and
    // the host asks when the next one is due.
    virtual void alarm(std::uint64_t due_ns) noexcept = 0;
};

using MakeDoorbell = Result<std::unique_ptr<Doorbell>> (*)();

}  // namespace reflow
