// The three forms of a peer's status.
// Thread: any.
#include "peer/status.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "codec/json_out.hpp"
#include "peer/http.hpp"

namespace reflow::peer {
namespace {

using codec::JsonOut;

bool is_connected(const LinkStatus& link) noexcept { return link.state == LinkState::connected; }

bool is_wanted(const LinkStatus& link) noexcept { return link.state != LinkState::closed; }

std::string_view health_word(const Status& status) {
    if (status.stopping) return "stopping";
    bool missing = std::any_of(status.links.begin(), status.links.end(), [](const LinkStatus& l) {
        return is_wanted(l) && !is_connected(l);
    });
    return missing ? "degraded" : "ok";
}

// Networks with a link that works, each once.
Vector<std::string_view> connected_networks(const Status& status) {
    Vector<std::string_view> all;
    for (const LinkStatus& link : status.links) {
        if (is_connected(link)) all.push_back(link.network_id);
    }
    std::sort(all.begin(), all.end());
    all.erase(std::unique(all.begin(), all.end()), all.end());
    return all;
}

double seconds(std::uint64_t ns) noexcept { return static_cast<double>(ns) / 1e9; }

void text(JsonOut& out, std::string_view key, std::string_view value) {
    out.key(key);
    // Errors can hold text of the other side and of the system.
    if (invalid_utf8(value)) {
        out.string(repair_utf8(value));
    } else {
        out.string(value);
    }
}
void number(JsonOut& out, std::string_view key, std::uint64_t value) {
    out.key(key);
    out.unsigned_integer(value);
}

void identity(JsonOut& out, const Status& status) {
    text(out, "status", health_word(status));
    text(out, "network_id", status.network_id);
    text(out, "instance_id", status.instance_id);
    text(out, "version", status.version);
    out.key("uptime_seconds");
    out.real(seconds(status.uptime_ns));
}

void networks(JsonOut& out, const Status& status) {
    out.key("connected_networks");
    out.begin_array();
    for (std::string_view id : connected_networks(status)) out.string(id);
    out.end_array();
}

void traffic(JsonOut& out, std::string_view key, const Traffic& traffic) {
    out.key(key);
    out.begin_object();
    number(out, "messages", traffic.messages);
    number(out, "frames", traffic.frames);
    number(out, "bytes", traffic.bytes);
    out.end_object();
}

void losses(JsonOut& out, const std::array<std::uint64_t, losses_count>& lost) {
    out.key("lost");
    out.begin_object();
    for (std::size_t i = 0; i < losses_count; ++i) {
        number(out, loss_word(static_cast<Loss>(i)), lost[i]);
    }
    out.end_object();
}

void link(JsonOut& out, const LinkStatus& link) {
    out.begin_object();
    text(out, "network_id", link.network_id);
    text(out, "instance_id", link.instance_id);
    text(out, "endpoint", link.endpoint);
    text(out, "scheme", link.scheme);
    text(out, "direction", link.dialled ? "out" : "in");
    text(out, "state", link_state_word(link.state));
    number(out, "attempt", link.attempt);
    out.key("round_trip_us");
    if (link.round_trip_ns) {
        out.real(static_cast<double>(*link.round_trip_ns) / 1e3);
    } else {
        out.null();
    }
    out.key("connected_seconds");
    out.real(seconds(link.connected_ns));
    number(out, "reconnects", link.reconnects);
    traffic(out, "sent", link.sent);
    traffic(out, "received", link.received);
    number(out, "queued_messages", link.queued_messages);
    number(out, "queued_bytes", link.queued_bytes);
    number(out, "unconfirmed", link.unconfirmed);
    number(out, "streams", link.streams);
    if (link.error.empty()) {
        out.key("error");
        out.null();
    } else {
        text(out, "error", link.error);
    }
    out.end_object();
}

void actors(JsonOut& out, const Status& status) {
    out.key("actors");
    out.begin_array();
    for (const String& actor : status.actors) out.string(actor);
    out.end_array();
    out.key("remote_actors");
    out.begin_array();
    for (const RemoteActorStatus& actor : status.remote_actors) {
        out.begin_object();
        text(out, "alias", actor.alias);
        text(out, "actor_id", actor.actor_id);
        text(out, "network_id", actor.network_id);
        out.key("reachable");
        out.boolean(actor.reachable);
        out.end_object();
    }
    out.end_array();
}

}  // namespace

std::string_view link_state_word(LinkState state) noexcept {
    static constexpr std::string_view words[] = {"connecting", "connected", "reconnecting",
                                                 "closed", "failed"};
    return words[static_cast<std::size_t>(state)];
}

std::string_view loss_word(Loss loss) noexcept {
    static constexpr std::string_view words[losses_count] = {
        "not_connected", "outbox_full", "deadline", "link_lost", "refused", "invalid", "duplicate"};
    return words[static_cast<std::size_t>(loss)];
}

String health_json(const Status& status) {
    String text;
    JsonOut out(text, 0);
    out.begin_object();
    identity(out, status);
    networks(out, status);
    out.end_object();
    out.finish();
    return text;
}

namespace {

void messages(JsonOut& out, const MessageBooks& all) {
    out.key("messages");
    out.begin_object();
    number(out, "sent", all.sent);
    number(out, "delivered", all.delivered);
    number(out, "refused", all.refused);
    number(out, "in_doubt", all.in_doubt);
    number(out, "unconfirmed", all.unconfirmed);
    out.end_object();
}

void outbox(JsonOut& out, const OutboxStatus& all) {
    out.key("outbox");
    out.begin_object();
    number(out, "accepted", all.accepted);
    number(out, "delivered", all.delivered);
    number(out, "resent", all.resent);
    number(out, "waiting", all.waiting);
    number(out, "unconfirmed", all.unconfirmed);
    number(out, "bytes", all.bytes);
    out.end_object();
}

}  // namespace

String status_json(const Status& status) {
    String body;
    JsonOut out(body, 0);
    out.begin_object();
    identity(out, status);
    text(out, "listening", status.listening);
    number(out, "max_connections", status.max_connections);
    number(out, "refused_connections", status.refused_connections);
    number(out, "pending_handshakes", status.pending_handshakes);
    number(out, "failed_handshakes", status.failed_handshakes);
    networks(out, status);
    out.key("links");
    out.begin_array();
    for (const LinkStatus& one : status.links) link(out, one);
    out.end_array();
    actors(out, status);
    losses(out, status.lost);
    messages(out, status.messages);
    if (status.outbox) outbox(out, *status.outbox);
    out.end_object();
    out.finish();
    return body;
}

bool is_of_status(const io::HttpRequest& request) noexcept {
    std::string_view path = plain_path(request.path);
    return path == "/health" || path == "/status" || path == "/metrics";
}

io::HttpResponse answer_status(const io::HttpRequest& request, const Status& status) {
    std::string_view path = plain_path(request.path);
    bool health = path == "/health", metrics = path == "/metrics";
    if (!health && !metrics && path != "/status") {
        return error_response(404, concat("nothing is served at '", request.path,
                                          "'; there are /health, /status and /metrics"));
    }
    if (!is_read(request)) return method_refused(request, "GET, HEAD");
    io::HttpResponse response;
    if (metrics) {
        response.content_type = "text/plain; version=0.0.4; charset=utf-8";
        response.body = metrics_text(status);
        return response;
    }
    if (health && status.stopping) response.status = 503;
    response.body = health ? health_json(status) : status_json(status);
    return response;
}

}  // namespace reflow::peer
