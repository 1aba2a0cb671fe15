// An actor: one node of a running network. Its state word says who may run it.
// Neighbours: mailbox, group, scheduler, context. Thread: turn() on one thread at a time.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>

#include "base/limits.hpp"
#include "base/memory.hpp"
#include "base/queue.hpp"
#include "base/ref.hpp"
#include "base/row.hpp"
#include "runtime/actor_block.hpp"
#include "runtime/actor_parts.hpp"
#include "runtime/actor_timers.hpp"
#include "runtime/component.hpp"
#include "runtime/connection.hpp"
#include "runtime/context.hpp"
#include "runtime/deferred.hpp"
#include "runtime/group.hpp"
#include "runtime/lane.hpp"
#include "runtime/mailbox.hpp"
#include "runtime/node_state.hpp"
#include "runtime/probe.hpp"

namespace reflow::runtime {

struct ActorImage;

// It is made with new (component, id) Actor(group, component, id, ...): its ports and the letters
// of its id stand behind it, in the same block.
class Actor {
public:
    Actor(Group& group, ComponentRef component, std::string_view id, Message config,
          std::uint32_t default_capacity);
    ~Actor();
    static void* operator new(std::size_t, const ComponentRef& component, std::string_view id) {
        return reflow::allocate(bytes(*component, id));
    }
    static void operator delete(void* memory, const ComponentRef& component,
                                std::string_view id) noexcept {
        reflow::release(memory, bytes(*component, id));
    }
    static void operator delete(Actor* actor, std::destroying_delete_t) noexcept;
    // How much that is, for who has a place in a block, and then says so.
    [[nodiscard]] static std::size_t bytes(const Component& of, std::string_view id) noexcept {
        return block_bytes(of) + ActorId::bytes(id);
    }
    void stands_in_block() noexcept {
        in_block_ = true;
        ActorBlock::owner(this)->ref();
    }

    Group& group;
    const ComponentRef component;
    const ActorId id;
    const Message config;
    [[no_unique_address]] Mailbox mailbox;  // what follows stands in its last word
    // Its Rank, and blocking_bit. 0 for most, which go the short way. Fixed before it is ready.
    std::uint8_t apart = 0;
    bool created = false;            // state has to be destroyed
    bool set_up = false;             // teardown has to be called
    bool host_blocked = false;       // scratch, as mark below
    std::uint8_t pause_reasons = 0;  // of the network, under its pause_mutex_

private:
    bool looked_ = false;  // the mailbox had no more, after the word was read last
public:
    Row<Connections> outports;  // by port; connections change by rewire() only
    void* state = nullptr;      // of the component
    Actor* next = nullptr;      // in the queue of a scheduler
    std::uint32_t mark = 0;     // this and host_blocked: of the group, under its lock
    mutable RefCount refs;      // for ref() and unref() alone

    // Shared by the network, by who looks at the actor from outside, and by events: it may have
    // been taken out of the network meanwhile.
    void ref() const noexcept { refs.add(); }
    void unref() const noexcept {
        if (refs.drop()) delete this;
    }

    static constexpr std::uint8_t blocking_bit = 4;
    [[nodiscard]] Rank rank() const noexcept { return static_cast<Rank>(apart & 3); }
    void set_rank(Rank rank) noexcept {
        apart = static_cast<std::uint8_t>((apart & blocking_bit) | static_cast<unsigned>(rank));
        if (rank != Rank::normal) group.use_ranks();
    }

    // Its calls are noticed that last so long; 0: not. Fixed before it is first ready.
    void watch(std::uint32_t limit_ms);
    [[nodiscard]] std::uint32_t watchdog_ms() const noexcept;
    std::atomic<std::uint32_t> stuck{0};  // calls that were noticed; relaxed: a statistic

private:
    std::atomic<std::uint32_t> word_{1};  // rest, see there
public:
    Counter fired, received, sent, failed;
    // Measures some of its turns, while that is wanted; NULL: never so far. The actor owns it.
    // release and acquire: who sees it sees what it was made with.
    std::atomic<Probe*> probe{nullptr};

