// What a peer says to discovery servers and what their answers mean: the functions of
// discovery_view.hpp beside the view.
// Thread: any.
#include <algorithm>

#include "base/text.hpp"
#include "codec/json.hpp"
#include "codec/place.hpp"
#include "message/kind_words.hpp"
#include "peer/discovery_view.hpp"
#include "peer/endpoints.hpp"

namespace reflow::peer {
namespace {

Failure at_url(reflow_status status, std::string_view url, std::string_view what) {
    return Failure(status, concat("discovery at ", url, ": ", what));
}

// What a server says in {"error":"..."}; the start of its answer if that is something else.
String reason(std::string_view body) {
    codec::ReadLimits limits;
    limits.bytes = limits::discovery_body_bytes;
    Result<Message> read = codec::read_json(body, limits);
    std::string_view text = read.ok() ? read.value().get("error").text() : std::string_view();
    if (text.empty()) text = body;
    return text.empty() ? String() : concat(": ", codec::show_text(text));
}

bool success(std::uint16_t http_status) noexcept {
    return http_status >= 200 && http_status < 300;
}

Failure refused(std::string_view url, std::uint16_t http_status, std::string_view body) {
    return at_url(REFLOW_ERROR_IO, url, concat("status ", http_status, reason(body)));
}

// Interfaces of containers and virtual machines on this one: nobody outside can reach them.
bool is_inner(std::string_view name) noexcept {
    constexpr std::string_view inner[] = {"docker", "br-", "veth", "virbr", "cni", "podman"};
    return std::any_of(std::begin(inner), std::end(inner),
                       [&](std::string_view start) { return name.starts_with(start); });
}

// How well an address can be reached from elsewhere; higher is better.
int reach(const io::InterfaceAddress& address) noexcept {
    if (address.loopback) return 0;
    // One of IPv6 would need its zone, which means another thing on each machine.
    if (address.link_local) return address.ipv6 ? -1 : 1;
    return (is_inner(address.name) ? 2 : 4) + (address.ipv6 ? 0 : 1);
}

}  // namespace

String discovery_url(std::string_view base, std::string_view route) {
    while (base.ends_with('/')) base.remove_suffix(1);
    return concat(base, "/", route);
}

Result<Vector<DiscoveryEntry>> read_networks(std::string_view url, std::uint16_t http_status,
                                             std::string_view body, std::size_t* skipped) {
    *skipped = 0;
    if (!success(http_status)) return refused(url, http_status, body);
    codec::ReadLimits limits;
    limits.bytes = limits::discovery_answer_bytes;
    Result<Message> read = codec::read_json(body, limits);
    if (!read.ok()) {
        return at_url(read.error().status, url, "the answer cannot be read")
            .because(read.take_error());
    }
    const Message& list = read.value();
    if (!list.is(REFLOW_KIND_ARRAY)) {
        return at_url(REFLOW_ERROR_TYPE, url,
                      concat("the answer is not an array but ", kind_with_article(list)));
    }
    if (list.size() > limits::discovery_entries_count) {
        return at_url(REFLOW_ERROR_LIMIT, url,
                      concat("the answer has ", list.size(), " entries; at most ",
                             limits::discovery_entries_count, " are allowed"));
    }
    Vector<DiscoveryEntry> entries;
    entries.reserve(list.size());
    for (std::size_t i = 0; i < list.size(); ++i) {
        Result<DiscoveryEntry> entry = read_discovery_entry(list.at(i));
        if (entry.ok()) {
            entries.push_back(std::move(entry).take());
        } else {
            ++*skipped;
        }
    }
    return entries;
}

Result<void> check_registered(std::string_view url, std::uint16_t http_status,
                              std::string_view body) {
    if (success(http_status)) return {};
    return refused(url, http_status, body);
}

String reachable_host(std::string_view bind_address,
                      std::span<const io::InterfaceAddress> interfaces) {
    bool any4 = bind_address == "0.0.0.0", any6 = bind_address == "::" || bind_address == "[::]";
    if (!any4 && !any6) return String(bind_address);
    const io::InterfaceAddress* best = nullptr;
    for (const io::InterfaceAddress& address : interfaces) {
        // A socket of 0.0.0.0 has no IPv6; one of :: has both.
        if (reach(address) < 0 || (any4 && address.ipv6)) continue;
        if (best == nullptr || reach(address) > reach(*best)) best = &address;
    }
    if (best != nullptr) return best->address;
    return any4 ? String("127.0.0.1") : String("::1");
}

DiscoveryEntry registration(const Config& config, std::uint16_t port,
                            std::span<const io::InterfaceAddress> interfaces) {
    DiscoveryEntry entry;
    entry.network_id = config.network_id;
    entry.instance_id = config.instance_id;
    entry.capabilities = config.capabilities;
    if (config.advertise_address.empty()) {
        entry.endpoint = host_and_port(reachable_host(config.bind_address, interfaces), port);
        // Who encrypts wants to be dialled so.
        if (!config.tls.certificate_file.empty()) entry.endpoint.insert(0, "wss://");
        return entry;
    }
    // As the configuration was checked: host or host:port, perhaps with a scheme.
    Result<Url> url = parse_url(config.advertise_address);
    if (!url.ok()) {
        entry.endpoint = config.advertise_address;
        return entry;
    }
    const Url& found = url.value();
    entry.endpoint = concat(found.scheme, found.scheme.empty() ? "" : "://",
                            host_and_port(found.host, found.port == 0 ? port : found.port),
                            found.path);
    return entry;
}

}  // namespace reflow::peer
