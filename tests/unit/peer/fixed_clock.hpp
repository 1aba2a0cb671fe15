// A clock that a test moves by hand.
#pragma once

#include "base/clock.hpp"

namespace reflow::peer {

class FixedClock final : public Clock {
public:
    [[nodiscard]] std::uint64_t now_ns() const noexcept override { return ns_; }
    [[nodiscard]] std::int64_t wall_ms() const noexcept override { return wall_ms_; }
    void advance_ms(std::uint64_t ms) noexcept {
        ns_ += ms * 1'000'000;
        wall_ms_ += static_cast<std::int64_t>(ms);
    }

private:
    std::uint64_t ns_ = 7'000'000'123;
    std::int64_t wall_ms_ = 1'777'889'472'100;  // 2026-05-04T10:11:12.1Z
};

}  // namespace reflow::peer
