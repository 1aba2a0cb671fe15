// The inports of one actor, or of a reader of the host: bounded queues with their waiting senders.
// Neighbours: actor, output. Thread: any; one lock, held for the length of a batch of pushes.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>

#include "base/memory.hpp"
#include "base/mutex.hpp"
#include "base/queue.hpp"
#include "base/row.hpp"
#include "message/message.hpp"
#include "reflow.h"
#include "runtime/actor_list.hpp"

namespace reflow::runtime {

class Actor;
class Group;
using Packet = reflow_packet;

// What a connection does when the port is full.
enum class Delivery : std::uint8_t { reliable, latest, drop_oldest, drop_newest };

// Actors to be released after the lock is left; they wait in no list any more.
using Released = ActorList;

class Mailbox {
public:
    // queue_per_port is for the rules all and required; otherwise one queue keeps the order of
    // arrival over all ports. place: for ports_bytes() of its owner, or NULL.
    Mailbox(std::size_t ports, bool queue_per_port, std::uint32_t default_capacity,
            void* place = nullptr);
    [[nodiscard]] static constexpr std::size_t ports_bytes(std::size_t ports) noexcept {
        return ports * sizeof(Port);
    }
    ~Mailbox();

    // ---- while the network is built
    void set_capacity(std::uint32_t port, std::uint32_t capacity) noexcept;
    void set_sticky(std::uint32_t port) noexcept;  // keeps its newest packet (rule required)
    // A connection drops what is old, so that packets are taken as late as possible.
    void set_late() noexcept { late_ = true; }
    [[nodiscard]] bool takes_late() const noexcept { return late_; }
    void set_connected(std::uint32_t port) noexcept;
    [[nodiscard]] bool connected(std::uint32_t port) const noexcept;
    // A mailbox that the host reads, outside of any turn: while senders that it let go are on their
    // way, the group counts as active. Who takes leave()s it if `released` is not empty, and has a
    // reference to each of these.
    void set_outside(Group& group) { rare().outside = &group; }

    // ---- while the network is changed, in mailbox_change.cpp; senders and receiver may be at work
    // Memory for so many senders of a port: waiting never needs memory later.
    void reserve_senders(std::uint32_t port, std::uint32_t count);
    // What the graph says of a port from now on. capacity 0: as it is; capacity_bytes 0: no limit.
    struct PortPlan {
        std::uint64_t capacity_bytes = 0;
        std::uint32_t senders = 0;
        std::uint32_t capacity = 0;
        bool connected = false;
    };
    // Memory for settle(), if a port gets a capacity in bytes.
    void reserve_bytes(std::span<const PortPlan> ports);
    // As the graph says, without what stalls have added. Of who changes the network.
    [[nodiscard]] std::uint64_t capacity_bytes(std::uint32_t port) const noexcept {
        std::lock_guard lock(mutex_);
        const Vector<PortBytes>* all = bytes();
        return all == nullptr ? 0 : (*all)[port].asked;
    }
    void settle(std::span<const PortPlan> ports, bool late) noexcept;
    // The host has found the port: it counts as connected whatever the graph says.
    void set_found(std::uint32_t port) noexcept;
    [[nodiscard]] bool found(std::uint32_t port) const noexcept;
    // A sender does not wait at this port any more.
    void forget(std::uint32_t port, const Actor* sender) noexcept;
    // Of rule required. Fixed when the network is built.
    [[nodiscard]] bool sticky(std::uint32_t port) const noexcept {
        return (ports_[port].special.load(std::memory_order_relaxed) & newest_only) != 0;
    }
    // Adds all packets to `to`, in the order of arrival or port by port, each with a reference of
    // its own.
    void copy_to(Queue<Packet>& to) const;
    // Closed for everybody and for ever: its actor has gone.
    void shut() noexcept;

    // ---- senders
    struct Pushed {
        std::size_t accepted = 0;  // taken off `from`, dropped ones included
        bool blocked = false;      // some stayed, and the sender waits for the port now
    };
    // Moves packets from `from` into their port until it is full. A sender that is not NULL is
    // entered as waiting if something stays, and sure if it tries that again as soon as it is let go.
    Pushed push(std::uint32_t port, Delivery delivery, Queue<Packet>& from, Actor* sender,
                bool sure = true);
    // The same for the host: as many as fit. host_waits enters the host as waiting if not all do.
    std::size_t push_host(std::uint32_t port, std::span<const reflow_message> messages,
                          bool host_waits, std::uint32_t index = REFLOW_NO_INDEX);
    // An initial packet: the capacity does not count.
    void force(const Packet& packet);
    // Memory for so many more packets of each port, so that force() needs none, unless others send
    // meanwhile.
    void reserve(std::span<const std::uint32_t> packets);
    // What comes from now on is dropped, and so is what waits. released is empty.
    void close(Released& released) noexcept;
    [[nodiscard]] bool closed() const noexcept;
    // How many packets a port takes now; a moment's view. Of one with a capacity in bytes nobody
    // knows without the packets: 1 if it is not full.
    [[nodiscard]] std::size_t room(std::uint32_t port) const noexcept;
    // Whether it takes this one.
    [[nodiscard]] bool room_for(std::uint32_t port, MessageRef message) const noexcept;
    // How many packets a target that has nothing may be given past its mailbox.
    [[nodiscard]] std::size_t hand_over_room(std::uint32_t port) const noexcept {
        const Port& to = ports_[port];
        bool plain = to.special.load(std::memory_order_relaxed) == 0;
        return plain ? to.capacity.load(std::memory_order_relaxed) : 0;
    }
    [[nodiscard]] std::size_t capacity(std::uint32_t port) const noexcept {
        return ports_[port].capacity.load(std::memory_order_relaxed);
    }

