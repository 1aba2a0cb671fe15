// The scheduler with threads, of its own or lent by the host: a queue for each worker, an inject
// queue for outsiders, stealing, and an event count for sleep. An idle pool uses no CPU.
// gnu::cold: compiled for size. Thread: submit and arm from any; each worker runs turns on its own.
#include <sched.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <new>

#include "base/barrier.hpp"
#include "base/event_count.hpp"
#include "base/limits.hpp"
#include "base/thread.hpp"
#include "runtime/blocking_pool.hpp"
#include "runtime/lookout.hpp"
#include "runtime/ready_queue.hpp"
#include "runtime/scheduler.hpp"
#include "runtime/worker.hpp"

namespace reflow::runtime {
namespace {

// How often a worker that has nothing to do looks at one that goes on for long.
constexpr std::uint64_t watch_ns = 2'000'000;

// The worker that the calling thread is, or NULL. Without a destructor, as host_log().
Worker*& current_worker() noexcept {
    static thread_local constinit Worker* current = nullptr;
    return current;
}

class WorkerPool final : public Scheduler {
public:
    explicit WorkerPool(const SchedulerOptions& options)
        : Scheduler(options),
          options_(options),
          lent_(options.mode == REFLOW_MODE_LENT),
          most_(lent_ ? options.workers : 0),
          blocking_(*this, options_) {}
    // Threads may run here also if start() ran out of memory.
    [[gnu::noinline]] ~WorkerPool() override {
        shutdown();
        if (Lookout* place = lookout()) place->unref();
    }

    [[gnu::cold]] Result<void> start() {
        add_worker();  // one of the host's threads always finds a place, without memory
        if (lent_) return {};
        // All before the first of them begins: it takes from its queue with care then.
        for (std::uint32_t i = 1; i < options_.workers; ++i) add_worker();
        Result<void> started = set_workers(options_.workers);
        if (!started.ok()) shutdown();
        return started;
    }

    [[gnu::cold]] Result<void> set_workers(std::uint32_t count) override {
        std::unique_lock lock(slots_mutex_);
        const bool alone = made_.load(std::memory_order_relaxed) == 1 && !workers_[0]->over;
        if (lent_) {
            most_ = count;
            slots_changed_.notify_all();
            return {};
        }
        for (std::uint32_t i = 0; most_ < count; ++i) {
            if (i == limits::workers_count) {
                return Failure(REFLOW_ERROR_LIMIT,
                               concat("workers: of ", limits::workers_count,
                                      " some are still about to end"));
            }
            Worker& worker = i < made_.load(std::memory_order_relaxed) ? *workers_[i] : add_worker();
            if (!worker.over) continue;
            if (Result<void> started = start_thread(worker); !started.ok()) return started;
        }
        for (std::uint32_t i = made_.load(std::memory_order_relaxed); most_ > count; --i) {
            Worker& worker = *workers_[i - 1];
            if (worker.over || worker.retired.load(std::memory_order_relaxed)) continue;
            worker.retired.store(true, std::memory_order_seq_cst);
            --most_;
        }
        lock.unlock();
        if (alone && made_.load(std::memory_order_relaxed) != 1) open_up(*workers_[0]);
        wake(true);  // those who have to leave, and nobody else knows who they are
        return {};
    }

    // The first worker takes from its queue without care as long as it sees no other one, and looks for others
    // between turns alone. The barrier is passed by it as well, after made_ was raised. If it is in a turn when this
    // looks, what it takes behind that turn comes after the barrier, with care; what it took before it began is seen
    // here. If it is not, it may still be taking one without care, and is in a turn, or has seen the others,
    // within moments; or it sleeps, and looks when it gets up.
    [[gnu::cold]] static void open_up(Worker& first) noexcept {
        if (!barrier_of_all_threads()) return;  // it shares when its turn ends
        for (int i = 0; i < 1000 && !first.shared.load(std::memory_order_acquire); ++i) {
            if (first.in_turn.load(std::memory_order_acquire)) {
                return first.shared.store(true, std::memory_order_release);
            }
            if (first.asleep_since.load(std::memory_order_relaxed) != 0) return;
            sched_yield();
        }
    }

