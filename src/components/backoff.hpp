// How long an actor rests before it looks again whether the other end of a pipe has moved.
// Neighbours: file_source, line_sink. Thread: see runtime/context.
#pragma once

#include <algorithm>
#include <cstdint>

namespace reflow::components {

// Short at first, so that a busy pipe is not slowed down, and then longer, so that a silent one
// costs nothing.
class Backoff {
public:
    [[nodiscard]] std::uint64_t next_ns() noexcept {
        std::uint64_t now = delay_ns_;
        delay_ns_ = std::min(delay_ns_ * 2, most_ns);
        return now;
    }
    void reset() noexcept { delay_ns_ = first_ns; }

private:
    static constexpr std::uint64_t first_ns = 50'000;
    static constexpr std::uint64_t most_ns = 10'000'000;

    std::uint64_t delay_ns_ = first_ns;
};

}  // namespace reflow::components
