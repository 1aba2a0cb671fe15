// Section 21 of reflow.h: peers. A build that leaves them out (REFLOW_WITH_PEER) has functions that say
// so. Thread: any.
#include "capi/guard.hpp"
#include "capi/handles.hpp"
#include "capi/modules.hpp"

#if REFLOW_WITH_PEER
#include "base/clock.hpp"
#include "base/limits.hpp"
#include "capi/peer_http.hpp"
#include "peer/config.hpp"
#include "peer/limits.hpp"
#include "peer/names.hpp"
#include "peer/peer.hpp"
#include "runtime/scheduler.hpp"
#endif

using namespace reflow;
using namespace reflow::capi;

#if REFLOW_WITH_PEER

struct reflow_peer : reflow::Allocated {
    Ref<network::Runtime> runtime;
    std::shared_ptr<io::WireHost> wires;  // of all peers of the runtime; ends after the last of them
    Ref<peer::Peer> peer;
    String network_id, instance_id, bind_address;
    Vector<String> connect;
};

namespace {

constexpr std::int64_t end_ms = 5000;

Result<void> usable(const reflow_peer* peer) {
    if (peer == nullptr) return null_argument("peer");
    return of_this_process(peer->runtime->forked());
}

// What waits for links waits for threads that may wait for this callback.
Result<void> may_wait(const reflow_peer& peer) {
    if (runtime::current_scheduler() != &peer.runtime->scheduler()) return {};
    return Failure(REFLOW_ERROR_WOULD_DEADLOCK, "it would wait inside a callback");
}

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
                                  REFLOW_PEER_NO_TCP | REFLOW_PEER_FAILOVER;
    if ((flags & ~all) == 0) return {};
    return Failure(REFLOW_ERROR_INVALID_ARGUMENT, concat("unknown flags ", flags & ~all));
}

void set_flags(std::uint32_t flags, peer::PeerOptions& to) noexcept {
    if ((flags & REFLOW_PEER_LEGACY_AUTH) != 0) to.link.legacy_auth = true;
    if ((flags & REFLOW_PEER_NO_PORT) != 0) to.listens = false;
    if ((flags & REFLOW_PEER_RECONNECT_FOREVER) != 0) to.reconnect_forever = true;
    if ((flags & REFLOW_PEER_TELL_MESSAGES) != 0) to.tells_messages = true;
    if ((flags & REFLOW_PEER_NO_TCP) != 0) to.wire.negotiates = false;
    if ((flags & REFLOW_PEER_FAILOVER) != 0) to.fails_over = true;
}

// What goes over the wires, and how.
Result<void> read_wires(const reflow_peer_options& from, peer::PeerOptions& to) {
    constexpr std::uint32_t most_linger_us = 1'000'000;
    if (from.batch_bytes > limits::peer_batch_bytes) {
        return Failure(REFLOW_ERROR_LIMIT, concat("batch_bytes ", from.batch_bytes,
                                                  " is more than ", limits::peer_batch_bytes));
    }
    if (from.batch_linger_us > most_linger_us) {
        return Failure(REFLOW_ERROR_LIMIT, concat("batch_linger_us ", from.batch_linger_us,
                                                  " is more than ", most_linger_us));
    }
    if (from.window_bytes > limits::most_peer_window_bytes) {
        return Failure(REFLOW_ERROR_LIMIT, concat("window_bytes ", from.window_bytes,
                                                  " is more than ",
                                                  limits::most_peer_window_bytes));
    }
    if (from.compression_level < -1 || from.compression_level > limits::peer_compression_level) {
        return Failure(REFLOW_ERROR_INVALID_ARGUMENT,
                       concat("compression_level ", from.compression_level, " is none of -1 to ",
                              limits::peer_compression_level));
    }
    if (from.window_packets != 0) to.link.window.packets = from.window_packets;
    if (from.window_bytes != 0) to.link.window.bytes = from.window_bytes;
    if (from.batch_bytes != 0) to.link.batch_bytes = from.batch_bytes;
    to.link.linger_ns = std::uint64_t{from.batch_linger_us} * 1000;
    peer::PackOptions packing;
    if (from.compression_threshold != 0) packing.threshold = from.compression_threshold;
    if (from.compression_level != 0) packing.level = std::max(from.compression_level, 0);
    to.link.packer = make_ref<peer::Packer>(packing);
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
    if (Result<void> fine = read_wires(from, options); !fine.ok()) return fine.take_error();
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
    options.link.linger_ns = config.batch_linger_us * 1000;
    options.link.window = {config.window_packets, config.window_bytes};
    options.link.packer = make_ref<peer::Packer>(peer::PackOptions{
        config.compression_threshold, static_cast<int>(config.compression_level)});
    options.wire.negotiates = config.negotiate_tcp;
    options.fails_over = config.instances == "failover";
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
    return options;
}

