// Inports beside the traffic: changes of a network, capacities in bytes, stalls, snapshots and
// inspection. Each function takes the lock once, as in mailbox.cpp.
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
        port.connected = ports[i].connected || port.found;
        if (ports[i].capacity != 0) {
            port.capacity.store(ports[i].capacity, std::memory_order_relaxed);
            if (rare_ != nullptr && !rare_->grown.empty()) rare_->grown[i].of_packets = 0;
        }
        if (bytes() == nullptr) continue;
        settle_bytes(static_cast<std::uint32_t>(i), ports[i].capacity_bytes);
    }
}

// ---- capacities in bytes

void Mailbox::reserve_bytes(std::span<const PortPlan> ports) {
    bool some = false;
    for (const PortPlan& port : ports) some = some || port.capacity_bytes != 0;
    if (!some) return;
    Vector<PortBytes> made(ports_.size());
    std::lock_guard lock(mutex_);
    if (bytes() == nullptr) rare().bytes.swap(made);
}

// What stalls have added stays, unless the graph says something else than before.
void Mailbox::settle_bytes(std::uint32_t number, std::uint64_t asked) noexcept {
    Port& port = ports_[number];
    PortBytes& bytes = rare_->bytes[number];
    if (bytes.asked == asked || sticky(number)) return;
    bytes.asked = asked;
    if (!rare_->grown.empty()) rare_->grown[number].of_bytes = 0;
    bytes.most.store(asked, std::memory_order_relaxed);
    std::uint64_t sum = 0;
    const Queue<Packet>& packets = queue(number);
    for (std::size_t i = 0; i < packets.size(); ++i) {
        bool own = by_port() || packets[i].port == number;
        if (own) sum += payload_size(MessageRef(packets[i].message));
    }
    bytes.waiting.store(sum, std::memory_order_relaxed);
    bytes.refused.store(no_bytes, std::memory_order_relaxed);
    port.special.store(asked == 0 ? 0 : limits_bytes, std::memory_order_release);
}

// A packet that is larger than the whole capacity goes when nothing else waits.
bool Mailbox::bytes_fit(std::uint32_t port, std::uint64_t bytes) const noexcept {
    if (ports_[port].count.load(std::memory_order_relaxed) == 0) return true;
    const PortBytes& of = rare_->bytes[port];
    std::uint64_t most = of.most.load(std::memory_order_relaxed);
    std::uint64_t waiting = of.waiting.load(std::memory_order_relaxed);
    return waiting < most && bytes <= most - waiting;
}

bool Mailbox::takes(std::uint32_t port, MessageRef message) const noexcept {
    return places(ports_[port]) != 0 && bytes_fit(port, payload_size(message));
}

bool Mailbox::room_for(std::uint32_t port, MessageRef message) const noexcept {
    const Port& to = ports_[port];
    std::uint8_t special = to.special.load(std::memory_order_acquire);
    return (special & limits_bytes) == 0 ? room(port) != 0 : takes(port, message);
}

void Mailbox::count_bytes(std::uint32_t port, MessageRef message, bool comes) noexcept {
    std::atomic<std::uint64_t>& waiting = rare_->bytes[port].waiting;
    std::uint64_t size = payload_size(message);
    std::uint64_t now = waiting.load(std::memory_order_relaxed);
    waiting.store(comes ? now + size : now - size, std::memory_order_relaxed);
}

void Mailbox::count_taken_bytes(const Queue<Packet>& packets, std::size_t count) noexcept {
    for (std::size_t i = 0; i < count; ++i) {
        std::uint32_t port = packets[i].port;
        if (limited(ports_[port])) count_bytes(port, MessageRef(packets[i].message), false);
    }
}

// Until the port is half empty: then all who wait try again.
void Mailbox::note_refused(std::uint32_t port, MessageRef message) noexcept {
    std::atomic<std::uint64_t>& refused = rare_->bytes[port].refused;
    std::uint64_t least = std::min(refused.load(std::memory_order_relaxed), payload_size(message));
    refused.store(least, std::memory_order_relaxed);
}

// ---- who is connected

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
    if (ports_[port].senders.erase(sender)) --senders_waiting_;
}

