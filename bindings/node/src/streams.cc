// Streams of the engine as lib/bytes.cjs uses them: a handle that writes, and one that reads or observes.
// All are those of a host, so nothing here waits: what finds no room, or no frame, is told of later by a call
// of `ready`. Thread: JS.
#include "bridge.h"
#include "core.h"
#include "exports.h"
#include "held.h"

namespace reflow_node {

namespace {

// How many frames are taken over in one crossing: what JavaScript has not seen holds nobody back any more.
constexpr std::size_t kFrames = 16;

reflow_runtime* runtime_of(const Napi::CallbackInfo& info) {
    const std::shared_ptr<Core> core = Core::of(info);
    if (core->closing) raise(info.Env(), REFLOW_ERROR_CLOSED, "the network is closed");
    return core->runtime;
}

// A call of the engine that has told of `ready` once: on a thread of whoever is on the other side.
void told_ready(void* user_data) {
    Held::of(user_data).post(
        [](Napi::Env, const Napi::FunctionReference& function) { function.Call({}); });
}

void* hold(const Napi::CallbackInfo& info, std::size_t at) {
    return Held::hand_over(std::make_shared<Held>(info.Env(), info[at].As<Napi::Function>()));
}

// ---- writing

class StreamWriterHandle : public Napi::ObjectWrap<StreamWriterHandle> {
public:
    static Napi::Function define(Napi::Env env) {
        return DefineClass(env, "StreamWriterHandle",
                           {InstanceMethod<&StreamWriterHandle::handle>("handle"),
                            InstanceMethod<&StreamWriterHandle::write>("write"),
                            InstanceMethod<&StreamWriterHandle::again>("again"),
                            InstanceMethod<&StreamWriterHandle::end>("end"),
                            InstanceMethod<&StreamWriterHandle::fail>("fail"),
                            InstanceMethod<&StreamWriterHandle::close>("close")});
    }

    // new StreamWriterHandle(core, options, ready)
    explicit StreamWriterHandle(const Napi::CallbackInfo& info) : ObjectWrap(info) {
        const Napi::Env env = info.Env();
        const Options given(env, info[1]);
        const std::string type = given.text("contentType");
        const Message metadata(to_message_or_none(env, given.get("metadata")));
        reflow_stream_options options{};
        options.struct_size = sizeof options;
        options.max_frames = given.u32("maxFrames");
        options.max_bytes = given.u64("maxBytes");
        options.size_hint = given.u64("sizeHint");
        options.has_size_hint = given.has("sizeHint") ? 1 : 0;
        options.content_type = view_of(type);
        options.metadata = metadata.get();
        reflow_message made{};
        must(env, [&](reflow_error** error) {
            return reflow_stream_create(runtime_of(info), &options, &writer_, &made, error);
        });
        handle_ = Message(made);
        must(env, [&](reflow_error** error) {
            return reflow_stream_on_writable(writer_, told_ready, hold(info, 2), Held::let_go, error);
        });
    }
    ~StreamWriterHandle() override { reflow_stream_writer_destroy(writer_); }

private:
    // The message that is to be sent; it is given once, since a handle that is kept keeps its stream.
    Napi::Value handle(const Napi::CallbackInfo& info) {
        return wrap_message(info.Env(), std::move(handle_));
    }

    // (bytes): whether they went in; otherwise they wait here for again().
    Napi::Value write(const Napi::CallbackInfo& info) {
        waiting_ = from_js(info.Env(), info[0]);
        return again(info);
    }

    Napi::Value again(const Napi::CallbackInfo& info) {
        const reflow_status status = writer_ == nullptr
                                         ? reflow_status{REFLOW_ERROR_CLOSED}
                                         : reflow_stream_write(writer_, waiting_.get(), 0);
        if (status == REFLOW_ERROR_WOULD_BLOCK) return Napi::Boolean::New(info.Env(), false);
        if (status == REFLOW_OK) {
            (void)waiting_.leak();
            return Napi::Boolean::New(info.Env(), true);
        }
        waiting_ = Message();
        if (status == REFLOW_ERROR_CLOSED) {
            raise(info.Env(), status, "nobody can read the stream any more, or it has ended");
        }
        if (status == REFLOW_ERROR_WRONG_KIND) {
            raise(info.Env(), REFLOW_ERROR_TYPE, "a stream carries bytes",
                  "write a Buffer, a Uint8Array or a string");
        }
        raise(info.Env(), status, "the stream could not be written");
    }

    // Whether there was somebody to be told.
    Napi::Value end(const Napi::CallbackInfo& info) {
        const bool told = writer_ != nullptr && reflow_stream_end(writer_) == REFLOW_OK;
        return close(info), Napi::Boolean::New(info.Env(), told);
    }

    Napi::Value fail(const Napi::CallbackInfo& info) {
        const std::string text = text_argument(info, 0, "the reason");
        const bool told = writer_ != nullptr && reflow_stream_fail(writer_, view_of(text)) == REFLOW_OK;
        return close(info), Napi::Boolean::New(info.Env(), told);
    }

    // A writer that has told no end leaves an error.
    Napi::Value close(const Napi::CallbackInfo& info) {
        reflow_stream_writer_destroy(std::exchange(writer_, nullptr));
        waiting_ = Message();
        handle_ = Message();
        return info.Env().Undefined();
    }

