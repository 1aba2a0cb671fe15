// Senders that wait until what they have sent is delivered, or told as lost.
// Neighbours: peer (owns it). Thread: any; one lock, under which nobody is called.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string_view>
#include <utility>

#include "base/memory.hpp"
#include "base/result.hpp"

namespace reflow::peer {

class Link;

class Confirmations {
public:
    // One that waits, for one packet. Made before the packet is sent, since the answer may be there before
    // the call that sends returns.
    class Waiting {
    public:
        Waiting(Confirmations& of, const Link& link, std::uint64_t channel);
        ~Waiting();
        Waiting(const Waiting&) = delete;
        Waiting& operator=(const Waiting&) = delete;
        // REFLOW_OK: an inport has it. The status of the report, REFLOW_ERROR_CLOSED if the link has
        // ended, REFLOW_ERROR_TIMEOUT: in both cases nobody knows.
        Result<void> wait(std::uint64_t number, std::int64_t timeout_ms);

    private:
        friend class Confirmations;
        [[nodiscard]] bool answered(std::uint64_t number) const noexcept;
        Confirmations& of_;
        const Link& link_;
        const std::uint64_t channel_;
        std::uint64_t confirmed_ = 0;  // so many from the beginning of the channel
        Map<std::uint64_t, std::pair<reflow_status, String>> reports_;
        std::optional<std::uint64_t> number_;
        std::optional<String> ended_;
    };

    void confirmed(const Link& link, std::uint64_t channel, std::uint64_t packets);
    void lost(const Link& link, std::uint64_t channel, std::uint64_t number, reflow_status status,
              std::string_view text);
    void ended(const Link& link, std::string_view reason);

private:
    mutable std::mutex mutex_;  // guards all below, and what is in those that wait
    std::condition_variable changed_;
    Vector<Waiting*> waiting_;
};

}  // namespace reflow::peer
