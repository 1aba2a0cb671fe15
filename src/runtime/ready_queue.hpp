// Ready actors: the queue of a worker, which its owner uses without a lock, the inject queue, and
// lists by class. Neighbours: schedulers, rank. Thread: told at each function.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <mutex>

#include "runtime/actor.hpp"

namespace reflow::runtime {

// A bounded ring, first in first out: the owner puts in at the tail, and whoever takes moves the
// head on, the owner one by one, thieves by up to a half. After D. Vyukov's queues of the Go
// scheduler.
//
// tail_ is written by the owner alone, with release, after the slot: who reads it with acquire sees
// the slot. head_ is moved by compare-exchange; a thief copies the slots first, and if another took
// one of them meanwhile the exchange fails and the copies are forgotten. A slot is written again
// only when head_, read with acquire, has passed it, so a copy that succeeds is not of a newer
// round: 32 bits of head_ would have to go round once between its load and its exchange.
class LocalQueue {
public:
    static constexpr std::uint32_t most = 256;

    // Owner. False if it is full.
    [[nodiscard]] bool push(Actor& actor) noexcept {
        std::uint32_t tail = tail_.load(std::memory_order_relaxed);
        if (tail - head_.load(std::memory_order_acquire) >= most) return false;
        slots_[tail % most].store(&actor, std::memory_order_relaxed);
        tail_.store(tail + 1, std::memory_order_release);
        return true;
    }
    // Owner. alone: there are no thieves.
    [[nodiscard]] Actor* pop(bool alone) noexcept {
        std::uint32_t head = head_.load(std::memory_order_relaxed);
        while (head != tail_.load(std::memory_order_relaxed)) {
            Actor* actor = slots_[head % most].load(std::memory_order_relaxed);
            if (alone) {
                head_.store(head + 1, std::memory_order_relaxed);
                return actor;
            }
            if (head_.compare_exchange_weak(head, head + 1, std::memory_order_acq_rel,
                                            std::memory_order_relaxed)) {
                return actor;
            }
        }
        return nullptr;
    }
    // Any thread: a moment's view.
    [[nodiscard]] std::uint32_t size() const noexcept {
        std::uint32_t head = head_.load(std::memory_order_acquire);
        return tail_.load(std::memory_order_acquire) - head;
    }
    // The owner of `to`, which is empty: takes the older half of this queue, and returns the first.
    [[nodiscard]] Actor* steal(LocalQueue& to) noexcept {
        std::uint32_t begin = to.tail_.load(std::memory_order_relaxed);
        for (;;) {
            std::uint32_t head = head_.load(std::memory_order_acquire);
            std::uint32_t size = tail_.load(std::memory_order_acquire) - head;
            if (size == 0) return nullptr;
            if (size > most) continue;  // the head was older than the tail: look again
            std::uint32_t count = size - size / 2;
            Actor* first = slots_[head % most].load(std::memory_order_relaxed);
            for (std::uint32_t i = 1; i < count; ++i) {
                Actor* actor = slots_[(head + i) % most].load(std::memory_order_relaxed);
                to.slots_[(begin + i - 1) % most].store(actor, std::memory_order_relaxed);
            }
            if (!head_.compare_exchange_strong(head, head + count, std::memory_order_acq_rel,
                                               std::memory_order_relaxed)) {
                continue;
            }
            to.tail_.store(begin + count - 1, std::memory_order_release);
            return first;
        }
    }

private:
    alignas(64) std::atomic<std::uint32_t> head_{0};
    alignas(64) std::atomic<std::uint32_t> tail_{0};
    std::array<std::atomic<Actor*>, most> slots_{};
};

// Ready actors linked through Actor::next, first in first out. One thread at a time.
struct ReadyList {
    Actor* head = nullptr;
    Actor* tail = nullptr;
    std::size_t size = 0;

    void push(Actor& actor) noexcept {
        actor.next = nullptr;
        (tail == nullptr ? head : tail->next) = &actor;
        tail = &actor;
        ++size;
    }
    // The one behind so many others, which are there.
    [[nodiscard]] Actor* take(std::size_t skip = 0) noexcept {
        Actor* before = nullptr;
        Actor* actor = head;
        for (; skip > 0; --skip) {
            before = actor;
            actor = actor->next;
        }
        (before == nullptr ? head : before->next) = actor->next;
        if (tail == actor) tail = before;
        --size;
        return actor;
    }
};

// One for each class. One thread at a time.
class RankedLists {
public:
    void push(Actor& actor) noexcept { of(actor.rank()).push(actor); }
    [[nodiscard]] bool empty() const noexcept { return size() == 0; }
    [[nodiscard]] std::size_t size() const noexcept {
        return lists_[0].size + lists_[1].size + lists_[2].size;
    }
    // That of the class whose turn it is; not if all are empty.
    [[nodiscard]] ReadyList& next() noexcept {
        return of(rule_.next(of(Rank::high).size != 0, of(Rank::normal).size != 0,
                             of(Rank::low).size != 0));
    }

private:
    [[nodiscard]] ReadyList& of(Rank rank) noexcept {
        return lists_[static_cast<std::size_t>(rank)];
    }

    std::array<ReadyList, 3> lists_{};
    RankRule rule_;
};

// Any number of actors. Any thread.
class InjectQueue {
public:
    void push(Actor& actor) noexcept {
        std::lock_guard lock(mutex_);
        list_.push(actor);
        size_.store(list_.size, std::memory_order_seq_cst);
    }
    [[nodiscard]] Actor* pop() noexcept {
        if (empty()) return nullptr;
        std::lock_guard lock(mutex_);
        if (list_.size == 0) return nullptr;
        Actor* actor = list_.take();
        size_.store(list_.size, std::memory_order_seq_cst);
        return actor;
    }
    // seq_cst, because a worker looks here between prepare() and sleep() of the event count.
    [[nodiscard]] bool empty() const noexcept { return size_.load(std::memory_order_seq_cst) == 0; }

private:
    std::mutex mutex_;  // guards list_; no other lock is taken under it
    ReadyList list_;
    std::atomic<std::size_t> size_{0};
};

}  // namespace reflow::runtime
