// Discovery servers, of section 21 of reflow.h. A build without peers has functions that say so.
// Thread: any.
#include "capi/guard.hpp"
#include "capi/handles.hpp"
#include "capi/modules.hpp"

#if REFLOW_WITH_PEER
#include "base/limits.hpp"
#include "capi/ending.hpp"
#include "io/wire.hpp"
#include "peer/discovery_server.hpp"
#endif

using namespace reflow;
using namespace reflow::capi;

#if REFLOW_WITH_PEER

struct reflow_discovery : reflow::capi::Endable {
    std::unique_ptr<peer::DiscoveryServer> server;
};

namespace {

Result<void> usable(const reflow_discovery* discovery) {
    if (discovery == nullptr) return null_argument("discovery");
    return of_this_process(discovery->runtime->forked());
}

Result<String> text_field(reflow_view view, std::string_view name) {
    Result<std::string_view> text = text_argument(view, name);
    if (!text.ok()) return text.take_error();
    return String(text.value());
}

Result<peer::DiscoveryServer::Options> read(const reflow_discovery_options* given) {
    Result<reflow_discovery_options> fields = read_options(given, "reflow_discovery_options");
    if (!fields.ok()) return fields.take_error();
    const reflow_discovery_options& from = fields.value();
    if (from.flags != 0) {
        return Failure(REFLOW_ERROR_INVALID_ARGUMENT, concat("unknown flags ", from.flags));
    }
    if (from.max_entries > limits::discovery_entries_count) {
        return Failure(REFLOW_ERROR_LIMIT, concat("max_entries ", from.max_entries, " is more than ",
                                                  limits::discovery_entries_count));
    }
    peer::DiscoveryServer::Options options;
    if (from.entry_ttl_ms != 0) options.registry.ttl_ms = from.entry_ttl_ms;
    if (from.prune_interval_ms != 0) options.registry.sweep_ms = from.prune_interval_ms;
    if (from.max_entries != 0) options.registry.entries = from.max_entries;
    const std::pair<reflow_view, String*> texts[] = {
        {from.token, &options.registry.token},
        {from.certificate_file, &options.tls.certificate_file},
        {from.key_file, &options.tls.key_file}};
    static constexpr std::string_view names[] = {"token", "certificate_file", "key_file"};
    for (std::size_t i = 0; i < std::size(texts); ++i) {
        Result<String> text = text_field(texts[i].first, names[i]);
        if (!text.ok()) return text.take_error();
        *texts[i].second = std::move(text).take();
    }
    if (options.registry.token.size() > limits::secret_bytes) {
        return Failure(REFLOW_ERROR_LIMIT, concat("token has ", options.registry.token.size(),
                                                  " bytes, more than ", limits::secret_bytes));
    }
    if (options.tls.certificate_file.empty() != options.tls.key_file.empty()) {
        return Failure(REFLOW_ERROR_INVALID_ARGUMENT, "certificate_file and key_file go together");
    }
    return options;
}

// Bytes of a request may be anything: that they are not UTF-8 is for the answer to say.
Result<io::HttpRequest> read(const reflow_http_request* given) {
    if (given == nullptr) return null_argument("request");
    Result<reflow_http_request> fields = read_options(given, "reflow_http_request");
    if (!fields.ok()) return fields.take_error();
    const reflow_http_request& from = fields.value();
    const std::pair<reflow_view, std::string_view> all[] = {{from.method, "method"},
                                                            {from.path, "path"},
                                                            {from.query, "query"},
                                                            {from.content_type, "content_type"},
                                                            {from.authorization, "authorization"},
                                                            {from.body, "body"}};
    for (const auto& [view, name] : all) {
        std::size_t size = view.size == REFLOW_NUL_TERMINATED ? view_of(view).size() : view.size;
        if (Result<void> fine = check_bytes(view.data, size, name); !fine.ok()) {
            return fine.take_error();
        }
    }
    io::HttpRequest request{};
    request.method = view_of(from.method);
    std::string_view target = view_of(from.path);  // of a host that does not part them
    request.path = target.substr(0, target.find('?'));
    request.query = view_of(from.query);
    request.content_type = view_of(from.content_type);
    request.authorization = view_of(from.authorization);
    request.body = view_of(from.body);
    return request;
}

}  // namespace

