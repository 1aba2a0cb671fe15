// The configuration of a peer, and its TOML. A file of the original reads as it is; keys beyond
// those have defaults with which a peer behaves as the original's users expect.
// Neighbours: everything of peer. Thread: a value belongs to one thread at a time.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/clock.hpp"
#include "base/limits.hpp"
#include "base/result.hpp"
#include "peer/limits.hpp"
#include "peer/names.hpp"

namespace reflow::peer {

struct ConnectConfig {
    String endpoint;  // host:port, perhaps with a scheme; dialled at start

    bool operator==(const ConnectConfig&) const = default;
};

// What becomes of a message that was sent and may have been lost.
enum class Delivery : std::uint8_t {
    at_most_once,   // what reached a socket is not sent again
    at_least_once,  // what the other side does not confirm is sent again
};

// What a full outbox does with one message more.
enum class OutboxPolicy : std::uint8_t {
    block,        // takes none: the sender waits, as at a full inport
    drop_oldest,
    fail,         // the message goes to the error port of the proxy
};

// A proxy that is made at start.
struct RemoteActorConfig {
    String actor_id;
    String network_id;
    std::optional<NameStrategy> strategy;  // none: the proxy is actor@network and nothing else
    String alias;                          // of manual_alias
    Vector<String> capabilities;
    Delivery delivery = Delivery::at_most_once;
    OutboxPolicy outbox_policy = OutboxPolicy::block;
    std::uint64_t outbox_messages = 10'000;
    std::uint64_t outbox_bytes = std::uint64_t{64} << 20;
    std::uint64_t deadline_ms = 30'000;     // then a message that waits for a link is lost
    std::uint64_t ack_timeout_ms = 5'000;   // then it is sent again
    std::uint64_t ack_retries = 5;          // so often
    std::uint64_t unacknowledged_messages = 1'000;  // sent and not confirmed, at once

    bool operator==(const RemoteActorConfig&) const = default;
};

// PEM files. With certificate and key the listener speaks TLS too.
struct TlsConfig {
    String certificate_file;
    String key_file;
    String ca_file;  // whom to trust instead of the system
    bool verify = true;

    bool operator==(const TlsConfig&) const = default;
};

struct DurationConfig {
    std::uint64_t secs = 0;
    std::uint64_t nanos = 0;

    bool operator==(const DurationConfig&) const = default;
};

// local_network_config of the original. Its compression never had an effect on a bridge and has
// none here, see compression_threshold; it is read, checked and written back.
struct LocalCompressionConfig {
    std::uint64_t size_threshold = 1024;
    std::uint64_t streaming_threshold = 1'048'576;
    bool enabled = true;
    std::uint64_t level = 6;
    // Kind of message to strategy: Always, Never, Adaptive, SizeThreshold.
    Map<String, String> type_strategies{
        {"Bytes", "Always"}, {"Array", "Adaptive"}, {"String", "SizeThreshold"}};

    bool operator==(const LocalCompressionConfig&) const = default;
};
struct TraceRetryConfig {
    std::uint64_t max_retries = 5;
    DurationConfig initial_delay{1, 0};
    DurationConfig max_delay{30, 0};
    double backoff_multiplier = 2.0;

    bool operator==(const TraceRetryConfig&) const = default;
};
struct TracingConfig {
    String server_url = "ws://localhost:8080";
    std::uint64_t batch_size = 1;
    DurationConfig batch_timeout{0, 100'000'000};
    bool enable_compression = true;
    TraceRetryConfig retry_config;
    bool enabled = true;
    bool capture_checksum = true;
    bool capture_content = false;
    bool enable_perf_sampling = false;

    bool operator==(const TracingConfig&) const = default;
};
struct LocalNetworkConfig {
    LocalCompressionConfig compression;
    TracingConfig tracing;

