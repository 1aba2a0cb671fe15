// A place in which a thread that has nothing to do waits for what comes from outside, and does what
// follows itself. Neighbours: schedulers wait there; implemented in io, handed in by capi, so that
// libraries without links have nothing of it.
// Thread: as each line says.
#pragma once

#include <cstdint>

#include "base/event_count.hpp"
#include "base/ref.hpp"

namespace reflow {

class Lookout : public RefCounted<Lookout> {
public:
    // Who waits, and may have the place. Written by its own thread.
    struct Waiter {
        // It is up. Called by the place, or by itself if it has slept.
        void (*rise)(Waiter& self) noexcept;
        bool seated = false;  // it has the place
        bool serves = false;  // it has risen there, and does what has come
        // How long it has waited, which rise() tells: who never has to is better off elsewhere.
        std::uint64_t rested_ns = 0;
    };
    virtual ~Lookout() = default;
    // Waits there instead of at `sleep`, with whose ticket and for as long as it would sleep. rise()
    // is called once, on this thread, before anything is done. Nothing that is done there waits for
    // turns, or calls a host that may. False: it has to sleep, as somebody else has the place, or it
    // waits for less than the place has steps.
    [[nodiscard]] virtual bool stand_in(EventCount& sleep, EventCount::Ticket ticket,
                                        std::uint64_t wait_ns, Waiter& waiter) noexcept = 0;
    // Leaves the place, if it has it; before anything that may take long.
    virtual void stand_down(Waiter& waiter) noexcept = 0;
    // Any thread, after EventCount::wake(): who waits there, and has not been told yet, rises.
    virtual void recall() noexcept = 0;
};

}  // namespace reflow
