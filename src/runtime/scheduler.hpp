// Who runs ready actors: threads of its own or of the host (own, lent), the host's calls (inline,
// hosted), or a simulation.
// Neighbours: actor, group, timers. Thread: any.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>

#include "base/clock.hpp"
#include "base/doorbell.hpp"
#include "base/host.hpp"
#include "base/result.hpp"
#include "reflow.h"
#include "runtime/actor.hpp"
#include "runtime/stream_count.hpp"
#include "runtime/timers.hpp"

namespace reflow::runtime {

struct SchedulerOptions {
    reflow_mode mode = REFLOW_MODE_OWN;
    std::uint32_t workers = 1;
    std::uint32_t blocking_threads = 1;
    TurnBudget budget{};
    std::uint64_t seed = 0;
    std::uint64_t max_completions = 0;
    std::uint64_t max_streams = UINT64_MAX;
    reflow_thread_fn thread_start = nullptr;
    reflow_thread_fn thread_stop = nullptr;
    // Hosted: there is something to do, on whatever thread, without locks.
    reflow_wake_fn wake = nullptr;
    MakeDoorbell make_doorbell = nullptr;
    reflow_log_fn log = nullptr;  // of what hooks and callbacks throw
    void* user_data = nullptr;
};

// What a thread has done.
struct WorkerLoad {
    bool asleep = false;
    std::uint64_t rounds = 0;
    std::uint64_t lifetime_ns = 0;
    std::uint64_t asleep_ns = 0;
};

class Scheduler : public HostLog, public Allocated {
public:
    Scheduler() = default;
    explicit Scheduler(const SchedulerOptions& options)
        : HostLog(options.log, options.user_data) {}
    // Takes an actor that has just become ready. The lane is that of the calling thread, if that
    // runs turns of this scheduler and the caller knows it.
    virtual void submit(Actor& actor, Lane* lane) noexcept = 0;
    [[nodiscard]] virtual const Clock& clock() const noexcept = 0;
    // Whether several threads run turns, with nobody waiting for them (own, lent).
    [[nodiscard]] virtual bool threaded() const noexcept = 0;
    // Whether turns run only inside calls of the host (all but own).
    [[nodiscard]] virtual bool needs_host() const noexcept { return true; }
    // Whether the calling thread, when it has to wait, runs turns itself: run().
    [[nodiscard]] virtual bool runs_while_waiting() const noexcept { return true; }
    // Own: its threads. Lent: threads of the host that work now. Else 0.
    [[nodiscard]] virtual std::uint32_t workers() const noexcept = 0;
    // How many threads it has or had places for so far, and what one of these has done.
    [[nodiscard]] virtual std::uint32_t places() const noexcept { return 0; }
    [[nodiscard]] virtual WorkerLoad load(std::uint32_t) const noexcept { return {}; }

    // Own: so many threads from now on. Lent: so many threads of the host may work at once. Those
    // that are too many leave when their callbacks have returned.
    virtual Result<void> set_workers(std::uint32_t count);

    // Runs up to `turns` turns on this thread and returns their number; not in mode own. Without
    // threads one thread at a time: others wait, and get `busy` at once if `exclusive` is set, or else
    // at the deadline and, with `sleep`, an interrupt. Lent: busy if no other thread may work.
    struct Limits {
        std::uint64_t turns = UINT64_MAX;
        // No turn begins after this time.
        std::uint64_t until_ns = UINT64_MAX;
        // If nothing is ready: wait for a timer, until the deadline or an interrupt that came
        // after the number that is given (simulated: time jumps there; lent: wait for work too).
        bool sleep = false;
        std::uint64_t deadline_ns = UINT64_MAX;
        std::uint64_t interrupts = 0;
        bool exclusive = false;
        // The loop of the host runs it: it hears from the result what is left.
        bool by_loop = false;
        // Another thread may bring work that nothing here announces. The simulation does not wait
        // for it: what it does comes from its seed and its program alone.
        bool outside = false;
    };
    struct Ran {
        std::uint64_t turns = 0;
        bool busy = false;     // another thread runs
        bool pending = false;  // something is ready, or a timer is armed, or others may bring work
        bool ready = false;    // something is ready now
    };
    virtual Ran run(const Limits& limits) = 0;
    // Ends the sleep of those in run(), which may wait for more than turns.
    virtual void interrupt() noexcept = 0;
    [[nodiscard]] virtual std::uint64_t interrupts() const noexcept = 0;

