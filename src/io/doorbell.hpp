// The descriptor of a hosted runtime, made of what the operating system has.
// Neighbours: capi hands it to the runtime. Thread: as base/doorbell.hpp says.
#pragma once

#include "base/doorbell.hpp"

namespace reflow::io {

// Linux: an epoll descriptor that holds an eventfd and a timerfd, so that a host watches one
// descriptor for work and for timers. Elsewhere: the read end of a pipe, without timers. Closed on
// exec.
[[nodiscard]] Result<std::unique_ptr<Doorbell>> make_doorbell();

}  // namespace reflow::io
