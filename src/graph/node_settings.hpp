// What the metadata of a node tells the engine itself, beside the configuration of its component.
// Neighbours: validate, network/build. Thread: any.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/memory.hpp"
#include "base/result.hpp"
#include "message/message.hpp"

namespace reflow::graph {

// In the order of runtime::Rank.
enum class Priority : std::uint8_t { normal, high, low };

// How an outport deals its packets over its connections. Texts are those of the metadata.
struct Distribution {
    enum How : std::uint8_t { round_robin, least_loaded, by_key };
    std::string_view outport;  // as it is written
    How how = round_robin;
    std::string_view key;  // a path with dots
};

struct NodeSettings {
    std::optional<std::uint64_t> timeout_ns;  // of a firing; 0: none
    std::optional<Priority> priority;
    std::optional<std::uint32_t> watchdog_ms;  // 0: none
    Vector<Distribution> distributions;
};

// Where the metadata of a node says how this outport deals.
[[nodiscard]] String distribution_path(std::string_view outport);

// Reads "firing" and "distribute" of the metadata of a node. REFLOW_ERROR_CONFIG with the path
// below the metadata.
[[nodiscard]] Result<NodeSettings> read_node_settings(MessageRef metadata);

}  // namespace reflow::graph
