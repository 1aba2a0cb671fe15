// What happens when a timer of an actor is due, and how its turn sets and takes the numbered ones.
// Thread: that of the turn; what fires, that of who fires timers, which counts in the group of the
// actor meanwhile.
#include "runtime/actor_timers.hpp"

#include <algorithm>

#include "base/clock.hpp"
#include "runtime/actor.hpp"
#include "runtime/scheduler.hpp"

namespace reflow::runtime {
namespace {

// A clock that is set counts after so long: until then a timer by the wall clock may be late.
constexpr std::int64_t aim_ms = 60'000;
// One that is set back farther than this is a correction, and the timer begins anew there; up to it,
// what has fired does not fire twice. As in cron(8) of P. Vixie.
constexpr std::int64_t set_back_ms = 3 * 3'600'000;

Actor& actor_of(Timer& timer) noexcept { return static_cast<ActorTimers::Entry&>(timer).actor; }

void told(Timer& timer, std::uint64_t /*now_ns*/) noexcept {
    Actor& actor = actor_of(timer);
    actor.notify();
    actor.unref();
}

// The actor may be taken out of its network at any moment: then what fires ends it. Its word has the
// bit before the timer is gone, so that a snapshot sees one of them.
constexpr TimerKind wake_kind{
    .hold =
        [](Timer& timer) noexcept {
            actor_of(timer).ref();
            actor_of(timer).mark_wake();
        },
    .fired = told,
};

}  // namespace

struct NumberedKind {
    static void hold(Timer& timer) noexcept {
        auto& entry = static_cast<ActorTimers::Numbered&>(timer);
        entry.actor.ref();
        entry.actor.timers()->fired_.fetch_or(entry.bit(), std::memory_order_release);
        entry.actor.mark_timer();
    }
    static constexpr TimerKind kind{.hold = hold, .fired = told};
};

void WallTimes::begin(Recurrence& times, std::int64_t wall_ms) noexcept {
    next_ms = times.after(wall_ms);
    seen_ms = wall_ms;
}

bool WallTimes::look(Recurrence& times, std::int64_t wall_ms) noexcept {
    bool due = next_ms != never && wall_ms >= next_ms;
    bool corrected = wall_ms < seen_ms - set_back_ms;
    if (due || corrected) next_ms = times.after(wall_ms);
    seen_ms = corrected ? wall_ms : std::max(wall_ms, seen_ms);
    return due;
}

std::uint64_t WallTimes::wait_ns(std::int64_t wall_ms) const noexcept {
    std::int64_t left_ms = std::clamp<std::int64_t>(next_ms - std::min(wall_ms, next_ms), 0, aim_ms);
    return static_cast<std::uint64_t>(left_ms) * 1'000'000;
}

ActorTimers::Entry::Entry(const TimerKind& kind, Actor& actor_of) noexcept
    : Timer(kind, &actor_of.group, true), actor(actor_of) {}

ActorTimers::Numbered::Numbered(Actor& actor_of, std::uint32_t id_of) noexcept
    : Entry(NumberedKind::kind, actor_of), id(id_of) {}

ActorTimers::ActorTimers(Actor& actor) noexcept : wake(wake_kind, actor), actor_(actor) {}

ActorTimers::Numbered& ActorTimers::slot(std::uint32_t id) {
    for (auto& timer : numbered_) {
        if (timer->id == id) return *timer;
    }
    numbered_.reserve(numbered_.size() + 1);
    numbered_.emplace_back(new Numbered(actor_, id));
    return *numbered_.back();
}

// Either it is taken out here, and does not fire, or its bit is there.
void ActorTimers::disarm(Numbered& timer) noexcept {
    actor_.group.scheduler.timers.cancel(timer);
    fired_.fetch_and(~timer.bit(), std::memory_order_acq_rel);
    timer.recurrence.reset();
    timer.period_ns = 0;
}

void ActorTimers::arm(Numbered& timer, std::uint64_t due_ns) noexcept {
    // Clocks and conditions count in signed numbers: for ever is their end, in three centuries.
    timer.due_ns = std::min<std::uint64_t>(due_ns, INT64_MAX);
    actor_.group.scheduler.arm(timer, timer.due_ns);
}

void ActorTimers::arm(std::uint32_t id, std::uint64_t due_ns) noexcept {
    for (auto& timer : numbered_) {
        if (timer->id == id) arm(*timer, due_ns);
    }
}

void ActorTimers::aim(std::uint32_t id) noexcept {
    for (auto& timer : numbered_) {
        if (timer->id == id) aim(*timer, actor_.group.scheduler.clock().wall_ms());
    }
}

void ActorTimers::set(std::uint32_t id, std::uint64_t due_ns, std::uint64_t period_ns) {
    Numbered& timer = slot(id);
    disarm(timer);
    timer.period_ns = period_ns;
    arm(timer, due_ns);
}

void ActorTimers::set(std::uint32_t id, std::unique_ptr<Recurrence> recurrence) {
    Numbered& timer = slot(id);
    disarm(timer);
    timer.recurrence = std::move(recurrence);
    std::int64_t wall_ms = actor_.group.scheduler.clock().wall_ms();
    timer.wall.begin(*timer.recurrence, wall_ms);
    aim(timer, wall_ms);
}

void ActorTimers::cancel(std::uint32_t id) noexcept {
    for (auto& timer : numbered_) {
        if (timer->id == id) disarm(*timer);
    }
}

void ActorTimers::cancel_all() noexcept {
    actor_.group.scheduler.timers.cancel(wake);
    for (auto& timer : numbered_) disarm(*timer);
}

void ActorTimers::aim(Numbered& timer, std::int64_t wall_ms) noexcept {
    if (timer.wall.next_ms == WallTimes::never) return timer.recurrence.reset();
    arm(timer, actor_.group.scheduler.clock().now_ns() + timer.wall.wait_ns(wall_ms));
}

// Arms one that has fired again; false if it was only a look at the wall clock.
bool ActorTimers::again(Numbered& timer) noexcept {
    const Clock& clock = actor_.group.scheduler.clock();
    if (timer.recurrence != nullptr) {
        std::int64_t wall_ms = clock.wall_ms();
        bool due = timer.wall.look(*timer.recurrence, wall_ms);
        aim(timer, wall_ms);
        return due;
    }
    if (timer.period_ns == 0) return true;
    // Periods that have passed are told of once, and the next one is where it would have been.
    std::uint64_t now_ns = clock.now_ns();
    std::uint64_t late = now_ns > timer.due_ns ? now_ns - timer.due_ns : 0;
    std::uint64_t passed = late - late % timer.period_ns;
    arm(timer, timer.due_ns + passed + timer.period_ns);
    return true;
}

std::uint64_t ActorTimers::take() noexcept {
    std::uint64_t bits = fired_.exchange(0, std::memory_order_acq_rel);
    for (auto& timer : numbered_) {
        if ((bits & timer->bit()) != 0 && !again(*timer)) bits &= ~timer->bit();
    }
    return bits;
}

bool Actor::take_alarms(Context& context) noexcept {
    bool due = (wanted_ & wake_bit) != 0;
    if ((wanted_ & timer_bit) != 0) {
        context.next_timers = timers()->take();
        context.unusual = true;  // begin() sees to them then
        due = due || context.next_timers != 0;
    }
    wanted_ &= ~alarm_bits;
    return due;
}

}  // namespace reflow::runtime