    bool operator==(const LocalNetworkConfig&) const = default;
};

// Names, units and defaults are those of the keys in TOML.
struct Config {
    // Those of the original.
    String network_id;
    String instance_id;  // default: "peer-" and the time in microseconds, hexadecimal
    String bind_address = "0.0.0.0";
    std::uint16_t bind_port = 0;  // 0: a free one
    bool listen = true;           // false: it only dials, and needs no port
    Vector<String> discovery_endpoints;
    String auth_token;  // empty: none
    std::uint64_t max_connections = limits::peer_connections_count;
    std::uint64_t heartbeat_interval_ms = 1000;
    Vector<ConnectConfig> connect;             // [[connect]]
    Vector<RemoteActorConfig> remote_actors;   // [[remote_actor]]
    LocalNetworkConfig local_network_config;

    // Who may come, and how.
    Vector<String> allowed_networks;  // empty: all that have the token
    Vector<String> allowed_origins;   // of pages in browsers; "*": all
    bool legacy_auth = false;         // also a token in clear text, as the original sends it
    TlsConfig tls;

    // Links.
    std::uint64_t connect_timeout_ms = 5'000;
    std::uint64_t handshake_timeout_ms = 5'000;  // upgrade included
    std::uint64_t send_timeout_ms = 30'000;      // a socket that takes nothing so long has ended
    std::uint64_t batch_bytes = 65'536;  // of messages that go in one frame
    std::uint64_t batch_linger_us = 0;   // how long the first of them waits for others
    std::uint64_t compression_threshold = 1024;  // bytes; smaller frames are sent as they are
    std::uint64_t compression_level = 1;         // of zstd; 0: nothing is compressed
    bool negotiate_tcp = true;  // links without a scheme take the form of tcp if both sides can
    std::uint64_t window_packets = limits::peer_window_packets;  // of a channel, not taken yet
    std::uint64_t window_bytes = limits::peer_window_bytes;
    String instances = "round_robin";  // of one network: in turn, or "failover"
    std::uint64_t reconnect_attempts = 5;        // 0: a link that ended is not made again
    std::uint64_t reconnect_first_ms = 200;      // doubles with each attempt
    std::uint64_t reconnect_most_ms = 3'200;
    bool reconnect_forever = false;

    // Discovery.
    bool auto_dial = true;  // networks of remote_actors that discovery tells of are dialled
    String advertise_address;  // host or host:port that others reach this one by
    Vector<String> capabilities{"actor_messaging"};
    std::uint64_t discovery_refresh_ms = 15'000;
    std::uint64_t discovery_timeout_ms = 5'000;  // of one request
    std::uint64_t discovery_ttl_ms = 60'000;     // how long what no server answers for is kept
    String discovery_token;  // bearer token of the servers; empty: none

    bool operator==(const Config&) const = default;
};

// Reads and checks. Every error names the file, line and column, and the path of the key:
// REFLOW_ERROR_PARSE for what is no TOML, REFLOW_ERROR_CONFIG for a key that is missing, not known,
// of another type or out of range, REFLOW_ERROR_LIMIT, REFLOW_ERROR_INVALID_UTF8.
// listens: false if it does not whatever the text says.
[[nodiscard]] Result<Config> read_config(std::string_view toml, std::string_view file_name,
                                         const Clock& clock, bool listens = true);

// The same checks of a configuration that a program has made: the error has a path and no place.
[[nodiscard]] Result<void> check_config(const Config& config);

// TOML that read_config makes the same configuration of. What has its default is left out, but for
// the keys that a person looks for.
[[nodiscard]] String write_config(const Config& config);

[[nodiscard]] String default_instance_id(const Clock& clock);

// "at_most_once", "at_least_once"; "block", "drop_oldest", "fail".
[[nodiscard]] std::span<const std::string_view> delivery_words() noexcept;
[[nodiscard]] std::span<const std::string_view> outbox_policy_words() noexcept;

}  // namespace reflow::peer
