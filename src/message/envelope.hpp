// Envelopes: what goes with a message and is none of its content, such as the trace it belongs to.
// On its way such a message is inside another one, of a kind that nobody else sees: so whoever drops
// or copies a packet does the right thing without knowing. Neighbours: runtime puts in and takes out.
// Thread: any.
#pragma once

#include "message/message.hpp"

namespace reflow {

// An envelope by itself is a message of kind bytes: the fields, and behind them the texts.
inline constexpr reflow_kind enveloped_kind = 0xFE;

[[nodiscard]] inline bool is_enveloped(MessageRef message) noexcept {
    return message.is(enveloped_kind);
}
// Both of a message that may have one: none, and the message itself, if it has not.
[[nodiscard]] MessageRef envelope_of(MessageRef message) noexcept;
[[nodiscard]] MessageRef payload_of(MessageRef message) noexcept;
// What reflow_packet.envelope points to, both ways; none for NULL.
[[nodiscard]] const void* envelope_address(MessageRef envelope) noexcept;
[[nodiscard]] MessageRef envelope_at(const void* address) noexcept;
// The payload of a message that is given away.
[[nodiscard]] Message take_payload(Message message) noexcept;

// envelope may be none, or message have one already: then it stays as it is. Throws std::bad_alloc.
[[nodiscard]] Message enveloped(Message message, MessageRef envelope);

// The texts of an envelope, in the order in which they stand.
inline constexpr reflow_view reflow_envelope::* envelope_texts[] = {
    &reflow_envelope::correlation, &reflow_envelope::source_network,
    &reflow_envelope::source_instance, &reflow_envelope::source_actor,
    &reflow_envelope::message_id};
// How long each of them may be.
[[nodiscard]] constexpr std::size_t most_envelope_bytes(std::size_t text) noexcept {
    return text == 0 ? REFLOW_MAX_CORRELATION_BYTES : REFLOW_MAX_SOURCE_BYTES;
}

// From and to what a host sees. No text has more bytes than reflow.h says.
[[nodiscard]] Message write_envelope(const reflow_envelope& from);
[[nodiscard]] reflow_envelope read_envelope(MessageRef envelope) noexcept;

// The deadline of an envelope, 0 if it has none; the envelope without it, and a message whose envelope
// has none any more. Throw std::bad_alloc.
[[nodiscard]] std::int64_t deadline_of(MessageRef envelope) noexcept;
[[nodiscard]] Message undated(MessageRef envelope);
[[nodiscard]] Message undated_message(MessageRef message);

// An envelope as an array, for what is kept outside: [trace, span, deadline_ms, text, ...]. Whatever is
// read is checked: REFLOW_ERROR_PARSE.
[[nodiscard]] Message save_envelope(MessageRef envelope);
[[nodiscard]] Result<Message> load_envelope(MessageRef from);

}  // namespace reflow
