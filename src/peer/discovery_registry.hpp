// The table of a discovery server and what it answers, without sockets.
//   POST /register    an entry, which it keeps for a time to live
//   POST /unregister  {network_id, instance_id}: the entry goes at once
//   GET  /networks    all entries that live
//   GET  /health
// Neighbours: a port hands requests in. Thread: one at a time.
#pragma once

#include <cstdint>

#include "base/clock.hpp"
#include "base/limits.hpp"
#include "io/wire.hpp"
#include "peer/discovery_entry.hpp"

namespace reflow::peer {

class DiscoveryRegistry {
public:
    struct Options {
        std::uint64_t ttl_ms = 60'000;    // an entry that is not registered again for so long goes
        std::uint64_t sweep_ms = 15'000;  // between two looks for such entries
        std::size_t entries = limits::discovery_entries_count;
        std::size_t bytes = limits::discovery_table_bytes;
        String token;  // all but /health need "Authorization: Bearer <token>"; empty: none
    };
    // The clock outlives it.
    DiscoveryRegistry(Options options, const Clock& clock);

    // 200 with an empty body for POST, with JSON for GET; otherwise {"error":"..."} with
    //   400 no JSON      401 token            404 path, or nothing to unregister   405 method
    //   413 body size    415 content type     422 JSON of another shape            503 table full
    // Sweeps when it is time, so that nobody has to.
    [[nodiscard]] io::HttpResponse answer(const io::HttpRequest& request);

    // Removes what has not been registered for the time to live; how many these were.
    std::size_t sweep();

    // Entries of the table; some may have outlived their time.
    [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }

private:
    // By (network, instance). Neither id has a control character, so a NUL parts them.
    struct Entry {
        DiscoveryEntry entry;
        std::uint64_t registered_ns = 0;
    };
    [[nodiscard]] static String key_of(std::string_view network, std::string_view instance);
    [[nodiscard]] static std::size_t bytes_of(const DiscoveryEntry& entry) noexcept;
    [[nodiscard]] bool fits(std::size_t entries, std::size_t bytes) const noexcept;
    [[nodiscard]] bool lives(const Entry& entry, std::uint64_t now_ns) const noexcept;
    // The object of a POST, or the answer that refuses it.
    struct Body;
    [[nodiscard]] Body read_body(const io::HttpRequest& request) const;
    [[nodiscard]] io::HttpResponse add(const io::HttpRequest& request);
    [[nodiscard]] io::HttpResponse remove(const io::HttpRequest& request);
    [[nodiscard]] io::HttpResponse list() const;
    [[nodiscard]] io::HttpResponse health() const;

    Options options_;
    const Clock& clock_;
    Map<String, Entry> entries_;
    std::size_t bytes_ = 0;  // of all entries
    std::uint64_t swept_ns_;
    std::uint64_t started_ns_;
};

}  // namespace reflow::peer
