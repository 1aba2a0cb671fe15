// See stream_write.hpp.
// Thread: see runtime/context.
#include "components/stream_write.hpp"

#include <new>
#include <utility>

#include "base/limits.hpp"
#include "base/text.hpp"
#include "components/batch.hpp"
#include "components/line_sink.hpp"
#include "message/count.hpp"

namespace reflow::components {
namespace {

// Frames of one call of run, so that other actors have their turn.
constexpr int frames_per_call = 64;

}  // namespace

Result<void> StreamSink::run(Context& context, std::span<Packet> inputs) try {
    for (std::size_t i = 0; i < inputs.size(); ++i) {
        (void)context.advance(i);  // within the batch
        if (reader_ == nullptr) {
            auto accepted = runtime::accept_stream(context, MessageRef(inputs[i].message));
            if (!accepted.ok()) return accepted.take_error();
            reader_ = std::move(accepted).take();
            begin();
        }
        Result<Step> stepped = step(context, *reader_);
        if (stepped.ok() && stepped.value() == Step::later) return {};
        reader_.reset();
        if (!stepped.ok()) return stepped.take_error();
    }
    return {};
} catch (const std::bad_alloc&) {
    reader_.reset();  // its firing has failed, and the next one has a stream of its own
    throw;
}

void StreamSink::rest(Context& context) noexcept {
    (void)context.again();  // both are allowed in run
    (void)context.rest();
}

// ---- StreamCollect

StreamCollect::StreamCollect(const Config& config)
    : max_bytes_(static_cast<std::uint64_t>(
          config.integer("max_bytes", limits::collect_bytes, 1, INT64_MAX))),
      text_(config.flag("text", false)) {}

Result<std::unique_ptr<StreamCollect>> StreamCollect::create(Context& context) {
    Config config(context);
    std::unique_ptr<StreamCollect> made(new StreamCollect(config));
    if (!config.ok()) return config.take_error();
    return made;
}

Result<StreamSink::Step> StreamCollect::step(Context& context, runtime::StreamReader& reader) {
    runtime::Patience none(0);
    Result<Message> whole = reader.collect(max_bytes_, none);
    if (!whole.ok() && whole.error().status == REFLOW_ERROR_WOULD_BLOCK) {
        rest(context);
        return Step::later;
    }
    if (!whole.ok()) return whole.take_error();
    Message out = std::move(whole).take();
    if (text_) {
        Result<Message> text = Message::checked_string(out.bytes());
        if (!text.ok()) return text.take_error();
        out = std::move(text).take();
    }
    if (Result<void> sent = emit(context, 0, std::move(out)); !sent.ok()) return sent.take_error();
    return Step::done;
}

// ---- StreamWrite

StreamWrite::StreamWrite(const Config& config) : append_(config.flag("append", false)) {
    if (config.ok() && config.text("path").empty()) config.fail("path", "the path is empty");
    path_ = output_path(config.text("folder", ""), config.text("path", ""));
}

Result<std::unique_ptr<StreamWrite>> StreamWrite::create(Context& context) {
    Config config(context);
    std::unique_ptr<StreamWrite> made(new StreamWrite(config));
    if (!config.ok()) return config.take_error();
    return made;
}

Result<void> StreamWrite::setup(Context& context) {
    if (loaded_.is(REFLOW_KIND_NULL)) return {};
    std::uint64_t position = 0;
    bool resumes = saved_count(loaded_, position);
    Result<std::unique_ptr<Store::Writer>> opened =
        resumes ? context.store().open_writer_at(path_, position)
                : context.store().open_writer(path_, append_);
    if (!opened.ok()) return opened.take_error();
    file_ = std::move(opened).take();
    return {};
}

Result<Message> StreamWrite::save(Context&) {
    ObjectBuilder object(2);
    object.set("file", Message::string(path_));
    if (file_ == nullptr) {
        object.set("position", Message::null());
    } else {
        Result<std::uint64_t> position = file_->position();
        if (!position.ok()) return position.take_error();
        object.set("position", count_message(position.value()));
    }
    return object.finish();
}

// Version 1 had the position alone.
Result<void> StreamWrite::load(Context& context, MessageRef saved, std::uint32_t version) {
    MessageRef at = version < 2 ? saved : saved.get("position");
    std::uint64_t position = 0;
    if (!at.is(REFLOW_KIND_NULL) && !saved_count(at, position)) {
        return bad_state("it does not tell how long the file is");
    }
    if (!of_other_file(context, saved.get("file"), path_)) loaded_ = at.own();
    return {};
}

Result<StreamSink::Step> StreamWrite::step(Context& context, runtime::StreamReader& reader) {
    loaded_ = Message();
    runtime::Patience none(0);
    if (file_ == nullptr) return Failure(REFLOW_ERROR_CLOSED, "the file is closed").file(path_);
    for (int i = 0; i < frames_per_call; ++i) {
        reflow_frame_kind kind = 0;
        Message frame;
        reflow_status status = reader.front(none, kind, frame);
        if (status == REFLOW_ERROR_WOULD_BLOCK) {
            rest(context);
            return Step::later;
        }
        if (status != REFLOW_OK) return Failure(status, "the stream cannot be read");
        if (kind == REFLOW_FRAME_DATA) {
            std::string_view rest_of = frame.content_bytes().substr(taken_);
            Result<std::size_t> took = file_->write(rest_of);
            if (!took.ok()) return took.take_error();
            taken_ += took.value();
            written_ += took.value();
            if (took.value() < rest_of.size()) {
                (void)context.again();
                (void)context.wake_after(backoff_.next_ns());  // without memory it is asked soon
                return Step::later;
            }
            backoff_.reset();
            taken_ = 0;
            reader.pop();
            continue;
        }
        Result<void> flushed = file_->flush();
        if (kind == REFLOW_FRAME_ERROR) {
            return Failure(REFLOW_ERROR_FAILED, concat("the stream broke off: ", frame.text()))
                .hint(concat(written_, " bytes were written"));
        }
        if (!flushed.ok()) return flushed.take_error();
        Result<void> told = report(context, reader);
        if (!told.ok()) return told.take_error();
        return Step::done;
    }
    (void)context.again();
    return Step::later;
}

Result<void> StreamWrite::report(Context& context, runtime::StreamReader& reader) {
    if (!context.connected(0)) return {};
    ObjectBuilder object(3);
    object.set("path", Message::string(repair_utf8(path_)));
    object.set("bytes", Message::integer(static_cast<std::int64_t>(written_)));
    object.set("content_type", reader.begin().get("content_type").own());
    Result<Message> made = object.finish();
    if (!made.ok()) return made.take_error();
    return emit(context, 0, std::move(made).take());
}

Result<void> StreamWrite::finish(Context&) {
    if (file_ == nullptr) return {};
    std::unique_ptr<Store::Writer> file = std::move(file_);
    return file->close();
}

void StreamWrite::teardown(Context& context) {
    if (file_ == nullptr) return;
    Result<void> closed = file_->close();
    file_.reset();
    if (!closed.ok()) context.log(REFLOW_LOG_ERROR, closed.error().describe());
}

}  // namespace reflow::components
