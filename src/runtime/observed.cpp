// The slower ways of an actor that somebody looks at: firings and deliveries one by one, each with
// its event, or stopped before by a breakpoint.
// Neighbours: actor.cpp and outputs.cpp (the usual ways). Thread: that of the turn.
#include <new>
#include <utility>

#include "runtime/actor.hpp"

namespace reflow::runtime {

// What prepare() takes off wanted_ and resting_ comes back if the actor stops: its next turn, after
// resume() or step(), finds all as it was, and passes.
bool Actor::prepare_or_stop(Lane& lane, Context& context, std::size_t& firings) {
    const std::uint32_t wanted = wanted_;
    const std::uint8_t rested = resting_;
    if (!prepare(lane, 1, context, firings)) return false;
    if (std::exchange(passed_, false)) return true;
    std::span<const Packet> inputs(inputs_.data(), firings * firing_size_);
    if (!group.observer.breaks() || !group.observer.breaks_before(*this, inputs)) return true;
    // A source that has ended has nothing but its finish before it.
    wanted_ |= wanted & (ended_ ? finish_bit : start_bit | alarm_bits | finish_bit);
    if (std::uint64_t bits = std::exchange(context.next_timers, 0)) timers()->put_back(bits);
    resting_ = ended_ ? std::uint8_t{0} : rested;
    passed_ = true;
    return false;
}

Mailbox::Pushed Actor::push_each(Connection& connection, Lane& lane) {
    const bool tells =
        connection.target != nullptr && group.observer.wants(REFLOW_EVENT_MESSAGE_SENT);
    const bool breaks = group.observer.breaks();
    Mailbox::Pushed all;
    Queue<Packet> one;
    one.reserve(1);
    while (!connection.pending.empty() && !all.blocked) {
        Message message = MessageRef(connection.pending.front().message).own();  // with its envelope
        const bool looks = breaks && !connection.passed;
        connection.passed = connection.passed || breaks;
        if (looks && group.observer.breaks_before(*this, connection, message)) {
            stopped_ = all.blocked = true;
            break;
        }
        one.reserve(1);  // the mailbox may have swapped it
        one.push_unchecked(connection.pending.pop());
        Mailbox::Pushed pushed;
        try {
            pushed = connection.mailbox->push(connection.inport, connection.delivery, one,
                                              waiting_for(connection), false);
        } catch (const std::bad_alloc&) {
            connection.pending.unpop(one.pop());
            sent.add(all.accepted);  // those before it went
            if (all.accepted != 0 && connection.target != nullptr) {
                connection.target->notify(&lane);
            } else if (all.accepted != 0) {
                group.wake_hosts();
            }
            throw;
        }
        all.accepted += pushed.accepted;
        all.blocked = pushed.blocked;
        if (pushed.accepted == 0) {
            connection.pending.unpop(one.pop());
            continue;
        }
        connection.passed = false;
        if (tells) {
            group.observer.sent(*this, connection.outport, *connection.target, connection.inport,
                                message);
        }
    }
    return all;
}

}  // namespace reflow::runtime
