// The right to run the loop of sockets, and who looks after it. Thread: see seat.hpp.
#include "io/seat.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/clock.hpp"

namespace reflow::io {
namespace {

// So many steps without traffic, and the loop's own thread sleeps until there is some.
constexpr int calm_steps = 5;
// A wait that is longer has really been one: to sleep and to wake takes as long.
constexpr std::uint64_t rest_ns = 4'000;
// So many more steps with somebody who never waits than with one who does: the loop is better off
// with a thread of its own, beside that one.
constexpr int busy_steps = 6;
// How long the loop stays at home after an offer that was none, and after one to somebody busy;
// twice as long with each that follows.
constexpr std::uint64_t least_hold_ns = 5'000'000;
constexpr std::uint64_t busy_hold_ns = 100'000'000;
constexpr std::uint64_t most_hold_ns = 1'000'000'000;
// An offer that went well for so long makes up for those before it.
constexpr std::uint64_t good_ns = 20'000'000;

}  // namespace

// ---- who waits there

bool Seat::stand_in(EventCount& sleep, EventCount::Ticket ticket, std::uint64_t wait_ns,
                    Waiter& waiter) noexcept {
    constexpr std::uint64_t least_ns = 1'000'000;  // libuv has no finer clock
    if (wait_ns < least_ns) stand_down(waiter);
    if (wait_ns < least_ns || (!waiter.seated && !take(&sleep))) return false;
    waiter.seated = true;
    looking_.store(true, std::memory_order_seq_cst);
    bool stays = true;
    if (sleep.stands(ticket)) {
        // Years are for ever: no deadline at all has come here as a time from now.
        bool ends = wait_ns < UINT64_MAX / 2;
        stays = wait(ends ? wait_ns / least_ns : UINT64_MAX, waiter);
    } else {
        looking_.store(false, std::memory_order_seq_cst);
        waiter.rise(waiter);
    }
    waiter.serves = false;
    if (!stays) stand_down(waiter);
    return true;
}

void Seat::stand_down(Waiter& waiter) noexcept {
    if (std::exchange(waiter.seated, false)) leave();
}

void Seat::recall() noexcept {
    if (looking_.exchange(false, std::memory_order_seq_cst)) interrupt();
}

bool Seat::take(EventCount* sleep) noexcept {
    std::lock_guard lock(mutex_);
    if (state_ == State::home) {
        asked_ = true;
        asleep_ = sleep;
    }
    if (state_ != State::free || wanted_) return false;
    state_ = State::seated;
    return true;
}

bool Seat::wait(std::uint64_t most_ms, Waiter& waiter) noexcept {
    waiter_ = &waiter;
    waiting_.store(true, std::memory_order_relaxed);
    place_->turn(most_ms);
    stirred();  // if there was nothing
    std::lock_guard lock(mutex_);
    return !wanted_;
}

void Seat::tell_waiter() noexcept {
    waiting_.store(false, std::memory_order_relaxed);
    Waiter* waiter = std::exchange(waiter_, nullptr);
    looking_.store(false, std::memory_order_seq_cst);
    waiter->serves = true;
    waiter->rise(*waiter);
    if (waiter->rested_ns < rest_ns) return;
    rests_.store(rests_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
}

void Seat::leave() noexcept {
    std::lock_guard lock(mutex_);
    state_ = State::free;
    ++left_;
    if (wanted_ || std::exchange(quiet_, false)) changed_.notify_one();
}

void Seat::interrupt() noexcept {
    std::lock_guard lock(mutex_);
    if (state_ == State::seated) place_->rouse();
}

// ---- the loop's own thread

bool Seat::claim() noexcept {
    std::lock_guard lock(mutex_);
    return !std::exchange(claimed_, true);
}

void Seat::give_up() noexcept {
    std::lock_guard lock(mutex_);
    claimed_ = asked_ = false;
    asleep_ = nullptr;
}

void Seat::want_home() noexcept {
    std::lock_guard lock(mutex_);
    if (state_ == State::home) return;
    wanted_ = true;
    if (state_ == State::free) changed_.notify_one();
}

void Seat::flooded() noexcept {
    std::lock_guard lock(mutex_);
    if (state_ == State::home) return;
    wanted_ = true;
    busy_ = 2 * busy_steps;  // whatever is seen until it is there
}

bool Seat::wanted_by_others(std::uint64_t now_ns) noexcept {
    std::lock_guard lock(mutex_);
    if (!asked_ || now_ns < next_offer_ns_) return false;
    asked_ = false;
    return true;
}

void Seat::offer(Place& place) noexcept {
    std::lock_guard lock(mutex_);
    place_ = &place;
    state_ = State::free;
    seen_left_ = left_;
    calm_ = busy_ = 0;
    offered_ns_ = SystemClock().now_ns();
}

void Seat::look_after() noexcept {
    bool failed = false;
    std::unique_lock lock(mutex_);
    if (EventCount* asleep = std::exchange(asleep_, nullptr)) {
        // Who has asked may have run what had come by now, and sleep: nobody would come for a step.
        lock.unlock();
        asleep->wake();
        lock.lock();
    }
    while (!(state_ == State::free && (wanted_ || failed))) {
        if (quiet_) {
            changed_.wait(lock);
            continue;
        }
        bool told = changed_.wait_for(lock, std::chrono::nanoseconds(step_ns_)) ==
                    std::cv_status::no_timeout;
        if (!told) failed = step_over() || failed;
    }
    state_ = State::home;
    wanted_ = quiet_ = asked_ = false;
    hold_back(SystemClock().now_ns(), failed);
}

// Under the lock. Whether the loop is better off at home.
bool Seat::step_over() noexcept {
    bool moved = std::exchange(seen_left_, left_) != left_;
    bool waits = state_ == State::seated && waiting_.load(std::memory_order_relaxed);
    std::uint32_t rests = rests_.load(std::memory_order_relaxed);
    bool rested = std::exchange(seen_rests_, rests) != rests;
    busy_ = waits || rested ? std::max(busy_ - 1, 0) : busy_ + 1;
    calm_ = moved || !waits ? 0 : calm_ + 1;
    quiet_ = calm_ >= calm_steps;
    // Who left it has been away for a whole step: its callback may never return.
    if (state_ == State::free && !moved) return true;
    if (busy_ < busy_steps) return false;
    wanted_ = true;
    return true;
}

// Under the lock.
void Seat::hold_back(std::uint64_t now_ns, bool failed) noexcept {
    bool busy = busy_ >= busy_steps;
    if (!busy && now_ns - offered_ns_ >= good_ns) held_ns_ = 0;
    if (!failed && !busy) return;
    held_ns_ = std::clamp(held_ns_ * 2, busy ? busy_hold_ns : least_hold_ns, most_hold_ns);
    next_offer_ns_ = now_ns + held_ns_;
}

}  // namespace reflow::io