extern "C" {

reflow_status reflow_discovery_create(reflow_runtime* runtime,
                                      const reflow_discovery_options* options,
                                      reflow_discovery** out, reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (out == nullptr) return null_argument("out");
        *out = nullptr;
        if (Result<void> fine = capi::usable(runtime); !fine.ok()) return fine;
        auto read_ones = read(options);
        if (!read_ones.ok()) return read_ones.take_error();
        auto made = std::unique_ptr<reflow_discovery>(new reflow_discovery);
        made->runtime = Ref<network::Runtime>::share(runtime_of(runtime));
        runtime::Environment* log_to = made->runtime.get();
        read_ones.value().log = [log_to](reflow_log_level level, std::string_view text) {
            log_to->log(level, "discovery", {}, text);
        };
        read_ones.value().threads = thread_hooks(*made->runtime);
        made->server.reset(new peer::DiscoveryServer(std::move(read_ones).take()));
        *out = made.release();
        return {};
    });
}

void reflow_discovery_destroy(reflow_discovery* discovery) {
    capi::Endable::destroy(discovery);
}

reflow_status reflow_discovery_handle(reflow_discovery* discovery,
                                      const reflow_http_request* request, uint32_t* http_status,
                                      reflow_view* content_type, reflow_buffer** body,
                                      reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (content_type != nullptr) *content_type = to_view("");
        if (body == nullptr) return null_argument("body");
        *body = nullptr;
        if (http_status == nullptr) return null_argument("http_status");
        *http_status = 0;
        if (Result<void> fine = usable(discovery); !fine.ok()) return fine;
        Result<io::HttpRequest> asked = read(request);
        if (!asked.ok()) return asked.take_error();
        io::HttpResponse answer = discovery->server->answer(asked.value());
        *http_status = answer.status;
        if (content_type != nullptr && !answer.body.empty()) {
            *content_type = to_view("application/json");
        }
        return give_buffer(std::move(answer.body), body);
    });
}

reflow_status reflow_discovery_serve(reflow_discovery* discovery, reflow_view address,
                                     uint32_t port, reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (Result<void> fine = usable(discovery); !fine.ok()) return fine;
        const Use use(*discovery);
        Result<std::string_view> text = text_argument(address, "address");
        if (!text.ok()) return text.take_error();
        if (port > UINT16_MAX) {
            return Failure(REFLOW_ERROR_INVALID_ARGUMENT,
                           concat("port ", port, " is more than ", UINT16_MAX));
        }
        return discovery->server->serve(text.value(), static_cast<std::uint16_t>(port));
    });
}

uint32_t reflow_discovery_port(const reflow_discovery* discovery) {
    return discovery == nullptr || discovery->runtime->forked() ? 0 : discovery->server->port();
}

reflow_status reflow_discovery_stop(reflow_discovery* discovery, reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (Result<void> fine = usable(discovery); !fine.ok()) return fine;
        // Its own thread among them; actors wait for none of these.
        if (io::on_thread_of_peers()) {
            return Failure(REFLOW_ERROR_WOULD_DEADLOCK, "it would wait inside a callback");
        }
        const Use use(*discovery);
        discovery->server->stop();
        return {};
    });
}

}  // extern "C"

#else

extern "C" {

reflow_status reflow_discovery_create(reflow_runtime*, const reflow_discovery_options*,
                                      reflow_discovery** out, reflow_error** error) {
    if (out != nullptr) *out = nullptr;
    return no_peers(error);
}
void reflow_discovery_destroy(reflow_discovery*) {}
reflow_status reflow_discovery_handle(reflow_discovery*, const reflow_http_request*,
                                      uint32_t* http_status, reflow_view* content_type,
                                      reflow_buffer** body, reflow_error** error) {
    if (http_status != nullptr) *http_status = 0;
    if (content_type != nullptr) *content_type = {nullptr, 0};
    if (body != nullptr) *body = nullptr;
    return no_peers(error);
}
reflow_status reflow_discovery_serve(reflow_discovery*, reflow_view, uint32_t,
                                     reflow_error** error) {
    return no_peers(error);
}
uint32_t reflow_discovery_port(const reflow_discovery*) { return 0; }
reflow_status reflow_discovery_stop(reflow_discovery*, reflow_error** error) {
    return no_peers(error);
}

}  // extern "C"

#endif
