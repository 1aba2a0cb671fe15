// The way from a link's batch to its wire: what waits, for what, and what it becomes.
// Neighbours: link.cpp (the rest of it). Thread: see link.hpp.
#include <algorithm>

#include "peer/link.hpp"

namespace reflow::peer {

void Link::flush() {
    std::unique_lock lock(mutex_);
    lingers_ = false;
    flush_locked(lock);
}

// What comes while the socket is busy waits for it, and goes in one frame then.
void Link::flush_locked(std::unique_lock<std::mutex>&) {
    if (batch_.empty()) return;
    if (busy_ && batch_.bytes() < options_.batch_bytes) return;
    write_batch_locked();
}

void Link::write_batch_locked() {
    String frame = batch_.take();
    if (packs_) options_.packer->pack(frame, packed_);
    write(std::move(frame), false);
}

// The other side goes, and hears nothing behind our answer.
void Link::closing(io::Wire&) {
    std::lock_guard lock(mutex_);
    if (!batch_.empty()) write_batch_locked();
}

void Link::close(std::uint16_t code, std::string_view reason) {
    std::unique_lock lock(mutex_);
    leave(lock, code, reason);
}

// Who has chosen this link and sends at this moment is either counted or told to choose again.
bool Link::close_resting(std::uint64_t packets, std::uint16_t code, std::string_view reason) {
    std::unique_lock lock(mutex_);
    const Counts now = counts_locked();
    if (now.packets_in + now.packets_out != packets || now.queued_packets != 0 ||
        now.streams != 0) {
        return false;
    }
    // What is to be known of them is asked for first.
    if (now.unconfirmed != 0 && confirms_locked()) {
        ask_how_far_locked();
        flush_locked(lock);
        return false;
    }
    leave(lock, code, reason);
    return true;
}

// What has gathered behind a busy socket goes first: it counts as sent. What the other side says of it until it
// goes as well is heard (hear_last). What it has sent is told as far as it has been taken, since it cannot ask any more.
void Link::leave(std::unique_lock<std::mutex>& lock, std::uint16_t code, std::string_view reason) {
    if (!leaving_ && !old() && stage_.load(std::memory_order_relaxed) == Stage::open) {
        ask_how_far_locked();
        for (auto& [number, from] : incoming_) {
            if (from.first > std::exchange(from.told, std::max(from.told, from.first))) {
                batch_.confirmed(number, from.first);
            }
        }
    }
    leaving_ = true;
    lingers_ = false;
    Ref<io::Wire> on = wire_;
    if (on && !batch_.empty()) {
        String frame = batch_.take();
        if (packs_) options_.packer->pack(frame, packed_);
        (void)on->send(std::move(frame), false);
        frames_out_.fetch_add(1, std::memory_order_relaxed);
    }
    lock.unlock();
    if (on) on->close(code, reason);
}

bool Link::crowded() const noexcept {
    return busy_ && wire_->queued_bytes() >= options_.socket_bytes;
}

void Link::write(String&& frame, bool text) {
    // Packets stop long before the queue of the wire is full; who fills it by what has to be
    // answered does not read, and ends.
    reflow_status status = wire_->send(std::move(frame), text);
    frames_out_.fetch_add(1, std::memory_order_relaxed);
    if (status == REFLOW_ERROR_WOULD_BLOCK) wire_->cut();
    busy_ = wire_->queued_bytes() != 0;  // then drained() comes
}

void Link::drained(io::Wire&) {
    Vector<std::uint64_t> writable, flows;
    {
        std::unique_lock lock(mutex_);
        busy_ = false;
        flush_locked(lock);
        const bool held = std::exchange(held_, false);
        for (std::size_t i = 0; held && i < outgoing_.size(); ++i) {
            if (outgoing_[i].open() && std::exchange(outgoing_[i].full, false)) {
                writable.push_back(i);
            }
        }
        if (!busy_) {
            writable.insert(writable.end(), draining_.begin(), draining_.end());
            draining_.clear();
        }
        flows.swap(held_flows_);
    }
    for (std::uint64_t flow : flows) pump_stream(flow);
    for (std::uint64_t channel : writable) owner_.writable(*this, channel);
}

}  // namespace reflow::peer
