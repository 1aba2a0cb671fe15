// A link to one peer over one wire: they greet each other, prove that they know the token, and exchange
// frames in the dialect that both know. Neighbours: wire below, peer above. Thread: any; one lock.
//
//   dialled:  greeting -> proving -> open -> closed
//   accepted: waiting  -> proving -> open -> closed      (without a token: no proving)
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <string_view>

#include "base/ref.hpp"
#include "io/wire.hpp"
#include "peer/frame.hpp"
#include "peer/greeting.hpp"
#include "peer/link_stream.hpp"
#include "peer/packer.hpp"

namespace reflow::peer {

class Link;

struct LinkOptions {
    Identity self;
    std::optional<String> token;
    bool legacy_auth = false;  // the token goes in clear to peers that ask for no proof
    std::uint64_t heartbeat_ns = 1'000'000'000;
    std::uint64_t handshake_ns = 5'000'000'000;
    std::size_t batch_bytes = std::size_t{64} << 10;  // a frame is sent as soon as it is so long
    std::uint64_t linger_ns = 0;  // packets wait so long for others
    Ref<Packer> packer;           // NULL: frames go as they are
    Window window;  // of a channel, that may come before the actor takes it
    std::size_t channels_count = 65'536;
    std::size_t socket_bytes = limits::peer_socket_bytes;  // that may wait for the socket
    std::uint64_t park_ns = 30'000'000'000;  // that a message of the original may wait for room
    // Of a stream. Both sides have the same: it is agreed on by the capability.
    Window stream_window{limits::peer_stream_frames_count, limits::peer_stream_bytes};
    // Of the runtime whose streams cross the link, which outlives it; NULL: none do.
    runtime::Environment* environment = nullptr;
    runtime::Scheduler* scheduler = nullptr;
};

// Where packets that have come are to go, and who they are.
struct Parcel {
    std::string_view source_actor;
    std::string_view actor;
    std::string_view port;
    std::string_view message_id;  // of an old peer; of ours, Link::message_id tells
    std::uint64_t first = 0;      // number of the first one
    std::string_view outbox{};    // that they are of; empty: of none
    std::uint64_t message = 0;    // the first one's number there; the others follow it
    std::uint32_t index = REFLOW_NO_INDEX;  // of the array port, that all of them are for
    bool again = false;  // one of an old peer that was offered before
};

// What a peer makes of it. On the thread of the wire, or that of the call that led to it; the lock of
// the link is not held.
class LinkOwner {
public:
    virtual ~LinkOwner() = default;
    // Of an accepted link: whether it may go on; text is told to the other side. Called once the
    // other side has proved what it has to.
    virtual Result<void> admit(Link& link, const Hello& hello) = 0;
    virtual void linked(Link& link) = 0;
    // The last call. REFLOW_OK: closed in order by either side.
    virtual void unlinked(Link& link, reflow_status status, std::string_view reason) = 0;
    // Takes packets of a channel in their order, as many as there is room for; returns how many. An
    // error refuses the first of those left: it is reported, and not offered again. What is not
    // taken is offered again after Link::resume().
    virtual Result<std::size_t> take(Link& link, const Parcel& parcel, std::uint64_t channel,
                                     std::span<const Message> packets) = 0;
    // Packets may be sent again on this channel, which had been full.
    virtual void writable(Link& link, std::uint64_t channel) = 0;
    // A packet that was sent has not been delivered. Or, with channel UINT64_MAX, one that a peer of the original has
    // sent here, who is told nothing of it: REFLOW_ERROR_PROTOCOL for a frame that is none or claims another network.
    virtual void lost(Link& link, std::uint64_t channel, std::uint64_t number,
                      reflow_status status, std::string_view text) = 0;
    // So many of a channel, from its beginning, have been delivered or told as lost; see Sending.
    virtual void confirmed(Link& link, std::uint64_t channel, std::uint64_t packets) = 0;
    virtual bool answers(const Link& /*link*/) { return true; }  // who is refused is told
    virtual Message actors() = 0;  // of this side: an array of {actor_id, capabilities, description}
    virtual void actors_told(Link& link, std::uint64_t number, MessageRef actors) = 0;
    // What comes out of an outport of an actor here is wanted there, or no more, or only what
    // answers packets of that sender, if it is not empty; the owner answers by tell_followed(). And how a request of
    // this side went: what is sent on that channel comes from there; or why nothing will.
    virtual void follow(Link& /*link*/, std::uint64_t /*number*/, std::string_view /*actor*/,
                        std::string_view /*port*/, std::string_view /*replies_to*/) {}
    virtual void unfollow(Link& /*link*/, std::uint64_t /*number*/) {}
    virtual void followed(Link& /*link*/, std::uint64_t /*number*/,
                          std::optional<std::uint64_t> /*channel*/, std::string_view /*text*/) {}
    // What is pending of an actor here, and was caused by packets of that sender there, is not wanted any more.
    virtual void cancel(Link& /*link*/, std::string_view /*actor*/,
                        std::string_view /*source_actor*/) {}
    // A ping has been answered: answered_ping() is further than it was.
    virtual void ponged(Link& /*link*/) {}
    virtual void log(reflow_log_level level, std::string_view text) = 0;
    // Link::flush() is to be called once after this time.
    virtual void flush_later(Link& link, std::uint64_t after_ns) = 0;
    [[nodiscard]] virtual std::uint64_t now_ns() const = 0;
};

enum class Stage : std::uint8_t { connecting, waiting, greeting, proving, open, closed };
[[nodiscard]] std::string_view name_of(Stage stage) noexcept;

class Link final : public RefCounted<Link>, public io::WireHandler {
public:
    Link(LinkOwner& owner, LinkOptions options, bool dials, String endpoint);
    ~Link();

