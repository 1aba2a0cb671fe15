// One instance of a network as discovery tells of it, and its JSON.
// Neighbours: discovery_registry, discovery_view. Thread: a value belongs to one thread at a time.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/result.hpp"
#include "message/message.hpp"

namespace reflow::peer {

struct DiscoveryEntry {
    String network_id;
    String instance_id;
    String endpoint;  // "host:port", perhaps with a scheme; what others dial
    Vector<String> capabilities;
    std::optional<std::int64_t> last_seen_ms;  // by the clock of the server, since 1970

    bool operator==(const DiscoveryEntry&) const = default;
};

// The object of a registration or of the list. Keys that are not known are passed over. Whether the
// endpoint can be dialled is not looked at. Errors name the key: REFLOW_ERROR_TYPE for a missing or
// wrong one, REFLOW_ERROR_LIMIT for an endpoint or a list that is too long.
[[nodiscard]] Result<DiscoveryEntry> read_discovery_entry(MessageRef object);

// {"network_id":...,"instance_id":...,"endpoint":...,"capabilities":[...]}, and "last_seen" if it
// is there: both the body of POST /register and an element of GET /networks.
void write_discovery_entry(String& to, const DiscoveryEntry& entry);

// The body of POST /unregister.
void write_discovery_key(String& to, std::string_view network_id, std::string_view instance_id);

}  // namespace reflow::peer