    // What few actors have, see there.
    using Extras = ActorExtras;
    // Made if there are none; by who may.
    Extras& extras();
    [[nodiscard]] ActorTimers* timers() const noexcept { return part(&Extras::timers); }
    [[nodiscard]] NodeState* named_state() const noexcept { return part(&Extras::named_state); }

    // ---- from any thread; the lane is that of a turn of this group, or NULL
    // Something is there for the actor: packets, or what is asked for by the bits.
    void notify(Lane* lane = nullptr, std::uint32_t bits = 0) noexcept;
    void release(Lane* lane = nullptr) noexcept;  // a port that held it back has room again
    void request_start() noexcept { notify(nullptr, start_bit); }
    void request_finish() noexcept { notify(nullptr, finish_bit); }
    void request_wake() noexcept { notify(nullptr, wake_bit); }
    // A call without packets is due, once the actor is told by notify().
    void mark_wake() noexcept { word_.fetch_or(wake_bit, std::memory_order_acq_rel); }
    void mark_timer() noexcept { word_.fetch_or(timer_bit, std::memory_order_acq_rel); }
    // A source does not run any more; others do not care.
    void request_end() noexcept {
        if (component->source) notify(nullptr, end_bit);
    }
    // A firing that ends later has brought something.
    void request_completion() noexcept { notify(nullptr, completion_bit); }
    // Its next attempt is due; it is to be restarted.
    void request_retry() noexcept { notify(nullptr, retry_bit); }
    void request_restart() noexcept { notify(nullptr, restart_bit); }
    // What it wants when a firing fails, or NULL. Fixed before the group begins.
    [[nodiscard]] Supervisor* supervisor() const noexcept { return part(&Extras::supervisor); }
    void supervise(const FailurePolicy& policy, std::uint64_t seed);
    // The outport deals its packets instead of giving a copy to each connection. Before the group
    // begins; key: a path with dots.
    void deal(std::uint32_t outport, Deal how, std::string_view key);
    [[nodiscard]] Dealer* dealer(std::uint32_t outport) const noexcept;  // or NULL
    // What has been emitted there last and is not delivered; in a turn.
    [[nodiscard]] MessageRef last_emitted(std::uint32_t outport) const noexcept;
    // What a call emits gets this envelope from now on; none: nothing.
    void set_envelope(Message envelope);
    [[nodiscard]] bool passed(MessageRef envelope) const noexcept;  // its deadline
    [[nodiscard]] MessageRef envelope() const noexcept;
    // Those of connections to a fallback, which the component does not have, tell as errors.
    [[nodiscard]] std::string_view outport_name(std::uint32_t outport) const noexcept;
    // REFLOW_NODE_... of a running actor, and bits REFLOW_NODE_IS_...
    [[nodiscard]] std::int32_t node_state(std::uint32_t& details) const noexcept;
    // The part of the actor that has such firings, or NULL. Sequentially consistent: see
    // Group::stopping_now(). That holds for both loads, as for both stores.
    [[nodiscard]] DeferredFirings* deferred_firings() const noexcept {
        const Extras* some = extras_.load(std::memory_order_seq_cst);
        return some == nullptr ? nullptr : some->deferred.load(std::memory_order_seq_cst);
    }
    // Before the group begins, or in a turn: makes that part.
    DeferredFirings& allow_deferred(std::uint64_t timeout_ns);
    // What streams hold the actor by, or NULL. Sequentially consistent, for the same reason.
    [[nodiscard]] Tether* tether() const noexcept {
        const Extras* some = extras_.load(std::memory_order_seq_cst);
        return some == nullptr ? nullptr : some->tether.load(std::memory_order_seq_cst);
    }
    // In a turn: makes it if there is none; NULL if the group stops.
    Tether* make_tether();
    void end_streams(bool all) noexcept;  // see Tether::end_streams()
    [[nodiscard]] reflow_activity activity() const noexcept;
    [[nodiscard]] bool held_back() const noexcept {
        return (word_.load(std::memory_order_relaxed) & state_mask) == held;
    }

