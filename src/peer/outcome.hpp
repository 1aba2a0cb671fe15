// What has become of a message that was sent, and who is told. Neighbours: deliveries, outbox. Thread: any.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "reflow.h"

namespace reflow::peer {

// lost: nobody has it, or will. in_doubt: nobody knows.
enum class Outcome : std::uint8_t { delivered, lost, in_doubt };
using OutcomeFn = std::function<void(Outcome, reflow_status, std::string_view reason)>;

}  // namespace reflow::peer
