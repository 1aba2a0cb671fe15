// Section 21 of reflow.h: peers. A build that leaves them out (REFLOW_WITH_PEER) has functions that say
// so. Thread: any.
#include "capi/guard.hpp"
#include "capi/handles.hpp"
#include "capi/modules.hpp"

#if REFLOW_WITH_PEER
#include "base/clock.hpp"
#include "base/limits.hpp"
#include "capi/peer_handle.hpp"
#include "capi/peer_http.hpp"
#include "message/envelope.hpp"
#include "peer/config.hpp"
#include "peer/names.hpp"
#include "peer/peer.hpp"
#include "runtime/scheduler.hpp"
#endif

using namespace reflow;
using namespace reflow::capi;

#if REFLOW_WITH_PEER

struct reflow_peer : reflow::Allocated {
    Ref<network::Runtime> runtime;
    std::unique_ptr<io::WireHost> wires;  // ends after the peer
    Ref<peer::Peer> peer;
    Ref<peer::Feed> feed;
    String network_id, instance_id, bind_address;
    Vector<String> connect;
    Vector<peer::RemoteRegistration> remote_actors;  // of a configuration: made with the start
};

namespace reflow::capi {

Result<void> usable(const reflow_peer* peer) {
    if (peer == nullptr) return null_argument("peer");
    return of_this_process(peer->runtime->forked());
}

// What waits for links waits for threads that may wait for this callback.
Result<void> may_wait(const reflow_peer& peer) {
    if (runtime::current_scheduler() != &peer.runtime->scheduler()) return {};
    return Failure(REFLOW_ERROR_WOULD_DEADLOCK, "it would wait inside a callback");
}

peer::Peer& peer_of(const reflow_peer& peer) noexcept { return *peer.peer; }
peer::Feed& feed_of(const reflow_peer& peer) noexcept { return *peer.feed; }
network::Runtime& runtime_of(const reflow_peer& peer) noexcept { return *peer.runtime; }

}  // namespace reflow::capi

