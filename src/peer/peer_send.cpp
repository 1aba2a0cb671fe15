// What a peer sends to actors of other networks. Neighbours: peer.cpp, confirmations. Thread: any.
#include <algorithm>
#include <chrono>

#include "base/text.hpp"
#include "peer/peer.hpp"
#include "peer/times.hpp"

namespace reflow::peer {
namespace {

constexpr std::uint64_t told_within_ns = 30'000'000'000;

}  // namespace

Result<void> Peer::send_told(const Deliveries::Address& to, Message message,
                             std::uint64_t timeout_ns, OutcomeFn told) {
    if (outboxes_.confirms(to.network_id, to.actor)) {
        return outboxes_.put_told({to.network_id, to.actor, to.port, to.source_actor}, message,
                                  timeout_ns == 0 ? UINT64_MAX : timeout_ns, std::move(told));
    }
    return deliveries_.send(to, std::move(message), timeout_ns == 0 ? told_within_ns : timeout_ns,
                            std::move(told));
}

Result<void> Peer::send(std::string_view network_id, std::string_view actor,
                        std::string_view port, std::span<const MessageRef> messages,
                        std::string_view source_actor, std::int64_t timeout_ms,
                        std::size_t& accepted, bool confirm) {
    accepted = 0;
    const std::int64_t most_ms = waiting_ms(timeout_ms);
    std::uint64_t start = 0;  // of waiting
    auto left_ms = [&] {
        const std::uint64_t now = now_ns();
        if (start == 0) start = now;
        auto spent = static_cast<std::int64_t>((now - start) / 1'000'000);
        return std::max<std::int64_t>(most_ms - spent, 0);
    };
    if (outboxes_.keeps(network_id, actor) &&
        (!confirm || outboxes_.confirms(network_id, actor))) {
        const OutboxAddress to{network_id, actor, port, source_actor};
        if (!confirm) return outboxes_.put(to, messages, left_ms(), accepted);
        for (; accepted < messages.size(); ++accepted) {
            Result<void> kept = outboxes_.put_confirmed(to, messages[accepted], left_ms());
            if (!kept.ok()) return kept;
        }
        return {};
    }
    for (bool linked = false;; linked = true) {
        Ref<Link> link = pick(network_id);
        if (!link) {
            if (!linked) return Failure(REFLOW_ERROR_NOT_FOUND, concat("No connection to network: ", network_id));
            return Failure(REFLOW_ERROR_CLOSED, concat("the link to network ", network_id, " has ended meanwhile"));
        }
        // One that was closed in between is not chosen again.
        auto closed = [&](reflow_status status) {
            return status == REFLOW_ERROR_CLOSED && !link->open_to(network_id);
        };
        Result<std::uint64_t> channel = link->open_channel(source_actor, actor, port);
        if (!channel.ok()) {
            if (closed(channel.error().status)) continue;
            return channel.take_error();
        }
        std::uint64_t seen = 0;
        {
            std::lock_guard lock(mutex_);
            seen = rooms_;
        }
        if (confirm && !link->confirms()) {
            return Failure(REFLOW_ERROR_UNSUPPORTED,
                           concat("a peer of ", network_id, " does not tell of deliveries"));
        }
        std::optional<Confirmations::Waiting> waiting;
        if (confirm) waiting.emplace(confirmations_, *link, channel.value());
        Link::Sending sending;
        sending.confirm = confirm;
        Result<std::size_t> sent =
            link->send(channel.value(), messages.subspan(accepted), sending);
        if (!sent.ok()) {
            if (closed(sent.error().status)) continue;
            return sent.take_error();
        }
        accepted += sent.value();
        if (accepted == messages.size()) {
            if (!confirm || sent.value() == 0) return {};
            return waiting->wait(sending.first + sent.value() - 1, left_ms());
        }
        const std::int64_t left = left_ms();
        std::unique_lock lock(mutex_);
        auto changed = [&] { return rooms_ != seen || !link->open_to(network_id); };
        if (!changed_.wait_for(lock, std::chrono::milliseconds(left), changed)) {
            return Failure(REFLOW_ERROR_TIMEOUT,
                           concat(actor, " of ", network_id, " takes nothing: no room within ",
                                  timeout_ms, " ms"))
                .port(port);
        }
    }
}

}  // namespace reflow::peer
