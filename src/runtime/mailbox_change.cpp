// Inports of a network that is changed. Each function takes the lock once, as in mailbox.cpp.
// Thread: any.
#include <algorithm>

#include "runtime/actor.hpp"
#include "runtime/mailbox.hpp"

namespace reflow::runtime {

void Mailbox::reserve_senders(std::uint32_t port, std::uint32_t count) {
    std::lock_guard lock(mutex_);
    ports_[port].senders.reserve(count);
}

void Mailbox::settle(std::span<const PortPlan> ports, bool late) noexcept {
    std::lock_guard lock(mutex_);
    late_ = late;
    for (std::size_t i = 0; i < ports.size(); ++i) {
        Port& port = ports_[i];
        port.sender_count = ports[i].senders;
        port.connected = ports[i].connected || port.found;
        if (ports[i].capacity != 0) {
            port.capacity.store(ports[i].capacity, std::memory_order_relaxed);
        }
    }
}

void Mailbox::set_found(std::uint32_t port) noexcept {
    std::lock_guard lock(mutex_);
    ports_[port].found = ports_[port].connected = true;
}

bool Mailbox::found(std::uint32_t port) const noexcept {
    std::lock_guard lock(mutex_);
    return ports_[port].found;
}

void Mailbox::forget(std::uint32_t port, const Actor* sender) noexcept {
    std::lock_guard lock(mutex_);
    Vector<Actor*>& senders = ports_[port].senders;
    auto found = std::find(senders.begin(), senders.end(), sender);
    if (found == senders.end()) return;
    senders.erase(found);
    --senders_waiting_;
}

void Mailbox::copy_to(Queue<Packet>& to) const {
    std::lock_guard lock(mutex_);
    auto copy = [&](const Packet& packet, std::uint32_t port) {
        Packet one = packet;
        one.port = port;
        one.message = MessageRef(packet.message).own().leak();
        to.push_unchecked(one);
    };
    if (by_port_ == nullptr) {
        to.reserve(queue_.size());
        for (std::size_t i = 0; i < queue_.size(); ++i) copy(queue_[i], queue_[i].port);
        return;
    }
    for (std::uint32_t port = 0; port < ports_.size(); ++port) {
        const Queue<Packet>& packets = by_port_->queues[port];
        to.reserve(packets.size() + 1);
        const Packet& newest = by_port_->newest[port];
        if (!MessageRef(newest.message).none()) copy(newest, port);
        for (std::size_t i = 0; i < packets.size(); ++i) copy(packets[i], port);
    }
}

void Mailbox::shut() noexcept {
    {
        std::lock_guard lock(mutex_);
        closed_ = true;
        for (Port& port : ports_) port.senders.clear();
        senders_waiting_ = 0;
    }
    drop_queues();
}

}  // namespace reflow::runtime
