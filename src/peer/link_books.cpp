// What a link knows of the packets that it has sent: delivered, refused there, or nothing yet.
// Neighbours: link.cpp (the rest of it). Thread: see link.hpp.
//
// The other side tells how far a channel is by its credit, which is a window ahead of what it has taken, by its
// reports, and exactly by its confirmations. They are asked for with heartbeats, where something is open, and when
// the link is closed: the answer then comes before the other side's goodbye.
#include <algorithm>

#include "peer/link.hpp"

namespace reflow::peer {

bool Link::confirms_locked() const {
    return dials_ ? welcome_.can(capability_confirms) : hello_.can(capability_confirms);
}

bool Link::confirms() const {
    std::lock_guard lock(mutex_);
    return confirms_locked();
}

bool Link::leaving() const {
    std::lock_guard lock(mutex_);
    return leaving_;
}

// Of channels that are not there, and of packets that were not sent, the other side says nothing that counts.
void Link::through_locked(std::uint64_t channel, std::uint64_t packets) noexcept {
    if (channel >= outgoing_.size()) return;
    Outgoing& to = outgoing_[channel];
    to.through = std::max(to.through, std::min(packets, to.sent));
}

void Link::credited_locked(std::uint64_t channel, std::uint64_t packets) noexcept {
    const std::uint64_t ahead = (dials_ ? welcome_.window : hello_.window).packets;
    if (packets > ahead) through_locked(channel, packets - ahead);
}

void Link::reported_locked(std::uint64_t channel, std::uint64_t number) noexcept {
    if (channel >= outgoing_.size() || number >= outgoing_[channel].sent) return;
    if (number < outgoing_[channel].kept_from) ++outgoing_[channel].refused;
    through_locked(channel, number + 1);
}

void Link::hear_report(std::uint64_t channel, std::uint64_t number, reflow_status status,
                       std::string_view text) {
    {
        std::lock_guard lock(mutex_);
        reported_locked(channel, number);
    }
    owner_.lost(*this, channel, number, status, text);
}

void Link::hear_confirmed(std::uint64_t channel, std::uint64_t packets) {
    {
        std::lock_guard lock(mutex_);
        through_locked(channel, packets);
    }
    owner_.confirmed(*this, channel, packets);
}

Link::Books Link::books_locked() const noexcept {
    Books sum;
    if (old()) return sum;
    for (const Outgoing& one : outgoing_) {
        const std::uint64_t sent = std::min(one.sent, one.kept_from);
        const std::uint64_t through = std::min(one.through, sent);
        sum.add({sent, through, std::min(one.refused, through)});
    }
    return sum;
}

Link::Books Link::books() const {
    std::lock_guard lock(mutex_);
    return books_locked();
}

// Of each channel once: what is asked for is told as soon as it is known.
void Link::ask_how_far_locked() {
    if (old() || stage_.load(std::memory_order_relaxed) != Stage::open || !confirms_locked()) return;
    for (std::size_t i = 0; i < outgoing_.size(); ++i) {
        Outgoing& one = outgoing_[i];
        if (one.through == one.sent || one.asked == one.sent) continue;
        batch_.confirm(i, one.sent - 1);
        one.asked = one.sent;
    }
}

void Link::hush() {
    std::unique_lock lock(mutex_);
    hushed_ = true;
    ask_how_far_locked();
    flush_locked(lock);
}

// Of a side that is going, what becomes of its packets is heard, and nothing else.
class Link::LastReader final : public FrameVisitor {
public:
    explicit LastReader(Link& link) : link_(link) {}
    Result<void> credit(std::uint64_t channel, std::uint64_t packets, std::uint64_t) override {
        std::lock_guard lock(link_.mutex_);
        link_.credited_locked(channel, packets);
        return {};
    }
    Result<void> report(std::uint64_t channel, std::uint64_t number, reflow_status status,
                        std::string_view text) override {
        link_.hear_report(channel, number, status, text);
        return {};
    }
    Result<void> confirmed(std::uint64_t channel, std::uint64_t packets) override {
        link_.hear_confirmed(channel, packets);
        return {};
    }

private:
    Link& link_;
};

void Link::hear_last(std::string_view frame) {
    if (!frame.empty() && frame.front() == packed_mark) return hear_packed(frame, true);
    LastReader reader(*this);
    (void)read_frame(frame, reader);  // it ends in any case
}

}  // namespace reflow::peer
