// A network: a graph that runs on a runtime.
// Neighbours: graph (what to run), runtime (who runs it), events, capi above. Thread: any.
//
//   created -> starting -> running -> draining -> drained
//      |           |          |          |          |
//      |           v          +----------+----------+--> stopping -> stopped
//      +-----------+--- (a failed start goes back to created) ----------^ (from created at once)
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string_view>

#include "base/ref.hpp"
#include "graph/graph.hpp"
#include "network/breakpoints.hpp"
#include "network/events.hpp"
#include "network/runtime.hpp"
#include "runtime/actor.hpp"

namespace reflow::network {

// A reader of an outport.
class Output : public RefCounted<Output> {
public:
    Output(Network& network, std::uint32_t capacity)
        : network_(network), mailbox(1, false, capacity) {}
    // Takes up to max messages, waiting for the first. REFLOW_ERROR_CLOSED at the end.
    reflow_status recv(std::span<reflow_message> to, std::int64_t timeout_ms, std::size_t& count);
    // The host reads no more: what comes is dropped and holds nobody back.
    void close() noexcept;

private:
    friend class Network;
    Network& network_;

public:
    runtime::Mailbox mailbox;
};

class Network : public RefCounted<Network>, private runtime::Observer {
public:
    static Result<Ref<Network>> create(Ref<Runtime> runtime, const graph::Graph& graph);
    ~Network() override;

    // ---- life; as reflow.h section 10
    Result<void> start();
    Result<void> wait_idle(std::int64_t timeout_ms);
    Result<void> end_sources();
    // Cancels what is pending of a node, or of all if it is empty.
    Result<void> cancel(std::string_view node, std::size_t& count);
    Result<void> drain(std::int64_t timeout_ms);
    Result<void> stop(std::int64_t timeout_ms);
    // The host's handle ends: stops, now or when the callback that calls this returns. On a thread
    // of the host nothing of the network runs any more when this returns.
    void abandon() noexcept;
    [[nodiscard]] reflow_network_state state() const noexcept;

    // ---- pausing; as reflow.h section 10
    Result<void> pause(std::string_view path, std::int64_t timeout_ms);
    Result<void> resume(std::string_view path);
    // fired starts at 0.
    Result<void> step(std::string_view path, std::uint64_t firings, std::int64_t timeout_ms,
                      std::uint64_t& fired);
    Result<std::size_t> peek(std::string_view node, std::string_view port,
                             std::span<reflow_message> to) const;

    // ---- breakpoints; as reflow.h section 10
    Result<std::uint64_t> add_breakpoint(BreakOptions options);
    Result<void> remove_breakpoint(std::uint64_t id);
    [[nodiscard]] Result<Message> list_breakpoints() const;

    // ---- traffic; as reflow.h section 11
    Result<std::uint64_t> find_inport(std::string_view node, std::string_view port);
    Result<void> send(std::uint64_t inport, std::span<const reflow_message> messages,
                      std::int64_t timeout_ms, std::size_t& accepted);
    Result<Ref<Output>> open_output(std::string_view node, std::string_view port,
                                    std::uint32_t capacity);

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

    using RefCounted::operator new;
    using RefCounted::operator delete;

private:
    friend class Builder;
    explicit Network(Ref<Runtime> runtime);

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

    struct Initial {
        runtime::Actor* actor;
        runtime::Packet packet;  // owns its message
    };
    struct Exposed {
        String node;  // path of the subgraph; empty: the graph
        String name;
        runtime::Actor* actor;
        std::uint32_t port;
        std::uint32_t index;
    };

    void index_actors();
    [[nodiscard]] std::optional<std::uint32_t> find_position(std::string_view id) const noexcept;
    [[nodiscard]] runtime::Actor* find_actor(std::string_view id) const noexcept;
    [[nodiscard]] Failure no_node(std::string_view id) const;
    // A port of an actor, or the ends of an exposed one.
    struct Place {
        runtime::Actor* actor = nullptr;  // of the port, or of the first end
        std::uint32_t port = 0;
        std::span<const Exposed> ends;  // empty: a port of an actor
    };
    Result<Place> resolve(std::string_view node, std::string_view port, bool in) const;
    Result<Place> resolve_exposed(std::string_view node, std::string_view port, bool in) const;
    [[nodiscard]] Result<Vector<runtime::Actor*>> select(std::string_view path) const;
    [[nodiscard]] bool may_step() const noexcept;
    [[nodiscard]] bool stands_at_breakpoint(const runtime::Actor& stepped,
                                            std::uint64_t& fired) const noexcept;
    template <typename Act>
    void under_pause(Act act) noexcept;
    void resume_all() noexcept;
    [[nodiscard]] runtime::Actor* step_next(const Vector<runtime::Actor*>& actors,
                                            bool& some_paused) noexcept;
    Result<void> set_up_actors();
    void tear_down() noexcept;
    Result<void> drive_drain(std::int64_t timeout_ms, std::uint64_t start_ns);
    [[nodiscard]] bool launch() noexcept;
    void give_up_start() noexcept;
    void end_abandoned() noexcept;
    void end_handle() noexcept;
    [[nodiscard]] Result<void> waited(reflow_status status, std::string_view what) const;
    [[nodiscard]] Failure stream_stall() const;
    bool begin_stop() noexcept;
    [[nodiscard]] bool on_own_thread() noexcept;
    std::size_t push_in(runtime::Actor& actor, std::uint32_t port, std::uint32_t index,
                        std::span<const reflow_message> messages, bool host_waits);

