// The native half of net.events(): the callback of the subscription copies events into a bounded queue.
#include "events.h"

#include <algorithm>
#include <array>
#include <string>

#include "bridge.h"
#include "queue.h"

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

// An event that outlives its batch.
class Kept final : public Item {
public:
    explicit Kept(const reflow_event& event)
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
    ~Kept() override {
        reflow_message_unref(value.message);
        reflow_message_unref(value.outputs);
    }
    Kept(const Kept&) = delete;
    Kept& operator=(const Kept&) = delete;
    Napi::Object make(Napi::Env env) override;

    reflow_event value;  // its views are not looked at
    std::string node, component, port, peer, peer_port, error, trace, path;
};

// What JavaScript sees of an event, made field by field.
class Object {
public:
    Object(Napi::Env env, const Kept& event) : env_(env), event_(event), object_(Napi::Object::New(env)) {}

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
    const Kept& event_;
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

Napi::Object Kept::make(Napi::Env env) { return Object(env, *this).make(); }

// What the callback of a subscription has.
struct Receiver {
    std::shared_ptr<Queue> queue;
    std::uint64_t wanted;  // kinds, as bits

    static void receive(void* user_data, const reflow_event_batch* batch, std::uint64_t missed) {
        const auto* self = static_cast<Receiver*>(user_data);
        bool over = false;
        for (std::size_t i = 0; i < reflow_event_batch_count(batch); ++i) over = self->keep(batch, i) || over;
        // A subscription that is full loses what comes then, so that is behind those that it held.
        self->queue->miss(missed);
        if (over) self->queue->finish();
        self->queue->wake();
    }
    static void let_go(void* user_data) { delete static_cast<Receiver*>(user_data); }

    // Whether it is the last one.
    bool keep(const reflow_event_batch* batch, std::size_t index) const {
        reflow_event event{};
        event.struct_size = sizeof event;
        if (reflow_event_batch_get(batch, index, &event) != REFLOW_OK) return false;
        if ((wanted >> static_cast<unsigned>(event.kind) & 1U) != 0) {
            queue->push(std::make_unique<Kept>(event));
        }
        return event.kind == REFLOW_EVENT_NETWORK_SHUTDOWN;
    }
};

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

void EventsHandle::open(Napi::Env env, reflow_network* network, Napi::Value value) {
    const Options options(env, value);
    const std::string nodes = options.text("nodes");
    std::uint64_t wanted = kinds_of(env, options);
    if (wanted == 0) wanted = kUsual;
    std::uint32_t capacity = options.u32("capacity");
    if (capacity == 0) capacity = kCapacity;
    queue_ = std::make_shared<Queue>(env, ready_.Value(), capacity);
    reflow_event_options asked{};
    asked.struct_size = sizeof asked;
    // The last event tells that no more come.
    asked.kinds = wanted | UINT64_C(1) << REFLOW_EVENT_NETWORK_SHUTDOWN;
    asked.nodes = view_of(nodes);
    asked.sample = options.u32("sample");
    asked.capacity = capacity;
    asked.max_batch = std::min(capacity, kCapacity);  // all at once, so that what is lost stands at its place
    asked.callback = Receiver::receive;
    asked.user_data = new Receiver{queue_, wanted};
    asked.destroy = Receiver::let_go;
    must(env, [&](reflow_error** error) {
        return reflow_network_subscribe(network, &asked, &subscription_, error);
    });
}

void EventsHandle::end() {
    if (queue_) queue_->close();
    reflow_subscription_destroy(std::exchange(subscription_, nullptr));
    ready_.Reset();
}

// (max)
Napi::Value EventsHandle::take(const Napi::CallbackInfo& info) {
    if (!queue_) {  // not open yet
        Napi::Array none = Napi::Array::New(info.Env());
        none.Set("ended", Napi::Boolean::New(info.Env(), finished_));
        return none;
    }
    return queue_->take(info.Env(), info[0].ToNumber().Uint32Value());
}

// The network has ended: what waits may still be taken.
Napi::Value EventsHandle::finish(const Napi::CallbackInfo& info) {
    finished_ = true;
    reflow_subscription_destroy(std::exchange(subscription_, nullptr));
    if (queue_) queue_->hush();
    ready_.Reset();
    return info.Env().Undefined();
}

Napi::Value EventsHandle::close(const Napi::CallbackInfo& info) {
    end();
    return info.Env().Undefined();
}

}  // namespace reflow_node
