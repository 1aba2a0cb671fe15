// Memory of frames that were written, for the next ones: a large frame would cost page faults each
// time. Neighbours: loop (has it), link. Thread: any; one lock, under which nothing else is called.
#pragma once

#include <cstddef>
#include <mutex>

#include "base/memory.hpp"

namespace reflow::io {

class Buffers {
public:
    static constexpr std::size_t least_bytes = std::size_t{4} << 10;  // smaller ones cost little
    static constexpr std::size_t most_bytes = std::size_t{1} << 20;   // of one
    static constexpr std::size_t all_bytes = std::size_t{4} << 20;

    // Empty, with room if there is one.
    [[nodiscard]] String take() noexcept {
        std::lock_guard lock(mutex_);
        if (kept_.empty()) return {};
        String one = std::move(kept_.back());
        kept_.pop_back();
        bytes_ -= one.capacity();
        one.clear();
        return one;
    }
    void give(String&& frame) noexcept {
        const std::size_t size = frame.capacity();
        if (size < least_bytes || size > most_bytes) return;
        std::lock_guard lock(mutex_);
        if (size > all_bytes - bytes_) return;
        try {
            kept_.push_back(std::move(frame));
        } catch (...) {
            return;  // no memory for the list: it is let go
        }
        bytes_ += size;
    }

private:
    std::mutex mutex_;  // guards both
    Vector<String> kept_;
    std::size_t bytes_ = 0;
};

}  // namespace reflow::io