    // The wire that it talks over, once.
    void attach(Ref<io::Wire> wire);

    // ---- from any thread
    [[nodiscard]] Stage stage() const noexcept {
        return stage_.load(std::memory_order_acquire);
    }
    // Who the other side is; fixed once it is open.
    [[nodiscard]] Identity remote() const;
    [[nodiscard]] bool secure() const;  // under TLS
    // When it was opened, by the clock of its owner; it is open.
    [[nodiscard]] std::uint64_t opened_ns() const;
    // Whether it is open, and to that network, and takes what is sent.
    [[nodiscard]] bool open_to(std::string_view network_id) const;
    [[nodiscard]] const String& endpoint() const noexcept { return endpoint_; }
    // Whether the other side was reached, and whether both have ever greeted.
    [[nodiscard]] bool was_reached() const noexcept {
        return was_reached_.load(std::memory_order_relaxed);
    }
    [[nodiscard]] bool was_open() const noexcept {
        return was_open_.load(std::memory_order_relaxed);
    }
    [[nodiscard]] bool dialled() const noexcept { return dials_; }
    [[nodiscard]] bool old() const noexcept { return old_.load(std::memory_order_relaxed); }
    struct Counts {
        std::uint64_t round_trip_ns = 0;  // of the last ping; 0: none yet
        std::uint64_t packets_in = 0, packets_out = 0;
        std::uint64_t bytes_in = 0, bytes_out = 0;
        std::uint64_t frames_in = 0, frames_out = 0;
        std::uint64_t queued_packets = 0;  // that wait here for the socket or for an actor
        std::uint64_t queued_bytes = 0;    // that wait for the socket
        std::uint64_t unconfirmed = 0;     // sent, and nothing is known of them yet
        std::uint64_t streams = 0;         // on their way, both directions
        std::uint64_t open_ns = 0;         // how long it has been open
        io::WireScheme scheme = io::WireScheme::ws;
    };
    [[nodiscard]] Counts counts() const;
    // Of all packets that were sent, but for those of outboxes that send again: how many the other side has
    // told of, and as refused. Nothing is known of the rest; once the link has ended, nothing ever will be. A
    // peer of the original tells of none, and none are counted.
    struct Books {
        std::uint64_t sent = 0, through = 0, refused = 0;
        void add(const Books& other) noexcept {
            sent += other.sent;
            through += other.through;
            refused += other.refused;
        }
    };
    [[nodiscard]] Books books() const;
    // Takes no more to send, and asks what has become of what was sent. Nothing else changes.
    void hush();

