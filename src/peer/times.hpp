// Times as text, RFC 3339 in UTC, as discovery and status write them, and times that are waited for.
// Neighbours: discovery, status, all that waits. Thread: any.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/limits.hpp"
#include "base/memory.hpp"

namespace reflow::peer {

// What a condition is waited for: REFLOW_FOREVER, and what would overflow, are 35 years.
[[nodiscard]] inline std::int64_t waiting_ms(std::int64_t timeout_ms) noexcept {
    constexpr auto most = static_cast<std::int64_t>(limits::timeout_ms);
    return timeout_ms < 0 || timeout_ms > most ? most : timeout_ms;
}

// "2026-04-28T22:48:32Z" of milliseconds since 1970; with the fraction "2026-04-28T22:48:32.250Z".
// Times outside of the years 0 to 9999 become the nearest one inside.
[[nodiscard]] String write_time(std::int64_t wall_ms, bool fraction);

// Milliseconds since 1970 of such a text, whatever its zone and digits; nothing if it is none. What
// is finer than a millisecond is cut off.
[[nodiscard]] std::optional<std::int64_t> read_time(std::string_view text) noexcept;

}  // namespace reflow::peer
