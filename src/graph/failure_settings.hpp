// The object "failure": what a node, a subgraph or a graph wants when a firing fails.
// docs/failure.md has the table. Neighbours: node_settings, validate, network/failure_build.
// Thread: any.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/result.hpp"
#include "message/message.hpp"

namespace reflow::graph {

// What is done when a firing has failed for good.
enum class AfterFailure : std::uint8_t { go_on, restart, stop, escalate };

struct FailureBreaker {
    std::uint32_t threshold = 0;  // 0: none
    std::uint64_t cooldown_ms = 0;
};

// What is said at one place; nothing for keys that are not there.
struct FailureSettings {
    std::optional<std::uint64_t> retries;
    std::optional<std::uint64_t> backoff_ms;
    std::optional<double> backoff_factor;
    std::optional<std::uint64_t> backoff_max_ms;
    std::optional<double> jitter;
    std::optional<bool> hold;
    std::optional<FailureBreaker> breaker;
    std::optional<MessageRef> fallback;  // an object, or null: none
    std::string_view scope;              // of the fallback: the path of the graph it stands in
    std::optional<AfterFailure> then;
    std::optional<std::uint64_t> restarts;
    std::optional<std::uint64_t> within_ms;
    std::optional<AfterFailure> escalated;
    std::optional<bool> object;  // what the outport "error" sends
    bool given = false;          // there is such an object

    // Takes over what is said farther away and not here.
    void inherit(const FailureSettings& farther) noexcept;
};

enum class FailurePlace : std::uint8_t { node, subgraph, graph };

// Reads "failure" of the metadata of a node or of the properties of a graph, which has to live as
// long as what is read. REFLOW_ERROR_CONFIG with the path below it.
[[nodiscard]] Result<FailureSettings> read_failure_settings(MessageRef from, FailurePlace place);

// "on_stall" of the properties of a graph.
enum class OnStall : std::uint8_t { grow, fail, drop_oldest };
[[nodiscard]] Result<OnStall> read_on_stall(MessageRef properties);

// "dead_letters" of the properties of a graph; the default if it is not there.
[[nodiscard]] Result<std::uint32_t> read_dead_letters(MessageRef properties);

}  // namespace reflow::graph
