// What only some may know: random numbers, proofs and comparing, by OpenSSL.
// Neighbours: peer (greetings, tokens). Thread: any.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "base/result.hpp"

namespace reflow::io {

// Takes as long for a text that differs at its first byte as for one that differs at its last. That
// lengths differ can be told from the time.
[[nodiscard]] bool same_secret(std::string_view a, std::string_view b) noexcept;

// Of the system, fit for keys. REFLOW_ERROR_IO if it has none.
[[nodiscard]] Result<void> fill_random(std::span<unsigned char> to);

// HMAC-SHA256 (RFC 2104, FIPS 180-4), as 64 hexadecimal digits. REFLOW_ERROR_OUT_OF_MEMORY.
[[nodiscard]] Result<String> hmac_sha256(std::string_view key, std::string_view text);

[[nodiscard]] String to_hex(std::span<const unsigned char> data);

}  // namespace reflow::io
