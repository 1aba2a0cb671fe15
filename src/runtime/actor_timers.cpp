// What happens when a timer of an actor is due.
// Thread: that of who fires timers, which counts in the group of the actor meanwhile.
#include "runtime/actor_timers.hpp"

#include "runtime/actor.hpp"

namespace reflow::runtime {
namespace {

constexpr TimerKind wake_kind{
    .hold = nullptr,
    .fired = [](Timer& timer,
                std::uint64_t) noexcept { static_cast<ActorTimers::Entry&>(timer).actor.request_wake(); },
};

}  // namespace

ActorTimers::Entry::Entry(const TimerKind& kind, Actor& actor_of) noexcept
    : Timer(kind, &actor_of.group, true), actor(actor_of) {}

ActorTimers::ActorTimers(Actor& actor) noexcept : wake(wake_kind, actor) {}

}  // namespace reflow::runtime
