// Networks as lib/network.cjs uses them: the graph while it is made, and calls of the engine that wait, each
// of which is a promise here.
#include <limits>

#include "async.h"
#include "core.h"
#include "exports.h"
#include "pending.h"

namespace reflow_node {

namespace {

// network(self, options): a new core.
Napi::Value create(const Napi::CallbackInfo& info) {
    Napi::Env env = info.Env();
    auto core = Core::create(env, info[0].As<Napi::Object>(), info[1].As<Napi::Object>());
    return Napi::External<std::shared_ptr<Core>>::New(
        env, new std::shared_ptr<Core>(core), [](Napi::Env inside, std::shared_ptr<Core>* held) {
            std::shared_ptr<Core> last = std::move(*held);
            delete held;
            last->forget(inside);
            if (last->ended()) return;
            std::shared_ptr<Environment> environment = last->environment;
            // Its end may wait, and nothing may wait here.
            environment->background([last = std::move(last)] { last->end(); });
        });
}

struct Endpoint {
    explicit Endpoint(const Napi::CallbackInfo& info, std::size_t first)
        : node(info[first].As<Napi::String>()), port(info[first + 1].As<Napi::String>()) {
        value.node = view_of(node);
        value.port = view_of(port);
        value.index = info[first + 2].IsNumber() ? info[first + 2].As<Napi::Number>().Uint32Value()
                                                 : REFLOW_NO_INDEX;
    }
    std::string node, port;
    reflow_endpoint value{};
};

// addNode(core, id, component, config)
Napi::Value add_node(const Napi::CallbackInfo& info) {
    auto core = Core::of(info);
    reflow_graph* graph = core->edited(info.Env());
    std::string id = info[1].As<Napi::String>(), component = info[2].As<Napi::String>();
    Message config;
    if (!info[3].IsUndefined()) config = from_js(info.Env(), info[3]);
    reflow_error* error = nullptr;
    check(info.Env(),
          reflow_graph_add_node(graph, view_of(id), view_of(component), config.leak(), &error),
          error);
    return info.Env().Undefined();
}

// connect(core, node, port, index, node, port, index, metadata)
Napi::Value connect(const Napi::CallbackInfo& info) {
    auto core = Core::of(info);
    reflow_graph* graph = core->edited(info.Env());
    Endpoint from(info, 1), to(info, 4);
    Message metadata;
    if (!info[7].IsUndefined()) metadata = from_js(info.Env(), info[7]);
    reflow_error* error = nullptr;
    check(info.Env(),
          reflow_graph_connect(graph, &from.value, &to.value, metadata.leak(), &error), error);
    return info.Env().Undefined();
}

// disconnect(core, node, port, index, node, port, index)
Napi::Value disconnect(const Napi::CallbackInfo& info) {
    auto core = Core::of(info);
    reflow_graph* graph = core->edited(info.Env());
    Endpoint from(info, 1), to(info, 4);
    reflow_error* error = nullptr;
    check(info.Env(), reflow_graph_disconnect(graph, &from.value, &to.value, &error), error);
    return info.Env().Undefined();
}

// removeNode(core, id)
Napi::Value remove_node(const Napi::CallbackInfo& info) {
    auto core = Core::of(info);
    reflow_graph* graph = core->edited(info.Env());
    std::string id = info[1].As<Napi::String>();
    reflow_error* error = nullptr;
    check(info.Env(), reflow_graph_remove_node(graph, view_of(id), &error), error);
    return info.Env().Undefined();
}

// replaceNode(core, id, component, config)
Napi::Value replace_node(const Napi::CallbackInfo& info) {
    auto core = Core::of(info);
    reflow_graph* graph = core->edited(info.Env());
    std::string id = info[1].As<Napi::String>(), component = info[2].As<Napi::String>();
    Message config(info[3].IsUndefined() ? reflow_message_null() : from_js(info.Env(), info[3]).leak());
    reflow_error* error = nullptr;
    check(info.Env(), reflow_graph_set_component(graph, view_of(id), view_of(component), &error), error);
    check(info.Env(), reflow_graph_set_config(graph, view_of(id), config.leak(), &error), error);
    return info.Env().Undefined();
}

// initial(core, node, port, index, value)
Napi::Value initial(const Napi::CallbackInfo& info) {
    auto core = Core::of(info);
    reflow_graph* graph = core->edited(info.Env());
    Endpoint to(info, 1);
    Message data = from_js(info.Env(), info[4]);
    reflow_error* error = nullptr;
    check(info.Env(), reflow_graph_add_initial(graph, &to.value, data.leak(), &error), error);
    return info.Env().Undefined();
}

// expose(core, out, name, node, port, index, type)
Napi::Value expose(const Napi::CallbackInfo& info) {
    auto core = Core::of(info);
    reflow_graph* graph = core->edited(info.Env());
    const bool out = info[1].ToBoolean();
    const std::string name = info[2].As<Napi::String>(), type = info[6].As<Napi::String>();
    Endpoint end(info, 3);
    auto* add = out ? reflow_graph_add_outport : reflow_graph_add_inport;
    reflow_error* error = nullptr;
    check(info.Env(), add(graph, view_of(name), &end.value, view_of(type), &error), error);
    return info.Env().Undefined();
}

// property(core, key, value)
Napi::Value property(const Napi::CallbackInfo& info) {
    auto core = Core::of(info);
    reflow_graph* graph = core->edited(info.Env());
    std::string key = info[1].As<Napi::String>();
    Message value = from_js(info.Env(), info[2]);
    reflow_error* error = nullptr;
    check(info.Env(), reflow_graph_set_property(graph, view_of(key), value.leak(), &error),
          error);
    return info.Env().Undefined();
}

// Makes a promise of what work answers; work runs on a helper.
Napi::Value promise(Napi::Env env, const std::shared_ptr<Core>& core,
                    std::function<Failure()> work) {
    auto deferred = std::make_shared<Napi::Promise::Deferred>(env);
    auto failure = std::make_shared<Failure>();
    core->task([=] { *failure = work(); },
               [=](Napi::Env inside) {
                   core->look_idle(inside);
                   if (*failure) deferred->Reject(error_of(inside, *failure).Value());
                   else deferred->Resolve(inside.Undefined());
               });
    return deferred->Promise();
}

std::int64_t timeout(const Napi::CallbackInfo& info, std::size_t at) {
    return info[at].IsNumber() ? info[at].As<Napi::Number>().Int64Value() : REFLOW_FOREVER;
}

Napi::Value build(const Napi::CallbackInfo& info) {
    auto core = Core::of(info);
    core->check_building(info.Env(), "it was started");
    return promise(info.Env(), core, [core] { return core->build(); });
}

Napi::Value start(const Napi::CallbackInfo& info) {
    auto core = Core::of(info);
    core->running(info.Env());
    core->busy(info.Env());
    return promise(info.Env(), core, [core] {
        return core->with_network([](reflow_network* network, reflow_error** error) {
            return reflow_network_start(network, error);
        });
    });
}

// A promise for a call of the engine with a timeout.
template <reflow_status (*Call)(reflow_network*, std::int64_t, reflow_error**)>
Napi::Value waiting(const Napi::CallbackInfo& info) {
    auto core = Core::of(info);
    core->running(info.Env());
    std::int64_t limit = timeout(info, 1);
    return promise(info.Env(), core, [core, limit] {
        return core->with_network([limit](reflow_network* network, reflow_error** error) {
            return Call(network, limit, error);
        });
    });
}

// close(core): stops and ends it.
Napi::Value close(const Napi::CallbackInfo& info) {
    auto core = Core::of(info);
    core->closing = true;
    return promise(info.Env(), core, [core] {
        core->end();
        return Failure{};
    });
}

// What waits for an idle network without a thread. All but told() is of the JS thread.
struct IdleWait {
    IdleWait(Napi::Env env, std::shared_ptr<Core> of) : core(std::move(of)), deferred(env) {
        core->environment->retain(env);  // the process lives until it is over
    }
    void end(Napi::Env env) {
        if (std::exchange(over, true)) return;
        core->environment->release(env);
        core->look_idle(env);
    }
    static void told(void* user_data, const reflow_error* error) {
        auto wait = *static_cast<std::shared_ptr<IdleWait>*>(user_data);
        Environment& environment = *wait->core->environment;
        environment.post([wait = std::move(wait), failure = failure_in(error)](Napi::Env env) {
            if (wait->over) return;
            wait->end(env);
            if (failure) wait->deferred.Reject(error_of(env, failure).Value());
            else wait->deferred.Resolve(env.Undefined());
        });
    }

