// How a thread of the host waits: it sleeps, or runs turns meanwhile, as the scheduler says.
// Neighbours: group, stream, schedulers. Thread: of the host, outside of callbacks.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>

#include "reflow.h"

namespace reflow::runtime {

class Scheduler;

// When a wait that begins now ends; UINT64_MAX: never.
[[nodiscard]] std::uint64_t deadline_of(const Scheduler& scheduler,
                                        std::int64_t timeout_ms) noexcept;

// Waits until done() or the deadline; both functions are called under the lock, which is left while
// it sleeps or runs turns. Whoever makes done() true does so under that lock, and then notifies
// `changed` and interrupts the scheduler. outside(): another thread may still bring that about.
// REFLOW_OK, REFLOW_ERROR_TIMEOUT, or REFLOW_ERROR_WOULD_BLOCK if nothing is left that could
// (inline, hosted, simulated).
reflow_status host_wait(Scheduler& scheduler, std::unique_lock<std::mutex>& lock,
                        std::condition_variable& changed, std::uint64_t deadline_ns,
                        const std::function<bool()>& outside, const std::function<bool()>& done);

}  // namespace reflow::runtime
