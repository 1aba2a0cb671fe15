// The timers of one actor, which its callbacks set; made when the first one is set.
// Neighbours: actor (owns it), timers, context. Thread: that of the turn, but for what fires.
#pragma once

#include "base/memory.hpp"
#include "runtime/timers.hpp"

namespace reflow::runtime {

class Actor;

class ActorTimers : public Allocated {
public:
    explicit ActorTimers(Actor& actor) noexcept;

    struct Entry : Timer {
        Entry(const TimerKind& kind, Actor& actor_of) noexcept;
        Actor& actor;
    };
    Entry wake;  // of wake_after
};

}  // namespace reflow::runtime
