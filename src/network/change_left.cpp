// What is left of nodes and connections that a change has taken away: delivered to where it still can
// go, or dropped and told. Behind the step, before anybody who was touched goes on.
// Neighbours: change.cpp. Thread: that of the caller of the change.
#include "network/change.hpp"

#include "base/text.hpp"
#include "runtime/supervisor.hpp"
#include "runtime/tether.hpp"

namespace reflow::network {

using runtime::Actor;
using runtime::Connection;

namespace {

std::uint64_t drop_all(Queue<runtime::Packet>& packets) noexcept {
    std::uint64_t count = packets.size();
    while (!packets.empty()) (void)Message::adopt(packets.pop().message);
    return count;
}

std::string_view name_of(const Actor& actor, std::uint32_t inport) noexcept {
    return actor.component->inports[inport].name;
}

}  // namespace

// There was no memory for so many packets, nor for letters.
void Change::run_out(std::uint64_t packets) noexcept {
    done_.packets_dropped += packets;
    for (; options_.letters && swapped_ && packets != 0; --packets) network_.letters_.lose();
}

// What was emitted on a connection that has gone: to its target, if that is still there. Its
// capacity does not count.
void Change::deliver_left(Connection& old) noexcept {
    runtime::Mailbox* to = old.mailbox;
    std::uint32_t port = old.inport;
    if (old.target != nullptr && old.target->retired()) {
        Actor* now = next_->find_actor(old.target->id);
        std::optional<std::uint32_t> same;
        if (now != nullptr) same = now->component->find_inport(name_of(*old.target, port));
        if (!same) {
            for (std::size_t i = 0; keeps_letters(now) && i < old.pending.size(); ++i) {
                write_letter(*old.target, now, old.pending[i], 0);
            }
            done_.packets_dropped += drop_all(old.pending);
            return;
        }
        to = &now->mailbox;
        port = *same;
    }
    while (!old.pending.empty()) {
        runtime::Packet packet = old.pending.pop();
        packet.port = port;
        try {
            to->force(packet);
        } catch (const std::bad_alloc&) {
            run_out(1);
            (void)Message::adopt(packet.message);
        }
    }
}

// A firing that was pending, or was to be tried again, at a node that has gone. One that takes its
// place does not get that.
void Change::lose(const Actor& actor, const runtime::Deferred& firing,
                  std::uint32_t attempts) noexcept {
    for (std::size_t i = 0; i < firing.inputs.size(); ++i) {
        const runtime::Packet& packet = firing.inputs[i];
        if (MessageRef(packet.message).none() || actor.mailbox.sticky(packet.port)) continue;
        ++done_.packets_dropped;
        if (options_.letters && swapped_) write_letter(actor, nullptr, packet, attempts);
    }
}

// What waits at a node that has gone, as firings that were never tried; the first one may have been. If another
// one is in its place only what that has no ports for.
// A port that shows its newest packet has one that waits only if that was not shown yet.
void Change::write_letters(const Actor& actor, const Actor* now, const Queue<runtime::Packet>& inputs,
                           std::uint32_t attempts) noexcept {
    auto goes_on = [&](std::uint32_t port) {
        return now != nullptr && now->component->find_inport(name_of(actor, port)).has_value();
    };
    Queue<runtime::Packet> waiting;
    try {
        actor.mailbox.copy_to(waiting);
    } catch (const std::bad_alloc&) {
        for (std::uint32_t port = 0; port < actor.component->inports.size(); ++port) {
            for (std::size_t i = goes_on(port) ? 0 : actor.mailbox.waiting(port); i != 0; --i) {
                network_.letters_.lose();
            }
        }
    }
    for (std::size_t i = 0; i < inputs.size(); ++i) {
        if (actor.mailbox.sticky(inputs[i].port) || goes_on(inputs[i].port)) continue;
        write_letter(actor, now, inputs[i], i < actor.firing_size() ? attempts : 0);
    }
    for (std::size_t i = 0; i < waiting.size(); ++i) {
        const std::uint32_t port = waiting[i].port;
        if (actor.mailbox.waiting(port) != 0 && !goes_on(port)) write_letter(actor, now, waiting[i], 0);
    }
    (void)drop_all(waiting);
}

void Change::write_letter(const Actor& actor, const Actor* now, const runtime::Packet& packet,
                          std::uint32_t attempts) noexcept {
    if (MessageRef(packet.message).none()) return;
    std::unique_ptr<Error> error;
    try {
        error = Failure(REFLOW_ERROR_CANCELLED,
                        now == nullptr
                            ? String("the node was removed while this waited at it")
                            : concat("the node was replaced by one without the inport '",
                                     name_of(actor, packet.port), "'"))
                    .node(actor.id)
                    .take();
    } catch (const std::bad_alloc&) {
        // The letter is kept without it.
    }
    network_.letter({actor, error.get(), REFLOW_ERROR_CANCELLED, {&packet, 1}, attempts, 0});
}

// Before what it has emitted is delivered.
void Change::end_firings(Actor& actor) noexcept {
    if (runtime::ActorTimers* own = actor.timers()) own->cancel_all();
    if (runtime::Supervisor* own = actor.supervisor()) {
        own->cancel();
        while (own->pending != nullptr) {
            Ref<runtime::Deferred> firing = own->take_pending();
            lose(actor, *firing, firing->attempts);
        }
    }
    run_out(actor.end_deferred(
        [&](const runtime::Deferred& firing) { lose(actor, firing, firing.attempts + 1); }));
}

void Change::tear_down(Actor& actor) noexcept {
    std::uint32_t attempts = 0;
    const runtime::Supervisor* own = actor.supervisor();
    if (own != nullptr && own->in_place && !own->inputless) attempts = own->attempts;
    if (runtime::Tether* streams = actor.tether()) streams->close();
    Queue<runtime::Packet> inputs;
    std::uint64_t waits = 0;
    {
        std::lock_guard lock(network_.pause_mutex_);  // somebody may look into it
        waits = actor.give_inputs(inputs) + actor.mailbox.waiting();
    }
    // What waited at a replaced one waits at the new one.
    const Actor* now = next_->find_actor(actor.id);
    if (swapped_ && now == nullptr) done_.packets_dropped += waits;
    if (swapped_ && keeps_letters(now)) write_letters(actor, now, inputs, attempts);
    (void)drop_all(inputs);
    actor.mailbox.shut();
    runtime::InTurn inside(network_.runtime_->scheduler());
    actor.teardown();
    actor.end_streams(true);
    actor.end_state();
}

}  // namespace reflow::network
