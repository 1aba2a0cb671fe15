// Buffered lines into a file of the store, or through the hook for people.
// Thread: see runtime/context.
#include "components/line_sink.hpp"

#include <utility>

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
    buffer_.clear();
    if (print_) return {};
    Result<std::unique_ptr<Store::Writer>> opened = context.store().open_writer(path_, append_);
    if (!opened.ok()) return opened.take_error();
    writer_ = std::move(opened).take();
    return {};
}

Result<void> LineSink::end_line(Context& context) {
    ++lines_;
    return buffer_.size() < buffer_bytes ? Result<void>() : flush(context);
}

Result<void> LineSink::end_batch(Context& context) {
    return print_ || flush_ ? flush(context) : Result<void>();
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
        done = writer_->write(buffer_);
        if (done.ok()) done = writer_->flush();
    }
    buffer_.clear();
    if (!done.ok()) {
        failed_ = true;
        lost_ += lines_;
    }
    lines_ = 0;
    return done;
}

Result<void> LineSink::finish(Context& context) {
    bool told = failed_;
    Result<void> done = flush(context);
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

void LineSink::close(Context& context) {
    // Nobody hears a failure any more, except the log. After finish there is nothing left to do.
    Result<void> done = writer_ != nullptr || print_ ? flush(context) : Result<void>();
    if (writer_ != nullptr) {
        Result<void> closed = writer_->close();
        if (done.ok()) done = std::move(closed);
        writer_.reset();
    }
    if (!done.ok()) context.log(REFLOW_LOG_ERROR, done.error().describe());
}

}  // namespace reflow::components
