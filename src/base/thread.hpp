// Threads are created here and nowhere else: name, stack size, all signals blocked.
// Neighbours: schedulers. Thread: any.
#pragma once

#include <pthread.h>

#include <string_view>

#include "base/result.hpp"

namespace reflow {

class Thread : public Allocated {
public:
    Thread() noexcept = default;
    ~Thread() { REFLOW_ASSERT(!running_); }
    Thread(const Thread&) = delete;
    Thread& operator=(const Thread&) = delete;

    // Starts body(argument) on a new thread. The name is cut to 15 bytes.
    Result<void> start(std::string_view name, void (*body)(void*), void* argument);
    // Waits for its end.
    void join() noexcept;
    [[nodiscard]] bool running() const noexcept { return running_; }

private:
    pthread_t handle_{};
    bool running_ = false;
};

}  // namespace reflow
