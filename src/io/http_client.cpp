// libcurl behind a queue. The facts that this rests on, from its documentation: transfers of a multi handle
// belong to one thread, but curl_multi_wakeup may come from any; CURLOPT_NOSIGNAL keeps it away from the
// signals of the process, and then SIGPIPE is the thread's affair, which has all signals blocked; the
// threaded resolver of the distributions looks names up beside the transfers. Thread: see http_client.hpp.
#include "io/http_client.hpp"

#include <curl/curl.h>
#include <dlfcn.h>

#include <algorithm>

#include "base/text.hpp"
#include "io/crypto.hpp"
#include "io/wire.hpp"

namespace reflow::io {
namespace {

// The functions of libcurl that are used.
struct Curl {
    decltype(&curl_global_init) global_init = nullptr;
    decltype(&curl_easy_init) easy_init = nullptr;
    decltype(&curl_easy_setopt) easy_setopt = nullptr;
    decltype(&curl_easy_getinfo) easy_getinfo = nullptr;
    decltype(&curl_easy_strerror) easy_strerror = nullptr;
    decltype(&curl_easy_cleanup) easy_cleanup = nullptr;
    decltype(&curl_slist_append) slist_append = nullptr;
    decltype(&curl_slist_free_all) slist_free_all = nullptr;
    decltype(&curl_multi_init) multi_init = nullptr;
    decltype(&curl_multi_cleanup) multi_cleanup = nullptr;
    decltype(&curl_multi_add_handle) multi_add_handle = nullptr;
    decltype(&curl_multi_remove_handle) multi_remove_handle = nullptr;
    decltype(&curl_multi_perform) multi_perform = nullptr;
    decltype(&curl_multi_info_read) multi_info_read = nullptr;
    decltype(&curl_multi_poll) multi_poll = nullptr;
    decltype(&curl_multi_wakeup) multi_wakeup = nullptr;
};

constinit Curl curl;              // complete once it is loaded, and never changed then
constinit bool loaded = false;    // under load_mutex
constinit std::mutex load_mutex;

template <typename Function>
bool find(void* library, const char* name, Function& to) noexcept {
    to = reinterpret_cast<Function>(dlsym(library, name));
    return to != nullptr;
}

bool find_all(void* library) noexcept {
    return find(library, "curl_global_init", curl.global_init) &&
           find(library, "curl_easy_init", curl.easy_init) &&
           find(library, "curl_easy_setopt", curl.easy_setopt) &&
           find(library, "curl_easy_getinfo", curl.easy_getinfo) &&
           find(library, "curl_easy_strerror", curl.easy_strerror) &&
           find(library, "curl_easy_cleanup", curl.easy_cleanup) &&
           find(library, "curl_slist_append", curl.slist_append) &&
           find(library, "curl_slist_free_all", curl.slist_free_all) &&
           find(library, "curl_multi_init", curl.multi_init) &&
           find(library, "curl_multi_cleanup", curl.multi_cleanup) &&
           find(library, "curl_multi_add_handle", curl.multi_add_handle) &&
           find(library, "curl_multi_remove_handle", curl.multi_remove_handle) &&
           find(library, "curl_multi_perform", curl.multi_perform) &&
           find(library, "curl_multi_info_read", curl.multi_info_read) &&
           find(library, "curl_multi_poll", curl.multi_poll) &&
           find(library, "curl_multi_wakeup", curl.multi_wakeup);
}

// Once; it stays then, since nobody knows who else has begun to use it.
Result<void> load() {
    std::lock_guard lock(load_mutex);
    if (loaded) return {};
    void* library = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (library == nullptr) {
        const char* why = dlerror();
        return Failure(REFLOW_ERROR_UNSUPPORTED,
                       concat("no client of HTTP: ", why == nullptr ? "no libcurl.so.4" : why))
            .hint("install libcurl (Debian: libcurl4)");
    }
    bool whole = find_all(library);
    begin_crypto();  // libcurl begins it, too
    if (whole) whole = curl.global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
    dlclose(library);
    if (!whole) return Failure(REFLOW_ERROR_UNSUPPORTED, "libcurl is older than 7.68");
    loaded = true;
    return {};
}

reflow_status status_of(CURLcode code) noexcept {
    switch (code) {
        case CURLE_OK:
            return REFLOW_OK;
        case CURLE_COULDNT_RESOLVE_HOST:
            return REFLOW_ERROR_UNRESOLVED;
        case CURLE_COULDNT_CONNECT:
            return REFLOW_ERROR_REFUSED;
        case CURLE_OPERATION_TIMEDOUT:
            return REFLOW_ERROR_TIMEOUT;
        case CURLE_OUT_OF_MEMORY:
            return REFLOW_ERROR_OUT_OF_MEMORY;
        default:
            return REFLOW_ERROR_IO;
    }
}

}  // namespace

struct HttpClient::Multi : Allocated {
    Multi() : handle(curl.multi_init()) {}
    ~Multi() {
        if (handle != nullptr) curl.multi_cleanup(handle);
    }
    CURLM* const handle;
};

struct HttpClient::Transfer : Allocated {
    Transfer(HttpCall of, Done to) : call(std::move(of)), done(std::move(to)) {}
    ~Transfer() {
        if (easy != nullptr) curl.easy_cleanup(easy);
        if (headers != nullptr) curl.slist_free_all(headers);
    }
    void add_header(const String& line) {
        curl_slist* longer = curl.slist_append(headers, line.c_str());
        if (longer != nullptr) headers = longer;
    }
    void end(reflow_status status, std::string_view problem) {
        HttpAnswer answer;
        answer.status = too_long ? REFLOW_ERROR_LIMIT : status;
        answer.code = code;
        if (too_long) {
            answer.problem = concat("the answer has more than ", call.answer_bytes, " bytes");
        } else if (status == REFLOW_OK) {
            answer.body = std::move(body);
        } else {
            answer.problem = problem;
        }
        // Who cannot take it for want of memory has to look after it by itself.
        try {
            std::exchange(done, {})(std::move(answer));
        } catch (...) {
        }
    }
    // Of libcurl; it takes less than it was given as the wish to end.
    static std::size_t take(char* data, std::size_t, std::size_t size, void* self) noexcept {
        Transfer& to = *static_cast<Transfer*>(self);
        if (size > to.call.answer_bytes - to.body.size()) {
            to.too_long = true;
            return 0;
        }
        try {
            to.body.append(data, size);
        } catch (...) {
            return 0;
        }
        return size;
    }

