// What a writer and a reader do with their stream.
// Neighbours: stream. Thread: one at a time for each end.
#include <algorithm>
#include <new>

#include "base/host.hpp"
#include "base/limits.hpp"
#include "base/text.hpp"
#include "runtime/stream_wait.hpp"

namespace reflow::runtime {
namespace {

void drop(Queue<reflow_message>& frames) noexcept {
    while (!frames.empty()) (void)Message::adopt(frames.pop());
}

}  // namespace

std::uint64_t Patience::deadline(const Scheduler& scheduler) noexcept {
    if (!begun_) deadline_ns_ = deadline_of(scheduler, timeout_ms_);
    begun_ = true;
    return deadline_ns_;
}

reflow_status Stream::wait_to_write(Lock& lock, std::uint64_t size, const Keep& keep,
                                    Patience& patience) {
    for (;;) {
        if (end_ != End::open) return REFLOW_ERROR_CLOSED;
        if (has_room(size)) return REFLOW_OK;
        wanted_ = size;
        const reflow_status status = wait(
            lock, writer_, taker(), keep, patience, [&] { return wait_for_room(); },
            [&] { return end_ != End::open || has_room(size); });
        if (status != REFLOW_OK) return status;
    }
}

reflow_status Stream::wait_to_read(Lock& lock, StreamInbox& inbox, const Keep& keep,
                                   Patience& patience) {
    while (!readable(inbox)) {
        const reflow_status status = wait(
            lock, inbox.side, &writer_, keep, patience, [&] { return wait_for_frame(inbox.side); },
            [&] { return readable(inbox); });
        if (status != REFLOW_OK) return status;
    }
    return inbox.over ? REFLOW_ERROR_CLOSED : REFLOW_OK;
}

// ---- the writer

StreamWriter::StreamWriter(Ref<Stream> stream, Keep keep) noexcept
    : stream_(std::move(stream)), keep_(std::move(keep)) {}

StreamWriter::~StreamWriter() {
    Stream::Lock lock(stream_->mutex_);
    (void)stream_->finish(Stream::End::dropped, {});
    stream_->leave_side(lock, stream_->writer_);
}

reflow_status StreamWriter::write(reflow_message data, Patience& patience) {
    MessageRef given(data);
    if (!given.is(REFLOW_KIND_BYTES)) return REFLOW_ERROR_WRONG_KIND;
    Stream& stream = *stream_;
    std::uint64_t size = given.content_bytes().size();
    Stream::Lock lock(stream.mutex_);
    const reflow_status status = stream.wait_to_write(lock, size, keep_, patience);
    if (status != REFLOW_OK) return status;
    Message taken = Message::adopt(data);
    try {
        stream.put(taken);
    } catch (const std::bad_alloc&) {
        (void)taken.leak();
        throw;
    }
    stream.leave(lock);
    return REFLOW_OK;
}

reflow_status StreamWriter::wait_for_room(Patience& patience) {
    Stream::Lock lock(stream_->mutex_);
    return stream_->wait_to_write(lock, 1, keep_, patience);
}

reflow_status StreamWriter::push(Message data) {
    if (!data.is(REFLOW_KIND_BYTES)) return REFLOW_ERROR_WRONG_KIND;
    Stream::Lock lock(stream_->mutex_);
    if (stream_->end_ != Stream::End::open) {
        lock.unlock();  // before the message ends
        return REFLOW_ERROR_CLOSED;
    }
    stream_->put(data);
    stream_->leave(lock);
    return REFLOW_OK;
}

StreamLimits StreamWriter::waiting() const noexcept {
    Stream::Lock lock(stream_->mutex_);
    StreamLimits most;
    auto look = [&](const StreamInbox& inbox) {
        most.frames = std::max(most.frames, static_cast<std::uint32_t>(inbox.frames.size()));
        most.bytes = std::max(most.bytes, inbox.bytes);
    };
    look(stream_->main_);
    for (const StreamInbox* to = stream_->observers_; to != nullptr; to = to->next) {
        if (to->reliable) look(*to);
    }
    return most;
}

bool StreamWriter::watch(Ref<StreamWatcher> watcher) noexcept {
    const Ref<Stream> keep = stream_;  // who is told may end this writer
    return keep->watch(keep->writer_, std::move(watcher));
}

reflow_status StreamWriter::write_chunks(MessageRef data, std::size_t chunk, std::size_t& offset,
                                         Patience& patience) {
    if (!data.is(REFLOW_KIND_BYTES)) return REFLOW_ERROR_WRONG_KIND;
    std::size_t all = data.bytes().size();
    if (offset > all) return REFLOW_ERROR_INVALID_ARGUMENT;
    if (chunk == 0) chunk = limits::stream_chunk_bytes;
    while (offset < all) {
        std::size_t size = std::min(chunk, all - offset);
        Message part = size == all ? data.own() : Message::part(data, offset, size);
        reflow_status status = write(part.raw(), patience);
        if (status != REFLOW_OK) return status;
        (void)part.leak();
        offset += size;
    }
    return REFLOW_OK;
}

reflow_status StreamWriter::end() noexcept {
    Stream::Lock lock(stream_->mutex_);
    reflow_status status = stream_->finish(Stream::End::ended, {});
    stream_->leave(lock);
    return status;
}

reflow_status StreamWriter::fail(Message text) noexcept {
    Stream::Lock lock(stream_->mutex_);
    reflow_status status = stream_->finish(Stream::End::failed, std::move(text));
    stream_->leave(lock);
    return status;
}

// ---- the reader

StreamReader::StreamReader(Ref<Stream> stream, Keep keep) noexcept
    : stream_(std::move(stream)),
      keep_(std::move(keep)),
      observes_(false),
      inbox_(&stream_->main_) {}

StreamReader::StreamReader(Ref<Stream> stream, Keep keep, StreamLimits most, bool reliable)
    : stream_(std::move(stream)), keep_(std::move(keep)), observes_(true), inbox_(&own_) {
    own_.most = most;
    own_.reliable = reliable;
}

StreamReader::~StreamReader() {
    Stream& stream = *stream_;
    Queue<reflow_message> dropped;
    {
        Stream::Lock lock(stream.mutex_);
        stream.give_up(*inbox_, dropped);
        stream.leave_side(lock, inbox_->side);
    }
    drop(dropped);
}

reflow_status StreamReader::read(std::span<reflow_stream_frame> frames, Patience& patience,
                                 std::size_t& count) {
    Stream& stream = *stream_;
    StreamInbox& inbox = *inbox_;
    count = 0;
    if (frames.empty()) return REFLOW_OK;
    auto give = [&](reflow_frame_kind kind, Message message) {
        frames[count++] = {kind, 0, message.leak()};
    };
    Stream::Lock lock(stream.mutex_);
    const reflow_status status = stream.wait_to_read(lock, inbox, keep_, patience);
    if (status != REFLOW_OK) return status;
    if (!std::exchange(inbox.begun, true)) give(REFLOW_FRAME_BEGIN, stream.begin_);
    while (count < frames.size() && !inbox.frames.empty()) {
        give(REFLOW_FRAME_DATA, inbox.pop());
    }
    if (inbox.frames.empty() && stream.end_ != Stream::End::open && count < frames.size()) {
        try {
            Message text = stream.end_message();
            inbox.over = true;
            bool ended = text.none();
            give(ended ? REFLOW_FRAME_END : REFLOW_FRAME_ERROR, std::move(text));
        } catch (const std::bad_alloc&) {
            if (count == 0) throw;  // it comes with the next call
        }
    }
    inbox.frames.shrink(64);
    stream.leave(lock);
    return REFLOW_OK;
}

reflow_status StreamReader::front(Patience& patience, reflow_frame_kind& kind, Message& message) {
    Stream& stream = *stream_;
    StreamInbox& inbox = *inbox_;
    Stream::Lock lock(stream.mutex_);
    inbox.begun = true;
    const reflow_status status = stream.wait_to_read(lock, inbox, keep_, patience);
    if (status != REFLOW_OK) return status;
    if (!inbox.frames.empty()) {
        kind = REFLOW_FRAME_DATA;
        message = MessageRef(inbox.frames.front()).own();
        return REFLOW_OK;
    }
    message = stream.end_message();
    kind = message.none() ? REFLOW_FRAME_END : REFLOW_FRAME_ERROR;
    return REFLOW_OK;
}

void StreamReader::pop() noexcept {
    Message taken;
    Stream::Lock lock(stream_->mutex_);
    if (inbox_->frames.empty()) {
        inbox_->over = stream_->end_ != Stream::End::open;
        return;
    }
    taken = inbox_->pop();
    stream_->leave(lock);
}

Result<Message> StreamReader::collect(std::uint64_t max_bytes, Patience& patience) {
    struct Whole : Allocated {
        String bytes;
    };
    for (;;) {
        reflow_frame_kind kind = 0;
        Message message;
        reflow_status status = front(patience, kind, message);
        if (status != REFLOW_OK) return Failure(status, "the stream has not ended yet");
        if (kind == REFLOW_FRAME_ERROR) {
            Failure failure(REFLOW_ERROR_FAILED, message.text());
            pop();
            return failure;
        }
        if (kind == REFLOW_FRAME_END) break;
        std::string_view data = message.content_bytes();
        if (data.size() > max_bytes || gathered_.size() > max_bytes - data.size()) {
            return Failure(REFLOW_ERROR_LIMIT,
                           concat("the stream has more than ", max_bytes, " bytes (max_bytes)"))
                .hint("read it frame by frame, or allow more");
        }
        gathered_.append(data);
        pop();
    }
    std::unique_ptr<Whole> whole(new Whole);
    whole->bytes.swap(gathered_);
    Message made;
    try {
        made = Message::lend(
            REFLOW_KIND_BYTES, whole->bytes, [](void* data) { delete static_cast<Whole*>(data); },
            whole.get());
    } catch (const std::bad_alloc&) {
        whole->bytes.swap(gathered_);
        throw;
    }
    (void)whole.release();
    pop();
    return made;
}

reflow_status StreamReader::transform(StreamWriter& to, reflow_transform_fn function,
                                      void* user_data, Patience& patience) {
    for (;;) {
        // Room first: what the function has made always goes.
        if (reflow_status status = to.wait_for_room(patience); status != REFLOW_OK) return status;
        reflow_frame_kind kind = 0;
        Message message;
        if (reflow_status status = front(patience, kind, message); status != REFLOW_OK) {
            return status;
        }
        if (kind == REFLOW_FRAME_END || kind == REFLOW_FRAME_ERROR) {
            bool ended = kind == REFLOW_FRAME_END;
            reflow_status status = ended ? to.end() : to.fail(std::move(message));
            pop();
            return status != REFLOW_OK || ended ? status : reflow_status{REFLOW_ERROR_FAILED};
        }
        Message made = message;
        if (function != nullptr) {
            reflow_message out{};
            reflow_status status = REFLOW_ERROR_FAILED;
            String why = "the transform failed";
            try {
                status = function(user_data, message.raw(), &out);
            } catch (...) {
                why = thrown_text();
            }
            made = Message::adopt(out);
            if (status != REFLOW_OK) {
                (void)to.fail(Message::error(why));
                return status;
            }
        }
        if (!made.none()) {
            reflow_status status = to.push(std::move(made));
            if (status == REFLOW_ERROR_WRONG_KIND) {
                (void)to.fail(Message::error("the transform made something else than bytes"));
            }
            if (status != REFLOW_OK) return status;
        }
        pop();
    }
}

bool StreamReader::watch(Ref<StreamWatcher> watcher) noexcept {
    const Ref<Stream> keep = stream_;  // who is told may end this reader
    return keep->watch(inbox_->side, std::move(watcher));
}

bool StreamWriter::forked() const noexcept { return stream_->forked(); }
bool StreamReader::forked() const noexcept { return stream_->forked(); }

MessageRef StreamReader::begin() const noexcept { return stream_->begin_; }

std::uint64_t StreamReader::missed() const noexcept {
    Stream::Lock lock(stream_->mutex_);
    return inbox_->missed;
}

}  // namespace reflow::runtime
