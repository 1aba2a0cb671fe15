// What this process uses, as the kernel tells.
// Neighbours: capi. Thread: any.
#pragma once

#include "reflow.h"

namespace reflow::io {

// All fields but struct_size; what the system does not tell stays 0.
[[nodiscard]] reflow_usage process_usage() noexcept;

}  // namespace reflow::io
