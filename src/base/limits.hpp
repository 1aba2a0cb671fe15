// Every limit of the library that is not an option of the host, with its unit in its name.
// docs/limits.md gives the reasons. Neighbours: everything.
#pragma once

#include <cstddef>
#include <cstdint>

#include "reflow.h"

namespace reflow::limits {

inline constexpr std::uint32_t depth_count = REFLOW_MAX_DEPTH;
inline constexpr std::size_t text_bytes = UINT32_MAX;
inline constexpr std::size_t elements_count = UINT32_MAX;
inline constexpr std::uint64_t read_bytes = std::uint64_t{1} << 30;
inline constexpr std::uint64_t read_elements_count = 100'000'000;
inline constexpr std::size_t name_bytes = 256;      // ids of components and ports
inline constexpr std::size_t ports_count = 65'535;  // ports of a component, each way
inline constexpr std::uint32_t workers_count = 256;
inline constexpr std::uint32_t lent_workers_count = 64;
inline constexpr std::uint32_t blocking_threads_count = 32;  // default
inline constexpr std::uint32_t blocking_threads_most_count = 1024;
inline constexpr std::uint32_t blocking_idle_ms = 10'000;  // then a thread that blocks ends
inline constexpr std::uint32_t overtakes_count = REFLOW_MAX_OVERTAKES;  // of a lower class
inline constexpr std::uint32_t port_capacity_count = 1000;
inline constexpr std::uint64_t port_bytes = std::uint64_t{1} << 50;  // more is no limit
inline constexpr std::uint32_t batch_packets_count = 64;
inline constexpr std::uint32_t batch_us = 1000;
inline constexpr std::uint64_t actors_count = 10'000'000;
inline constexpr std::size_t subgraph_depth_count = REFLOW_MAX_SUBGRAPH_DEPTH;
inline constexpr std::size_t subgraphs_count = 1'000'000;       // in one network
inline constexpr std::size_t subgraph_ends_count = 20'000'000;  // looked at to lay a graph flat
inline constexpr std::uint64_t exposed_ends_count =
    100'000;  // ports that one exposed port leads to
inline constexpr std::size_t subgraph_ids_bytes = std::size_t{1} << 30;  // of nodes in subgraphs
inline constexpr std::uint64_t growth_count = 1'000'000;
// Nodes that are looked at for the path of a stall.
inline constexpr std::size_t stall_path_count = 64;
inline constexpr std::size_t emits_count = REFLOW_MAX_EMITS;
inline constexpr std::uint64_t completions_count = 1'000'000;  // pending in one runtime
inline constexpr std::uint64_t most_completions_count = 16'000'000;
inline constexpr std::uint64_t timeout_ms = std::uint64_t{1} << 40;  // 35 years
inline constexpr std::uint32_t retries_count = 1'000'000;  // of a firing, at most
inline constexpr std::uint32_t restarts_count = 1000;      // within a window, at most
inline constexpr std::uint32_t dead_letters_count = 1000;  // kept in a network, by default
inline constexpr std::uint32_t most_dead_letters_count = 1'000'000;
inline constexpr std::size_t trace_bytes = REFLOW_MAX_TRACE_BYTES;
inline constexpr std::uint32_t events_count = 4096;      // waiting in one subscription
inline constexpr std::uint32_t event_batch_count = 256;  // in one call of its callback
inline constexpr std::size_t breakpoints_count = REFLOW_MAX_BREAKPOINTS;  // of one network
inline constexpr std::size_t writables_count = 4096;       // inports of a network that tell of room
inline constexpr std::uint32_t waiters_count = 4096;         // callbacks that wait for one network to be idle
inline constexpr std::uint32_t measured_turns_count = 16;  // one turn in so many is measured
inline constexpr std::uint64_t streams_count = 1'000'000;  // that live in one runtime
inline constexpr std::uint32_t stream_frames_count = 64;   // waiting for one reader
inline constexpr std::uint32_t stream_most_frames_count = 1'000'000;
inline constexpr std::uint64_t stream_bytes = std::uint64_t{4} << 20;   // likewise
inline constexpr std::size_t stream_chunk_bytes = std::size_t{64} << 10;
inline constexpr std::uint64_t collect_bytes = std::uint64_t{64} << 20;  // of one stream
inline constexpr std::uint32_t pool_slots_count = 8;  // of one frame pool
inline constexpr std::uint32_t pool_most_slots_count = 65'535;
inline constexpr std::uint64_t pool_frame_bytes = std::uint64_t{1} << 30;
inline constexpr std::uint64_t pool_bytes = std::uint64_t{4} << 30;  // of all pools of a runtime
inline constexpr std::size_t pools_count = 4096;
inline constexpr std::int64_t change_ms = 10'000;  // for nodes to come to rest; default
inline constexpr std::int64_t change_drain_ms = 1000;  // for what removed nodes have; default
inline constexpr std::size_t recording_frame_bytes = 32 * 1024;  // gathered before it is written
inline constexpr std::uint64_t state_entries_count = REFLOW_MAX_STATE_ENTRIES;  // of one node
inline constexpr std::uint64_t state_bytes = REFLOW_MAX_STATE_BYTES;
inline constexpr std::uint64_t checkpoint_ms = 10'000;    // between two, and for callbacks to end
inline constexpr std::uint32_t checkpoints_count = 1000;  // files of before
inline constexpr std::uint64_t zone_bytes = std::uint64_t{1} << 20;  // of a time zone's file
inline constexpr std::size_t zone_name_bytes = 128;
inline constexpr std::size_t peer_config_bytes = std::size_t{1} << 20;
inline constexpr std::size_t peer_config_depth_count = 8;    // tables and arrays in one another
inline constexpr std::size_t peer_connects_count = 10'000;   // endpoints that are dialled at start
inline constexpr std::size_t remote_actors_count = 100'000;  // of one configuration
inline constexpr std::uint32_t peer_connections_count = 32;  // default of max_connections
inline constexpr std::uint32_t most_peer_connections_count = 65'535;
inline constexpr std::uint32_t alias_attempts_count = 1000;  // names tried for one remote actor
inline constexpr std::size_t discovery_servers_count = 64;   // that one peer asks
inline constexpr std::size_t discovery_entries_count = 100'000;  // instances, in a server or known
inline constexpr std::size_t discovery_table_bytes = std::size_t{64} << 20;  // of all entries
inline constexpr std::size_t discovery_body_bytes = std::size_t{64} << 10;  // of one registration
inline constexpr std::size_t discovery_answer_bytes = std::size_t{256} << 20;  // with all entries
inline constexpr std::size_t discovery_endpoint_bytes = 1024;
inline constexpr std::uint32_t discovery_connections_count = 4096;  // of a server, at once
inline constexpr std::uint32_t peer_events_count = 1024;  // waiting in one subscription to a peer
inline constexpr std::uint32_t most_peer_events_count = 65'536;
inline constexpr std::size_t peer_subscriptions_count = 1000;
inline constexpr std::size_t capabilities_count = 64;  // of an instance or an actor
inline constexpr std::size_t http_body_bytes = std::size_t{1} << 20;  // of a request of a host's
inline constexpr std::size_t most_http_body_bytes = std::size_t{1} << 30;
inline constexpr std::uint32_t http_replies_count = 64;  // requests that wait for a host at once
inline constexpr std::uint32_t most_http_replies_count = 65'535;
inline constexpr std::size_t content_type_bytes = 256;  // of an answer of a host
inline constexpr std::size_t secret_bytes = 4096;      // of a token
// Blocks of 4 KiB that are kept for the next documents. None where AddressSanitizer is to see what ends.
#if defined(__SANITIZE_ADDRESS__)
inline constexpr std::size_t spare_blocks_count = 0;
#else
inline constexpr std::size_t spare_blocks_count = 1024;
#endif
// What threads of programs have. Callbacks of hosts run here, and their languages count on that: a value
// of 128 levels taken apart by a debug build of Rust needs more than 512 KiB, and so may the 1000
// levels that Python allows. Memory is only taken as far as a stack is used.
inline constexpr std::size_t worker_stack_bytes = std::size_t{8} << 20;

inline constexpr std::size_t greeting_bytes = std::size_t{64} << 10;  // of a peer's first frames
inline constexpr std::size_t proxy_packets_count = 256;  // that wait in a proxy, each way
inline constexpr std::size_t peer_follows_count = 4096;  // outports that one link follows
inline constexpr std::uint32_t peer_links_count = 65'536;  // of one peer, at once
inline constexpr std::size_t peer_outboxes_count = 65'536;        // of one peer
inline constexpr std::size_t peer_outboxes_known_count = 65'536;  // of others, whose messages come once
inline constexpr std::size_t peer_name_bytes = 4096;  // of an id, port or reason that a peer tells

}  // namespace reflow::limits
