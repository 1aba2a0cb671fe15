// Packets in and out of a network.
// Thread: any.
#include "network/network.hpp"

#include "base/limits.hpp"
#include "base/text.hpp"
#include "message/envelope.hpp"

namespace reflow::network {

using runtime::Actor;

Ref<Network> Network::send_plainly(std::uint64_t inport, std::span<const reflow_message> messages,
                                   std::size_t& accepted) {
    const Entrance inside(*this);
    const std::uint32_t port = static_cast<std::uint32_t>(inport & 0xffff);
    std::uint32_t index = REFLOW_NO_INDEX;
    Actor* found = current_.load(std::memory_order_acquire)->find_inport(inport, index);
    if (found != nullptr && port < found->component->inports.size() &&
        state_.load(std::memory_order_acquire) == REFLOW_NETWORK_RUNNING) {
        accepted = push_in(*found, port, index, messages, false);
    }
    return accepted == messages.size() ? Ref<Network>() : Ref<Network>::share(this);
}

Result<void> Network::send(std::uint64_t inport, std::span<const reflow_message> messages,
                           std::int64_t timeout_ms, std::size_t& accepted,
                           std::uint32_t element) {
    accepted = 0;
    Ref<Network> kept_here;
    if (!instrument_ && !checks_types() && element == REFLOW_NO_INDEX && !messages.empty()) {
        kept_here = send_plainly(inport, messages, accepted);
        if (accepted == messages.size()) return {};
    }
    return send_any(inport, messages, timeout_ms, accepted, element);
}

// Whoever changes the network first closes it and then looks for visitors; who enters first counts
// himself and then looks whether it is closed. Both are sequentially consistent, so one of the two
// sees the other.
Network::Entrance::Entrance(Network& network) : network_(network) {
    for (;;) {
        network_.group_.visit();
        if (!network_.closed_for_change_.load(std::memory_order_seq_cst)) [[likely]]
            return;
        auto kept = Ref<Network>::share(&network_);
        leave();
        std::unique_lock lock(network_.entrance_mutex_);
        network_.entrance_changed_.wait(
            lock, [&] { return !network_.closed_for_change_.load(std::memory_order_relaxed); });
    }
}

void Network::Entrance::leave() noexcept {
    // A callback may end the network as soon as the visit is over, and the look behind that needs it.
    auto kept = Ref<Network>::share(&network_);
    network_.group_.end_visit();
    if (network_.closed_for_change_.load(std::memory_order_seq_cst)) [[unlikely]] {
        // The lock orders this with somebody who has just looked and is about to sleep.
        std::lock_guard lock(network_.entrance_mutex_);
        network_.entrance_changed_.notify_all();
    }
}

// Puts in what fits, under a visit; returns how many that were.
std::size_t Network::push_in(Actor& actor, std::uint32_t port, std::uint32_t index,
                             std::span<const reflow_message> messages, bool host_waits) {
    std::size_t went = 0;
    if (!wants(REFLOW_EVENT_MESSAGE_RECEIVED)) {
        went = actor.mailbox.push_host(port, messages, host_waits, index);
    } else {
        // One by one, each kept for its event: the actor may take and drop it at once.
        for (; went < messages.size(); ++went) {
            Message message = MessageRef(messages[went]).own();
            auto event = new_event(REFLOW_EVENT_MESSAGE_RECEIVED, actor);
            std::size_t one = 0;
            try {
                one = actor.mailbox.push_host(port, messages.subspan(went, 1), host_waits, index);
            } catch (const std::bad_alloc&) {
                if (went == 0) throw;
            }
            if (one == 0) break;
            if (!event) continue;
            event->port = actor.component->inports[port].name;
            event->envelope = envelope_of(message).own();
            event->message = take_payload(std::move(message));
            event->waiting = actor.mailbox.waiting(port);
            post(event);
        }
    }
    if (went == 0) return 0;
    group_.began();
    actor.notify();
    return went;
}

[[gnu::cold]] Result<std::uint64_t> Network::find_inport(std::string_view node, std::string_view port) {
    Ref<Topology> all = topology();
    Result<Topology::Place> found = all->resolve(node, port, true);
    if (!found.ok()) return found.take_error();
    const Topology::Place& place = found.value();
    Result<std::uint64_t> number = all->number_of(place);
    if (number.ok()) {
        if (instrument_) note(Step::connect, {position_of(*place.actor), place.port});
        place.actor->mailbox.set_found(place.port);
    }
    return number;
}

[[gnu::cold]] Result<void> Network::on_writable(std::uint64_t inport, reflow_writable_fn callback, HostData data,
                                  const void* who) {
    if (instrument_) {
        return Failure(REFLOW_ERROR_UNSUPPORTED,
                       "a network that records or is replayed calls no host when there is room");
    }
    std::uint32_t index = REFLOW_NO_INDEX;
    const Actor* found = topology()->find_inport(inport, index);
    bool known = found != nullptr && (inport & 0xffff) < found->component->inports.size();
    if (!known && callback != nullptr) {
        return Failure(REFLOW_ERROR_NOT_FOUND, "the inport is not one of this network");
    }
    return writables_.set(inport, who, callback, std::move(data));
}

// ---- outputs

reflow_status Output::recv(std::span<reflow_message> to, std::int64_t timeout_ms,
                           std::size_t& count) {
    reflow_status status = recv_enveloped(to, timeout_ms, count);
    for (reflow_message& each : to.first(count)) {
        if (is_enveloped(MessageRef(each))) each = take_payload(Message::adopt(each)).leak();
    }
    return status;
}

reflow_status Output::recv_enveloped(std::span<reflow_message> to, std::int64_t timeout_ms,
                                     std::size_t& count, std::uint32_t* elements) {
    count = 0;
    Queue<runtime::Packet> packets;
    std::uint64_t start = network_.group().scheduler.clock().now_ns();
    for (;;) {
        bool closed = over();  // before the look: what came before the end is seen
        {
            runtime::Released released;
            bool host_waits = false;
            auto nobody_runs = network_.still();
            std::size_t took = mailbox.take(packets, to.size(), released, host_waits);
            if (took != 0) network_.note(Step::take, {number, static_cast<std::int64_t>(took)});
            network_.let_go(released);
        }
        for (std::size_t i = 0; i < packets.size(); ++i) {
            if (elements != nullptr) elements[count] = packets[i].index;
            to[count++] = packets[i].message;
        }
        if (count != 0 || to.empty()) return REFLOW_OK;
        if (closed) return REFLOW_ERROR_CLOSED;
        if (timeout_ms == 0) return REFLOW_ERROR_WOULD_BLOCK;
        std::int64_t left = network_.left_ms(timeout_ms, start);
        reflow_status status =
            network_.group().wait(left, [&] { return mailbox.waiting() != 0 || over(); });
        if (status != REFLOW_OK) return status;
    }
}

void Network::arrived(runtime::Mailbox& reader) noexcept {
    static_cast<Output::Inbox&>(reader).output.readable.tell();
}

bool Output::over() const noexcept {
    return network_.closed() || detached.load(std::memory_order_acquire);
}

// Senders that waited for a reader; the mailbox made the group active for them.
void Network::let_go(const runtime::Released& senders) noexcept {
    if (senders.empty()) return;
    // In a group that stops they do not run any more, and once that is reported they must not: the
    // network may end.
    if (!group_.stopping()) {
        for (Actor* sender : senders) sender->release();
    }
    for (Actor* sender : senders) sender->unref();
    group_.leave();
}

}  // namespace reflow::network
