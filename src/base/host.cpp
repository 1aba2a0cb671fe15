// Callbacks that throw. Thread: that of the call.
#include "base/host.hpp"

#include <exception>

#include "base/text.hpp"

namespace reflow {

const HostLog*& host_log() noexcept {
    // A plain pointer without a destructor: the library can still be unloaded.
    static thread_local constinit const HostLog* current = nullptr;
    return current;
}

[[gnu::cold]] void HostLog::thrown(std::string_view line) const noexcept try {
    if (log_ != nullptr) log_(user_data_, REFLOW_LOG_ERROR, to_view("host"), {}, to_view(line));
} catch (...) {
    // It is the log itself: nobody is left to hear of it.
}

[[gnu::cold]] String thrown_text() try {
    throw;
} catch (const std::exception& exception) {
    return repair_utf8(exception.what());
} catch (...) {
    return "it threw what is no std::exception";
}

[[gnu::cold]] void tell_thrown(const char* what, const HostLog* to) noexcept {
    if (to == nullptr) to = host_log();
    if (to == nullptr) return;
    try {
        to->thrown(concat("callback ", what, ": ", thrown_text()));
    } catch (...) {
        to->thrown("a callback threw, and there is no memory to tell more");
    }
}

void tell_host(const char* what, void (*call)(void*), void* user_data,
               const HostLog* to) noexcept {
    if (call != nullptr) call_host(what, to, [&] { call(user_data); });
}

void end_host_data(reflow_destroy_fn destroy, void* user_data) noexcept {
    tell_host("destroy", destroy, user_data);
}

}  // namespace reflow
