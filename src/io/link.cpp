// The way in of a link: what has come into the loop's large buffer is handed on in place; only the
// beginning of a frame that is not whole yet is kept, and the rest of it is then read behind it.
#include "io/link.hpp"

#include <algorithm>
#include <cstring>

#include "base/text.hpp"

namespace reflow::io {
namespace {

constexpr std::size_t keep_bytes = std::size_t{1} << 20;  // of memory between frames
// Of one read: who answers little by little has less, and who sends on and on soon more.
constexpr std::size_t flood_bytes = std::size_t{8} << 10;

// The status for a code that the other side has closed with.
reflow_status status_of(std::uint16_t code) noexcept {
    switch (code) {
        case WIRE_PROTOCOL:
        case 1003:
        case 1007:
            return REFLOW_ERROR_PROTOCOL;
        case WIRE_TOO_LARGE:
            return REFLOW_ERROR_LIMIT;
        default:
            return REFLOW_OK;
    }
}

}  // namespace

// ---- Bytes

void Bytes::reserve(std::size_t room) {
    if (room <= room_) return;
    auto* data = static_cast<std::byte*>(reflow::allocate(room));
    if (size_ > 0) std::memcpy(data, data_, size_);
    reflow::release(data_, room_);
    data_ = data;
    room_ = room;
}

void Bytes::append(const std::byte* from, std::size_t size) {
    if (size == 0) return;
    if (size_ + size > room_) reserve(std::max(size_ + size, room_ * 2));
    std::memcpy(data_ + size_, from, size);
    size_ += size;
}

void Bytes::clear() noexcept {
    size_ = 0;
    if (room_ <= keep_bytes) return;
    reflow::release(std::exchange(data_, nullptr), std::exchange(room_, 0));
}

// ---- Link

Link::Link(Ref<Loop> loop, WireScheme scheme, Form form, const WireOptions& options) noexcept
    : loop_(std::move(loop)), scheme_(scheme), options_(options), form_(form) {}

Link::~Link() { REFLOW_ASSERT(state_ == State::ended || state_ == State::idle); }

void Link::set_remote(String remote) {
    std::lock_guard lock(mutex_);
    remote_ = std::move(remote);
}

void Link::adopt(Channel&& channel, std::span<std::byte> early, WireHandler& handler,
                 std::function<void()> ended) {
    handler_ = &handler;
    channel_ = std::move(channel);
    ended_ = std::move(ended);
    loop_->join(*this);
    open_now();
    if (state_ == State::ended) return;
    dispatching_ = true;
    feed(early.data(), early.size());
    dispatching_ = false;
    written();
}

// The channel is ready for frames: there may be some in the queue.
void Link::open_now() {
    loop_->cancel(std::exchange(timer_, 0));
    if (watch_ != nullptr) std::exchange(watch_, nullptr)->close();
    Ref<Link> self = Ref<Link>::share(this);
    watch_ = Watch::open(*loop_, channel_.descriptor(),
                         [self](bool in, bool out) { self->event(in, out); });
    if (watch_ == nullptr)
        return end({WIRE_ABNORMAL, REFLOW_ERROR_IO, "the loop takes no more sockets"});
    state_ = State::open;
    limit(options_.frame_bytes);
    {
        std::lock_guard lock(mutex_);
        can_write_ = true;
    }
    dispatching_ = true;
    handler_->opened(*this);
    dispatching_ = false;
    written();
}

// Any thread that runs the loop may read what comes, but for two cases that its own thread keeps:
// TLS, where a read may write, and whoever may say little only, since it is not known yet.
void Link::limit(std::size_t frame_bytes) noexcept {
    frame_limit_ = std::min(frame_bytes, options_.frame_bytes);
    if (watch_ != nullptr)
        watch_->roam(!channel_.secure() && frame_limit_ == options_.frame_bytes);
}

// Who is told goodbye for no fault of his may still answer what was said before.
bool Link::hears() const noexcept {
    if (state_ != State::closing) return state_ == State::open;
    return !told_why_ && !close_heard_ && !deaf_ &&
           (verdict_.code == WIRE_NORMAL || verdict_.code == WIRE_GOING_AWAY);
}

std::uint64_t Link::unheard_ns() const noexcept { return channel_.unheard_ns(); }

bool Link::paused() const noexcept {
    return state_ == State::open && !wanted_.load(std::memory_order_relaxed);
}

void Link::event(bool in, bool out) {
    Ref<Link> self = Ref<Link>::share(this);
    try {
        if (out) {
            std::lock_guard lock(mutex_);
            can_write_ = !broken_;
        }
        dispatching_ = true;
        if (in) readable();
        dispatching_ = false;
        written();
    } catch (...) {
        end({WIRE_ABNORMAL, REFLOW_ERROR_OUT_OF_MEMORY, {}});
    }
}

// One read for each turn, so that no link keeps the others waiting; under TLS all that has been
// decrypted, since the socket does not tell of it.
void Link::readable() {
    for (;;) {
        take_held();
        // held_: the pause ended just now, which poked() will hear.
        if (state_ == State::ended || held_ || paused()) return;
        iovec parts[2];
        std::size_t count = 0;
        std::size_t room = 0;
        if (rest_.size() > 0) {
            Head head;
            std::string_view wrong;
            std::optional<std::size_t> need = read_head(form_, rest_.all(), head, wrong);
            // In steps, since the length is what somebody claims.
            std::size_t whole = need.value_or(1) > 0
                                    ? need.value_or(1)
                                    : head.head_bytes + static_cast<std::size_t>(head.bytes);
            room = whole > rest_.size()
                       ? std::min(whole - rest_.size(), std::max(rest_.size(), keep_bytes))
                       : 0;
            rest_.reserve(rest_.size() + room);
            if (room > 0) parts[count++] = {rest_.data() + rest_.size(), room};
        }
        parts[count++] = {loop_->scratch(), Loop::scratch_bytes};
        std::size_t size = 0;
        Moved moved = std::exchange(ending_, Moved::again);
        if (moved == Moved::again) moved = channel_.read({parts, count}, &size);
        if (moved == Moved::again) return;
        if (moved != Moved::some && !loop_->at_home()) {
            ending_ = moved;  // an error is told once
            return loop_->want_home();
        }
        // While closing, the end of the other side is as good as its close frame; and one that has said
        // why it closes reads nothing of what still waits here, such as our answer.
        if (moved != Moved::some && state_ == State::closing && (told_why_ || queued_bytes() == 0))
            return end(std::move(verdict_));
        if (moved == Moved::end)
            return end({WIRE_ABNORMAL, REFLOW_ERROR_IO, "the other side cut the connection"});
        if (moved == Moved::failed)
            return end({WIRE_ABNORMAL, REFLOW_ERROR_IO, concat("cannot read: ", channel_.error())});
        bytes_in_.store(bytes_in_.load(std::memory_order_relaxed) + size,
                        std::memory_order_relaxed);
        if (size >= flood_bytes && !loop_->at_home()) loop_->flooded();
        std::size_t direct = std::min(size, room);
        rest_.grew(direct);
        feed(loop_->scratch(), size - direct);
        if (!channel_.secure()) return;
    }
}

// Takes one step with what is kept; false if nothing can be done before more comes.
bool Link::feed_rest(std::byte*& data, std::size_t& size) {
    Head head;
    std::string_view wrong;
    std::optional<std::size_t> need = read_head(form_, rest_.all(), head, wrong);
    if (!need) {
        fail(WIRE_PROTOCOL, REFLOW_ERROR_PROTOCOL, wrong);
        return false;
    }
    if (*need == 0 && head.bytes > frame_limit_) {
        fail(WIRE_TOO_LARGE, REFLOW_ERROR_LIMIT, "a frame is larger than it may be");
        return false;
    }
    std::size_t whole = *need > 0 ? *need : head.head_bytes + static_cast<std::size_t>(head.bytes);
    if (rest_.size() < whole) {
        if (size == 0) return false;
        std::size_t take = std::min(whole - rest_.size(), size);
        rest_.append(data, take);
        data += take;
        size -= take;
        return true;
    }
    take(head, rest_.all().subspan(head.head_bytes, static_cast<std::size_t>(head.bytes)));
    rest_.clear();
    return true;
}

void Link::feed(std::byte* data, std::size_t size) {
    while (state_ == State::open || state_ == State::closing) {
        if (deaf_) return;
        if (paused()) {
            rest_.append(data, size);
            held_ = true;
            return;
        }
        if (rest_.size() > 0) {
            if (!feed_rest(data, size)) return;
            continue;
        }
        if (size == 0) return;
        Head head;
        std::string_view wrong;
        std::optional<std::size_t> need = read_head(form_, {data, size}, head, wrong);
        if (!need) return fail(WIRE_PROTOCOL, REFLOW_ERROR_PROTOCOL, wrong);
        if (*need == 0 && head.bytes > frame_limit_)
            return fail(WIRE_TOO_LARGE, REFLOW_ERROR_LIMIT, "a frame is larger than it may be");
        if (*need > 0 || head.bytes > size - head.head_bytes) {
            rest_.append(data, size);
            return;
        }
        auto bytes = static_cast<std::size_t>(head.bytes);
        std::byte* body = data + head.head_bytes;
        data = body + bytes;
        size -= head.head_bytes + bytes;
        take(head, {body, bytes});
    }
}

// What had come by a pause, once that is over. More may have come before poked() tells of the end of it.
void Link::take_held() {
    if (!held_ || state_ != State::open || paused()) return;
    held_ = false;
    Bytes kept;
    kept.swap(rest_);
    feed(kept.data(), kept.size());
}

void Link::resume() {
    take_held();
    if (state_ == State::open && channel_.secure()) readable();
}

void Link::take(const Head& head, std::span<std::byte> body) {
    if (head.masked) apply_mask(body.data(), body.size(), head.mask);
    if (head.control()) return take_control(head, body);
    if (!hears()) return;
    bool first = head.kind != Kind::more;
    if (first == in_message_) {
        return fail(WIRE_PROTOCOL, REFLOW_ERROR_PROTOCOL,
                    first ? "a new message before the end of the last" : "a part of no message");
    }
    if (first) message_text_ = head.kind == Kind::text;
    if (first && head.last) return deliver(body, message_text_);
    if (message_.size() > frame_limit_ || body.size() > frame_limit_ - message_.size())
        return fail(WIRE_TOO_LARGE, REFLOW_ERROR_LIMIT, "a message is larger than it may be");
    message_.append(body.data(), body.size());
    in_message_ = !head.last;
    if (in_message_) return;
    deliver(message_.all(), message_text_);
    message_.clear();
}

void Link::take_control(const Head& head, std::span<std::byte> body) {
    if (body.size() > control_most_bytes)
        return fail(WIRE_PROTOCOL, REFLOW_ERROR_PROTOCOL, "a control frame that is too long");
    if (head.kind == Kind::close) {
        std::optional<CloseTold> told = read_close(body);
        if (!told) return fail(WIRE_PROTOCOL, REFLOW_ERROR_PROTOCOL, "a close frame that is wrong");
        if (state_ == State::open) handler_->closing(*this);
        return start_close({told->code, status_of(told->code), String(told->reason)}, true);
    }
    if (state_ != State::open) return;
    if (head.kind == Kind::pong) {
        std::uint64_t number = 0;
        if (body.size() != sizeof number) return;  // nothing that was asked for here
        std::memcpy(&number, body.data(), sizeof number);
        return handler_->ponged(*this, number);
    }
    // Somebody who sends pings and reads no answer must not fill the queue.
    std::lock_guard lock(mutex_);
    if (shut_ || !can_write_) return;
    owes_ = true;
    push(Kind::pong, String(reinterpret_cast<const char*>(body.data()), body.size()), false);
}

void Link::deliver(std::span<const std::byte> message, bool text) {
    if (text && form_ != Form::tcp) {
        std::string_view letters(reinterpret_cast<const char*>(message.data()), message.size());
        if (invalid_utf8(letters))
            return fail(1007, REFLOW_ERROR_PROTOCOL, "a text that is not UTF-8");
    }
    handler_->received(*this, message, text);
}

// The other side does what cannot be gone on with: it is told, and not listened to any more.
void Link::fail(std::uint16_t code, reflow_status status, std::string_view reason) {
    if (state_ == State::closing) return end(std::move(verdict_));
    start_close({code, status, String(reason)}, false);
    deaf_ = true;
}

}  // namespace reflow::io