    [[gnu::cold]] Result<void> watch(std::uint32_t limit_ms) override {
        std::lock_guard lock(slots_mutex_);
        if (watchdog == nullptr) {
            auto made = std::unique_ptr<Watchdog>(new Watchdog);
            if (Result<void> started = made->start(*this, options_); !started.ok()) return started;
            watchdog = std::move(made);
        }
        watchdog->notice(limit_ms);
        return {};
    }

    void submit(Actor& actor, Lane* lane) noexcept override {
        if (actor.apart != 0) [[unlikely]]
            return submit_apart(actor, lane);
        bool queues = lane != nullptr && lane->queues();
        Worker* worker = queues ? static_cast<Worker*>(lane) : current_worker();
        if (worker != nullptr && worker->pool == this) {
            if (worker->queue.push(actor)) {
                // What comes in the lookout is for the one who is there.
                if (worker->serves && worker->queue.size() == 1) return;
                return share(*worker);
            }
        }
        inject_.push(actor);
        wake();
    }

    // Those of other classes wait in queues that all workers share, so that each takes the first
    // one.
    [[gnu::cold]] void submit_apart(Actor& actor, const Lane* lane) noexcept {
        if ((actor.apart & Actor::blocking_bit) != 0 && blocking_.submit(actor)) return;
        Rank rank = actor.rank();
        if (rank != Rank::normal && !ranked_.load(std::memory_order_relaxed)) {
            ranked_.store(true, std::memory_order_seq_cst);
        }
        (rank == Rank::high ? high_ : rank == Rank::low ? low_ : inject_).push(actor);
        bool queues = lane != nullptr && lane->queues();
        if (queues) return share(*static_cast<const Worker*>(lane));
        wake();
    }

    void rearmed() noexcept override { wake(); }

    [[nodiscard]] const Clock& clock() const noexcept override { return clock_; }
    [[nodiscard]] bool threaded() const noexcept override { return true; }
    [[nodiscard]] bool needs_host() const noexcept override { return lent_; }
    [[nodiscard]] bool runs_while_waiting() const noexcept override { return lent_; }
    [[nodiscard]] std::uint32_t workers() const noexcept override {
        std::lock_guard lock(slots_mutex_);
        return lent_ ? taken_ : most_;
    }

    // ---- lent

    [[gnu::cold]] Worked work(std::uint64_t timeout_ns) override {
        if (ending_.load(std::memory_order_seq_cst)) return Worked::closed;
        Worker* slot = take_slot();
        if (slot == nullptr) return Worked::full;
        Stint stint;
        stint.takes_permits = true;
        stint.sleeps = timeout_ns != 0;
        std::uint64_t now = clock_.now_ns();
        std::uint64_t length = stint.sleeps ? timeout_ns : options_.budget.ns;
        if (length < UINT64_MAX - now) stint.deadline_ns = now + length;
        work_in(*slot, stint);
        bool closed = ending_.load(std::memory_order_seq_cst);
        give_back(*slot);  // from here on the pool may be gone
        return closed ? Worked::closed : Worked::over;
    }
    [[gnu::cold]] void interrupt_work(std::uint32_t calls) noexcept override {
        std::uint32_t now = permits_.load(std::memory_order_relaxed);
        while (!permits_.compare_exchange_weak(
            now, std::min(limits::workers_count, now + std::min(calls, limits::workers_count)),
            std::memory_order_seq_cst)) {
        }
        wake(true);
    }

    // A host that waits works meanwhile; without a free slot it waits for one.
    [[gnu::cold]] Ran run(const Limits& limits) override {
        Ran ran;
        ran.pending = true;  // other threads may bring something at any time
        if (!lent_) return ran;
        Worker* slot = take_slot();
        if (slot == nullptr) {
            ran.busy = true;
            if (limits.sleep) wait_for_slot(limits);
            return ran;
        }
        Stint stint;
        if (limits.sleep) stint.deadline_ns = limits.deadline_ns;
        stint.turns = limits.turns;
        stint.sleeps = limits.sleep;
        if (limits.sleep) stint.interrupts = &limits.interrupts;
        waiting_.fetch_add(1, std::memory_order_seq_cst);
        ran.turns = work_in(*slot, stint);
        waiting_.fetch_sub(1, std::memory_order_seq_cst);
        ran.ready = !none_waits();
        give_back(*slot);
        return ran;
    }
    // The count goes up before waiting_ is read, and a host counts itself there before it compares:
    // either it sees the new count, or it is woken.
    void interrupt() noexcept override {
        if (!lent_) return;
        interrupts_.fetch_add(1, std::memory_order_seq_cst);
        if (waiting_.load(std::memory_order_seq_cst) == 0) return;
        wake(true);
        std::lock_guard lock(slots_mutex_);
        slots_changed_.notify_all();
    }
    [[nodiscard]] std::uint64_t interrupts() const noexcept override {
        return interrupts_.load(std::memory_order_seq_cst);
    }

