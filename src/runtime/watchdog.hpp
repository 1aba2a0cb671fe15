// Notices callbacks that do not return, and tells. It ends nothing.
// Neighbours: lane (has a place), actor (says when it is inside a callback), worker_pool (starts it).
// Thread: told at each class.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string_view>

#include "base/clock.hpp"
#include "base/memory.hpp"
#include "base/thread.hpp"

namespace reflow::runtime {

class Actor;
class Scheduler;
class Watchdog;
struct SchedulerOptions;

// Counts and tells that a callback of an actor lasts, or has lasted, too long.
void tell_stuck(Actor& actor, std::string_view what, std::uint64_t ns) noexcept;

// A thread that runs turns, as the watchdog sees it.
//
// word_ counts the callbacks, times four; inside_bit is there while one runs, and looking_bit when the
// watchdog is about to tell. Who comes out takes both away: if the watchdog looks it waits for mutex_,
// under which the actor is kept, so an actor that is inside and looked at lives until then.
// Sequentially consistent with parked_ of the watchdog: either it sees the one inside before it sleeps,
// or who goes in sees that it sleeps.
class WatchedPlace : public Allocated {
public:
    explicit WatchedPlace(Watchdog& dog) noexcept : dog_(dog) {}

    // The thread of the turn.
    void go_in(Actor& actor) noexcept;
    void come_out() noexcept;
    // It runs no more turns.
    void leave() noexcept;

private:
    friend class Watchdog;
    static constexpr std::uint64_t inside_bit = 1;
    static constexpr std::uint64_t looking_bit = 2;

    Watchdog& dog_;
    std::mutex mutex_;  // held by the watchdog while it keeps the actor; no other lock but those of
                        // reference counts is taken under it
    std::atomic<std::uint64_t> word_{0};
    // Written before word_ says that somebody is inside, and read behind that.
    Actor* actor_ = nullptr;
    std::atomic<std::uint64_t> limit_ns_{0};
    bool taken_ = true;  // guarded by the lock of the watchdog
    // Of look().
    std::uint64_t seen_ = 0;
    std::uint64_t since_ns_ = 0;
    bool told_ = false;
};

class Watchdog : public Allocated {
public:
    Watchdog() noexcept = default;
    ~Watchdog() { REFLOW_ASSERT(!thread_.running()); }

    // ---- any thread
    // A place for a thread that runs turns; NULL without memory. It lives as long as this.
    [[nodiscard]] WatchedPlace* take_place() noexcept;
    // Callbacks may last so long from now on: it looks often enough for that.
    void notice(std::uint32_t limit_ms) noexcept;
    // Tells of those that have been inside one callback for too long at this time, once of each. One
    // thread at a time.
    void look(std::uint64_t now_ns) noexcept;

    // ---- a thread of its own, which looks at times while somebody is inside, and sleeps otherwise
    // The scheduler and its options live until join().
    Result<void> start(const Scheduler& scheduler, const SchedulerOptions& options);
    void request_end() noexcept;
    void join() noexcept { thread_.join(); }

private:
    friend class WatchedPlace;
    void run() noexcept;
    void loop(const Clock& clock) noexcept;
    void wake() noexcept;
    [[nodiscard]] bool some_inside() const noexcept;  // with the lock
    void look_at(WatchedPlace& place, std::uint64_t now_ns) noexcept;

    std::mutex mutex_;  // guards places_, taken_ and ending_; no other lock is taken under it
    std::condition_variable changed_;
    Vector<std::unique_ptr<WatchedPlace>> places_;  // they are never removed
    bool ending_ = false;
    std::atomic<bool> parked_{false};
    std::atomic<std::uint64_t> period_ms_{UINT64_MAX};  // relaxed: it only becomes shorter
    Thread thread_;
    const Scheduler* scheduler_ = nullptr;  // this and the next: of the thread, and before it
    const SchedulerOptions* options_ = nullptr;
};

}  // namespace reflow::runtime
