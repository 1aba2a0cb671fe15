// MessagePack in and out: the lossless form of messages on wires and disks.
// Neighbours: graph (documents), capi. The only layer that includes msgpack.h. Thread: any.
#pragma once

#include <string_view>

#include "codec/json.hpp"

namespace reflow::codec {

// Reads exactly one message; bytes behind it are an error. Foreign MessagePack (maps, arrays,
// numbers, text) is read as well as our own. Errors: REFLOW_ERROR_PARSE with the offset,
// REFLOW_ERROR_LIMIT. Never allocates more than a small multiple of the input.
[[nodiscard]] Result<Message> read_msgpack(std::string_view data, const ReadLimits& limits = {},
                                           Duplicates duplicates = Duplicates::last_wins);

// Reads the message at the beginning of data and tells how many bytes it has. The same errors.
[[nodiscard]] Result<Message> read_first_msgpack(std::string_view data, std::size_t* used);

// Appends one message. Kinds that MessagePack has no word for are extension types
// (docs/messages.md).
[[nodiscard]] Result<void> write_msgpack(String& to, MessageRef message);

}  // namespace reflow::codec
