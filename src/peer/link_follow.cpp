// A link as far as outports are followed over it: requests, and how they went; and actors cancelled.
// Neighbours: link.cpp (the rest of it). Thread: see link.hpp.
#include "peer/link.hpp"

namespace reflow::peer {

Result<void> Link::follow(std::uint64_t number, std::string_view actor, std::string_view port,
                          std::string_view replies_to) {
    std::unique_lock lock(mutex_);
    if (!sends_locked()) return Failure(REFLOW_ERROR_CLOSED, "the link is not open");
    if (old()) {
        return Failure(REFLOW_ERROR_UNSUPPORTED,
                       "a peer of the original sends nothing back from its outports");
    }
    batch_.follow(number, actor, port, replies_to);
    flush_locked(lock);
    return {};
}

void Link::unfollow(std::uint64_t number) {
    std::unique_lock lock(mutex_);
    if (stage_.load(std::memory_order_relaxed) != Stage::open || old()) return;
    batch_.unfollow(number);
    flush_locked(lock);
}

// Behind what has been sent before.
void Link::cancel(std::string_view actor, std::string_view source_actor) {
    std::unique_lock lock(mutex_);
    const bool knows =
        dials_ ? welcome_.can(capability_cancels) : hello_.can(capability_cancels);
    if (!sends_locked() || old() || !knows) return;
    batch_.cancel(actor, source_actor);
    flush_locked(lock);
}

void Link::tell_followed(std::uint64_t number, std::optional<std::uint64_t> channel,
                         std::string_view text) {
    std::unique_lock lock(mutex_);
    if (stage_.load(std::memory_order_relaxed) != Stage::open) return;
    batch_.followed(number, channel, text);
    flush_locked(lock);
}

}  // namespace reflow::peer
