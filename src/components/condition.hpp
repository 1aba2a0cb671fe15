// The condition of a breakpoint as an expression. Neighbours: capi/modules. Thread: any.
#pragma once

#include <memory>
#include <string_view>

#include "base/result.hpp"
#include "network/breakpoints.hpp"

namespace reflow::components {

// The language of docs/expressions.md; a message is what `it` stands for. REFLOW_ERROR_PARSE,
// REFLOW_ERROR_LIMIT.
[[nodiscard]] Result<std::unique_ptr<network::Condition>> make_condition(std::string_view text);

}  // namespace reflow::components
