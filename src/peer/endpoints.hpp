// What a configuration tells of places: endpoints of peers and of discovery servers.
// Neighbours: config, discovery; io/address (reads them). Thread: any.
#pragma once

#include <string_view>

#include "base/result.hpp"
#include "io/address.hpp"

namespace reflow::peer {

using io::check_host;
using io::host_and_port;
using io::parse_url;
using io::Url;

// What can be dialled: "host:port" of a peer, perhaps with ws://, wss://, tcp:// or tls:// before it and a path behind.
[[nodiscard]] Result<void> check_peer_endpoint(std::string_view text);

// "http://host:port" or https://, perhaps with a path: the base of a discovery server.
[[nodiscard]] Result<void> check_discovery_endpoint(std::string_view text);

// ws, wss, tcp, tls or none.
[[nodiscard]] bool is_peer_scheme(std::string_view scheme) noexcept;

}  // namespace reflow::peer
