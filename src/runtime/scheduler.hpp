// Who runs ready actors: threads of its own, the host's calls (inline), or a simulation.
// Neighbours: actor, group, timers. Thread: any.
#pragma once

#include <cstdint>
#include <memory>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "reflow.h"
#include "runtime/actor.hpp"
#include "runtime/timers.hpp"

namespace reflow::runtime {

struct SchedulerOptions {
    reflow_mode mode = REFLOW_MODE_OWN;
    std::uint32_t workers = 1;
    TurnBudget budget{};
    std::uint64_t seed = 0;
    reflow_thread_fn thread_start = nullptr;
    reflow_thread_fn thread_stop = nullptr;
    void* user_data = nullptr;
};

class Scheduler : public Allocated {
public:
    virtual ~Scheduler() = default;
    // Takes an actor that has just become ready. The lane is that of the calling thread, if that
    // runs turns of this scheduler and the caller knows it.
    virtual void submit(Actor& actor, Lane* lane) noexcept = 0;
    [[nodiscard]] virtual const Clock& clock() const noexcept = 0;
    // Whether it has threads; otherwise waiting means run().
    [[nodiscard]] virtual bool threaded() const noexcept = 0;
    [[nodiscard]] virtual std::uint32_t workers() const noexcept = 0;

    // Without threads only: runs up to `turns` turns on this thread and returns their number. One
    // thread at a time: others wait, or get `busy` if `exclusive` is set.
    struct Limits {
        std::uint64_t turns = UINT64_MAX;
        // If nothing is ready: wait for a timer, until the deadline or an interrupt that came
        // after the number that is given (simulated: time jumps there).
        bool sleep = false;
        std::uint64_t deadline_ns = UINT64_MAX;
        std::uint64_t interrupts = 0;
        bool exclusive = false;
    };
    struct Ran {
        std::uint64_t turns = 0;
        bool busy = false;     // another thread runs
        bool pending = false;  // something is ready, or a timer is armed
        bool ready = false;    // something is ready now
    };
    virtual Ran run(const Limits& limits) = 0;
    // Ends the sleep of those in run(), which may wait for more than turns. Without threads only.
    virtual void interrupt() noexcept = 0;
    [[nodiscard]] virtual std::uint64_t interrupts() const noexcept = 0;
    // Tells the threads to end, and does not wait.
    virtual void request_shutdown() noexcept = 0;
    // Ends the threads; called before the end, on a thread that is not one of them.
    virtual void shutdown() noexcept = 0;

    // Arms the timer of an actor and sees to it that somebody waits for it.
    virtual void arm(Actor& actor, std::uint64_t due_ns) = 0;

    Timers timers;
};

// The scheduler whose turn or other callback runs on the calling thread, or NULL. It has no
// destructor, so the library can be unloaded.
[[nodiscard]] const Scheduler*& current_scheduler() noexcept;

// Marks the calling thread as inside a callback: what would wait there is refused.
class InTurn {
public:
    explicit InTurn(const Scheduler& scheduler) noexcept : before_(current_scheduler()) {
        current_scheduler() = &scheduler;
    }
    ~InTurn() { current_scheduler() = before_; }
    InTurn(const InTurn&) = delete;
    InTurn& operator=(const InTurn&) = delete;

private:
    const Scheduler* before_;
};

[[nodiscard]] Result<std::unique_ptr<Scheduler>> make_scheduler(const SchedulerOptions& options);

// Files of their own: worker_pool.cpp and single_thread.cpp.
[[nodiscard]] Result<std::unique_ptr<Scheduler>> make_worker_pool(const SchedulerOptions& options);
[[nodiscard]] std::unique_ptr<Scheduler> make_single_thread(const SchedulerOptions& options);

}  // namespace reflow::runtime