    const HttpCall call;
    Done done;
    CURL* easy = nullptr;
    curl_slist* headers = nullptr;
    String body;
    std::uint16_t code = 0;
    bool too_long = false;
    char reason[CURL_ERROR_SIZE] = "";
};

Result<std::unique_ptr<HttpClient>> HttpClient::create(TlsOptions tls, const ThreadHooks& hooks) {
    if (Result<void> there = load(); !there.ok()) return there.take_error();
    auto made = std::unique_ptr<HttpClient>(new HttpClient(std::move(tls), hooks));
    made->multi_.reset(new Multi);
    if (made->multi_->handle == nullptr) {
        return Failure(REFLOW_ERROR_OUT_OF_MEMORY, "libcurl gives no handle");
    }
    Result<void> started = made->thread_.start("rf-http", enter, made.get());
    if (!started.ok()) return started.take_error();
    return made;
}

HttpClient::HttpClient(TlsOptions tls, const ThreadHooks& hooks)
    : tls_(std::move(tls)), hooks_(hooks) {}

HttpClient::~HttpClient() {
    {
        std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    if (!thread_.running()) return;
    curl.multi_wakeup(multi_->handle);
    thread_.join();
}

bool HttpClient::ask(HttpCall call, Done done) {
    auto transfer = std::unique_ptr<Transfer>(new Transfer(std::move(call), std::move(done)));
    std::lock_guard lock(mutex_);
    if (stopping_) return false;
    asked_.push_back(std::move(transfer));
    // Under the lock: the handle is there as long as nobody stops.
    curl.multi_wakeup(multi_->handle);
    return true;
}

void HttpClient::enter(void* self) {
    auto* client = static_cast<HttpClient*>(self);
    be_thread_of_peers();
    HookedThread inside(client->hooks_);
    client->run();
}

void HttpClient::run() {
    constexpr int long_ms = 3'600'000;  // a wake or libcurl's own deadlines come before
    for (;;) {
        Vector<std::unique_ptr<Transfer>> asked;
        bool stopping = false;
        {
            std::lock_guard lock(mutex_);
            asked.swap(asked_);
            stopping = stopping_;
        }
        for (auto& transfer : asked) {
            try {
                begin(std::move(transfer));
            } catch (...) {  // no memory: as if it had not been asked
            }
        }
        if (stopping) break;
        int running = 0;
        curl.multi_perform(multi_->handle, &running);
        finish_some();
        bool more = false;  // who was answered may have asked again
        {
            std::lock_guard lock(mutex_);
            more = !asked_.empty() || stopping_;
        }
        if (!more) curl.multi_poll(multi_->handle, nullptr, 0, long_ms, nullptr);
    }
    for (auto& transfer : under_way_) {
        curl.multi_remove_handle(multi_->handle, transfer->easy);
        transfer->end(REFLOW_ERROR_CANCELLED, "the client of HTTP has ended");
    }
    under_way_.clear();
}

void HttpClient::begin(std::unique_ptr<Transfer> transfer) {
    transfer->easy = curl.easy_init();
    if (transfer->easy == nullptr) {
        return transfer->end(REFLOW_ERROR_OUT_OF_MEMORY, "libcurl gives no handle");
    }
    prepare(*transfer);
    if (curl.multi_add_handle(multi_->handle, transfer->easy) != CURLM_OK) {
        return transfer->end(REFLOW_ERROR_OUT_OF_MEMORY, "libcurl does not take the request");
    }
    under_way_.push_back(std::move(transfer));
}

void HttpClient::prepare(Transfer& transfer) {
    const HttpCall& call = transfer.call;
    auto set = [&](CURLoption option, auto value) {
        curl.easy_setopt(transfer.easy, option, value);
    };
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_PRIVATE, &transfer);
    set(CURLOPT_ERRORBUFFER, transfer.reason);
    set(CURLOPT_URL, call.url.c_str());
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    set(CURLOPT_FOLLOWLOCATION, 0L);
    set(CURLOPT_PROXY, "");         // none, whatever the environment says
    set(CURLOPT_FORBID_REUSE, 1L);  // the server has better uses for an idle connection
    set(CURLOPT_TIMEOUT_MS, static_cast<long>(std::min<std::uint64_t>(call.timeout_ms, 86'400'000)));
    set(CURLOPT_WRITEFUNCTION, &Transfer::take);
    set(CURLOPT_WRITEDATA, &transfer);
    set(CURLOPT_SSL_VERIFYPEER, tls_.verify ? 1L : 0L);
    set(CURLOPT_SSL_VERIFYHOST, tls_.verify ? 2L : 0L);
    if (!tls_.ca_file.empty()) {
        set(CURLOPT_CAINFO, tls_.ca_file.c_str());
        set(CURLOPT_CAPATH, static_cast<char*>(nullptr));  // instead of the system's, not beside them
    }
    if (call.method != "GET") {
        set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(call.body.size()));
        set(CURLOPT_POSTFIELDS, call.body.data());  // lives as long as the transfer
        set(CURLOPT_CUSTOMREQUEST, call.method.c_str());
        transfer.add_header(concat("Content-Type: ", call.content_type));
        transfer.add_header("Expect:");  // it would wait for an answer before the body
    }
    transfer.add_header("User-Agent: reflow");
    if (!call.token.empty()) transfer.add_header(concat("Authorization: Bearer ", call.token));
    set(CURLOPT_HTTPHEADER, transfer.headers);
}

void HttpClient::finish_some() {
    int left = 0;
    while (CURLMsg* message = curl.multi_info_read(multi_->handle, &left)) {
        if (message->msg != CURLMSG_DONE) continue;
        CURLcode result = message->data.result;
        CURL* easy = message->easy_handle;  // the message ends with the next call
        auto found = std::find_if(under_way_.begin(), under_way_.end(),
                                  [&](const auto& one) { return one->easy == easy; });
        if (found == under_way_.end()) continue;
        std::unique_ptr<Transfer> ended = std::move(*found);
        under_way_.erase(found);
        long code = 0;
        curl.easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &code);
        ended->code = static_cast<std::uint16_t>(code);
        curl.multi_remove_handle(multi_->handle, easy);
        std::string_view reason = ended->reason;
        ended->end(status_of(result), reason.empty() ? curl.easy_strerror(result) : reason);
    }
}

}  // namespace reflow::io
