// The addon: what lib/ calls. Context-aware: everything that lives is in the instance data of the
// environment, so that each worker has its own.
#include <napi.h>
#include <reflow.h>

#include "actors.h"
#include "core.h"
#include "environment.h"
#include "errors.h"
#include "exports.h"
#include "frames.h"
#include "pending.h"
#include "ports.h"
#include "values.h"

namespace reflow_node {

namespace {

// install({makeError, dispatch, unwrap, makeMessage, asBuffer, frames, copyOnly}): what the addon calls.
Napi::Value install(const Napi::CallbackInfo& info) {
    Napi::Env env = info.Env();
    Environment& environment = Environment::of(env);
    Napi::Object from = info[0].As<Napi::Object>();
    auto keep = [&](Napi::FunctionReference& to, const char* key) {
        to = Napi::Persistent(from.Get(key).As<Napi::Function>());
    };
    keep(environment.make_error, "makeError");
    keep(environment.dispatch, "dispatch");
    keep(environment.unwrap, "unwrap");
    keep(environment.make_message, "makeMessage");
    keep(environment.as_buffer, "asBuffer");
    keep(environment.rest, "rest");
    Napi::Object object = env.Global().Get("Object").As<Napi::Object>();
    environment.object_prototype = Napi::Persistent(object.Get("prototype").As<Napi::Object>());
    environment.frames = std::make_unique<Frames>(from.Get("frames").As<Napi::Object>());
    environment.io = std::make_unique<Frames>(from.Get("io").As<Napi::Object>());
    environment.copy_only = from.Get("copyOnly").ToBoolean();
    return env.Undefined();
}

// The process ends: nothing waits for JavaScript any more, and engines have a moment to come to rest.
Napi::Value exiting(const Napi::CallbackInfo& info) {
    Environment::of(info.Env()).exiting();
    return info.Env().Undefined();
}

Napi::Value go_on(const Napi::CallbackInfo& info) {
    Environment::of(info.Env()).go_on(info.Env());
    return info.Env().Undefined();
}

// Numbers of what lives, for tests of leaks.
Napi::Value handles(const Napi::CallbackInfo& info) {
    Environment& environment = Environment::of(info.Env());
    Napi::Object counts = Napi::Object::New(info.Env());
    auto set = [&](const char* key, const std::atomic<std::int64_t>& value) {
        counts.Set(key, static_cast<double>(value.load()));
    };
    set("networks", environment.cores);
    set("nodes", environment.nodes);
    set("lent", environment.lent);
    set("shared", environment.shared);
    set("pending", environment.pending);
    set("outputs", environment.outputs);
    set("helped", environment.helped);
    return counts;
}

Napi::Value version(const Napi::CallbackInfo& info) {
    return Napi::String::New(info.Env(), std::string(text_of(reflow_version_text())));
}

Napi::Value message_of(const Napi::CallbackInfo& info) {
    if (!info[1].IsNumber()) return wrap_message(info.Env(), from_js(info.Env(), info[0]));
    const std::uint32_t index = info[1].As<Napi::Number>().Uint32Value();  // among those of a call
    return wrap_message(info.Env(), from_js_at(info.Env(), info[0], index));
}

// messageToJson(message, style): text, in a style of the engine.
Napi::Value message_to_json(const Napi::CallbackInfo& info) {
    const Message message = from_js(info.Env(), info[0]);
    reflow_buffer* made = nullptr;
    reflow_error* error = nullptr;
    const auto style = static_cast<reflow_json_style>(info[1].ToNumber().Int32Value());
    check(info.Env(), reflow_message_to_json(message.get(), style, &made, &error), error);
    const std::unique_ptr<reflow_buffer, decltype(&reflow_buffer_destroy)> text(made, reflow_buffer_destroy);
    return Napi::String::New(info.Env(), std::string(text_of(reflow_buffer_get(made))));
}

// messageFromJson(text, tagged)
Napi::Value message_from_json(const Napi::CallbackInfo& info) {
    const std::string text = info[0].ToString();
    reflow_message made{};
    reflow_error* error = nullptr;
    const auto read = info[1].ToBoolean() ? reflow_message_from_tagged_json : reflow_message_from_json;
    check(info.Env(), read(view_of(text), nullptr, &made, &error), error);
    return wrap_message(info.Env(), Message(made));
}

// A value there and back: what tests of conversion use.
Napi::Value convert(const Napi::CallbackInfo& info) {
    Message made = from_js(info.Env(), info[0]);
    return Napi::Value(info.Env(), to_js(info.Env(), made.get(), info[1].ToBoolean()));
}

Napi::Object init(Napi::Env env, Napi::Object exports) {
    reflow_status status = reflow_abi_check(REFLOW_ABI);
    if (status != REFLOW_OK) {
        throw Napi::Error::New(env, "this addon needs generation " + std::to_string(REFLOW_ABI) +
                                        " of the interface of reflow; the library that was loaded, " +
                                        std::string(text_of(reflow_version_text())) +
                                        ", does not have it");
    }
    Environment::create(env, exports);
    export_function(exports, "install", install);
    export_function(exports, "exiting", exiting);
    export_function(exports, "goOn", go_on);
    export_function(exports, "handles", handles);
    export_function(exports, "version", version);
    export_function(exports, "message", message_of);
    export_function(exports, "messageToJson", message_to_json);
    export_function(exports, "messageFromJson", message_from_json);
    export_function(exports, "convert", convert);
    export_function(exports, "lend", lend);
    export_function(exports, "register", register_actor);
    export_function(exports, "put", put);
    export_function(exports, "putIo", put_io);
    export_function(exports, "flush", flush);
    export_function(exports, "discard", discard);
    export_function(exports, "setEnvelope", set_envelope);
    export_function(exports, "fail", fail);
    export_function(exports, "pend", pend);
    export_function(exports, "answer", answer);
    export_function(exports, "saved", saved);
    export_function(exports, "controlEmit", control_emit);
    export_function(exports, "pendingEmit", pending_emit);
    export_function(exports, "pendingEnvelope", pending_envelope);
    export_function(exports, "pendingFinish", pending_finish);
    export_function(exports, "pendingOpen", pending_open);
    export_function(exports, "pendingWatch", pending_watch);
    export_function(exports, "findInport", find_inport);
    export_function(exports, "send", send);
    export_function(exports, "sendFrames", send_frames);
    export_function(exports, "withdraw", withdraw);
    export_function(exports, "openOutput", open_output);
    export_function(exports, "receive", receive);
    export_function(exports, "receiveEnveloped", receive_enveloped);
    export_function(exports, "waitOutput", wait_output);
    export_function(exports, "closeOutput", close_output);
    export_asking(exports);
    export_network(exports);
    export_inspect(exports);
    export_change(exports);
    export_graph(exports);
    export_log(exports);
    export_peers(exports);
    export_frame_pools(exports);
    export_state(exports);
    export_streams(exports);
    return exports;
}

}  // namespace

}  // namespace reflow_node

static Napi::Object reflow_node_init(Napi::Env env, Napi::Object exports) {
    return reflow_node::init(env, exports);
}

NODE_API_MODULE(reflow, reflow_node_init)