namespace {

constexpr std::int64_t end_ms = 5000;

Result<std::string_view> id_argument(reflow_view view, std::string_view name) {
    Result<std::string_view> text = text_argument(view, name);
    if (!text.ok()) return text;
    if (Result<void> fine = peer::check_network_id(text.value(), name); !fine.ok()) {
        return fine.take_error();
    }
    return text;
}

std::uint64_t ns_or(std::uint32_t given_ms, std::uint64_t otherwise_ns) noexcept {
    return given_ms == 0 ? otherwise_ns : std::uint64_t{given_ms} * 1'000'000;
}

Result<void> check_flags(std::uint32_t flags) {
    constexpr std::uint32_t all = REFLOW_PEER_NO_PORT | REFLOW_PEER_LEGACY_AUTH |
                                  REFLOW_PEER_RECONNECT_FOREVER | REFLOW_PEER_TELL_MESSAGES |
                                  REFLOW_PEER_NO_AUTO_DIAL;
    if ((flags & ~all) == 0) return {};
    return Failure(REFLOW_ERROR_INVALID_ARGUMENT, concat("unknown flags ", flags & ~all));
}

void set_flags(std::uint32_t flags, peer::PeerOptions& to) noexcept {
    if ((flags & REFLOW_PEER_LEGACY_AUTH) != 0) to.link.legacy_auth = true;
    if ((flags & REFLOW_PEER_NO_PORT) != 0) to.listens = false;
    if ((flags & REFLOW_PEER_RECONNECT_FOREVER) != 0) to.reconnect_forever = true;
    if ((flags & REFLOW_PEER_TELL_MESSAGES) != 0) to.tells_messages = true;
    if ((flags & REFLOW_PEER_NO_AUTO_DIAL) != 0) to.auto_dial = false;
}

void set_discovery(const peer::Config& config, peer::PeerOptions& to) {
    to.discovery.endpoints = config.discovery_endpoints;
    to.discovery.token = config.discovery_token;
    to.discovery.refresh_ms = config.discovery_refresh_ms;
    to.discovery.timeout_ms = config.discovery_timeout_ms;
    to.discovery.ttl_ms = config.discovery_ttl_ms;
    to.advertise_address = config.advertise_address;
}

// The fields of discovery, which are checked as those of a file are.
Result<void> read_discovery(const reflow_peer_options& from, peer::PeerOptions& to) {
    if (from.discovery_reserved != 0) {
        return Failure(REFLOW_ERROR_INVALID_ARGUMENT, "discovery_reserved is not 0");
    }
    Result<void> array = check_array(from.discovery_endpoints, from.discovery_endpoints_count,
                                     sizeof(reflow_view), "discovery_endpoints");
    if (!array.ok()) return array;
    peer::Config config;
    config.network_id = to.link.self.network_id;
    config.instance_id = to.link.self.instance_id;
    for (std::size_t i = 0; i < from.discovery_endpoints_count; ++i) {
        auto text = text_argument(from.discovery_endpoints[i], "discovery_endpoints");
        if (!text.ok()) return text.take_error();
        config.discovery_endpoints.emplace_back(text.value());
    }
    auto token = text_argument(from.discovery_token, "discovery_token");
    if (!token.ok()) return token.take_error();
    config.discovery_token = token.value();
    auto address = text_argument(from.advertise_address, "advertise_address");
    if (!address.ok()) return address.take_error();
    config.advertise_address = address.value();
    if (from.discovery_refresh_ms != 0) config.discovery_refresh_ms = from.discovery_refresh_ms;
    if (from.discovery_timeout_ms != 0) config.discovery_timeout_ms = from.discovery_timeout_ms;
    if (from.discovery_ttl_ms != 0) config.discovery_ttl_ms = from.discovery_ttl_ms;
    Result<void> fine = peer::check_config(config);
    if (!fine.ok()) {
        fine.error().status = REFLOW_ERROR_INVALID_ARGUMENT;
        return fine;
    }
    set_discovery(config, to);
    return {};
}

Result<peer::PeerOptions> read(const reflow_peer_options* given) {
    if (given == nullptr) return null_argument("options");
    Result<reflow_peer_options> fields = read_options(given, "reflow_peer_options");
    if (!fields.ok()) return fields.take_error();
    const reflow_peer_options& from = fields.value();
    if (Result<void> known = check_flags(from.flags); !known.ok()) return known.take_error();
    Result<std::string_view> network = id_argument(from.network_id, "network_id");
    if (!network.ok()) return network.take_error();
    Result<std::string_view> instance = text_argument(from.instance_id, "instance_id");
    if (!instance.ok()) return instance.take_error();
    Result<std::string_view> address = text_argument(from.bind_address, "bind_address");
    if (!address.ok()) return address.take_error();
    Result<std::string_view> token = text_argument(from.auth_token, "auth_token");
    if (!token.ok()) return token.take_error();
    if (from.bind_port > UINT16_MAX) {
        return Failure(REFLOW_ERROR_INVALID_ARGUMENT, concat("bind_port ", from.bind_port,
                                                             " is more than ", UINT16_MAX));
    }
    if (from.max_connections > limits::peer_links_count) {
        return Failure(REFLOW_ERROR_LIMIT, concat("max_connections ", from.max_connections,
                                                  " is more than ", limits::peer_links_count));
    }
    peer::PeerOptions options;
    options.link.self = {String(network.value()),
                         instance.value().empty() ? peer::default_instance_id(SystemClock())
                                                  : String(instance.value())};
    if (Result<void> fine = peer::check_id(options.link.self.instance_id, "instance_id");
        !fine.ok()) {
        return fine.take_error();
    }
    if (!token.value().empty()) options.link.token = String(token.value());
    options.link.heartbeat_ns = ns_or(from.heartbeat_interval_ms, options.link.heartbeat_ns);
    options.link.handshake_ns = ns_or(from.handshake_timeout_ms, options.link.handshake_ns);
    if (from.window_packets != 0) options.link.window_packets = from.window_packets;
    options.wire.connect_ns = ns_or(from.connect_timeout_ms, options.wire.connect_ns);
    options.wire.upgrade_ns = ns_or(from.handshake_timeout_ms, options.wire.upgrade_ns);
    options.wire.send_ns = ns_or(from.send_timeout_ms, options.wire.send_ns);
    if (!address.value().empty()) options.bind_address = address.value();
    options.bind_port = static_cast<std::uint16_t>(from.bind_port);
    set_flags(from.flags, options);
    if (from.max_connections != 0) options.max_connections = from.max_connections;
    if (from.reconnect_attempts != 0) options.reconnect_attempts = from.reconnect_attempts;
    Result<void> array = check_array(from.allowed_networks, from.allowed_networks_count,
                                     sizeof(reflow_view), "allowed_networks");
    if (!array.ok()) return array.take_error();
    for (std::size_t i = 0; i < from.allowed_networks_count; ++i) {
        Result<std::string_view> one = id_argument(from.allowed_networks[i], "allowed_networks");
        if (!one.ok()) return one.take_error();
        options.allowed_networks.emplace_back(one.value());
    }
    if (Result<void> fine = read_discovery(from, options); !fine.ok()) return fine.take_error();
    return options;
}

constexpr std::uint64_t ms = 1'000'000;

peer::PeerOptions options_of(const peer::Config& config) {
    peer::PeerOptions options;
    options.link.self = {config.network_id, config.instance_id};
    if (!config.auth_token.empty()) options.link.token = config.auth_token;
    options.link.legacy_auth = config.legacy_auth;
    options.link.heartbeat_ns = config.heartbeat_interval_ms * ms;
    options.link.handshake_ns = config.handshake_timeout_ms * ms;
    options.link.batch_bytes = config.batch_bytes;
    options.wire.connect_ns = config.connect_timeout_ms * ms;
    options.wire.upgrade_ns = config.handshake_timeout_ms * ms;
    options.wire.send_ns = config.send_timeout_ms * ms;
    options.wire.tls.certificate_file = config.tls.certificate_file;
    options.wire.tls.key_file = config.tls.key_file;
    options.wire.tls.ca_file = config.tls.ca_file;
    options.wire.tls.verify = config.tls.verify;
    options.bind_address = config.bind_address;
    options.bind_port = config.bind_port;
    options.max_connections = static_cast<std::uint32_t>(config.max_connections);
    options.allowed_networks = config.allowed_networks;
    options.reconnect_attempts = static_cast<std::uint32_t>(config.reconnect_attempts);
    options.reconnect_forever = config.reconnect_forever;
    options.reconnect_first_ns = config.reconnect_first_ms * ms;
    options.reconnect_most_ns = config.reconnect_most_ms * ms;
    set_discovery(config, options);
    options.auto_dial = config.auto_dial;
    options.capabilities = config.capabilities;
    return options;
}

Result<std::unique_ptr<reflow_peer>> make(reflow_runtime* runtime, peer::PeerOptions options) {
    auto made = std::unique_ptr<reflow_peer>(new reflow_peer);
    made->runtime = Ref<network::Runtime>::share(runtime_of(runtime));
    made->network_id = options.link.self.network_id;
    made->instance_id = options.link.self.instance_id;
    made->bind_address = options.bind_address;
    runtime::Environment* log_to = made->runtime.get();
    auto log = [log_to, id = made->network_id](reflow_log_level level, std::string_view text) {
        log_to->log(level, "peer", id, text);
    };
    auto wires = io::WireHost::create({log});
    if (!wires.ok()) return wires.take_error();
    made->wires = std::move(wires).take();
    options.log = log;
    made->feed = make_ref<peer::Feed>();
    options.discovered = [feed = made->feed](const peer::DiscoveryEvent& event) {
        tell(*feed, event);
    };
    made->peer = make_ref<peer::Peer>(
        *made->wires, std::move(options),
        [feed = made->feed](const peer::PeerEvent& event) { tell(*feed, event); });
    return made;
}

// What a file may ask for and this version does not do yet, said at once.
void tell_unused(const peer::Config& config, const reflow_peer& to) {
    runtime::Environment& log_to = *to.runtime;
    auto tell = [&](std::string_view key) {
        log_to.log(REFLOW_LOG_WARN, "peer", to.network_id,
                   concat(key, ": this version does not do that yet; the key has no effect"));
    };
    if (config.batch_linger_us != 0) tell("batch_linger_us");
}

Result<Message> describe(const reflow_peer& of) {
    ArrayBuilder endpoints;
    for (const String& endpoint : of.connect) endpoints.append(Message::string(endpoint));
    Result<Message> dialled = endpoints.finish();
    if (!dialled.ok()) return dialled;
    ArrayBuilder links;
    for (const Ref<peer::Link>& link : of.peer->links()) {
        peer::Identity remote = link->remote();
        peer::Link::Counts counts = link->counts();
        ObjectBuilder one;
        one.set("network_id", Message::string(remote.network_id));
        one.set("instance_id", Message::string(remote.instance_id));
        one.set("endpoint", Message::string(link->endpoint()));
        one.set("dialled", Message::boolean(link->dialled()));
        one.set("state", Message::string(peer::name_of(link->stage())));
        auto number = [&](std::string_view key, std::uint64_t value) {
            one.set(key, Message::integer(static_cast<std::int64_t>(value)));
        };
        number("round_trip_ns", counts.round_trip_ns);
        number("packets_in", counts.packets_in);
        number("packets_out", counts.packets_out);
        number("queued_packets", counts.queued_packets);
        number("bytes_in", counts.bytes_in);
        number("bytes_out", counts.bytes_out);
        Result<Message> made = one.finish();
        if (!made.ok()) return made;
        links.append(std::move(made).take());
    }
    Result<Message> all = links.finish();
    if (!all.ok()) return all;
    ObjectBuilder status;
    status.set("network_id", Message::string(of.network_id));
    status.set("instance_id", Message::string(of.instance_id));
    status.set("bind_address", Message::string(of.bind_address));
    status.set("port", Message::integer(of.peer->port()));
    status.set("connect", std::move(dialled).take());
    status.set("lost", Message::integer(static_cast<std::int64_t>(of.peer->lost_packets())));
    status.set("links", std::move(all).take());
    return status.finish();
}

// One message; what it is in, and whom it comes from, are options.
Result<void> send(reflow_peer* peer, reflow_view network, reflow_view actor, reflow_view port,
                  reflow_message message, const reflow_peer_send_options& options) {
    if (Result<void> fine = usable(peer); !fine.ok()) return fine;
    if ((options.flags & ~std::uint32_t{REFLOW_PEER_SEND_CONFIRMED}) != 0) {
        return Failure(REFLOW_ERROR_INVALID_ARGUMENT, concat("unknown flags ", options.flags));
    }
    if (options.timeout_ms != 0) {
        if (Result<void> fine = may_wait(*peer); !fine.ok()) return fine;
    }
    std::string_view texts[4];
    const reflow_view views[] = {network, actor, port, options.source};
    static constexpr std::string_view names[] = {"network", "actor", "port", "source"};
    for (std::size_t i = 0; i < 4; ++i) {
        Result<std::string_view> text = text_argument(views[i], names[i]);
        if (!text.ok()) return text.take_error();
        texts[i] = text.value();
    }
    MessageRef packet(message);
    if (packet.none()) return Failure(REFLOW_ERROR_INVALID_ARGUMENT, "the message is none");
    if (packet.holds_stream()) {
        return Failure(REFLOW_ERROR_UNSUPPORTED, "streams do not cross links");
    }
    Message whole;
    if (options.envelope != nullptr) {
        Result<Message> envelope = envelope_argument(*options.envelope);
        if (!envelope.ok()) return envelope.take_error();
        whole = enveloped(packet.own(), envelope.value());
        packet = whole;
    }
    bool confirm = (options.flags & REFLOW_PEER_SEND_CONFIRMED) != 0;
    Result<void> sent = peer->peer->send(texts[0], texts[1], texts[2], packet, texts[3],
                                         options.timeout_ms, confirm);
    if (sent.ok()) (void)Message::adopt(message);
    return sent;
}

}  // namespace