    [[nodiscard]] std::uint32_t places() const noexcept override {
        return made_.load(std::memory_order_acquire);
    }
    [[nodiscard, gnu::cold]] WorkerLoad load(std::uint32_t number) const noexcept override {
        const Worker& worker = *workers_[number];
        std::uint64_t begun = worker.begun_ns.load(std::memory_order_relaxed);
        std::uint64_t since = worker.asleep_since.load(std::memory_order_relaxed);
        std::uint64_t now = clock_.now_ns();
        WorkerLoad load;
        load.asleep = since != 0;
        load.rounds = worker.rounds.load(std::memory_order_relaxed);
        load.lifetime_ns = begun == 0 || begun > now ? 0 : now - begun;
        load.asleep_ns = worker.asleep_ns.load(std::memory_order_relaxed);
        if (since != 0 && since < now) load.asleep_ns += now - since;
        load.asleep_ns = std::min(load.asleep_ns, load.lifetime_ns);
        return load;
    }

    [[nodiscard]] Lookout* lookout() const noexcept {
        return lookout_.load(std::memory_order_seq_cst);
    }
    void look_out(Ref<Lookout> place) noexcept {
        lookout_.store(place.leak(), std::memory_order_seq_cst);
    }

    [[gnu::cold]] void request_shutdown() noexcept override {
        ending_.store(true, std::memory_order_seq_cst);
        wake(true);
        blocking_.request_shutdown();
        if (watchdog != nullptr) watchdog->request_end();
    }
    [[gnu::cold]] void shutdown() noexcept override {
        request_shutdown();
        for (std::uint32_t i = 0; i < made_.load(std::memory_order_acquire); ++i) {
            workers_[i]->thread.join();
        }
        blocking_.shutdown();
        if (watchdog != nullptr) watchdog->join();
        std::unique_lock lock(slots_mutex_);
        slots_changed_.wait(lock, [&] { return taken_ == 0; });
    }

private:
    // ---- workers

    // Under slots_mutex_, or before there are threads.
    [[gnu::cold]] Worker& add_worker() {
        std::uint32_t made = made_.load(std::memory_order_relaxed);
        workers_[made].reset(new Worker(*this, rise));
        workers_[made]->number = made;
        // A thread of the host may come while the only other one is inside a long callback, and has
        // to find what waits behind that.
        workers_[made]->shared.store(lent_, std::memory_order_relaxed);
        made_.store(made + 1, std::memory_order_release);
        return *workers_[made];
    }

    // Under slots_mutex_, which the new thread does not need until it ends.
    [[gnu::cold]] Result<void> start_thread(Worker& worker) {
        worker.thread.join();  // it does nothing more but end
        worker.retired.store(false, std::memory_order_relaxed);
        Result<void> started = worker.thread.start(
            concat("rf-w", worker.number),
            [](void* memory) {
                Worker* self = static_cast<Worker*>(memory);
                static_cast<WorkerPool*>(self->pool)->loop(*self);
            },
            &worker);
        if (!started.ok()) return started;
        worker.over = false;
        ++most_;
        return {};
    }