    // A way to one inport of one actor there, for one sender here. REFLOW_ERROR_CLOSED, _LIMIT.
    Result<std::uint64_t> open_channel(std::string_view source_actor, std::string_view actor,
                                       std::string_view port);
    // Beside the packets, both ways.
    struct Sending {
        bool flush = true;     // they go now, else with the next that fill a frame
        bool confirm = false;  // confirmed() tells how far the channel is; the link confirms()
        bool only_idle = false;   // nothing while the socket is busy; writable() comes then too
        std::string_view outbox{};  // that they are of; empty: of none
        std::uint64_t number = 0;   // the first one's number there; the others follow it
        std::uint32_t index = REFLOW_NO_INDEX;  // of the array port; the original knows none
        std::uint64_t first = 0;    // number of the first that was sent
    };
    // Sends the first of the packets, as many as the other side has room for; returns how many, and
    // writable() follows if not all. Those in envelopes go with them.
    Result<std::size_t> send(std::uint64_t channel, std::span<const MessageRef> packets,
                             Sending& sending);
    Result<std::size_t> send(std::uint64_t channel, std::span<const MessageRef> packets,
                             bool flush = true) {
        Sending plain;
        plain.flush = flush;
        return send(channel, packets, plain);
    }
    // Whether the other side tells of deliveries. Once it is open.
    [[nodiscard]] bool confirms() const;
    // Of a packet that has come on a channel: no other one of that peer has it.
    [[nodiscard]] String message_id(std::uint64_t channel, std::uint64_t number) const;
    void flush();
    Result<void> ask_actors(std::uint64_t number);
    // Sends a ping, of the kind that the other side knows, and returns its number, which rises. It has been answered once
    // answered_ping() is as high; counts() tells how long that took. REFLOW_ERROR_CLOSED.
    Result<std::uint64_t> ping();
    [[nodiscard]] std::uint64_t answered_ping() const noexcept {
        return answered_ping_.load(std::memory_order_relaxed);
    }
    // What an outport of an actor there emits shall come here; LinkOwner::followed() tells. To be
    // asked for on each link anew. REFLOW_ERROR_CLOSED, _UNSUPPORTED by a peer of the original.
    Result<void> follow(std::uint64_t number, std::string_view actor, std::string_view port,
                        std::string_view replies_to);
    void unfollow(std::uint64_t number);
    void tell_followed(std::uint64_t number, std::optional<std::uint64_t> channel,
                       std::string_view text);
    // What is pending of an actor there, and was caused by packets of that sender here, is not wanted any more. Nothing
    // happens if the other side does not know that.
    void cancel(std::string_view actor, std::string_view source_actor);
    // The owner has room again for what came on a channel.
    void resume(std::uint64_t channel) noexcept;
    // A message of the original that waits for room will not get any.
    void give_up_parked();
    // Heartbeats, and the end of a link that is silent: to be called several times per heartbeat. Who
    // was not called for longer than one (the process was stopped, the machine slept) looks again before
    // it judges: what came meanwhile has not been read.
    void tick(std::uint64_t now_ns);
    // Nothing has come for longer than a link that works is silent, though not yet for so long that
    // tick() ends it. As there, who was not called looks again first.
    [[nodiscard]] bool seems_dead(std::uint64_t now_ns) const;
    // A stream that is read here has frames; one that is written here has room, or nobody reads it any more.
    void pump_stream(std::uint64_t number);
    void look_after_stream(std::uint64_t number);
    // In order, and at once; unlinked() follows. Nothing can be sent from now on: REFLOW_ERROR_CLOSED.
    void close(std::uint16_t code, std::string_view reason);
    // The same, unless more packets than so many have come and gone, some wait, or a stream is on its way.
    [[nodiscard]] bool close_resting(std::uint64_t packets, std::uint16_t code,
                                     std::string_view reason);
    void cut() noexcept;

