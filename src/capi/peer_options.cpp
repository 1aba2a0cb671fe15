// Options of peers, from a host or from a configuration: section 21 of reflow.h. Neighbours: peer.cpp.
// Thread: any.
#include "capi/guard.hpp"
#include "capi/handles.hpp"

#if REFLOW_WITH_PEER
#include "base/clock.hpp"
#include "base/limits.hpp"
#include "capi/peer_handle.hpp"
#include "peer/config.hpp"
#include "peer/limits.hpp"
#include "peer/names.hpp"
#include "peer/peer.hpp"

namespace reflow::capi {

Result<std::string_view> id_argument(reflow_view view, std::string_view name) {
    Result<std::string_view> text = text_argument(view, name);
    if (!text.ok()) return text;
    if (Result<void> fine = peer::check_network_id(text.value(), name); !fine.ok()) {
        return fine.take_error();
    }
    return text;
}

namespace {

// A field that is 0 leaves the default.
template <typename Number>
void set(std::uint64_t& to, Number given) noexcept {
    if (given != 0) to = static_cast<std::uint64_t>(given);
}

// What goes over the wires, and how. A configuration of a file has limits of its own, which are not those of
// a host.
Result<void> read_wires(const reflow_peer_options& from, peer::Config& to) {
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
    set(to.window_packets, from.window_packets);
    set(to.window_bytes, from.window_bytes);
    set(to.batch_bytes, from.batch_bytes);
    to.batch_linger_us = from.batch_linger_us;
    set(to.compression_threshold, from.compression_threshold);
    if (from.compression_level != 0) {
        to.compression_level = static_cast<std::uint64_t>(std::max(from.compression_level, 0));
    }
    set(to.heartbeat_interval_ms, from.heartbeat_interval_ms);
    set(to.connect_timeout_ms, from.connect_timeout_ms);
    set(to.handshake_timeout_ms, from.handshake_timeout_ms);
    set(to.send_timeout_ms, from.send_timeout_ms);
    set(to.max_connections, from.max_connections);
    set(to.reconnect_attempts, from.reconnect_attempts);
    return {};
}

// name is that of the field.
Result<void> read_texts(const reflow_view* from, std::size_t count, std::string_view name,
                        Vector<String>& to) {
    Result<void> array = check_array(from, count, sizeof(reflow_view), name);
    if (!array.ok()) return array;
    for (std::size_t i = 0; i < count; ++i) {
        Result<std::string_view> text = text_argument(from[i], name);
        if (!text.ok()) return text.take_error();
        to.emplace_back(text.value());
    }
    return {};
}

// The fields of discovery and of pages, which are checked as those of a file are.
Result<void> read_as_config(const reflow_peer_options& from, peer::Config& config) {
    if (from.discovery_reserved != 0) {
        return Failure(REFLOW_ERROR_INVALID_ARGUMENT, "discovery_reserved is not 0");
    }
    Result<void> servers = read_texts(from.discovery_endpoints, from.discovery_endpoints_count,
                                      "discovery_endpoints", config.discovery_endpoints);
    if (!servers.ok()) return servers;
    Result<void> pages = read_texts(from.allowed_origins, from.allowed_origins_count,
                                    "allowed_origins", config.allowed_origins);
    if (!pages.ok()) return pages;
    auto token = text_argument(from.discovery_token, "discovery_token");
    if (!token.ok()) return token.take_error();
    config.discovery_token = token.value();
    auto address = text_argument(from.advertise_address, "advertise_address");
    if (!address.ok()) return address.take_error();
    config.advertise_address = address.value();
    set(config.discovery_refresh_ms, from.discovery_refresh_ms);
    set(config.discovery_timeout_ms, from.discovery_timeout_ms);
    set(config.discovery_ttl_ms, from.discovery_ttl_ms);
    const std::pair<reflow_view, String*> files[] = {
        {from.tls_certificate_file, &config.tls.certificate_file},
        {from.tls_key_file, &config.tls.key_file},
        {from.tls_ca_file, &config.tls.ca_file}};
    static constexpr std::string_view names[] = {"tls_certificate_file", "tls_key_file",
                                                 "tls_ca_file"};
    for (std::size_t i = 0; i < std::size(files); ++i) {
        auto file = text_argument(files[i].first, names[i]);
        if (!file.ok()) return file.take_error();
        *files[i].second = file.value();
    }
    config.tls.verify = (from.flags & REFLOW_PEER_NO_TLS_VERIFY) == 0;
    Result<void> fine = peer::check_config(config);
    if (!fine.ok()) {
        fine.error().status = REFLOW_ERROR_INVALID_ARGUMENT;
    }
    return fine;
}

constexpr std::uint64_t ms = 1'000'000;

}  // namespace

Result<void> check_peer_flags(std::uint32_t flags) {
    constexpr std::uint32_t all = REFLOW_PEER_NO_PORT | REFLOW_PEER_LEGACY_AUTH |
                                  REFLOW_PEER_RECONNECT_FOREVER | REFLOW_PEER_TELL_MESSAGES |
                                  REFLOW_PEER_NO_AUTO_DIAL | REFLOW_PEER_NO_TCP |
                                  REFLOW_PEER_FAILOVER | REFLOW_PEER_NO_TLS_VERIFY;
    if ((flags & ~all) == 0) return {};
    return Failure(REFLOW_ERROR_INVALID_ARGUMENT, concat("unknown flags ", flags & ~all));
}

void set_peer_flags(std::uint32_t flags, peer::PeerOptions& to) noexcept {
    if ((flags & REFLOW_PEER_LEGACY_AUTH) != 0) to.link.legacy_auth = true;
    if ((flags & REFLOW_PEER_NO_PORT) != 0) to.listens = false;
    if ((flags & REFLOW_PEER_RECONNECT_FOREVER) != 0) to.reconnect_forever = true;
    if ((flags & REFLOW_PEER_TELL_MESSAGES) != 0) to.tells_messages = true;
    if ((flags & REFLOW_PEER_NO_AUTO_DIAL) != 0) to.auto_dial = false;
    if ((flags & REFLOW_PEER_NO_TCP) != 0) to.wire.negotiates = false;
    if ((flags & REFLOW_PEER_FAILOVER) != 0) to.fails_over = true;
    if ((flags & REFLOW_PEER_NO_TLS_VERIFY) != 0) to.wire.tls.verify = false;
}

Result<peer::PeerOptions> read_peer_options(const reflow_peer_options* given) {
    if (given == nullptr) return null_argument("options");
    Result<reflow_peer_options> fields = read_options(given, "reflow_peer_options");
    if (!fields.ok()) return fields.take_error();
    const reflow_peer_options& from = fields.value();
    if (Result<void> known = check_peer_flags(from.flags); !known.ok()) return known.take_error();
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
    peer::Config config;
    config.network_id = network.value();
    config.instance_id = instance.value().empty() ? peer::default_instance_id(SystemClock())
                                                  : String(instance.value());
    if (Result<void> fine = peer::check_id(config.instance_id, "instance_id"); !fine.ok()) {
        return fine.take_error();
    }
    config.auth_token = token.value();
    Result<void> array = check_array(from.allowed_networks, from.allowed_networks_count,
                                     sizeof(reflow_view), "allowed_networks");
    if (!array.ok()) return array.take_error();
    for (std::size_t i = 0; i < from.allowed_networks_count; ++i) {
        Result<std::string_view> one = id_argument(from.allowed_networks[i], "allowed_networks");
        if (!one.ok()) return one.take_error();
        config.allowed_networks.emplace_back(one.value());
    }
    if (Result<void> fine = read_as_config(from, config); !fine.ok()) return fine.take_error();
    if (Result<void> fine = read_wires(from, config); !fine.ok()) return fine.take_error();
    if (!address.value().empty()) config.bind_address = address.value();
    config.bind_port = static_cast<std::uint16_t>(from.bind_port);
    peer::PeerOptions options = peer_options_of(config);
    set_peer_flags(from.flags, options);
    return options;
}

peer::PeerOptions peer_options_of(const peer::Config& config) {
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
    options.wire.tls = {config.tls.certificate_file, config.tls.key_file, config.tls.ca_file,
                        config.tls.verify};
    options.link.park_ns = options.wire.send_ns;
    options.bind_address = config.bind_address;
    options.bind_port = config.bind_port;
    options.listens = config.listen;
    options.max_connections = static_cast<std::uint32_t>(config.max_connections);
    options.allowed_networks = config.allowed_networks;
    options.allowed_origins = config.allowed_origins;
    options.reconnect_attempts = static_cast<std::uint32_t>(config.reconnect_attempts);
    options.reconnect_forever = config.reconnect_forever;
    options.reconnect_first_ns = config.reconnect_first_ms * ms;
    options.reconnect_most_ns = config.reconnect_most_ms * ms;
    options.discovery.endpoints = config.discovery_endpoints;
    options.discovery.token = config.discovery_token;
    options.discovery.refresh_ms = config.discovery_refresh_ms;
    options.discovery.timeout_ms = config.discovery_timeout_ms;
    options.discovery.ttl_ms = config.discovery_ttl_ms;
    options.advertise_address = config.advertise_address;
    options.auto_dial = config.auto_dial;
    options.capabilities = config.capabilities;
    return options;
}

}  // namespace reflow::capi

#endif
