// Dead letters of a network: failed firings that nothing in the graph takes, with their packets.
// Neighbours: network (keeps them, plays them back). Thread: any, one lock.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string_view>
#include <utility>

#include "base/memory.hpp"
#include "base/ref.hpp"
#include "message/message.hpp"
#include "reflow.h"
#include "runtime/component.hpp"
#include "runtime/failure.hpp"

namespace reflow::network {

struct LetterPacket {
    Message message;
    std::uint32_t port = 0;
    std::uint32_t index = REFLOW_NO_INDEX;
};

// Immutable once it is kept, but for its id.
class DeadLetter : public RefCounted<DeadLetter> {
public:
    DeadLetter(const runtime::FailedFiring& firing, std::int64_t wall_ms);
    // From a snapshot, whoever failed.
    DeadLetter(std::string_view node_of, runtime::ComponentRef kind, std::int64_t time,
               std::uint32_t attempts_of, reflow_status status_of)
        : node(node_of),
          component(std::move(kind)),
          time_ms(time),
          attempts(attempts_of),
          status(status_of) {}

    std::uint64_t id = 0;
    const String node;  // the actor may be gone
    const runtime::ComponentRef component;
    const std::int64_t time_ms;
    const std::uint32_t attempts;
    const reflow_status status;
    String message, hint, trace;
    Vector<LetterPacket> packets;

    [[nodiscard]] Result<Message> as_message() const;
};

class DeadLetters {
public:
    // Those beyond it are lost, the oldest first.
    void set_capacity(std::uint32_t capacity) noexcept;
    // The id; nothing if it was not kept.
    [[nodiscard]] std::optional<std::uint64_t> keep(Ref<DeadLetter> letter) noexcept;
    // There was no memory for one.
    void lose() noexcept;
    void count(reflow_dead_letters& to) const noexcept;
    // The first letter with an id above `after`, or nothing.
    [[nodiscard]] Ref<DeadLetter> next(std::uint64_t after) const noexcept;
    // The letter with this id is the caller's now; nothing if it is not there.
    [[nodiscard]] Ref<DeadLetter> take(std::uint64_t id) noexcept;
    // Puts back what take() gave, in its place.
    void restore(Ref<DeadLetter> letter) noexcept;
    [[nodiscard]] std::uint64_t last_id() const noexcept;

    // For snapshots.
    struct Saved {
        Deque<Ref<DeadLetter>> all;
        std::uint64_t total = 0, lost = 0, ids = 0;
    };
    [[nodiscard]] Saved save() const {
        std::lock_guard lock(mutex_);
        return {letters_, total_, lost_, ids_};
    }
    // Of a network that has none, and nobody else keeps some meanwhile. Those beyond its capacity
    // are lost, the oldest first.
    void assign(Saved from) noexcept;
    // As before assign().
    void forget() noexcept;

private:
    [[nodiscard]] std::size_t find(std::uint64_t after) const noexcept;

    mutable std::mutex mutex_;        // guards all below; no other lock is taken under it
    Deque<Ref<DeadLetter>> letters_;  // by rising id
    std::uint32_t capacity_ = 0;
    std::uint64_t total_ = 0;
    std::uint64_t lost_ = 0;
    std::uint64_t ids_ = 0;
};

}  // namespace reflow::network