    // ---- from the wire
    void opened(io::Wire& wire) override;
    void received(io::Wire& wire, std::span<const std::byte> frame, bool text) override;
    void closing(io::Wire& wire) override;
    void drained(io::Wire& wire) override;
    void ponged(io::Wire& wire, std::uint64_t number) override;
    void closed(io::Wire& wire, std::uint16_t code, reflow_status status,
                std::string_view reason) override;

private:
    class Reader;
    friend class Reader;
    class LastReader;
    friend class LastReader;
    struct Outgoing {
        String source_actor, actor, port;
        std::uint64_t sent = 0, sent_bytes = 0;
        Window allowed{};   // in all, by the other side
        bool full = false;  // somebody waits for writable()
        String outbox{};          // that the next are of, as was told
        std::uint64_t ahead = 0;  // of numbers there to numbers of the channel; may wrap
        std::uint32_t index = REFLOW_NO_INDEX;  // that the next are for, as was told
        std::uint64_t through = 0;  // so many the other side has delivered or reported
        std::uint64_t refused = 0;  // of these, reported
        std::uint64_t asked = 0;    // so many are to be confirmed
        std::uint64_t kept_from = UINT64_MAX;  // from there on they are of an outbox that sends again
        [[nodiscard]] bool open() const noexcept {
            return sent < allowed.packets && sent_bytes < allowed.bytes;
        }
    };
    // What was said of packets: each holds from its number on, until the next one.
    template <typename Fact>
    struct Runs {
        Vector<Fact> all{};    // of packets that wait, and the one before
        std::size_t past = 0;  // so many of these hold for nothing any more
        void add(Fact fact) {
            if (!all.empty() && all.back().number == fact.number) all.pop_back();
            all.push_back(std::move(fact));
        }
        // What holds for a packet, or NULL. No more than count packets are asked about, of which those
        // remain for which it holds as well.
        [[nodiscard]] const Fact* find(std::uint64_t number, std::size_t& count) {
            while (past + 1 < all.size() && all[past + 1].number <= number) ++past;
            if (past * 2 >= all.size()) {
                all.erase(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(past));
                past = 0;
            }
            const bool holds = past < all.size() && all[past].number <= number;
            const std::size_t next = past + (holds ? 1 : 0);
            if (next < all.size() && all[next].number - number < count) {
                count = static_cast<std::size_t>(all[next].number - number);
            }
            return holds ? &all[past] : nullptr;
        }
    };
    struct Incoming {
        String source_actor, actor, port;
        Vector<Message> waiting;     // of which the first `taken` are gone
        std::size_t taken = 0;
        std::uint64_t first = 0;     // number of the first that waits
        std::uint64_t bytes = 0;     // of all that came
        std::uint64_t taken_bytes = 0;
        Window allowed{};            // in all, as it was told
        std::uint64_t wanted = 0;    // so many are to be confirmed
        std::uint64_t told = 0;      // and so many have been
        Message note{};              // the envelope of the next that comes
        struct Mark {
            std::uint64_t number = 0;
            String outbox;
            std::uint64_t message = 0;
        };
        Runs<Mark> marks{};
        struct Element {
            std::uint64_t number = 0;
            std::uint32_t index = REFLOW_NO_INDEX;
        };
        Runs<Element> elements{};
        Vector<NamedStream> streams{};  // whose handles are in the next that comes
        bool busy = false;           // a thread offers them to the owner
        bool again = false;          // and has to look again
    };

