// Buffered lines into a file of the store, or through the hook for people.
// Thread: see runtime/context.
#include "components/line_sink.hpp"

#include <utility>

#include "message/count.hpp"

namespace reflow::components {
namespace {

constexpr std::size_t buffer_bytes = 64 * 1024;

}  // namespace

String output_path(std::string_view folder, std::string_view path) {
    if (folder.empty() || path.starts_with('/')) return String(path);
    return concat(folder, folder.ends_with('/') ? "" : "/", path);
}

LineSink::LineSink(const Config& config)
    : append_(config.flag("append", false)),
      flush_(config.flag("flush", false)),
      print_(config.text("path") == "-") {
    if (config.ok() && config.text("path").empty()) config.fail("path", "the path is empty");
    path_ = output_path(config.text("folder", ""), config.text("path", ""));
}

Result<void> LineSink::open(Context& context) {
    failed_ = false;
    lost_ = 0;
    lines_ = 0;
    kept_ = false;
    buffer_.clear();
    wanted_ = written_ = 0;
    backoff_.reset();
    prompt_ = true;
    bool closed = false;
    if (!loaded_.none()) {
        failed_ = loaded_.get("failed").boolean();
        closed = loaded_.get("closed").boolean();
        (void)saved_count(loaded_.get("lost"), lost_);
        (void)saved_count(loaded_.get("lines"), lines_);
        append(buffer_, loaded_.get("buffer").bytes());
    }
    if (print_ || closed) return {};
    std::uint64_t position = 0;
    bool resumes = saved_count(loaded_.get("position"), position);
    Result<std::unique_ptr<Store::Writer>> opened =
        resumes ? context.store().open_writer_at(path_, position)
                : context.store().open_writer(path_, append_);
    if (!opened.ok()) return opened.take_error();
    writer_ = std::move(opened).take();
    prompt_ = flush_ || writer_->waits();
    return {};
}

Result<void> LineSink::end_line(Context& context) {
    ++lines_;
    return buffer_.size() < buffer_bytes ? Result<void>() : flush(context);
}

Result<void> LineSink::end_batch(Context& context) {
    // A pipe is never left with a rest, since the end of a network does not wait for it.
    return prompt_ ? flush(context) : Result<void>();
}

// Goes on with what the file did not take the last time.
Result<void> LineSink::resume(Context& context) {
    Result<void> done = flush(context);
    if (!done.ok()) kept_ = false;
    if (done.ok() && waiting()) rest(context);
    return done;
}

// The input whose line is in the buffer stays where it is until the buffer is written, so that
// those who send are held back.
void LineSink::rest(Context& context) {
    kept_ = true;
    (void)context.again();  // both are allowed in run; without memory for a timer it is asked soon
    (void)context.wake_after(backoff_.next_ns());
}

Result<void> LineSink::flush(Context& context) {
    if (buffer_.empty() || failed_) return {};
    Result<void> done;
    if (print_) {
        reflow_status status = context.print(buffer_);
        if (status != REFLOW_OK) done = Failure(status, "cannot print");
    } else if (writer_ == nullptr) {
        done = Failure(REFLOW_ERROR_CLOSED, "the file is closed").file(path_);
    } else {
        wanted_ = buffer_.size();
        Result<std::size_t> took = writer_->write(std::string_view(buffer_).substr(written_));
        if (!took.ok()) {
            done = took.take_error();
        } else {
            written_ += took.value();
            if (waiting()) return {};
            backoff_.reset();
            done = writer_->flush();
        }
    }
    buffer_.clear();
    wanted_ = written_ = 0;
    if (!done.ok()) {
        failed_ = true;
        lost_ += lines_;
    }
    lines_ = 0;
    return done;
}

// For when the network ends while a pipe takes nothing.
Result<void> LineSink::all_written() const {
    if (!waiting()) return {};
    return Failure(REFLOW_ERROR_IO, "not all rows were written: nobody takes them from the pipe")
        .file(path_);
}

Result<void> LineSink::finish(Context& context) {
    bool told = failed_;
    Result<void> done = flush(context);
    if (done.ok()) done = all_written();
    if (writer_ != nullptr) {
        std::unique_ptr<Store::Writer> writer = std::move(writer_);
        Result<void> closed = writer->close();
        if (done.ok()) done = std::move(closed);
    }
    if (lost_ == 0) return done;
    String count = concat(lost_, lost_ == 1 ? " row was" : " rows were", " not written");
    if (!told) {
        done.error().hint = count;
        return done;
    }
    Failure failure(REFLOW_ERROR_IO, count);
    if (!print_) return std::move(failure).file(path_);
    return failure;
}

Result<void> LineSink::save(ObjectBuilder& to) {
    if (writer_ != nullptr) {
        Result<std::uint64_t> position = writer_->position();
        if (!position.ok()) return position.take_error();
        to.set("position", count_message(position.value()));
    }
    to.set("file", Message::string(path_));
    to.set("closed", Message::boolean(writer_ == nullptr && !print_));
    to.set("buffer", Message::bytes(std::string_view(buffer_).substr(written_)));
    to.set("lines", count_message(lines_));
    to.set("lost", count_message(lost_));
    to.set("failed", Message::boolean(failed_));
    return {};
}

Result<void> LineSink::load(Context& context, MessageRef saved) {
    std::uint64_t count = 0;
    bool valid = saved.get("buffer").is(REFLOW_KIND_BYTES) &&
                 saved_count(saved.get("lines"), count) && saved_count(saved.get("lost"), count) &&
                 (saved.get("position").none() || saved_count(saved.get("position"), count));
    if (!valid) return bad_state("it does not tell what was written");
    if (!of_other_file(context, saved.get("file"), path_)) loaded_ = saved.own();
    return {};
}

void LineSink::close(Context& context) {
    // Nobody hears a failure any more, except the log. After finish there is nothing left to do.
    Result<void> done = writer_ != nullptr || print_ ? flush(context) : Result<void>();
    if (done.ok()) done = all_written();
    if (writer_ != nullptr) {
        Result<void> closed = writer_->close();
        if (done.ok()) done = std::move(closed);
        writer_.reset();
    }
    if (!done.ok()) context.log(REFLOW_LOG_ERROR, done.error().describe());
}

}  // namespace reflow::components
