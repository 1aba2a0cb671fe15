// Rates of those who have not greeted. Thread: see strangers.hpp.
#include "peer/strangers.hpp"

#include <utility>

#include "peer/limits.hpp"

namespace reflow::peer {

std::string_view without_port(std::string_view remote) noexcept { return remote.substr(0, remote.rfind(':')); }

void Strangers::failed(std::string_view remote, std::uint64_t now_ns) {
    std::lock_guard lock(mutex_);
    const String address(without_port(remote));
    auto found = all_.find(address);
    if (found == all_.end()) {
        // Those that have been quiet for long enough are forgotten; when nobody has, a new one is not remembered.
        if (all_.size() >= limits::peer_failing_addresses_count) {
            std::erase_if(all_, [&](const auto& one) { return one.second.rate.rested(now_ns); });
        }
        if (all_.size() >= limits::peer_failing_addresses_count) return;
        const Rate rate(limits::peer_failures_count, limits::peer_failures_per_second);
        found = all_.emplace(address, One{rate}).first;
    }
    if (found->second.rate.allows(now_ns)) found->second.rate.count(now_ns);
}

Strangers::Verdict Strangers::look(std::string_view remote, std::uint64_t now_ns) {
    std::lock_guard lock(mutex_);
    if (all_.empty()) return Verdict::answered;
    auto found = all_.find(String(without_port(remote)));
    if (found == all_.end()) return Verdict::answered;
    if (!found->second.rate.allows(now_ns)) {
        return std::exchange(found->second.told, true) ? Verdict::unanswered : Verdict::unanswered_first;
    }
    found->second.told = false;
    if (found->second.rate.rested(now_ns)) all_.erase(found);
    return Verdict::answered;
}

Rate Lines::of_limits() noexcept { return {limits::peer_lines_count, limits::peer_lines_per_second}; }

std::optional<std::uint64_t> Lines::take(std::uint64_t now_ns) {
    std::lock_guard lock(mutex_);
    if (!rate_.allows(now_ns)) {
        ++left_out_;
        return std::nullopt;
    }
    rate_.count(now_ns);
    return std::exchange(left_out_, 0);
}

}  // namespace reflow::peer
