// A count as a message. Neighbours: reports of network and capi. Thread: any.
#pragma once

#include <algorithm>
#include <cstdint>

#include "message/message.hpp"

namespace reflow {

// Beyond what an integer holds it is the largest one.
[[nodiscard]] inline Message count_message(std::uint64_t count) noexcept {
    return Message::integer(static_cast<std::int64_t>(std::min<std::uint64_t>(count, INT64_MAX)));
}

}  // namespace reflow
