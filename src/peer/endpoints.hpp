// What a command line and a configuration tell of places: endpoints, `--send`, and log lines.
// Neighbours: config, discovery, cli. Thread: any.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.hpp"

namespace reflow::peer {

// The parts of "scheme://host:port/path". Only the host has to be there.
struct Url {
    String scheme;  // lower case; empty: none was given
    String host;    // a name or a number, an IPv6 one without brackets
    std::uint16_t port = 0;  // 0: none was given
    String path;    // with its slash; empty: none was given

    bool operator==(const Url&) const = default;
};

// REFLOW_ERROR_INVALID_ARGUMENT, saying what is wrong with the text.
[[nodiscard]] Result<Url> parse_url(std::string_view text);

// "host:port" of a peer, perhaps with ws://, wss://, tcp:// or tls:// before it and a path behind.
[[nodiscard]] Result<Url> parse_peer_endpoint(std::string_view text);

// "http://host:port" or https://, perhaps with a path: the base of a discovery server.
[[nodiscard]] Result<Url> parse_discovery_endpoint(std::string_view text);

// A name or a number without brackets, as a listener binds to. REFLOW_ERROR_INVALID_ARGUMENT.
[[nodiscard]] Result<void> check_host(std::string_view host);
// ws, wss, tcp, tls or none.
[[nodiscard]] bool is_peer_scheme(std::string_view scheme) noexcept;

// "host:port", the host in brackets if it is an IPv6 number.
[[nodiscard]] String host_and_port(std::string_view host, std::uint16_t port);

// One message that a command line sends: `--send network:actor:port:text`. The text may be empty
// and may hold colons.
struct SendRequest {
    String network_id;
    String actor_id;
    String port;
    String text;
};
// REFLOW_ERROR_INVALID_ARGUMENT, naming the part that is missing.
[[nodiscard]] Result<SendRequest> parse_send(std::string_view text);

// "INFO"; empty for what is no level.
[[nodiscard]] std::string_view log_level_name(reflow_log_level level) noexcept;
// "info", "WARN", "warning", or "off", which is 0. REFLOW_ERROR_INVALID_ARGUMENT.
[[nodiscard]] Result<reflow_log_level> parse_log_level(std::string_view text);
// "2026-04-28T22:48:32Z INFO  text", without a line end. Control characters inside the text are
// written as escapes, so that what a peer sends cannot look like a line of ours.
[[nodiscard]] String log_line(std::int64_t wall_ms, reflow_log_level level, std::string_view text);

}  // namespace reflow::peer
