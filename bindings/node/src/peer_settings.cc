// Options of peers, from an object of JavaScript; their names are those of types/peer.d.cts.
#include "bridge.h"
#include "peer.h"

namespace reflow_node {

namespace {

// A flag that is on if the option says so; `off` names options that are true unless they say no.
std::uint32_t flag(const Options& given, const char* key, std::uint32_t bit) {
    return given.flag(key) ? bit : 0;
}

std::uint32_t unless(const Options& given, const char* key, std::uint32_t bit) {
    return given.has(key) && !given.flag(key) ? bit : 0;
}

}  // namespace

PeerSettings::PeerSettings(Napi::Env env, Napi::Value value) {
    const Options given(env, value);
    network_ = given.text("networkId");
    instance_ = given.text("instanceId");
    address_ = given.text("bindAddress");
    token_ = given.text("authToken");
    discovery_token_ = given.text("discoveryToken");
    advertise_ = given.text("advertiseAddress");
    allowed_ = given.texts("allowedNetworks");
    allowed_views_ = views_of(allowed_);
    endpoints_ = given.texts("discoveryEndpoints");
    endpoint_views_ = views_of(endpoints_);
    origins_ = given.texts("allowedOrigins");
    origin_views_ = views_of(origins_);
    certificate_ = given.text("tlsCertificateFile");
    key_ = given.text("tlsKeyFile");
    ca_ = given.text("tlsCaFile");

    options.struct_size = sizeof options;
    options.flags = flag(given, "noPort", REFLOW_PEER_NO_PORT) |
                    flag(given, "legacyAuth", REFLOW_PEER_LEGACY_AUTH) |
                    flag(given, "reconnectForever", REFLOW_PEER_RECONNECT_FOREVER) |
                    flag(given, "tellMessages", REFLOW_PEER_TELL_MESSAGES) |
                    flag(given, "failover", REFLOW_PEER_FAILOVER) |
                    unless(given, "autoDial", REFLOW_PEER_NO_AUTO_DIAL) |
                    unless(given, "negotiateTcp", REFLOW_PEER_NO_TCP) |
                    unless(given, "tlsVerify", REFLOW_PEER_NO_TLS_VERIFY);
    options.network_id = view_of(network_);
    options.instance_id = view_of(instance_);
    options.bind_address = view_of(address_);
    options.bind_port = given.u32("bindPort", 65535);
    options.max_connections = given.u32("maxConnections");
    options.auth_token = view_of(token_);
    options.heartbeat_interval_ms = given.u32("heartbeatIntervalMs");
    options.connect_timeout_ms = given.u32("connectTimeoutMs");
    options.handshake_timeout_ms = given.u32("handshakeTimeoutMs");
    options.send_timeout_ms = given.u32("sendTimeoutMs");
    options.window_packets = given.u32("windowPackets");
    options.reconnect_attempts = given.u32("reconnectAttempts");
    options.allowed_networks = allowed_views_.empty() ? nullptr : allowed_views_.data();
    options.allowed_networks_count = allowed_views_.size();
    options.discovery_endpoints = endpoint_views_.empty() ? nullptr : endpoint_views_.data();
    options.discovery_endpoints_count = endpoint_views_.size();
    options.discovery_token = view_of(discovery_token_);
    options.advertise_address = view_of(advertise_);
    options.discovery_refresh_ms = given.u32("discoveryRefreshMs");
    options.discovery_timeout_ms = given.u32("discoveryTimeoutMs");
    options.discovery_ttl_ms = given.u32("discoveryTtlMs");
    options.window_bytes = given.u64("windowBytes");
    options.batch_bytes = given.u32("batchBytes");
    options.batch_linger_us = given.u32("batchLingerUs");
    options.compression_threshold = given.u32("compressionThreshold");
    options.compression_level =
        static_cast<std::int32_t>(given.number("compressionLevel", -1, 19));
    options.allowed_origins = origin_views_.empty() ? nullptr : origin_views_.data();
    options.allowed_origins_count = origin_views_.size();
    options.tls_certificate_file = view_of(certificate_);
    options.tls_key_file = view_of(key_);
    options.tls_ca_file = view_of(ca_);
}

}  // namespace reflow_node
