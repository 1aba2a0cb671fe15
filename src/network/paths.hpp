// Paths of nodes and subgraphs, "outer/inner/node".
// Neighbours: topology.cpp, change.cpp, failure.cpp, peer/proxies.cpp. Thread: any.
#pragma once

#include <string_view>

namespace reflow::network {

// Whether a node is inside of the subgraph with this path, at any depth.
[[nodiscard]] inline bool lies_in(std::string_view id, std::string_view path) noexcept {
    return id.size() > path.size() && id.starts_with(path) && id[path.size()] == '/';
}

// Whether a node is what a path means: itself, or inside. An empty path means all.
[[nodiscard]] inline bool meant(std::string_view path, std::string_view id) noexcept {
    return path.empty() || path == id || lies_in(id, path);
}

}  // namespace reflow::network
