// A call that a host has asked for, made whenever something has happened.
// Neighbours: outputs of a network, queues of firings. Thread: any; one call at a time.
#pragma once

#include <pthread.h>

#include <atomic>
#include <functional>
#include <mutex>

namespace reflow {

class Told {
public:
    // From now on; an empty one ends it. Waits for a call that goes on, so not inside of one.
    void set(std::function<void()> call);
    // Calls it, if there is one. Inside of such a call it only has that made once more.
    void tell() noexcept;

private:
    std::mutex mutex_;  // guards all but caller_, and is held during a call
    std::function<void()> call_;
    bool once_more_ = false;
    // Who is inside of a call. relaxed: a thread only asks whether that is itself, and that it has written.
    std::atomic<pthread_t> caller_{};
};

}  // namespace reflow
