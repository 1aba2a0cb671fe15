// The clock of the machine: the only place that asks for the time.
// Thread: any.
#include "base/clock.hpp"

#include <chrono>

namespace reflow {

std::uint64_t SystemClock::now_ns() const noexcept {
    auto now = std::chrono::steady_clock::now().time_since_epoch();
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::nanoseconds>(now).count());
}

std::int64_t SystemClock::wall_ms() const noexcept {
    auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

}  // namespace reflow
