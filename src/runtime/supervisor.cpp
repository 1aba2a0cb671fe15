// Attempts and their times, the circuit breaker, restarts. Decides nothing.
// Thread: that of the turn.
#include "runtime/supervisor.hpp"

#include <algorithm>

#include "runtime/dealer.hpp"
#include "runtime/scheduler.hpp"

namespace reflow::runtime {

// ---- the circuit breaker

bool Breaker::lets(std::uint64_t now_ns) noexcept {
    if (state_ == State::closed) return true;
    if (state_ == State::open) {
        if (now_ns < until_ns_) return false;
        state_ = State::half_open;
        trial_ = false;
    }
    return !std::exchange(trial_, true);
}

void Breaker::succeeded() noexcept {
    // What began before it opened says nothing about now.
    if (state_ == State::open) return;
    state_ = State::closed;
    failures_ = 0;
}

void Breaker::failed(std::uint64_t now_ns) noexcept {
    if (failures_ != UINT32_MAX) ++failures_;
    if (threshold_ == 0 || state_ == State::open) return;
    if (state_ == State::closed && failures_ < threshold_) return;
    state_ = State::open;
    until_ns_ = cooldown_ns_ > UINT64_MAX - now_ns ? UINT64_MAX : now_ns + cooldown_ns_;
}

void Breaker::gave_up() noexcept { trial_ = false; }

// ---- times

std::uint64_t backoff_ns(const FailurePolicy& policy, std::uint32_t attempt) noexcept {
    double delay = static_cast<double>(policy.backoff_ns);
    auto most = static_cast<double>(policy.backoff_max_ns);
    // At most some 1,100 steps: then it is at the most, or does not grow.
    for (std::uint32_t i = 1; i < attempt && delay < most && policy.backoff_factor > 1; ++i) {
        if (delay <= 0) break;
        delay *= policy.backoff_factor;
        if (i > 100'000) break;  // a factor next to 1
    }
    return static_cast<std::uint64_t>(std::min(delay, most));
}

std::uint64_t Supervisor::delay_ns(std::uint32_t attempt) noexcept {
    // splitmix64 (G. Steele et al., Fast Splittable Pseudorandom Number Generators, 2014).
    random_ += 0x9e3779b97f4a7c15;
    std::uint64_t bits = random_;
    bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9;
    bits = (bits ^ (bits >> 27)) * 0x94d049bb133111eb;
    bits ^= bits >> 31;
    double unit = static_cast<double>(bits >> 11) * 0x1.0p-53;
    auto delay = static_cast<double>(backoff_ns(policy, attempt));
    return static_cast<std::uint64_t>(delay * (1 - policy.jitter * unit));
}

bool Window::admit(std::uint64_t now_ns, std::uint64_t within_ns) noexcept {
    std::uint64_t since = now_ns < within_ns ? 0 : now_ns - within_ns;
    std::erase_if(times_, [&](std::uint64_t time) { return time < since; });
    if (times_.size() >= most_) return false;
    times_.push_back(now_ns);  // its memory is there from the beginning
    return true;
}

// ---- the supervisor

namespace {

constexpr TimerKind retry_kind{
    .hold = nullptr,
    .fired = [](Timer& timer,
                std::uint64_t) noexcept { Supervisor::actor_of(timer).request_retry(); },
};

}  // namespace

Supervisor::Entry::Entry(Actor& actor_of) noexcept
    : Timer(retry_kind, &actor_of.group, true), actor(actor_of) {}

Actor& Supervisor::actor_of(Timer& timer) noexcept { return static_cast<Entry&>(timer).actor; }

Supervisor::Supervisor(Actor& actor, FailurePolicy policy_of, std::uint64_t seed)
    : policy(std::move(policy_of)),
      window(policy.restarts),
      breaker(policy.threshold, policy.cooldown_ns),
      random_(seed),
      entry_(actor) {}

Supervisor::~Supervisor() {
    drop_kept();
    drop_pending();
}

void Supervisor::enter_pending(Deferred& firing) noexcept {
    firing.ref();
    Deferred** at = &pending;
    while (*at != nullptr && (*at)->due_ns <= firing.due_ns) at = &(*at)->of_call;
    firing.of_call = *at;
    *at = &firing;
}

Ref<Deferred> Supervisor::take_pending() noexcept {
    Ref<Deferred> first = Ref<Deferred>::adopt(pending);
    pending = std::exchange(first->of_call, nullptr);
    return first;
}

void Supervisor::drop_pending() noexcept {
    while (pending != nullptr) (void)take_pending();
}

void Supervisor::forget() noexcept {
    drop_pending();
    in_place = waits = ripe = restarts_later = false;
    attempts = 0;
    cancel();
}

void Supervisor::arm() noexcept {
    std::uint64_t next = UINT64_MAX;
    if (waits) next = due_ns;
    if (restarts_later) next = std::min(next, restart_ns);
    if (pending != nullptr) next = std::min(next, pending->due_ns);
    constexpr std::uint64_t last = INT64_MAX;  // clocks count in signed numbers
    if (next != UINT64_MAX) next = std::min(next, last);
    entry_.actor.group.scheduler.arm(entry_, next);
}

void Supervisor::cancel() noexcept { entry_.actor.group.scheduler.timers.cancel(entry_); }

// How much each connection has before the call.
void Actor::mark_emits() {
    Vector<std::size_t>& marks = supervisor()->marks;
    marks.clear();
    supervisor()->notes = false;
    any_queue([&marks](const Connection& connection) {
        marks.push_back(connection.pending.size());
        return false;
    });
}

}  // namespace reflow::runtime
