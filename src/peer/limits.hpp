// Limits of a peer's port; those that others need too are in base/limits.hpp. Thread: any.
#pragma once

#include <cstdint>

namespace reflow::limits {

inline constexpr std::uint32_t peer_strangers_count = 48;  // accepted links that have not greeted
inline constexpr std::uint32_t peer_guests_count = 16;     // connections that are nothing yet

}  // namespace reflow::limits
