// Endpoints of peers and of discovery servers. Thread: any.
#include "peer/endpoints.hpp"

#include "io/wire.hpp"

namespace reflow::peer {

Result<void> check_peer_endpoint(std::string_view text) {
    Result<io::WireAddress> address = io::WireAddress::parse(text);
    if (!address.ok()) return address.take_error();
    Result<Url> url = parse_url(text, true);
    if (url.ok() && url.value().port != 0) return {};
    return io::no_endpoint(text, text.size(), "the port is missing, as in host:9100");
}

Result<void> check_discovery_endpoint(std::string_view text) {
    Result<Url> url = parse_url(text);
    if (!url.ok()) return url.take_error();
    if (url.value().scheme == "http" || url.value().scheme == "https") return {};
    return io::no_endpoint(text, 0, "it does not begin with http:// or https://");
}

bool is_peer_scheme(std::string_view scheme) noexcept {
    return scheme.empty() || scheme == "ws" || scheme == "wss" || scheme == "tcp" ||
           scheme == "tls";
}

}  // namespace reflow::peer
