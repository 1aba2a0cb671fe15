// A kind in the words of JSON, for errors.
// Neighbours: graph, components. Thread: any.
#pragma once

#include <string_view>

#include "message/message.hpp"

namespace reflow {

// "a string", "an object", "null", "nothing" for none.
[[nodiscard]] std::string_view kind_with_article(MessageRef message) noexcept;

}  // namespace reflow
