// What is measured of one actor: sampled times of calls and of waiting, and the fullest inports.
// Neighbours: actor (its turns write), network (makes and reads it). Thread: see each member.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/ref.hpp"
#include "runtime/histogram.hpp"

namespace reflow::runtime {

// Shared by all probes of a network. relaxed: when it takes effect does not matter.
struct Sampling {
    std::atomic<std::uint32_t> every{1};  // one turn in so many; 0: none
    std::atomic<std::uint32_t> epoch{0};  // steps on whenever measuring begins anew
};

// An actor that takes the place of another one has its probe as well.
class Probe : public RefCounted<Probe> {
public:
    Probe() = default;
    ~Probe();
    void follow(const Sampling& sampling) noexcept { sampling_ = &sampling; }
    [[nodiscard]] bool on() const noexcept {
        return sampling_->every.load(std::memory_order_relaxed) != 0;
    }

    // ---- on whatever thread makes the actor ready: before its turn, which sees it by the word
    void ready(std::uint64_t now_ns) noexcept {
        ready_ns_.store(now_ns, std::memory_order_relaxed);
    }

    // ---- on the thread of the turn
    // Whether this turn is measured. consumed packets were handed to run so far, and so many wait,
    // or 0 if their waiting cannot be told.
    [[nodiscard]] bool begin_turn(std::uint64_t now_ns, std::uint64_t consumed,
                                  std::uint64_t waiting, bool tells_waiting) noexcept;
    // In a turn that is measured: a call begins that will have consumed so many.
    void begin_call(std::uint64_t now_ns, std::uint64_t consumed) noexcept {
        if (marked_ != 0 && consumed >= marked_) end_wait(now_ns);
    }
    void end_call(std::uint64_t ns) noexcept { add(call_, ns); }
    // Another actor has it from now on: what waited may be taken in another order.
    void handed_on() noexcept { marked_ = 0; }

    // ---- any thread
    void read(Samples& call, Samples& wait) const noexcept;
    [[nodiscard]] std::uint64_t highest() const noexcept {
        return highest_.load(std::memory_order_relaxed);
    }
    // Time in calls of all turns, as those that were measured let expect.
    [[nodiscard]] std::uint64_t busy_ns(const Samples& call) const noexcept;

private:
    void add(std::atomic<Histogram*>& to, std::uint64_t ns) noexcept;
    void end_wait(std::uint64_t now_ns) noexcept;

    const Sampling* sampling_ = nullptr;
    std::atomic<std::uint64_t> ready_ns_{0};
    // The newest packet that waited when a turn began, by its number, and since when; 0: none.
    std::uint64_t marked_ = 0;
    std::uint64_t marked_ns_ = 0;
    std::uint32_t left_ = 0;   // turns until the next one that is measured
    std::uint32_t epoch_ = 1;  // of what stands above; measuring begins with the first
    // Written by turns. relaxed: statistics.
    std::atomic<std::uint64_t> highest_{0};
    std::atomic<std::uint64_t> turns_{0};
    std::atomic<std::uint64_t> measured_{0};
    // Made by the first sample; release and acquire: who sees one sees its zeros.
    std::atomic<Histogram*> call_{nullptr};
    std::atomic<Histogram*> wait_{nullptr};
};

}  // namespace reflow::runtime