// One thread for the links of all peers of a runtime. What it logs goes to the runtime, which outlives
// every peer.
Result<std::shared_ptr<io::WireHost>> wires_of(network::Runtime& runtime) {
    std::lock_guard lock(runtime.shared.mutex);
    if (auto there = std::static_pointer_cast<io::WireHost>(runtime.shared.value.lock())) {
        return there;
    }
    runtime::Environment* log_to = &runtime;
    auto made = io::WireHost::create({[log_to](reflow_log_level level, std::string_view text) {
        log_to->log(level, "peer", {}, text);
    }});
    if (!made.ok()) return made.take_error();
    std::shared_ptr<io::WireHost> host(std::move(made).take());
    runtime.shared.value = host;
    return host;
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
    auto wires = wires_of(*made->runtime);
    if (!wires.ok()) return wires.take_error();
    made->wires = std::move(wires).take();
    options.log = log;
    made->peer =
        make_ref<peer::Peer>(*made->wires, std::move(options), peer::Peer::Listener());
    return made;
}

// What a file may ask for and this version does not do yet, said at once.
void tell_unused(const peer::Config& config, const reflow_peer& to) {
    runtime::Environment& log_to = *to.runtime;
    auto tell = [&](std::string_view key) {
        log_to.log(REFLOW_LOG_WARN, "peer", to.network_id,
                   concat(key, ": this version does not do that yet; the key has no effect"));
    };
    if (!config.discovery_endpoints.empty()) tell("discovery_endpoints");
    if (!config.remote_actors.empty()) tell("remote_actor");
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
        one.set("scheme",
                Message::string(peer::scheme_names[static_cast<std::size_t>(counts.scheme)]));
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
        // The thread of the wires may serve others, and still be on its way out of this one.
        peer->wires->settle();
        return REFLOW_OK;
    });
    // Before the peer: what is left of it there is gone with the last peer of the runtime.
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
    size_t accepted = 0;
    return reflow_peer_send_many(peer, network, actor, port, &message, 1, source, timeout_ms,
                                 &accepted, error);
}

reflow_status reflow_peer_send_many(reflow_peer* peer, reflow_view network, reflow_view actor,
                                    reflow_view port, const reflow_message* messages, size_t count,
                                    reflow_view source, int64_t timeout_ms, size_t* accepted,
                                    reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (accepted == nullptr) return null_argument("accepted");
        *accepted = 0;
        if (Result<void> fine = usable(peer); !fine.ok()) return fine;
        if (timeout_ms != 0) {
            if (Result<void> fine = may_wait(*peer); !fine.ok()) return fine;
        }
        std::string_view texts[4];
        const reflow_view views[] = {network, actor, port, source};
        static constexpr std::string_view names[] = {"network", "actor", "port", "source"};
        for (std::size_t i = 0; i < 4; ++i) {
            Result<std::string_view> text = text_argument(views[i], names[i]);
            if (!text.ok()) return text.take_error();
            texts[i] = text.value();
        }
        Result<void> fine = check_array(messages, count, sizeof *messages, "messages");
        if (!fine.ok()) return fine;
        Vector<MessageRef> packets;
        packets.reserve(count);
        for (std::size_t i = 0; i < count; ++i) {
            MessageRef packet(messages[i]);
            if (packet.none()) {
                return Failure(REFLOW_ERROR_INVALID_ARGUMENT, concat("message ", i, " is none"));
            }
            if (packet.counted() && packet.holds_stream()) {
                return Failure(REFLOW_ERROR_UNSUPPORTED, "streams do not cross links");
            }
            packets.push_back(packet);
        }
        Result<void> sent = peer->peer->send(texts[0], texts[1], texts[2], packets, texts[3],
                                             timeout_ms, *accepted);
        for (std::size_t i = 0; i < *accepted; ++i) (void)Message::adopt(messages[i]);
        return sent;
    });
}

reflow_status reflow_peer_on_http(reflow_peer* peer, reflow_http_fn handler, void* user_data,
                                  reflow_destroy_fn destroy, const reflow_http_options* options,
                                  reflow_error** error) {
    network::HostData data(user_data, destroy);
    return guarded(error, [&]() -> Result<void> {
        if (Result<void> fine = usable(peer); !fine.ok()) return fine;
        Result<peer::HttpRoutes> routes =
            http_routes(peer->runtime, handler, std::move(data), options);
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
reflow_status reflow_peer_status(const reflow_peer*, reflow_message* out, reflow_error** error) {
    if (out != nullptr) *out = {};
    return missing(error);
}
reflow_status reflow_peer_stop(reflow_peer*, int64_t, reflow_error** error) {
    return missing(error);
}

}  // extern "C"

#endif