    // ---- pausing; the caller sees to it that only one of these runs at a time
    // No turn that begins from now on fires, but for what step() grants. at_rest() tells when the
    // one that is under way has ended.
    void pause() noexcept;
    // Whether it goes on with something now.
    bool resume() noexcept;
    // Lets it fire once; false if it has nothing to do. It is not at rest until it has done so.
    [[nodiscard]] bool step() noexcept;
    [[nodiscard]] bool paused() const noexcept {
        return pause_.load(std::memory_order_relaxed) != unpaused;
    }
    // Paused, and no turn touches what it has kept until resume() or step().
    [[nodiscard]] bool at_rest() const noexcept {
        return pause_.load(std::memory_order_acquire) == resting;
    }
    // Whether a turn is under way or coming.
    [[nodiscard]] bool busy() const noexcept;
    // Where it stands by a breakpoint; only at rest, as its last turn has left it.
    [[nodiscard]] bool stands_before_firing() const noexcept {
        return stands_.load(std::memory_order_relaxed) == before_firing;
    }
    [[nodiscard]] bool stands_before_delivery() const noexcept {
        return stands_.load(std::memory_order_relaxed) == before_delivery;
    }
    // Taken out of the network: nothing of it runs any more.
    [[nodiscard]] bool retired() const noexcept;
    // The packets of a port that it has kept, the first ones; only at rest.
    std::size_t peek_kept(std::uint32_t port, std::span<reflow_message> to) const noexcept;

    // ---- changing the network, in change.cpp; by one thread at a time, with a guard of the group
    // Takes the actor as a turn does, if none is under way or coming: nobody else touches what is
    // of the turn until release_claim() or retire(). False if one is.
    [[nodiscard]] bool claim(bool* was_held = nullptr) noexcept;
    // Goes on: with a turn that looks at everything anew, or, before the group begins, without. One
    // that is paused only has to have it if it was held or its connections are others (`turn`).
    void release_claim(bool begun, bool turn) noexcept;
    // Has left the network: nothing of it runs any more. Timers and pending firings are the
    // caller's to end.
    void retire() noexcept;
    static constexpr std::uint32_t no_slot = UINT32_MAX;
    // New connections of its outports, claimed. Each says where the old one of the same port is
    // whose packets it takes over; what an old one that has gone still had stays in it.
    struct Rewired {
        Connections connections;
        Vector<std::uint32_t> to_new;  // by place of the old one; no_slot: gone
    };
    void rewire(Vector<Rewired>& ports) noexcept;
    // Claimed or retired: what was to be dealt waits with connections, as if it had been. Returns
    // how many packets that dropped for want of memory.
    std::uint64_t deal_left() noexcept;
    // Copies what waits at another actor, in its inputs and inports, into the inports of this one;
    // both are claimed. port_of says which, or no_slot: `left` counts those. Throws bad_alloc.
    void inherit_packets(const Actor& from, std::span<const std::uint32_t> port_of,
                         std::uint64_t& left);
    // Retired: its firings that are open are cancelled. What they and those that have ended had
    // emitted waits with its connections; `lost` sees those that have not ended well. Returns how many
    // packets that dropped for want of memory.
    std::uint64_t end_deferred(const std::function<void(const Deferred&)>& lost) noexcept;
    // Counters go on as those of another one, which is claimed; likewise.
    void inherit_counters(const Actor& from) noexcept;
    // Gives away what it had taken, claimed or retired; what counts as a packet of that.
    std::uint64_t give_inputs(Queue<Packet>& to) noexcept;
    // Nothing waits at it that it could take, and nothing is under way; a moment's view.
    [[nodiscard]] bool exhausted() noexcept;

    // ---- snapshots, in image.cpp
    // What it has, while it is claimed.
    Result<void> capture(ActorImage& to);
    friend class Imager;  // of its parts
    // Before the group begins: becomes what the image says, but for its timer. If memory runs out,
    // forget() what is there of it.
    void restore(const ActorImage& from);
    void forget() noexcept;
    void drop_packets() noexcept;  // all that it has: nothing of it runs any more
    [[nodiscard]] std::size_t firing_size() const noexcept { return firing_size_; }
    // Whether there is something to do for it after restore().
    [[nodiscard]] static bool has_work(const ActorImage& image) noexcept;