extern "C" {

reflow_status reflow_peer_create(reflow_runtime* runtime, const reflow_peer_options* options,
                                 reflow_peer** out, reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (out == nullptr) return null_argument("out");
        *out = nullptr;
        if (Result<void> fine = capi::usable(runtime); !fine.ok()) return fine;
        Result<peer::PeerOptions> read_ones = read(options);
        if (!read_ones.ok()) return read_ones.take_error();
        auto made = make(runtime, std::move(read_ones).take());
        if (!made.ok()) return made.take_error();
        *out = std::move(made).take().release();
        return {};
    });
}

reflow_status reflow_peer_create_from_toml(reflow_runtime* runtime, reflow_view toml,
                                           reflow_view file_name, uint32_t flags,
                                           reflow_peer** out, reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (out == nullptr) return null_argument("out");
        *out = nullptr;
        if (Result<void> known = check_flags(flags); !known.ok()) return known;
        if (Result<void> fine = capi::usable(runtime); !fine.ok()) return fine;
        if (Result<void> fine = check_bytes(toml.data, toml.size, "toml"); !fine.ok()) return fine;
        Result<std::string_view> file = text_argument(file_name, "file_name");
        if (!file.ok()) return file.take_error();
        const SystemClock clock;
        Result<peer::Config> config = peer::read_config(view_of(toml), file.value(), clock);
        if (!config.ok()) return config.take_error();
        peer::PeerOptions options = options_of(config.value());
        set_flags(flags, options);
        auto made = make(runtime, std::move(options));
        if (!made.ok()) return made.take_error();
        tell_unused(config.value(), *made.value());
        for (const peer::RemoteActorConfig& one : config.value().remote_actors) {
            made.value()->remote_actors.push_back(
                {{one.actor_id, one.network_id}, one.strategy, one.alias, {}, {},
                 one.capabilities});
        }
        for (const auto& one : config.value().connect) {
            made.value()->connect.push_back(one.endpoint);
        }
        *out = std::move(made).take().release();
        return {};
    });
}

