// What a configuration tells of places: endpoints of peers and of discovery servers.
// Neighbours: config, discovery. Thread: any.
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

}  // namespace reflow::peer