    // ---- on the thread of a scheduler
    // After submit().
    void turn(Lane& lane, const TurnBudget& budget) noexcept;
    // After Lane::take_next().
    void turn_handed_over(Lane& lane, const TurnBudget& budget) noexcept;

    // ---- the callbacks outside of turns; on the thread of the host
    Result<void> create();
    Result<void> setup();
    void teardown() noexcept;
    void end_state() noexcept;  // nothing of the actor runs any more

    // ---- for the context
    reflow_status emit(std::uint32_t outport, Message message, std::uint32_t index);
    // With check_types: whether what is emitted there fits all inports that it may come to, in
    // types.cpp. REFLOW_ERROR_TYPE.
    Result<void> check_types(std::uint32_t outport, MessageRef message, std::uint32_t index) const;
    // The same of what comes to an inport.
    Result<void> check_type(std::uint32_t inport, MessageRef message) const;
    // The short way for the usual case; false if it is none, and nothing has been taken then.
    [[nodiscard]] bool emit_plain(std::uint32_t outport, reflow_message message) noexcept;
    // The shortest way: to a connection that has been opened up.
    [[nodiscard]] bool emit_open(std::uint32_t outport, reflow_message message) noexcept {
        if (outport >= outports.size() || outports[outport].size() != 1) return false;
        Connection& to = outports[outport].front();
        if (to.open == 0 || message.tag == 0 || emitted_ >= limits::emits_count) return false;
        ++emitted_;
        put_open(to, message);
        return true;
    }
    // The same for the first of many; returns how many.
    std::size_t emit_plain(std::uint32_t outport,
                           std::span<const reflow_message> messages) noexcept;
    // If two of its connections lead to one target, or one to itself, what it emits arrives there
    // in the order of calls. Before the group begins, or claimed.
    void settle_order_of_calls();
    void keep_order_of_calls(bool keeps) noexcept { keeps_order_ = keeps; }
    [[nodiscard]] std::size_t room(std::uint32_t outport) const noexcept;
    reflow_status defer(Context& context, std::size_t firing, reflow_completion& completion);

private:
    friend struct ::reflow_context;

    // With its outports and inports behind it, in this order.
    [[nodiscard]] static std::size_t block_bytes(const Component& component) noexcept {
        return sizeof(Actor) + component.outports.size() * sizeof(Connections) +
               Mailbox::ports_bytes(component.inports.size());
    }
    [[nodiscard]] Connections* behind() noexcept { return reinterpret_cast<Connections*>(this + 1); }

    // Of an outport that has just one.
    [[nodiscard]] Connection* only_connection(std::uint32_t outport) noexcept {
        if (outport >= outports.size()) return nullptr;
        Connections& all = outports[outport];
        return all.size() == 1 ? all.data() : nullptr;
    }
    // Has something to deliver from now on.
    void enlist(Connection& connection) noexcept {
        connection.listed = true;
        connection.next_unsent = nullptr;
        (unsent_ == nullptr ? unsent_ : last_unsent_->next_unsent) = &connection;
        last_unsent_ = &connection;
    }
    void put_open(Connection& to, reflow_message message) noexcept {
        if (!to.listed) enlist(to);
        --to.open;
        // Word by word: a message comes in two registers, and is not put together in memory first.
        Packet& place = *to.pending.push_places();
        place.message.tag = message.tag;
        place.message.payload = message.payload;
        place.port = to.inport;
        place.index = to.to_index;
        place.envelope = nullptr;
        to.pending.pushed(1);
    }

