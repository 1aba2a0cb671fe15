// A peer: a network of this process and its links to others. It listens, dials, dials again, brings what
// comes to the actors of the network, and sends to theirs.
// Neighbours: link below, capi above; network (the actors). Thread: any.
#pragma once

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>

#include "base/clock.hpp"
#include "base/limits.hpp"
#include "base/ref.hpp"
#include "io/wire.hpp"
#include "network/network.hpp"
#include "peer/arrivals.hpp"
#include "peer/confirmations.hpp"
#include "peer/deliveries.hpp"
#include "peer/discovery.hpp"
#include "peer/followers.hpp"
#include "peer/link.hpp"
#include "peer/outboxes.hpp"
#include "peer/proxies.hpp"
#include "peer/status.hpp"
#include "peer/strangers.hpp"

namespace reflow::peer {

// Requests that are not for the status of the peer.
struct HttpRoutes {
    std::function<io::HttpResponse(const io::HttpRequest&)> call;  // on the thread of wires
    std::uint64_t reply_ns = 30'000'000'000;
    std::size_t body_bytes = limits::http_body_bytes;
    std::uint32_t replies = limits::http_replies_count;
};

struct PeerOptions {
    LinkOptions link;  // identity, token, heartbeat
    io::WireOptions wire;
    String bind_address = "0.0.0.0";
    std::uint16_t bind_port = 0;
    bool listens = true;
    std::uint32_t max_connections = 32;
    bool fails_over = false;  // of several instances the first is sent to; else all in turn
    Vector<String> allowed_networks;  // empty: all
    Vector<String> allowed_origins;   // pages of which browsers may dial; as those of io::PortOptions
    std::uint32_t reconnect_attempts = 5;
    bool reconnect_forever = false;
    std::uint64_t reconnect_first_ns = 200'000'000;
    std::uint64_t reconnect_most_ns = 3'200'000'000;
    bool tells_messages = false;  // in the log, each that comes
    DiscoveryOptions discovery;
    io::ThreadHooks threads{};  // of those that a peer has besides that of wires
    bool auto_dial = true;     // networks that discovery tells of
    String advertise_address;  // host or host:port; empty: where it listens
    Vector<String> capabilities{String(capability_messages)};  // told to discovery
    std::function<void(const DiscoveryEvent&)> discovered;     // as the listener, on another thread
    std::function<void(reflow_log_level level, std::string_view text)> log;
    const Clock* clock = nullptr;  // NULL: the machine's
};

// How a refusal ends that is no failure: there is a link already.
inline constexpr std::string_view connected_already = "is connected already";

// A node for an actor of another network, put into the network of a peer.
struct RemoteRegistration {
    RemoteName name;
    std::optional<NameStrategy> strategy;  // none: the node is actor@network
    String alias;                          // of manual_alias
    Vector<String> inports;   // beside those that connections use; none at all: "in"
    Vector<String> outports;  // likewise
    Vector<String> capabilities;
};

// Of wires, in the order of io::WireScheme.
inline constexpr std::string_view scheme_names[] = {"ws", "wss", "tcp", "tls"};

// What is told of links. On the thread of a wire or of a call; it does not wait.
enum class PeerEventKind : std::uint8_t { connected, disconnected, reconnecting, gave_up };
struct PeerEvent {
    PeerEventKind kind = PeerEventKind::connected;
    Identity remote;
    String endpoint;
    reflow_status status = REFLOW_OK;
    String reason;
    std::uint32_t attempt = 0;
    std::uint64_t in_doubt = 0;  // packets that the link has carried, of which nothing is known
};

// The reason, or what the status says.
[[nodiscard]] String reason_of(reflow_status status, std::string_view reason);

class Peer final : public RefCounted<Peer>,
                   private LinkOwner,
                   private OutboxCarrier,
                   private DeliveryCarrier,
                   private io::PortHandler {
public:
    using Listener = std::function<void(const PeerEvent&)>;
    // The host of wires outlives the peer.
    Peer(io::WireHost& wires, PeerOptions options, Listener listener);
    ~Peer();

    // The network whose actors are reached from outside. REFLOW_ERROR_INVALID_STATE after start().
    Result<void> attach(Ref<network::Network> network);
    // Who answers the requests that are not for its status. The same error.
    Result<void> serve(HttpRoutes http);
    // Where it listens. The same error.
    Result<void> bind(std::string_view address, std::uint16_t port);
    Result<void> start();
    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
    // Dials and waits for the greeting. The errors of the greeting and of the wire, REFLOW_ERROR_TIMEOUT.
    // What was connected once is dialled again when the link breaks.
    Result<Identity> connect(std::string_view endpoint, std::int64_t timeout_ms);
    // Ends the links to a network, and dials it no more. REFLOW_ERROR_NOT_FOUND.
    Result<void> disconnect(std::string_view network_id);
    // Sends to an actor of another network, in order; a message may be in an envelope. accepted tells how
    // many have gone, on failure too. confirm: waits until the last is delivered. REFLOW_ERROR_NOT_FOUND
    // without a link, _TIMEOUT, _CLOSED, and with confirm what was reported, and _UNSUPPORTED if the
    // other side does not tell.
    Result<void> send(std::string_view network_id, std::string_view actor, std::string_view port,
                      std::span<const MessageRef> messages, std::string_view source_actor,
                      std::int64_t timeout_ms, std::size_t& accepted, bool confirm = false);
    Result<void> send(std::string_view network_id, std::string_view actor, std::string_view port,
                      MessageRef message, std::string_view source_actor, std::int64_t timeout_ms,
                      bool confirm = false) {
        std::size_t accepted = 0;
        return send(network_id, actor, port, std::span(&message, 1), source_actor, timeout_ms,
                    accepted, confirm);
    }
    // The same with confirm, and without a wait: told is called once, unless this fails. See Deliveries. timeout_ns:
    // 0 for the usual, which an outbox has of its own; UINT64_MAX for none.
    Result<void> send_told(const Deliveries::Address& to, Message message, std::uint64_t timeout_ns,
                           OutcomeFn told);
    // For a node of this network, to an actor that keeps() has told of: into the outbox, without a wait.
    Result<void> keep(const OutboxAddress& to, std::span<const MessageRef> messages,
                      std::uint32_t index, std::size_t& accepted) {
        return outboxes_.put(to, messages, 0, accepted, index);
    }
    // Asks the discovery servers now. REFLOW_ERROR_INVALID_STATE without any, or before the start, and as
    // Discovery::discover.
    Result<void> discover(std::int64_t timeout_ms);
    // Which actors a network has, an array. REFLOW_ERROR_NOT_FOUND without a link, _TIMEOUT, _CLOSED.
    Result<Message> ask_actors(std::string_view network_id, std::int64_t timeout_ms);
    // How long a ping over a link to the network and its answer take, in nanoseconds. As ask_actors().
    Result<std::uint64_t> ping(std::string_view network_id, std::int64_t timeout_ms);
    // Those that are known, and those that there are links to; an array for the host.
    [[nodiscard]] Result<Message> networks() const;
    // Keeps what is sent to an actor until it can go, and as the options say until it is confirmed; listener
    // may be empty. REFLOW_ERROR_ALREADY_EXISTS, _LIMIT.
    Result<void> keep(std::string_view network_id, std::string_view actor,
                      const OutboxOptions& options, Outboxes::Listener listener) {
        return outboxes_.keep(network_id, actor, options, std::move(listener));
    }
    [[nodiscard]] const Outboxes& outboxes() const noexcept { return outboxes_; }
    [[nodiscard]] std::uint64_t duplicates() const { return arrivals_.duplicates(); }
    [[nodiscard]] bool connected(std::string_view network_id) const;
    // Adds a node for an actor of another network; returns its id. The errors of names and of a
    // change of the network, REFLOW_ERROR_INVALID_STATE without one.
    Result<String> register_remote(const RemoteRegistration& wanted);

    // ---- for proxies
    // A link to the network; NULL if there is none now.
    [[nodiscard]] Ref<Link> pick(std::string_view network_id);
    // Whether there is an outbox for what an actor is sent.
    [[nodiscard]] bool keeps(const RemoteName& actor) const;
    void follow(Proxy& proxy);
    void unfollow(Proxy& proxy);
    // What was pending of it has been cancelled: the other side is told.
    void cancel(const Proxy& proxy);
    // What comes for one comes for the other from now on.
    void reroute(Proxy& from, Proxy& to);
    // An outport more, or one less, than when a link came.
    void follow_late(Proxy& proxy, const Proxy::Followed& what, bool wanted);

    [[nodiscard]] Vector<Ref<Link>> links() const;
    [[nodiscard]] std::optional<OutboxStatus> outbox_status() const;
    // By reason, those of outboxes too.
    [[nodiscard]] std::array<std::uint64_t, losses_count> losses() const;
    [[nodiscard]] std::uint64_t lost_packets() const;
    // What has become of all that was sent.
    [[nodiscard]] MessageBooks books() const;
    // Closes all links in order, waits for them up to the timeout, and then cuts them.
    void stop(std::int64_t timeout_ms);

    using RefCounted::operator new;
    using RefCounted::operator delete;

private:
    // One that is dialled, again and again.
    struct Target : RefCounted<Target> {
        String endpoint;
        io::WireAddress address;
        std::optional<Identity> identity;  // of the last link
        Ref<Link> link;                    // NULL between two attempts
        std::uint32_t attempt = 0;         // of reconnecting; 0: the first time
        std::uint64_t reconnects = 0;      // how often it was there again
        bool given_up = false;
        bool done = false;  // the first attempt has ended
        bool linked = false;      // it has been, at least once
        std::uint32_t duplicates = 0;  // refusals in a row since there is a link already
        bool dormant = false;     // another link to that identity is there, and does
        bool discovered = false;  // nobody but discovery asked for it
        std::optional<Identity> expected;  // then: who discovery says it is
        reflow_status status = REFLOW_OK;  // how the first attempt has ended
        String reason;                     // likewise, and that of each one that has failed since
    };
    // Where packets of a channel go: to an inport, or out of a proxy.
    struct Route {
        std::uint64_t inport = 0;
        Ref<Proxy> proxy{};
        std::uint32_t outport = 0;
        std::uint64_t told = 0;  // in the log: those before this one
    };
    using RouteKey = std::pair<const Link*, std::uint64_t>;
    class EndingLink;
    friend class EndingLink;

    // ---- from links
    Result<void> admit(Link& link, const Hello& hello) override;
    void linked(Link& link) override;
    void unlinked(Link& link, reflow_status status, std::string_view reason) override;
    Result<std::size_t> take(Link& link, const Parcel& parcel, std::uint64_t channel,
                             std::span<const Message> packets) override;
    void writable(Link& link, std::uint64_t channel) override;
    void lost(Link& link, std::uint64_t channel, std::uint64_t number, reflow_status status,
              std::string_view text) override;
    void confirmed(Link& link, std::uint64_t channel, std::uint64_t packets) override;
    [[nodiscard]] Result<std::uint64_t> find_inport(const Link& link, const Parcel& parcel,
                                                    std::uint64_t channel);
    [[nodiscard]] Result<std::uint64_t> find_anew(const Link& link, const Parcel& parcel,
                                                  std::uint64_t channel, std::uint64_t before);
    // Of packets that are those of no outbox, or have not come before.
    [[nodiscard]] Result<std::size_t> deliver(Link& link, const Parcel& parcel,
                                              std::uint64_t channel,
                                              std::span<const Message> packets);
    Message actors() override;
    void actors_told(Link& link, std::uint64_t number, MessageRef actors) override;
    void ponged(Link& link) override;
    void follow(Link& link, std::uint64_t number, std::string_view actor, std::string_view port,
                std::string_view replies_to) override;
    void unfollow(Link& link, std::uint64_t number) override;
    void cancel(Link& link, std::string_view actor, std::string_view source_actor) override;
    void followed(Link& link, std::uint64_t number, std::optional<std::uint64_t> channel,
                  std::string_view text) override;
    void log(reflow_log_level level, std::string_view text) override;
    // A warning that others can cause as often as they like.
    void warn_of_others(std::string_view text);
    void flush_later(Link& link, std::uint64_t after_ns) override;
    [[nodiscard]] std::uint64_t now_ns() const override { return clock_.now_ns(); }

    // ---- from outboxes
    Ref<Link> link_to(std::string_view network_id) override;
    void undelivered(const OutboxAddress& to, const Undelivered& what) override;
    void room(std::string_view network_id) override;
    std::uint64_t carrier_now_ns() override { return now_ns(); }

    // ---- from deliveries, and outboxes
    Ref<Link> link_for(std::string_view network_id) override { return pick(network_id); }
    void call_later(std::uint64_t delay_ns, std::function<void()> call) override {
        later(delay_ns, std::move(call));
    }
    std::uint64_t delivery_now_ns() override { return now_ns(); }

    // ---- from the port
    io::WireHandler* accepted(io::Wire& wire) override;
    bool answers(const Link& link) override;
    void not_secured(std::string_view remote, std::string_view reason) override;
    io::HttpResponse request(const io::HttpRequest& request) override;

    Result<void> dial(const Ref<Target>& target);
    void plan_attempt(const Ref<Target>& target);
    void attempt(const Ref<Target>& target);
    // final: dialling again is of no use.
    void after_failure(const Ref<Target>& target, reflow_status status, std::string_view reason,
                       bool final);
    [[nodiscard]] Result<std::size_t> put(const Link& link, const Parcel& parcel,
                                          std::uint64_t channel, std::uint64_t inport,
                                          std::span<const Message> packets);
    [[nodiscard]] bool wait_for_room(Link& link, std::uint64_t channel, std::uint64_t inport);
    void made_room(std::uint64_t inport);
    void leave_room(std::uint64_t inport);
    void forget_room();
    [[nodiscard]] bool nobody_waits() const;
    void tell_message(const Link& link, const Parcel& parcel, std::uint64_t channel);
    void tick();
    void plan_tick();
    // A call on the thread of wires, unless the peer stops before.
    void later(std::uint64_t delay_ns, std::function<void()> call);
    void cancel_timers();
    [[nodiscard]] Status status() const;
    std::size_t emit(Link& link, const Parcel& parcel, std::uint64_t channel, Proxy& proxy,
                     std::uint32_t outport, std::span<const Message> packets);
    void ask_for(Proxy& proxy, Link& link);
    void greet_proxies(Link& link);
    void hear_fates(std::int64_t timeout_ms);
    void tell_end(Link& link, reflow_status status, std::string_view reason);

    // ---- in peer_discovery.cpp; those that end in _locked want the lock
    Result<void> start_discovery();
    void dial_discovered(std::span<const DiscoveredNetwork> known);
    [[nodiscard]] Vector<Ref<Target>> forget_unlisted_locked(std::span<const DiscoveredNetwork> known);
    void tell_dropped(const Target& target);
    [[nodiscard]] Ref<Target> target_of_locked(const DiscoveredNetwork& network,
                                               const DiscoveryEntry& entry);
    [[nodiscard]] Ref<Target> find_target_locked(const io::WireAddress& address) const;
    // A target of discovery that is being dialled; it is the host's from now on.
    [[nodiscard]] Ref<Target> join(const io::WireAddress& address);
    // Whether another link than that one is open to that peer.
    [[nodiscard]] bool served_locked(const Identity& remote, const Link* other_than) const;
    // What is to be done about a target whose link has ended.
    enum class Next : std::uint8_t { nothing, fail, soon, unreached };
    [[nodiscard]] Next next_locked(const Ref<Target>& target, const Link& link, reflow_status status,
                                   std::string_view reason);
    static void end_wait_locked(Target& target, reflow_status status, std::string_view reason);
    void tell_unreached(const Target& target);
    // Targets that another link has served until now, which was that one.
    [[nodiscard]] Vector<Ref<Target>> woken_locked(const Identity& remote);
    [[nodiscard]] bool serves_locked(const Ref<Target>& target);
    // Of two links to one peer one goes. Until then each side sends by the one that it had first, so that
    // nothing overtakes what went before.
    void settle(Link& link);
    // Which of the two links, dialled by one side each: with TLS, or dialled by the less of both.
    [[nodiscard]] bool stays(const Link& one, const Link& other, const Identity& remote) const;
    [[nodiscard]] static bool twins(const Link& one, const Link& other);
    [[nodiscard]] Ref<Link> elder_locked(const Ref<Link>& link, std::string_view network_id) const;
    void retire(const Ref<Link>& link, std::uint64_t packets, unsigned looks);
    // A link that the host has disconnected, until the fate of what it carries is known.
    struct Farewell {
        Ref<Link> link;
        std::uint64_t open = 0;      // packets without one, at the last look
        std::uint64_t moved_ns = 0;  // when these last became fewer
        std::uint64_t end_ns = 0;
    };
    void bid_farewell(Farewell of);
    Result<Message> ask_over(const Ref<Link>& link, std::int64_t timeout_ms);
    [[nodiscard]] bool stranger_locked(const Ref<Target>& target);
    void check_expected(Link& link);

    const SystemClock system_clock_;
    const Clock& clock_;
    io::WireHost& wires_;
    PeerOptions options_;  // fixed with start()
    HttpRoutes http_;      // likewise
    const Listener listener_;
    Ref<network::Network> network_;  // these two: fixed with start()
    Ref<Proxies> proxies_;
    Followers followers_;
    std::uint16_t port_ = 0;
    std::uint64_t started_ns_ = 0;  // fixed with start()
    std::uint64_t ticked_ns_ = 0;   // on the thread of wires; 0: a tick was late
    // Statistics, relaxed: packets that were not delivered, links of others that found no place, and those that
    // ended before they were greeted.
    std::atomic<std::uint64_t> lost_{0}, refused_{0}, failed_{0};
    Strangers failing_;
    Lines lines_;
    Confirmations confirmations_;
    Deliveries deliveries_{*this};
    Outboxes outboxes_{*this};
    Arrivals arrivals_;

    mutable std::mutex mutex_;  // guards all below; no link, network or wire is called under it
    std::condition_variable changed_;
    bool started_ = false;
    bool ending_ = false;    // stop() has begun
    bool stopping_ = false;  // and the outboxes are through
    bool roomless_ = false;  // nobody waits for room any more
    std::uint64_t port_number_ = 0;
    Vector<Ref<Link>> links_;  // all that have not ended
    std::size_t ending_links_ = 0;  // that have, and it is being told
    Link::Books ended_;        // of links that have ended
    Vector<Ref<Target>> targets_;
    Map<RouteKey, Route> routes_;
    // Channels that wait for an inport: by the number of that. None once it keeps none.
    Map<std::uint64_t, Vector<std::pair<Ref<Link>, std::uint64_t>>> waiting_;
    std::uint64_t rooms_ = 0;  // how often a channel has become writable
    std::size_t next_ = 0;     // of several links to one network
    Map<std::uint64_t, std::uint64_t> timers_;  // of the host of wires, by numbers of ours
    std::uint64_t last_timer_ = 0;
    Ref<Discovery> discovery_;     // set by start(), and fixed then
    Vector<Ref<Link>> departing_;  // disconnected, and not closed yet
    Vector<Ref<Link>> retiring_;   // which end soon, since another link is to the same peer
    Vector<Ref<Link>> shunned_;    // of these, the ones that do not come to rest: only another one is picked
    Vector<String> not_dialled_;   // networks that the host has disconnected
    Vector<String> unreachable_;   // endpoints of discovery, which has been told; the last failure last
    Vector<String> strangers_;     // such, where another network was met
    struct Asked {
        Ref<Link> link;
        bool answered = false;
        Message actors;
    };
    Map<std::uint64_t, Asked> asked_;  // questions for actors, by number
    std::uint64_t last_asked_ = 0;
    std::size_t pinging_ = 0;  // calls that wait for the answer of a ping
    // relaxed: only the number matters. Frames that came and were none, or claimed another network.
    std::atomic<std::uint64_t> invalid_{0};
};

}  // namespace reflow::peer
