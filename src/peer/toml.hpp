// TOML as a message, with the places of all keys and values. The only user of toml++.
// Neighbours: config. Thread: any.
#pragma once

#include <string_view>

#include "codec/json.hpp"

namespace reflow::peer {

struct TomlDocument {
    Message value;          // an object
    codec::Places values;   // where values stand, by path ("$.connect[0].endpoint")
    codec::Places keys;     // where their keys stand
};

// Dates and times are refused, since no configuration of ours has one. REFLOW_ERROR_PARSE with the
// place, REFLOW_ERROR_INVALID_UTF8, REFLOW_ERROR_LIMIT beyond limits::peer_config_bytes and
// _depth_count. The error has no file.
[[nodiscard]] Result<TomlDocument> read_toml(std::string_view text);

// Appends a TOML string literal, quotes included.
void write_toml_string(String& to, std::string_view text);

}  // namespace reflow::peer