    [[nodiscard]] Ref<io::Wire> wire() const;
    void greet(std::string_view text);
    void hear_hello(std::string_view text);
    void hear_welcome(std::string_view text);
    void hear_proof(std::string_view text);
    void hear_verdict(std::string_view text);
    void hear_old(std::string_view text);
    void hear_batch(std::string_view frame);
    // ---- in link_park.cpp
    struct Parked {
        RemoteMessage message;
        Message packet;
        std::uint64_t since_ns = 0;
        bool offered = false;
    };
    // An inport that had no room for as long as a message may wait: nobody else waits for it until it
    // has taken one.
    struct Stuck {
        String actor, port;
    };
    [[nodiscard]] Vector<Stuck>::iterator stuck_locked(const RemoteMessage& message) noexcept;
    void hear_message(RemoteMessage&& message);
    void offer_parked();
    void look_after_parked(std::uint64_t now_ns);
    void listen_locked(bool wanted) noexcept;
    void lose_parked(const Parked& one);
    void lose_old(reflow_status status, std::string_view why);
    // ----
    // status: of the refusal.
    void answer(const std::optional<String>& refusal, reflow_status status = REFLOW_ERROR_REFUSED);
    // What a side has to say, and whether it has said it.
    [[nodiscard]] Result<String> proof_of(Role role) const;
    [[nodiscard]] bool proves(Role role, std::string_view said) const;
    void admit();
    void become_open();
    void refuse(reflow_status status, std::string_view reason, std::uint16_t code);
    void offer(std::uint64_t channel);
    void tell_confirmed(std::uint64_t channel, Incoming& of);
    void mark_outbox(std::uint64_t channel, Outgoing& to, const Sending& sending);
    Result<std::size_t> send_old(Outgoing& to, std::span<const MessageRef> packets);
    // ---- in link_stream.cpp; those that end in _locked want the lock
    class StreamCall;
    [[nodiscard]] Result<std::size_t> data_locked(std::uint64_t channel, const Outgoing& to,
                                                  MessageRef packet, StreamsBegun& begun);
    [[nodiscard]] Result<void> announce_streams_locked(std::uint64_t channel, std::uint64_t packet,
                                                       const Vector<MessageRef>& handles);
    [[nodiscard]] Result<void> check_streams_locked(const Vector<MessageRef>& handles) const;
    void accept_stream_locked(MessageRef handle, std::uint64_t number, StreamsBegun& begun);
    enum class Go : std::uint8_t { read, wait, over };
    [[nodiscard]] Go send_frames_locked(Outflow& flow, Vector<Message>& used);
    [[nodiscard]] Result<void> begin_inflow(const StreamRecord& record);
    [[nodiscard]] Result<void> hear_stream_data(std::uint64_t number, MessageRef data);
    void end_inflow(std::uint64_t number, bool failed, std::string_view text);
    void cancel_outflow(std::uint64_t number);
    void look_after_locked(const Ref<Inflow>& flow);
    void end_streams(std::string_view why);
    // The socket has so much to take that nothing is added.
    [[nodiscard]] bool crowded() const noexcept;
    void tell_credit(std::uint64_t channel, Incoming& from);
    void hear_packed(std::string_view frame, bool last);
    // ---- in link_books.cpp
    void hear_last(std::string_view frame);
    void hear_report(std::uint64_t channel, std::uint64_t number, reflow_status status,
                     std::string_view text);
    void hear_confirmed(std::uint64_t channel, std::uint64_t packets);
    void through_locked(std::uint64_t channel, std::uint64_t packets) noexcept;
    void credited_locked(std::uint64_t channel, std::uint64_t packets) noexcept;
    void reported_locked(std::uint64_t channel, std::uint64_t number) noexcept;
    [[nodiscard]] Books books_locked() const noexcept;
    [[nodiscard]] bool confirms_locked() const;
    void ask_how_far_locked();
    [[nodiscard]] bool leaving() const;
    // ----
    // Whether packets may wait for others; the owner has to be told then.
    [[nodiscard]] bool lingers() noexcept;
    void write(String&& frame, bool text);
    void flush_locked(std::unique_lock<std::mutex>& lock);
    void write_batch_locked();
    [[nodiscard]] Counts counts_locked() const;
    // Whether it is open, and has not been closed on this side.
    [[nodiscard]] bool sends_locked() const noexcept {
        return stage_.load(std::memory_order_relaxed) == Stage::open && !leaving_ && !hushed_;
    }
    void leave(std::unique_lock<std::mutex>& lock, std::uint16_t code, std::string_view reason);
    void heard() noexcept;
    void hear_bytes();
    void hear_pong(std::uint64_t number);
    [[nodiscard]] std::uint64_t next_ping_locked(std::uint64_t now_ns) noexcept;
    // Who the other side is, with mutex_.
    [[nodiscard]] const Identity& other_locked() const noexcept {
        return dials_ ? welcome_.from : hello_.from;
    }
    void end(reflow_status status, std::string_view reason);