    const std::shared_ptr<Core> core;
    Napi::Promise::Deferred deferred;
    std::uint64_t id = 0;
    bool over = false;
};

// onIdle(core): a promise, and a function that gives up on it, so that it is never settled.
Napi::Value on_idle(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    auto core = Core::of(info);
    reflow_network* network = core->running(env);
    auto wait = std::make_shared<IdleWait>(env, core);
    reflow_error* error = nullptr;
    const reflow_status status = reflow_network_on_idle(
        network, IdleWait::told, new std::shared_ptr<IdleWait>(wait),
        [](void* data) { delete static_cast<std::shared_ptr<IdleWait>*>(data); }, &wait->id, &error);
    if (status != REFLOW_OK) wait->end(env);
    check(env, status, error);
    Napi::Array both = Napi::Array::New(env, 2);
    both.Set(0u, wait->deferred.Promise());
    both.Set(1u, Napi::Function::New(env, [wait](const Napi::CallbackInfo& call) {
        // Of a network that ends each is told, and told nothing any more.
        if (!wait->over && !wait->core->closing) {
            (void)reflow_network_remove_on_idle(wait->core->running(call.Env()), wait->id, nullptr);
        }
        wait->end(call.Env());
    }));
    return both;
}

// idleNow(core): whether it is idle at this moment.
Napi::Value idle_now(const Napi::CallbackInfo& info) {
    auto core = Core::of(info);
    reflow_network* network = core->running(info.Env());
    core->tell_later();
    return Napi::Boolean::New(info.Env(),
                              reflow_network_wait_idle(network, 0, nullptr) == REFLOW_OK);
}

// ---- modes without threads

// turn(core, max): runs so many turns, or what is ready; whether there is more.
Napi::Value turn(const Napi::CallbackInfo& info) {
    auto core = Core::of(info);
    core->running(info.Env());
    bool more = false;
    reflow_error* error = nullptr;
    const auto max = static_cast<std::uint64_t>(info[1].As<Napi::Number>().Int64Value());
    const reflow_status status = core->turn(max, &more, &error);
    check(info.Env(), status, error);
    core->retry_stalled(info.Env());
    core->tell_later();
    return Napi::Boolean::New(info.Env(), more);
}

// pump(core): the timer of a hosted network is due.
Napi::Value pump(const Napi::CallbackInfo& info) {
    Core::of(info)->pump(info.Env());
    return info.Env().Undefined();
}

// due(core): milliseconds until a timer is; Infinity for none.
Napi::Value due(const Napi::CallbackInfo& info) {
    const std::uint64_t left = reflow_runtime_next_due_ns(Core::of(info)->runtime);
    const double far = std::numeric_limits<double>::infinity();
    return Napi::Number::New(info.Env(), left == UINT64_MAX ? far : static_cast<double>(left) / 1e6);
}

// pass(core, milliseconds): so much time passes in a simulated network.
Napi::Value pass(const Napi::CallbackInfo& info) {
    Core::of(info)->pass(info[1].ToNumber().Int64Value());
    return info.Env().Undefined();
}

Napi::Value open_firings(const Napi::CallbackInfo& info) {
    return Napi::Number::New(info.Env(), static_cast<double>(Core::of(info)->open_firings.load()));
}

// tryDrain(core): drains as far as that goes now; whether it is drained.
Napi::Value try_drain(const Napi::CallbackInfo& info) {
    auto core = Core::of(info);
    reflow_network* network = core->running(info.Env());
    reflow_error* error = nullptr;
    const reflow_status status = core->in_call([&] { return reflow_network_drain(network, 0, &error); });
    core->tell_later();
    if (status == REFLOW_ERROR_TIMEOUT || status == REFLOW_ERROR_WOULD_BLOCK) {
        reflow_error_destroy(error);
        return Napi::Boolean::New(info.Env(), false);
    }
    check(info.Env(), status, error);
    return Napi::Boolean::New(info.Env(), true);
}

// ---- recordings

// flushRecording(core): writes what was recorded so far.
Napi::Value flush_recording(const Napi::CallbackInfo& info) {
    reflow_network* network = Core::of(info)->running(info.Env());
    reflow_error* error = nullptr;
    check(info.Env(), reflow_x_record_flush(network, &error), error);
    return info.Env().Undefined();
}

Napi::Value recording_header(const Napi::CallbackInfo& info) {
    auto core = Core::of(info);
    reflow_message made{};
    reflow_error* error = nullptr;
    check(info.Env(), reflow_x_recording_header(core->recording, &made, &error), error);
    Message kept(made);
    return Napi::Value(info.Env(), to_js(info.Env(), made));
}

// replayRun(core, firings) -> a promise of whether the recording goes on
Napi::Value replay_run(const Napi::CallbackInfo& info) {
    auto core = Core::of(info);
    const auto firings = static_cast<std::uint64_t>(info[1].As<Napi::Number>().Int64Value());
    auto more = std::make_shared<bool>(false);
    return with_network(
        info.Env(), core,
        [core, firings, more](reflow_network*, reflow_error** error) {
            return reflow_x_replay_run(core->replay, firings, more.get(), error);
        },
        [more](Napi::Env env) -> Napi::Value { return Napi::Boolean::New(env, *more); });
}

Napi::Value replay_state(const Napi::CallbackInfo& info) {
    auto core = Core::of(info);
    core->running(info.Env());
    reflow_x_replay_state state{};
    state.struct_size = sizeof state;
    const reflow_status status = reflow_x_replay_get_state(core->replay, &state);
    if (status != REFLOW_OK) raise(info.Env(), status, "the state of the replay is not known");
    Napi::Object object = Napi::Object::New(info.Env());
    object.Set("truncated", Napi::Boolean::New(info.Env(), state.truncated != 0));
    object.Set("firings", static_cast<double>(state.firings));
    object.Set("nowNs", static_cast<double>(state.now_ns));
    object.Set("next", std::string(text_of(state.next)));
    object.Set("reason", std::string(text_of(state.reason)));
    return object;
}

Napi::Value end_sources(const Napi::CallbackInfo& info) {
    auto core = Core::of(info);
    reflow_network* network = core->running(info.Env());
    reflow_error* error = nullptr;
    check(info.Env(), reflow_network_end_sources(network, &error), error);
    return info.Env().Undefined();
}

Napi::Value state(const Napi::CallbackInfo& info) {
    auto core = Core::of(info);
    if (core->closing) return Napi::Number::New(info.Env(), REFLOW_NETWORK_STOPPED);
    bool built = core->built.load(std::memory_order_acquire);
    return Napi::Number::New(
        info.Env(), built ? reflow_network_get_state(core->network) : REFLOW_NETWORK_CREATED);
}

Napi::Value report(const Napi::CallbackInfo& info) {
    auto core = Core::of(info);
    reflow_network* network = core->running(info.Env());
    reflow_message made{};
    reflow_error* error = nullptr;
    check(info.Env(), reflow_network_report(network, &made, &error), error);
    Message kept(made);
    return Napi::Value(info.Env(), to_js(info.Env(), made));
}

}  // namespace

void export_network(Napi::Object exports) {
    export_function(exports, "network", create);
    export_function(exports, "addNode", add_node);
    export_function(exports, "connect", connect);
    export_function(exports, "disconnect", disconnect);
    export_function(exports, "removeNode", remove_node);
    export_function(exports, "replaceNode", replace_node);
    export_function(exports, "initial", initial);
    export_function(exports, "expose", expose);
    export_function(exports, "property", property);
    export_function(exports, "build", build);
    export_function(exports, "start", start);
    export_function(exports, "idle", waiting<reflow_network_wait_idle>);
    export_function(exports, "onIdle", on_idle);
    export_function(exports, "drain", waiting<reflow_network_drain>);
    export_function(exports, "stop", waiting<reflow_network_stop>);
    export_function(exports, "close", close);
    export_function(exports, "idleNow", idle_now);
    export_function(exports, "endSources", end_sources);
    export_function(exports, "turn", turn);
    export_function(exports, "pump", pump);
    export_function(exports, "due", due);
    export_function(exports, "pass", pass);
    export_function(exports, "openFirings", open_firings);
    export_function(exports, "tryDrain", try_drain);
    export_function(exports, "flushRecording", flush_recording);
    export_function(exports, "recordingHeader", recording_header);
    export_function(exports, "replayRun", replay_run);
    export_function(exports, "replayState", replay_state);
    export_function(exports, "state", state);
    export_function(exports, "report", report);
}

}  // namespace reflow_node
