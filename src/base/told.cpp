// What a host is told. Thread: see told.hpp.
#include "base/told.hpp"

#include <utility>

namespace reflow {

void Told::set(std::function<void()> call) {
    std::function<void()> before;  // ends without the lock
    std::lock_guard lock(mutex_);
    before = std::exchange(call_, std::move(call));
}

void Told::tell() noexcept {
    const pthread_t self = pthread_self();
    if (caller_.load(std::memory_order_relaxed) == self) {
        once_more_ = true;
        return;
    }
    std::lock_guard lock(mutex_);
    if (!call_) return;
    caller_.store(self, std::memory_order_relaxed);
    do {
        once_more_ = false;
        call_();
    } while (once_more_);
    caller_.store({}, std::memory_order_relaxed);
}

}  // namespace reflow
