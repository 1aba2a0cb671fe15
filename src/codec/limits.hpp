// What ReadLimits allow, and how an error says that one of them is reached.
// Neighbours: the readers of this layer. Thread: any.
#pragma once

#include <algorithm>

#include "base/text.hpp"
#include "codec/json.hpp"

namespace reflow::codec {

[[nodiscard]] inline std::uint32_t most_levels(const ReadLimits& limits) noexcept {
    return std::min(limits.depth, limits::depth_count);
}

[[nodiscard]] inline std::uint64_t most_elements(const ReadLimits& limits) noexcept {
    return std::min<std::uint64_t>(limits.elements, limits::elements_count);
}

[[nodiscard]] inline String over_levels(const ReadLimits& limits) {
    return concat("nested deeper than ", most_levels(limits), " levels (max_depth)");
}

[[nodiscard]] inline String over_elements(const ReadLimits& limits) {
    return concat("more than ", most_elements(limits), " elements and keys (max_elements)");
}

[[nodiscard]] inline String over_bytes(std::uint64_t size, const ReadLimits& limits) {
    return concat("input of ", size, " bytes is longer than ", limits.bytes, " bytes (max_bytes)");
}

}  // namespace reflow::codec
