// How two peers meet: hello, welcome and proof, each a JSON text. A peer that knows only the published
// original's handshake reads the keys it knows; ours find each other by "nonce" and "capabilities".
// Neighbours: link. Thread: any.
//
//   dialler                              acceptor
//   hello {…, nonce}          ->
//                             <-         welcome {…, nonce, proof of the acceptor}   (or a refusal)
//   proof {of the dialler}    ->                                                     only with a token
//                             <-         verdict {success}                           likewise
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/memory.hpp"
#include "base/result.hpp"
#include "peer/limits.hpp"

namespace reflow::peer {

struct Identity {
    String network_id;
    String instance_id;
    bool operator==(const Identity&) const = default;
};

// How much may be on its way to this side in each channel.
struct Window {
    std::uint64_t packets = limits::peer_window_packets;
    std::uint64_t bytes = limits::peer_window_bytes;
    bool operator==(const Window&) const = default;
};

inline constexpr std::string_view protocol_version = "1.0";
// What the original says, and ours.
inline constexpr std::string_view capability_messages = "actor_messaging";
inline constexpr std::string_view capability_batches = "reflow_batches_1";
inline constexpr std::string_view capability_zstd = "zstd";
inline constexpr std::string_view capability_confirms = "reflow_confirms_1";  // deliveries, when asked
inline constexpr std::string_view capability_streams = "reflow_streams_1";
inline constexpr std::string_view capability_cancels = "reflow_cancels_1";

struct Hello {
    Identity from;
    String version = String(protocol_version);
    std::optional<String> token;  // in clear: of old peers, and for them with legacy_auth
    Vector<String> capabilities;
    String nonce;                    // 64 hexadecimal digits; empty: an old peer
    std::uint64_t window_packets = 0;  // of each channel towards it; 0: not told
    std::uint64_t heartbeat_ms = 0;  // 0: not told
    Window window;
    [[nodiscard]] bool can(std::string_view capability) const noexcept;
};

struct Welcome {
    bool success = false;
    Identity from;
    std::optional<String> error;
    Vector<String> capabilities;
    String nonce;
    String proof;       // 64 hexadecimal digits; empty without a token
    bool wants_proof = false;
    std::uint64_t window_packets = 0;  // of each channel towards it; 0: not told
    std::uint64_t heartbeat_ms = 0;
    Window window;
    [[nodiscard]] bool can(std::string_view capability) const noexcept;
};

[[nodiscard]] String write_hello(const Hello& hello);
[[nodiscard]] String write_welcome(const Welcome& welcome);
// {"proof":"…"}, and the answer {"success":…,"error":…}.
[[nodiscard]] String write_proof(std::string_view proof);
[[nodiscard]] String write_verdict(std::optional<std::string_view> error);
// REFLOW_ERROR_PROTOCOL with what is wrong. Unknown keys are passed over.
[[nodiscard]] Result<Hello> read_hello(std::string_view text);
[[nodiscard]] Result<Welcome> read_welcome(std::string_view text);
[[nodiscard]] Result<String> read_proof(std::string_view text);
// The reason of a refusal, or nothing.
[[nodiscard]] Result<std::optional<String>> read_verdict(std::string_view text);

// 32 random bytes as hexadecimal digits. REFLOW_ERROR_IO if the system has none.
[[nodiscard]] Result<String> make_nonce();

// A random UUID (RFC 4122, version 4). The same error.
[[nodiscard]] Result<String> make_uuid();

// What proves that a side knows the token: HMAC-SHA256 (RFC 2104) with the token as key over the role,
// both nonces and both identities, each with its length before it, so that nothing said to one peer
// is of use with another, in the other direction, or later.
enum class Role : std::uint8_t { dialler, acceptor };
[[nodiscard]] Result<String> make_proof(std::string_view token, Role role, const Hello& hello,
                                        const Welcome& welcome);

}  // namespace reflow::peer
