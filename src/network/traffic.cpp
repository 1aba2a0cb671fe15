// Packets in and out of a network.
// Thread: any.
#include "network/network.hpp"

#include <functional>

#include "base/limits.hpp"
#include "base/text.hpp"

namespace reflow::network {

using runtime::Actor;

Result<void> Network::send(std::uint64_t inport, std::span<const reflow_message> messages,
                           std::int64_t timeout_ms, std::size_t& accepted) {
    accepted = 0;
    std::uint64_t position = inport >> 16 & 0xffffff;
    std::uint32_t port = static_cast<std::uint32_t>(inport & 0xffff);
    Actor* found = nullptr;
    std::uint32_t index = REFLOW_NO_INDEX;
    if (position < actors_.size()) {
        found = actors_[position].get();
    } else if (position - actors_.size() < inports_.size()) {
        const Exposed& exposed = inports_[position - actors_.size()];
        found = exposed.actor;
        index = exposed.index;
    }
    bool known = inport >> 40 == nonce_ && found != nullptr;
    if (!known || port >= found->component->inports.size()) {
        return Failure(REFLOW_ERROR_NOT_FOUND, "the inport is not one of this network");
    }
    Actor& actor = *found;
    auto place = [&](reflow_status status, std::string_view text) {
        return Failure(status, text).node(actor.id).port(actor.component->inports[port].name);
    };
    std::uint64_t start = timeout_ms > 0 ? runtime_->scheduler().clock().now_ns() : 0;
    for (;;) {
        // The guard keeps the network from ending, and from being idle, between here and notify.
        group_.guard();
        std::int32_t now = state_.load(std::memory_order_acquire);
        if (now != REFLOW_NETWORK_RUNNING) {
            group_.leave();
            if (now == REFLOW_NETWORK_CREATED || now == starting) {
                return Failure(REFLOW_ERROR_INVALID_STATE, "the network is not started");
            }
            return place(REFLOW_ERROR_CLOSED, "the network takes no more input");
        }
        try {
            accepted += push_in(actor, port, index, messages.subspan(accepted), timeout_ms != 0);
        } catch (const std::bad_alloc&) {
            group_.leave();
            throw;
        }
        group_.leave();
        if (accepted == messages.size()) return {};
        if (timeout_ms == 0) return place(REFLOW_ERROR_WOULD_BLOCK, "the inport is full");
        Visit visit(*this);
        auto over = [&] {
            return actor.mailbox.room(port) != 0 || group_.failed() ||
                   state_.load(std::memory_order_acquire) != REFLOW_NETWORK_RUNNING;
        };
        reflow_status status = group_.wait(left_ms(timeout_ms, start), std::ref(over));
        if (Result<void> waiting = waited(status, "waiting for room"); !waiting.ok()) {
            return waiting;
        }
    }
}

// Puts in what fits, under a guard; returns how many that were.
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
            event->message = std::move(message);
            event->waiting = actor.mailbox.waiting(port);
            post(event);
        }
    }
    if (went == 0) return 0;
    group_.began();
    actor.notify();
    return went;
}

// ---- outputs

Result<Ref<Output>> Network::open_output(std::string_view node, std::string_view port,
                                         std::uint32_t capacity) {
    Result<Place> found = resolve(node, port, false);
    if (!found.ok()) return found.take_error();
    const Place& place = found.value();
    std::size_t ends = place.ends.empty() ? 1 : place.ends.size();
    std::lock_guard lock(mutex_);
    if (state_.load(std::memory_order_acquire) != REFLOW_NETWORK_CREATED) {
        return Failure(REFLOW_ERROR_INVALID_STATE, "outputs are opened before the network starts");
    }
    if (capacity == 0) capacity = runtime_->options().port_capacity;
    auto output = Ref<Output>::adopt(new Output(*this, capacity));
    output->mailbox.set_outside(group_);
    outputs_.reserve(outputs_.size() + 1);
    group_.readers.reserve(group_.readers.size() + 1);
    // Memory first: then none of them fails.
    for (std::size_t i = 0; i < ends; ++i) {
        output->mailbox.add_sender(0);
        auto& connections = place.ends.empty() ? place.actor->outports[place.port]
                                               : place.ends[i].actor->outports[place.ends[i].port];
        connections.reserve(connections.size() + ends);
    }
    // The last thing that may fail: what was reserved stays as it is.
    if (Result<void> added = runtime_->add_packets(capacity); !added.ok()) {
        return added.take_error();
    }
    counted_packets_ += capacity;
    for (std::size_t i = 0; i < ends; ++i) {
        const Exposed* end = place.ends.empty() ? nullptr : &place.ends[i];
        runtime::Connection connection;
        connection.mailbox = &output->mailbox;
        connection.outport = end == nullptr ? place.port : end->port;
        connection.from_index = end == nullptr ? REFLOW_NO_INDEX : end->index;
        (end == nullptr ? place.actor : end->actor)
            ->outports[connection.outport]
            .push_back(std::move(connection));
    }
    group_.readers.push_back(&output->mailbox);
    outputs_.push_back(output);
    return output;
}

reflow_status Output::recv(std::span<reflow_message> to, std::int64_t timeout_ms,
                           std::size_t& count) {
    count = 0;
    Queue<runtime::Packet> packets;
    std::uint64_t start = network_.group().scheduler.clock().now_ns();
    for (;;) {
        bool closed = network_.closed();  // before the look: what came before the end is seen
        runtime::Released released;
        bool host_waits = false;
        mailbox.take(packets, to.size(), released, host_waits);
        network_.let_go(released);
        for (std::size_t i = 0; i < packets.size(); ++i) to[count++] = packets[i].message;
        if (count != 0 || to.empty()) return REFLOW_OK;
        if (closed) return REFLOW_ERROR_CLOSED;
        if (timeout_ms == 0) return REFLOW_ERROR_WOULD_BLOCK;
        std::int64_t left = network_.left_ms(timeout_ms, start);
        reflow_status status = network_.group().wait(
            left, [&] { return mailbox.waiting() != 0 || network_.closed(); });
        if (status != REFLOW_OK) return status;
    }
}

void Output::close() noexcept {
    runtime::Released released;
    mailbox.close(released);
    network_.let_go(released);
}

// Senders that waited for a reader; the mailbox made the group active for them.
void Network::let_go(const runtime::Released& senders) noexcept {
    if (senders.empty()) return;
    // In a group that stops they do not run any more, and once that is reported they must not: the
    // network may end.
    if (!group_.stopping()) {
        for (Actor* sender : senders) sender->release();
    }
    group_.leave();
}

}  // namespace reflow::network
