// Section 15 of reflow.h: streams.
// Thread: see reflow.h.
#include <atomic>

#include "base/limits.hpp"
#include "capi/guard.hpp"
#include "capi/handles.hpp"
#include "runtime/stream_actor.hpp"

using namespace reflow;
using namespace reflow::capi;
using runtime::Keep;
using runtime::Patience;
using runtime::Stream;
using runtime::StreamLimits;
using runtime::StreamReader;
using runtime::StreamWriter;

namespace {

StreamWriter* writer_of(reflow_stream_writer* handle) noexcept {
    return reinterpret_cast<StreamWriter*>(handle);
}
StreamReader* reader_of(reflow_stream_reader* handle) noexcept {
    return reinterpret_cast<StreamReader*>(handle);
}
const StreamReader* reader_of(const reflow_stream_reader* handle) noexcept {
    return reinterpret_cast<const StreamReader*>(handle);
}

template <typename End, typename Handle>
Result<void> give_end(Result<std::unique_ptr<End>> made, Handle** out) {
    if (!made.ok()) return made.take_error();
    *out = reinterpret_cast<Handle*>(std::move(made).take().release());
    return {};
}

// The status, with the error kept for the failure that the callback may return.
reflow_status in_callback(reflow_context& context, Result<void> result) noexcept {
    return result.ok() ? reflow_status{REFLOW_OK} : context.fail(result.take_error());
}

Result<Stream::Options> read(const reflow_stream_options* given) {
    Result<reflow_stream_options> fields = read_options(given, "reflow_stream_options");
    if (!fields.ok()) return fields.take_error();
    const reflow_stream_options& from = fields.value();
    if (from.max_frames > limits::stream_most_frames_count) {
        return Failure(REFLOW_ERROR_LIMIT, concat("max_frames ", from.max_frames, " is more than ",
                                                  limits::stream_most_frames_count));
    }
    Result<std::string_view> type = text_argument(from.content_type, "content_type");
    if (!type.ok()) return type.take_error();
    Stream::Options options;
    options.most.frames = from.max_frames == 0 ? limits::stream_frames_count : from.max_frames;
    options.most.bytes = from.max_bytes == 0 ? limits::stream_bytes : from.max_bytes;
    options.fields.content_type = type.value();
    options.fields.has_size_hint = from.has_size_hint != 0;
    options.fields.size_hint = from.has_size_hint != 0 ? from.size_hint : 0;
    options.metadata = MessageRef(from.metadata).own();
    return options;
}

Result<reflow_observe_options> read(const reflow_observe_options* given) {
    Result<reflow_observe_options> fields = read_options(given, "reflow_observe_options");
    if (fields.ok() && fields.value().max_frames > limits::stream_most_frames_count) {
        return Failure(REFLOW_ERROR_LIMIT,
                       concat("max_frames ", fields.value().max_frames, " is more than ",
                              limits::stream_most_frames_count));
    }
    return fields;
}

// A callback of the host, one call at a time. Who finds another thread at it leaves that one more to make:
// so a call that begins after something has come is never missing, and several may become one.
class HostWatcher final : public runtime::StreamWatcher {
public:
    HostWatcher(reflow_stream_ready_fn callback, network::HostData data) noexcept
        : callback_(callback), data_(std::move(data)) {}
    void ready() noexcept override {
        // acq_rel, both: what the others did before they left their call is seen by it.
        if (calls_.fetch_add(1, std::memory_order_acq_rel) != 0) return;
        for (std::uint32_t seen = 1; seen != 0;) {
            tell_host("of a stream", callback_, data_.get());
            seen = calls_.fetch_sub(seen, std::memory_order_acq_rel) - seen;
        }
    }

private:
    const reflow_stream_ready_fn callback_;
    const network::HostData data_;
    std::atomic<std::uint32_t> calls_{0};
};

template <typename End>
reflow_status watch(End* end, reflow_stream_ready_fn callback, void* user_data,
                    reflow_destroy_fn destroy, reflow_error** error) noexcept {
    network::HostData data(user_data, destroy);
    return guarded(error, [&]() -> Result<void> {
        if (end == nullptr) return null_argument("handle");
        if (Result<void> fine = of_this_process(end->forked()); !fine.ok()) return fine;
        Ref<runtime::StreamWatcher> made;
        if (callback != nullptr) {
            made = Ref<runtime::StreamWatcher>::adopt(new HostWatcher(callback, std::move(data)));
        }
        if (end->watch(std::move(made))) return {};
        return Failure(REFLOW_ERROR_INVALID_STATE, "it belongs to an actor, which is woken");
    });
}

Keep keep(network::Runtime& runtime) noexcept { return Keep(runtime, runtime.scheduler()); }

}  // namespace

