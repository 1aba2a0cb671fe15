// What a scalar without quotes means in YAML: the core schema of YAML 1.2, without the numbers
// that other versions read differently. Neighbours: the YAML reader and writer. Thread: any.
#pragma once

#include <string_view>

#include "codec/number.hpp"

namespace reflow::codec {

// The value; none with no fault if the text is just a string. Numbers with needless leading
// zeros, with underscores and with colons are strings, and so are yes, no, on and off.
[[nodiscard]] Number plain_scalar(std::string_view text);

// Whether any reader of YAML, of version 1.1 as well, takes a scalar without quotes for a string,
// as far as its words and numbers go.
[[nodiscard]] bool surely_string(std::string_view text);

}  // namespace reflow::codec
