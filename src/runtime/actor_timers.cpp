// What happens when a timer of an actor is due.
// Thread: that of who fires timers, which counts in the group of the actor meanwhile.
#include "runtime/actor_timers.hpp"

#include "runtime/actor.hpp"

namespace reflow::runtime {
namespace {

Actor& actor_of(Timer& timer) noexcept { return static_cast<ActorTimers::Entry&>(timer).actor; }

// The actor may be taken out of its network at any moment: then what fires ends it. Its word has the
// bit before the timer is gone, so that a snapshot sees one of them.
constexpr TimerKind wake_kind{
    .hold =
        [](Timer& timer) noexcept {
            actor_of(timer).ref();
            actor_of(timer).mark_wake();
        },
    .fired =
        [](Timer& timer, std::uint64_t) noexcept {
            Actor& actor = actor_of(timer);
            actor.notify();
            actor.unref();
        },
};

}  // namespace

ActorTimers::Entry::Entry(const TimerKind& kind, Actor& actor_of) noexcept
    : Timer(kind, &actor_of.group, true), actor(actor_of) {}

ActorTimers::ActorTimers(Actor& actor) noexcept : wake(wake_kind, actor) {}

}  // namespace reflow::runtime