    // The state word: a state, and bits for what was asked for besides packets.
    //
    //   rest --notify--> ready --turn--> running --nothing left--> idle, rest
    //   idle               ^             ^ |  |  |
    //     |                +--more to do-|-+  |  +--outputs full--> held
    //     |                ^             |    notify, release         |
    //     |                |             |    v                       |
    //     |                +--turn ends--|- notified                  |
    //     |                +-------------|----------------release-----+
    //     +---------hand-over------------+
    //
    // Who changes rest, idle or held to ready owns the right to submit; who changes ready to
    // running (the scheduler that took it off its queue) owns the actor until it leaves running or
    // notified. A sender that ends its turn may change idle to running, and gives the actor its
    // packets itself; the thread of the sender runs it next. All changes are read-modify-writes
    // with acquire and release, so what one turn wrote is seen by the next, on whatever thread.
    //
    // Who only brings packets and sees ready or notified goes away without a change, since a turn
    // is coming that will look. The lock of the mailbox makes that true: a turn that did not see
    // the packets held it before, and had changed the word before that, so who pushes later reads
    // a later word. For the same reason one look into the mailbox is enough for a turn: whoever
    // pushes behind it changes running to notified, and the turn does not end as idle.
    //
    // idle, other than rest, says that all that was there is done: nothing is kept, and whatever
    // a sender had put into the mailbox before and told of has been taken. So what a hand-over
    // brings overtakes nothing of its own connection. It is also why an actor begins in rest: its
    // initial packets are in the mailbox before it is told.
    //
    // A paused actor is in rest without work, and in parked with some: as in held, what comes there
    // does not wake it, since resume() or step() will. It is never idle, so nothing is handed over
    // to it. pause() and resume() first write pause_ and then change the word, if only to what it
    // was; a turn changes the word before it reads pause_, and parks by a change that fails if the
    // other one has made it notified. So one of the two sees the other. A turn that comes to a
    // breakpoint pauses its own actor in the same way and parks; if somebody resumes meanwhile, the
    // change fails, and the next turn passes.
    static constexpr std::uint32_t idle = 0;
    static constexpr std::uint32_t rest = 1;  // word_ begins so
    static constexpr std::uint32_t ready = 2;
    static constexpr std::uint32_t running = 3;
    static constexpr std::uint32_t notified = 4;
    static constexpr std::uint32_t held = 5;
    static constexpr std::uint32_t parked = 6;
    static constexpr std::uint32_t gone = 7;  // taken out of the network; nothing wakes it
    static constexpr std::uint32_t state_mask = 7;
    static constexpr std::uint32_t start_bit = 8;
    static constexpr std::uint32_t finish_bit = 16;
    static constexpr std::uint32_t wake_bit = 32;
    static constexpr std::uint32_t end_bit = 64;
    static constexpr std::uint32_t completion_bit = 128;
    static constexpr std::uint32_t retry_bit = 256;
    static constexpr std::uint32_t restart_bit = 512;
    static constexpr std::uint32_t timer_bit = 1024;  // of one with a number
    static constexpr std::uint32_t alarm_bits = wake_bit | timer_bit;
    static constexpr std::uint8_t unpaused = 0;
    static constexpr std::uint8_t pausing = 1;  // a turn may still be firing
    static constexpr std::uint8_t resting = 2;
    static constexpr std::uint8_t stepping = 3;  // the next turn may fire once
    // pause_: written before a change of the word and read after one, so relaxed would do; release
    // and acquire are for who looks into a resting actor.
    // stands_: written by turns that pause, before they change pause_ or the word, and read by who
    // has seen that it rests: relaxed, since those order it. It is atomic as such a turn may come
    // at any time, with a packet for an actor that had nothing to do.
    static constexpr std::uint8_t nowhere = 0;
    static constexpr std::uint8_t before_firing = 1;
    static constexpr std::uint8_t before_delivery = 2;
    // Takes what step() has granted. It stands in the same byte as the rest, so that a resume takes
    // it back, and a pause behind that does not find it again.
    [[nodiscard]] bool take_grant() noexcept;
    // The turn that was under way has ended, or is about to.
    void come_to_rest() noexcept;
    [[nodiscard]] bool park(Lane& lane) noexcept;
    void leave_parked() noexcept;
    // Changes the word to what it was or so that a turn under way looks again; returns the state before.
    std::uint32_t touch() noexcept;
    // Takes over what a word asked for.
    void absorb(std::uint32_t word) noexcept {
        wanted_ |= word & ~state_mask;
        ended_ = ended_ || (wanted_ & end_bit) != 0;
        wanted_ &= ~end_bit;
    }
    void enter(Lane* lane) noexcept { lane != nullptr ? lane->enter() : group.enter(); }
    void submit(Lane* lane) noexcept;

