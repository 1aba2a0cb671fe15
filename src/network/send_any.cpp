// Sends that are not the usual ones of traffic.cpp: they are checked or recorded, are for an element of
// an array port, are refused, or wait for room. Thread: any.
#include <functional>

#include "network/network.hpp"

namespace reflow::network {

using runtime::Actor;

Result<void> Network::send_any(std::uint64_t inport, std::span<const reflow_message> messages,
                               std::int64_t timeout_ms, std::size_t& accepted,
                               std::uint32_t element) {
    std::uint32_t port = static_cast<std::uint32_t>(inport & 0xffff);
    std::uint64_t start = timeout_ms > 0 ? runtime_->scheduler().clock().now_ns() : 0;
    for (;;) {
        Ref<const Actor> target;  // only if it is needed behind the visit
        {
            // It keeps the network from ending, and from being idle, between here and notify, and
            // the actor in its place.
            auto nobody_runs = still();
            Entrance inside(*this);
            std::uint32_t index = REFLOW_NO_INDEX;
            Actor* found = current_.load(std::memory_order_acquire)->find_inport(inport, index);
            if (found == nullptr || port >= found->component->inports.size()) {
                return Failure(REFLOW_ERROR_NOT_FOUND, "the inport is not one of this network");
            }
            std::int32_t now = state_.load(std::memory_order_acquire);
            bool running = now == REFLOW_NETWORK_RUNNING;
            // A peer says it, and may say anything: only an array port has elements.
            if (element != REFLOW_NO_INDEX && found->component->inports[port].array) index = element;
            if (running) {
                std::span<const reflow_message> left = messages.subspan(accepted);
                for (std::size_t i = 0; checks_types() && i < left.size(); ++i) {
                    Result<void> fits = found->check_type(port, MessageRef(left[i]));
                    if (!fits.ok()) return fits;
                }
                Vector<Message> kept;  // the mailbox may drop them at once
                for (std::size_t i = 0; instrument_ && i < left.size(); ++i) {
                    kept.push_back(MessageRef(left[i]).own());
                }
                std::size_t went = push_in(*found, port, index, left, timeout_ms != 0);
                if (!kept.empty() && went != 0 && !on_own_thread()) {
                    std::span<const Message> sent = std::span(kept).first(went);
                    instrument_->sent(position_of(*found), port, index, sent);
                }
                accepted += went;
                if (accepted == messages.size()) return {};
                if (timeout_ms == 0 && writables_.some() && writables_.arm(inport, *found, port)) {
                    accepted += push_in(*found, port, index, messages.subspan(accepted), true);
                    if (accepted < messages.size()) return refusal(*found, port, true);
                    return {};
                }
            } else if (now == REFLOW_NETWORK_CREATED || now == starting) {
                return Failure(REFLOW_ERROR_INVALID_STATE, "the network is not started");
            }
            if (!running || timeout_ms == 0) return refusal(*found, port, running);
            target = Ref<const Actor>::share(found);
        }
        Visit visit(*this);
        auto over = [&] {
            return target->mailbox.room_for(port, MessageRef(messages[accepted])) ||
                   target->retired() || group_.failed() ||
                   state_.load(std::memory_order_acquire) != REFLOW_NETWORK_RUNNING;
        };
        reflow_status status = group_.wait(left_ms(timeout_ms, start), std::ref(over));
        if (Result<void> waiting = waited(status, "waiting for room"); !waiting.ok()) {
            return waiting;
        }
    }
}

[[gnu::cold]] Failure Network::refusal(const Actor& actor, std::uint32_t port, bool full) {
    reflow_status status = full ? REFLOW_ERROR_WOULD_BLOCK : REFLOW_ERROR_CLOSED;
    return Failure(status, full ? "the inport is full" : "the network takes no more input")
        .node(actor.id)
        .port(actor.component->inports[port].name);
}

}  // namespace reflow::network
