// See stream_read.hpp.
// Thread: see runtime/context.
#include "components/stream_read.hpp"

#include <new>
#include <utility>

#include "base/limits.hpp"
#include "components/batch.hpp"
#include "runtime/actor.hpp"

namespace reflow::components {
namespace {

// Chunks of one call of run, so that other actors have their turn.
constexpr int chunks_per_call = 16;

}  // namespace

StreamRead::StreamRead(const Config& config)
    : path_(config.text("path", "")),
      base_dir_(config.text("base_dir", "")),
      content_type_(config.text("content_type", "")),
      chunk_(static_cast<std::size_t>(
          config.integer("chunk_bytes", limits::stream_chunk_bytes, 1, 1 << 30))) {}

Result<std::unique_ptr<StreamRead>> StreamRead::create(Context& context) {
    Config config(context);
    std::unique_ptr<StreamRead> made(new StreamRead(config));
    if (!config.ok()) return config.take_error();
    return made;
}

Result<void> StreamRead::open(Context& context, std::string_view path) {
    String name(path == "-" ? std::string_view("/dev/stdin") : path);
    Result<std::unique_ptr<Store::Reader>> file = context.store().open_reader(name);
    if (!file.ok() && !base_dir_.empty() && !path.empty() && path != "-" &&
        !path.starts_with('/')) {
        String second = concat(base_dir_, base_dir_.ends_with('/') ? "" : "/", path);
        Result<std::unique_ptr<Store::Reader>> again = context.store().open_reader(second);
        if (again.ok()) {
            file = std::move(again);
        } else {
            file.error().hint = concat("also tried '", second, "': ", again.error().message);
        }
    }
    if (!file.ok()) return file.take_error();
    runtime::Stream::Options options;
    options.most = {limits::stream_frames_count, limits::stream_bytes};
    options.fields.content_type = content_type_;
    ObjectBuilder metadata(1);
    metadata.set("path", Message::string(repair_utf8(path)));
    Result<Message> told = metadata.finish();
    if (!told.ok()) return told.take_error();
    options.metadata = std::move(told).take();
    Message handle;
    auto writer = runtime::open_stream(context, 0, options, handle);
    if (!writer.ok()) return writer.take_error();
    if (Result<void> sent = emit(context, 0, std::move(handle)); !sent.ok()) return sent;
    file_ = std::move(file).take();
    writer_ = std::move(writer).take();
    backoff_.reset();
    return {};
}

void StreamRead::close() noexcept {
    file_.reset();
    writer_.reset();
    pending_ = {};
}

// None at the end; silent_ if there is nothing at the moment.
Result<Message> StreamRead::next_chunk() {
    silent_ = false;
    Result<std::size_t> count = file_->read({chunk_.data(), chunk_.size()});
    if (!count.ok()) return count.take_error();
    silent_ = count.value() == Store::Reader::nothing_yet;
    if (silent_ || count.value() == 0) return Message();
    return Message::bytes({chunk_.data(), count.value()});
}

Result<StreamRead::State> StreamRead::pump() {
    runtime::Patience none(0);
    for (int i = 0; i < chunks_per_call; ++i) {
        if (pending_.none()) {
            Result<Message> chunk = next_chunk();
            if (!chunk.ok()) {
                (void)writer_->fail(Message::error(chunk.error().describe()));
                close();
                return chunk.take_error();
            }
            if (silent_) return State::silent;
            pending_ = std::move(chunk).take();
            backoff_.reset();
            if (pending_.none()) {
                (void)writer_->end();  // if nobody reads any more, nobody hears it
                return State::ended;
            }
        }
        reflow_status status = writer_->write(pending_.raw(), none);
        if (status == REFLOW_ERROR_WOULD_BLOCK) return State::full;
        if (status != REFLOW_OK) return State::ended;  // the reader has left
        (void)pending_.leak();
    }
    return State::going;
}

// A firing that fails leaves no file open: the next one has its own.
Result<void> StreamRead::run(Context& context, std::span<Packet> inputs) try {
    if (inputs.empty() && writer_ == nullptr) {
        if (std::exchange(begun_, true)) return {};  // it was woken for nothing
        if (context.actor.mailbox.connected(0)) return {};  // it is to come
        if (path_.empty()) {
            return Failure(REFLOW_ERROR_CONFIG, "no file to read")
                .hint("set 'path' or connect the inport 'path'");
        }
        if (Result<void> opened = open(context, path_); !opened.ok()) return opened;
    }
    begun_ = true;
    std::size_t done = 0;
    do {
        if (!inputs.empty() && writer_ == nullptr) {
            MessageRef path(inputs[done].message);
            if (!path.is(REFLOW_KIND_STRING)) {
                return Failure(REFLOW_ERROR_TYPE, concat("expected a path as a string, found ",
                                                         kind_with_article(path)))
                    .port("path");
            }
            if (Result<void> opened = open(context, path.text()); !opened.ok()) return opened;
        }
        Result<State> state = pump();
        if (!state.ok()) return state.take_error();
        if (state.value() != State::ended) {
            (void)context.again();  // all of them are allowed in run
            if (state.value() == State::full) (void)context.rest();
            if (state.value() == State::silent) (void)context.wake_after(backoff_.next_ns());
            return {};
        }
        close();
        if (!inputs.empty()) (void)context.advance(++done);  // within the batch
    } while (done < inputs.size());
    return {};
} catch (const std::bad_alloc&) {
    close();
    throw;
}

// Something is left only if the source was ended from outside.
Result<void> StreamRead::finish(Context&) {
    if (writer_ != nullptr) {
        (void)writer_->fail(Message::error("the source was ended before the end of the file"));
    }
    close();
    return {};
}

}  // namespace reflow::components
