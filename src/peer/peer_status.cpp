// How a peer is, for /health, /status and /metrics. Neighbours: peer.cpp, status. Thread: any.
#include <algorithm>

#include "base/text.hpp"
#include "peer/endpoints.hpp"
#include "peer/peer.hpp"

namespace reflow::peer {

Status Peer::status() const {
    Status now;
    now.network_id = options_.link.self.network_id;
    now.instance_id = options_.link.self.instance_id;
    now.version =
        concat(REFLOW_VERSION_MAJOR, ".", REFLOW_VERSION_MINOR, ".", REFLOW_VERSION_PATCH);
    now.listening = host_and_port(options_.bind_address, port_);
    now.uptime_ns = now_ns() - started_ns_;
    now.max_connections = options_.max_connections;
    now.refused_connections = refused_.load(std::memory_order_relaxed);
    now.failed_handshakes = failed_.load(std::memory_order_relaxed);
    now.lost = losses();
    now.messages = books();
    now.outbox = outbox_status();
    Vector<Ref<Link>> all;  // in the order of now.links
    for (Ref<Link>& link : links()) {
        // A stranger is none of the links before it has greeted: nobody waits for it.
        if (!link->dialled() && link->stage() != Stage::open) {
            ++now.pending_handshakes;
        } else {
            all.push_back(std::move(link));
        }
    }
    for (const Ref<Link>& link : all) {
        Link::Counts counts = link->counts();
        Identity remote = link->remote();
        LinkStatus one;
        one.network_id = remote.network_id;
        one.instance_id = remote.instance_id;
        one.endpoint = link->endpoint();
        one.scheme = scheme_names[static_cast<std::size_t>(counts.scheme)];
        one.dialled = link->dialled();
        one.state = link->stage() == Stage::open ? LinkState::connected : LinkState::connecting;
        if (counts.round_trip_ns != 0) one.round_trip_ns = counts.round_trip_ns;
        one.connected_ns = counts.open_ns;
        one.sent.messages = counts.packets_out;
        one.sent.frames = counts.frames_out;
        one.sent.bytes = counts.bytes_out;
        one.received.messages = counts.packets_in;
        one.received.frames = counts.frames_in;
        one.received.bytes = counts.bytes_in;
        one.queued_messages = counts.queued_packets;
        one.queued_bytes = counts.queued_bytes;
        one.unconfirmed = counts.unconfirmed;
        one.streams = counts.streams;
        now.links.push_back(std::move(one));
    }
    if (network_) {
        for (const auto& actor : network_->topology()->actors) now.actors.emplace_back(actor->id);
    }
    if (proxies_) {
        for (const Ref<Proxy>& one : proxies_->all()) {
            now.remote_actors.push_back({one->node, one->name.actor_id, one->name.network_id,
                                         connected(one->name.network_id)});
        }
    }
    std::lock_guard lock(mutex_);
    now.stopping = stopping_;
    // Those that are dialled again, and are not there now; of the others how often they came back.
    for (const Ref<Target>& target : targets_) {
        if (target->reconnects != 0 && target->link) {
            auto at = std::find(all.begin(), all.end(), target->link) - all.begin();
            if (static_cast<std::size_t>(at) < all.size()) {
                now.links[static_cast<std::size_t>(at)].reconnects = target->reconnects;
            }
        }
        if (target->link || !target->identity || target->dormant) continue;
        LinkStatus one;
        one.network_id = target->identity->network_id;
        one.instance_id = target->identity->instance_id;
        one.endpoint = target->endpoint;
        one.scheme = scheme_names[static_cast<std::size_t>(target->address.scheme)];
        one.dialled = true;
        one.state = LinkState::reconnecting;
        one.attempt = target->attempt;
        one.reconnects = target->reconnects;
        one.error = target->reason;
        now.links.push_back(std::move(one));
    }
    return now;
}

}  // namespace reflow::peer
