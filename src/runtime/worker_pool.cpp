// The scheduler with threads: a queue for each worker, an inject queue for outsiders, stealing, and
// an event count for sleep. An idle pool uses no CPU.
// Thread: submit and arm from any; each worker runs turns on its own.
#include <atomic>
#include <mutex>

#include "base/event_count.hpp"
#include "base/limits.hpp"
#include "base/thread.hpp"
#include "runtime/scheduler.hpp"

namespace reflow::runtime {
namespace {

// A queue of ready actors, linked through Actor::next.
class ReadyQueue {
public:
    // Returns the number of actors in it now.
    std::size_t push(Actor& actor) noexcept {
        actor.next = nullptr;
        std::lock_guard lock(mutex_);
        (tail_ == nullptr ? head_ : tail_->next) = &actor;
        tail_ = &actor;
        // relaxed: empty() is a hint; the event count orders the last look before sleeping.
        std::size_t size = size_.load(std::memory_order_relaxed) + 1;
        size_.store(size, std::memory_order_seq_cst);
        return size;
    }
    Actor* pop() noexcept {
        if (empty()) return nullptr;
        std::lock_guard lock(mutex_);
        if (head_ == nullptr) return nullptr;
        Actor* actor = head_;
        head_ = actor->next;
        if (head_ == nullptr) tail_ = nullptr;
        size_.store(size_.load(std::memory_order_relaxed) - 1, std::memory_order_seq_cst);
        return actor;
    }
    // seq_cst, because a worker looks here between prepare() and sleep() of the event count.
    [[nodiscard]] bool empty() const noexcept { return size_.load(std::memory_order_seq_cst) == 0; }

private:
    std::mutex mutex_;  // guards head_ and tail_; no other lock is taken under it
    Actor* head_ = nullptr;
    Actor* tail_ = nullptr;
    std::atomic<std::size_t> size_{0};
};

class WorkerPool;

struct Worker : Allocated, Lane {
    using Lane::Lane;
    WorkerPool* pool = nullptr;
    std::uint32_t number = 0;
    ReadyQueue queue;
    Thread thread;
};

// The worker that the calling thread is, or NULL. Without a destructor, as current_scheduler().
Worker*& current_worker() noexcept {
    static thread_local constinit Worker* current = nullptr;
    return current;
}

class WorkerPool final : public Scheduler {
public:
    explicit WorkerPool(const SchedulerOptions& options) : options_(options) {}
    // Threads may run here also if start() ran out of memory.
    ~WorkerPool() override { shutdown(); }

    Result<void> start() {
        workers_.reserve(options_.workers);
        for (std::uint32_t i = 0; i < options_.workers; ++i) {
            workers_.emplace_back(new Worker(clock_, false));
            workers_.back()->pool = this;
            workers_.back()->number = i;
        }
        for (std::uint32_t i = 0; i < options_.workers; ++i) {
            Worker& worker = *workers_[i];
            Result<void> started = worker.thread.start(
                concat("rf-w", i),
                [](void* memory) {
                    Worker* self = static_cast<Worker*>(memory);
                    self->pool->loop(*self);
                },
                &worker);
            if (!started.ok()) {
                shutdown();
                return started;
            }
        }
        return {};
    }

    void submit(Actor& actor, Lane* lane) noexcept override {
        // Each lane is that of a worker.
        Worker* worker = lane != nullptr ? static_cast<Worker*>(lane) : current_worker();
        if (worker != nullptr && worker->pool == this) {
            // One waiting actor is the next of this worker; from the second on there is work for
            // another one too.
            if (worker->queue.push(actor) >= 2) sleep_.wake();
        } else {
            inject_.push(actor);
            sleep_.wake();
        }
    }

    void arm(Actor& actor, std::uint64_t due_ns) override {
        // A sleeper may have to wake earlier than it planned.
        if (timers.arm(actor, due_ns)) sleep_.wake();
    }

    [[nodiscard]] const Clock& clock() const noexcept override { return clock_; }
    [[nodiscard]] bool threaded() const noexcept override { return true; }
    [[nodiscard]] std::uint32_t workers() const noexcept override { return options_.workers; }
    Ran run(const Limits&) override { return {}; }
    void interrupt() noexcept override {}
    [[nodiscard]] std::uint64_t interrupts() const noexcept override { return 0; }

    void request_shutdown() noexcept override {
        ending_.store(true, std::memory_order_seq_cst);
        sleep_.wake(true);
    }
    void shutdown() noexcept override {
        request_shutdown();
        for (auto& worker : workers_) worker->thread.join();
    }

private:
    void loop(Worker& self) {
        current_worker() = &self;
        InTurn inside(*this);
        if (options_.thread_start != nullptr) options_.thread_start(options_.user_data);
        self.rested();
        for (std::uint32_t round = 0; !ending_.load(std::memory_order_seq_cst); ++round) {
            fire_timers();
            Actor* actor = find(self, round);
            if (actor == nullptr) {
                self.settle();  // whoever this lets go is found below
                actor = sleep_for_work(self, round);
            }
            if (actor == nullptr) continue;
            self.allow_hand_over(true);
            actor->turn(self, options_.budget);
            while (self.has_next()) self.take_next()->turn_handed_over(self, options_.budget);
        }
        self.settle();
        if (options_.thread_stop != nullptr) options_.thread_stop(options_.user_data);
        current_worker() = nullptr;
    }

    void fire_timers() noexcept {
        std::uint64_t due = timers.next_due();
        if (due == UINT64_MAX) return;
        std::uint64_t now = clock_.now_ns();
        if (due <= now) timers.fire(now);
    }

    Actor* find(Worker& self, std::uint32_t round) noexcept {
        // Outsiders are looked at now and then even if the own queue never ends.
        constexpr std::uint32_t inject_every = 61;
        if (round % inject_every == 0) {
            if (Actor* actor = inject_.pop()) return actor;
        }
        if (Actor* actor = self.queue.pop()) return actor;
        if (Actor* actor = inject_.pop()) return actor;
        for (std::uint32_t i = 1; i < workers_.size(); ++i) {
            std::size_t victim = (self.number + i) % workers_.size();
            if (Actor* actor = workers_[victim]->queue.pop()) return actor;
        }
        return nullptr;
    }

    Actor* sleep_for_work(Worker& self, std::uint32_t round) {
        EventCount::Ticket ticket = sleep_.prepare();
        Actor* actor = find(self, round);
        if (actor != nullptr || ending_.load(std::memory_order_seq_cst)) {
            sleep_.cancel();
            return actor;
        }
        sleep_.sleep(ticket, timers.next_due());
        self.rested();
        return nullptr;
    }

    const SchedulerOptions options_;
    SystemClock clock_;
    Vector<std::unique_ptr<Worker>> workers_;
    ReadyQueue inject_;
    EventCount sleep_;
    std::atomic<bool> ending_{false};  // seq_cst with the event count: nobody sleeps through it
};

}  // namespace

Result<std::unique_ptr<Scheduler>> make_worker_pool(const SchedulerOptions& options) {
    auto pool = std::unique_ptr<WorkerPool>(new WorkerPool(options));
    if (Result<void> started = pool->start(); !started.ok()) return started.take_error();
    return std::unique_ptr<Scheduler>(std::move(pool));
}

}  // namespace reflow::runtime