    enum class Outcome : std::uint8_t { idle, more, held, paused };
    void run_turn(Lane& lane, const TurnBudget& budget) noexcept;
    Outcome work(Lane& lane, const TurnBudget& budget);
    Outcome work_on(Lane& lane, const TurnBudget& budget, Context& context, std::size_t left,
                    bool begins);
    [[nodiscard]] bool is_plain(Context& context, std::size_t left) noexcept;
    [[nodiscard]] bool take_plainly(Lane& lane, Context& context, const TurnBudget& budget,
                                    std::size_t& left);
    [[nodiscard]] bool go_idle(Lane& lane, std::uint32_t to) noexcept;
    void end_turn(Lane& lane, Outcome outcome) noexcept;
    [[nodiscard]] bool has_work() const;
    // Which callback is due, and with how many firings; false if there is nothing to do.
    [[nodiscard]] bool prepare(Lane& lane, std::size_t left, Context& context,
                               std::size_t& firings);
    // Timers have fired: whether the next call is theirs. Some may have been cancelled since.
    [[nodiscard]] bool take_alarms(Context& context) noexcept;
    // The same for one firing of an actor with breakpoints; false also if it stops there.
    [[nodiscard]] bool prepare_or_stop(Lane& lane, Context& context, std::size_t& firings);
    void take_inputs(Lane& lane, std::size_t left);
    void release_senders(Lane& lane) noexcept;
    void end_source(Lane& lane);
    [[nodiscard]] std::size_t firings_kept() const noexcept {
        return component->await == REFLOW_AWAIT_ANY ? inputs_.size()
                                                    : inputs_.size() / firing_size_;
    }
    reflow_status call(Context& context, std::uint32_t emitted = 0) noexcept;
    // Calls run for inputs as long as nothing else has to be looked at; returns firings.
    std::size_t run_inputs(Lane& lane, Context& context, std::size_t left);
    template <bool keeps>
    std::size_t run_single(Lane& lane, Context& context, std::size_t left);
    reflow_status call_run(Context& context, Packet* packet) noexcept;
    std::size_t end_calls(Context& context, std::size_t used, reflow_status status);
    [[nodiscard]] bool may_call_again(const Lane& lane, bool more) const noexcept;
    std::size_t fire(Lane& lane, Context& context);
    reflow_status call_watched(Lane& lane, Context& context, std::uint32_t emitted) noexcept;
    // Whether this turn is measured.
    [[nodiscard]] bool measured(Probe& to) noexcept;
    [[nodiscard]] std::uint64_t consumed() const noexcept {
        return received.get() - std::min<std::uint64_t>(received.get(), inputs_.size());
    }
    // Books what the callback did; returns how many firings have ended.
    std::size_t settle(Context& context, reflow_status status, std::uint64_t ns);
    void consume(std::size_t firings) noexcept;
    void consume_all() noexcept;

    // ---- firings that end later, in actor_deferred.cpp
    [[nodiscard]] DeferredFirings* deferred() const noexcept {
        // Written by the thread of a turn.
        const Extras* some = extras_.load(std::memory_order_relaxed);
        return some == nullptr ? nullptr : some->deferred.load(std::memory_order_relaxed);
    }
    // So many are pending that nothing but a timer leads to a call.
    [[nodiscard]] bool blocked() const noexcept {
        const DeferredFirings* firings = deferred();
        return firings != nullptr && firings->full();
    }
    [[nodiscard]] bool only_wakes() const noexcept {
        return !again_ && !resting_ && due_ == 0 && (wanted_ & alarm_bits) != 0;
    }
    // Takes over what one of them has brought; 0 if there is nothing.
    std::size_t serve_deferred();
    void finish_deferred(Deferred& firing);
    // Before and after a call of an actor that has the part for it.
    void begin_deferred(Context& context);
    std::size_t settle_deferred(Context& context, std::size_t over);
    reflow_status capture(std::uint32_t outport, Message message, std::uint32_t index);
    void book(Context& context, reflow_status status, std::size_t ended, std::size_t pending,
              std::uint64_t ns);

