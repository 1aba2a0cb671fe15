// Sampling of turns.
// Thread: see probe.hpp.
#include "runtime/probe.hpp"

#include <new>
#include <utility>

namespace reflow::runtime {
namespace {

void step(std::atomic<std::uint64_t>& to) noexcept {
    to.store(to.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
}

}  // namespace

Probe::~Probe() {
    delete call_.load(std::memory_order_relaxed);
    delete wait_.load(std::memory_order_relaxed);
}

bool Probe::begin_turn(std::uint64_t now_ns, std::uint64_t consumed, std::uint64_t waiting,
                       bool tells_waiting) noexcept {
    // A hand-over tells nothing: then the packets came this moment.
    std::uint64_t since = ready_ns_.exchange(0, std::memory_order_relaxed);
    if (since == 0 || since > now_ns) since = now_ns;
    std::uint32_t every = sampling_->every.load(std::memory_order_relaxed);
    std::uint32_t epoch = sampling_->epoch.load(std::memory_order_relaxed);
    if (std::exchange(epoch_, epoch) != epoch) {
        since = now_ns;  // what stood there is from before a pause
        marked_ = 0;
    }
    if (waiting > highest_.load(std::memory_order_relaxed)) {
        highest_.store(waiting, std::memory_order_relaxed);
    }
    // It went in a turn that was not measured, which is not longer than a turn ago.
    if (marked_ != 0 && consumed >= marked_) end_wait(now_ns);
    step(turns_);
    if (left_ > 1 && left_ <= every) {
        --left_;
        return false;
    }
    left_ = every;
    step(measured_);
    if (tells_waiting && waiting != 0 && marked_ == 0) {
        marked_ = consumed + waiting;
        marked_ns_ = since;
    }
    return true;
}

void Probe::end_wait(std::uint64_t now_ns) noexcept {
    marked_ = 0;
    add(wait_, now_ns - marked_ns_);
}

void Probe::add(std::atomic<Histogram*>& to, std::uint64_t ns) noexcept {
    Histogram* histogram = to.load(std::memory_order_relaxed);
    if (histogram == nullptr) {
        try {
            histogram = new Histogram;
        } catch (const std::bad_alloc&) {
            return;  // a sample less
        }
        to.store(histogram, std::memory_order_release);
    }
    histogram->add(ns);
}

void Probe::read(Samples& call, Samples& wait) const noexcept {
    if (const Histogram* from = call_.load(std::memory_order_acquire)) call.add(*from);
    if (const Histogram* from = wait_.load(std::memory_order_acquire)) wait.add(*from);
}

std::uint64_t Probe::busy_ns(const Samples& call) const noexcept {
    double measured = static_cast<double>(measured_.load(std::memory_order_relaxed));
    if (measured == 0) return 0;
    double turns = static_cast<double>(turns_.load(std::memory_order_relaxed));
    return static_cast<std::uint64_t>(static_cast<double>(call.sum()) * (turns / measured));
}

}  // namespace reflow::runtime
