// The store of base/store.hpp on the files of the operating system (POSIX).
// Neighbours: capi hands it to the runtime. Thread: as base/store.hpp says; it has no state.
#pragma once

#include <memory>

#include "base/store.hpp"

namespace reflow::io {

// Paths are those of the operating system, relative ones from the working directory. Descriptors
// are closed on exec. Errors carry the path as file and the reason of the system.
[[nodiscard]] std::unique_ptr<Store> make_file_store();

}  // namespace reflow::io
