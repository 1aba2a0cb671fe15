// What the host has called on each thread of the library, for the threads of links, names and HTTP.
// Neighbours: loop, resolve, http_client have such threads; capi/peer.cpp knows what the host gave.
// Thread: any.
#pragma once

#include "base/host.hpp"

namespace reflow::io {

// The data and the log live as long as the threads.
struct ThreadHooks {
    reflow_thread_fn start = nullptr;  // NULL: none
    reflow_thread_fn stop = nullptr;
    void* user_data = nullptr;
    const HostLog* log = nullptr;
};

// What such a thread does first and last.
class HookedThread {
public:
    explicit HookedThread(const ThreadHooks& hooks) noexcept : hooks_(hooks) {
        tell_host("thread_start", hooks_.start, hooks_.user_data, hooks_.log);
    }
    ~HookedThread() { tell_host("thread_stop", hooks_.stop, hooks_.user_data, hooks_.log); }
    HookedThread(const HookedThread&) = delete;
    HookedThread& operator=(const HookedThread&) = delete;

private:
    const ThreadHooks hooks_;
};

}  // namespace reflow::io
