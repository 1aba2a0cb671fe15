// The native half of DiscoveryServer. It has a runtime without threads of its own, for its log lines; its
// port is served by the thread of links.
#include "discovery.h"

#include "async.h"
#include "bridge.h"

namespace reflow_node {

struct DiscoveryHandle::Server {
    reflow_runtime* runtime = nullptr;
    reflow_discovery* discovery = nullptr;

    Server() = default;
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;
    ~Server() {
        reflow_discovery_destroy(discovery);
        reflow_runtime_destroy(runtime);
    }
};

Napi::Function DiscoveryHandle::define(Napi::Env env) {
    return DefineClass(env, "DiscoveryHandle",
                       {InstanceMethod<&DiscoveryHandle::serve>("serve"),
                        InstanceMethod<&DiscoveryHandle::port>("port"),
                        InstanceMethod<&DiscoveryHandle::handle>("handle"),
                        InstanceMethod<&DiscoveryHandle::stop>("stop"),
                        InstanceMethod<&DiscoveryHandle::close>("close")});
}

DiscoveryHandle::DiscoveryHandle(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<DiscoveryHandle>(info) {
    const Napi::Env env = info.Env();
    const Options given(env, info[0]);
    const std::string token = given.text("token");
    const std::string certificate = given.text("certificateFile");
    const std::string key = given.text("keyFile");
    reflow_discovery_options options{};
    options.struct_size = sizeof options;
    options.entry_ttl_ms = given.u32("entryTtlMs");
    options.prune_interval_ms = given.u32("pruneIntervalMs");
    options.max_entries = given.u32("maxEntries");
    options.token = view_of(token);
    options.certificate_file = view_of(certificate);
    options.key_file = view_of(key);
    auto server = std::make_shared<Server>();
    reflow_runtime_options plain{};
    plain.struct_size = sizeof plain;
    plain.mode = REFLOW_MODE_INLINE;
    must(env, [&](reflow_error** error) {
        return reflow_runtime_create(&plain, &server->runtime, error);
    });
    must(env, [&](reflow_error** error) {
        return reflow_discovery_create(server->runtime, &options, &server->discovery, error);
    });
    server_ = std::move(server);
    hook_.set(env, [this] {
        if (server_) (void)reflow_discovery_stop(server_->discovery, nullptr);
    });
}

reflow_discovery* DiscoveryHandle::use(Napi::Env env) const {
    if (!server_) raise(env, REFLOW_ERROR_INVALID_STATE, "the discovery server was closed");
    return server_->discovery;
}

// (address, port)
Napi::Value DiscoveryHandle::serve(const Napi::CallbackInfo& info) {
    const std::string address = text_argument(info, 0, "address");
    const std::uint32_t wanted = info[1].ToNumber().Uint32Value();
    reflow_discovery* discovery = use(info.Env());
    must(info.Env(), [&](reflow_error** error) {
        return reflow_discovery_serve(discovery, view_of(address), wanted, error);
    });
    return port(info);
}

Napi::Value DiscoveryHandle::port(const Napi::CallbackInfo& info) {
    return Napi::Number::New(info.Env(), server_ ? reflow_discovery_port(server_->discovery) : 0);
}

// (method, path, query, contentType, authorization, body)
Napi::Value DiscoveryHandle::handle(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    const std::string method = text_argument(info, 0, "method");
    const std::string path = text_argument(info, 1, "path");
    const std::string query = text_argument(info, 2, "query");
    const std::string type = text_argument(info, 3, "contentType");
    const std::string authorization = text_argument(info, 4, "authorization");
    const std::string body = bytes_argument(info, 5, "body");
    reflow_http_request request{};
    request.struct_size = sizeof request;
    request.method = view_of(method);
    request.path = view_of(path);
    request.query = view_of(query);
    request.content_type = view_of(type);
    request.authorization = view_of(authorization);
    request.body = view_of(body);
    std::uint32_t status = 0;
    reflow_view answer_type{};
    reflow_buffer* answer = nullptr;
    reflow_discovery* discovery = use(env);
    must(env, [&](reflow_error** error) {
        return reflow_discovery_handle(discovery, &request, &status, &answer_type, &answer, error);
    });
    Napi::Object result = Napi::Object::New(env);
    result.Set("status", status);
    result.Set("contentType", string_of(env, answer_type));
    const reflow_view bytes = reflow_buffer_get(answer);
    result.Set("body", Napi::Buffer<char>::Copy(env, bytes.data, bytes.size));
    reflow_buffer_destroy(answer);
    return result;
}

Napi::Value DiscoveryHandle::stop(const Napi::CallbackInfo& info) {
    (void)use(info.Env());
    return in_background(info.Env(), [server = server_](reflow_error** error) {
        return reflow_discovery_stop(server->discovery, error);
    });
}

Napi::Value DiscoveryHandle::close(const Napi::CallbackInfo& info) {
    hook_.clear();
    // Destroyed by the last one that uses it, which is not this thread while its port is open.
    return in_background(info.Env(), [server = std::exchange(server_, nullptr)](
                                         reflow_error** error) mutable {
        if (!server) return reflow_status{REFLOW_OK};
        const reflow_status status = reflow_discovery_stop(server->discovery, error);
        server.reset();
        return status;
    });
}

}  // namespace reflow_node