void reflow_peer_destroy(reflow_peer* peer) {
    if (peer == nullptr || peer->runtime->forked()) return;
    (void)guarded_status([&] {
        peer->peer->stop(end_ms);
        peer->feed->close();
        return REFLOW_OK;
    });
    // The wires end first: a timer of theirs may have a reference to the peer.
    peer->wires.reset();
    delete peer;
}

reflow_status reflow_peer_attach(reflow_peer* peer, reflow_network* network,
                                 reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (Result<void> fine = usable(peer); !fine.ok()) return fine;
        if (Result<void> fine = capi::usable(network); !fine.ok()) return fine;
        if (&network_of(network)->runtime() != peer->runtime.get()) {
            return Failure(REFLOW_ERROR_INVALID_ARGUMENT, "the network is of another runtime");
        }
        return peer->peer->attach(Ref<network::Network>::share(network_of(network)));
    });
}

reflow_status reflow_peer_bind(reflow_peer* peer, reflow_view address, uint32_t port,
                               reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (Result<void> fine = usable(peer); !fine.ok()) return fine;
        Result<std::string_view> text = text_argument(address, "address");
        if (!text.ok()) return text.take_error();
        if (port > UINT16_MAX) {
            return Failure(REFLOW_ERROR_INVALID_ARGUMENT,
                           concat("port ", port, " is more than ", UINT16_MAX));
        }
        Result<void> bound =
            peer->peer->bind(text.value(), static_cast<std::uint16_t>(port));
        if (bound.ok()) peer->bind_address = text.value();
        return bound;
    });
}

