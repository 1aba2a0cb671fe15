// The native half of net.events(): a subscription that is polled here, and one whose callback says when.
#include "events.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "bridge.h"
#include "core.h"
#include "environment.h"
#include "waker.h"

namespace reflow_node {

namespace {

constexpr std::array<const char*, 15> kKinds{
    "NetworkStarted", "NetworkIdle",     "NetworkStalled", "NetworkShutdown", "ActorStarted",
    "ActorCompleted", "ActorFailed",     "MessageSent",    "MessageReceived", "ActorEmit",
    "Breakpoint",     "DeadLetter",      "ActorState",     "ActorStuck",
    "CheckpointFailed"};
constexpr std::array<const char*, 4> kOutcomes{"failed", "grew", "dropped", "streams"};
constexpr std::array<const char*, 7> kDetails{"paused", "held",      "retrying", "restarting",
                                              "open",   "half-open", "down"};
constexpr std::uint64_t kUsual =
    REFLOW_EVENTS_ALL & ~(UINT64_C(1) << REFLOW_EVENT_MESSAGE_SENT) &
    ~(UINT64_C(1) << REFLOW_EVENT_ACTOR_EMIT) & ~(UINT64_C(1) << REFLOW_EVENT_ACTOR_COMPLETED) &
    ~(UINT64_C(1) << REFLOW_EVENT_ACTOR_STATE);
constexpr std::uint32_t kCapacity = 4096;

}  // namespace

// An event that outlives its batch.
class KeptEvent {
public:
    explicit KeptEvent(const reflow_event& event)
        : value(event),
          node(copy_of(event.node)),
          component(copy_of(event.component)),
          port(copy_of(event.port)),
          peer(copy_of(event.peer)),
          peer_port(copy_of(event.peer_port)),
          error(copy_of(event.error)),
          trace(copy_of(event.trace)),
          path(copy_of(event.path)) {
        reflow_message_ref(value.message);
        reflow_message_ref(value.outputs);
    }
    ~KeptEvent() {
        reflow_message_unref(value.message);
        reflow_message_unref(value.outputs);
    }
    KeptEvent(const KeptEvent&) = delete;
    KeptEvent& operator=(const KeptEvent&) = delete;

    reflow_event value;        // its views are not looked at
    std::uint64_t missed = 0;  // just before it
    std::string node, component, port, peer, peer_port, error, trace, path;
};

namespace {

// What JavaScript sees of an event, made field by field.
class Object {
public:
    Object(Napi::Env env, const KeptEvent& event) : env_(env), event_(event), object_(Napi::Object::New(env)) {}

    Napi::Object make() {
        const reflow_event& e = event_.value;
        object_.Set("kind", kKinds.at(static_cast<std::size_t>(e.kind)));
        number("sequence", e.sequence);
        object_.Set("timestamp", Napi::Number::New(env_, static_cast<double>(e.timestamp_ms)));
        rest();
        return object_;
    }

private:
    void text(const char* key, const std::string& value) { object_.Set(key, value); }
    void number(const char* key, std::uint64_t value) {
        object_.Set(key, Napi::Number::New(env_, static_cast<double>(value)));
    }
    void message(const char* key, reflow_message value) {
        const bool none = reflow_message_kind(value) == REFLOW_KIND_NONE;
        object_.Set(key, none ? env_.Undefined() : to_value(env_, value));
    }
    void node() {
        text("node", event_.node);
        text("component", event_.component);
    }
    void transfer() {
        text("node", event_.node);
        text("port", event_.port);
        text("peer", event_.peer);
        text("peerPort", event_.peer_port);
        message("message", event_.value.message);
        number("size", event_.value.size);
        number("waiting", event_.value.waiting);
    }
    void rest();
    void state();

