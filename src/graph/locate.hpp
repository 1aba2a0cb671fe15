// Where a value stands in the text of a document, found by its path when an error needs it. A
// table of all places would cost more than the document. Neighbours: load.cpp. Thread: any.
#pragma once

#include <optional>
#include <string_view>

#include "codec/json.hpp"

namespace reflow::graph {

// The place of the value at a path as codec::Path writes it, in text that is known to be JSON; of
// the nearest value around it if there is none.
[[nodiscard]] codec::TextPlace locate_json(std::string_view text, std::string_view path);

// The same in a table of places.
[[nodiscard]] std::optional<codec::TextPlace> locate(const codec::Places& places,
                                                     std::string_view path);

}  // namespace reflow::graph
