// See simulation_streams.hpp.
#include "simulation_streams.hpp"

#include <chrono>
#include <utility>

namespace reflow::testing {

using runtime::Patience;

namespace {
std::string frame_text(std::size_t id, std::int64_t index) {
    return std::to_string(id) + ":" + std::to_string(index);
}
constexpr std::string_view own_text = "as its writer wants";
constexpr std::string_view dropped_text = "the producer ended without an end";
}  // namespace

runtime::Stream::Options stream_options(std::size_t id, const StreamPlan& plan, bool large) {
    runtime::Stream::Options options;
    options.most = {large ? 1'000'000 : plan.room(), UINT64_MAX};
    // Room for one frame or two, whatever they are counted by.
    if (!large && plan.by_bytes()) options.most = {64, 7};
    options.metadata = Message::integer(static_cast<std::int64_t>(id));
    return options;
}

// ---- the book

std::size_t StreamBook::open(const StreamPlan& plan, std::int64_t length) {
    std::lock_guard lock(mutex_);
    all_.emplace_back(plan).length = length;
    ++counts_.streams;
    return all_.size() - 1;
}

void StreamBook::wrote(std::size_t id) {
    std::lock_guard lock(mutex_);
    ++all_[id].written;
    ++counts_.frames;
}

void StreamBook::writer_over(std::size_t id, StreamEnd how, bool unread) {
    std::lock_guard lock(mutex_);
    Record& one = all_[id];
    if (std::exchange(one.writer_over, true)) faults_.push_back("a writer is over twice");
    changed_.notify_all();
    one.how = how;
    one.unread = unread;
    if (unread) {
        ++counts_.unread;
    } else {
        ++(how == StreamEnd::ends ? counts_.ended
                                  : how == StreamEnd::fails ? counts_.failed : counts_.dropped);
    }
}

void StreamBook::accepted(std::size_t id) {
    std::lock_guard lock(mutex_);
    if (std::exchange(all_[id].accepted, true)) faults_.push_back("a stream is accepted twice");
}

void StreamBook::read(std::size_t id) {
    std::lock_guard lock(mutex_);
    ++all_[id].read;
}

void StreamBook::reader_over(std::size_t id, reflow_frame_kind kind, std::string_view text) {
    std::lock_guard lock(mutex_);
    Record& one = all_[id];
    if (std::exchange(one.reader_over, true)) faults_.push_back("a stream ends twice");
    changed_.notify_all();
    one.kind = kind;
    one.text = text;
}

void StreamBook::reader_left(std::size_t id) {
    std::lock_guard lock(mutex_);
    Record& one = all_[id];
    if (std::exchange(one.reader_over, true)) faults_.push_back("a reader leaves a stream twice");
    changed_.notify_all();
    one.left = true;
    ++counts_.left;
}

void StreamBook::observer_over() {
    std::lock_guard lock(mutex_);
    ++counts_.observed;
}

void StreamBook::waited() {
    std::lock_guard lock(mutex_);
    ++counts_.waits;
}

void StreamBook::fault(const std::string& text) {
    std::lock_guard lock(mutex_);
    faults_.push_back(text);
}

std::size_t StreamBook::open_ends() const {
    std::lock_guard lock(mutex_);
    return count_open();
}

bool StreamBook::wait_until_over() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(60), [&] { return count_open() == 0; });
}

std::size_t StreamBook::count_open() const {
    std::size_t open = 0;
    for (const Record& one : all_) {
        open += !one.writer_over || (one.accepted && !one.reader_over);
    }
    return open;
}

void StreamBook::check(bool stopped) {
    std::lock_guard lock(mutex_);
    for (std::size_t id = 0; id < all_.size(); ++id) check_one(id, all_[id], stopped);
}

// Frames that were written have been read, or went with a reader that has left or never was.
void StreamBook::check_one(std::size_t id, const Record& one, bool stopped) {
    auto bad = [&](std::string_view what) {
        faults_.push_back("stream " + std::to_string(id) + ": " + std::string(what) + " (" +
                          std::to_string(one.written) + " written, " + std::to_string(one.read) +
                          " read)");
    };
    if (one.read > one.written) bad("more is read than was written");
    const bool complete = one.accepted && !one.left;
    if (!complete) counts_.discarded += static_cast<std::uint64_t>(one.written - one.read);
    if (stopped) return;
    if (!one.writer_over) return bad("its writer is not over");
    if (one.accepted && !one.reader_over) return bad("its reader is not over");
    if (one.unread && complete) bad("its writer hears that nobody reads, and somebody does");
    if (!one.unread && one.length >= 0 && one.written != one.length) bad("its writer lacks frames");
    if (!complete) return;
    if (one.read != one.written) bad("frames are lost");
    const bool well = one.how == StreamEnd::ends;
    if (well != (one.kind == REFLOW_FRAME_END)) bad("it has another end than its writer gave it");
    if (!well && one.text != (one.how == StreamEnd::fails ? own_text : dropped_text)) {
        bad("it ends with '" + one.text + "'");
    }
}

StreamBook::Counts StreamBook::counts() const {
    std::lock_guard lock(mutex_);
    return counts_;
}

std::vector<std::string> StreamBook::faults() const {
    std::lock_guard lock(mutex_);
    return faults_;
}