reflow_status reflow_peer_start(reflow_peer* peer, reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (Result<void> fine = usable(peer); !fine.ok()) return fine;
        for (const peer::RemoteRegistration& one : peer->remote_actors) {
            Result<String> made = peer->peer->register_remote(one);
            if (!made.ok()) return made.take_error();
        }
        peer->remote_actors.clear();
        return peer->peer->start();
    });
}

uint32_t reflow_peer_port(const reflow_peer* peer) {
    return peer == nullptr || peer->runtime->forked() ? 0 : peer->peer->port();
}

reflow_status reflow_peer_connect(reflow_peer* peer, reflow_view endpoint, int64_t timeout_ms,
                                  reflow_message* network, reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (network != nullptr) *network = {};
        if (Result<void> fine = usable(peer); !fine.ok()) return fine;
        if (Result<void> fine = may_wait(*peer); !fine.ok()) return fine;
        Result<std::string_view> text = text_argument(endpoint, "endpoint");
        if (!text.ok()) return text.take_error();
        Result<peer::Identity> there = peer->peer->connect(text.value(), timeout_ms);
        if (!there.ok()) return there.take_error();
        if (network != nullptr) *network = Message::string(there.value().network_id).leak();
        return {};
    });
}

reflow_status reflow_peer_disconnect(reflow_peer* peer, reflow_view network,
                                     reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (Result<void> fine = usable(peer); !fine.ok()) return fine;
        Result<std::string_view> text = text_argument(network, "network");
        if (!text.ok()) return text.take_error();
        return peer->peer->disconnect(text.value());
    });
}

bool reflow_peer_connected(const reflow_peer* peer, reflow_view network) {
    return peer != nullptr && !peer->runtime->forked() && peer->peer->connected(view_of(network));
}

reflow_status reflow_peer_send(reflow_peer* peer, reflow_view network, reflow_view actor,
                               reflow_view port, reflow_message message, reflow_view source,
                               int64_t timeout_ms, reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        reflow_peer_send_options options{};
        options.source = source;
        options.timeout_ms = timeout_ms;
        return send(peer, network, actor, port, message, options);
    });
}

