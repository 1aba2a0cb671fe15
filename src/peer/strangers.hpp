// What others may cost before they are known: how often an address may fail to greet, and how many lines of the
// log others can cause. Neighbours: peer. Thread: any.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string_view>

#include "base/memory.hpp"
#include "base/text.hpp"

namespace reflow::peer {

// So many at once, and so many a second behind them: the generic cell rate algorithm (ITU-T I.371, annex A).
class Rate {
public:
    Rate(std::uint64_t most, std::uint64_t per_second) noexcept
        : step_ns_(1'000'000'000 / per_second), burst_ns_(most * step_ns_) {}
    [[nodiscard]] bool allows(std::uint64_t now_ns) const noexcept {
        return full_ns_ <= now_ns || full_ns_ - now_ns + step_ns_ <= burst_ns_;
    }
    void count(std::uint64_t now_ns) noexcept { full_ns_ = (full_ns_ > now_ns ? full_ns_ : now_ns) + step_ns_; }
    // As if nothing had ever been counted.
    [[nodiscard]] bool rested(std::uint64_t now_ns) const noexcept { return full_ns_ <= now_ns; }

private:
    std::uint64_t step_ns_, burst_ns_;
    std::uint64_t full_ns_ = 0;  // when all that was counted is paid for
};

class Strangers {
public:
    // remote: "address:port", of which the address counts.
    void failed(std::string_view remote, std::uint64_t now_ns);
    enum class Verdict : std::uint8_t { answered, unanswered_first, unanswered };
    // Whether one more that fails is told so.
    [[nodiscard]] Verdict look(std::string_view remote, std::uint64_t now_ns);

private:
    struct One {
        Rate rate;
        bool told = false;
    };
    std::mutex mutex_;
    Map<String, One> all_;
};

// Of lines that others cause.
class Lines {
public:
    // How many were left out before this one; none: it is left out as well.
    [[nodiscard]] std::optional<std::uint64_t> take(std::uint64_t now_ns);

private:
    std::mutex mutex_;
    Rate rate_ = of_limits();
    std::uint64_t left_out_ = 0;
    static Rate of_limits() noexcept;
};

// "[::1]:80" and "10.0.0.1:80" without their port.
[[nodiscard]] std::string_view without_port(std::string_view remote) noexcept;

}  // namespace reflow::peer
