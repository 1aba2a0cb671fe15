// A failed firing as a message: what the outport "error" sends, and what dead letters are made of.
// Neighbours: actor_failure, network/dead_letters. Thread: any.
#pragma once

#include "message/message.hpp"
#include "runtime/component.hpp"
#include "runtime/failure.hpp"

namespace reflow::runtime {

// The text of an error, or an object {status, message, hint, node, component, trace, attempts,
// inputs}.
[[nodiscard]] Message failed_message(const FailedFiring& firing, bool object);

// status, message, hint and trace of an error, into an object.
void set_error(ObjectBuilder& to, const Error* error, reflow_status status);

// Packets as an array of {port, index, message}; those that are not there are left out. Instead of
// a message that is too deep to be wrapped there is too_deep.
[[nodiscard]] Message packets_message(const Component& component,
                                      std::span<const reflow_packet> packets);

}  // namespace reflow::runtime
