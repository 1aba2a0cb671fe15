// The life of a file source: open at setup or for a path that came in, then row by row.
// Thread: see runtime/context.
#include "components/file_source.hpp"

#include <algorithm>
#include <utility>

#include "components/batch.hpp"
#include "message/count.hpp"
#include "runtime/actor.hpp"

namespace reflow::components {
namespace {

// Rows of one call of run, and steps that may be fruitless, so that other actors have their turn.
constexpr std::size_t rows_per_call = 512;
constexpr std::size_t steps_per_call = 4096;

String join(std::string_view folder, std::string_view path) {
    return concat(folder, folder.ends_with('/') ? "" : "/", path);
}

}  // namespace

FileSource::FileSource(const Config& config)
    : path_(config.text("path", "")), base_dir_(config.text("base_dir", "")) {}

Result<void> FileSource::setup(Context& context) {
    if (!loaded_.none()) return reopen(context);
    if (path_.empty()) return {};
    from_setup_ = own_ = true;
    Result<void> opened = open(context, path_);
    if (!opened.ok()) return opened;
    // As far as that goes without waiting, so that a file that cannot be used is told at once.
    return prepare().take_error();
}

void FileSource::teardown(Context&) { close(); }

Result<void> FileSource::open(Context& context, std::string_view path) {
    file_ = path == "-" ? std::string_view("/dev/stdin") : path;
    Result<std::unique_ptr<Store::Reader>> opened = context.store().open_reader(file_);
    if (!opened.ok() && !base_dir_.empty() && !path.empty() && path != "-" &&
        !path.starts_with('/')) {
        String second = join(base_dir_, path);
        Result<std::unique_ptr<Store::Reader>> again = context.store().open_reader(second);
        if (again.ok()) {
            opened = std::move(again);
            file_ = second;
        } else {
            opened.error().hint = concat("also tried '", second, "': ", again.error().message);
        }
    }
    if (!opened.ok()) return opened.take_error();
    reader_ = std::move(opened).take();
    rows_ = 0;
    rejected_ = 0;
    begun_ = false;
    backoff_.reset();
    reset();
    return {};
}

void FileSource::close() noexcept { reader_.reset(); }

Result<FileSource::State> FileSource::fill() {
    Result<std::size_t> count = reader_->read(space());
    if (!count.ok()) return count.take_error();
    if (count.value() == Store::Reader::nothing_yet) return State::silent;
    backoff_.reset();
    filled(count.value());
    return State::going;
}

Result<FileSource::State> FileSource::prepare() {
    while (!begun_) {
        Result<bool> begun = begin();
        if (!begun.ok()) {
            close();
            if (begun.error().file.empty()) begun.error().file = file_;
            return begun.take_error();
        }
        begun_ = begun.value();
        if (begun_) break;
        Result<State> filled = fill();
        if (!filled.ok()) close();
        if (!filled.ok() || filled.value() == State::silent) return filled;
    }
    return State::going;
}

Result<FileSource::State> FileSource::proceed(Context& context) {
    Result<State> state = prepare();
    if (state.ok() && state.value() == State::going) state = pump(context);
    if (!state.ok()) close();
    return state;
}

Result<void> FileSource::run(Context& context, std::span<Packet> inputs) {
    // One that goes on behind another, which had read its file, has nothing to do.
    const bool ended = !std::exchange(loaded_, Message()).none();
    // A path that comes in stands instead of the configured one, also where only a host sends it.
    if (inputs.empty() && from_setup_ && context.actor.mailbox.connected(0)) close();
    if (inputs.empty() && reader_ == nullptr) {
        if (ended || context.actor.mailbox.connected(0)) return {};
        return Failure(REFLOW_ERROR_CONFIG, "no file to read")
            .hint("set 'path' or connect the inport 'path'");
    }
    if (std::exchange(from_setup_, false) && !inputs.empty()) close();
    std::size_t done = 0;
    do {
        if (!inputs.empty() && reader_ == nullptr) {
            MessageRef path(inputs[done].message);
            if (!path.is(REFLOW_KIND_STRING)) {
                return Failure(REFLOW_ERROR_TYPE, concat("expected a path as a string, found ",
                                                         kind_with_article(path)))
                    .port("path");
            }
            own_ = false;
            if (Result<void> opened = open(context, path.text()); !opened.ok()) return opened;
        }
        Result<State> state = proceed(context);
        if (!state.ok()) return state.take_error();
        if (state.value() != State::ended) {
            (void)context.again();  // allowed in run, and there is no other way for it to fail
            // Without memory for the timer it is asked again soon.
            if (state.value() == State::silent) (void)context.wake_after(backoff_.next_ns());
            return {};
        }
        if (Result<void> reported = report(context); !reported.ok()) return reported;
        close();
        if (!inputs.empty()) (void)context.advance(++done);  // within the batch
    } while (done < inputs.size());
    return {};
}

Result<FileSource::State> FileSource::pump(Context& context) {
    // At least one in any case: what is emitted beyond the room is what makes the actor wait for
    // it.
    std::size_t room = std::min({rows_per_call, context.room(out_port), context.room(rejected_port),
                                 context.room(done_port)});
    room = std::max<std::size_t>(room, 1);
    Next item;
    for (std::size_t steps = steps_per_call; room > 0 && steps > 0; --steps) {
        Result<Step> step = next(item);
        if (!step.ok()) return step.take_error();
        Result<void> handled;
        switch (step.value()) {
            case Step::row:
                handled = emit(context, out_port, std::move(item.row));
                ++rows_;
                --room;
                break;
            case Step::refused:
                handled = refuse(context, item);
                ++rejected_;
                --room;
                break;
            case Step::skip:
                break;
            case Step::more: {
                Result<State> filled = fill();
                if (!filled.ok() || filled.value() == State::silent) return filled;
                break;
            }
            case Step::end:
                return State::ended;
        }
        if (!handled.ok()) return handled.take_error();
    }
    return State::going;
}

Result<void> FileSource::refuse(Context& context, const Next& next) {
    if (!context.connected(rejected_port)) return {};
    ObjectBuilder object(3);
    object.set(key_line_, Message::integer(static_cast<std::int64_t>(next.line)));
    object.set(key_reason_, Message::string(next.reason));
    object.set(key_row_, Message::string(repair_utf8(next.raw)));
    Result<Message> made = object.finish();
    if (!made.ok()) return made.take_error();
    return emit(context, rejected_port, std::move(made).take());
}

// Says what became of the file that ends.
Result<void> FileSource::report(Context& context) {
    if (rejected_ > 0 && !context.connected(rejected_port)) {
        context.log(REFLOW_LOG_WARN,
                    concat(file_, ": ", rejected_, rejected_ == 1 ? " row was" : " rows were",
                           " refused; connect the outport 'rejected' to see them"));
    }
    if (!context.connected(done_port)) return {};
    ObjectBuilder object(3);
    object.set("path", Message::string(repair_utf8(file_)));
    object.set("rows", Message::integer(static_cast<std::int64_t>(rows_)));
    object.set("rejected", Message::integer(static_cast<std::int64_t>(rejected_)));
    Result<Message> made = object.finish();
    if (!made.ok()) return made.take_error();
    return emit(context, done_port, std::move(made).take());
}

// ---- snapshots

Result<Message> FileSource::save(Context&) {
    // Standard input stands where somebody else has left it, also if it is a file.
    if (reader_ != nullptr && (!reader_->repeatable() || file_ == "/dev/stdin")) {
        return Failure(REFLOW_ERROR_UNSUPPORTED,
                       "what was read from a pipe or standard input cannot be read again, so the "
                       "place in it cannot be saved")
            .file(file_)
            .hint("read a file");
    }
    ObjectBuilder object(10);
    const bool reads = reader_ != nullptr && begun_ && !untouched() && !from_setup_;
    object.set("open", Message::boolean(reader_ != nullptr));
    object.set("from_setup", Message::boolean(from_setup_));
    object.set("file", Message::string(repair_utf8(file_)));
    if (own_ || reader_ == nullptr) object.set("path", Message::string(repair_utf8(path_)));
    object.set("begun", Message::boolean(reads));
    if (reads) {
        object.set("rows", count_message(rows_));
        object.set("rejected", count_message(rejected_));
        Result<std::uint64_t> bytes = save_place(object);
        if (!bytes.ok()) return bytes.take_error();
        object.set("bytes", count_message(bytes.value()));
    }
    return object.finish();
}

Result<void> FileSource::load(Context& context, MessageRef saved, std::uint32_t) {
    if (!saved.get("open").is(REFLOW_KIND_BOOLEAN) || !saved.get("file").is(REFLOW_KIND_STRING)) {
        return bad_state("it does not tell which file is open");
    }
    std::uint64_t count = 0;
    bool counts =
        saved_count(saved.get("rows"), count) && saved_count(saved.get("rejected"), count);
    if (saved.get("begun").boolean() && !counts) return bad_state("it has no number of rows");
    // A file that an inport has told stays, whatever the configuration says.
    MessageRef path = saved.get("path");
    bool other = path.is(REFLOW_KIND_STRING) && of_other_file(context, path, path_);
    if (!other) loaded_ = saved.own();
    return {};
}

// Goes on where the snapshot was taken; a file that was not read of yet is opened anew.
Result<void> FileSource::reopen(Context& context) {
    from_setup_ = loaded_.get("from_setup").boolean();
    if (!loaded_.get("open").boolean()) return {};
    own_ = loaded_.get("path").is(REFLOW_KIND_STRING);
    file_ = loaded_.get("file").text();
    Result<std::unique_ptr<Store::Reader>> opened = context.store().open_reader(file_);
    if (!opened.ok()) return opened.take_error();
    reader_ = std::move(opened).take();
    rows_ = rejected_ = 0;
    begun_ = false;
    backoff_.reset();
    reset();
    if (!loaded_.get("begun").boolean()) return prepare().take_error();
    Result<std::uint64_t> bytes = load_place(loaded_);
    if (!bytes.ok()) return bytes.take_error();
    Result<void> skipped = reader_->skip(bytes.value());
    if (!skipped.ok()) {
        if (skipped.error().file.empty()) skipped.error().file = file_;
        skipped.error().hint = "it is not the file that the snapshot was taken with";
        return skipped;
    }
    begun_ = true;
    (void)saved_count(loaded_.get("rows"), rows_);
    (void)saved_count(loaded_.get("rejected"), rejected_);
    return {};
}

}  // namespace reflow::components