    // ---- events, from the runtime
    void completed(const runtime::Actor&, std::uint64_t firings, std::uint64_t ns) override;
    void failed(const runtime::Actor&, const Error& error, std::uint64_t ns) override;
    void emitted(const runtime::Actor&, std::uint32_t outport, MessageRef message) override;
    void sent(const runtime::Actor& from, std::uint32_t outport, const runtime::Actor& to,
              std::uint32_t inport, MessageRef message) override;
    void idle() override;
    void stalled(std::string_view text) override;
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
    Result<BreakPlace> place_of(const BreakOptions& options) const;
    void update_wanted() noexcept;
    // An event to fill in and post, or nothing if nobody wants it (or there is no memory: missed).
    [[nodiscard]] Ref<Event> new_event(reflow_event_kind kind) noexcept;
    [[nodiscard]] Ref<Event> new_event(reflow_event_kind kind,
                                       const runtime::Actor& actor) noexcept;
    void post(const Ref<Event>& event) noexcept;
    void miss(reflow_event_kind kind) noexcept;
    void wake_notifiers() noexcept;

    Ref<Runtime> runtime_;
    runtime::Group group_;
    std::uint32_t nonce_ = 0;  // tells inports of this network from those of others
    bool case_sensitive_ = true;
    std::uint64_t counted_actors_ = 0;
    std::uint64_t counted_packets_ = 0;  // guarded by mutex_ once it is built
    runtime::Sampling sampling_;
    Vector<runtime::Probe> probes_;  // made once, of actors_ in their order
    // release and acquire: who sees them sees them whole. NULL: not made.
    std::atomic<const runtime::Probe*> made_probes_{nullptr};
    Vector<std::unique_ptr<runtime::Actor>> actors_;  // in the order of the graph
    // Positions of actors by the hash of their ids: position + 1, 0 for empty; a power of two of
    // slots, one after the other.
    Vector<std::uint32_t> positions_;
    Vector<std::uint32_t> finish_order_;  // after the data
    Vector<Initial> initials_;
    Vector<Exposed> inports_;
    Vector<Exposed> outports_;
    // What goes to an actor, by its position.
    static constexpr std::uint8_t by_connection = 1;
    static constexpr std::uint8_t otherwise = 2;  // an initial packet, or an exposed inport
    Vector<std::uint8_t> fed_;
    Vector<Ref<Output>> outputs_;  // added while created, then fixed

    // acq_rel: who sees a state sees what was done before it.
    std::atomic<std::int32_t> state_{REFLOW_NETWORK_CREATED};
    // The handle ended inside a callback: stopped() drops its reference, or a failed start. Guarded
    // by the group's lock (Group::publish), together with the step to stopped.
    bool abandoned_ = false;
    // A stop was asked for while the network started. Guarded by the same lock.
    bool stop_asked_ = false;
    // One thread at a time drives a drain; next_finish_ is its place in finish_order_.
    std::atomic<bool> draining_{false};
    std::size_t next_finish_ = 0;

    // One at a time pauses, resumes, grants a step or looks into a paused actor. Before the locks
    // of the group, of mailboxes and of schedulers; nothing is called back under it.
    mutable std::mutex pause_mutex_;
    // One thread at a time steps; last_stepped_ is its place, under pause_mutex_.
    std::atomic<bool> stepping_{false};
    const runtime::Actor* last_stepped_ = nullptr;
    // Stands at a breakpoint and is stepped first; under pause_mutex_.
    runtime::Actor* stands_ = nullptr;

    mutable std::mutex mutex_;  // guards subscriptions_, probes_, breaks_, outputs_ while created
    Ref<BreakList> breaks_;     // never changed, but replaced; none if there are no breakpoints
    std::uint64_t last_break_ = 0;  // likewise
    Vector<Ref<Subscription>> subscriptions_;
    std::atomic<std::uint64_t> sequence_{0};  // relaxed: only distinct and rising
};

}  // namespace reflow::network
