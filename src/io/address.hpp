// Addresses as people and configurations write them: of wires, and of servers of HTTP. Those of wires are read by the
// same function and then looked at more closely (WireAddress::parse, in wire.hpp).
// Neighbours: wire, peer/endpoints. Thread: any.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.hpp"

namespace reflow::io {

// The parts of "scheme://host:port/path". Only the host has to be there.
struct Url {
    String scheme;  // lower case; empty: none was given
    String host;    // a name or a number, an IPv6 one without brackets
    std::uint16_t port = 0;  // 0: none was given
    String path;    // with its slash; empty: none was given

    bool operator==(const Url&) const = default;
};

// REFLOW_ERROR_INVALID_ARGUMENT with the place, saying what is wrong with the text. queries: a path may have one.
[[nodiscard]] Result<Url> parse_url(std::string_view text, bool queries = false);

// The failure of a text that is none for a reason of the caller's, at a byte of it.
[[nodiscard]] Failure no_endpoint(std::string_view text, std::size_t place, std::string_view what);

// A name or a number without brackets, as a listener binds to. REFLOW_ERROR_INVALID_ARGUMENT.
[[nodiscard]] Result<void> check_host(std::string_view host);

// The same without the zone that an IPv6 number of a link may have, which means something on this machine alone.
[[nodiscard]] std::string_view without_zone(std::string_view host) noexcept;

// "host:port", the host in brackets if it is an IPv6 number.
[[nodiscard]] String host_and_port(std::string_view host, std::uint16_t port);

}  // namespace reflow::io
