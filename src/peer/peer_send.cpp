// What a peer sends to actors of other networks. Neighbours: peer.cpp. Thread: any.
#include <algorithm>
#include <chrono>

#include "base/text.hpp"
#include "peer/peer.hpp"

namespace reflow::peer {

Result<void> Peer::send(std::string_view network_id, std::string_view actor,
                        std::string_view port, std::span<const MessageRef> messages,
                        std::string_view source_actor, std::int64_t timeout_ms,
                        std::size_t& accepted) {
    accepted = 0;
    std::uint64_t start = 0;  // of waiting
    for (;;) {
        Ref<Link> link = pick(network_id);
        if (!link) {
            return Failure(REFLOW_ERROR_NOT_FOUND, concat("No connection to network: ", network_id));
        }
        Result<std::uint64_t> channel = link->open_channel(source_actor, actor, port);
        if (!channel.ok()) return channel.take_error();
        std::uint64_t seen = 0;
        {
            std::lock_guard lock(mutex_);
            seen = rooms_;
        }
        Result<std::size_t> sent = link->send(channel.value(), messages.subspan(accepted));
        if (!sent.ok()) return sent.take_error();
        accepted += sent.value();
        if (accepted == messages.size()) return {};
        const std::uint64_t now = now_ns();
        if (start == 0) start = now;
        std::unique_lock lock(mutex_);
        auto changed = [&] { return rooms_ != seen || link->stage() != Stage::open; };
        if (timeout_ms < 0) {
            changed_.wait(lock, changed);
            continue;
        }
        auto spent = static_cast<std::int64_t>((now - start) / 1'000'000);
        auto left = std::chrono::milliseconds(std::max<std::int64_t>(timeout_ms - spent, 0));
        if (!changed_.wait_for(lock, left, changed)) {
            return Failure(REFLOW_ERROR_TIMEOUT,
                           concat(actor, " of ", network_id, " takes nothing: no room within ",
                                  timeout_ms, " ms"))
                .port(port);
        }
    }
}

}  // namespace reflow::peer
