// A network: a graph that runs on a runtime.
// Neighbours: graph (what to run), runtime (who runs it), events, capi above. Thread: any.
//
//   created -> starting -> running -> draining -> drained
//      |           |          |          |          |
//      |           v          +----------+----------+--> stopping -> stopped
//      +-----------+--- (a failed start goes back to created) ----------^ (from created at once)
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string_view>

#include "base/ref.hpp"
#include "base/told.hpp"
#include "graph/hierarchy.hpp"
#include "network/breakpoints.hpp"
#include "network/dead_letters.hpp"
#include "network/events.hpp"
#include "network/record.hpp"
#include "network/failure.hpp"
#include "network/foreign.hpp"
#include "network/runtime.hpp"
#include "network/topology.hpp"
#include "network/writable.hpp"
#include "runtime/actor.hpp"

namespace reflow::network {

class Checkpoints;
struct Restored;
struct Makers;
struct Restoring;

struct ChangeOptions {
    bool drop = false;     // what waits at removed nodes, instead of draining it first
    bool letters = false;  // what is dropped there becomes dead letters
    bool new_states = false;
    std::int64_t timeout_ms = 0;
    std::int64_t drain_ms = 0;
};

// A reader of an outport.
class Output : public RefCounted<Output> {
public:
    Output(Network& network, std::string_view node_of, std::string_view port_of,
           std::uint32_t capacity)
        : network_(network), node(node_of), port(port_of), mailbox(*this, capacity) {}
    // Takes up to max messages, waiting for the first. REFLOW_ERROR_CLOSED at the end.
    reflow_status recv(std::span<reflow_message> to, std::int64_t timeout_ms, std::size_t& count);
    // Each still inside its envelope, if it has one. elements: NULL, or where the elements of an array
    // port go that they were emitted at.
    reflow_status recv_enveloped(std::span<reflow_message> to, std::int64_t timeout_ms,
                                 std::size_t& count, std::uint32_t* elements = nullptr);
    // The host reads no more: what comes is dropped and holds nobody back.
    void close() noexcept;
    // Told after something has come, in the turn that has brought it, and often for nothing, and when
    // nothing comes any more; what came before is not told of. It may take what is there, and calls nothing
    // that waits.
    Told readable;

private:
    friend class Network;
    // Tells whose it is.
    struct Inbox final : runtime::Mailbox {
        Inbox(Output& of, std::uint32_t capacity) : Mailbox(1, false, capacity), output(of) {}
        Output& output;
    };
    // Nothing comes any more.
    [[nodiscard]] bool over() const noexcept;
    Network& network_;

public:
    // As it was opened: a change of the network looks for them anew.
    const String node;
    const String port;
    // These two are fixed when it is opened. Opened by the engine for who follows the outport from elsewhere: what it
    // reads may come into the network later, or anew, and it stays as long as nobody closes it. No part of snapshots:
    // nobody could open it before a restore.
    bool patient = false;
    // It reads an outport of a node of another network that the graph does not use.
    bool wishes = false;
    Inbox mailbox;
    std::int64_t number = 0;  // among those of the network
    // The host reads no more. relaxed: the next change looks at it, or the one after.
    std::atomic<bool> unread{false};
    // Nothing comes any more, since where it read has left the network. release and acquire: who sees
    // it sees what came before.
    std::atomic<bool> detached{false};
};

class Network : public RefCounted<Network>, private runtime::Observer {
public:
    // With an instrument: it stands between the actors and their components.
    static Result<Ref<Network>> create(Ref<Runtime> runtime, Ref<graph::SharedGraph> graph,
                                       Ref<Instrument> instrument = {});
    // One that records into a file, as reflow.h section 20.
    static Result<Ref<Network>> create_recorded(Ref<Runtime> runtime, Ref<graph::SharedGraph> graph,
                                                std::string_view path);
    // Of such a one: writes what was gathered, and tells whether all was recorded.
    Result<void> flush_recording();
    [[nodiscard]] Instrument* instrument() const noexcept { return instrument_.get(); }
    static Result<Ref<Network>> create(Ref<Runtime> runtime, const graph::Graph& graph) {
        return create(std::move(runtime), make_ref<graph::SharedGraph>(graph));
    }
    ~Network() override;

