// Whether something reads at an outport: a connection whose target takes no more does not count.
// Neighbours: connection, mailbox. Thread: a turn of the actor, or who changes its network.
#pragma once

#include "runtime/connection.hpp"

namespace reflow::runtime {

[[nodiscard]] bool heard(const Connections& connections) noexcept;

}  // namespace reflow::runtime