    reflow_stream_writer* writer_ = nullptr;
    Message handle_;
    Message waiting_;
};

// ---- reading

class StreamReaderHandle : public Napi::ObjectWrap<StreamReaderHandle> {
public:
    static Napi::Function define(Napi::Env env) {
        return DefineClass(env, "StreamReaderHandle",
                           {InstanceMethod<&StreamReaderHandle::begin>("begin"),
                            InstanceMethod<&StreamReaderHandle::read>("read"),
                            InstanceMethod<&StreamReaderHandle::missed>("missed"),
                            InstanceMethod<&StreamReaderHandle::close>("close")});
    }

    // new StreamReaderHandle(core, message, undefined or options of an observer, ready)
    explicit StreamReaderHandle(const Napi::CallbackInfo& info) : ObjectWrap(info) {
        const Napi::Env env = info.Env();
        reflow_runtime* runtime = runtime_of(info);
        const Message message = from_js(env, info[1]);
        if (reflow_message_kind(message.get()) != REFLOW_KIND_STREAM) {
            raise(env, REFLOW_ERROR_TYPE, "this is no stream",
                  "a stream comes as a Message whose kind is 'Stream'");
        }
        must(env, [&](reflow_error** error) {
            if (info[2].IsUndefined()) return reflow_stream_accept(runtime, message.get(), &reader_, error);
            const Options given(env, info[2]);
            reflow_observe_options options{};
            options.struct_size = sizeof options;
            options.max_frames = given.u32("maxFrames");
            options.max_bytes = given.u64("maxBytes");
            options.reliable = given.flag("reliable") ? 1 : 0;
            return reflow_stream_observe(runtime, message.get(), &options, &reader_, error);
        });
        must(env, [&](reflow_error** error) {
            return reflow_stream_on_readable(reader_, told_ready, hold(info, 3), Held::let_go, error);
        });
    }
    ~StreamReaderHandle() override { reflow_stream_reader_destroy(reader_); }

private:
    // {contentType, sizeHint, metadata}
    Napi::Value begin(const Napi::CallbackInfo& info) {
        Napi::Object object = Napi::Object::New(info.Env());
        reflow_message begin{};
        if (reader_ == nullptr || reflow_stream_get_begin(reader_, &begin) != REFLOW_OK) return object;
        const auto set = [&](const char* name, const char* key) {
            reflow_message value{};
            const bool there = reflow_message_get(begin, view_of(key), &value) == REFLOW_OK &&
                               reflow_message_kind(value) != REFLOW_KIND_NULL;
            object.Set(name, there ? to_value(info.Env(), value) : info.Env().Undefined());
        };
        set("contentType", "content_type");
        set("sizeHint", "size_hint");
        set("metadata", "metadata");
        return object;
    }

    // The frames that are there, as an array of bytes, with `ended` true or an error behind the last one; `closed`
    // if there will be none, without an end; undefined if there are none now.
    Napi::Value read(const Napi::CallbackInfo& info) {
        const Napi::Env env = info.Env();
        Napi::Array array = Napi::Array::New(env);
        reflow_stream_frame frames[kFrames];
        std::size_t count = 0;
        const reflow_status status = reader_ == nullptr
                                         ? reflow_status{REFLOW_ERROR_CLOSED}
                                         : reflow_stream_read(reader_, frames, kFrames, 0, &count);
        if (status == REFLOW_ERROR_WOULD_BLOCK) return env.Undefined();
        if (status == REFLOW_ERROR_CLOSED) {
            array.Set("closed", true);
            return array;
        }
        if (status != REFLOW_OK) raise(env, status, "the stream could not be read");
        std::vector<Message> kept;
        for (std::size_t i = 0; i < count; ++i) kept.emplace_back(frames[i].message);
        for (std::size_t i = 0; i < count; ++i) {
            const Napi::HandleScope scope(env);
            if (frames[i].kind == REFLOW_FRAME_DATA) array.Set(array.Length(), to_value(env, kept[i].get()));
            if (frames[i].kind == REFLOW_FRAME_END) array.Set("ended", true);
            if (frames[i].kind == REFLOW_FRAME_ERROR) array.Set("ended", to_value(env, kept[i].get()));
        }
        return array;
    }

    Napi::Value missed(const Napi::CallbackInfo& info) {
        return Napi::Number::New(info.Env(), static_cast<double>(reflow_stream_missed(reader_)));
    }

    Napi::Value close(const Napi::CallbackInfo& info) {
        reflow_stream_reader_destroy(std::exchange(reader_, nullptr));
        return info.Env().Undefined();
    }

    reflow_stream_reader* reader_ = nullptr;
};

// streams(core): how many live on its runtime
Napi::Value streams(const Napi::CallbackInfo& info) {
    return Napi::Number::New(info.Env(), static_cast<double>(reflow_runtime_streams(runtime_of(info))));
}

}  // namespace

void export_streams(Napi::Object exports) {
    export_function(exports, "streams", streams);
    exports.Set("StreamWriterHandle", StreamWriterHandle::define(exports.Env()));
    exports.Set("StreamReaderHandle", StreamReaderHandle::define(exports.Env()));
}

}  // namespace reflow_node
