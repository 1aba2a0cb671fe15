// An actor: one node of a running network. Its state word says who may run it.
// Neighbours: mailbox, group, scheduler, context. Thread: turn() on one thread at a time.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>

#include "base/memory.hpp"
#include "base/ring.hpp"
#include "runtime/component.hpp"
#include "runtime/context.hpp"
#include "runtime/group.hpp"
#include "runtime/mailbox.hpp"

namespace reflow::runtime {

// A number that one thread writes and any thread reads. relaxed: it is a statistic.
class Counter {
public:
    void add(std::uint64_t count) noexcept {
        value_.store(value_.load(std::memory_order_relaxed) + count, std::memory_order_relaxed);
    }
    [[nodiscard]] std::uint64_t get() const noexcept {
        return value_.load(std::memory_order_relaxed);
    }

private:
    std::atomic<std::uint64_t> value_{0};
};

// One connection, seen from its sender. Only the sender's thread touches pending.
struct Connection {
    Mailbox* mailbox = nullptr;
    Actor* target = nullptr;  // NULL for a reader of the host
    std::uint32_t outport = 0;
    std::uint32_t inport = 0;
    std::uint32_t from_index = REFLOW_NO_INDEX;
    std::uint32_t to_index = REFLOW_NO_INDEX;
    Delivery delivery = Delivery::reliable;
    bool listed = false;     // in Actor::unsent_
    Ring<Packet> pending{};  // emitted, not delivered yet
};

// How long a turn may be.
struct TurnBudget {
    std::uint32_t packets;
    std::uint64_t ns;
};

class Actor : public Allocated {
public:
    Actor(Group& group, ComponentRef component, std::string_view id, Message config,
          std::uint32_t default_capacity);
    ~Actor();

    Group& group;
    const ComponentRef component;
    const String id;
    const Message config;
    Mailbox mailbox;
    Vector<Vector<Connection>> outports;  // fixed before the group begins
    void* state = nullptr;                // of the component
    bool created = false;                 // state has to be destroyed
    bool set_up = false;                  // teardown has to be called
    Actor* next = nullptr;                // in the queue of a scheduler
    // Slot in the heap of timers, guarded by the timers' lock; NO_SLOT if not armed.
    static constexpr std::size_t no_slot = SIZE_MAX;
    std::size_t timer_slot = no_slot;
    bool host_blocked = false;  // these two: scratch of the group, under its lock
    std::size_t first_blocked = 0;

    Counter fired, received, sent, failed;

    // ---- from any thread
    // Something is there for the actor: packets, a start, a timer.
    void notify() noexcept;
    // A port that held it back has room again.
    void release() noexcept;
    void request_start() noexcept { request(start_bit); }
    void request_finish() noexcept { request(finish_bit); }
    void request_wake() noexcept { request(wake_bit); }
    // A source does not run any more; others do not care.
    void request_end() noexcept {
        if (component->source) request(end_bit);
    }
    [[nodiscard]] bool held_back() const noexcept {
        return word_.load(std::memory_order_relaxed) == held;
    }

    // ---- on the thread of a scheduler, after submit()
    void turn(const TurnBudget& budget) noexcept;

    // ---- the callbacks outside of turns; on the thread of the host
    Result<void> create();
    Result<void> setup();
    void teardown() noexcept;
    void end_state() noexcept;  // nothing of the actor runs any more

    // ---- for the context
    reflow_status emit(std::uint32_t outport, Message message, std::uint32_t index);
    [[nodiscard]] std::size_t room(std::uint32_t outport) const noexcept;

private:
    friend struct ::reflow_context;

    // The state word.
    //
    //   idle --notify--> ready --turn--> running --nothing left--> idle
    //    ^                 ^               |  |  |
    //    |                 +--more to do---+  |  +--outputs full--> held
    //    |                 ^                  notify, release         |
    //    |                 |                  v                       |
    //    |                 +--turn ends-- notified                    |
    //    |                 +-----------------------------release------+
    //
    // Who changes idle or held to ready owns the right to submit; who changes ready to running
    // (the scheduler that took it off its queue) owns the actor until it leaves running or
    // notified. All changes are read-modify-writes with acquire and release, so what one turn
    // wrote is seen by the next, on whatever thread.
    //
    // Who sees ready or notified goes away, since a turn is coming that will look. For packets the
    // lock of the mailbox makes that true: a turn that did not see them held it before. For
    // requests_ there is no lock: the asker writes requests_ and reads word_, the turn writes word_
    // and reads requests_, all four sequentially consistent, so one of them sees the other.
    enum Word : std::uint32_t { idle, ready, running, notified, held };
    std::atomic<std::uint32_t> word_{idle};

    // What was asked for besides packets; the order is told above.
    static constexpr std::uint32_t start_bit = 1;
    static constexpr std::uint32_t finish_bit = 2;
    static constexpr std::uint32_t wake_bit = 4;
    static constexpr std::uint32_t end_bit = 8;
    std::atomic<std::uint32_t> requests_{0};
    void request(std::uint32_t bit) noexcept {
        requests_.fetch_or(bit, std::memory_order_seq_cst);
        notify();
    }

    enum class Outcome : std::uint8_t { idle, more, held };
    Outcome work(const TurnBudget& budget);
    void end_turn(Outcome outcome) noexcept;
    void close() noexcept;

    [[nodiscard]] bool flush();
    Mailbox::Pushed push(Connection& connection);
    [[nodiscard]] bool has_work() const;
    // Takes inputs and decides which callback is due; false if there is nothing to do.
    [[nodiscard]] bool prepare(std::size_t max_firings, Phase& phase);
    void take_inputs(std::size_t max_firings);
    void end_source(std::size_t max_firings);
    [[nodiscard]] std::size_t firings_kept() const noexcept {
        return (inputs_.size() - inputs_at_) / firing_size_;
    }
    std::size_t fire(Phase phase);
    reflow_status call(Context& context);
    // Books what the callback did; returns how many firings have ended.
    std::size_t settle(Context& context, reflow_status status, std::uint64_t ns);
    void consume(std::size_t firings) noexcept;
    void report(std::unique_ptr<Error> error, std::uint64_t ns);
    [[nodiscard]] std::unique_ptr<Error> error_of(Context& context, reflow_status status) const;
    void release_senders() noexcept;

    // Touched only by the thread of the turn.
    Vector<Packet> inputs_;  // taken, from inputs_at_ on not completed
    std::size_t inputs_at_ = 0;
    Vector<Connection*> unsent_;  // with pending packets
    std::size_t emitted_ = 0;     // by the callback that is running
    std::size_t firing_size_ = 1;
    std::uint32_t wanted_ = 0;  // requests that this actor has seen and not served
    bool again_ = false;        // to be called again with what is kept, or with nothing
    bool resting_ = false;      // and not before its timer fires
    bool ended_ = false;        // a source whose end was asked for
    Phase again_phase_ = Phase::run;
    Released released_;
    bool host_waits_ = false;  // a host waits for room that a take has made
};

}  // namespace reflow::runtime
