// Words for errors about documents and values. Neighbours: the other files of this layer.
// Thread: any.
#pragma once

#include <string_view>

#include "base/memory.hpp"
#include "message/kind_words.hpp"
#include "message/message.hpp"

namespace reflow::graph {

// "3 nodes", "1 node".
[[nodiscard]] String counted(std::size_t count, std::string_view word);

// For a message, text that may be long: at most some 80 bytes of it.
[[nodiscard]] std::string_view shown(std::string_view text) noexcept;

}  // namespace reflow::graph
