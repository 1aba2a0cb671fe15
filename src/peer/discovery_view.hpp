// What a peer knows of other networks, merged from the answers of several discovery servers, and
// what it tells these of itself. No sockets: answers and failures are handed in, events come out.
// Neighbours: the bridge asks the servers. Thread: one at a time.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/limits.hpp"
#include "io/interfaces.hpp"
#include "peer/config.hpp"
#include "peer/discovery_entry.hpp"

namespace reflow::peer {

// A network with all of its instances that are known, by instance_id: who cannot reach one tries
// the next.
struct DiscoveredNetwork {
    String network_id;
    Vector<DiscoveryEntry> instances;
};

struct DiscoveryEvent {
    enum class Kind : std::uint8_t {
        added,    // the first instance of a network is there
        removed,  // the last one has gone; network tells what was known
        updated,  // an instance came or went, or has another endpoint or other capabilities
    };
    Kind kind;
    DiscoveredNetwork network;
};

class DiscoveryView {
public:
    struct Options {
        String network_id;  // our own, which is never reported
        std::size_t servers = 0;
        // How long an instance is kept that no server answers for. One that a server stops to list
        // goes at once, unless another one lists it, or did before it failed.
        std::uint64_t ttl_ns = 60'000'000'000;
        std::size_t entries = limits::discovery_entries_count;  // more are not taken in
    };
    explicit DiscoveryView(Options options);

    // What a server answered; `server` counts from 0. Each event follows exactly once, by network.
    [[nodiscard]] Vector<DiscoveryEvent> answered(std::size_t server,
                                                  std::span<const DiscoveryEntry> entries,
                                                  std::uint64_t now_ns);
    // A server could not be asked, or its answer was none.
    [[nodiscard]] Vector<DiscoveryEvent> failed(std::size_t server, std::uint64_t now_ns);

    // By network_id.
    [[nodiscard]] Vector<DiscoveredNetwork> known() const;
    [[nodiscard]] const DiscoveredNetwork* find(std::string_view network_id) const;
    // Entries that were not taken in because there were too many.
    [[nodiscard]] std::uint64_t dropped() const noexcept { return dropped_; }

private:
    // What one server says of one instance.
    struct Offer {
        bool listed = false;
        std::uint64_t seen_ns = 0;     // when it last answered so
        std::uint64_t changed_ns = 0;  // when it first answered so
        DiscoveryEntry entry;
    };
    struct Instance {
        Vector<Offer> offers;  // by server
    };
    struct Network {
        Map<String, Instance> instances;
        DiscoveredNetwork reported;
    };
    void take(std::size_t server, const DiscoveryEntry& entry, std::uint64_t now_ns);
    [[nodiscard]] const Offer* best(const Instance& instance) const noexcept;
    [[nodiscard]] Vector<DiscoveryEvent> settle(std::uint64_t now_ns);
    void expire(Network& network, std::uint64_t now_ns);
    [[nodiscard]] DiscoveredNetwork merged(const String& id, const Network& network) const;

    Options options_;
    Map<String, Network> networks_;
    std::size_t instances_ = 0;
    std::uint64_t dropped_ = 0;
};

// "http://127.0.0.1:9300/register": without a second slash if the base ends with one.
[[nodiscard]] String discovery_url(std::string_view base, std::string_view route);

// The answer to GET /networks. Elements that are no entries are passed over, counted in *skipped.
// REFLOW_ERROR_IO for an HTTP status that is no success, REFLOW_ERROR_PARSE, _TYPE or _LIMIT for a
// body; the message names the URL.
[[nodiscard]] Result<Vector<DiscoveryEntry>> read_networks(std::string_view url,
                                                           std::uint16_t http_status,
                                                           std::string_view body,
                                                           std::size_t* skipped);
// The answer to a POST: REFLOW_ERROR_IO with what the server says of it.
[[nodiscard]] Result<void> check_registered(std::string_view url, std::uint16_t http_status,
                                            std::string_view body);

// The host that others can reach a listener by: the address itself if it is no wildcard, otherwise
// an address of this machine, rather one that leads outside. Of 0.0.0.0 it is always an IPv4 one.
[[nodiscard]] String reachable_host(std::string_view bind_address,
                                    std::span<const io::InterfaceAddress> interfaces);

// What to register: port is that of the listener, which is not bind_port if that is 0.
[[nodiscard]] DiscoveryEntry registration(const Config& config, std::uint16_t port,
                                          std::span<const io::InterfaceAddress> interfaces);

}  // namespace reflow::peer
