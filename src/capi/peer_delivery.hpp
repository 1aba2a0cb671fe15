// Outboxes of section 21 of reflow.h: options in, books out. Neighbours: peer. Thread: any.
#pragma once

#include "base/host.hpp"
#include "base/result.hpp"
#include "peer/outboxes.hpp"
#include "reflow.h"

namespace reflow::capi {

struct DeliveryArgument {
    peer::OutboxOptions options;
    peer::Outboxes::Listener listener;  // ends user_data
};
// What a host gave, checked; ends its user_data if that fails. NULL: all defaults. log outlives the listener.
[[nodiscard]] Result<DeliveryArgument> delivery_argument(const reflow_delivery_options* given,
                                                         const HostLog* log);
[[nodiscard]] peer::OutboxOptions outbox_options(const peer::RemoteActorConfig& from);
[[nodiscard]] Result<Message> describe_books(const peer::MessageBooks& books);
// The array that reflow_peer_status tells.
[[nodiscard]] Result<Message> describe_outboxes(const peer::Outboxes& all);

}  // namespace reflow::capi
