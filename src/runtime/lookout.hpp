// Where a worker of a pool waits that has nothing to do (base/lookout.hpp).
// Neighbours: worker_pool implements it, capi hands the place in. Thread: one at a time.
#pragma once

#include "base/lookout.hpp"
#include "runtime/scheduler.hpp"

namespace reflow::runtime {

// That of a scheduler of mode own; NULL: there is none yet.
[[nodiscard]] Lookout* lookout_of(const Scheduler& own) noexcept;
// Once; it is kept as long as the scheduler lives.
void look_out(Scheduler& own, Ref<Lookout> place) noexcept;

}  // namespace reflow::runtime
