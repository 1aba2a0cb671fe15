// Threads for actors whose callbacks block: a bounded number, started when they are needed, ended
// when they have had nothing to do for long. Neighbours: worker_pool. Thread: any.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>

#include "base/memory.hpp"
#include "base/thread.hpp"
#include "runtime/ready_queue.hpp"
#include "runtime/scheduler.hpp"

namespace reflow::runtime {

class BlockingPool : public Allocated {
public:
    BlockingPool(Scheduler& scheduler, const SchedulerOptions& options)
        : scheduler_(scheduler), options_(options) {}
    ~BlockingPool() { REFLOW_ASSERT(ready_.empty()); }

    // Takes an actor that has become ready. False if there is no thread and none can be started.
    [[nodiscard]] bool submit(Actor& actor) noexcept;
    void request_shutdown() noexcept;
    void shutdown() noexcept;

private:
    struct Member : Allocated {
        BlockingPool* pool = nullptr;
        Thread thread;
        bool over = true;  // its thread does nothing more but end, if there is one
    };
    void start_thread() noexcept;
    void loop(Member& self);
    [[nodiscard]] Actor* next();

    Scheduler& scheduler_;
    const SchedulerOptions& options_;
    std::mutex mutex_;  // guards all below; no other lock is taken under it
    std::condition_variable changed_;
    RankedLists ready_;
    std::uint32_t idle_ = 0;  // threads that wait for one
    std::uint32_t running_ = 0;
    bool ending_ = false;
    Vector<std::unique_ptr<Member>> members_;
};

}  // namespace reflow::runtime
