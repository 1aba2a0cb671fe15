// Looking at a network and holding it. Each function has the core of a network as its first argument;
// what waits gives a Promise.
#include "async.h"
#include "bridge.h"
#include "core.h"
#include "events.h"
#include "exports.h"
#include "held.h"

namespace reflow_node {

namespace {

std::int64_t integer(const Napi::CallbackInfo& info, std::size_t index) {
    return info[index].ToNumber().Int64Value();
}

Napi::Number number(Napi::Env env, std::uint64_t value) {
    return Napi::Number::New(env, static_cast<double>(value));
}

// A function of the engine that makes a message of a network.
template <reflow_status (*Make)(const reflow_network*, reflow_message*, reflow_error**)>
Napi::Value made(const Napi::CallbackInfo& info) {
    reflow_network* network = Core::of(info)->running(info.Env());
    reflow_message out{};
    must(info.Env(), [&](reflow_error** error) { return Make(network, &out, error); });
    return take_value(info.Env(), out);
}

// (core, sample, off)
Napi::Value measure(const Napi::CallbackInfo& info) {
    reflow_network* network = Core::of(info)->running(info.Env());
    reflow_measure_options options{};
    options.struct_size = sizeof options;
    options.sample = info[1].ToNumber().Uint32Value();
    options.off = info[2].ToBoolean() ? 1 : 0;
    must(info.Env(),
         [&](reflow_error** error) { return reflow_network_measure(network, &options, error); });
    return info.Env().Undefined();
}

// (core, node)
Napi::Value counters(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    reflow_network* network = Core::of(info)->running(env);
    const std::string node = text_argument(info, 1, "a node");
    reflow_node_counters counts{};
    counts.struct_size = sizeof counts;
    must(env, [&](reflow_error** error) {
        return reflow_network_counters(network, view_of(node), &counts, error);
    });
    Napi::Object object = Napi::Object::New(env);
    object.Set("heldBack", Napi::Boolean::New(env, counts.held_back != 0));
    object.Set("fired", number(env, counts.fired));
    object.Set("received", number(env, counts.received));
    object.Set("sent", number(env, counts.sent));
    object.Set("failed", number(env, counts.failed));
    object.Set("dropped", number(env, counts.dropped));
    object.Set("waiting", number(env, counts.waiting));
    return object;
}

// (core, node)
Napi::Value node_state(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    reflow_network* network = Core::of(info)->running(env);
    const std::string node = text_argument(info, 1, "a node");
    reflow_node_status status{};
    status.struct_size = sizeof status;
    must(env, [&](reflow_error** error) {
        return reflow_network_node_state(network, view_of(node), &status, error);
    });
    Napi::Object object = Napi::Object::New(env);
    object.Set("state", string_of(env, reflow_node_state_name(status.state)));
    object.Set("details", details_of(env, status.details));
    object.Set("failures", status.failures);
    object.Set("retries", number(env, status.retries));
    object.Set("restarts", number(env, status.restarts));
    return object;
}

// (core, node, port, max)
Napi::Value peek(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    reflow_network* network = Core::of(info)->running(env);
    const std::string node = text_argument(info, 1, "a node");
    const std::string port = text_argument(info, 2, "a port");
    std::vector<reflow_message> messages(info[3].ToNumber().Uint32Value());
    std::size_t count = 0;
    must(env, [&](reflow_error** error) {
        return reflow_network_peek(network, view_of(node), view_of(port), messages.data(),
                                   messages.size(), &count, error);
    });
    std::vector<Message> held;
    held.reserve(count);
    for (std::size_t i = 0; i < count; ++i) held.emplace_back(messages[i]);
    Napi::Array array = Napi::Array::New(env, count);
    for (std::uint32_t i = 0; i < count; ++i) array.Set(i, to_value(env, held[i].get()));
    return array;
}

// ---- pausing ------------------------------------------------------------------------------------

// (core, path, timeout)
Napi::Value pause(const Napi::CallbackInfo& info) {
    const std::string path = text_argument(info, 1, "a path");
    const std::int64_t timeout = integer(info, 2);
    return with_network(info.Env(), Core::of(info), [path, timeout](reflow_network* network, reflow_error** error) {
        return reflow_network_pause(network, view_of(path), timeout, error);
    });
}

// (core, path)
Napi::Value resume(const Napi::CallbackInfo& info) {
    reflow_network* network = Core::of(info)->running(info.Env());
    const std::string path = text_argument(info, 1, "a path");
    must(info.Env(),
         [&](reflow_error** error) { return reflow_network_resume(network, view_of(path), error); });
    return info.Env().Undefined();
}

// (core, path, firings, timeout) -> how many there were
Napi::Value step(const Napi::CallbackInfo& info) {
    const std::string path = text_argument(info, 1, "a path");
    const auto firings = static_cast<std::uint64_t>(integer(info, 2));
    const std::int64_t timeout = integer(info, 3);
    auto fired = std::make_shared<std::uint64_t>(0);
    return with_network(
        info.Env(), Core::of(info),
        [=](reflow_network* network, reflow_error** error) {
            return reflow_network_step(network, view_of(path), firings, timeout, fired.get(), error);
        },
        [fired](Napi::Env env) -> Napi::Value { return number(env, *fired); });
}

// (core, node) -> how many firings were cancelled
Napi::Value cancel(const Napi::CallbackInfo& info) {
    reflow_network* network = Core::of(info)->running(info.Env());
    const std::string node = text_argument(info, 1, "a node");
    std::size_t count = 0;
    must(info.Env(), [&](reflow_error** error) {
        return reflow_network_cancel(network, view_of(node), &count, error);
    });
    return number(info.Env(), count);
}

// A function of JavaScript that says whether a breakpoint stops, asked by a thread that waits for the answer.
struct Condition final : Call {
    void run(Napi::Env env) override {
        try {
            const bool none = reflow_message_kind(message.get()) == REFLOW_KIND_NONE;
            const Napi::Value value = none ? env.Undefined() : to_value(env, message.get());
            stops = held->function().Call({value}).ToBoolean();
        } catch (const Napi::Error&) {
            stops = false;  // lib/live.cjs has told of it
        }
        end();
    }
    std::shared_ptr<Held> held;
    Message message;
    bool stops = false;
};

bool asked(void* user_data, reflow_message message) {
    auto call = std::make_shared<Condition>();
    call->held = Held::of(user_data).shared_from_this();
    call->message = Message(reflow_message_ref(message));
    const auto environment = call->held->environment();
    if (!environment) return false;
    environment->wait(call);
    return call->done() && call->stops;
}

// (core, options) -> its number
Napi::Value break_at(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    reflow_network* network = Core::of(info)->running(env);
    const Options given(env, info[1]);
    const std::string node = given.text("node");
    const std::string inport = given.text("inport");
    const std::string outport = given.text("outport");
    const std::string peer = given.text("peer");
    const std::string peer_port = given.text("peerPort");
    const std::string expression = given.text("expression");
    reflow_break_options options{};
    options.struct_size = sizeof options;
    options.flags = (given.flag("once") ? std::uint32_t{REFLOW_BREAK_ONCE} : 0U) |
                    (given.flag("nodeOnly") ? std::uint32_t{REFLOW_BREAK_NODE_ONLY} : 0U);
    options.node = view_of(node);
    options.inport = view_of(inport);
    options.outport = view_of(outport);
    options.peer = view_of(peer);
    options.peer_port = view_of(peer_port);
    options.ignore = given.u64("ignore");
    options.expression = view_of(expression);
    if (given.has("condition")) {
        options.condition = asked;
        options.user_data = Held::hand_over(
            std::make_shared<Held>(env, given.get("condition").As<Napi::Function>()));
        options.destroy = Held::let_go;
    }
    reflow_breakpoint out{};
    must(env, [&](reflow_error** error) {
        return reflow_network_break(network, &options, &out, error);
    });
    return number(env, out.id);
}

// (core, its number)
Napi::Value unbreak(const Napi::CallbackInfo& info) {
    reflow_network* network = Core::of(info)->running(info.Env());
    const reflow_breakpoint breakpoint{static_cast<std::uint64_t>(integer(info, 1))};
    must(info.Env(), [&](reflow_error** error) {
        return reflow_network_unbreak(network, breakpoint, error);
    });
    return info.Env().Undefined();
}

// (core, an EventsHandle, options): the network is built, and perhaps not started
Napi::Value subscribe(const Napi::CallbackInfo& info) {
    EventsHandle::Unwrap(info[1].As<Napi::Object>())->open(info.Env(), Core::of(info), info[2]);
    return info.Env().Undefined();
}

Napi::Value usage(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    reflow_usage usage{};
    usage.struct_size = sizeof usage;
    must(env, [&](reflow_error** error) { return reflow_process_usage(&usage, error); });
    Napi::Object object = Napi::Object::New(env);
    object.Set("threads", usage.threads);
    object.Set("memoryBytes", number(env, usage.memory_bytes));
    object.Set("memoryPeakBytes", number(env, usage.memory_peak_bytes));
    object.Set("userNs", number(env, usage.user_ns));
    object.Set("systemNs", number(env, usage.system_ns));
    return object;
}

// The components of the engine, from a runtime that runs nothing.
Napi::Value components(const Napi::CallbackInfo& info) {
    reflow_runtime_options options{};
    options.struct_size = sizeof options;
    options.mode = REFLOW_MODE_INLINE;
    reflow_runtime* runtime = nullptr;
    must(info.Env(),
         [&](reflow_error** error) { return reflow_runtime_create(&options, &runtime, error); });
    reflow_message out{};
    reflow_error* error = nullptr;
    const reflow_status status = reflow_runtime_components(runtime, &out, &error);
    reflow_runtime_destroy(runtime);
    check(info.Env(), status, error);
    return take_value(info.Env(), out);
}

Napi::Value feature(const Napi::CallbackInfo& info) {
    const std::string name = text_argument(info, 0, "the name of a part");
    return Napi::Boolean::New(info.Env(), reflow_feature(view_of(name)));
}

}  // namespace

void export_inspect(Napi::Object exports) {
    export_function(exports, "metrics", made<reflow_network_metrics>);
    export_function(exports, "breakpoints", made<reflow_network_breakpoints>);
    export_function(exports, "measure", measure);
    export_function(exports, "counters", counters);
    export_function(exports, "nodeState", node_state);
    export_function(exports, "peek", peek);
    export_function(exports, "pause", pause);
    export_function(exports, "resume", resume);
    export_function(exports, "step", step);
    export_function(exports, "cancel", cancel);
    export_function(exports, "breakAt", break_at);
    export_function(exports, "unbreak", unbreak);
    export_function(exports, "subscribe", subscribe);
    export_function(exports, "usage", usage);
    export_function(exports, "components", components);
    export_function(exports, "feature", feature);
    exports.Set("EventsHandle", EventsHandle::define(exports.Env()));
}

}  // namespace reflow_node