extern "C" {

reflow_status reflow_stream_create(reflow_runtime* runtime, const reflow_stream_options* options,
                                   reflow_stream_writer** writer, reflow_message* handle,
                                   reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (writer != nullptr) *writer = nullptr;
        if (handle != nullptr) *handle = {};
        if (Result<void> fine = usable(runtime); !fine.ok()) return fine;
        if (writer == nullptr) return null_argument("writer");
        if (handle == nullptr) return null_argument("handle");
        Result<Stream::Options> given = read(options);
        if (!given.ok()) return given.take_error();
        network::Runtime& owner = *runtime_of(runtime);
        Message made;
        auto stream = Stream::create(*owner.scheduler().streams, given.value(), nullptr, made);
        if (!stream.ok()) return stream.take_error();
        *writer = reinterpret_cast<reflow_stream_writer*>(
            new StreamWriter(std::move(stream).take(), keep(owner)));
        *handle = made.leak();
        return {};
    });
}

reflow_status reflow_context_open_stream(reflow_context* context, uint32_t outport,
                                         const reflow_stream_options* options,
                                         reflow_stream_writer** writer, reflow_message* handle) {
    if (writer != nullptr) *writer = nullptr;
    if (handle != nullptr) *handle = {};
    if (context == nullptr || writer == nullptr || handle == nullptr) {
        return REFLOW_ERROR_INVALID_ARGUMENT;
    }
    return guarded_status([&] {
        Result<Stream::Options> given = read(options);
        if (!given.ok()) return context->fail(given.take_error());
        Message made;
        auto opened = runtime::open_stream(*context, outport, std::move(given).take(), made);
        reflow_status status = in_callback(*context, give_end(std::move(opened), writer));
        if (status == REFLOW_OK) *handle = made.leak();
        return status;
    });
}

reflow_status reflow_stream_write(reflow_stream_writer* writer, reflow_message data,
                                  int64_t timeout_ms) {
    if (writer == nullptr || data.tag == 0) return REFLOW_ERROR_INVALID_ARGUMENT;
    if (writer_of(writer)->forked()) return REFLOW_ERROR_FORKED;
    return guarded_status([&] {
        Patience patience(timeout_ms);
        return writer_of(writer)->write(data, patience);
    });
}

reflow_status reflow_stream_write_chunks(reflow_stream_writer* writer, reflow_message data,
                                         size_t chunk, size_t* offset, int64_t timeout_ms) {
    if (writer == nullptr || data.tag == 0 || offset == nullptr) {
        return REFLOW_ERROR_INVALID_ARGUMENT;
    }
    if (writer_of(writer)->forked()) return REFLOW_ERROR_FORKED;
    return guarded_status([&] {
        Patience patience(timeout_ms);
        return writer_of(writer)->write_chunks(MessageRef(data), chunk, *offset, patience);
    });
}

reflow_status reflow_stream_end(reflow_stream_writer* writer) {
    if (writer == nullptr) return REFLOW_ERROR_INVALID_ARGUMENT;
    return writer_of(writer)->forked() ? REFLOW_ERROR_FORKED : writer_of(writer)->end();
}

reflow_status reflow_stream_fail(reflow_stream_writer* writer, reflow_view text) {
    if (writer == nullptr || (text.data == nullptr && text.size != 0)) {
        return REFLOW_ERROR_INVALID_ARGUMENT;
    }
    if (writer_of(writer)->forked()) return REFLOW_ERROR_FORKED;
    return guarded_status([&] {
        std::string_view given = view_of(text);
        Message made =
            invalid_utf8(given) ? Message::error(repair_utf8(given)) : Message::error(given);
        return writer_of(writer)->fail(std::move(made));
    });
}

void reflow_stream_writer_destroy(reflow_stream_writer* writer) {
    if (writer != nullptr && !writer_of(writer)->forked()) delete writer_of(writer);
}

reflow_status reflow_stream_accept(reflow_runtime* runtime, reflow_message handle,
                                   reflow_stream_reader** out, reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (out == nullptr) return null_argument("out");
        *out = nullptr;
        if (Result<void> fine = usable(runtime); !fine.ok()) return fine;
        auto made = runtime::accept_stream(MessageRef(handle), keep(*runtime_of(runtime)), nullptr);
        return give_end(std::move(made), out);
    });
}

reflow_status reflow_context_accept_stream(reflow_context* context, reflow_message handle,
                                           reflow_stream_reader** out) {
    if (out != nullptr) *out = nullptr;
    if (context == nullptr || out == nullptr) return REFLOW_ERROR_INVALID_ARGUMENT;
    return guarded_status([&] {
        auto made = runtime::accept_stream(*context, MessageRef(handle));
        return in_callback(*context, give_end(std::move(made), out));
    });
}

