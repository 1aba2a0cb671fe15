// Pausing an actor, letting it go on, and one firing at a time.
// Neighbours: actor.cpp (turns), network/pause.cpp (which actors). Thread: see actor.hpp.
#include "runtime/actor.hpp"
#include "runtime/scheduler.hpp"

namespace reflow::runtime {

bool Actor::take_grant() noexcept {
    std::uint8_t expected = stepping;
    return pause_.compare_exchange_strong(expected, pausing, std::memory_order_acq_rel);
}

void Actor::come_to_rest() noexcept {
    std::uint8_t expected = pausing;
    pause_.compare_exchange_strong(expected, resting, std::memory_order_acq_rel);
}

std::uint32_t Actor::touch() noexcept {
    std::uint32_t word = word_.load(std::memory_order_acquire);
    for (;;) {
        std::uint32_t now = word & state_mask;
        std::uint32_t to = now;
        if (now == running) to = notified;
        if (now == idle) to = rest;  // nothing is handed over to it from now on
        if (word_.compare_exchange_weak(word, (word & ~state_mask) | to, std::memory_order_acq_rel,
                                        std::memory_order_acquire)) {
            return now;
        }
    }
}

void Actor::pause() noexcept {
    std::uint8_t expected = unpaused;
    if (!pause_.compare_exchange_strong(expected, pausing, std::memory_order_acq_rel)) return;
    std::uint32_t before = touch();
    // A turn that is only coming sees that it is paused.
    if (before != running && before != notified) come_to_rest();
}

// Nobody else takes an actor out of parked.
void Actor::leave_parked() noexcept {
    group.enter();
    group.unpark();
    std::uint32_t word = word_.load(std::memory_order_acquire);
    while (!word_.compare_exchange_weak(word, (word & ~state_mask) | ready,
                                        std::memory_order_acq_rel, std::memory_order_acquire)) {
    }
    submit(nullptr);
}

bool Actor::resume() noexcept {
    if (pause_.exchange(unpaused, std::memory_order_acq_rel) == unpaused) return false;
    if (touch() != parked) return false;
    leave_parked();
    return true;
}

bool Actor::step() noexcept {
    if ((word_.load(std::memory_order_acquire) & state_mask) != parked) return false;
    pause_.store(stepping, std::memory_order_release);
    leave_parked();
    return true;
}

// The end of a paused turn. False if it has been resumed meanwhile: then it goes on.
bool Actor::park(Lane& lane) noexcept {
    for (;;) {
        const bool work = has_work() || unsent_ != nullptr;  // it stands before a delivery
        if (work) group.park();
        std::uint8_t stands = unsent_ != nullptr ? before_delivery : nowhere;
        stands_.store(passed_ ? before_firing : stands, std::memory_order_relaxed);
        come_to_rest();
        Group& of = group;  // from the change on the actor may be taken out of the network
        std::uint32_t expected = running;
        if (word_.compare_exchange_strong(expected, work ? parked : rest,
                                          std::memory_order_acq_rel)) {
            of.wake_hosts();  // of pause() and step()
            lane.leave();
            return true;
        }
        if (work) group.unpark();
        absorb(word_.exchange(running, std::memory_order_acq_rel));
        looked_ = false;
        if (!paused()) return false;
    }
}

std::size_t Actor::peek_kept(std::uint32_t port, std::span<reflow_message> to) const noexcept {
    std::size_t count = 0;
    for (std::size_t i = 0; i < inputs_.size() && count < to.size(); ++i) {
        const Packet& packet = inputs_[i];
        if (packet.port != port || MessageRef(packet.message).none()) continue;
        to[count++] = MessageRef(packet.message).own().leak();
    }
    return count;
}

}  // namespace reflow::runtime
