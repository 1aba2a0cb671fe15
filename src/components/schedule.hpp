// The component Schedule. Apart from the families, since a build may leave it out with cron.
// Neighbours: capi/modules. Thread: any.
#pragma once

#include "base/result.hpp"
#include "runtime/component.hpp"

namespace reflow::components {

[[nodiscard]] Result<runtime::ComponentRef> schedule();

}  // namespace reflow::components