reflow_status reflow_stream_observe(reflow_runtime* runtime, reflow_message handle,
                                    const reflow_observe_options* options,
                                    reflow_stream_reader** out, reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (out == nullptr) return null_argument("out");
        *out = nullptr;
        if (Result<void> fine = usable(runtime); !fine.ok()) return fine;
        Result<reflow_observe_options> given = read(options);
        if (!given.ok()) return given.take_error();
        const reflow_observe_options& from = given.value();
        auto made = runtime::observe_stream(MessageRef(handle), keep(*runtime_of(runtime)), nullptr,
                                            {from.max_frames, from.max_bytes}, from.reliable != 0);
        return give_end(std::move(made), out);
    });
}

reflow_status reflow_context_observe_stream(reflow_context* context, reflow_message handle,
                                            const reflow_observe_options* options,
                                            reflow_stream_reader** out) {
    if (out != nullptr) *out = nullptr;
    if (context == nullptr || out == nullptr) return REFLOW_ERROR_INVALID_ARGUMENT;
    return guarded_status([&] {
        Result<reflow_observe_options> given = read(options);
        if (!given.ok()) return context->fail(given.take_error());
        const reflow_observe_options& from = given.value();
        auto made = runtime::observe_stream(*context, MessageRef(handle),
                                            StreamLimits{from.max_frames, from.max_bytes},
                                            from.reliable != 0);
        return in_callback(*context, give_end(std::move(made), out));
    });
}

reflow_status reflow_stream_read(reflow_stream_reader* reader, reflow_stream_frame* frames,
                                 size_t max, int64_t timeout_ms, size_t* count) {
    if (count != nullptr) *count = 0;
    if (reader == nullptr || count == nullptr || (frames == nullptr && max != 0) ||
        max > static_cast<size_t>(PTRDIFF_MAX) / sizeof *frames) {
        return REFLOW_ERROR_INVALID_ARGUMENT;
    }
    if (reader_of(reader)->forked()) return REFLOW_ERROR_FORKED;
    return guarded_status([&] {
        Patience patience(timeout_ms);
        return reader_of(reader)->read({frames, max}, patience, *count);
    });
}

reflow_status reflow_stream_get_begin(const reflow_stream_reader* reader, reflow_message* out) {
    if (out == nullptr) return REFLOW_ERROR_INVALID_ARGUMENT;
    *out = {};
    if (reader == nullptr) return REFLOW_ERROR_INVALID_ARGUMENT;
    *out = reader_of(reader)->begin().raw();
    return REFLOW_OK;
}

uint64_t reflow_stream_missed(const reflow_stream_reader* reader) {
    return reader == nullptr || reader_of(reader)->forked() ? 0 : reader_of(reader)->missed();
}

reflow_status reflow_stream_collect(reflow_stream_reader* reader, uint64_t max_bytes,
                                    int64_t timeout_ms, reflow_message* out, reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (out == nullptr) return null_argument("out");
        *out = {};
        if (reader == nullptr) return null_argument("reader");
        Result<void> fine = of_this_process(reader_of(reader)->forked());
        if (!fine.ok()) return fine;
        Patience patience(timeout_ms);
        return give(reader_of(reader)->collect(max_bytes == 0 ? limits::collect_bytes : max_bytes,
                                               patience),
                    out);
    });
}

reflow_status reflow_stream_transform(reflow_stream_reader* reader, reflow_stream_writer* writer,
                                      reflow_transform_fn transform, void* user_data,
                                      int64_t timeout_ms) {
    if (reader == nullptr || writer == nullptr) return REFLOW_ERROR_INVALID_ARGUMENT;
    if (reader_of(reader)->forked()) return REFLOW_ERROR_FORKED;
    return guarded_status([&] {
        Patience patience(timeout_ms);
        return reader_of(reader)->transform(*writer_of(writer), transform, user_data, patience);
    });
}

void reflow_stream_reader_destroy(reflow_stream_reader* reader) {
    if (reader != nullptr && !reader_of(reader)->forked()) delete reader_of(reader);
}

reflow_status reflow_stream_on_readable(reflow_stream_reader* reader,
                                        reflow_stream_ready_fn callback, void* user_data,
                                        reflow_destroy_fn destroy, reflow_error** error) {
    return watch(reader_of(reader), callback, user_data, destroy, error);
}

reflow_status reflow_stream_on_writable(reflow_stream_writer* writer,
                                        reflow_stream_ready_fn callback, void* user_data,
                                        reflow_destroy_fn destroy, reflow_error** error) {
    return watch(writer_of(writer), callback, user_data, destroy, error);
}

reflow_status reflow_context_rest(reflow_context* context) {
    return context == nullptr ? REFLOW_ERROR_INVALID_ARGUMENT : context->rest();
}

uint64_t reflow_runtime_streams(const reflow_runtime* runtime) {
    if (runtime == nullptr || runtime_of(runtime)->forked()) return 0;
    return runtime_of(runtime)->scheduler().streams->live.load(std::memory_order_relaxed);
}

}  // extern "C"