    // ---- the receiver; only one at a time
    // Takes up to max packets in the order of arrival; returns their number. If all fit and `to` is
    // empty, the two queues are swapped.
    std::size_t take(Queue<Packet>& to, std::size_t max, Released& released, bool& host_waits);
    // Takes up to max firings, each of as many packets as there are ports; rule all or required.
    // Returns the number of packets that it took, which does not count those shown again.
    std::size_t take_firings(Queue<Packet>& to, std::size_t max, Released& released,
                             bool& host_waits);
    // Whether take or take_firings would give something.
    [[nodiscard]] bool ready() const;
    // Drops everything. Senders that wait are forgotten: they do not run any more.
    void clear() noexcept;

    // ---- snapshots
    // All that waits, in the order in which it would be taken, each message a reference of the
    // caller: what is shown over and over is apart, and tells whether it was shown.
    struct Sticky {
        Packet packet;
        bool fresh;
    };
    void copy(Vector<Packet>& waiting, Vector<Sticky>& newest) const;
    // Puts a newest packet back; `fresh` as copy() told.
    void restore_newest(const Packet& packet, bool fresh) noexcept;
    void set_dropped(std::uint64_t count) noexcept {
        dropped_.store(count, std::memory_order_relaxed);
    }
    // Whether a firing takes a packet of this port; fixed before the group begins, but for what
    // set_connected() adds.
    [[nodiscard]] bool waits_for(std::uint32_t port) const noexcept {
        std::lock_guard lock(mutex_);
        return ports_[port].connected && !sticky(port);
    }

    // ---- inspection
    // Copies the first packets of a port; returns how many. Each is a reference of the caller.
    std::size_t peek(std::uint32_t port, std::span<reflow_message> to) const noexcept;
    [[nodiscard]] std::uint64_t waiting() const noexcept;
    [[nodiscard]] std::uint64_t waiting(std::uint32_t port) const noexcept {
        return ports_[port].count.load(std::memory_order_relaxed);
    }
    [[nodiscard]] std::uint64_t dropped() const noexcept {
        return dropped_.load(std::memory_order_relaxed);
    }
    // For each port with waiting senders: visit(port, capacity, senders), under the lock.
    template <typename Visit>
    void visit_blocked(Visit visit) const {
        std::lock_guard lock(mutex_);
        for (std::uint32_t i = 0; i < ports_.size(); ++i) {
            const Port& port = ports_[i];
            if (port.senders.empty()) continue;
            visit(i, port.capacity.load(std::memory_order_relaxed), port.senders);
        }
    }
    // What a port that holds senders back has.
    struct Full {
        bool of_bytes = false;           // there are places for packets
        std::uint64_t packets = 0;       // that it holds
        std::uint64_t capacity = 0;      // in packets, or in bytes if it is full of these
        std::uint64_t bytes = 0;         // that it holds
        std::uint64_t needed_bytes = 0;  // beyond the capacity, for the smallest that waits
    };
    [[nodiscard]] Full full(std::uint32_t port) const noexcept;
    // Enlarges a port and releases its senders; by 0 only if there is room already. False if
    // nothing was done. If bytes is not 0 the port gets these, which count as `by` packets.
    [[nodiscard]] bool grow(std::uint32_t port, std::uint32_t by, Released& released,
                            std::uint64_t bytes = 0);
    // So many packets that has added, without what the graph has settled since.
    [[nodiscard]] std::uint64_t growth() const noexcept;
    // Takes the older half of what waits at a port, at least one packet, and releases its senders.
    // Returns how many it took.
    std::size_t relieve(std::uint32_t port, Vector<Message>& dropped, Released& released);

private:
    struct Port {
        // Written under the lock, read without it by room(); relaxed as count below.
        std::atomic<std::uint32_t> capacity{0};
        bool connected = false;
        // newest_only, limits_bytes; 0: the usual case. The first is fixed before the group begins,
        // the other changes under the lock. release, and acquire for who follows bytes_ without it.
        std::atomic<std::uint8_t> special{0};
        bool host_waits = false;
        bool found = false;
        // Packets in the queue; of a sticky port 1 if its newest was not shown yet. Written under
        // the lock, read without it by room(): relaxed, since a moment's view is all that is asked
        // for.
        std::atomic<std::uint32_t> count{0};
        std::uint32_t gone : 31 = 0;   // while packets are taken
        std::uint32_t unsure : 1 = 0;  // some of the senders may not use the room that they are told of
        ActorList senders;  // waiting for room, in the order of their coming: each has a packet for it
    };