    // NULL if all are taken, or there is no memory for another one.
    [[gnu::cold]] Worker* take_slot() noexcept try {
        std::lock_guard lock(slots_mutex_);
        if (taken_ >= most_) return nullptr;
        std::uint32_t i = 0;
        while (i < made_.load(std::memory_order_relaxed) && workers_[i]->taken) ++i;
        Worker& slot = i < made_.load(std::memory_order_relaxed) ? *workers_[i] : add_worker();
        slot.taken = true;
        ++taken_;
        return &slot;
    } catch (const std::bad_alloc&) {
        return nullptr;
    }
    [[gnu::cold]] void give_back(Worker& slot) noexcept {
        std::lock_guard lock(slots_mutex_);
        slot.taken = false;
        --taken_;
        slots_changed_.notify_all();
    }
    [[gnu::cold]] void wait_for_slot(const Limits& limits) {
        std::unique_lock lock(slots_mutex_);
        waiting_.fetch_add(1, std::memory_order_seq_cst);
        auto over = [&] {
            std::uint32_t made = made_.load(std::memory_order_relaxed);
            return taken_ < std::min(made, most_) || interrupts() != limits.interrupts;
        };
        if (limits.deadline_ns == UINT64_MAX) {
            slots_changed_.wait(lock, over);
        } else {
            std::chrono::steady_clock::time_point until{
                std::chrono::nanoseconds(limits.deadline_ns)};
            slots_changed_.wait_until(lock, until, over);
        }
        waiting_.fetch_sub(1, std::memory_order_seq_cst);
    }

    // The hooks for threads are for those of the library.
    [[gnu::cold]] void loop(Worker& self) {
        tell_host("thread_start", options_.thread_start, options_.user_data, this);
        Stint always;
        work_in(self, always);
        tell_host("thread_stop", options_.thread_stop, options_.user_data, this);
        std::lock_guard lock(slots_mutex_);
        self.over = true;
    }

    // Runs turns until the stint is over; returns their number.
    std::uint64_t work_in(Worker& self, Stint& stint) {
        Worker* before = std::exchange(current_worker(), &self);
        InTurn inside(*this);
        std::uint64_t turns = 0;
        self.woke_up();
        self.begins(self.now_ns());
        awake_.fetch_add(1, std::memory_order_seq_cst);
        for (std::uint32_t round = 0; !over(self, stint); ++round) {
            fire_timers(self);
            Actor* actor = find(self, round);
            if (actor == nullptr) {
                self.settle();  // whoever this lets go is found below
                if (!stint.sleeps) break;
                actor = sleep_for_work(self, stint);
            }
            if (actor == nullptr) continue;
            if (self.seated) leave_lookout(self);
            leave_watch(self);
            self.allow_hand_over(!actor->group.ranked());
            self.begins_turn();
            actor->turn(self, options_.budget);
            while (self.has_next()) self.take_next()->turn_handed_over(self, options_.budget);
            self.ends_turn();
            self.ran_one();
            if (++turns == stint.turns) break;
        }
        if (self.seated) leave_lookout(self);
        self.settle();
        self.falls_asleep(clock_.now_ns());
        leave(self);
        current_worker() = before;
        return turns;
    }

    [[nodiscard]] bool over(const Worker& self, Stint& stint) noexcept {
        if (stint.over || ending_.load(std::memory_order_seq_cst) ||
            self.retired.load(std::memory_order_seq_cst)) {
            return true;
        }
        if (stint.takes_permits) stint.over = take_permit();
        if (stint.interrupts != nullptr) stint.over = interrupts() != *stint.interrupts;
        if (stint.deadline_ns <= self.now_ns()) stint.over = true;
        return stint.over;
    }
    [[gnu::cold]] bool take_permit() noexcept {
        std::uint32_t now = permits_.load(std::memory_order_seq_cst);
        while (now != 0) {
            if (permits_.compare_exchange_weak(now, now - 1, std::memory_order_seq_cst)) return true;
        }
        return false;
    }

    // What waits here goes to the others. One of those who sleep gets up: who leaves may have been
    // woken for something that it does not do any more, or was the one who watched the others.
    [[gnu::cold]] void leave(Worker& self) noexcept {
        while (Actor* actor = self.queue.pop(false)) inject_.push(*actor);
        awake_.fetch_sub(1, std::memory_order_seq_cst);
        if (ending_.load(std::memory_order_seq_cst)) return;
        if (!none_waits() || awake_.load(std::memory_order_seq_cst) != 0) wake();
    }

