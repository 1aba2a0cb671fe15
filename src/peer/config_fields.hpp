// The keys of a configuration: one table for each of its structs, which reading, checking and
// writing share.
// Neighbours: config.cpp, config_check.cpp, config_write.cpp. Thread: any.
#pragma once

#include <array>
#include <variant>

#include "peer/config.hpp"

namespace reflow::peer {

template <typename T>
struct Field {
    std::string_view key;
    std::variant<std::uint64_t T::*, std::uint16_t T::*, double T::*, bool T::*, String T::*,
                 Vector<String> T::*>
        member;
    // Of numbers.
    std::uint64_t low = 0;
    std::uint64_t high = UINT32_MAX;
    bool required = false;
    std::string_view hint{};  // of one that is missing
};

inline constexpr std::uint64_t day_ms = 86'400'000;

inline constexpr std::array config_fields{
    Field<Config>{"network_id", &Config::network_id, 0, 0, true},
    Field<Config>{"instance_id", &Config::instance_id},
    Field<Config>{"listen", &Config::listen},
    Field<Config>{"bind_address", &Config::bind_address},
    Field<Config>{"bind_port", &Config::bind_port, 0, 65'535, true,
                  "0 is a free one; a peer that only dials has listen = false instead"},
    Field<Config>{"discovery_endpoints", &Config::discovery_endpoints},
    Field<Config>{"auth_token", &Config::auth_token},
    Field<Config>{"max_connections", &Config::max_connections, 1,
                  limits::most_peer_connections_count},
    Field<Config>{"heartbeat_interval_ms", &Config::heartbeat_interval_ms, 10, day_ms},
    Field<Config>{"allowed_networks", &Config::allowed_networks},
    Field<Config>{"allowed_origins", &Config::allowed_origins},
    Field<Config>{"legacy_auth", &Config::legacy_auth},
    Field<Config>{"connect_timeout_ms", &Config::connect_timeout_ms, 1, day_ms},
    Field<Config>{"handshake_timeout_ms", &Config::handshake_timeout_ms, 1, day_ms},
    Field<Config>{"send_timeout_ms", &Config::send_timeout_ms, 1, day_ms},
    Field<Config>{"batch_bytes", &Config::batch_bytes, 1, limits::peer_batch_bytes},
    Field<Config>{"batch_linger_us", &Config::batch_linger_us, 0, 1'000'000},
    Field<Config>{"compression_threshold", &Config::compression_threshold, 0, UINT32_MAX},
    Field<Config>{"compression_level", &Config::compression_level, 0,
                  limits::peer_compression_level},
    Field<Config>{"negotiate_tcp", &Config::negotiate_tcp},
    Field<Config>{"window_packets", &Config::window_packets, 1, UINT32_MAX},
    Field<Config>{"window_bytes", &Config::window_bytes, 1, limits::most_peer_window_bytes},
    Field<Config>{"instances", &Config::instances},
    Field<Config>{"reconnect_attempts", &Config::reconnect_attempts, 0, 1'000'000},
    Field<Config>{"reconnect_first_ms", &Config::reconnect_first_ms, 1, day_ms},
    Field<Config>{"reconnect_most_ms", &Config::reconnect_most_ms, 1, day_ms},
    Field<Config>{"reconnect_forever", &Config::reconnect_forever},
    Field<Config>{"auto_dial", &Config::auto_dial},
    Field<Config>{"advertise_address", &Config::advertise_address},
    Field<Config>{"capabilities", &Config::capabilities},
    Field<Config>{"discovery_refresh_ms", &Config::discovery_refresh_ms, 100, day_ms},
    Field<Config>{"discovery_timeout_ms", &Config::discovery_timeout_ms, 1, day_ms},
    Field<Config>{"discovery_ttl_ms", &Config::discovery_ttl_ms, 1, day_ms},
    Field<Config>{"discovery_token", &Config::discovery_token},
};

inline constexpr std::array connect_fields{
    Field<ConnectConfig>{"endpoint", &ConnectConfig::endpoint, 0, 0, true},
};

using Remote = RemoteActorConfig;
inline constexpr std::array remote_actor_fields{
    Field<Remote>{"actor_id", &Remote::actor_id, 0, 0, true},
    Field<Remote>{"network_id", &Remote::network_id, 0, 0, true},
    Field<Remote>{"alias", &Remote::alias},
    Field<Remote>{"capabilities", &Remote::capabilities},
    Field<Remote>{"outbox_messages", &Remote::outbox_messages, 1, 100'000'000},
    Field<Remote>{"outbox_bytes", &Remote::outbox_bytes, 1, std::uint64_t{1} << 40},
    Field<Remote>{"deadline_ms", &Remote::deadline_ms, 1, day_ms},
    Field<Remote>{"ack_timeout_ms", &Remote::ack_timeout_ms, 1, day_ms},
    Field<Remote>{"ack_retries", &Remote::ack_retries, 0, 1'000'000},
    Field<Remote>{"unacknowledged_messages", &Remote::unacknowledged_messages, 1, 100'000'000},
};

inline constexpr std::array tls_fields{
    Field<TlsConfig>{"certificate_file", &TlsConfig::certificate_file},
    Field<TlsConfig>{"key_file", &TlsConfig::key_file},
    Field<TlsConfig>{"ca_file", &TlsConfig::ca_file},
    Field<TlsConfig>{"verify", &TlsConfig::verify},
};

inline constexpr std::array duration_fields{
    Field<DurationConfig>{"secs", &DurationConfig::secs, 0, day_ms, true},
    Field<DurationConfig>{"nanos", &DurationConfig::nanos, 0, 999'999'999, true},
};

using LocalCompression = LocalCompressionConfig;
inline constexpr std::array local_compression_fields{
    Field<LocalCompression>{"size_threshold", &LocalCompression::size_threshold},
    Field<LocalCompression>{"streaming_threshold", &LocalCompression::streaming_threshold},
    Field<LocalCompression>{"enabled", &LocalCompression::enabled},
    Field<LocalCompression>{"level", &LocalCompression::level, 0, 22},
};

inline constexpr std::array trace_retry_fields{
    Field<TraceRetryConfig>{"max_retries", &TraceRetryConfig::max_retries},
    Field<TraceRetryConfig>{"backoff_multiplier", &TraceRetryConfig::backoff_multiplier, 1, 1000},
};

inline constexpr std::array tracing_fields{
    Field<TracingConfig>{"server_url", &TracingConfig::server_url},
    Field<TracingConfig>{"batch_size", &TracingConfig::batch_size, 1, 1'000'000},
    Field<TracingConfig>{"enable_compression", &TracingConfig::enable_compression},
    Field<TracingConfig>{"enabled", &TracingConfig::enabled},
    Field<TracingConfig>{"capture_checksum", &TracingConfig::capture_checksum},
    Field<TracingConfig>{"capture_content", &TracingConfig::capture_content},
    Field<TracingConfig>{"enable_perf_sampling", &TracingConfig::enable_perf_sampling},
};

// Of local_network_config.compression.type_strategies.
inline constexpr std::string_view type_strategy_words[] = {"Always", "Never", "Adaptive",
                                                           "SizeThreshold"};

}  // namespace reflow::peer
