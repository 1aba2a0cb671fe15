// Calls from a peer into JavaScript: undelivered messages, HTTP requests and events of links. They come on
// threads of the peer; each is posted to the thread of JavaScript, which it never waits for.
#include "bridge.h"
#include "environment.h"
#include "held.h"
#include "peer.h"
#include "peer_events.h"
#include "waker.h"

namespace reflow_node {

namespace {

// ---- messages that are lost

void undelivered(void* user_data, reflow_view port, reflow_message message, reflow_status status,
                 reflow_view reason) {
    auto kept = std::make_shared<Message>(reflow_message_ref(message));
    Held::of(user_data).post([port = copy_of(port), kept, status, reason = copy_of(reason)](
                                 Napi::Env env, const Napi::FunctionReference& function) {
        Napi::Object letter = Napi::Object::New(env);
        const bool none = reflow_message_kind(kept->get()) == REFLOW_KIND_NONE;
        letter.Set("port", port);
        letter.Set("message", none ? env.Undefined() : to_value(env, kept->get()));
        letter.Set("status", string_of(env, reflow_status_name(status)));
        letter.Set("reason", reason);
        function.Call({letter});
    });
}

// ---- HTTP

struct Reply {
    explicit Reply(reflow_http_reply* taken) : reply(taken) {}
    Reply(const Reply&) = delete;
    Reply& operator=(const Reply&) = delete;
    ~Reply() { reflow_http_reply_destroy(reply); }
    reflow_http_reply* reply;
};

// The function that JavaScript answers with: (status, contentType, body)
Napi::Function answer(Napi::Env env, std::shared_ptr<Reply> reply) {
    return Napi::Function::New(env, [reply](const Napi::CallbackInfo& info) -> Napi::Value {
        const std::uint32_t status = info[0].ToNumber().Uint32Value();
        const std::string type = text_argument(info, 1, "contentType");
        const std::string body = bytes_argument(info, 2, "body");
        reflow_http_reply* taken = std::exchange(reply->reply, nullptr);
        if (taken == nullptr) return info.Env().Undefined();
        must(info.Env(), [&](reflow_error** error) {
            return reflow_http_reply_send(taken, status, view_of(type), view_of(body), error);
        });
        return info.Env().Undefined();
    });
}

void requested(void* user_data, const reflow_http_request* request, reflow_http_reply* reply) {
    struct Request {
        std::string method, path, query, type, authorization, body;
    };
    auto copy = std::make_shared<Request>(
        Request{copy_of(request->method), copy_of(request->path), copy_of(request->query),
                copy_of(request->content_type), copy_of(request->authorization), copy_of(request->body)});
    auto kept = std::make_shared<Reply>(reply);
    Held::of(user_data).post([copy, kept](Napi::Env env, const Napi::FunctionReference& function) {
        Napi::Object object = Napi::Object::New(env);
        object.Set("method", copy->method);
        object.Set("path", copy->path);
        object.Set("query", copy->query);
        object.Set("contentType", copy->type);
        object.Set("authorization", copy->authorization);
        object.Set("body", Napi::Buffer<char>::Copy(env, copy->body.data(), copy->body.size()));
        function.Call({object, answer(env, kept)});
    });
}

// ---- events of links

constexpr std::uint32_t kEventCapacity = 1024;

}  // namespace

// (network, actor, options, function or undefined)
Napi::Value PeerHandle::set_delivery(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    const auto core = use(env);
    const std::string network = text_argument(info, 0, "the id of a network");
    const std::string actor = text_argument(info, 1, "an actor");
    const Options given(env, info[2]);
    reflow_delivery_options options{};
    options.struct_size = sizeof options;
    options.delivery = static_cast<reflow_delivery>(given.u32("delivery"));
    options.outbox_policy = static_cast<reflow_outbox_policy>(given.u32("outboxPolicy"));
    options.outbox_messages = given.u32("outboxMessages");
    options.outbox_bytes = given.u64("outboxBytes");
    options.deadline_ms = given.u32("deadlineMs");
    options.ack_timeout_ms = given.u32("ackTimeoutMs");
    options.ack_retries = given.u32("ackRetries");
    options.unacknowledged_messages = given.u32("unacknowledgedMessages");
    if (info[3].IsFunction()) {
        options.undelivered = undelivered;
        options.user_data =
            Held::hand_over(std::make_shared<Held>(env, info[3].As<Napi::Function>()));
        options.destroy = Held::let_go;
    }
    must(env, [&](reflow_error** error) {
        return reflow_peer_set_delivery(core->peer, view_of(network), view_of(actor), &options, error);
    });
    return env.Undefined();
}

// (function, options)
Napi::Value PeerHandle::on_http(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    const auto core = use(env);
    const Options given(env, info[1]);
    reflow_http_options options{};
    options.struct_size = sizeof options;
    options.timeout_ms = given.u32("timeoutMs");
    options.max_body_bytes = given.u32("maxBodyBytes");
    options.max_waiting = given.u32("maxWaiting");
    void* held = Held::hand_over(std::make_shared<Held>(env, info[0].As<Napi::Function>()));
    must(env, [&](reflow_error** error) {
        return reflow_peer_on_http(core->peer, requested, held, Held::let_go, &options, error);
    });
    return env.Undefined();
}

// ---- the stream of events of a peer

Napi::Function PeerEventsHandle::define(Napi::Env env) {
    return DefineClass(env, "PeerEventsHandle",
                       {InstanceMethod<&PeerEventsHandle::take>("take"),
                        InstanceMethod<&PeerEventsHandle::finish>("finish"),
                        InstanceMethod<&PeerEventsHandle::close>("close")});
}

// new PeerEventsHandle(ready, peer, kinds as bits, capacity)
PeerEventsHandle::PeerEventsHandle(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<PeerEventsHandle>(info) {
    const Napi::Env env = info.Env();
    const std::shared_ptr<PeerCore> core =
        PeerHandle::Unwrap(info[1].As<Napi::Object>())->use(env);
    const std::uint32_t given = info[3].ToNumber().Uint32Value();
    const std::uint32_t capacity = given == 0 ? kEventCapacity : given;
    ready_ = Napi::Persistent(info[0].As<Napi::Function>());
    capacity_ = capacity;
    reflow_peer_event_options options{};
    options.struct_size = sizeof options;
    options.capacity = capacity;
    options.kinds = info[2].ToNumber().Uint32Value();
    must(env, [&](reflow_error** error) {
        return reflow_peer_subscribe(core->peer, &options, &subscription_, error);
    });
    core_ = core;
    waker_ = std::make_shared<Waker>(Environment::of(env).weak_from_this(), [this](Napi::Env inside) {
        if (!ready_.IsEmpty()) ready_.Call(inside.Undefined(), {});
    });
    reflow_error* error = nullptr;
    const reflow_status status = reflow_peer_subscription_on_readable(
        subscription_, [](void* user_data) { Waker::wake(user_data); }, Waker::hand_over(waker_), Waker::let_go,
        &error);
    if (status != REFLOW_OK) close_subscription();  // nobody ends what was not made
    check(env, status, error);
    Waker::wake(waker_);  // of what came before nobody tells
}

PeerEventsHandle::~PeerEventsHandle() { end(); }

void PeerEventsHandle::close_subscription() {
    if (waker_) waker_->end();
    reflow_peer_subscription_destroy(std::exchange(subscription_, nullptr));
    core_.reset();
    ready_.Reset();
}

void PeerEventsHandle::end() {
    close_subscription();
    finished_ = true;
    held_.clear();
}

// The next event. The engine tells of what was lost with the event that it hands out first behind a loss; but the queue
// was full then, and that event the first in it, so as many events as it has places for stood before the loss.
bool PeerEventsHandle::poll() {
    if (subscription_ == nullptr) return false;
    reflow_message event{};
    std::uint64_t missed = 0;
    const reflow_status status = reflow_peer_subscription_poll(subscription_, 0, &event, &missed, nullptr);
    if (missed > 0) losses_.emplace_back(status == REFLOW_OK ? taken_ + capacity_ : taken_, missed);
    if (status == REFLOW_ERROR_CLOSED) finished_ = true;
    if (status != REFLOW_OK) return false;
    held_.push_back({Message(event), 0});
    for (; !losses_.empty() && losses_.front().first <= taken_; losses_.pop_front()) {
        held_.back().missed += losses_.front().second;
    }
    ++taken_;
    return true;
}

// (max): see EventsHandle::take
Napi::Value PeerEventsHandle::take(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    const std::uint32_t max = info[0].ToNumber().Uint32Value();
    waker_->taking();
    while (held_.size() < max && poll()) {
    }
    Napi::Array array = Napi::Array::New(env);
    std::uint32_t count = 0;
    for (; count < max && !held_.empty(); ++count) {
        const Napi::HandleScope scope(env);
        Napi::Object object = to_value(env, held_.front().event.get()).As<Napi::Object>();
        object.Set("missed", Napi::Number::New(env, static_cast<double>(held_.front().missed)));
        held_.pop_front();
        array.Set(count, object);
    }
    const bool ended = finished_ && held_.empty();
    std::uint64_t lost = 0;
    if (ended) {
        for (const auto& loss : std::exchange(losses_, {})) lost += loss.second;
    }
    array.Set("ended", Napi::Boolean::New(env, ended));
    array.Set("missed", Napi::Number::New(env, static_cast<double>(lost)));
    return array;
}

// The peer has stopped: what waits may still be taken.
Napi::Value PeerEventsHandle::finish(const Napi::CallbackInfo& info) {
    while (poll()) {
    }
    finished_ = true;
    close_subscription();
    return info.Env().Undefined();
}

Napi::Value PeerEventsHandle::close(const Napi::CallbackInfo& info) {
    end();
    return info.Env().Undefined();
}

}  // namespace reflow_node
