// What the metadata of a node tells the engine itself, beside the configuration of its component.
// Neighbours: validate, network/build. Thread: any.
#pragma once

#include <cstdint>
#include <optional>

#include "base/result.hpp"
#include "message/message.hpp"

namespace reflow::graph {

// In the order of runtime::Rank.
enum class Priority : std::uint8_t { normal, high, low };

struct NodeSettings {
    std::optional<std::uint64_t> timeout_ns;  // of a firing; 0: none
    std::optional<Priority> priority;
};

// Reads "firing" of the metadata of a node. REFLOW_ERROR_CONFIG with the path below the metadata.
[[nodiscard]] Result<NodeSettings> read_node_settings(MessageRef metadata);

}  // namespace reflow::graph
