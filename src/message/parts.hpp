// What is inside of a message that may hold others: elements, values or content. Packed numbers hold none.
// Neighbours: holds_stream, peer/stream_handles walk over them. Thread: any.
#pragma once

#include "message/message.hpp"

namespace reflow {

[[nodiscard]] std::size_t parts_of(MessageRef message) noexcept;
// at is below parts_of(message).
[[nodiscard]] MessageRef part_of(MessageRef message, std::size_t at) noexcept;

}  // namespace reflow