reflow_status reflow_peer_send_with(reflow_peer* peer, reflow_view network, reflow_view actor,
                                    reflow_view port, reflow_message message,
                                    const reflow_peer_send_options* options,
                                    reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        Result<reflow_peer_send_options> read_ones =
            read_options(options, "reflow_peer_send_options");
        if (!read_ones.ok()) return read_ones.take_error();
        return send(peer, network, actor, port, message, read_ones.value());
    });
}

reflow_status reflow_peer_on_http(reflow_peer* peer, reflow_http_fn handler, void* user_data,
                                  reflow_destroy_fn destroy, const reflow_http_options* options,
                                  reflow_error** error) {
    network::HostData data(user_data, destroy);
    return guarded(error, [&]() -> Result<void> {
        if (Result<void> fine = usable(peer); !fine.ok()) return fine;
        Result<peer::HttpRoutes> routes = http_routes(handler, std::move(data), options);
        if (!routes.ok()) return routes.take_error();
        return peer->peer->serve(std::move(routes).take());
    });
}

reflow_status reflow_peer_status(const reflow_peer* peer, reflow_message* out,
                                 reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (out == nullptr) return null_argument("out");
        *out = {};
        if (Result<void> fine = usable(peer); !fine.ok()) return fine;
        return give(describe(*peer), out);
    });
}

reflow_status reflow_peer_stop(reflow_peer* peer, int64_t timeout_ms, reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (Result<void> fine = usable(peer); !fine.ok()) return fine;
        if (Result<void> fine = may_wait(*peer); !fine.ok()) return fine;
        peer->peer->stop(timeout_ms);
        peer->feed->close();
        return {};
    });
}

}  // extern "C"

#else

namespace {
reflow_status missing(reflow_error** error) {
    return guarded(error, [&]() -> Result<void> { return left_out("peer"); });
}
}  // namespace

extern "C" {

reflow_status reflow_peer_create(reflow_runtime*, const reflow_peer_options*, reflow_peer** out,
                                 reflow_error** error) {
    if (out != nullptr) *out = nullptr;
    return missing(error);
}
reflow_status reflow_peer_create_from_toml(reflow_runtime*, reflow_view, reflow_view, uint32_t,
                                           reflow_peer** out, reflow_error** error) {
    if (out != nullptr) *out = nullptr;
    return missing(error);
}
void reflow_peer_destroy(reflow_peer*) {}
reflow_status reflow_peer_attach(reflow_peer*, reflow_network*, reflow_error** error) {
    return missing(error);
}
reflow_status reflow_peer_bind(reflow_peer*, reflow_view, uint32_t, reflow_error** error) {
    return missing(error);
}
reflow_status reflow_peer_start(reflow_peer*, reflow_error** error) { return missing(error); }
uint32_t reflow_peer_port(const reflow_peer*) { return 0; }
reflow_status reflow_peer_connect(reflow_peer*, reflow_view, int64_t, reflow_message* network,
                                  reflow_error** error) {
    if (network != nullptr) *network = {};
    return missing(error);
}
reflow_status reflow_peer_disconnect(reflow_peer*, reflow_view, reflow_error** error) {
    return missing(error);
}
bool reflow_peer_connected(const reflow_peer*, reflow_view) { return false; }
reflow_status reflow_peer_send(reflow_peer*, reflow_view, reflow_view, reflow_view, reflow_message,
                               reflow_view, int64_t, reflow_error** error) {
    return missing(error);
}
reflow_status reflow_peer_on_http(reflow_peer*, reflow_http_fn, void* user_data,
                                  reflow_destroy_fn destroy, const reflow_http_options*,
                                  reflow_error** error) {
    if (destroy != nullptr) destroy(user_data);
    return missing(error);
}
reflow_status reflow_peer_send_with(reflow_peer*, reflow_view, reflow_view, reflow_view,
                                    reflow_message, const reflow_peer_send_options*,
                                    reflow_error** error) {
    return missing(error);
}
reflow_status reflow_peer_status(const reflow_peer*, reflow_message* out, reflow_error** error) {
    if (out != nullptr) *out = {};
    return missing(error);
}
reflow_status reflow_peer_stop(reflow_peer*, int64_t, reflow_error** error) {
    return missing(error);
}

}  // extern "C"

#endif
