// Looks at those who run callbacks, and tells of the ones that stay inside.
// Thread: see watchdog.hpp.
#include "runtime/watchdog.hpp"

#include <algorithm>
#include <chrono>
#include <new>

#include "runtime/actor.hpp"
#include "runtime/scheduler.hpp"

namespace reflow::runtime {

// No lock is held; the group and the actor are kept by the caller.
void tell_stuck(Actor& actor, std::string_view what, std::uint64_t ns) noexcept {
    actor.stuck.fetch_add(1, std::memory_order_relaxed);
    try {
        actor.group.environment.log(REFLOW_LOG_WARN, actor.component->id, actor.id,
                                    concat(what, ns / 1'000'000, " ms (watchdog_ms)"));
    } catch (const std::bad_alloc&) {
        // The event tells it, and the counter.
    }
    actor.group.observer.stuck(actor, ns);
}

void WatchedPlace::go_in(Actor& actor) noexcept {
    actor_ = &actor;
    limit_ns_.store(std::uint64_t{actor.extras().watchdog_ms} * 1'000'000,
                    std::memory_order_relaxed);
    word_.store((word_.load(std::memory_order_relaxed) & ~looking_bit) + 4 + inside_bit,
                std::memory_order_seq_cst);
    if (dog_.parked_.load(std::memory_order_seq_cst)) dog_.wake();
}

void WatchedPlace::come_out() noexcept {
    std::uint64_t before =
        word_.fetch_and(~(inside_bit | looking_bit), std::memory_order_seq_cst);
    if ((before & looking_bit) != 0) std::lock_guard wait(mutex_);
}

void WatchedPlace::leave() noexcept {
    std::lock_guard lock(dog_.mutex_);
    taken_ = false;
}

WatchedPlace* Watchdog::take_place() noexcept try {
    std::lock_guard lock(mutex_);
    for (auto& place : places_) {
        if (!std::exchange(place->taken_, true)) return place.get();
    }
    places_.reserve(places_.size() + 1);
    places_.emplace_back(new WatchedPlace(*this));
    return places_.back().get();
} catch (const std::bad_alloc&) {
    return nullptr;  // this turn is not watched
}

void Watchdog::notice(std::uint32_t limit_ms) noexcept {
    std::uint64_t period = std::max<std::uint64_t>(limit_ms / 4, 1);
    std::uint64_t now = period_ms_.load(std::memory_order_relaxed);
    while (period < now &&
           !period_ms_.compare_exchange_weak(now, period, std::memory_order_relaxed)) {
    }
    std::lock_guard lock(mutex_);
    changed_.notify_all();
}

void Watchdog::look(std::uint64_t now_ns) noexcept {
    for (std::size_t i = 0;; ++i) {
        WatchedPlace* place = nullptr;
        {
            std::lock_guard lock(mutex_);
            if (i >= places_.size()) return;
            place = places_[i].get();
        }
        look_at(*place, now_ns);
    }
}

void Watchdog::look_at(WatchedPlace& place, std::uint64_t now_ns) noexcept {
    std::uint64_t word = place.word_.load(std::memory_order_acquire);
    if (word != place.seen_ || (word & WatchedPlace::inside_bit) == 0) {
        place.seen_ = word;
        place.since_ns_ = now_ns;
        place.told_ = false;
        return;
    }
    std::uint64_t ns = now_ns - place.since_ns_;
    if (place.told_ || ns < place.limit_ns_.load(std::memory_order_relaxed)) return;
    Actor* actor = nullptr;
    {
        std::lock_guard lock(place.mutex_);
        if (!place.word_.compare_exchange_strong(word, word | WatchedPlace::looking_bit,
                                                 std::memory_order_acq_rel)) {
            return;  // it has come out
        }
        // Inside, and it comes out behind this lock: the actor has its turn, so the group is there.
        actor = place.actor_;
        actor->ref();
        actor->group.guard();
    }
    place.seen_ = word | WatchedPlace::looking_bit;
    place.told_ = true;
    tell_stuck(*actor, "a callback has not returned for ", ns);
    Group& group = actor->group;
    actor->unref();
    group.leave();
}

// ---- its thread

Result<void> Watchdog::start(const Scheduler& scheduler, const SchedulerOptions& options) {
    scheduler_ = &scheduler;
    options_ = &options;
    return thread_.start(
        "rf-watch", [](void* self) { static_cast<Watchdog*>(self)->run(); }, this);
}

void Watchdog::run() noexcept {
    InTurn inside(*scheduler_);
    tell_host("thread_start", options_->thread_start, options_->user_data);
    loop(scheduler_->clock());
    tell_host("thread_stop", options_->thread_stop, options_->user_data);
}

bool Watchdog::some_inside() const noexcept {
    return std::any_of(places_.begin(), places_.end(), [](const auto& place) {
        return (place->word_.load(std::memory_order_seq_cst) & WatchedPlace::inside_bit) != 0;
    });
}

void Watchdog::wake() noexcept {
    if (!parked_.exchange(false, std::memory_order_seq_cst)) return;
    std::lock_guard lock(mutex_);
    changed_.notify_all();
}

void Watchdog::loop(const Clock& clock) noexcept {
    std::unique_lock lock(mutex_);
    while (!ending_) {
        parked_.store(true, std::memory_order_seq_cst);
        if (some_inside()) parked_.store(false, std::memory_order_seq_cst);
        changed_.wait(lock,
                      [&] { return ending_ || !parked_.load(std::memory_order_seq_cst); });
        std::uint64_t period = period_ms_.load(std::memory_order_relaxed);
        changed_.wait_for(lock, std::chrono::milliseconds(period), [&] {
            return ending_ || period_ms_.load(std::memory_order_relaxed) < period;
        });
        lock.unlock();
        look(clock.now_ns());
        lock.lock();
    }
}

void Watchdog::request_end() noexcept {
    std::lock_guard lock(mutex_);
    ending_ = true;
    changed_.notify_all();
}

}  // namespace reflow::runtime
