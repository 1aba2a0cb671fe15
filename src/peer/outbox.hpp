// Messages for one inport of an actor elsewhere, from one sender: kept while there is no link, sent again
// until they are confirmed if that is asked for, and told as lost when it is of no use any more.
// Neighbours: outboxes (owns them, with links and threads). Thread: one at a time; the clock is handed in.
//
// The messages have numbers that go on without end, the first 0. Those at the front have been sent on
// the present link; behind them are those that wait. What is sent goes in the order of its numbers, and so does what is
// sent again: the receiver knows what it has had by the highest number alone.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "base/ref.hpp"
#include "base/result.hpp"
#include "message/message.hpp"
#include "peer/config.hpp"
#include "peer/outcome.hpp"
#include "peer/status.hpp"

namespace reflow::peer {

struct OutboxOptions {
    Delivery delivery = Delivery::at_most_once;
    OutboxPolicy policy = OutboxPolicy::block;
    std::uint64_t messages = 10'000;
    std::uint64_t bytes = std::uint64_t{64} << 20;
    std::uint64_t deadline_ns = 30'000'000'000;
    std::uint64_t ack_timeout_ns = 5'000'000'000;
    std::uint64_t ack_retries = 5;
    std::uint64_t unacknowledged = 1'000;
};

// What becomes of one message, for a sender that wants to know. Guarded by whoever guards the outbox. Who is to be
// told is called with the end of the last reference, which goes where messages go: where no lock is held.
struct Fate : RefCounted<Fate> {
    ~Fate() {
        if (!told) return;
        const bool arrived = decided && status == REFLOW_OK;
        const Outcome known = arrived ? Outcome::delivered : Outcome::lost;
        told(doubt ? Outcome::in_doubt : known, decided ? status : reflow_status{REFLOW_ERROR_CLOSED},
             why);
    }
    bool decided = false;
    bool doubt = false;  // it may have been delivered
    reflow_status status = REFLOW_OK;  // REFLOW_OK: delivered
    String why;
    OutcomeFn told;
    std::uint64_t until_ns = UINT64_MAX;  // then it is given up, whatever the outbox says
};

// A message that will not be delivered, as far as is known here.
struct Undelivered {
    Message message;  // none if it is not here any more
    Loss loss = Loss::deadline;
    reflow_status status = REFLOW_ERROR_TIMEOUT;
    String why;
    Ref<Fate> fate{};
};
using Losses = Vector<Undelivered>;
// Messages that nobody here needs any more. The last reference to one may call its host, so the caller ends
// them where he holds no lock.
struct Kept {
    Message message;
    Ref<Fate> fate;
};
using Gone = Vector<Kept>;

class Outbox {
public:
    explicit Outbox(const OutboxOptions& options) : options_(options) {}

    // False: there is no room, and the policy is to wait. REFLOW_ERROR_LIMIT: none, and the policy is to
    // fail; or the message is larger than the whole outbox. fate may be NULL.
    // index: of the array port.
    Result<bool> put(Message message, Ref<Fate> fate, std::uint64_t now_ns, Losses& lost,
                     std::uint32_t index = REFLOW_NO_INDEX);
    // Copies what is to be sent next: messages whose numbers follow each other from `number` on, all for
    // one element of the port.
    [[nodiscard]] std::size_t next(std::size_t most, Vector<Message>& to, std::uint64_t& number,
                                   std::uint32_t& index) const;
    // So many of those, from `number` on, have gone, as packets of a channel from `packet` on. Some
    // may have been dropped meanwhile.
    void sent(std::uint64_t number, std::size_t count, std::uint64_t packet,
              std::uint64_t now_ns, Gone& gone);
    // So many packets of the channel, from its beginning, are through.
    void confirmed(std::uint64_t packets, std::uint64_t now_ns, Gone& gone);
    // One that was sent was refused there, or one that waits cannot be written.
    void refused(std::uint64_t packet, reflow_status status, std::string_view why, Losses& lost);
    void unfit(std::uint64_t number, reflow_status status, std::string_view why, Losses& lost);
    // The link has gone: what it has not confirmed waits for another one.
    void unlinked(Losses& lost);
    // Deadlines. Whether something is to be sent again.
    bool tick(std::uint64_t now_ns, Losses& lost);
    // When that is to be called next; UINT64_MAX: not before something else has happened.
    [[nodiscard]] std::uint64_t due_ns() const noexcept;
    // Nothing will be sent any more.
    void end(std::string_view why, Losses& lost);

    struct Books {
        std::uint64_t accepted = 0;   // = delivered + lost + waiting + unconfirmed
        std::uint64_t delivered = 0;  // at_most_once: given to a link
        std::uint64_t resent = 0;
        std::array<std::uint64_t, losses_count> lost{};
    };
    [[nodiscard]] const Books& books() const noexcept { return books_; }
    [[nodiscard]] std::size_t waiting() const noexcept { return items_.size() - sent_; }
    [[nodiscard]] std::size_t unconfirmed() const noexcept { return sent_; }
    [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }
    [[nodiscard]] bool empty() const noexcept { return items_.empty(); }
    [[nodiscard]] const OutboxOptions& options() const noexcept { return options_; }

private:
    struct Item {
        Message message;
        Ref<Fate> fate;
        std::uint64_t number = 0;
        std::uint64_t packet = 0;  // of the present link, once it is sent
        std::uint64_t bytes = 0;
        std::uint64_t deadline_ns = 0;
        std::uint64_t times = 0;  // that it has been sent
        std::uint32_t index = REFLOW_NO_INDEX;
    };
    [[nodiscard]] bool again() const noexcept {
        return options_.delivery == Delivery::at_least_once;
    }
    [[nodiscard]] bool has_room(std::uint64_t bytes) const noexcept {
        return items_.size() < options_.messages && bytes_ + bytes <= options_.bytes;
    }
    void lose(std::size_t at, Loss loss, reflow_status status, std::string_view why,
              Losses& lost);
    void take_back(Losses& lost);
    void give_up(std::uint64_t now_ns, Losses& lost);
    [[nodiscard]] Kept drop(std::size_t at);

    const OutboxOptions options_;
    Deque<Item> items_;     // by number
    std::size_t sent_ = 0;  // the first so many
    using Until = std::pair<std::uint64_t, std::uint64_t>;
    std::set<Until, std::less<>, Allocator<Until>> untils_;  // of fates, with the number of the message
    std::uint64_t next_number_ = 0;
    std::uint64_t bytes_ = 0;
    std::uint64_t progress_ns_ = 0;  // when the link last confirmed something, or had something to confirm
    Books books_;
};

}  // namespace reflow::peer
