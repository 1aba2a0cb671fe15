// Section 21 of reflow.h: HTTP of hosts on the port of a peer.
// Thread: any; the handler is called on the thread of wires.
#include "capi/guard.hpp"
#include "capi/handles.hpp"
#include "capi/modules.hpp"

#if REFLOW_WITH_PEER
#include "base/limits.hpp"
#include "base/process.hpp"
#include "capi/peer_http.hpp"
#include "peer/http.hpp"
#endif

using namespace reflow;
using namespace reflow::capi;

#if REFLOW_WITH_PEER

struct reflow_http_reply : reflow::Allocated {
    process::Life life = 0;
    Ref<io::HttpReply> reply;
    [[nodiscard]] bool forked() const noexcept { return !process::is_here(life); }
};

namespace {

io::HttpResponse no_answer() { return peer::error_response(500, "the request was not answered"); }

class Handler final : public RefCounted<Handler> {
public:
    Handler(reflow_http_fn call, network::HostData data, const HostLog& log)
        : call_(call), data_(std::move(data)), log_(log) {}

    io::HttpResponse operator()(const io::HttpRequest& from) {
        auto reply = std::make_unique<reflow_http_reply>();
        // relaxed: this thread is one of the life.
        reply->life = process::page.life.load(std::memory_order_relaxed);
        reply->reply = from.asker->later();
        if (!reply->reply) return peer::error_response(503, "too many requests wait");
        reflow_http_request request{};
        request.struct_size = sizeof request;
        request.method = to_view(from.method);
        request.path = to_view(from.path);
        request.query = to_view(from.query);
        request.content_type = to_view(from.content_type);
        request.authorization = to_view(from.authorization);
        request.body = to_view(from.body);
        // The handle is his, also if he throws: then nobody else answers, unless he has already.
        const Ref<io::HttpReply> answer = reply->reply;
        bool returned = false;
        call_host("of HTTP requests", &log_, [&] {
            call_(data_.get(), &request, reply.release());
            returned = true;
        });
        if (!returned) (void)answer->send(no_answer());
        return {};
    }

private:
    const reflow_http_fn call_;
    const network::HostData data_;
    const HostLog& log_;
};

Result<std::uint32_t> option(std::string_view name, std::uint32_t given, std::uint32_t otherwise,
                             std::uint32_t most) {
    if (given <= most) return given == 0 ? otherwise : given;
    return Failure(REFLOW_ERROR_LIMIT, concat(name, " ", given, " is more than ", most));
}

Result<io::HttpResponse> response_of(std::uint32_t status, reflow_view content_type,
                                     reflow_view body) {
    if (status < 200 || status > 599) {
        return Failure(REFLOW_ERROR_INVALID_ARGUMENT,
                       concat("status ", status, " is not from 200 to 599"));
    }
    Result<std::string_view> type = text_argument(content_type, "content_type");
    if (!type.ok()) return type.take_error();
    if (type.value().size() > limits::content_type_bytes) {
        return Failure(REFLOW_ERROR_INVALID_ARGUMENT,
                       concat("argument 'content_type' has ", type.value().size(),
                              " bytes, more than ", limits::content_type_bytes));
    }
    for (char letter : type.value()) {
        if (letter < ' ' || letter > '~') {
            return Failure(REFLOW_ERROR_INVALID_ARGUMENT,
                           "argument 'content_type' has letters that no header has");
        }
    }
    bool ends_with_nul = body.data != nullptr && body.size == REFLOW_NUL_TERMINATED;
    Result<void> fine = check_bytes(body.data, ends_with_nul ? 0 : body.size, "body");
    if (!fine.ok()) return fine.take_error();
    if ((status == 204 || status == 304) && !view_of(body).empty()) {
        return Failure(REFLOW_ERROR_INVALID_ARGUMENT,
                       concat("an answer with status ", status, " has no body"));
    }
    io::HttpResponse response;
    response.status = static_cast<std::uint16_t>(status);
    response.content_type = type.value().empty() ? "application/octet-stream" : type.value();
    response.body = view_of(body);
    return response;
}

}  // namespace

Result<peer::HttpRoutes> capi::http_routes(reflow_http_fn handler, network::HostData data,
                                           const reflow_http_options* options,
                                           const HostLog& log) {
    if (handler == nullptr) return null_argument("handler");
    Result<reflow_http_options> given = read_options(options, "reflow_http_options");
    if (!given.ok()) return given.take_error();
    const reflow_http_options& from = given.value();
    peer::HttpRoutes routes;
    Result<std::uint32_t> body = option("max_body_bytes", from.max_body_bytes,
                                        limits::http_body_bytes, limits::most_http_body_bytes);
    if (!body.ok()) return body.take_error();
    Result<std::uint32_t> waiting =
        option("max_waiting", from.max_waiting, limits::http_replies_count,
               limits::most_http_replies_count);
    if (!waiting.ok()) return waiting.take_error();
    if (from.timeout_ms != 0) routes.reply_ns = std::uint64_t{from.timeout_ms} * 1'000'000;
    routes.body_bytes = body.value();
    routes.replies = waiting.value();
    auto made = make_ref<Handler>(handler, std::move(data), log);
    routes.call = [made](const io::HttpRequest& request) { return (*made)(request); };
    return routes;
}

extern "C" {

reflow_status reflow_http_reply_send(reflow_http_reply* reply, uint32_t status,
                                     reflow_view content_type, reflow_view body,
                                     reflow_error** error) {
    std::unique_ptr<reflow_http_reply> taken(reply);
    return guarded(error, [&]() -> Result<void> {
        if (!taken) return null_argument("reply");
        if (Result<void> here = of_this_process(taken->forked()); !here.ok()) return here;
        Result<io::HttpResponse> response = response_of(status, content_type, body);
        if (!response.ok()) {
            (void)taken->reply->send(no_answer());
            return response.take_error();
        }
        if (taken->reply->send(std::move(response).take()) == REFLOW_OK) return {};
        return Failure(REFLOW_ERROR_CLOSED, "nobody waits for this answer any more");
    });
}

void reflow_http_reply_destroy(reflow_http_reply* reply) {
    std::unique_ptr<reflow_http_reply> taken(reply);
    if (!taken || taken->forked()) return;
    (void)guarded_status([&] { return taken->reply->send(no_answer()); });
}

}  // extern "C"

#else

extern "C" {

reflow_status reflow_http_reply_send(reflow_http_reply*, uint32_t, reflow_view, reflow_view,
                                     reflow_error** error) {
    return no_peers(error);
}
void reflow_http_reply_destroy(reflow_http_reply*) {}

}  // extern "C"

#endif
