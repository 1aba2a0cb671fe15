// Callbacks of the host that hear of something, or end what it gave. They may throw, which ends here: a line of
// the log tells it, and the caller goes on as if they had returned. Those of components, whose exceptions are
// failures, are in runtime/context.hpp. Neighbours: whoever calls the host. Thread: that of the call.
#pragma once

#include "base/memory.hpp"
#include "reflow.h"

namespace reflow {

// Where that line goes; a scheduler is one.
class HostLog {
public:
    HostLog() noexcept = default;
    HostLog(reflow_log_fn log, void* user_data) noexcept : log_(log), user_data_(user_data) {}
    virtual ~HostLog() = default;
    void thrown(std::string_view line) const noexcept;

private:
    reflow_log_fn log_ = nullptr;  // NULL: silent
    void* user_data_ = nullptr;
};

// That of the runtime whose turn or other callback runs on the calling thread, or NULL.
[[nodiscard]] const HostLog*& host_log() noexcept;

// In a handler: what was thrown, for people.
[[nodiscard]] String thrown_text();
// In a handler. to is NULL: that of the thread. Without either nobody is told.
void tell_thrown(const char* what, const HostLog* to) noexcept;

// what names the callback.
template <typename Call>
void call_host(const char* what, const HostLog* to, Call call) noexcept {
    try {
        call();
    } catch (...) {
        tell_thrown(what, to);
    }
}
// The same out of line, for the many that get nothing but their data; call may be NULL.
void tell_host(const char* what, void (*call)(void*), void* user_data,
               const HostLog* to = nullptr) noexcept;
void end_host_data(reflow_destroy_fn destroy, void* user_data) noexcept;

}  // namespace reflow
