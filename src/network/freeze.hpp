// Nodes of a network that rest for somebody, whoever had paused them: for a snapshot, or a look at
// their states. Neighbours: change (claims nodes likewise), snapshot. Thread: one of the host.
#pragma once

#include <cstdint>

#include "base/memory.hpp"
#include "base/result.hpp"
#include "network/network.hpp"

namespace reflow::network {

// From begin() until its end the nodes are claimed: no turn of theirs runs, and what is of the turn
// belongs to the caller. It has the right to change the network, and a guard of the group, so the
// network changes meanwhile by nobody, is not idle and does not end.
class Freeze {
public:
    explicit Freeze(Network& network);
    ~Freeze();
    Freeze(const Freeze&) = delete;
    Freeze& operator=(const Freeze&) = delete;

    // One node, or all if it is empty; waits until running callbacks have ended. `drained` allows a
    // network that drains, which goes on with the end of this, or is drained.
    Result<void> begin(std::string_view node, std::int64_t timeout_ms, bool drained);
    // The nodes go on. Nobody changes the network before the end of this.
    void thaw() noexcept;
    // What there is, from begin() on.
    [[nodiscard]] const Ref<Topology>& topology() const noexcept { return topology_; }

private:
    [[nodiscard]] Result<void> choose(std::string_view node, bool drained);
    [[nodiscard]] bool claim_all() noexcept;

    Network& network_;
    Network::Right right_;
    const std::uint64_t start_ns_;
    Ref<Topology> topology_;
    Vector<runtime::Actor*> actors_;
    Vector<std::uint8_t> held_;  // of those that are claimed: by a full target, before
    std::size_t claimed_ = 0;
    bool guarded_ = false;
    bool paused_ = false;
};

}  // namespace reflow::network
