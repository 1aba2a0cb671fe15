// Random networks: a seed makes a graph of chains, fans, joins, meshes and cycles with actors that
// are slow, fail, batch, gather or filter, and a host that feeds and reads it. run() runs one on a
// runtime and checks what must hold whatever the order of steps was.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "network/scenario.hpp"
#include "random.hpp"
#include "simulation_streams.hpp"

namespace reflow::testing {

enum class Role : std::uint8_t {
    source,         // emits packets of its own
    pass,           // one in, one out
    batch,          // the same, many at a time, not always all of them
    slow,           // the same, after a time
    later,          // the same, by firings that the host ends; some fail, and are tried again
    failing,        // the same, but some firings fail
    filter,         // drops some
    split,          // to one of two outports
    spread,         // two out for one in
    gather,         // emits when it finishes
    join_all,       // rule all, two inports
    join_required,  // rule required: one required inport and one that shows its newest
    writer,         // opens a stream with each packet, or one for all until it finishes
    reader,         // reads the streams that come, or observes those that have a reader
    relay,          // passes each stream on as another one
    sink
};

struct PlannedNode {
    std::string id;
    Role role = Role::pass;
    std::uint32_t packets = 0;  // of a source
    // Of one that fails: settings of its failures. Without them each failure is one for good.
    bool supervised = false;
    std::uint32_t retries = 0;
    std::uint32_t threshold = 0;  // of its circuit breaker; 0: it has none
    bool hold = false;      // it emits before it fails, which nobody may see
    bool restarts = false;  // behind each firing that has failed for good
    std::int32_t fallback = -1;    // a node that gets nothing else
    bool takes_failures = false;   // is one
    bool gathers = false;     // a writer with one stream for all
    bool one_by_one = false;  // a reader whose inputs wait until a stream has ended
    std::string priority;  // "high", "low", or empty
    std::string deals[2];  // by outport: "round-robin", "least-loaded", "value" (by key), or empty
};
struct PlannedConnection {
    std::uint32_t from = 0;
    std::uint32_t from_port = 0;
    std::uint32_t to = 0;
    std::uint32_t to_port = 0;
    std::string kind;
    std::uint32_t capacity = 0;
    std::uint32_t bytes = 0;  // capacity_bytes
};
struct Plan {
    std::uint64_t seed = 0;
    std::vector<PlannedNode> nodes;
    std::vector<PlannedConnection> connections;
    std::vector<std::uint32_t> fed;      // nodes whose inport 0 the host feeds
    std::vector<std::uint32_t> read;     // nodes whose outport 0 the host reads
    std::vector<std::uint32_t> initial;  // nodes whose inport 0 has initial packets
    std::uint32_t host_packets = 0;
    std::uint32_t hops = 0;  // at most, of a packet
    std::uint32_t port_capacity = 1000;
    std::uint32_t batch_packets = 64;
    std::uint32_t reader_capacity = 8;
    bool listens = false;  // somebody subscribes to all events
    bool carries = false;  // envelopes go with packets
    std::string on_stall;  // empty: ports grow
    bool streams = false;
    // Handles of streams come to somebody who takes them, so streams may have little room. Else
    // they have enough: who waits for a packet that rests with a handle would be stalled.
    bool flows = false;
    // Every schedule gives the same packets, in whatever order: no packet is dropped by its
    // connection, and no firing depends on which packets met.
    bool confluent = true;
};
[[nodiscard]] Plan make_plan(std::uint64_t seed);

struct Outcome {
    std::string trace;      // every callback with what it saw; of simulated runs
    std::uint64_t sum = 0;  // of all that arrived anywhere, whatever the order
    std::uint64_t arrivals = 0;
    // That the parts of it are met at all.
    std::uint64_t retries = 0;
    std::uint64_t letters = 0;
    std::uint64_t envelopes = 0;
    std::uint64_t later = 0;   // firings that the host has ended
    std::uint64_t ended = 0;   // of those, that their nodes had not taken over yet in snapshots
    std::uint64_t failed = 0;  // and which had failed
    std::uint64_t retried_later = 0;  // of those, that were tried again
    std::uint64_t refused = 0;        // firings that a circuit breaker did not let begin
    std::uint64_t kept = 0;           // outputs in snapshots that waited for firings before them
    StreamBook::Counts streams;
    std::uint64_t unsaved = 0;  // snapshots that were refused for an open stream
    bool stalled = false;  // and failed
    std::vector<std::string> faults;
};
struct How {
    reflow_mode mode = REFLOW_MODE_SIMULATED;
    std::uint32_t workers = 1;
    std::uint64_t seed = 1;
    bool stop_early = false;  // stops in the middle instead of draining
    // Without threads: so many times in the middle a snapshot is taken, goes through its bytes, and
    // another network goes on with it. With threads: snapshots are taken all the time.
    std::uint32_t cuts = 0;
    [[nodiscard]] bool threaded() const noexcept {
        return mode == REFLOW_MODE_OWN || mode == REFLOW_MODE_LENT;
    }
};
[[nodiscard]] Outcome run(const Plan& plan, const How& how);

}  // namespace reflow::testing
