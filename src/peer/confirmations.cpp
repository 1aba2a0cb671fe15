// See confirmations.hpp. Thread: any.
#include "peer/confirmations.hpp"

#include <chrono>

#include "base/text.hpp"

namespace reflow::peer {

Confirmations::Waiting::Waiting(Confirmations& of, const Link& link, std::uint64_t channel)
    : of_(of), link_(link), channel_(channel) {
    std::lock_guard lock(of_.mutex_);
    of_.waiting_.push_back(this);
}

Confirmations::Waiting::~Waiting() {
    std::lock_guard lock(of_.mutex_);
    std::erase(of_.waiting_, this);
}

bool Confirmations::Waiting::answered(std::uint64_t number) const noexcept {
    return ended_ || confirmed_ > number || reports_.contains(number);
}

Result<void> Confirmations::Waiting::wait(std::uint64_t number, std::int64_t timeout_ms) {
    std::unique_lock lock(of_.mutex_);
    number_ = number;
    bool told = of_.changed_.wait_for(lock, std::chrono::milliseconds(timeout_ms),
                                      [&] { return answered(number); });
    if (!told) {
        return Failure(REFLOW_ERROR_TIMEOUT,
                       concat("sent, and not confirmed within ", timeout_ms, " ms"));
    }
    // A report comes before the confirmation that counts its packet.
    if (auto found = reports_.find(number); found != reports_.end()) {
        return Failure(found->second.first, found->second.second);
    }
    if (confirmed_ > number) return {};
    return Failure(REFLOW_ERROR_CLOSED, concat("sent, and not confirmed: ", *ended_));
}

void Confirmations::confirmed(const Link& link, std::uint64_t channel, std::uint64_t packets) {
    {
        std::lock_guard lock(mutex_);
        for (Waiting* one : waiting_) {
            if (&one->link_ != &link || one->channel_ != channel) continue;
            if (packets > one->confirmed_) one->confirmed_ = packets;
        }
    }
    changed_.notify_all();
}

void Confirmations::lost(const Link& link, std::uint64_t channel, std::uint64_t number,
                         reflow_status status, std::string_view text) {
    {
        std::lock_guard lock(mutex_);
        for (Waiting* one : waiting_) {
            bool others = one->number_ && *one->number_ != number;
            if (&one->link_ != &link || one->channel_ != channel || others) continue;
            one->reports_.emplace(number, std::pair(status, String(text)));
        }
    }
    changed_.notify_all();
}

void Confirmations::ended(const Link& link, std::string_view reason) {
    {
        std::lock_guard lock(mutex_);
        for (Waiting* one : waiting_) {
            if (&one->link_ == &link) one->ended_ = reason;
        }
    }
    changed_.notify_all();
}

}  // namespace reflow::peer