    // Without threads: when there is something to do, by the clock; 0 is now, UINT64_MAX never.
    [[nodiscard]] virtual std::uint64_t next_due() const noexcept { return UINT64_MAX; }
    // Simulated, for recordings: turns so far; the time is to be this one if it is earlier; and no turn
    // of another thread runs while it is locked.
    [[nodiscard]] virtual std::uint64_t turns() const noexcept { return 0; }
    virtual void advance_to(std::uint64_t /*time_ns*/) noexcept {}
    virtual void lock() noexcept {}
    virtual void unlock() noexcept {}
    // Hosted: what the loop of the host watches.
    virtual Result<int> descriptor();
    // In a forked child: lets it go without a lock.
    virtual void close_descriptors() noexcept {}

    // Lent: the calling thread runs turns until the time is over, an interrupt_work() or the
    // shutdown; with no time what is ready, for the time of one turn at most.
    enum class Worked : std::uint8_t { over, full, closed };
    virtual Worked work(std::uint64_t /*timeout_ns*/) { return Worked::closed; }
    // So many calls of work() return, of now or later.
    virtual void interrupt_work(std::uint32_t /*calls*/) noexcept {}

    // Actors that are made later want to be watched for so long. Only where threads of the library run
    // turns, or the host's beside each other: elsewhere nobody could look, and calls are told of
    // when they return.
    virtual Result<void> watch(std::uint32_t limit_ms);

    // Tells the threads to end, and does not wait.
    virtual void request_shutdown() noexcept = 0;
    // Ends the threads, and waits until those of the host have left; called before the end, on a
    // thread that is not one of them.
    virtual void shutdown() noexcept = 0;

    // Arms or moves a timer and sees to it that somebody waits for it; UINT64_MAX cancels it.
    void arm(Timer& timer, std::uint64_t due_ns) noexcept {
        if (timers.set(timer, due_ns)) rearmed();
    }
    // A sleeper may have to wake earlier than it planned.
    virtual void rearmed() noexcept = 0;

    // Made before the first actor that looks here; NULL: nobody watches.
    std::unique_ptr<Watchdog> watchdog;
    Timers timers;
    // Completions that are alive in all networks. relaxed: only the number matters.
    std::atomic<std::uint64_t> completions{0};
    std::uint64_t max_completions = 0;
    // Streams may outlive it.
    const Ref<StreamCount> streams = make_ref<StreamCount>();
};

// The scheduler whose turn or other callback runs on the calling thread, or NULL. Nothing else becomes
// a host_log().
[[nodiscard]] inline const Scheduler* current_scheduler() noexcept {
    return static_cast<const Scheduler*>(host_log());
}

// Marks the calling thread as inside a callback: what would wait there is refused.
class InTurn {
public:
    explicit InTurn(const Scheduler& scheduler) noexcept
        : before_(std::exchange(host_log(), &scheduler)) {}
    ~InTurn() { host_log() = before_; }
    InTurn(const InTurn&) = delete;
    InTurn& operator=(const InTurn&) = delete;

private:
    const HostLog* before_;
};

[[nodiscard]] Result<std::unique_ptr<Scheduler>> make_scheduler(const SchedulerOptions& options);

// Files of their own: worker_pool.cpp and single_thread.cpp.
[[nodiscard]] Result<std::unique_ptr<Scheduler>> make_worker_pool(const SchedulerOptions& options);
[[nodiscard]] std::unique_ptr<Scheduler> make_single_thread(const SchedulerOptions& options);

}  // namespace reflow::runtime