    // ---- failures, in actor_failure.cpp
    static constexpr std::uint8_t timer_rest = 1;
    static constexpr std::uint8_t retry_rest = 2;
    // Whether so many firings may follow one another as without settings: nothing has failed.
    [[nodiscard]] bool untroubled(Context& context, std::size_t firings) noexcept;
    void keep_for_call(Context& context, Supervisor& own) noexcept;
    void mark_emits();
    // Before another call of a supervised actor: what it is called with, or why it is not.
    [[nodiscard]] reflow_status begin_supervised(Context& context, bool late) noexcept;
    void restore_inputs(Context& context) noexcept;
    void take_back_emits() noexcept;  // what the call has emitted goes
    void end_well(Context& context, std::size_t done) noexcept;
    // The first firing of the call that is not completed has failed. True: it is tried again.
    [[nodiscard]] bool settle_failure(Context& context, reflow_status status, std::uint64_t ns) noexcept;
    void tell_well(const Context& context, std::uint64_t ns) noexcept;
    // The same of a firing that was pending.
    [[nodiscard]] bool settle_failure(Deferred& firing, std::unique_ptr<Error> error,
                                      std::uint64_t ns) noexcept;
    [[nodiscard]] std::unique_ptr<Error> deferred_error(Deferred& firing) noexcept;
    void pending_well() noexcept;
    [[nodiscard]] std::uint32_t attempts_of(const Context& context,
                                            std::size_t firing) const noexcept;
    // The packets of the first firing that is not completed; none of a call without inputs.
    [[nodiscard]] std::span<Packet> failed_packets(const Context& context) noexcept;
    [[nodiscard]] bool tries_again(reflow_status status, std::uint32_t attempts) noexcept;
    void conclude(const FailedFiring& firing, bool acts) noexcept;
    void tell(const FailedFiring& firing) noexcept;
    [[nodiscard]] bool give_to_fallback(const FailedFiring& firing);
    void act(AfterFailure then, const FailedFiring& firing) noexcept;
    // Whether a rest is over; brings back what is tried again.
    [[nodiscard]] bool leave_rest();
    [[nodiscard]] bool rest_is_over() const noexcept;
    void bring_back();
    void restart() noexcept;
    [[nodiscard]] Result<void> renew();
    void restart_failed(std::unique_ptr<Error> error) noexcept;
    void cancel_timers() noexcept;
    void log_attempt(const FailedFiring& firing, std::uint64_t delay_ns) noexcept;
    void show(std::uint32_t details) noexcept;
    void show_state(std::int32_t shown) noexcept;
    [[nodiscard]] std::unique_ptr<Error> error_of(Context& context, reflow_status status) const;

    // Delivers what was emitted; false if something has to wait for room, or at a breakpoint.
    [[nodiscard]] bool flush(Lane& lane, bool ends_turn);
    [[nodiscard]] bool flush_all(Lane& lane, bool hands_over);
    [[nodiscard]] Outcome undelivered() noexcept {  // why it did not
        return std::exchange(stopped_, false) ? Outcome::paused : Outcome::held;
    }
    Mailbox::Pushed push(Connection& connection, Lane& lane);
    Actor* waiting_for(const Connection& connection) noexcept;
    Mailbox::Pushed push_each(Connection& connection, Lane& lane);
    // Gives the packets to an idle target, which runs next; false if that cannot be done.
    [[nodiscard]] bool hand_over(Connection& connection, Lane& lane) noexcept;
    void list(Connection& connection) noexcept;
    // Somebody wants to see what is emitted.
    void close_all() noexcept;
    // For its first packet; false if that needs memory or a further look.
    [[nodiscard]] bool open_up(Connection& connection) noexcept;
    void bound(Connection& connection) noexcept;  // after a packet was added