    // ---- life; as reflow.h section 10
    Result<void> start();
    Result<void> wait_idle(std::int64_t timeout_ms);
    // tell(callback, data, network, how) hands over to the host; how is for how_quiet(). id: not 0.
    using TellQuiet = void (*)(reflow_idle_fn, void*, const Network&, reflow_status) noexcept;
    Result<void> on_idle(reflow_idle_fn callback, TellQuiet tell, HostData data, std::uint64_t* id);
    Result<void> remove_on_idle(std::uint64_t id);
    // The end of a wait that was told how.
    [[nodiscard]] Result<void> how_quiet(reflow_status how) const;
    Result<void> end_sources();
    // Cancels what is pending of a node, of all nodes of a subgraph, or of all if the path is empty. which: only that,
    // for another network that has caused it; else networks are told whose actors such nodes stand for.
    Result<void> cancel(std::string_view path, std::size_t& count,
                        const runtime::DeferredFirings::Which* which = nullptr);
    Result<void> drain(std::int64_t timeout_ms);
    Result<void> stop(std::int64_t timeout_ms);
    // The host's handle ends: stops, now or when the callback that calls this returns. On a thread
    // of the host nothing of the network runs any more when this returns.
    void abandon() noexcept;
    [[nodiscard]] reflow_network_state state() const noexcept;

    // ---- changing; as reflow.h section 18
    Result<void> apply(Ref<graph::SharedGraph> graph, const ChangeOptions& options,
                       reflow_change& done);
    // edit(graph) -> Result<void>
    using Edit = std::function<Result<void>(graph::Graph&)>;
    Result<void> apply_edit(const Edit& edit);

    // ---- pausing; as reflow.h section 10
    Result<void> pause(std::string_view path, std::int64_t timeout_ms);
    Result<void> resume(std::string_view path);
    // fired starts at 0.
    Result<void> step(std::string_view path, std::uint64_t firings, std::int64_t timeout_ms,
                      std::uint64_t& fired);
    // ---- state; as reflow.h section 17
    Result<void> with_state(std::string_view node, std::string_view component,
                            reflow_state_visit_fn visit, void* user_data, std::int64_t timeout_ms);
    Result<Message> snapshot(std::int64_t timeout_ms);
    Result<void> restore(MessageRef snapshot, const Makers& makers);
    // keep: files of before that stay.
    Result<void> snapshot_file(std::string_view path, std::uint32_t keep, std::int64_t timeout_ms);
    void tell_failed_checkpoint(String why) noexcept;
    Result<void> restore_file(std::string_view path, const Makers& makers);
    Result<void> begin_checkpoints(std::string_view path, std::uint32_t keep,
                                   std::uint64_t interval_ms, std::int64_t timeout_ms);
    Result<void> end_checkpoints();

    Result<std::size_t> peek(std::string_view node, std::string_view port,
                             std::span<reflow_message> to) const;

    // ---- breakpoints; as reflow.h section 10
    Result<std::uint64_t> add_breakpoint(BreakOptions options);
    Result<void> remove_breakpoint(std::uint64_t id);
    // saved: but for those whose condition is a function of the host.
    [[nodiscard]] Result<Message> list_breakpoints(bool saved = false) const;

    // ---- traffic; as reflow.h section 11
    Result<void> carry_envelopes();
    [[nodiscard]] bool carries_envelopes() const noexcept { return carries(); }
    Result<std::uint64_t> find_inport(std::string_view node, std::string_view port);
    // element: of an array port, instead of that which an exposed inport leads to.
    Result<void> send(std::uint64_t inport, std::span<const reflow_message> messages,
                      std::int64_t timeout_ms, std::size_t& accepted,
                      std::uint32_t element = REFLOW_NO_INDEX);
    // who: NULL for the host; each has one callback for an inport.
    Result<void> on_writable(std::uint64_t inport, reflow_writable_fn callback, HostData data,
                             const void* who = nullptr);
    // patient: it need not be there yet; see Output.
    Result<Ref<Output>> open_output(std::string_view node, std::string_view port,
                                    std::uint32_t capacity, bool patient = false);

