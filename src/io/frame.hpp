// The two forms of frames on a socket: WebSocket's (RFC 6455, version 13, no extensions) and ours
// on plain TCP. Neighbours: link. Thread: any; nothing here has a state.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/memory.hpp"
#include "io/http.hpp"

namespace reflow::io {

// Ours begins once in each direction with the mark; a frame is 8 bytes, length and flags, both u32
// of little endian, and what they tell of. A close has the code in two bytes of big endian and a
// reason, as WebSocket has.
enum class Form : std::uint8_t { tcp, ws_client, ws_server };
inline constexpr std::string_view tcp_mark = "RFW1";

// Numbers of WebSocket.
enum class Kind : std::uint8_t { more = 0, text = 1, binary = 2, close = 8, ping = 9, pong = 10 };

inline constexpr std::size_t head_most_bytes = 14;
inline constexpr std::size_t control_most_bytes = 125;

struct Head {
    Kind kind = Kind::binary;
    bool last = true;  // of its message
    bool masked = false;
    std::uint8_t mask[4] = {};
    std::size_t head_bytes = 0;
    std::uint64_t bytes = 0;  // what follows the head
    [[nodiscard]] bool control() const noexcept { return static_cast<int>(kind) >= 8; }
};

// How many bytes are needed to know the head, if bytes has fewer; 0 if head is filled; nothing and
// a reason if it breaks the rules.
[[nodiscard]] std::optional<std::size_t> read_head(Form form, std::span<const std::byte> bytes,
                                                   Head& head, std::string_view& wrong) noexcept;
// What goes into one frame of WebSocket: longer messages go in several, since others take no more in one
// (such as tungstenite, which the original uses).
inline constexpr std::size_t ws_part_bytes = std::size_t{16} << 20;
// Writes a head; its length. last: of its message; on tcp there is no other.
[[nodiscard]] std::size_t write_head(Form form, Kind kind, std::uint64_t bytes,
                                     const std::uint8_t mask[4], char* to, bool last = true) noexcept;
// The longest that a head can tell of.
[[nodiscard]] std::uint64_t most_bytes(Form form) noexcept;
// XOR with the mask, in place; it undoes itself.
void apply_mask(void* bytes, std::size_t size, const std::uint8_t mask[4]) noexcept;

// ---- close frames

[[nodiscard]] String close_body(std::uint16_t code, std::string_view reason);
struct CloseTold {
    std::uint16_t code;
    std::string_view reason;
};
// Nothing if it breaks the rules.
[[nodiscard]] std::optional<CloseTold> read_close(std::span<const std::byte> body) noexcept;

// ---- the upgrade

// Random bytes in base64, for Sec-WebSocket-Key; empty if the system has none.
[[nodiscard]] String websocket_key();
// Whether it can be one: 16 bytes in base64.
[[nodiscard]] bool is_websocket_key(std::string_view text) noexcept;
// What the server answers to a key.
[[nodiscard]] String websocket_accept(std::string_view key);
// tcp: that frames may take the form of tcp as well, and that they will.
[[nodiscard]] String upgrade_request(std::string_view host, std::string_view path,
                                     std::string_view key, bool tcp);
[[nodiscard]] String upgrade_answer(std::string_view key, bool tcp);
inline constexpr std::string_view tcp_header = "Reflow-Frames";
// Empty if the answer is an upgrade to WebSocket for that key, otherwise what is wrong with it.
[[nodiscard]] std::string_view wrong_in_upgrade(const HttpHead& answer, std::string_view key);

}  // namespace reflow::io
