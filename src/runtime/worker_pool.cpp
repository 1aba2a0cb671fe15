// The scheduler with threads: a queue for each worker, an inject queue for outsiders, stealing, and
// an event count for sleep. An idle pool uses no CPU.
// Thread: submit and arm from any; each worker runs turns on its own.
#include <algorithm>
#include <atomic>
#include <mutex>

#include "base/event_count.hpp"
#include "base/limits.hpp"
#include "base/thread.hpp"
#include "runtime/ready_queue.hpp"
#include "runtime/scheduler.hpp"

namespace reflow::runtime {
namespace {

// Work is for another worker if it lasts longer than a wake costs: 25 us until a sleeper runs, 7 us
// of who wakes it, and the cache lines that move over.
constexpr std::uint64_t worth_ns = 50'000;
// One that runs for less than this until it waits again costs more on two cores than on one: what
// it touches moves between them each time.
constexpr std::uint64_t least_round_ns = 3'000;
// How often a worker that has nothing to do looks at one that goes on for long.
constexpr std::uint64_t watch_ns = 2'000'000;

class WorkerPool;

struct Worker : Allocated, Lane {
    using Lane::Lane;
    WorkerPool* pool = nullptr;
    std::uint32_t number = 0;
    LocalQueue queue;
    Thread thread;
    // How long one of those that wait here takes. relaxed, written by the owner: an estimate.
    std::atomic<std::uint64_t> round_ns{0};
    // Steps on with each of them, written by the owner. relaxed: only whether it moves counts.
    std::atomic<std::uint32_t> rounds{0};
    std::uint32_t seen_rounds = 0;  // of the worker that watches; watching_ passes it on
    bool risen = true;              // has slept, and not run anybody since
    // Of the owner: when it measured last, and how many rounds ago.
    std::uint64_t measured_ns = 0;
    std::uint32_t unmeasured = 0;

    void ran_one() noexcept {
        rounds.store(rounds.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
        ++unmeasured;
        constexpr std::uint64_t least_ns = 10'000;
        if (now_ns() - measured_ns < least_ns) return;
        round_ns.store((now_ns() - measured_ns) / unmeasured, std::memory_order_relaxed);
        measured_ns = now_ns();
        unmeasured = 0;
    }
    void woke_up() noexcept {
        rested();
        measured_ns = now_ns();
        unmeasured = 0;
    }
    [[nodiscard]] bool has_for_others() const noexcept {
        std::uint64_t each_ns = round_ns.load(std::memory_order_relaxed);
        return each_ns >= least_round_ns && queue.size() * each_ns >= worth_ns;
    }
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
            if (worker->queue.push(actor)) return share(*worker);
        }
        inject_.push(actor);
        sleep_.wake();
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
        self.woke_up();
        awake_.fetch_add(1, std::memory_order_seq_cst);
        for (std::uint32_t round = 0; !ending_.load(std::memory_order_seq_cst); ++round) {
            fire_timers();
            Actor* actor = find(self, round);
            if (actor == nullptr) {
                self.settle();  // whoever this lets go is found below
                actor = sleep_for_work(self);
            }
            if (actor == nullptr) continue;
            leave_watch(self);
            self.allow_hand_over(true);
            actor->turn(self, options_.budget);
            while (self.has_next()) self.take_next()->turn_handed_over(self, options_.budget);
            self.ran_one();
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

    // Something waits behind what this worker runs. Wakes another one, one at a time, if it is
    // enough for two, or if nobody looks whether this worker goes on.
    void share(const Worker& self) noexcept {
        if (alone() || !sleep_.sleepers()) return;
        if (watching_.load(std::memory_order_acquire) && !self.has_for_others()) return;
        if (waking_.exchange(true, std::memory_order_acq_rel)) return;
        if (!sleep_.wake()) waking_.store(false, std::memory_order_release);
    }

    Actor* find(Worker& self, std::uint32_t round) noexcept {
        // Outsiders are looked at now and then even if the own queue never ends.
        constexpr std::uint32_t inject_every = 61;
        if (round % inject_every == 0) {
            if (Actor* actor = inject_.pop()) return actor;
        }
        if (Actor* actor = self.queue.pop(alone())) return actor;
        if (Actor* actor = inject_.pop()) return actor;
        for (std::uint32_t i = 1; i < workers_.size(); ++i) {
            Worker& victim = *workers_[(self.number + i) % workers_.size()];
            if (!victim.has_for_others()) continue;
            if (Actor* actor = victim.queue.steal(self.queue)) return actor;
        }
        return nullptr;
    }

    // A callback may last long where all before it were short, and then nobody was woken for those
    // that wait behind it: one idle worker looks from time to time, as long as another is awake,
    // whether that one goes on.
    Actor* rescue(Worker& self) noexcept {
        for (auto& victim : workers_) {
            std::uint32_t rounds = victim->rounds.load(std::memory_order_relaxed);
            if (victim.get() == &self) continue;
            if (std::exchange(victim->seen_rounds, rounds) != rounds) continue;
            if (Actor* actor = victim->queue.steal(self.queue)) return actor;
        }
        return nullptr;
    }

    // Who gets up and finds something to do leaves the watch to another one that sleeps: whoever
    // makes something wait does not wake anybody while it is watched, or while somebody gets up.
    // Sequentially consistent: a worker counts itself in awake_ before it looks at watching_, so
    // either it sees that nobody watches, or it is seen here.
    void leave_watch(Worker& self) noexcept {
        if (!std::exchange(self.risen, false)) return;
        if (awake_.load(std::memory_order_seq_cst) > 1 &&
            !watching_.load(std::memory_order_seq_cst)) {
            sleep_.wake();
        }
    }

    Actor* sleep_for_work(Worker& self) {
        EventCount::Ticket ticket = sleep_.prepare();
        Actor* actor = find(self, 0);
        if (actor != nullptr || ending_.load(std::memory_order_seq_cst)) {
            sleep_.cancel();
            waking_.store(false, std::memory_order_release);
            return actor;
        }
        bool others = awake_.fetch_sub(1, std::memory_order_seq_cst) > 1;
        bool watches = others && !watching_.exchange(true, std::memory_order_seq_cst);
        std::uint64_t until = timers.next_due();
        if (watches) until = std::min(until, clock_.now_ns() + watch_ns);
        sleep_.sleep(ticket, until);
        awake_.fetch_add(1, std::memory_order_seq_cst);
        waking_.store(false, std::memory_order_release);
        self.woke_up();
        self.risen = true;
        if (watches) {
            actor = rescue(self);
            watching_.exchange(false, std::memory_order_seq_cst);
        }
        return actor;
    }

    [[nodiscard]] bool alone() const noexcept { return options_.workers == 1; }

    const SchedulerOptions options_;
    SystemClock clock_;
    Vector<std::unique_ptr<Worker>> workers_;
    InjectQueue inject_;
    EventCount sleep_;
    std::atomic<bool> waking_{false};    // a worker was woken to share work, and is not up yet
    std::atomic<bool> watching_{false};  // an idle worker looks whether the others go on
    std::atomic<std::uint32_t> awake_{0};
    std::atomic<bool> ending_{false};  // seq_cst with the event count: nobody sleeps through it
};

}  // namespace

Result<std::unique_ptr<Scheduler>> make_worker_pool(const SchedulerOptions& options) {
    auto pool = std::unique_ptr<WorkerPool>(new WorkerPool(options));
    if (Result<void> started = pool->start(); !started.ok()) return started.take_error();
    return std::unique_ptr<Scheduler>(std::move(pool));
}

}  // namespace reflow::runtime