    // ---- failure; as reflow.h section 19
    Result<void> on_failure(FailureHook hook);
    Result<void> node_state(std::string_view node, reflow_node_status& to) const;
    void count_letters(reflow_dead_letters& to) const noexcept { letters_.count(to); }
    Result<Message> list_letters(std::string_view path, std::uint64_t after, std::size_t max) const;
    Result<void> replay_letter(std::uint64_t id);
    Result<void> replay_letters(std::string_view path, std::size_t& count);
    Result<void> send_letter(MessageRef letter);
    Result<void> drop_letters(std::uint64_t id, std::string_view path, std::size_t& count);

    // What makes components of other networks' actors, once there is one or a peer.
    Result<Ref<Foreign>> foreign();

    // ---- observation
    Result<Ref<Subscription>> subscribe(SubscriptionOptions options);
    void unsubscribe(Subscription& subscription) noexcept;
    Result<void> counters(std::string_view node, reflow_node_counters& to) const;
    [[nodiscard]] Result<Message> report() const;
    // One turn in so many of each actor is measured from now on; 0 ends it.
    void measure(std::uint32_t every);
    Result<void> node_metrics(std::string_view node, reflow_node_metrics& to) const;
    // What reflow_network_metrics tells of the network itself.
    [[nodiscard]] Result<Message> metrics() const;
    [[nodiscard]] const Runtime& runtime() const noexcept { return *runtime_; }
    // Nothing comes any more: drained or stopped.
    [[nodiscard]] bool closed() const noexcept;
    [[nodiscard]] bool ended() const noexcept { return state() == REFLOW_NETWORK_STOPPED; }
    [[nodiscard]] runtime::Group& group() noexcept { return group_; }
    // What is left of a timeout that began at start_ns.
    [[nodiscard]] std::int64_t left_ms(std::int64_t timeout_ms, std::uint64_t start_ns) noexcept;

    void let_go(const runtime::Released& senders) noexcept;

    // What there is now; it stays as it is while somebody has it.
    [[nodiscard]] Ref<Topology> topology() const noexcept {
        std::lock_guard lock(topology_mutex_);
        return topology_;
    }

    using RefCounted::operator new;
    using RefCounted::operator delete;

private:
    friend class Builder;
    friend class Output;
    friend class Recorder;
    friend class Replay;
    friend class Change;
    friend class FailureBuilder;
    friend class Freeze;
    friend class SnapshotReader;
    friend struct Restored;
    explicit Network(Ref<Runtime> runtime);
    static std::uint32_t next_tag() noexcept;
    Result<void> build_first(const graph::Flat& flat);
    // From now on so many actors, and what so many packets need; nothing changes on failure.
    Result<void> count_actors(std::uint64_t count);
    Result<void> count_packets(std::uint64_t count);

    // Values of the state; starting counts as created for the host.
    static constexpr std::int32_t starting = 100;

    // Keeps network and runtime for a call that waits, since a callback may end their handles; then
    // runs what the end of the network still needs if nobody else does.
    class Visit {
    public:
        explicit Visit(Network& network)
            : runtime_(network.runtime_), network_(Ref<Network>::share(&network)) {}
        ~Visit() {
            network_ = nullptr;
            runtime_->settle();
        }
        Visit(const Visit&) = delete;
        Visit& operator=(const Visit&) = delete;

    private:
        Ref<Runtime> runtime_;
        Ref<Network> network_;
    };

    // For who sends: inside, actors stay where they are. It is short and calls nothing that waits.
    class Entrance {
    public:
        explicit Entrance(Network& network);
        ~Entrance() { leave(); }
        Entrance(const Entrance&) = delete;
        Entrance& operator=(const Entrance&) = delete;

