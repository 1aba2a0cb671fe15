// Bounded inports. Every function takes the lock once; messages are dropped after it is left
// where that may call the host. Thread: any.
#include "runtime/mailbox.hpp"

#include <algorithm>
#include <utility>

#include "runtime/actor.hpp"
#include "runtime/group.hpp"

namespace reflow::runtime {
namespace {

void drop(const Packet& packet) noexcept { (void)Message::adopt(packet.message); }

// Counts are written under the lock alone, so that a load and a store do.
std::uint32_t step(std::atomic<std::uint32_t>& count, std::int64_t by) noexcept {
    std::uint32_t now = count.load(std::memory_order_relaxed) + static_cast<std::uint32_t>(by);
    count.store(now, std::memory_order_relaxed);
    return now;
}

}  // namespace

Mailbox::Mailbox(std::size_t ports, bool queue_per_port, std::uint32_t default_capacity,
                 void* place)
    : ports_(place, ports) {
    for (std::uint32_t i = 0; i < ports; ++i) set_capacity(i, default_capacity);
    if (!queue_per_port) return;
    rare().by_port = true;
    rare_->queues.resize(ports);
    rare_->newest.resize(ports);
}

Mailbox::~Mailbox() { drop_queues(); }

void Mailbox::set_capacity(std::uint32_t port, std::uint32_t capacity) noexcept {
    ports_[port].capacity.store(std::max<std::uint32_t>(capacity, 1), std::memory_order_relaxed);
}

void Mailbox::set_sticky(std::uint32_t port) noexcept {
    ports_[port].special.store(newest_only, std::memory_order_relaxed);
    late_ = true;
}

void Mailbox::set_connected(std::uint32_t port) noexcept {
    std::lock_guard lock(mutex_);
    ports_[port].connected = true;
}

bool Mailbox::connected(std::uint32_t port) const noexcept {
    std::lock_guard lock(mutex_);
    return ports_[port].connected;
}

// There is memory: that of a place at the end, or of what was dropped.
void Mailbox::put(std::uint32_t port, const Packet& packet) noexcept {
    Queue<Packet>& packets = queue(port);
    if (packets.space() == 0) packets.compact();
    packets.push_unchecked(packet);
    step(ports_[port].count, 1);
    if (limited(ports_[port])) count_bytes(port, MessageRef(packet.message), true);
}

void Mailbox::stick(std::uint32_t port, const Packet& packet, Dropped& dropped) {
    Port& to = ports_[port];
    Packet& newest = rare_->newest[port];
    if (newest.message.tag != 0) {
        dropped.push_back(Message::adopt(newest.message));
        count_dropped(to.count.load(std::memory_order_relaxed));
    }
    newest = packet;
    to.count.store(1, std::memory_order_relaxed);
}

void Mailbox::drop_oldest(std::uint32_t port, Dropped& dropped) {
    Queue<Packet>& packets = queue(port);
    std::size_t at = 0;
    while (packets[at].port != port) ++at;  // there is one: the port is not empty
    dropped.push_back(Message::adopt(packets.remove(at).message));
    step(ports_[port].count, -1);
    if (limited(ports_[port])) count_bytes(port, dropped.back(), false);
    count_dropped(1);
}

// Puts one packet where its connection wants it; false if it has to wait. `dropped` has memory
// for what goes.
bool Mailbox::deliver(std::uint32_t port, Delivery delivery, const Packet& packet,
                      Dropped& dropped) {
    Port& to = ports_[port];
    if (sticky(port)) {
        stick(port, packet, dropped);
        return true;
    }
    if (delivery == Delivery::latest) {
        while (to.count.load(std::memory_order_relaxed) != 0) drop_oldest(port, dropped);
    } else if (places(to) == 0 || (limited(to) && !takes(port, MessageRef(packet.message)))) {
        if (delivery == Delivery::reliable) return false;
        if (delivery == Delivery::drop_newest) {
            dropped.push_back(Message::adopt(packet.message));
            count_dropped(1);
            return true;
        }
        do {
            drop_oldest(port, dropped);
        } while (limited(to) && !takes(port, MessageRef(packet.message)));
    }
    put(port, packet);
    return true;
}

// The usual case, a reliable connection into an open port: as many as fit, at once.
std::size_t Mailbox::push_fitting(std::uint32_t port, Queue<Packet>& from) {
    Queue<Packet>& packets = queue(port);
    std::size_t count = std::min(from.size(), room(port));
    if (packets.empty() && count == from.size()) {
        packets.swap(from);
    } else {
        packets.reserve(count);
        packets.move_from(from, count);
    }
    step(ports_[port].count, static_cast<std::int64_t>(count));
    return count;
}

Mailbox::Pushed Mailbox::push(std::uint32_t port, Delivery delivery, Queue<Packet>& from,
                              Actor* sender, bool sure) {
    Dropped dropped;  // ends after the lock
    std::lock_guard lock(mutex_);
    Port& to = ports_[port];
    Pushed result;
    const bool plain = to.special.load(std::memory_order_relaxed) == 0;
    if (delivery == Delivery::reliable && plain && !closed_) {
        result.accepted = push_fitting(port, from);
        result.blocked = !from.empty();
        note_sender(to, sender, result.blocked, sure);
        return result;
    }
    // All memory comes first: a failure then changes nothing.
    dropped.reserve(from.size() + to.count.load(std::memory_order_relaxed) + 1);
    if (!sticky(port) && !closed_) {
        // Who drops makes room at the other end, so that not all need places; some, because moving
        // the whole queue is not done for each.
        constexpr std::size_t least = 128;
        queue(port).reserve(std::min(from.size(), std::max(places(to), least)));
    }
    if (closed_) {
        for (; !from.empty(); ++result.accepted) {
            dropped.push_back(Message::adopt(from.pop().message));
        }
        return result;
    }
    // A port that keeps only the newest takes everything, and so do connections that drop.
    for (; !from.empty(); ++result.accepted) {
        if (!deliver(port, delivery, from.front(), dropped)) break;
        (void)from.pop();
    }
    result.blocked = !from.empty();
    if (result.blocked && limited(to)) note_refused(port, MessageRef(from.front().message));
    note_sender(to, sender, result.blocked, sure);
    return result;
}

// One that does not wait is not to stay in the list: whoever is let go there takes the room of another one.
inline void Mailbox::note_sender(Port& to, Actor* sender, bool waits, bool sure) noexcept {
    if (!waits && to.senders.empty()) return;
    if (!sure) to.unsure = 1;
    if (sender == nullptr) return;
    bool entered = std::find(to.senders.begin(), to.senders.end(), sender) != to.senders.end();
    if (entered == waits) return;
    if (!waits) {
        (void)to.senders.erase(sender);
        --senders_waiting_;
        return;
    }
    to.senders.push_back(sender);  // its place was kept by reserve_senders()
    ++senders_waiting_;
}

std::size_t Mailbox::push_host(std::uint32_t port, std::span<const reflow_message> messages,
                               bool host_waits, std::uint32_t index) {
    Dropped dropped;  // ends after the lock
    std::lock_guard lock(mutex_);
    Port& to = ports_[port];
    if (to.special.load(std::memory_order_relaxed) == 0) {
        const std::size_t count = std::min(messages.size(), places(to));
        Queue<Packet>& packets = queue(port);
        packets.reserve(count);
        for (std::size_t i = 0; i < count; ++i) {
            packets.push_unchecked({messages[i], port, index, nullptr});
        }
        step(to.count, static_cast<std::int64_t>(count));
        to.host_waits = to.host_waits || (host_waits && count != messages.size());
        return count;
    }
    if (sticky(port)) {
        dropped.reserve(messages.size());
    } else {
        queue(port).reserve(std::min(messages.size(), places(to)));
    }
    std::size_t accepted = 0;
    for (const reflow_message& message : messages) {
        Packet packet{message, port, index, nullptr};
        if (!deliver(port, Delivery::reliable, packet, dropped)) {
            to.host_waits = to.host_waits || host_waits;
            if (host_waits && limited(to)) note_refused(port, MessageRef(message));
            break;
        }
        ++accepted;
    }
    return accepted;
}

[[gnu::cold]] void Mailbox::force(const Packet& packet) {
    Dropped none;
    Message before;  // ends after the lock
    std::lock_guard lock(mutex_);
    if (sticky(packet.port)) {
        // Needs no memory: see reserve().
        before = Message::adopt(std::exchange(rare_->newest[packet.port].message, {}));
        if (!before.none()) count_dropped(ports_[packet.port].count.load(std::memory_order_relaxed));
        stick(packet.port, packet, none);
    } else {
        queue(packet.port).reserve(1);
        put(packet.port, packet);
    }
}

[[gnu::cold]] void Mailbox::reserve(std::span<const std::uint32_t> packets) {
    std::lock_guard lock(mutex_);
    std::size_t all = 0;
    for (std::uint32_t port = 0; port < packets.size(); ++port) {
        all += packets[port];
        if (by_port()) queue(port).reserve(packets[port]);
    }
    if (!by_port()) queue_.reserve(all);
}

[[gnu::cold]] void Mailbox::close(Released& released) noexcept {
    {
        std::lock_guard lock(mutex_);
        closed_ = true;
        // A reader has one port, and nobody waits for it any more.
        released.swap(ports_.front().senders);
        senders_waiting_ = 0;
        if (outside() != nullptr && !released.empty()) outside()->enter();
        keep_released(released, 0);
    }
    drop_queues();
}

bool Mailbox::closed() const noexcept {
    std::lock_guard lock(mutex_);
    return closed_;
}

// They are let go without a lock, and may be taken out of the network meanwhile.
void Mailbox::keep_released(const Released& released, std::size_t first) const noexcept {
    if (outside() == nullptr) return;
    for (std::size_t i = first; i < released.size(); ++i) released[i]->ref();
}

std::size_t Mailbox::room(std::uint32_t port) const noexcept {
    const Port& to = ports_[port];
    std::uint8_t special = to.special.load(std::memory_order_acquire);
    if (special == 0) return places(to);
    if ((special & newest_only) != 0) return SIZE_MAX;
    if (places(to) == 0) return 0;
    std::uint64_t refused = rare_->bytes[port].refused.load(std::memory_order_relaxed);
    return bytes_fit(port, refused == no_bytes ? 1 : refused) ? 1 : 0;
}

// Lets senders go, in the order of their coming, and no more than there are places: the others would be held
// back again. No wake-up is lost. Each of them has a packet for this port and tries it in its next turn, so the
// port is full then, or nobody waits any more; packets that are taken from a port that was full let go others.
// Where one of them may not do that, since it deals or stands before a breakpoint, all are let go, and so they
// are where bytes count.
void Mailbox::let_go(Port& port, Released& released) noexcept {
    const std::size_t all = port.senders.size();
    const std::size_t count = limited(port) || port.unsure ? all : std::min(all, places(port));
    for (std::size_t i = 0; i < count; ++i) released.push_back(port.senders[i]);
    senders_waiting_ -= static_cast<std::uint32_t>(count);
    port.senders.drop_first(count);
    if (count == all) port.unsure = 0;
}

// Bookkeeping after packets left a port. Senders come back when the port is half empty, so that a
// crowd of them is not woken for each single packet.
void Mailbox::taken(std::uint32_t number, std::size_t packets, Released& released,
                    bool& host_waits) {
    Port& port = ports_[number];
    std::uint32_t count = step(port.count, -static_cast<std::int64_t>(packets));
    if (count > port.capacity.load(std::memory_order_relaxed) / 2) return;
    if (limited(port)) {
        PortBytes& bytes = rare_->bytes[number];
        std::uint64_t half = bytes.most.load(std::memory_order_relaxed) / 2;
        if (bytes.waiting.load(std::memory_order_relaxed) > half) return;
        bytes.refused.store(no_bytes, std::memory_order_relaxed);
    }
    if (port.host_waits) {
        port.host_waits = false;
        host_waits = true;
    }
    if (port.senders.empty()) return;
    if (outside() != nullptr && released.empty()) outside()->enter();
    std::size_t before = released.size();
    let_go(port, released);
    keep_released(released, before);
}

void Mailbox::settle_taken(std::uint32_t port, Released& released, bool& host_waits) {
    const std::uint32_t gone = ports_[port].gone;
    ports_[port].gone = 0;
    if (gone != 0) taken(port, gone, released, host_waits);
}

// Memory for all that taken() may add, so that a packet is never taken by half.
void Mailbox::reserve_released(Released& released) const {
    if (senders_waiting_ != 0) released.reserve(released.size() + senders_waiting_);
}

std::size_t Mailbox::take(Queue<Packet>& to, std::size_t max, Released& released,
                          bool& host_waits) {
    std::lock_guard lock(mutex_);
    Queue<Packet>& packets = queue_;
    std::size_t count = std::min(max, packets.size());
    if (count == 0) return 0;
    bool swaps = to.empty() && count == packets.size();
    if (!swaps) to.reserve(count);
    reserve_released(released);
    if (bytes() != nullptr) [[unlikely]]
        count_taken_bytes(packets, count);
    if (ports_.size() == 1) {
        taken(0, count, released, host_waits);
    } else {
        for (std::size_t i = 0; i < count; ++i) ++ports_[packets[i].port].gone;
        for (std::size_t i = 0; i < count; ++i) settle_taken(packets[i].port, released, host_waits);
    }
    if (swaps) {
        to.swap(packets);
    } else {
        to.move_from(packets, count);
    }
    return count;
}

std::size_t Mailbox::ready_firings() const noexcept {
    std::size_t firings = SIZE_MAX;
    for (std::uint32_t i = 0; i < ports_.size(); ++i) {
        if (!ports_[i].connected || sticky(i)) continue;
        firings = std::min(firings, queue(i).size());
    }
    return firings == SIZE_MAX ? 0 : firings;
}

std::size_t Mailbox::take_firings(Queue<Packet>& to, std::size_t max, Released& released,
                                  bool& host_waits) {
    std::lock_guard lock(mutex_);
    std::size_t firings = std::min(max, ready_firings());
    to.reserve(firings * ports_.size());
    reserve_released(released);
    std::size_t packets = 0;
    for (std::size_t firing = 0; firing < firings; ++firing) {
        for (std::uint32_t i = 0; i < ports_.size(); ++i) {
            Port& port = ports_[i];
            if (sticky(i)) {
                packets += port.count.exchange(0, std::memory_order_relaxed);
                Packet shown = rare_->newest[i];
                shown.port = i;
                shown.message = MessageRef(shown.message).own().leak();
                to.push_unchecked(shown);
            } else if (port.connected) {
                if (limited(port)) count_bytes(i, MessageRef(queue(i).front().message), false);
                to.push_unchecked(queue(i).pop());
                ++port.gone;
                ++packets;
            } else {
                to.push_unchecked(Packet{{}, i, REFLOW_NO_INDEX, nullptr});
            }
        }
    }
    for (std::uint32_t i = 0; i < ports_.size(); ++i) {
        settle_taken(i, released, host_waits);
        queue(i).rest();
    }
    return packets;
}

bool Mailbox::ready() const {
    std::lock_guard lock(mutex_);
    return by_port() ? ready_firings() != 0 : !queue_.empty();
}

void Mailbox::clear() noexcept {
    {
        std::lock_guard lock(mutex_);
        for (Port& port : ports_) port.senders.clear();
        senders_waiting_ = 0;
    }
    drop_queues();
}

// Needs no memory: queues are moved out one by one, and dropped outside the lock.
[[gnu::cold]] void Mailbox::drop_queues() noexcept {
    std::size_t end = 0;
    for (std::size_t first = 0; first < ports_.size(); first = end) {
        Queue<Packet> packets;
        Message newest;
        {
            std::lock_guard lock(mutex_);
            end = by_port() ? first + 1 : ports_.size();
            packets.swap(queue(static_cast<std::uint32_t>(first)));
            if (by_port()) {
                newest = Message::adopt(std::exchange(rare_->newest[first], {}).message);
            }
            for (std::size_t port = first; port < end; ++port) {
                ports_[port].count.store(0, std::memory_order_relaxed);
                if (bytes() == nullptr) continue;
                rare_->bytes[port].waiting.store(0, std::memory_order_relaxed);
            }
        }
        while (!packets.empty()) drop(packets.pop());
    }
}

std::uint64_t Mailbox::waiting() const noexcept {
    std::uint64_t sum = 0;
    for (const Port& port : ports_) sum += port.count.load(std::memory_order_relaxed);
    return sum;
}

}  // namespace reflow::runtime