    // ---- envelopes, in envelopes.cpp
    [[nodiscard]] bool in_time(Context& context) const noexcept;
    reflow_status refuse_late(Context& context) noexcept;
    void make_carrier(const Context& context);
    void open_envelopes(const Context& context) noexcept;
    void close_envelopes() noexcept;
    [[nodiscard]] Message announce(std::uint32_t outport, std::uint32_t index, Message message);

    // ---- outports that deal, in dealer.cpp
    void emit_dealt(Dealer& dealer, Message message, std::uint32_t index);
    [[nodiscard]] Connection* place_dealt(Dealer& dealer, MessageRef message,
                                          std::uint32_t index) noexcept;
    void add_dealt(Connection& to, Message message, std::uint32_t index) noexcept;
    void restore_dealt(Dealer& dealer, Message message, std::uint32_t index);
    [[nodiscard]] std::uint32_t choose(const Dealer& dealer, std::uint32_t index,
                                       bool& some) const noexcept;
    [[nodiscard]] bool deal_one(Dealer& dealer, std::uint32_t place, Lane& lane);
    // Deals what waits; false if all targets are full, or at a breakpoint.
    [[nodiscard]] bool deal(Dealer& dealer, Lane& lane);
    [[nodiscard]] std::size_t room_dealt(const Dealer& dealer) const noexcept;
    [[nodiscard]] static bool has_member(const Connections& connections) noexcept;
    void rewire_dealer(Dealer& dealer, Rewired& old) noexcept;
    // Each queue of what is emitted and not delivered, until it returns true.
    template <typename Each>
    bool any_queue(Each each);
    // To a reader of the host, or a queue that is dealt from.
    Mailbox::Pushed push_outward(Connection& connection, Lane& lane);

    template <typename Part>
    [[nodiscard]] Part* part(std::unique_ptr<Part> Extras::*which) const noexcept {
        const Extras* some = extras_.load(std::memory_order_acquire);
        return some == nullptr ? nullptr : (some->*which).get();
    }
    [[nodiscard]] Dealer* dealers() const noexcept { return part(&Extras::dealers); }
    [[nodiscard]] Carrier* carrier() const noexcept { return part(&Extras::carrier); }

    std::atomic<Extras*> extras_{nullptr};  // the actor owns them
    // Touched only by the thread of the turn.
    Queue<Packet> inputs_;  // taken, not completed
    // Firings of inputs_ that a call left over: the next one gets just them.
    std::uint32_t due_ = 0;
    std::uint32_t emitted_ = 0;     // by the callback that is running
    Connection* unsent_ = nullptr;  // with pending packets, in the order of their first one
    Connection* last_unsent_ = nullptr;
    std::uint32_t wanted_ = 0;       // requests that this actor has seen and not served
    std::uint16_t firing_size_ = 1;  // at most the ports of a component
    bool again_ = false;             // to be called again with what is kept, or with nothing
    std::uint8_t resting_ = 0;       // not before its timer fires, or what is tried again is due
    bool singly_ : 1 = false;  // calls may have something around them; fixed before it begins
    bool ended_ : 1 = false;   // a source whose end was asked for
    bool keeps_order_ : 1 = false;
    bool in_block_ : 1 = false;  // its memory is that of an ActorBlock
    bool flush_now_ = false;   // a connection has more than its credit
    bool host_waits_ = false;  // a host waits for room that a take has made
    bool passed_ = false;      // the firing that is due has been stopped before: it may begin
    bool stopped_ = false;     // flush() has come to a breakpoint
    Phase again_phase_ = Phase::run;
    std::atomic<std::uint8_t> pause_{unpaused};
    std::atomic<std::uint8_t> stands_{nowhere};
};
// With an inport, an outport, "error" and an id of seven letters a block of 312 bytes, which malloc
// gives without waste; where a mutex has more than four bytes a little more.
static_assert(sizeof(void*) != 8 || sizeof(Mutex) != 4 || sizeof(Actor) <= 240);

}  // namespace reflow::runtime
