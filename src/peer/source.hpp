// Who has sent a packet, and the trace it belongs to: what a link makes of envelopes, in both dialects.
// Neighbours: link and peer above; message/envelope. Thread: any.
#pragma once

#include <cstdint>
#include <string_view>

#include "message/envelope.hpp"
#include "peer/greeting.hpp"

namespace reflow::peer {

// What the receiver tells its actor of the sender. The identity is that of the greeting.
struct Source {
    const Identity& from;
    std::string_view actor;
    std::string_view message_id;
};
// A packet as a network that carries envelopes takes it: what the sender's envelope has (if the packet is in
// one), and the source.
[[nodiscard]] Message with_source(MessageRef packet, const Source& source);

// trace_context of the original: {"trace_id": uuid, "flow_id": text or null, "parent_span_id": text,
// "parent_event_id": uuid or null}. A span that is not eight bytes in hexadecimal, and the event, have no
// place in an envelope and are left out. None for what is no trace, and null for an envelope without one.
[[nodiscard]] Message envelope_of_trace(MessageRef trace);
[[nodiscard]] Message trace_of_envelope(MessageRef envelope);

}  // namespace reflow::peer
