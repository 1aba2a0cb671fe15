// A client of HTTP and HTTPS on libcurl, on a thread of its own. libcurl is opened with the first client and
// not before: it brings some thirty libraries, which only those who ask a server need.
// Neighbours: peer (discovery). Thread: any.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string_view>

#include "base/memory.hpp"
#include "base/result.hpp"
#include "base/thread.hpp"
#include "io/wire.hpp"

namespace reflow::io {

struct HttpCall {
    String method = "GET";  // GET, POST, DELETE ...
    String url;             // http:// or https://
    String content_type;    // of the body
    String body;            // sent unless the method is GET
    String token;           // "Authorization: Bearer <token>"; empty: none
    std::uint64_t timeout_ms = 5'000;      // for all of it: name, connection, answer
    std::size_t answer_bytes = 1 << 20;    // a longer body is refused
};

struct HttpAnswer {
    // REFLOW_OK: there is an answer. Otherwise _UNRESOLVED, _REFUSED (nobody listens), _TIMEOUT, _LIMIT (too
    // long), _CANCELLED (the client has ended) or _IO, with the reason in problem.
    reflow_status status = REFLOW_OK;
    String problem;
    std::uint16_t code = 0;
    String body;
};

// What it does not do: follow redirects, take proxies from the environment, keep connections or cookies, or
// trust anybody but the certificates that it is told of (else those of the system).
class HttpClient : public Allocated {
public:
    using Done = std::function<void(HttpAnswer)>;
    // REFLOW_ERROR_UNSUPPORTED if there is no libcurl on this machine.
    [[nodiscard]] static Result<std::unique_ptr<HttpClient>> create(TlsOptions tls,
                                                                    const ThreadHooks& hooks = {});
    // What is not answered is cancelled. Waits for its thread, and for names that the system is looking up; not
    // inside of a done.
    ~HttpClient();

    // done follows, on the thread of the client, one at a time; it must not wait. Without memory it may not follow.
    // false once the client ends.
    bool ask(HttpCall call, Done done);

private:
    struct Multi;
    struct Transfer;
    HttpClient(TlsOptions tls, const ThreadHooks& hooks);
    static void enter(void* self);
    void run();
    void begin(std::unique_ptr<Transfer> transfer);
    void prepare(Transfer& transfer);
    void finish_some();

    const TlsOptions tls_;
    const ThreadHooks hooks_;
    std::unique_ptr<Multi> multi_;
    Thread thread_;
    Vector<std::unique_ptr<Transfer>> under_way_;  // on the thread alone

    std::mutex mutex_;  // guards all below
    Vector<std::unique_ptr<Transfer>> asked_;
    bool stopping_ = false;
};

}  // namespace reflow::io
