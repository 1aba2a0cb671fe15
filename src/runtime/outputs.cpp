// What an actor emits: kept with its connections, and delivered when its turn ends or sooner.
// Neighbours: actor, mailbox. Thread: that of the turn.
#include <algorithm>
#include <new>

#include "runtime/actor.hpp"
#include "runtime/dealer.hpp"
#include "runtime/scheduler.hpp"

namespace reflow::runtime {

// ---- emitting

void Actor::list(Connection& connection) noexcept {
    std::size_t room = connection.delivery == Delivery::reliable
                           ? connection.mailbox->room(connection.inport)
                           : SIZE_MAX;
    connection.credit = static_cast<std::uint8_t>(std::min(room, Connection::worth));
    connection.open = 0;
    const Actor* to = connection.target;
    connection.direct = to != nullptr && connection.delivery == Delivery::reliable &&
                        to->component->await == REFLOW_AWAIT_ANY && to->apart == 0;
    enlist(connection);
}

void Actor::close_all() noexcept {
    for (Connections& connections : outports) {
        for (Connection& connection : connections) connection.open = 0;
    }
}

bool Actor::open_up(Connection& connection) noexcept {
    if (connection.listed || connection.pending.space() == 0 || group.observer.looks_at_emits()) {
        return false;
    }
    if (connection.outport >= component->outports.size()) return false;  // to a fallback
    if (dealers() != nullptr && dealer(connection.outport) != nullptr) return false;
    list(connection);
    connection.opens = true;
    std::size_t space = std::min<std::size_t>(connection.pending.space(), connection.credit);
    connection.set_open(space);
    return space != 0;
}

void Actor::bound(Connection& connection) noexcept {
    std::size_t size = connection.pending.size();
    std::size_t space = connection.pending.space();
    if (size > connection.credit) {
        flush_now_ = true;  // once the callback returns
    } else {
        space = std::min<std::size_t>(space, connection.credit - size);
    }
    bool looks = group.observer.looks_at_emits();
    connection.set_open(looks ? 0 : space);
}

reflow_status Actor::emit(std::uint32_t outport, Message message, std::uint32_t index) {
    if (outport >= component->outports.size()) return REFLOW_ERROR_NOT_FOUND;
    if (message.none()) return REFLOW_ERROR_INVALID_ARGUMENT;
    if (emitted_ >= limits::emits_count) {
        if (deferred() == nullptr || !deferred()->captures) return REFLOW_ERROR_LIMIT;
        return capture(outport, std::move(message), index);
    }
    if (group.observer.hears_emits()) message = announce(outport, index, std::move(message));
    if (dealers() != nullptr) [[unlikely]] {
        if (Dealer* deals = dealer(outport)) {
            emit_dealt(*deals, std::move(message), index);
            return REFLOW_OK;
        }
    }
    Connections& connections = outports[outport];
    auto matches = [index](const Connection& connection) {
        return index == REFLOW_NO_INDEX || connection.from_index == REFLOW_NO_INDEX ||
               connection.from_index == index;
    };
    // Memory first, so that a message goes to all of its connections or to none.
    std::size_t last = connections.size();
    for (std::size_t i = 0; i < connections.size(); ++i) {
        if (!matches(connections[i])) continue;
        connections[i].pending.reserve(1);
        last = i;
    }
    ++emitted_;
    if (last == connections.size()) return REFLOW_OK;
    for (std::size_t i = 0; i <= last; ++i) {
        Connection& to = connections[i];
        if (!matches(to)) continue;
        Message copy = i == last ? std::move(message) : message;
        // Who reads for the host is told the element.
        const std::uint32_t element = to.target == nullptr ? index : to.to_index;
        if (to.open != 0 && element == to.to_index) {
            put_open(to, copy.leak());
            continue;
        }
        if (!to.listed) list(to);
        to.pending.push_unchecked({copy.leak(), to.inport, element, nullptr});
        bound(to);
    }
    return REFLOW_OK;
}

bool Actor::emit_plain(std::uint32_t outport, reflow_message message) noexcept {
    if (outport >= outports.size() || message.tag == 0 || emitted_ >= limits::emits_count) {
        return false;
    }
    Connections& all = outports[outport];
    if (all.size() != 1 && (all.empty() || dealers() != nullptr)) return false;
    // To all of them or to none, with one step of the count of references.
    for (Connection& to : all) {
        if (to.open == 0 && !open_up(to)) return false;
    }
    ++emitted_;
    if (all.size() != 1) {
        MessageRef(message).copies(static_cast<std::uint32_t>(all.size() - 1));
    }
    for (Connection& to : all) put_open(to, message);
    return true;
}

std::size_t Actor::emit_plain(std::uint32_t outport,
                              std::span<const reflow_message> messages) noexcept {
    Connection* only = only_connection(outport);
    if (only == nullptr || emitted_ >= limits::emits_count) return 0;
    Connection& to = *only;
    if (to.open == 0 && !open_up(to)) return 0;
    std::size_t most = std::min<std::size_t>(
        {messages.size(), std::size_t{to.open}, std::size_t{limits::emits_count} - emitted_});
    Packet packet{{}, to.inport, to.to_index, nullptr};
    Packet* place = to.pending.push_places();
    std::size_t count = 0;
    for (; count < most && messages[count].tag != 0; ++count) {
        packet.message = messages[count];
        place[count] = packet;
    }
    if (count == 0) return 0;
    if (!to.listed) enlist(to);
    to.pending.pushed(count);
    to.open = static_cast<std::uint8_t>(to.open - count);
    emitted_ += static_cast<std::uint32_t>(count);
    return count;
}

std::size_t Actor::room(std::uint32_t outport) const noexcept {
    if (outport >= outports.size()) return 0;
    if (const Dealer* deals = dealer(outport)) return room_dealt(*deals);
    std::size_t room = SIZE_MAX;
    for (const Connection& connection : outports[outport]) {
        if (connection.delivery != Delivery::reliable) continue;
        std::size_t free = connection.mailbox->room(connection.inport);
        std::size_t pending = connection.pending.size();
        room = std::min(room, free > pending ? free - pending : 0);
    }
    return room;
}

// ---- delivering

// An actor that waits for a port is in its list once, whatever its connections. So one that does not wait does not
// take it off, nor does one that waits need a place (NULL), while another one to the same port was held back before it
// in this round: the list up to this one, or to the queue that it is dealt from, has such alone.
[[gnu::cold]] Actor* Actor::waiting_for(const Connection& connection) noexcept {
    auto same = [&](const Connection& other) {
        return other.mailbox == connection.mailbox && other.inport == connection.inport;
    };
    for (const Connection* at = unsent_; at != nullptr && at != &connection; at = at->next_unsent) {
        if (at->mailbox != nullptr) {
            if (same(*at)) return nullptr;
            continue;
        }
        if (at->outport == connection.outport) break;
        for (const Connection& dealt : outports[at->outport]) {
            if (same(dealt)) return nullptr;
        }
    }
    return this;
}

Mailbox::Pushed Actor::push(Connection& connection, Lane& lane) {
    if (group.observer.sees_deliveries()) [[unlikely]]
        return push_each(connection, lane);
    connection.passed = false;  // there may be breakpoints again later
    // What is dealt may go to another target by then.
    return connection.mailbox->push(connection.inport, connection.delivery, connection.pending,
                                    unsent_ == &connection ? this : waiting_for(connection),
                                    dealers() == nullptr);
}

Mailbox::Pushed Actor::push_outward(Connection& connection, Lane& lane) {
    Mailbox::Pushed pushed;
    if (connection.mailbox == nullptr) {
        pushed.blocked = !deal(*dealer(connection.outport), lane);
        return pushed;
    }
    pushed = push(connection, lane);
    if (pushed.accepted != 0) {
        sent.add(pushed.accepted);
        group.wake_hosts();
        group.observer.arrived(*connection.mailbox);
    }
    return pushed;
}

bool Actor::hand_over(Connection& connection, Lane& lane) noexcept {
    Actor* to = connection.target;
    if (!connection.direct || !lane.may_hand_over() || group.observer.watches()) return false;
    const std::size_t count = connection.pending.size();
    const std::size_t room = connection.mailbox->hand_over_room(connection.inport);
    if (count > room) return false;
    std::uint32_t expected = idle;
    if (!to->word_.compare_exchange_strong(expected, running, std::memory_order_acq_rel)) {
        return false;
    }
    lane.enter();
    REFLOW_ASSERT(to->inputs_.empty() && to->due_ == 0);
    connection.pending.give_to(to->inputs_);
    sent.add(count);
    to->received.add(count);
    lane.hand_over(*to);
    connection.listed = false;
    connection.passed = false;
    // The next turn most likely does the same. The target has nothing, so all of its room is there.
    connection.credit = static_cast<std::uint8_t>(std::min(room, Connection::worth));
    std::size_t space = std::min<std::size_t>(connection.pending.space(), connection.credit);
    connection.open = connection.opens ? static_cast<std::uint8_t>(space) : 0;
    return true;
}

bool Actor::flush(Lane& lane, bool ends_turn) {
    flush_now_ = false;
    if (ends_turn && unsent_ == last_unsent_) {  // with most turns there is one connection
        if (hand_over(*unsent_, lane)) {
            unsent_ = last_unsent_ = nullptr;
            return true;
        }
        ends_turn = false;
    }
    return flush_all(lane, ends_turn);
}

bool Actor::flush_all(Lane& lane, bool hands_over) {
    Connection* kept = nullptr;
    // What waits for room, or was not reached because memory ran out, stays in the list.
    for (Connection** at = &unsent_; *at != nullptr;) {
        Connection& connection = **at;
        connection.open = 0;
        bool last = hands_over && connection.next_unsent == nullptr;
        if (!last || !hand_over(connection, lane)) {
            Mailbox::Pushed pushed;
            if (connection.target == nullptr) {
                pushed = push_outward(connection, lane);
            } else {
                pushed = push(connection, lane);
                if (pushed.accepted != 0) {
                    sent.add(pushed.accepted);
                    connection.target->notify(&lane);
                }
            }
            if (stopped_) return false;  // the rest of the list is as it was
            if (pushed.blocked) {
                kept = &connection;
                at = &connection.next_unsent;
                continue;
            }
            connection.pending.rest();
        }
        connection.listed = false;
        connection.passed = false;
        *at = connection.next_unsent;
    }
    last_unsent_ = kept;
    return kept == nullptr;
}

}  // namespace reflow::runtime
