// See outbox.hpp. Thread: one at a time.
#include "peer/outbox.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "message/envelope.hpp"

namespace reflow::peer {
namespace {

constexpr std::string_view in_doubt = "; it may have been delivered";

std::uint64_t later_by(std::uint64_t time_ns, std::uint64_t by_ns) noexcept {
    return by_ns > UINT64_MAX - time_ns ? UINT64_MAX : time_ns + by_ns;
}

}  // namespace

Result<bool> Outbox::put(Message message, Ref<Fate> fate, std::uint64_t now_ns, Losses& lost,
                         std::uint32_t index) {
    std::uint64_t bytes = payload_size(payload_of(message)) + sizeof(Item);
    if (bytes > options_.bytes) {
        return Failure(REFLOW_ERROR_LIMIT, concat("a message of ", bytes,
                                                  " bytes is larger than the outbox: ",
                                                  options_.bytes));
    }
    while (!has_room(bytes)) {
        if (options_.policy == OutboxPolicy::block) return false;
        if (options_.policy == OutboxPolicy::fail) {
            return Failure(REFLOW_ERROR_LIMIT, concat("the outbox is full: ", items_.size(),
                                                      " messages, ", bytes_, " bytes"));
        }
        // One that was never sent if there is one; else it may have come all the same.
        bool waits = sent_ < items_.size();
        lose(waits ? sent_ : 0, Loss::outbox_full, REFLOW_ERROR_LIMIT,
             concat("dropped from a full outbox", waits ? std::string_view() : in_doubt), lost);
    }
    Item item;
    item.message = std::move(message);
    item.fate = std::move(fate);
    item.number = next_number_++;
    item.bytes = bytes;
    item.index = index;
    item.deadline_ns = later_by(now_ns, options_.deadline_ns);
    if (item.fate && item.fate->until_ns != UINT64_MAX) {
        untils_.emplace(item.fate->until_ns, item.number);
    }
    bytes_ += bytes;
    ++books_.accepted;
    items_.push_back(std::move(item));
    return true;
}

std::size_t Outbox::next(std::size_t most, Vector<Message>& to, std::uint64_t& number,
                         std::uint32_t& index) const {
    if (again()) {
        std::uint64_t may = options_.unacknowledged - std::min<std::uint64_t>(
                                                          options_.unacknowledged, sent_);
        most = static_cast<std::size_t>(std::min<std::uint64_t>(most, may));
    }
    std::size_t count = 0;
    for (std::size_t i = sent_; i < items_.size() && count < most; ++i, ++count) {
        if (count == 0) {
            number = items_[i].number;
            index = items_[i].index;
        }
        if (items_[i].number != number + count || items_[i].index != index) break;
        to.push_back(items_[i].message);
    }
    return count;
}

void Outbox::sent(std::uint64_t number, std::size_t count, std::uint64_t packet,
                  std::uint64_t now_ns, Gone& gone) {
    if (again() && sent_ == 0) progress_ns_ = now_ns;
    while (sent_ < items_.size() && items_[sent_].number < number + count) {
        Item& item = items_[sent_];
        if (!again()) {
            ++books_.delivered;
            gone.push_back(drop(sent_));
            continue;
        }
        item.packet = packet + (item.number - number);
        if (item.times++ != 0) ++books_.resent;
        ++sent_;
    }
}

void Outbox::confirmed(std::uint64_t packets, std::uint64_t now_ns, Gone& gone) {
    while (sent_ != 0 && items_.front().packet < packets) {
        Item& item = items_.front();
        if (item.fate) item.fate->decided = true;
        ++books_.delivered;
        --sent_;
        gone.push_back(drop(0));
        progress_ns_ = now_ns;
    }
}

void Outbox::refused(std::uint64_t packet, reflow_status status, std::string_view why,
                     Losses& lost) {
    if (!again()) {
        // It was given to the link, and counted as delivered.
        --books_.delivered;
        ++books_.lost[static_cast<std::size_t>(Loss::refused)];
        lost.push_back({{}, Loss::refused, status, String(why)});
        return;
    }
    auto end = items_.begin() + static_cast<std::ptrdiff_t>(sent_);
    auto found = std::lower_bound(items_.begin(), end, packet, [](const Item& item, auto number) {
        return item.packet < number;
    });
    if (found == end || found->packet != packet) return;  // of an earlier time that it was sent
    lose(static_cast<std::size_t>(found - items_.begin()), Loss::refused, status, why, lost);
}

void Outbox::unfit(std::uint64_t number, reflow_status status, std::string_view why,
                   Losses& lost) {
    bool there = sent_ < items_.size() && items_[sent_].number == number;
    if (there) lose(sent_, Loss::invalid, status, why, lost);
}

void Outbox::unlinked(Losses& lost) { take_back(lost); }

bool Outbox::tick(std::uint64_t now_ns, Losses& lost) {
    bool goes_again = false;
    give_up(now_ns, lost);
    if (sent_ != 0 && now_ns - std::min(now_ns, progress_ns_) > options_.ack_timeout_ns) {
        take_back(lost);
        goes_again = !items_.empty();
    }
    // Those that wait have the deadlines of their order.
    while (sent_ < items_.size() && items_[sent_].deadline_ns <= now_ns) {
        const bool doubt = items_[sent_].times != 0;
        String why = concat("not sent within ", options_.deadline_ns / 1'000'000, " ms",
                            doubt ? in_doubt : std::string_view());
        lose(sent_, doubt ? Loss::link_lost : Loss::deadline, REFLOW_ERROR_TIMEOUT, why, lost);
    }
    return goes_again && waiting() != 0;
}

// Those whose own time is over.
void Outbox::give_up(std::uint64_t now_ns, Losses& lost) {
    while (!untils_.empty() && untils_.begin()->first <= now_ns) {
        const std::uint64_t number = untils_.begin()->second;
        untils_.erase(untils_.begin());
        auto found = std::lower_bound(items_.begin(), items_.end(), number,
                                      [](const Item& item, auto of) { return item.number < of; });
        if (found == items_.end() || found->number != number) continue;
        const bool doubt = found->times != 0;
        lose(static_cast<std::size_t>(found - items_.begin()),
             doubt ? Loss::link_lost : Loss::deadline, REFLOW_ERROR_TIMEOUT,
             doubt ? concat("not confirmed within its time", in_doubt) : String("not sent within its time"),
             lost);
    }
}

std::uint64_t Outbox::due_ns() const noexcept {
    std::uint64_t due = untils_.empty() ? UINT64_MAX : untils_.begin()->first;
    // tick() wants more than that.
    if (sent_ != 0) due = std::min(due, later_by(progress_ns_, later_by(options_.ack_timeout_ns, 1)));
    if (sent_ < items_.size()) due = std::min(due, items_[sent_].deadline_ns);
    return due;
}

void Outbox::end(std::string_view why, Losses& lost) {
    while (!items_.empty()) {
        const bool doubt = items_.front().times != 0;
        lose(0, doubt ? Loss::link_lost : Loss::not_connected, REFLOW_ERROR_CLOSED,
             concat(why, doubt ? in_doubt : std::string_view()), lost);
    }
}

// What has been sent waits again, in front of the others; but not for ever.
void Outbox::take_back(Losses& lost) {
    for (std::size_t i = 0; i < sent_;) {
        if (items_[i].times <= options_.ack_retries) {
            ++i;
            continue;
        }
        String why = concat("sent ", items_[i].times, " times and not confirmed", in_doubt);
        lose(i, Loss::link_lost, REFLOW_ERROR_TIMEOUT, why, lost);
    }
    sent_ = 0;
}

void Outbox::lose(std::size_t at, Loss loss, reflow_status status, std::string_view why,
                  Losses& lost) {
    Item& item = items_[at];
    if (item.fate) {
        item.fate->decided = true;
        item.fate->doubt = item.times != 0 && loss != Loss::refused;
        item.fate->status = status;
        item.fate->why = why;
    }
    ++books_.lost[static_cast<std::size_t>(loss)];
    if (at < sent_) --sent_;
    Kept gone = drop(at);
    lost.push_back({std::move(gone.message), loss, status, String(why), std::move(gone.fate)});
}

Kept Outbox::drop(std::size_t at) {
    Kept gone{std::move(items_[at].message), std::move(items_[at].fate)};
    if (gone.fate) untils_.erase({gone.fate->until_ns, items_[at].number});
    bytes_ -= items_[at].bytes;
    items_.erase(items_.begin() + static_cast<std::ptrdiff_t>(at));
    return gone;
}

}  // namespace reflow::peer