// ---- the end that writes

void WritingEnd::wrote() {
    book_->wrote(id_);
    ++next_;
}

void WritingEnd::unread() {
    book_->writer_over(id_, StreamEnd::drops, true);
    writer_.reset();
}

Message WritingEnd::frame() const { return Message::bytes(frame_text(id_, next_)); }

reflow_status WritingEnd::write(std::int64_t timeout_ms) {
    Patience patience(timeout_ms);
    Message data = frame();
    const reflow_status status = writer_->write(data.raw(), patience);
    if (status == REFLOW_OK) {
        (void)data.leak();
        wrote();
    }
    if (status == REFLOW_ERROR_WOULD_BLOCK) book_->waited();
    if (status == REFLOW_ERROR_CLOSED) unread();
    return status;
}

void WritingEnd::end(StreamEnd how) {
    reflow_status status = REFLOW_OK;
    if (how == StreamEnd::ends) status = writer_->end();
    if (how == StreamEnd::fails) status = writer_->fail(Message::error(own_text));
    // Nobody could tell a dropped writer that its reader had left.
    if (status == REFLOW_ERROR_CLOSED) return unread();
    if (status != REFLOW_OK) book_->fault("the end of a stream: " + std::to_string(status));
    book_->writer_over(id_, how, false);
    writer_.reset();
}

reflow_status WritingEnd::pump(std::int64_t timeout_ms, std::int64_t most, bool ends) {
    for (std::int64_t done = 0; next_ < length_; ++done) {
        if (done == most) return REFLOW_ERROR_LIMIT;
        const reflow_status status = write(timeout_ms);
        if (status == REFLOW_ERROR_CLOSED) return REFLOW_OK;
        if (status != REFLOW_OK) return status;
    }
    if (ends) end(plan_.end());
    return REFLOW_OK;
}

// ---- the end that reads

ReadingEnd::ReadingEnd(StreamBook& book, std::size_t id, StreamPlan plan, bool observes,
                       bool reliable, std::unique_ptr<runtime::StreamReader> reader)
    : book_(&book),
      id_(id),
      plan_(plan),
      observes_(observes),
      reliable_(reliable),
      reader_(std::move(reader)) {
    if (!observes_) book_->accepted(id_);
}

void ReadingEnd::leave() {
    if (!observes_) book_->reader_left(id_);
    reader_.reset();
}

// Data comes in order; to a reader and a reliable observer all of it from where it began.
void ReadingEnd::take_data(const Message& frame) {
    const std::string_view text = MessageRef(frame).bytes();
    const std::size_t colon = text.find(':');
    if (colon == text.npos || text.substr(0, colon) != std::to_string(id_)) {
        return book_->fault("a frame of another stream: " + std::string(text));
    }
    const std::int64_t index = std::stoll(std::string(text.substr(colon + 1)));
    const bool first = observes_ && next_ == 0;
    const bool follows = index == next_ || first || (observes_ && !reliable_ && index > next_);
    if (!follows) {
        book_->fault("frame " + std::string(text) + " instead of " + std::to_string(next_));
    }
    next_ = index + 1;
    if (!observes_) book_->read(id_);
}

void ReadingEnd::take(reflow_frame_kind kind, const Message& frame) {
    if (kind == REFLOW_FRAME_BEGIN) {
        if (std::exchange(begun_, true)) book_->fault("a second BEGIN");
        MessageRef number = MessageRef(frame).get("metadata");
        if (number.integer() != static_cast<std::int64_t>(id_)) book_->fault("a BEGIN of another stream");
        return;
    }
    if (kind == REFLOW_FRAME_DATA) return take_data(frame);
    const bool error = kind == REFLOW_FRAME_ERROR;
    if (observes_) {
        book_->observer_over();
    } else {
        book_->reader_over(id_, kind, error ? MessageRef(frame).text() : std::string_view());
    }
    reader_.reset();
}

reflow_status ReadingEnd::pump(std::int64_t timeout_ms, std::size_t batch) {
    Patience patience(timeout_ms);
    while (reader_) {
        if (!observes_ && plan_.leaves() >= 0 && next_ >= plan_.leaves()) return leave(), REFLOW_OK;
        reflow_stream_frame frames[4];
        std::size_t count = 0;
        const reflow_status status = reader_->read({frames, batch}, patience, count);
        if (status == REFLOW_ERROR_WOULD_BLOCK) book_->waited();
        if (status != REFLOW_OK) return status;
        if (count == 0) book_->fault("a reader gets no frame");
        for (std::size_t i = 0; i < count; ++i) {
            Message frame = Message::adopt(frames[i].message);
            if (reader_ == nullptr) book_->fault("a frame behind the end");
            if (!begun_ && frames[i].kind != REFLOW_FRAME_BEGIN) book_->fault("a frame before BEGIN");
            if (reader_) take(frames[i].kind, frame);
        }
    }
    return REFLOW_OK;
}

reflow_status ReadingEnd::front(reflow_frame_kind& kind, Message& frame) {
    Patience none(0);
    const reflow_status status = reader_->front(none, kind, frame);
    if (status == REFLOW_ERROR_WOULD_BLOCK) book_->waited();
    return status;
}

void ReadingEnd::pop() { reader_->pop(); }

}  // namespace reflow::testing
