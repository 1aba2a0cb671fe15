// Time behind an interface, so that the simulated scheduler has its own.
// Neighbours: runtime. Thread: any.
#pragma once

#include <cstdint>

#include "base/memory.hpp"

namespace reflow {

class Clock : public Allocated {
public:
    virtual ~Clock() = default;
    // Nanoseconds from an arbitrary start; never goes back.
    [[nodiscard]] virtual std::uint64_t now_ns() const noexcept = 0;
    // Milliseconds since 1970 UTC.
    [[nodiscard]] virtual std::int64_t wall_ms() const noexcept = 0;
};

// The clock of the machine.
class SystemClock final : public Clock {
public:
    [[nodiscard]] std::uint64_t now_ns() const noexcept override;
    [[nodiscard]] std::int64_t wall_ms() const noexcept override;
};

}  // namespace reflow
