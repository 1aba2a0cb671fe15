// What is known of a failed firing, and who is told of it.
// Neighbours: actor_failure (makes it), group (Observer), network (keeps dead letters, decides).
// Thread: that of the turn.
#pragma once

#include <cstdint>
#include <span>

#include "base/result.hpp"
#include "message/message.hpp"
#include "reflow.h"

namespace reflow::runtime {

class Actor;

// A firing that has failed for good. Packets are borrowed; those of kind none are not there.
struct FailedFiring {
    const Actor& actor;
    Error* error = nullptr;  // NULL: there was no memory for it
    reflow_status status = REFLOW_ERROR_FAILED;
    std::span<const reflow_packet> packets;
    std::uint32_t attempts = 1;
    std::uint64_t ns = 0;  // in the call, if it was measured
};

// What is done when a firing has failed for good.
enum class AfterFailure : std::uint8_t { go_on, restart, stop, escalate };

// What a node wants when a firing fails; fixed before the group begins.
struct FailurePolicy {
    std::uint32_t retries = 0;
    std::uint64_t backoff_ns = 100'000'000;
    double backoff_factor = 2;
    std::uint64_t backoff_max_ns = 30'000'000'000;
    double jitter = 0.1;
    bool hold = false;            // what an attempt emits is kept back until it ends well
    std::uint32_t threshold = 0;  // of the circuit breaker; 0: none
    std::uint64_t cooldown_ns = 0;
    AfterFailure then = AfterFailure::go_on;
    std::uint32_t restarts = 5;
    std::uint64_t within_ns = 60'000'000'000;
    bool object = false;     // the outport "error" sends objects
    Message fallback_value;  // none: no value
    std::uint32_t fallback_port = 0;
};

}  // namespace reflow::runtime
