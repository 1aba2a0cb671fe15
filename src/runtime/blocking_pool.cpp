// Threads for actors whose callbacks block.
// Thread: any; each of its threads runs one turn at a time.
#include "runtime/blocking_pool.hpp"

#include <chrono>
#include <new>

#include "base/limits.hpp"
#include "base/text.hpp"

namespace reflow::runtime {

// An idle thread is woken for each actor that comes, and a new one started if more actors wait than
// threads do, up to the limit. So an actor waits only if all threads that may be there are busy.
bool BlockingPool::submit(Actor& actor) noexcept {
    std::lock_guard lock(mutex_);
    if (idle_ <= ready_.size() && running_ < options_.blocking_threads) start_thread();
    if (running_ == 0) return false;
    ready_.push(actor);
    changed_.notify_one();
    return true;
}

// Under the lock. The new thread waits for it.
void BlockingPool::start_thread() noexcept try {
    std::size_t at = 0;
    while (at < members_.size() && !members_[at]->over) ++at;
    if (at == members_.size()) {
        members_.reserve(at + 1);
        members_.emplace_back(new Member);
        members_[at]->pool = this;
    }
    Member& member = *members_[at];
    member.thread.join();
    Result<void> started = member.thread.start(
        concat("rf-b", at),
        [](void* memory) {
            Member* self = static_cast<Member*>(memory);
            self->pool->loop(*self);
        },
        &member);
    if (!started.ok()) return;
    member.over = false;
    ++running_;
} catch (const std::bad_alloc&) {
    // As many as there are do it.
}

// NULL if the thread has had nothing to do for long, or all end: it has left the pool then.
Actor* BlockingPool::next() {
    std::unique_lock lock(mutex_);
    ++idle_;
    auto something = [&] { return !ready_.empty() || ending_; };
    bool stays =
        changed_.wait_for(lock, std::chrono::milliseconds(limits::blocking_idle_ms), something);
    --idle_;
    if (!stays || ready_.empty()) {
        --running_;
        return nullptr;
    }
    return ready_.next().take();
}

void BlockingPool::loop(Member& self) {
    InTurn inside(scheduler_);
    tell_host("thread_start", options_.thread_start, options_.user_data);
    Lane lane(scheduler_.clock(), false, false);
    while (Actor* actor = next()) {
        lane.rested();
        actor->turn(lane, options_.budget);
        lane.settle();
    }
    tell_host("thread_stop", options_.thread_stop, options_.user_data);
    std::lock_guard lock(mutex_);
    self.over = true;
}

void BlockingPool::request_shutdown() noexcept {
    std::lock_guard lock(mutex_);
    ending_ = true;
    changed_.notify_all();
}

void BlockingPool::shutdown() noexcept {
    request_shutdown();
    // Nothing is submitted any more, so nobody starts another one.
    for (auto& member : members_) member->thread.join();
}

}  // namespace reflow::runtime