    private:
        void leave() noexcept;
        Network& network_;
    };
    Result<void> send_any(std::uint64_t inport, std::span<const reflow_message> messages,
                          std::int64_t timeout_ms, std::size_t& accepted, std::uint32_t element);
    // What most sends are: nothing is recorded or checked, and there is room. If not all went, a
    // reference, since a callback may end the network as soon as the visit is over.
    [[nodiscard]] Ref<Network> send_plainly(std::uint64_t inport,
                                            std::span<const reflow_message> messages,
                                            std::size_t& accepted);
    [[nodiscard]] static Failure refusal(const runtime::Actor& actor, std::uint32_t port,
                                         bool full);
    [[nodiscard]] bool may_step() const noexcept;
    [[nodiscard]] bool stands_at_breakpoint(const runtime::Actor& stepped,
                                            std::uint64_t& fired) const noexcept;
    template <typename Act>
    void under_pause(Act act) noexcept;
    void resume_all() noexcept;
    static constexpr std::uint8_t by_host = 1;
    static constexpr std::uint8_t by_change = 2;
    static void pause_for(runtime::Actor& actor, std::uint8_t reason) noexcept;
    [[nodiscard]] static bool resume_for(runtime::Actor& actor, std::uint8_t reason) noexcept;
    void give_probe(runtime::Actor& actor);
    // One thread at a time starts, changes the network or opens an output.
    class Right {
    public:
        explicit Right(Network& network) noexcept : network_(network) {}
        ~Right();
        Right(const Right&) = delete;
        Right& operator=(const Right&) = delete;
        // Waits for others; inside a callback it refuses instead.
        Result<void> take(std::int64_t timeout_ms);

    private:
        Network& network_;
        bool taken_ = false;
    };
    Result<void> change(Ref<graph::SharedGraph> graph, const Ref<Output>& output,
                        const ChangeOptions& options, reflow_change& done);
    Result<Ref<Output>> open_before_start(std::string_view node, std::string_view port,
                                          const Topology::Place& place, std::uint32_t capacity);
    // In a network that is created, and stays so as long as this lives: nobody starts or changes it.
    class Unstarted {
    public:
        explicit Unstarted(Network& network) noexcept : network_(network), right_(network) {}
        ~Unstarted();
        Unstarted(const Unstarted&) = delete;
        Unstarted& operator=(const Unstarted&) = delete;
        Result<void> begin(std::int64_t timeout_ms);

    private:
        Network& network_;
        Right right_;
        bool begun_ = false;
    };
    [[nodiscard]] static Result<Message> write_snapshot(const Topology& all, Restored& taken);
    [[nodiscard]] runtime::Actor* step_next(const Vector<runtime::Actor*>& actors,
                                            bool& some_paused) noexcept;
    Result<void> set_up_actors();
    void tear_down() noexcept;
    Result<void> drive_drain(std::int64_t timeout_ms, std::uint64_t start_ns);
    [[nodiscard]] bool launch() noexcept;
    void give_up_start() noexcept;
    // Nothing comes to its outputs any more. By who may change the network, or when nobody can.
    void tell_ends() noexcept;
    void end_abandoned() noexcept;
    void end_handle() noexcept;
    [[nodiscard]] Result<void> waited(reflow_status status, std::string_view what) const;
    [[nodiscard]] Failure stream_stall() const;
    [[nodiscard]] Result<void> started() const;
    bool begin_stop() noexcept;
    [[nodiscard]] bool on_own_thread() noexcept;
    std::size_t push_in(runtime::Actor& actor, std::uint32_t port, std::uint32_t index,
                        std::span<const reflow_message> messages, bool host_waits);

