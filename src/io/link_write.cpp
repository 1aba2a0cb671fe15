// The way out of a link, and its end. Whoever takes the right to write, a sender or the loop,
// writes all that is queued, also what others queue meanwhile, so that many small frames go in one
// call of the system and one frame costs no wake of the loop.
#include <sys/random.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

#include "base/text.hpp"
#include "io/link.hpp"

namespace reflow::io {
namespace {

// A sender that writes for others goes on for so many calls of the system; then the loop does.
constexpr int rounds_count = 16;
// How long the other side may take for its close frame after ours has been written.
constexpr std::uint64_t answer_ns = 5'000'000'000;
// The same where nobody has said who that is: whoever has dialled it waits to hear what was wrong.
constexpr std::uint64_t stranger_answer_ns = 250'000'000;

}  // namespace

// ---- what any thread does

reflow_status Link::send(String&& frame, bool text) {
    return put(text ? Kind::text : Kind::binary, std::move(frame), true);
}

// In the order of the machine: nobody else reads it.
reflow_status Link::ping(std::uint64_t number) {
    char bytes[sizeof number];
    std::memcpy(bytes, &number, sizeof number);
    return put(Kind::ping, String(bytes, sizeof bytes), false);
}

reflow_status Link::put(Kind kind, String&& frame, bool counts) {
    bool write = false;
    bool poke = false;
    {
        std::lock_guard lock(mutex_);
        if (shut_) return REFLOW_ERROR_CLOSED;
        std::size_t size = frame.size();
        if (size > most_bytes(form_)) return REFLOW_ERROR_LIMIT;
        std::size_t queued = queued_.load(std::memory_order_relaxed);
        // A frame larger than the queue may be is taken if nothing else is there.
        if (queued != 0 &&
            (queued >= options_.queue_bytes || size > options_.queue_bytes - queued)) {
            owes_ = true;  // there is something in the queue, so somebody will write it and tell
            return REFLOW_ERROR_WOULD_BLOCK;
        }
        push(kind, std::move(frame), counts);
        bool waits = loop_->here() && dispatching_;
        if (can_write_ && !writing_ && !waits && !channel_.secure()) {
            write = writing_ = true;
        } else {
            owes_ = true;
            if (can_write_ && !writing_ && !waits) poke = wish_write_ = true;
        }
    }
    if (write) write_out();
    if (poke) loop_->poke(*this);
    return REFLOW_OK;
}

void Link::close(std::uint16_t code, std::string_view reason) {
    {
        std::lock_guard lock(mutex_);
        if (shut_) return;
        asked_ = {code, REFLOW_OK, String(reason)};
        shut_ = wish_close_ = true;
    }
    loop_->poke(*this);
}

void Link::cut() noexcept {
    {
        std::lock_guard lock(mutex_);
        if (gone_) return;
        shut_ = wish_cut_ = true;
    }
    loop_->poke(*this);
}

void Link::read(bool wanted) noexcept {
    if (wanted_.exchange(wanted, std::memory_order_relaxed) == wanted) return;
    {
        std::lock_guard lock(mutex_);
        wish_read_ = true;
    }
    loop_->poke(*this);
}

String Link::remote() const {
    std::lock_guard lock(mutex_);
    return remote_;
}

// Under mutex_: the parts of a message follow one another.
void Link::push(Kind kind, String&& body, bool counts) {
    if (form_ == Form::tcp || body.size() <= ws_part_bytes) return push_part(kind, std::move(body), true, counts);
    for (std::size_t at = 0; at < body.size(); at += ws_part_bytes) {
        const bool last = body.size() - at <= ws_part_bytes;
        push_part(at == 0 ? kind : Kind::more, String(body.substr(at, ws_part_bytes)), last, last && counts);
    }
}

// Under mutex_.
void Link::push_part(Kind kind, String&& body, bool last, bool counts) {
    std::uint8_t* mask = masks_;
    if (form_ == Form::ws_client) {
        if (masks_used_ + 4 > sizeof masks_) {
            // The system always has as few as these.
            (void)!getrandom(masks_, sizeof masks_, 0);
            masks_used_ = 0;
        }
        mask = masks_ + masks_used_;
        masks_used_ += 4;
    }
    Piece& piece = queue_.emplace_back();
    piece.head_bytes =
        static_cast<std::uint8_t>(write_head(form_, kind, body.size(), mask, piece.head, last));
    piece.counts = counts;
    piece.body = std::move(body);
    if (form_ == Form::ws_client) apply_mask(piece.body.data(), piece.body.size(), mask);
    queued_.store(queued_.load(std::memory_order_relaxed) + piece.size(),
                  std::memory_order_relaxed);
}

// ---- writing, by who has the right to

// Under mutex_. The bytes stay where they are until wrote(), since a deque does not move its
// elements.
std::size_t Link::gather(iovec* parts) noexcept {
    std::size_t count = 0;
    std::size_t skip = sent_;
    for (Piece& piece : queue_) {
        if (count + 2 > parts_count) break;
        if (skip < piece.head_bytes) {
            parts[count++] = {piece.head + skip, piece.head_bytes - skip};
            skip = 0;
        } else {
            skip -= piece.head_bytes;
        }
        if (skip < piece.body.size())
            parts[count++] = {piece.body.data() + skip, piece.body.size() - skip};
        skip = 0;
    }
    return count;
}

// Under mutex_.
void Link::wrote(std::size_t bytes) noexcept {
    bytes_out_.store(bytes_out_.load(std::memory_order_relaxed) + bytes, std::memory_order_relaxed);
    queued_.store(queued_.load(std::memory_order_relaxed) - bytes, std::memory_order_relaxed);
    std::uint64_t frames = 0;
    sent_ += bytes;
    while (!queue_.empty() && sent_ >= queue_.front().size()) {
        sent_ -= queue_.front().size();
        if (queue_.front().counts) ++frames;
        loop_->buffers.give(std::move(queue_.front().body));
        queue_.pop_front();
    }
    frames_written_.store(frames_written_.load(std::memory_order_relaxed) + frames,
                          std::memory_order_relaxed);
}

// The caller has set writing_. The lock is not held while the system writes.
void Link::write_out() noexcept {
    bool poke = false;
    Channel leftover;
    iovec parts[parts_count];
    for (int round = 0;; ++round) {
        std::size_t count = 0;
        {
            std::lock_guard lock(mutex_);
            if (gone_) {
                leftover = std::move(channel_);
                writing_ = false;
                break;
            }
            count = gather(parts);
            if (count == 0) {
                writing_ = false;
                // The close frame is looked after as well.
                if (std::exchange(owes_, false) || shut_) poke = wish_drained_ = true;
                break;
            }
            if (round == rounds_count) {
                writing_ = false;
                poke = wish_write_ = true;
                break;
            }
        }
        std::size_t size = 0;
        int error = 0;
        Moved moved = channel_.write({parts, count}, &size, &error);
        std::lock_guard lock(mutex_);
        if (moved == Moved::some) {
            wrote(size);
            continue;
        }
        can_write_ = writing_ = false;
        broken_ = moved == Moved::failed;
        owes_ = true;
        poke = wish_write_ = true;
        if (gone_) leftover = std::move(channel_);
        break;
    }
    if (poke && !(loop_->here() && dispatching_)) loop_->poke(*this);
}

// ---- on the loop, where dispatching_ says that written() follows

void Link::flush() noexcept {
    {
        std::lock_guard lock(mutex_);
        if (writing_ || !can_write_ || queue_.empty()) return;
        writing_ = true;
    }
    write_out();
}

// What others have asked for, or the writing has to tell.
void Link::poked() {
    if (state_ == State::ended) return;
    bool cut = false;
    bool close = false;
    bool read = false;
    Verdict asked;
    {
        std::lock_guard lock(mutex_);
        cut = wish_cut_;
        close = std::exchange(wish_close_, false);
        read = std::exchange(wish_read_, false);
        if (close) asked = std::move(asked_);
    }
    if (cut) return end({WIRE_ABNORMAL, REFLOW_ERROR_CANCELLED, "cut on this side"});
    dispatching_ = true;
    if (close) start_close(std::move(asked), false);
    if (read && state_ != State::ended) resume();
    dispatching_ = false;
    written();
}

// The end of every turn on the loop: writes, tells what has been written, and watches for what is
// next.
void Link::written() {
    if (state_ < State::open || state_ == State::ended) return;
    if (state_ == State::open) {
        // Mostly there is nothing.
        std::unique_lock lock(mutex_);
        if (queue_.empty() && !wish_drained_ && !wish_write_ && !broken_) {
            lock.unlock();
            return watch_->want(!paused(), false);
        }
    }
    dispatching_ = true;
    flush();
    dispatching_ = false;
    bool drained = false;
    bool empty = false;
    bool broken = false;
    bool more = false;
    {
        std::lock_guard lock(mutex_);
        wish_write_ = false;
        empty = queue_.empty();
        // There was a moment when all was written; others may have sent since.
        drained = std::exchange(wish_drained_, false);
        broken = broken_;
        more = !empty && can_write_ && !writing_;
    }
    // What the other side said before it went is read first, if anybody reads.
    if (broken && paused()) return end({WIRE_ABNORMAL, REFLOW_ERROR_IO, "the other side is gone"});
    if (state_ == State::closing && empty) {
        if (close_heard_) return end(std::move(verdict_));
        if (!std::exchange(answer_awaited_, true)) {
            // Its answer would not be heard: it is told the end, and read until it has seen that, as
            // a reset could take our close frame away.
            if (deaf_) channel_.finish();
            const bool stranger = resolver_ && frame_limit_ < options_.frame_bytes;
            end_after(std::min(options_.send_ns, stranger ? stranger_answer_ns : answer_ns), true);
        }
    } else if (state_ == State::open && drained) {
        handler_->drained(*this);
        if (state_ == State::ended) return;
    }
    if (more) loop_->poke(*this);
    watch_stall();
    update_watch();
}

// Ends a link that is closing, whatever the other side does. in_order: all has been written.
void Link::end_after(std::uint64_t wait_ns, bool in_order) {
    loop_->cancel(timer_);
    Ref<Link> self = Ref<Link>::share(this);
    timer_ = loop_->after(wait_ns, [self, in_order] {
        self->timer_ = 0;
        if (!in_order && self->verdict_.status == REFLOW_OK)
            self->verdict_.status = REFLOW_ERROR_TIMEOUT;
        self->end(std::move(self->verdict_));
    });
}

void Link::update_watch() noexcept {
    if (watch_ == nullptr || state_ < State::open) return;
    bool out = false;
    {
        std::lock_guard lock(mutex_);
        out = !can_write_ && !queue_.empty() && !broken_;
    }
    watch_->want(!paused(), out);
}

// Ends the link if nothing at all has been written for send_ns while something waits.
void Link::watch_stall() {
    if (stall_timer_ != 0 || queued_bytes() == 0) return;
    stall_mark_ = bytes_out();
    Ref<Link> self = Ref<Link>::share(this);
    stall_timer_ = loop_->after(options_.send_ns, [self] {
        self->stall_timer_ = 0;
        if (self->state_ == State::ended) return;
        if (self->queued_bytes() != 0 && self->bytes_out() == self->stall_mark_) {
            return self->end({WIRE_ABNORMAL, REFLOW_ERROR_TIMEOUT,
                              concat("the other side took nothing for ",
                                     self->options_.send_ns / 1'000'000, " ms")});
        }
        self->watch_stall();
    });
}

// verdict is told when the close frames have gone both ways.
void Link::start_close(Verdict verdict, bool answer) {
    if (state_ == State::ended) return;
    if (state_ < State::open) return end(std::move(verdict));
    if (state_ != State::closing) {
        verdict_ = std::move(verdict);
        state_ = State::closing;
        told_why_ = answer;
        // The beginning of a frame stays, since the rest of it comes.
        if (std::exchange(held_, false) || answer) rest_.clear();
        end_after(options_.send_ns, false);
    }
    close_heard_ = close_heard_ || answer;
    if (std::exchange(close_sent_, true)) return;
    std::lock_guard lock(mutex_);
    shut_ = true;
    owes_ = true;
    push(Kind::close, close_body(verdict_.code, verdict_.reason), false);
}

void Link::end(Verdict verdict) noexcept {
    if (std::exchange(state_, State::ended) == State::ended) return;
    Ref<Link> self = Ref<Link>::share(this);
    loop_->cancel(std::exchange(timer_, 0));
    loop_->cancel(std::exchange(stall_timer_, 0));
    if (watch_ != nullptr) std::exchange(watch_, nullptr)->close();
    Channel channel;
    {
        std::lock_guard lock(mutex_);
        shut_ = gone_ = true;
        can_write_ = false;
        if (wish_cut_ && channel_.descriptor() >= 0) {
            // Nothing of it lives on in the system.
            linger none{1, 0};
            setsockopt(channel_.descriptor(), SOL_SOCKET, SO_LINGER, &none, sizeof none);
        }
        if (!writing_) {  // otherwise who writes uses it still
            channel = std::move(channel_);
            queue_.clear();  // another one in its place would need memory
            queued_.store(0, std::memory_order_relaxed);
        }
    }
    channel.close();
    names_ = {};
    resolver_ = nullptr;
    tls_ = nullptr;
    WireHandler* handler = std::exchange(handler_, nullptr);
    std::function<void()> ended;
    ended.swap(ended_);
    if (handler != nullptr) handler->closed(*this, verdict.code, verdict.status, verdict.reason);
    if (ended) ended();
    loop_->leave(*this);
}

void Link::shut_down() noexcept {
    std::string_view reason = "the host of wires has ended";
    if (state_ == State::open) {
        try {
            start_close({WIRE_GOING_AWAY, REFLOW_OK, String(reason)}, false);
        } catch (...) {
            // No memory to say goodbye.
        }
        flush();  // what the socket takes at once
    }
    Verdict verdict{WIRE_GOING_AWAY, REFLOW_ERROR_CANCELLED, {}};
    try {
        verdict.reason = reason;
    } catch (const std::bad_alloc&) {
        // Without a word.
    }
    end(std::move(verdict));
}

}  // namespace reflow::io
