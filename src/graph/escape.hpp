// Values that JSON has no word for, in documents that are JSON or YAML: {"$msgpack": "<base64>"}.
// Neighbours: load.cpp, save.cpp. Thread: any.
#pragma once

#include <string_view>

#include "base/result.hpp"
#include "message/message.hpp"

namespace reflow::graph {

inline constexpr std::string_view escape_key = "$msgpack";

// The same document with every such value replaced: NaN and infinities, bytes, flow signals and
// all other kinds beyond those of JSON, integers beyond 64 bits with sign, and objects whose only
// key is the escape itself.
[[nodiscard]] Result<Message> escaped(MessageRef document);

// The way back. REFLOW_ERROR_GRAPH with the path for an escape that cannot be read.
[[nodiscard]] Result<Message> unescaped(MessageRef document);

}  // namespace reflow::graph
