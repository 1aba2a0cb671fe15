// See host_wait.hpp.
// Thread: of the host.
#include "runtime/host_wait.hpp"

#include <chrono>

#include "runtime/scheduler.hpp"

namespace reflow::runtime {

std::uint64_t deadline_of(const Scheduler& scheduler, std::int64_t timeout_ms) noexcept {
    if (timeout_ms < 0 || timeout_ms > INT64_MAX / 2'000'000) return UINT64_MAX;
    return scheduler.clock().now_ns() + static_cast<std::uint64_t>(timeout_ms) * 1'000'000;
}

reflow_status host_wait(Scheduler& scheduler, std::unique_lock<std::mutex>& lock,
                        std::condition_variable& changed, std::uint64_t deadline_ns,
                        const std::function<bool()>& outside, const std::function<bool()>& done) {
    if (!scheduler.runs_while_waiting()) {
        if (deadline_ns == UINT64_MAX) {
            changed.wait(lock, done);
            return REFLOW_OK;
        }
        std::chrono::steady_clock::time_point until{std::chrono::nanoseconds(deadline_ns)};
        return changed.wait_until(lock, until, done) ? REFLOW_OK : REFLOW_ERROR_TIMEOUT;
    }
    for (;;) {
        // What happens from here on interrupts the sleep.
        std::uint64_t interrupts = scheduler.interrupts();
        bool others = outside();
        lock.unlock();
        Scheduler::Ran ran = scheduler.run({.turns = scheduler.threaded() ? UINT64_MAX : 1,
                                            .sleep = true,
                                            .deadline_ns = deadline_ns,
                                            .interrupts = interrupts,
                                            .outside = others});
        lock.lock();
        if (done()) return REFLOW_OK;
        // Logical time may stand still while another thread is inside a callback.
        bool late = ran.busy && !scheduler.threaded() && scheduler.interrupts() == interrupts;
        if (late || scheduler.clock().now_ns() >= deadline_ns) return REFLOW_ERROR_TIMEOUT;
        if (ran.turns == 0 && !ran.pending) return REFLOW_ERROR_WOULD_BLOCK;
    }
}

}  // namespace reflow::runtime
