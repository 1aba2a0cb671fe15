// The queue of dead letters, and their form as messages.
// Thread: any. Letters end outside of the lock, since the last reference of a message may call the
// host.
#include "network/dead_letters.hpp"

#include <algorithm>

#include "message/count.hpp"
#include "runtime/actor.hpp"
#include "runtime/failed_message.hpp"

namespace reflow::network {

DeadLetter::DeadLetter(const runtime::FailedFiring& firing, std::int64_t wall_ms)
    : node(firing.actor.id),
      component(firing.actor.component),
      time_ms(wall_ms),
      attempts(firing.attempts),
      status(firing.status),
      message(firing.error == nullptr ? std::string_view("out of memory")
                                      : std::string_view(firing.error->message)) {
    if (firing.error != nullptr) {
        hint = firing.error->hint;
        trace = firing.error->trace;
    }
    packets.reserve(firing.packets.size());
    for (const reflow_packet& packet : firing.packets) {
        if (MessageRef(packet.message).none()) continue;
        // With its envelope, if it has one.
        packets.push_back({MessageRef(packet.message).own(), packet.port, packet.index});
    }
}

Result<Message> DeadLetter::as_message() const {
    Vector<reflow_packet> borrowed;
    borrowed.reserve(packets.size());
    for (const LetterPacket& packet : packets) {
        borrowed.push_back({packet.message.raw(), packet.port, packet.index, nullptr});
    }
    ObjectBuilder made(10);
    made.set("id", count_message(id));
    made.set("node", Message::string(node));
    made.set("component", Message::string(component->id));
    made.set("time_ms", Message::integer(time_ms));
    made.set("attempts", Message::integer(attempts));
    made.set("status", Message::string(status_name(status)));
    made.set("message", Message::string(message));
    made.set("hint", Message::string(hint));
    made.set("trace", Message::string(trace));
    made.set("packets", runtime::packets_message(*component, borrowed));
    return made.finish();
}

void DeadLetters::set_capacity(std::uint32_t capacity) noexcept {
    for (;;) {
        Ref<DeadLetter> oldest;  // ends after the lock
        std::lock_guard lock(mutex_);
        capacity_ = capacity;
        if (letters_.size() <= capacity) return;
        oldest = std::move(letters_.front());
        letters_.pop_front();
        ++lost_;
    }
}

std::optional<std::uint64_t> DeadLetters::keep(Ref<DeadLetter> letter) noexcept {
    Ref<DeadLetter> oldest;  // ends after the lock
    std::lock_guard lock(mutex_);
    ++total_;
    if (capacity_ == 0) {
        ++lost_;
        return std::nullopt;
    }
    letter->id = ++ids_;
    std::uint64_t id = letter->id;
    try {
        letters_.push_back(std::move(letter));
    } catch (const std::bad_alloc&) {
        ++lost_;
        return std::nullopt;
    }
    if (letters_.size() > capacity_) {
        oldest = std::move(letters_.front());
        letters_.pop_front();
        ++lost_;
    }
    return id;
}

void DeadLetters::lose() noexcept {
    std::lock_guard lock(mutex_);
    ++total_;
    ++lost_;
}

void DeadLetters::count(reflow_dead_letters& to) const noexcept {
    std::lock_guard lock(mutex_);
    to.capacity = capacity_;
    to.waiting = letters_.size();
    to.total = total_;
    to.lost = lost_;
}

std::size_t DeadLetters::find(std::uint64_t after) const noexcept {
    auto found = std::upper_bound(
        letters_.begin(), letters_.end(), after,
        [](std::uint64_t id, const Ref<DeadLetter>& letter) { return id < letter->id; });
    return static_cast<std::size_t>(found - letters_.begin());
}

Ref<DeadLetter> DeadLetters::next(std::uint64_t after) const noexcept {
    std::lock_guard lock(mutex_);
    std::size_t at = find(after);
    return at < letters_.size() ? letters_[at] : Ref<DeadLetter>();
}

Ref<DeadLetter> DeadLetters::take(std::uint64_t id) noexcept {
    if (id == 0) return {};
    std::lock_guard lock(mutex_);
    std::size_t at = find(id - 1);
    if (at >= letters_.size() || letters_[at]->id != id) return {};
    Ref<DeadLetter> taken = std::move(letters_[at]);
    letters_.erase(letters_.begin() + static_cast<std::ptrdiff_t>(at));
    return taken;
}

void DeadLetters::restore(Ref<DeadLetter> letter) noexcept {
    std::lock_guard lock(mutex_);
    if (letters_.size() >= capacity_) {
        ++lost_;
        return;
    }
    try {
        std::size_t at = find(letter->id);
        letters_.insert(letters_.begin() + static_cast<std::ptrdiff_t>(at), std::move(letter));
    } catch (const std::bad_alloc&) {
        ++lost_;
    }
}

// Nothing here needs memory, which may have run out: see Restored::forget().
[[gnu::cold]] void DeadLetters::assign(Saved from) noexcept {
    reflow_dead_letters now{};
    count(now);
    for (; from.all.size() > now.capacity; ++from.lost) from.all.pop_front();
    std::lock_guard lock(mutex_);
    letters_.swap(from.all);
    total_ = from.total;
    lost_ = from.lost;
    ids_ = from.ids;
}

[[gnu::cold]] void DeadLetters::forget() noexcept {
    for (;;) {
        Ref<DeadLetter> one;  // ends after the lock
        std::lock_guard lock(mutex_);
        if (letters_.empty()) {
            total_ = lost_ = ids_ = 0;
            return;
        }
        one = std::move(letters_.front());
        letters_.pop_front();
    }
}

std::uint64_t DeadLetters::last_id() const noexcept {
    std::lock_guard lock(mutex_);
    return ids_;
}

}  // namespace reflow::network
