// The part of building a network that reads what is to be done about failures: policies of the actors
// that are made, and links to fallback nodes.
// Neighbours: build (calls it), graph/failure_settings. Thread: that of the caller.
#pragma once

#include "graph/failure_settings.hpp"
#include "graph/hierarchy.hpp"
#include "network/network.hpp"
#include "runtime/supervisor.hpp"

namespace reflow::network {

class FailureBuilder {
public:
    FailureBuilder(Network& network, Topology& to, const graph::Flat& flat)
        : network_(network), to_(to), flat_(flat) {}
    // The settings of the graph and its subgraphs.
    Result<void> read();
    // There are settings that are not of a node.
    [[nodiscard]] bool some() const noexcept { return some_; }
    // What an actor that has just been made wants.
    Result<void> supervise(runtime::Actor& actor, std::size_t at);
    // To the fallback of an actor, when all are there: the inport there for each of its own.
    struct Fallback {
        std::uint32_t from = 0;
        std::uint32_t to = 0;
        Vector<std::uint32_t> inports;
    };
    Result<Vector<Fallback>> fallbacks() const;
    [[nodiscard]] std::uint32_t dead_letters() const noexcept { return dead_letters_; }
    [[nodiscard]] graph::OnStall on_stall() const noexcept { return on_stall_; }

private:
    Result<graph::FailureSettings> settings_of(const runtime::Actor& actor, std::size_t at) const;
    Result<std::uint32_t> value_port(const runtime::Actor& actor, std::string_view name) const;
    Result<Fallback> resolve(const runtime::Actor& actor, std::size_t at, std::string_view path,
                             std::string_view port) const;
    Result<void> no_circles(const Vector<Fallback>& all) const;

    Network& network_;
    Topology& to_;
    const graph::Flat& flat_;
    Vector<graph::FailureSettings> settings_;  // by scope
    Vector<Ref<runtime::FailureScope>> scopes_;
    bool some_ = false;  // there are settings that are not of a node
    std::uint32_t dead_letters_ = 0;
    graph::OnStall on_stall_ = graph::OnStall::grow;
};

}  // namespace reflow::network
