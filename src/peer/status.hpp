// What a peer tells of itself over HTTP: /health, /status and /metrics.
// Neighbours: the bridge fills it. Thread: a value belongs to one thread at a time.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/memory.hpp"
#include "io/wire.hpp"

namespace reflow::peer {

enum class LinkState : std::uint8_t {
    connecting,    // the socket, or the handshake, is under way
    connected,
    reconnecting,  // it was connected and is tried again
    closed,        // in order; nobody tries again
    failed,        // given up
};
[[nodiscard]] std::string_view link_state_word(LinkState state) noexcept;

// Why messages never reached an actor.
enum class Loss : std::uint8_t {
    not_connected,  // there was no link to the network
    outbox_full,
    deadline,       // it waited too long
    link_lost,      // the socket had it, and the link ended before an answer
    refused,        // the other side answered with an error: no such actor or port
    invalid,        // a frame that came was none, or of a network it may not speak for
    duplicate,      // it had come before
};
inline constexpr std::size_t losses_count = 7;
[[nodiscard]] std::string_view loss_word(Loss loss) noexcept;

// Of all links since the start, but for outboxes that send again and peers of the original:
// sent = delivered + refused + in_doubt + unconfirmed.
struct MessageBooks {
    std::uint64_t sent = 0;
    std::uint64_t delivered = 0;    // an inport there has them, as the other side has told
    std::uint64_t refused = 0;
    std::uint64_t in_doubt = 0;     // the link has ended without a word of them
    std::uint64_t unconfirmed = 0;  // the other side may still tell
};

// Of one way: all since the start.
struct Traffic {
    std::uint64_t messages = 0;
    std::uint64_t frames = 0;
    std::uint64_t bytes = 0;
};

struct LinkStatus {
    String network_id;   // of the other side; empty before the handshake
    String instance_id;
    String endpoint;     // that was dialled, or the address that came
    String scheme;       // ws, wss, tcp, tls
    bool dialled = false;
    LinkState state = LinkState::connecting;
    std::uint32_t attempt = 0;  // of reconnecting
    std::optional<std::uint64_t> round_trip_ns;  // of the last heartbeat that was answered
    std::uint64_t connected_ns = 0;              // how long it has been; 0 unless connected
    std::uint64_t reconnects = 0;                // of what was dialled: how often it came back
    Traffic sent;
    Traffic received;
    std::uint64_t queued_messages = 0;  // taken in, and not yet written to the socket
    std::uint64_t queued_bytes = 0;
    std::uint64_t unconfirmed = 0;  // sent, and the other side has not told what became of them
    std::uint64_t streams = 0;  // on their way, both directions
    String error;  // why the last attempt to connect has failed
};

struct RemoteActorStatus {
    String alias;
    String actor_id;
    String network_id;
    bool reachable = false;
};

// Of all outboxes together: accepted = delivered + lost + waiting + unconfirmed.
struct OutboxStatus {
    std::uint64_t accepted = 0;
    std::uint64_t delivered = 0;
    std::uint64_t resent = 0;
    std::uint64_t waiting = 0;
    std::uint64_t unconfirmed = 0;
    std::uint64_t bytes = 0;
};

struct Status {
    String network_id;
    String instance_id;
    String version;  // of the library
    String listening;  // "0.0.0.0:9310"
    std::uint64_t uptime_ns = 0;
    bool stopping = false;
    Vector<LinkStatus> links;
    Vector<String> actors;  // that others may send to
    Vector<RemoteActorStatus> remote_actors;
    std::uint64_t max_connections = 0;
    std::uint64_t refused_connections = 0;  // by max_connections
    std::uint64_t pending_handshakes = 0;   // that others have begun: no links yet
    std::uint64_t failed_handshakes = 0;    // that others began, and that failed for another reason
    std::array<std::uint64_t, losses_count> lost{};  // over all links
    MessageBooks messages;
    std::optional<OutboxStatus> outbox;              // if there is one
};

// {"status":"ok"|"degraded"|"stopping", ...}: degraded while a link that is wanted is not there.
[[nodiscard]] String health_json(const Status& status);
[[nodiscard]] String status_json(const Status& status);
// The text format of Prometheus, version 0.0.4.
[[nodiscard]] String metrics_text(const Status& status);

// Whether it is for one of the three.
[[nodiscard]] bool is_of_status(const io::HttpRequest& request) noexcept;
// The answer to a request for one of the three: 405 for anything but GET and HEAD, 404 for another
// path, 503 for /health of a peer that is stopping.
[[nodiscard]] io::HttpResponse answer_status(const io::HttpRequest& request, const Status& status);

}  // namespace reflow::peer