    void fire_timers(Worker& self) noexcept {
        std::uint64_t due = timers.next_due();
        if (due == UINT64_MAX) return;
        std::uint64_t now = clock_.now_ns();
        if (due > now) return;
        if (self.seated) leave_lookout(self);  // hooks of the host may hear of it
        timers.fire(now);
    }

    // Something waits behind what this worker runs. Wakes another one, one at a time, if it is
    // enough for two, or if nobody looks whether this worker goes on.
    void share(const Worker& self) noexcept {
        if (!sleep_.sleepers()) return;
        if (watching_.load(std::memory_order_acquire) && !self.has_for_others()) return;
        if (waking_.exchange(true, std::memory_order_acq_rel)) return;
        if (!wake()) waking_.store(false, std::memory_order_release);
    }

    Actor* find(Worker& self, std::uint32_t round) noexcept {
        // Outsiders are looked at now and then even if the own queue never ends: by turns, and by time where turns
        // are long.
        constexpr std::uint32_t inject_every = 61;
        constexpr std::uint64_t inject_ns = 1'000'000;
        std::uint32_t made = made_.load(std::memory_order_acquire);
        bool alone = !self.shared.load(std::memory_order_relaxed);
        if (alone && made != 1) {
            self.shared.store(true, std::memory_order_release);
            alone = false;
        }
        if (ranked_.load(std::memory_order_seq_cst)) [[unlikely]] {
            if (Actor* actor = find_by_rank(self, alone)) return actor;
        }
        if (round % inject_every == 0 || self.now_ns() - self.outside_ns >= inject_ns) {
            self.outside_ns = self.now_ns();
            if (Actor* actor = inject_.pop()) return actor;
        }
        if (Actor* actor = self.queue.pop(alone)) return actor;
        if (Actor* actor = inject_.pop()) return actor;
        if (Actor* actor = steal(self)) return actor;
        return ranked_.load(std::memory_order_seq_cst) ? low_.pop() : nullptr;
    }
    // The queue of this worker is empty.
    Actor* steal(Worker& self) noexcept {
        std::uint32_t made = made_.load(std::memory_order_acquire);
        for (std::uint32_t i = 1; i < made; ++i) {
            Worker& victim = *workers_[(self.number + i) % made];
            if (!victim.has_for_others() || !victim.shared.load(std::memory_order_acquire)) {
                continue;
            }
            if (Actor* actor = victim.queue.steal(self.queue)) return actor;
        }
        return nullptr;
    }

    // One of the class high, or one that has been passed over for long; a low one beside which
    // nothing waits here comes behind what others have too much of. Sequentially consistent with
    // the event count, as inject_: who pushes sets ranked_ first, so a worker that is about to
    // sleep sees both or is woken.
    [[gnu::cold]] Actor* find_by_rank(Worker& self, bool alone) noexcept {
        bool normal = self.queue.size() != 0 || !inject_.empty();
        bool high = !high_.empty();
        Rank rank = self.rule.next(high, normal, !low_.empty());
        if (rank == Rank::low && (high || normal)) {
            if (Actor* actor = low_.pop()) return actor;
        }
        if (rank == Rank::normal && high) {
            if (Actor* actor = self.queue.pop(alone)) return actor;
            if (Actor* actor = inject_.pop()) return actor;
        }
        return high_.pop();
    }
    [[nodiscard]] bool none_waits() const noexcept {
        return inject_.empty() && high_.empty() && low_.empty();
    }

    // A callback may last long where all before it were short, and then nobody was woken for those
    // that wait behind it: one idle worker looks from time to time, as long as another is awake,
    // whether that one goes on.
    [[gnu::cold]] Actor* rescue(Worker& self) noexcept {
        for (std::uint32_t i = 0; i < made_.load(std::memory_order_acquire); ++i) {
            Worker& victim = *workers_[i];
            std::uint64_t rounds = victim.rounds.load(std::memory_order_relaxed);
            if (&victim == &self || !victim.shared.load(std::memory_order_acquire)) continue;
            if (std::exchange(victim.seen_rounds, rounds) != rounds) continue;
            if (Actor* actor = victim.queue.steal(self.queue)) return actor;
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
            wake();
        }
    }

