// Messages of the original, which knows no windows: while there is no room for one, nothing more is read of its
// link, so that its socket fills and it has to wait. Neighbours: link_receive.cpp. Thread: see link.hpp.
#include <algorithm>

#include "base/text.hpp"
#include "message/envelope.hpp"
#include "peer/link.hpp"
#include "peer/source.hpp"

namespace reflow::peer {
namespace {

constexpr std::size_t most_stuck = 64;  // of one link; those before them are waited for anew

}  // namespace

// Nobody else counts what a peer of the original has sent and no actor gets.
void Link::lose_old(reflow_status status, std::string_view why) {
    owner_.lost(*this, UINT64_MAX, 0, status, why);
}

void Link::lose_parked(const Parked& one) {
    lose_old(REFLOW_ERROR_WOULD_BLOCK,
             concat("message ", one.message.message_id, " of ", one.message.source_network,
                    " is lost: ", one.message.target_actor, " has no room"));
}

Vector<Link::Stuck>::iterator Link::stuck_locked(const RemoteMessage& message) noexcept {
    return std::find_if(stuck_.begin(), stuck_.end(), [&](const Stuck& one) {
        return one.actor == message.target_actor && one.port == message.target_port;
    });
}

void Link::hear_message(RemoteMessage&& message) {
    packets_in_.fetch_add(1, std::memory_order_relaxed);
    Message packet = enveloped(std::move(message.payload), envelope_of_trace(message.trace));
    Parked made{std::move(message), std::move(packet), owner_.now_ns(), false};
    bool room = true;
    {
        std::lock_guard lock(mutex_);
        room = !parked_;
        if (room) parked_ = std::move(made);
    }
    if (room) return offer_parked();
    lose_parked(made);  // the wire reads on all the same
}

// Gives it to the owner, one thread at a time, as offer() does.
void Link::offer_parked() {
    std::optional<Parked> gone;  // ends without the lock
    std::unique_lock lock(mutex_);
    if (!parked_) return;
    if (parking_) {
        park_again_ = true;
        return;
    }
    parking_ = true;
    Result<std::size_t> taken = std::size_t{0};
    bool waits = false;
    do {
        park_again_ = false;
        Parked& one = *parked_;  // which nobody takes away meanwhile
        Parcel parcel{one.message.source_actor, one.message.target_actor, one.message.target_port,
                      one.message.message_id};
        parcel.again = std::exchange(one.offered, true);
        lock.unlock();
        taken = owner_.take(*this, parcel, UINT64_MAX, std::span(&one.packet, 1));
        lock.lock();
        waits = taken.ok() && taken.value() == 0;
    } while (waits && park_again_);
    parking_ = false;
    const auto stuck = stuck_locked(parked_->message);
    if (waits && stuck == stuck_.end() && !roomless_) return listen_locked(false);
    if (!waits && stuck != stuck_.end()) stuck_.erase(stuck);
    gone.swap(parked_);
    listen_locked(true);
    lock.unlock();
    if (waits) return lose_parked(*gone);
    if (!taken.ok()) lose_old(taken.error().status, taken.error().message);
}

void Link::listen_locked(bool wanted) noexcept {
    if (std::exchange(listens_, wanted) != wanted && wire_) wire_->read(wanted);
}

// Who is not read cannot be heard either, but the system knows whether its machine answers. A message that has waited for too long is lost, and those behind it
// for the same inport are at once, so that one actor that never takes anything does not hold up all that comes
// over the link.
void Link::look_after_parked(std::uint64_t now_ns) {
    std::optional<Parked> gone;
    {
        std::lock_guard lock(mutex_);
        if (listens_) return;
        const std::uint64_t quiet = wire_ ? wire_->unheard_ns() : 0;
        const std::uint64_t heard = std::max(heard_ns_.load(std::memory_order_relaxed),
                                             now_ns - std::min(now_ns, quiet));
        heard_ns_.store(heard, std::memory_order_relaxed);
        if (!parked_ || parking_) return;
        if (now_ns - std::min(now_ns, parked_->since_ns) < options_.park_ns) return;
        if (stuck_.size() >= most_stuck) stuck_.erase(stuck_.begin());
        stuck_.push_back({parked_->message.target_actor, parked_->message.target_port});
        gone.swap(parked_);
        listen_locked(true);
    }
    lose_parked(*gone);
}

// Nobody will have room for it any more. Who offers it at this moment tells that it is lost.
void Link::give_up_parked() {
    std::optional<Parked> gone;
    {
        std::lock_guard lock(mutex_);
        roomless_ = true;
        if (parking_) return;
        gone.swap(parked_);
    }
    if (gone) lose_parked(*gone);
}

}  // namespace reflow::peer
