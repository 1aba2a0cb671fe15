// What the files of section 21 know of a peer's handle.
// Neighbours: peer.cpp has the handle, peer_watch.cpp uses it. Thread: see reflow.h.
#pragma once

#include "base/result.hpp"
#include "capi/ending.hpp"
#include "network/runtime.hpp"
#include "peer/config.hpp"
#include "peer/feed.hpp"
#include "peer/peer.hpp"
#include "reflow.h"

namespace reflow::capi {

// It is not NULL, and of this process.
[[nodiscard]] Result<void> usable(const reflow_peer* peer);
// No callback of the peer's runtime, or of links, runs on this thread.
[[nodiscard]] Result<void> may_wait(const reflow_peer& peer);
[[nodiscard]] Result<void> may_wait(network::Runtime& runtime);
[[nodiscard]] Endable& handle_of(reflow_peer& peer) noexcept;
[[nodiscard]] peer::Peer& peer_of(const reflow_peer& peer) noexcept;
[[nodiscard]] peer::Feed& feed_of(const reflow_peer& peer) noexcept;
[[nodiscard]] network::Runtime& runtime_of(const reflow_peer& peer) noexcept;

// In peer_options.cpp: what a host or a configuration asks for.
[[nodiscard]] Result<std::string_view> id_argument(reflow_view view, std::string_view name);
[[nodiscard]] Result<void> check_peer_flags(std::uint32_t flags);
void set_peer_flags(std::uint32_t flags, peer::PeerOptions& to) noexcept;
[[nodiscard]] Result<peer::PeerOptions> read_peer_options(const reflow_peer_options* given);
[[nodiscard]] peer::PeerOptions peer_options_of(const peer::Config& config);

// In peer_watch.cpp: an event for those who have subscribed.
void tell(peer::Feed& feed, const peer::PeerEvent& event);
void tell(peer::Feed& feed, const peer::DiscoveryEvent& event);

}  // namespace reflow::capi