    Actor* sleep_for_work(Worker& self, Stint& stint) {
        EventCount::Ticket ticket = sleep_.prepare();
        Actor* actor = find(self, 0);
        if (actor != nullptr || over(self, stint)) {
            sleep_.cancel();
            waking_.store(false, std::memory_order_release);
            return actor;
        }
        bool others = awake_.fetch_sub(1, std::memory_order_seq_cst) > 1;
        bool watches = others && !watching_.exchange(true, std::memory_order_seq_cst);
        std::uint64_t until = std::min(timers.next_due(), stint.deadline_ns);
        std::uint64_t now = clock_.now_ns();
        if (watches) until = std::min(until, now + watch_ns);
        self.falls_asleep(now);
        Lookout* place = lookout();
        if (place == nullptr ||
            !place->stand_in(sleep_, ticket, until > now ? until - now : 0, self)) {
            sleep_.rest(ticket, until);
            rise(self);
        }
        if (watches) {
            actor = rescue(self);
            watching_.exchange(false, std::memory_order_seq_cst);
        }
        return actor;
    }

    // It has waited asleep, or in the lookout.
    static void rise(Lookout::Waiter& waiter) noexcept {
        auto& self = static_cast<Worker&>(waiter);
        auto& of = static_cast<WorkerPool&>(*self.pool);
        of.sleep_.cancel();
        of.awake_.fetch_add(1, std::memory_order_seq_cst);
        of.waking_.store(false, std::memory_order_release);
        self.woke_up();
        self.rested_ns = self.wakes(self.now_ns());
        self.risen = true;
    }

    // Also who waits in the lookout, instead of there. False if nobody waits.
    [[gnu::noinline]] bool wake(bool all = false) noexcept {
        EventCount::Woken woken = sleep_.wake(all);
        if (woken == EventCount::Woken::none) return false;
        if (all || woken == EventCount::Woken::nobody) {
            if (Lookout* place = lookout()) place->recall();
        }
        return true;
    }
    [[gnu::noinline]] void leave_lookout(Worker& self) noexcept { lookout()->stand_down(self); }

    // Counted; one of those that would sleep waits there instead. Sequentially consistent with the
    // event count: a waker finds it if a worker that it has to wake has found it.
    std::atomic<Lookout*> lookout_{nullptr};
    const SchedulerOptions options_;
    const bool lent_;
    SystemClock clock_;
    // Workers are made and never ended before the pool; the first made_ are there.
    std::array<std::unique_ptr<Worker>, limits::workers_count> workers_;
    std::atomic<std::uint32_t> made_{0};
    // Guards what follows, and Worker::taken; no other lock is taken under it.
    mutable std::mutex slots_mutex_;
    std::condition_variable slots_changed_;
    std::uint32_t taken_ = 0;  // by threads of the host
    std::uint32_t most_;       // lent: how many of these there may be; own: how many threads work
    // Sequentially consistent with the event count, as ending_.
    std::atomic<std::uint32_t> permits_{0};
    std::atomic<std::uint64_t> interrupts_{0};
    std::atomic<std::uint32_t> waiting_{0};  // hosts that wait, and work or want to
    InjectQueue inject_;
    InjectQueue high_, low_;           // of all workers
    std::atomic<bool> ranked_{false};  // one of these has been used
    EventCount sleep_;
    std::atomic<bool> waking_{false};    // a worker was woken to share work, and is not up yet
    std::atomic<bool> watching_{false};  // an idle worker looks whether the others go on
    std::atomic<std::uint32_t> awake_{0};
    std::atomic<bool> ending_{false};  // seq_cst with the event count: nobody sleeps through it
    BlockingPool blocking_;
};

}  // namespace

Lookout* lookout_of(const Scheduler& own) noexcept {
    return static_cast<const WorkerPool&>(own).lookout();
}
void look_out(Scheduler& own, Ref<Lookout> place) noexcept {
    static_cast<WorkerPool&>(own).look_out(std::move(place));
}

[[gnu::cold]] Result<std::unique_ptr<Scheduler>> make_worker_pool(const SchedulerOptions& options) {
    auto pool = std::unique_ptr<WorkerPool>(new WorkerPool(options));
    if (Result<void> started = pool->start(); !started.ok()) return started.take_error();
    return std::unique_ptr<Scheduler>(std::move(pool));
}

}  // namespace reflow::runtime