    Napi::Env env_;
    const KeptEvent& event_;
    Napi::Object object_;
};

void Object::state() {
    node();
    object_.Set("state", string_of(env_, reflow_node_state_name(event_.value.state)));
    object_.Set("details", details_of(env_, event_.value.details));
}

void Object::rest() {
    const reflow_event& e = event_.value;
    switch (e.kind) {
        case REFLOW_EVENT_ACTOR_STARTED:
            return node();
        case REFLOW_EVENT_ACTOR_COMPLETED:
            node();
            number("count", e.count);
            number("durationNs", e.duration_ns);
            if (reflow_message_kind(e.outputs) == REFLOW_KIND_NONE) {
                object_.Set("outputs", Napi::Object::New(env_));
            } else {
                message("outputs", e.outputs);
            }
            return number("waiting", e.waiting);
        case REFLOW_EVENT_ACTOR_FAILED:
            node();
            text("error", event_.error);
            text("trace", event_.trace);
            number("count", e.count);
            number("durationNs", e.duration_ns);
            return number("waiting", e.waiting);
        case REFLOW_EVENT_ACTOR_STATE:
            return state();
        case REFLOW_EVENT_ACTOR_STUCK:
            node();
            return number("durationNs", e.duration_ns);
        case REFLOW_EVENT_MESSAGE_SENT:
        case REFLOW_EVENT_MESSAGE_RECEIVED:
        case REFLOW_EVENT_ACTOR_EMIT:
            return transfer();
        case REFLOW_EVENT_BREAKPOINT:
            node();
            number("breakpoint", e.breakpoint.id);
            text("port", event_.port);
            text("peer", event_.peer);
            text("peerPort", event_.peer_port);
            return message("message", e.message);
        case REFLOW_EVENT_DEAD_LETTER:
            node();
            text("error", event_.error);
            return number("id", e.count);
        case REFLOW_EVENT_CHECKPOINT_FAILED:
            return text("error", event_.error);
        case REFLOW_EVENT_NETWORK_STALLED:
            text("node", event_.node);
            text("port", event_.port);
            text("error", event_.error);
            object_.Set("outcome", kOutcomes.at(static_cast<std::size_t>(e.state)));
            number("count", e.count);
            text("path", event_.path);
            return number("stalls", e.stalls);
        default:
            return;
    }
}

// Which kinds an option asks for, as bits; 0 if it says nothing.
std::uint64_t kinds_of(Napi::Env env, const Options& options) {
    const Napi::Value value = options.get("kinds");
    if (value.IsUndefined()) return 0;
    std::vector<std::string> names;
    if (value.IsString()) {
        names.push_back(value.As<Napi::String>().Utf8Value());
    } else {
        names = options.texts("kinds");
    }
    std::uint64_t bits = 0;
    for (const std::string& name : names) {
        std::size_t kind = 0;
        while (kind < kKinds.size() && name != kKinds.at(kind)) ++kind;
        if (kind == kKinds.size()) refuse(env, "there is no kind of event '" + name + "'");
        bits |= UINT64_C(1) << kind;
    }
    if (bits == 0) refuse(env, "option 'kinds' names no kind of event");
    return bits;
}

}  // namespace

Napi::Array details_of(Napi::Env env, std::uint32_t bits) {
    Napi::Array details = Napi::Array::New(env);
    for (std::size_t bit = 0; bit < kDetails.size(); ++bit) {
        if ((bits >> bit & 1U) != 0) details.Set(details.Length(), kDetails.at(bit));
    }
    return details;
}

Napi::Function EventsHandle::define(Napi::Env env) {
    return DefineClass(env, "EventsHandle",
                       {InstanceMethod<&EventsHandle::take>("take"),
                        InstanceMethod<&EventsHandle::finish>("finish"),
                        InstanceMethod<&EventsHandle::close>("close")});
}

EventsHandle::EventsHandle(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<EventsHandle>(info), ready_(Napi::Persistent(info[0].As<Napi::Function>())) {}

EventsHandle::~EventsHandle() { end(); }

void EventsHandle::open(Napi::Env env, const std::shared_ptr<Core>& core, Napi::Value value) {
    const Options options(env, value);
    const std::string nodes = options.text("nodes");
    const std::uint64_t given = kinds_of(env, options);
    capacity_ = options.u32("capacity");
    if (capacity_ == 0) capacity_ = kCapacity;
    reflow_network* network = core->running(env);
    must(env, [&](reflow_error** error) { return core->watch_end(error); });
    waker_ = std::make_shared<Waker>(core->environment, [this](Napi::Env inside) { (void)tell(inside); });
    reflow_event_options asked{};
    asked.struct_size = sizeof asked;
    asked.kinds = given == 0 ? kUsual : given;
    asked.nodes = view_of(nodes);
    asked.capacity = 1;  // of many that come at once one is enough
    asked.max_batch = 1;
    asked.callback = [](void* user_data, const reflow_event_batch*, std::uint64_t) { Waker::wake(user_data); };
    asked.user_data = Waker::hand_over(waker_);
    asked.destroy = Waker::let_go;
    must(env, [&](reflow_error** error) {
        return reflow_network_subscribe(network, &asked, &wakes_, error);
    });
    asked.sample = options.u32("sample");
    asked.capacity = capacity_;
    asked.max_batch = 0;
    asked.callback = nullptr;
    asked.user_data = nullptr;
    asked.destroy = nullptr;
    must(env, [&](reflow_error** error) {
        return reflow_network_subscribe(network, &asked, &subscription_, error);
    });
    core_ = core;
    core->events.push_back(this);
    // It may have ended already, and then nothing would come.
    if (reflow_network_get_state(network) >= REFLOW_NETWORK_STOPPING) Waker::wake(waker_);
}

bool EventsHandle::tell(Napi::Env env) {
    if (ready_.IsEmpty()) return false;
    given_ = false;
    ready_.Call(env.Undefined(), {});
    return given_;
}

// All at once, so that what is lost stands at its place: a subscription that is full loses what comes then, and that is
// behind those which it holds.
void EventsHandle::poll() {
    if (subscription_ == nullptr) return;
    const std::shared_ptr<Core> core = core_.lock();
    const bool shut = !core || core->shut.load(std::memory_order_acquire);  // before the look: all of it is seen
    reflow_event_batch* batch = nullptr;
    std::uint64_t missed = 0;
    const reflow_status status = reflow_subscription_poll(subscription_, capacity_, 0, &batch, &missed, nullptr);
    for (std::size_t i = 0; i < reflow_event_batch_count(batch); ++i) {
        reflow_event event{};
        event.struct_size = sizeof event;
        if (reflow_event_batch_get(batch, i, &event) != REFLOW_OK) continue;
        held_.push_back(std::make_unique<KeptEvent>(event));
        held_.back()->missed = std::exchange(missed_, 0);
    }
    reflow_event_batch_destroy(batch);
    missed_ += missed;
    if (status == REFLOW_ERROR_CLOSED || shut) finished_ = true;
}

void EventsHandle::close_subscriptions() {
    if (waker_) waker_->end();
    reflow_subscription_destroy(std::exchange(wakes_, nullptr));
    reflow_subscription_destroy(std::exchange(subscription_, nullptr));
    if (const std::shared_ptr<Core> core = core_.lock()) std::erase(core->events, this);
    ready_.Reset();
}

void EventsHandle::end() {
    close_subscriptions();
    held_.clear();
}

// (max): up to max events as an array, each with its count `missed`; `ended` of the array tells whether no more come, and
// `missed` of it then how many were lost behind the last one.
Napi::Value EventsHandle::take(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    const std::uint32_t max = info[0].ToNumber().Uint32Value();
    if (waker_) waker_->taking();
    if (held_.empty()) poll();
    Napi::Array array = Napi::Array::New(env);
    std::uint32_t count = 0;
    for (; count < max && !held_.empty(); ++count) {
        const Napi::HandleScope scope(env);
        const std::unique_ptr<KeptEvent> event = std::move(held_.front());
        held_.pop_front();
        Napi::Object object = Object(env, *event).make();
        object.Set("missed", Napi::Number::New(env, static_cast<double>(event->missed)));
        array.Set(count, object);
    }
    const bool ended = finished_ && held_.empty();
    given_ = given_ || count > 0 || ended;
    array.Set("ended", Napi::Boolean::New(env, ended));
    const std::uint64_t lost = ended ? std::exchange(missed_, 0) : 0;
    array.Set("missed", Napi::Number::New(env, static_cast<double>(lost)));
    return array;
}

// The network has ended: what waits may still be taken.
Napi::Value EventsHandle::finish(const Napi::CallbackInfo& info) {
    poll();
    finished_ = true;
    close_subscriptions();
    return info.Env().Undefined();
}

Napi::Value EventsHandle::close(const Napi::CallbackInfo& info) {
    end();
    return info.Env().Undefined();
}

}  // namespace reflow_node