void Mailbox::copy_to(Queue<Packet>& to) const {
    std::lock_guard lock(mutex_);
    auto copy = [&](const Packet& packet, std::uint32_t port) {
        Packet one = packet;
        one.port = port;
        one.message = MessageRef(packet.message).own().leak();
        to.push_unchecked(one);
    };
    if (!by_port()) {
        to.reserve(queue_.size());
        for (std::size_t i = 0; i < queue_.size(); ++i) copy(queue_[i], queue_[i].port);
        return;
    }
    for (std::uint32_t port = 0; port < ports_.size(); ++port) {
        const Queue<Packet>& packets = rare_->queues[port];
        to.reserve(packets.size() + 1);
        const Packet& newest = rare_->newest[port];
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

// ---- snapshots and inspection

void Mailbox::copy(Vector<Packet>& to, Vector<Sticky>& newest) const {
    std::lock_guard lock(mutex_);
    std::size_t count = queue_.size();
    for (std::uint32_t i = 0; by_port() && i < ports_.size(); ++i) {
        count += rare_->queues[i].size();
    }
    to.reserve(to.size() + count);
    auto add = [&](const Queue<Packet>& packets) {
        for (std::size_t i = 0; i < packets.size(); ++i) {
            to.push_back(packets[i]);
            (void)MessageRef(packets[i].message).own().leak();
        }
    };
    add(queue_);
    if (!by_port()) return;
    newest.reserve(ports_.size());
    for (std::uint32_t i = 0; i < ports_.size(); ++i) {
        add(rare_->queues[i]);
        Packet packet = rare_->newest[i];
        if (MessageRef(packet.message).none()) continue;
        packet.port = i;
        newest.push_back({packet, ports_[i].count.load(std::memory_order_relaxed) != 0});
        (void)MessageRef(packet.message).own().leak();
    }
}

void Mailbox::restore_newest(const Packet& packet, bool fresh) noexcept {
    std::lock_guard lock(mutex_);
    rare_->newest[packet.port] = packet;
    ports_[packet.port].count.store(fresh ? 1 : 0, std::memory_order_relaxed);
}

std::size_t Mailbox::peek(std::uint32_t port, std::span<reflow_message> to) const noexcept {
    std::lock_guard lock(mutex_);
    std::size_t count = 0;
    auto copy = [&](const Packet& packet) {
        if (count < to.size()) to[count++] = MessageRef(packet.message).own().leak();
    };
    if (by_port() && sticky(port)) {
        if (ports_[port].count.load(std::memory_order_relaxed) != 0) copy(rare_->newest[port]);
        return count;
    }
    const Queue<Packet>& packets = queue(port);
    for (std::size_t i = 0; i < packets.size() && count < to.size(); ++i) {
        if (by_port() || packets[i].port == port) copy(packets[i]);
    }
    return count;
}

// ---- stalls

std::size_t Mailbox::relieve(std::uint32_t port, Vector<Message>& dropped, Released& released) {
    std::lock_guard lock(mutex_);
    Port& to = ports_[port];
    std::size_t waiting = to.count.load(std::memory_order_relaxed);
    if (to.senders.empty() || sticky(port) || waiting == 0) return 0;
    std::size_t goes = (waiting + 1) / 2;
    dropped.reserve(dropped.size() + goes);
    released.reserve(released.size() + to.senders.size());
    for (std::size_t i = 0; i < goes; ++i) drop_oldest(port, dropped);
    release_senders(port, released);
    return goes;
}

// There is memory.
void Mailbox::release_senders(std::uint32_t port, Released& released) noexcept {
    Port& from = ports_[port];
    if (limited(from)) rare_->bytes[port].refused.store(no_bytes, std::memory_order_relaxed);
    released.append(from.senders);
    senders_waiting_ -= static_cast<std::uint32_t>(from.senders.size());
    from.senders.clear();
}

[[gnu::cold]] Mailbox::Full Mailbox::full(std::uint32_t port) const noexcept {
    std::lock_guard lock(mutex_);
    const Port& of = ports_[port];
    std::uint64_t packets = of.count.load(std::memory_order_relaxed);
    if (!limited(of) || places(of) == 0) {
        return {false, packets, of.capacity.load(std::memory_order_relaxed), 0, 0};
    }
    const PortBytes& bytes = rare_->bytes[port];
    std::uint64_t most = bytes.most.load(std::memory_order_relaxed);
    std::uint64_t waiting = bytes.waiting.load(std::memory_order_relaxed);
    std::uint64_t refused = bytes.refused.load(std::memory_order_relaxed);
    std::uint64_t wanted = waiting + (refused == no_bytes || refused == 0 ? 1 : refused);
    return {true, packets, most, waiting, wanted > most ? wanted - most : 0};
}

// Under the lock. Throws bad_alloc: then nothing has changed.
[[gnu::cold]] void Mailbox::enlarge(std::uint32_t port, std::uint32_t by, std::uint64_t bytes) {
    Vector<Growth>& grown = rare().grown;
    if (grown.empty()) {
        Vector<Growth> made(ports_.size());
        grown.swap(made);
    }
    if (bytes == 0) {
        ports_[port].capacity.fetch_add(by, std::memory_order_relaxed);
        grown[port].of_packets += by;
    } else if (limited(ports_[port])) {
        std::atomic<std::uint64_t>& most = rare_->bytes[port].most;
        std::uint64_t now = most.load(std::memory_order_relaxed);
        most.store(now + std::min(bytes, UINT64_MAX - now), std::memory_order_relaxed);
        grown[port].of_bytes += by;
    }
}

[[gnu::cold]] std::uint64_t Mailbox::growth() const noexcept {
    std::lock_guard lock(mutex_);
    std::uint64_t sum = 0;
    if (rare_ == nullptr) return sum;
    for (const Growth& each : rare_->grown) sum += each.of_packets + each.of_bytes;
    return sum;
}

bool Mailbox::grow(std::uint32_t port, std::uint32_t by, Released& released, std::uint64_t bytes) {
    std::lock_guard lock(mutex_);
    Port& to = ports_[port];
    released.reserve(released.size() + to.senders.size());
    if (to.senders.empty()) return false;
    if (by != 0) enlarge(port, by, bytes);
    if (by == 0 && room(port) == 0) return false;
    release_senders(port, released);
    return true;
}

}  // namespace reflow::runtime
