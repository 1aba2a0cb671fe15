// YAML documents into messages and back, for graphs and configuration.
// Neighbours: graph. The only layer that includes yaml.h (libyaml). Thread: any.
#pragma once

#include <string_view>

#include "codec/json.hpp"

namespace reflow::codec {

// One document with the JSON schema of YAML 1.2 (core): null, true/false, integers, floats,
// strings, sequences, mappings with string keys. Anchors and aliases, tags of other types, merge
// keys and several documents are refused with a clear error; duplicate keys always are.
[[nodiscard]] Result<Message> read_yaml(std::string_view text, const ReadLimits& limits = {},
                                        Places* places = nullptr);

// Block style; strings are quoted wherever they would read back as something else.
[[nodiscard]] Result<void> write_yaml(String& to, MessageRef message);

// Whether this build has them; they answer REFLOW_ERROR_UNSUPPORTED otherwise.
[[nodiscard]] bool has_yaml() noexcept;

// Those two where the part is built (REFLOW_WITH_YAML); called by them alone.
[[nodiscard]] Result<Message> parse_yaml(std::string_view text, const ReadLimits& limits,
                                         Places* places);
[[nodiscard]] Result<void> print_yaml(String& to, MessageRef message);

}  // namespace reflow::codec
