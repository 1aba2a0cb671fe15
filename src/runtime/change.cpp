// An actor whose network is changed: taken out of the hands of turns, connected anew, gone on with
// or retired. Neighbours: actor.cpp (the state word), network/change (who does this and when).
// Thread: one at a time, that of the change.
//
// A claim is a turn that runs nothing: it takes the word to running, by the same change that a turn
// or a hand-over makes, and whoever comes meanwhile makes it notified and goes away. So what is of
// the turn belongs to the change, and turns pay nothing for it. The group counts a claimed actor as
// it counts a running one.
#include <algorithm>
#include <functional>

#include "runtime/actor.hpp"
#include "runtime/actor_timers.hpp"
#include "runtime/dealer.hpp"
#include "runtime/scheduler.hpp"
#include "runtime/supervisor.hpp"
#include "runtime/tether.hpp"

namespace reflow::runtime {

bool Actor::claim(bool* was_held) noexcept {
    std::uint32_t word = word_.load(std::memory_order_acquire);
    for (;;) {
        std::uint32_t now = word & state_mask;
        if (now != idle && now != rest && now != held && now != parked) return false;
        if (word_.compare_exchange_weak(word, (word & ~state_mask) | running,
                                        std::memory_order_acq_rel, std::memory_order_acquire)) {
            group.guard();  // the caller has one, so it may come after the change
            if (now == held) group.unhold();
            if (now == parked) group.unpark();
            if (was_held != nullptr) *was_held = now == held;
            return true;
        }
    }
}

void Actor::release_claim(bool begun, bool turn) noexcept {
    std::uint32_t expected = running;
    if (!begun) {
        absorb(word_.exchange(rest, std::memory_order_acq_rel));
        return group.leave();
    }
    if (paused() && !turn) {  // where it stands at a breakpoint, a turn would go on
        looked_ = false;
        const bool work = has_work() || unsent_ != nullptr;
        if (work) group.park();
        come_to_rest();
        if (word_.compare_exchange_strong(expected, work ? parked : rest,
                                          std::memory_order_acq_rel)) {
            return group.leave();
        }
        if (work) group.unpark();
    }
    absorb(word_.exchange(ready, std::memory_order_acq_rel));
    submit(nullptr);
}

bool Actor::retired() const noexcept {
    return (word_.load(std::memory_order_acquire) & state_mask) == gone;
}

bool Actor::busy() const noexcept {
    std::uint32_t now = word_.load(std::memory_order_acquire) & state_mask;
    return now == ready || now == running || now == notified;
}

std::string_view Actor::outport_name(std::uint32_t outport) const noexcept {
    const auto& ports = component->outports;
    return ports[outport < ports.size() ? outport : component->error_port].name;
}

void Actor::watch(std::uint32_t limit_ms) {
    if (limit_ms != 0) extras().watchdog_ms = limit_ms;
    singly_ = singly_ || limit_ms != 0;
}

std::uint32_t Actor::watchdog_ms() const noexcept {
    const Extras* some = extras_.load(std::memory_order_acquire);
    return some == nullptr ? 0 : some->watchdog_ms;
}

void Actor::retire() noexcept {
    word_.exchange(gone, std::memory_order_acq_rel);
    group.leave();
}

void Actor::settle_order_of_calls() {
    std::size_t count = 0;
    for (const auto& connections : outports) count += connections.size();
    keeps_order_ = false;
    if (count == 0) return;
    if (count == 1) {
        for (const auto& connections : outports) {
            if (!connections.empty()) keeps_order_ = connections.front().target == this;
        }
        return;
    }
    Vector<const Actor*> targets;
    targets.reserve(count + 1);
    targets.push_back(this);
    for (const auto& connections : outports) {
        for (const Connection& connection : connections) {
            if (connection.target != nullptr) targets.push_back(connection.target);
        }
    }
    std::sort(targets.begin(), targets.end(), std::less<>());
    keeps_order_ = std::adjacent_find(targets.begin(), targets.end()) != targets.end();
}

void Actor::rewire(Vector<Rewired>& ports) noexcept {
    auto new_place = [&](Connection& old) -> Connection* {
        if (old.mailbox == nullptr) {  // a queue that is dealt from: it stays, if there are targets
            return has_member(ports[old.outport].connections) ? &old : nullptr;
        }
        Rewired& port = ports[old.outport];
        const Connections& all = outports[old.outport];
        std::uint32_t at = port.to_new[static_cast<std::size_t>(&old - all.data())];
        return at == no_slot ? nullptr : &port.connections[at];
    };
    Connection* old = std::exchange(unsent_, nullptr);
    last_unsent_ = nullptr;
    while (old != nullptr) {
        Connection* behind = std::exchange(old->next_unsent, nullptr);
        old->listed = false;
        if (Connection* made = new_place(*old)) {
            made->listed = true;
            made->credit = old->credit;
            (unsent_ == nullptr ? unsent_ : last_unsent_->next_unsent) = made;
            last_unsent_ = made;
        }
        old = behind;
    }
    for (std::size_t port = 0; port < ports.size(); ++port) {
        for (Connection& from : outports[port]) {
            Connection* made = new_place(from);
            if (made == nullptr) continue;
            made->pending.swap(from.pending);
            made->passed = from.passed;
            // The target may be another actor, with the port in another place.
            for (std::size_t i = 0; i < made->pending.size(); ++i) {
                made->pending[i].port = made->inport;
            }
        }
        outports[port].swap(ports[port].connections);
    }
    for (Dealer* deals = dealers(); deals != nullptr; deals = deals->more.get()) {
        rewire_dealer(*deals, ports[deals->queue.outport]);
    }
}

void Actor::inherit_packets(const Actor& from, std::span<const std::uint32_t> port_of,
                            std::uint64_t& left) {
    Queue<Packet> packets;
    struct Drop {
        ~Drop() {
            while (!packets.empty()) (void)Message::adopt(packets.pop().message);
        }
        Queue<Packet>& packets;
    } drop{packets};
    packets.reserve(from.inputs_.size() + from.mailbox.waiting());
    for (std::size_t i = 0; i < from.inputs_.size(); ++i) {
        Packet packet = from.inputs_[i];
        if (MessageRef(packet.message).none()) continue;
        if (from.mailbox.sticky(packet.port)) continue;  // shown, and still there
        packet.message = MessageRef(packet.message).own().leak();
        packets.push_unchecked(packet);
    }
    from.mailbox.copy_to(packets);
    while (!packets.empty()) {
        Packet packet = packets.front();
        packet.port = port_of[packet.port];
        if (packet.port == no_slot) {
            ++left;
            (void)Message::adopt(packets.pop().message);
            continue;
        }
        mailbox.force(packet);
        (void)packets.pop();
    }
}

void Actor::inherit_counters(const Actor& from) noexcept {
    fired.add(from.fired.get());
    sent.add(from.sent.get());
    failed.add(from.failed.get());
    stuck.store(from.stuck.load(std::memory_order_relaxed), std::memory_order_relaxed);
    mailbox.set_dropped(mailbox.dropped() + from.mailbox.dropped());
    const Supervisor* was = from.supervisor();
    if (Supervisor* now = supervisor(); now != nullptr && was != nullptr) {
        now->retries.add(was->retries.get());
        now->restarts.add(was->restarts.get());
    }
    // Those who still read that of the old one have the old one.
    if (Probe* measured = from.probe.load(std::memory_order_acquire)) {
        measured->handed_on();
        measured->ref();
        probe.store(measured, std::memory_order_release);
    }
    std::uint64_t kept = 0;  // taken, and handed on: they are taken once more
    for (std::size_t i = 0; i < from.inputs_.size(); ++i) {
        const Packet& packet = from.inputs_[i];
        bool counts = !MessageRef(packet.message).none() && !from.mailbox.sticky(packet.port);
        kept += counts ? 1 : 0;
    }
    received.add(from.received.get() - std::min(kept, from.received.get()));
}

std::uint64_t Actor::give_inputs(Queue<Packet>& to) noexcept {
    std::uint64_t count = 0;
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
        const Packet& packet = inputs_[i];
        bool counts = !MessageRef(packet.message).none() && !mailbox.sticky(packet.port);
        count += counts ? 1 : 0;
    }
    due_ = 0;
    inputs_.swap(to);
    return count;
}

bool Actor::exhausted() noexcept {
    // A change, if to the same: a turn that ends behind it sees that turns are watched, and wakes
    // who asks here.
    std::uint32_t now = word_.fetch_or(0, std::memory_order_acq_rel) & state_mask;
    if ((now != idle && now != rest) || mailbox.ready()) return false;
    const DeferredFirings* pending = deferred_firings();
    if (pending != nullptr && pending->some()) return false;
    if (tether() != nullptr && tether()->waits_for_room()) return false;
    if (!claim()) return false;
    const bool retries = supervisor() != nullptr && supervisor()->pending != nullptr;
    // One that has asked to be called later keeps something for then, such as packets that it delays.
    const ActorTimers* own = timers();
    const bool later = own != nullptr && group.scheduler.timers.due(own->wake) != UINT64_MAX;
    const bool none = inputs_.empty() && !again_ && unsent_ == nullptr && !retries && !later;
    // As it was, unless somebody came: then with a turn.
    std::uint32_t expected = running;
    if (word_.compare_exchange_strong(expected, rest, std::memory_order_acq_rel)) {
        group.leave();
        return none;
    }
    release_claim(true, true);
    return false;
}

}  // namespace reflow::runtime