    LinkOwner& owner_;
    const LinkOptions options_;
    const bool dials_;
    bool ignores_ = false;  // who has been refused is not told; of the thread of the wire
    const String endpoint_;
    // Written under mutex_; acquire and release for those who only look.
    std::atomic<Stage> stage_;
    std::atomic<bool> was_reached_{false}, was_open_{false};  // relaxed
    std::atomic<bool> old_{false};       // fixed once it is open; relaxed
    // Nothing is heard any more. relaxed: the end that follows is told by the wire.
    std::atomic<bool> refused_{false};
    // Statistics, relaxed.
    std::atomic<std::uint64_t> round_trip_ns_{0}, packets_in_{0}, packets_out_{0};
    std::atomic<std::uint64_t> frames_in_{0}, frames_out_{0};
    // relaxed: who waits for it is told under the lock of the owner. Written on the thread of wires.
    std::atomic<std::uint64_t> answered_ping_{0};
    // When something came last. relaxed: a time that is a little old does no harm.
    std::atomic<std::uint64_t> heard_ns_{0};
    std::uint64_t bytes_heard_ = 0;  // of the wire, when something came last; on the thread of wires

    mutable std::mutex mutex_;  // guards all below; the owner is not called under it
    Ref<io::Wire> wire_;         // set once
    Hello hello_;
    Welcome welcome_;
    std::uint64_t since_ns_ = 0;  // of the greeting
    std::uint64_t pinged_ns_ = 0;
    std::uint64_t last_ping_ = 0;  // number
    std::uint64_t ticked_ns_ = 0;
    std::uint64_t watched_ns_ = 0;  // since then without a gap, as ticks tell
    std::uint64_t opened_ns_ = 0;
    std::uint64_t timeout_ns_ = 0;
    Batch batch_;
    bool busy_ = false;  // the wire has something that drained() will tell of
    bool held_ = false;  // somebody waits for drained()
    bool lingers_ = false;  // flush() will be called
    bool packs_ = false;    // both know zstd
    PackMemory packed_;
    Vector<std::uint64_t> draining_;  // channels that wait for a socket that is not busy
    TextMap<std::uint64_t> numbers_;  // of outgoing channels, by what they are
    Vector<Outgoing> outgoing_;       // by number
    Map<std::uint64_t, Incoming> incoming_;
    std::optional<Parked> parked_;  // of the original: a message that the owner has not taken yet
    Vector<Stuck> stuck_;          // the last few of them
    bool parking_ = false;          // a thread offers it
    bool park_again_ = false;       // and has to look again
    bool roomless_ = false;         // none will wait for room any more
    bool listens_ = true;           // the wire reads
    Map<std::uint64_t, Ref<Outflow>> outflows_;
    Map<std::uint64_t, Ref<Inflow>> inflows_;
    std::uint64_t next_outflow_ = 0, next_inflow_ = 0;
    Vector<std::uint64_t> held_flows_;  // outflows that wait for the socket
    bool streams_ = false;              // both know them
    // What ended it, before the wire tells.
    reflow_status ends_with_ = REFLOW_OK;
    String ends_because_;
    bool leaving_ = false;  // close() was called
    bool hushed_ = false;   // hush() was
    bool ended_ = false;
};

}  // namespace reflow::peer
