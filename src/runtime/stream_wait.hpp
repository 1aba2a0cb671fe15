// How the two sides of a stream wait: a callback asks to be called again, a thread of the host
// sleeps. Neighbours: stream, stream_ends. Thread: that of the side.
#pragma once

#include "runtime/host_wait.hpp"
#include "runtime/scheduler.hpp"
#include "runtime/stream.hpp"

namespace reflow::runtime {

// kind: what the actor waits for, if it is one. other: whose doing ends it. REFLOW_OK: done() holds
// now.
template <typename Done, typename Kind>
reflow_status Stream::wait(Lock& lock, StreamSide& side, const StreamSide* other, const Keep& keep,
                           Patience& patience, Kind kind, Done done) {
    Scheduler& scheduler = keep.scheduler();
    bool inside = current_scheduler() == &scheduler;
    if (side.tether && inside) {
        if (side.wait == Wait::none) {
            Wait how = kind();
            if (side.tether->arm(how)) side.wait = how;
        }
        return REFLOW_ERROR_WOULD_BLOCK;
    }
    if (patience.none()) {
        side.armed = static_cast<bool>(side.watcher);
        return REFLOW_ERROR_WOULD_BLOCK;
    }
    if (inside) return REFLOW_ERROR_WOULD_DEADLOCK;
    std::uint64_t deadline = patience.deadline(scheduler);
    side.host = &scheduler;
    // What the other side has to do is done by another thread of the host or, if that is an actor,
    // as long as something goes on where it lives.
    reflow_status status = host_wait(
        scheduler, lock, changed_, deadline,
        [&] { return other != nullptr && (!other->tether || other->tether->busy()); },
        [&] { return done(); });
    side.host = nullptr;
    return status;
}

}  // namespace reflow::runtime