    // ---- events, from the runtime
    void completed(const runtime::Actor&, std::uint64_t firings, std::uint64_t ns) override;
    void failed(const runtime::FailedFiring& firing) override;
    void letter(const runtime::FailedFiring& firing) noexcept override;
    runtime::AfterFailure escalated(const runtime::FailedFiring& firing,
                                    std::uint64_t restarts) noexcept override;
    void stop_for(const runtime::FailedFiring& firing) noexcept override;
    void state(const runtime::Actor& actor, std::int32_t state, std::uint32_t details) override;
    void emitted(const runtime::Actor&, std::uint32_t outport, std::uint32_t index,
                 MessageRef message) override;
    void sent(const runtime::Actor& from, std::uint32_t outport, const runtime::Actor& to,
              std::uint32_t inport, MessageRef message) override;
    void stuck(const runtime::Actor& actor, std::uint64_t ns) noexcept override;
    void idle() override;
    void settled(reflow_status how) noexcept override;
    void stalled(const runtime::Stall& stall) override;
    void made_room(const runtime::Actor& actor) noexcept override { writables_.made_room(actor); }
    void arrived(runtime::Mailbox& reader) noexcept override;
    void stopped() override;
    bool breaks_firings(const runtime::Actor& actor) noexcept override;
    bool breaks_before(runtime::Actor& actor,
                       std::span<const runtime::Packet> inputs) noexcept override;
    bool breaks_before(runtime::Actor& from, const runtime::Connection& connection,
                       MessageRef message) noexcept override;
    void stop_at(runtime::Actor& actor, bool whole) noexcept;
    void met(const Breakpoint& breakpoint, const BreakPlace& place, MessageRef message) noexcept;
    [[nodiscard]] Ref<BreakList> breakpoints() const noexcept;
    void replace_breakpoints(Ref<BreakList>& list) noexcept;
    Result<BreakPlace> place_of(const BreakOptions& options, const Topology* all);
    // Those of actors that have left the network end.
    void forget_breakpoints() noexcept;
    // Of a snapshot: as list_breakpoints() told it; nothing if it cannot be made again.
    Result<Ref<Breakpoint>> read_breakpoint(MessageRef from, const Makers& makers);
    void add_restored(const Vector<Ref<Breakpoint>>& breaks);
    void update_wanted() noexcept;

    // ---- recordings
    [[nodiscard]] Result<Message> record_header(const Recorder& recorder) const;
    // Nobody runs turns while a host changes something that is recorded.
    [[nodiscard]] std::unique_lock<runtime::Scheduler> still() noexcept {
        if (!instrument_) return {};
        return std::unique_lock(runtime_->scheduler());
    }
    // What a host does outside of callbacks, since a replay calls these again.
    void note(Step step, std::initializer_list<std::int64_t> numbers = {},
              Message more = {}) noexcept {
        if (instrument_ && !on_own_thread()) instrument_->host(step, numbers, std::move(more));
    }
    // An instrumented network is not changed, so positions stay.
    [[nodiscard]] std::int64_t position_of(const runtime::Actor& actor) const noexcept {
        return *topology_->find_position(actor.id);
    }
    void carry_now() noexcept;
    void tell_foreign(std::string_view cancelled) noexcept;
    // See Foreign::look.
    void tell_foreign(bool changed) noexcept;
    // There is room for them, and they are taken with references of their own. Those that are too late
    // lose their deadline.
    void force_in(runtime::Actor& actor, std::span<const runtime::Packet> packets);
    // Of an output: where it is connected.
    struct OutputEnd {
        runtime::Actor* actor;
        std::uint32_t port;
        std::uint32_t index;
    };
    Result<Ref<Output>> add_output(std::string_view node, std::string_view port,
                                   std::span<const OutputEnd> ends, std::uint32_t capacity);
    void grant_again(runtime::Actor& actor) noexcept;  // of a replay
    runtime::AfterFailure ask_host(const runtime::FailedFiring& firing,
                                   std::uint64_t restarts) noexcept;
    static void tell_of(const runtime::FailedFiring& firing, Event& event) noexcept;
    void show_all(std::int32_t state) noexcept;
    Result<void> known_path(std::string_view path) const;
    void restart_inside(std::string_view path, const runtime::Actor& but) noexcept;
    struct NamedPacket {
        std::string_view port;
        std::uint32_t index;
        MessageRef message;
    };
    Result<void> put_back(std::string_view node, std::span<const NamedPacket> packets, bool shown,
                          std::uint64_t letter);
    // An event to fill in and post, or nothing if nobody wants it (or there is no memory: missed).
    [[nodiscard]] Ref<Event> new_event(reflow_event_kind kind) noexcept;
    [[nodiscard]] Ref<Event> new_event(reflow_event_kind kind,
                                       const runtime::Actor& actor) noexcept;
    void post(const Ref<Event>& event) noexcept;
    void miss(reflow_event_kind kind) noexcept;
    void wake_notifiers() noexcept;

