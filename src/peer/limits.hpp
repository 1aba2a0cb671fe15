// Limits of links and of a peer's port; those that others need too are in base/limits.hpp. Thread: any.
#pragma once

#include <cstddef>
#include <cstdint>

namespace reflow::limits {

inline constexpr std::size_t peer_frame_bytes = std::size_t{64} << 20;  // unpacked
inline constexpr std::size_t peer_message_bytes = std::size_t{47} << 20;  // encoded, in a frame
inline constexpr std::uint32_t peer_batch_bytes = std::uint32_t{16} << 20;  // most of batch_bytes
inline constexpr int peer_compression_level = 19;
inline constexpr std::uint64_t peer_window_packets = 16'384;  // of a channel, not taken yet; default
inline constexpr std::uint64_t peer_window_bytes = std::uint64_t{16} << 20;
inline constexpr std::uint64_t most_peer_window_packets = std::uint64_t{1} << 32;
inline constexpr std::uint64_t most_peer_window_bytes = std::uint64_t{1} << 40;
inline constexpr std::size_t peer_socket_bytes = std::size_t{4} << 20;  // that wait for a socket

// Of a stream over a link: what may have come and not been read. The first two are agreed on by the
// capability, since nobody tells of credit before there is a stream.
inline constexpr std::uint64_t peer_stream_frames_count = 256;
inline constexpr std::uint64_t peer_stream_bytes = std::uint64_t{4} << 20;
inline constexpr std::size_t peer_streams_count = 4096;        // of a link, each way, at once
inline constexpr std::size_t peer_message_streams_count = 8;   // whose handles one message has
inline constexpr std::size_t peer_stream_metadata_bytes = std::size_t{64} << 10;  // encoded

inline constexpr std::size_t peer_deliveries_count = 65'536;  // messages that wait for room with a call
inline constexpr std::size_t mesh_executions_count = 10'000;  // of one mesh
// How long a link that the host disconnects may stay for what becomes of what was sent over it.
inline constexpr std::uint64_t peer_farewell_ns = 5'000'000'000;
inline constexpr std::uint32_t peer_strangers_count = 48;  // accepted links that have not greeted
// Handshakes of one address that may fail at once, and in a second behind them, before no more is answered.
inline constexpr std::uint64_t peer_failures_count = 1000;
inline constexpr std::uint64_t peer_failures_per_second = 100;
inline constexpr std::size_t peer_failing_addresses_count = 1024;  // that are remembered
// Lines of the log that others can cause at once, and in a second behind them.
inline constexpr std::uint64_t peer_lines_count = 100;
inline constexpr std::uint64_t peer_lines_per_second = 10;
inline constexpr std::uint32_t peer_guests_count = 16;     // connections that are nothing yet

}  // namespace reflow::limits