    // Messages to be dropped after the lock is left, since that may call the host.
    using Dropped = Vector<Message>;

    static constexpr std::uint8_t newest_only = 1;
    static constexpr std::uint8_t limits_bytes = 2;
    // Capacities in bytes, of a mailbox that has some. Written under the lock, read without it by
    // room(): relaxed, as Port::count.
    struct PortBytes {
        std::uint64_t asked = 0;                // by the graph
        std::atomic<std::uint64_t> most{0};     // with what stalls have added
        std::atomic<std::uint64_t> waiting{0};  // what the packets in the queue have
        std::atomic<std::uint64_t> refused{
            no_bytes};  // the smallest packet that somebody waits with
    };
    static constexpr std::uint64_t no_bytes = UINT64_MAX;
    [[nodiscard]] bool limited(const Port& port) const noexcept {
        return (port.special.load(std::memory_order_relaxed) & limits_bytes) != 0;
    }
    [[nodiscard]] bool bytes_fit(std::uint32_t port, std::uint64_t bytes) const noexcept;
    [[nodiscard]] bool takes(std::uint32_t port, MessageRef message) const noexcept;
    void count_bytes(std::uint32_t port, MessageRef message, bool comes) noexcept;
    void count_taken_bytes(const Queue<Packet>& packets, std::size_t count) noexcept;
    void enlarge(std::uint32_t port, std::uint32_t by, std::uint64_t bytes);
    void settle_bytes(std::uint32_t number, std::uint64_t asked) noexcept;
    void note_refused(std::uint32_t port, MessageRef message) noexcept;
    [[nodiscard]] std::size_t places(const Port& port) const noexcept {
        std::uint32_t count = port.count.load(std::memory_order_relaxed);
        std::uint32_t capacity = port.capacity.load(std::memory_order_relaxed);
        return count < capacity ? capacity - count : 0;
    }

    struct Growth {  // of a port by stalls, in packets
        std::uint64_t of_packets = 0;
        std::uint64_t of_bytes = 0;
    };

    // What few mailboxes have. Made before the group begins, or under the lock; then it stays.
    struct Rare : Allocated {
        bool by_port = false;           // rules all and required; fixed, as outside
        Vector<Queue<Packet>> queues;   // of these rules
        Vector<Packet> newest;          // of sticky ports
        Vector<PortBytes> bytes;        // if a port has a capacity in bytes; then they stay
        Vector<Growth> grown;           // if some have
        Group* outside = nullptr;       // of a mailbox that the host reads
    };
    Rare& rare() {
        if (rare_ == nullptr) rare_.reset(new Rare);
        return *rare_;
    }
    [[nodiscard]] bool by_port() const noexcept { return rare_ != nullptr && rare_->by_port; }
    [[nodiscard]] Group* outside() const noexcept {
        return rare_ == nullptr ? nullptr : rare_->outside;
    }
    [[nodiscard]] Vector<PortBytes>* bytes() const noexcept {
        return rare_ == nullptr || rare_->bytes.empty() ? nullptr : &rare_->bytes;
    }
    [[nodiscard]] Queue<Packet>& queue(std::uint32_t port) noexcept {
        return by_port() ? rare_->queues[port] : queue_;
    }
    [[nodiscard]] const Queue<Packet>& queue(std::uint32_t port) const noexcept {
        return by_port() ? rare_->queues[port] : queue_;
    }
    void put(std::uint32_t port, const Packet& packet) noexcept;
    bool deliver(std::uint32_t port, Delivery delivery, const Packet& packet, Dropped& dropped);
    void stick(std::uint32_t port, const Packet& packet, Dropped& dropped);
    void drop_oldest(std::uint32_t port, Dropped& dropped);
    [[nodiscard]] std::size_t ready_firings() const noexcept;
    void taken(std::uint32_t port, std::size_t packets, Released& released, bool& host_waits);
    void settle_taken(std::uint32_t port, Released& released, bool& host_waits);
    std::size_t push_fitting(std::uint32_t port, Queue<Packet>& from);
    void note_sender(Port& to, Actor* sender, bool waits, bool sure) noexcept;
    void let_go(Port& port, Released& released) noexcept;
    void reserve_released(Released& released) const;
    void keep_released(const Released& released, std::size_t first) const noexcept;
    void release_senders(std::uint32_t port, Released& released) noexcept;
    void drop_queues() noexcept;
    void count_dropped(std::uint64_t count) noexcept {
        dropped_.store(dropped_.load(std::memory_order_relaxed) + count, std::memory_order_relaxed);
    }

    mutable Mutex mutex_;                // guards all below
    std::uint32_t senders_waiting_ = 0;  // in all ports
    Queue<Packet> queue_;                // of all ports, unless each has its own
    std::unique_ptr<Rare> rare_;
    Row<Port> ports_;
    // Written under the lock, read without it: a statistic.
    std::atomic<std::uint64_t> dropped_{0};
    // Its actor has something of its own behind these two.
    bool closed_ = false;
    bool late_ = false;  // written while its actor is claimed, or before the group begins
};

}  // namespace reflow::runtime