    Ref<Runtime> runtime_;
    Ref<Instrument> instrument_;  // none unless it records or is replayed
    runtime::Group group_;
    std::uint64_t counted_actors_ = 0;  // these two: of who may change the network
    std::uint64_t counted_packets_ = 0;
    runtime::Sampling sampling_;
    // Guards topology_, for as long as it takes to share it; nothing else is taken under it.
    mutable std::mutex topology_mutex_;
    Ref<Topology> topology_;
    // The same for who sends, without the lock: under a visit of the group. release and acquire: who
    // sees it sees it whole.
    std::atomic<const Topology*> current_{nullptr};
    // Nobody enters while this is set, which is for as long as it takes to put another topology in
    // place. Written under entrance_mutex_; seq_cst: see Entrance.
    std::atomic<bool> closed_for_change_{false};
    std::mutex entrance_mutex_;  // nothing is called under it
    std::condition_variable entrance_changed_;
    // relaxed but for the exchange: who has it has what those before wrote.
    std::atomic<bool> changing_{false};
    Vector<Ref<Output>> outputs_;  // of who has changing_
    DeadLetters letters_;
    Writables writables_;
    FailureHook on_failure_;  // set while created, under mutex_, then fixed

    // Until the network has started: what it goes on with. Of who has made the state `starting`.
    std::unique_ptr<Restoring> restored_;

    // Of the one thread that begins and ends checkpoints, or ends the network.
    std::unique_ptr<Checkpoints> checkpointer_;

    // acq_rel: who sees a state sees what was done before it.
    std::atomic<std::int32_t> state_{REFLOW_NETWORK_CREATED};
    // The handle ended inside a callback: stopped() drops its reference, or a failed start. Guarded
    // by the group's lock (Group::publish), together with the step to stopped.
    bool abandoned_ = false;
    // A stop was asked for while the network started. Guarded by the same lock.
    bool stop_asked_ = false;
    // One thread at a time drives a drain; next_finish_ is its place in the order of finishing.
    std::atomic<bool> draining_{false};
    std::size_t next_finish_ = 0;

    // One at a time pauses, resumes, grants a step or looks into a paused actor. Before the locks
    // of the group, of mailboxes and of schedulers; nothing is called back under it.
    mutable std::mutex pause_mutex_;
    // One thread at a time steps or freezes; last_stepped_ is its place, under pause_mutex_.
    std::atomic<bool> stepping_{false};
    const runtime::Actor* last_stepped_ = nullptr;
    // Stands at a breakpoint and is stepped first; under pause_mutex_.
    runtime::Actor* stands_ = nullptr;

    mutable std::mutex mutex_;  // guards subscriptions_, breaks_, foreign_, waiters_, and making probes
    Ref<BreakList> breaks_;     // never changed, but replaced; none if there are no breakpoints
    bool carries_ = false;      // envelopes; guarded by mutex_, fixed with the start
    std::uint64_t last_break_ = 0;  // likewise
    Ref<Foreign> foreign_;          // likewise; then it stays
    Vector<Ref<Subscription>> subscriptions_;
    // Hosts that are told when it is quiet, in the order of their numbers; a list, so that one is taken
    // out of many at once.
    struct Waiter : Allocated {
        std::uint64_t id = 0;
        reflow_idle_fn callback = nullptr;
        TellQuiet tell = nullptr;
        HostData data;
        std::unique_ptr<Waiter> next;
    };
    std::unique_ptr<Waiter> take_waiter(std::uint64_t first, std::uint64_t last) noexcept;
    std::unique_ptr<Waiter> waiters_;
    std::uint64_t last_waiter_ = 0;
    std::uint32_t waiters_count_ = 0;
    std::atomic<std::uint64_t> sequence_{0};  // relaxed: only distinct and rising
};

}  // namespace reflow::network
