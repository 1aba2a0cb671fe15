// Checks values against the part of JSON Schema that configurations use.
// Neighbours: validate.cpp, network, components. Thread: any.
//
// Keywords: type (also a list), enum, const, minimum, maximum, exclusiveMinimum, exclusiveMaximum,
// minLength, maxLength, required, properties, additionalProperties, items, minItems, maxItems.
// Others are ignored, as JSON Schema asks.
#pragma once

#include <string_view>

#include "base/memory.hpp"
#include "base/result.hpp"
#include "message/message.hpp"

namespace reflow::graph {

struct SchemaProblem {
    String path;     // below the value that is checked: ".rules[0].when", empty for itself
    String message;  // "expected an integer, found a string"
    String hint;
};

// All problems of a value.
[[nodiscard]] Vector<SchemaProblem> check_value(MessageRef value, MessageRef schema);

// The same for the configuration of a node: null is an empty object, and at the top the keys of
// editors are always allowed (position, dimensions, title, label, color, env_vars, description,
// componentSpec, estimated_time, resources, operation, dynasb.*), as are those that env_vars names.
[[nodiscard]] Vector<SchemaProblem> check_config(MessageRef config, MessageRef schema);
[[nodiscard]] bool editor_key(std::string_view key) noexcept;

// Whether a schema is well formed itself; REFLOW_ERROR_CONFIG with the path in it. none is.
[[nodiscard]] Result<void> check_schema(MessageRef schema);

}  // namespace reflow::graph
