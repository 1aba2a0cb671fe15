// The callbacks of components in JavaScript, as the engine calls them, and how firings cross.
#include "actors.h"

#include <algorithm>

#include "frames.h"
#include "pending.h"

namespace reflow_node {

namespace {

Napi::Value dispatch(Napi::Env env, Core& core, Kind kind, std::initializer_list<napi_value> more) {
    std::vector<napi_value> arguments{core.self(env), Napi::Number::New(env, kind)};
    if (arguments[0] == nullptr) arguments[0] = env.Undefined();
    arguments.insert(arguments.end(), more);
    return core.environment->dispatch.Call(arguments);
}

// What is said when JavaScript has gone.
reflow_status gone(reflow_context* context) {
    return reflow_context_fail(context, REFLOW_ERROR_CANCELLED,
                               reflow_str("the JavaScript environment has ended"), {"", 0});
}

// ---- create, setup, finish, teardown: calls that JavaScript answers, at once or later

struct ControlCall final : Call, std::enable_shared_from_this<ControlCall> {
    void run(Napi::Env env) override {
        Environment& environment = *core->environment;
        number = environment.next_control++;
        environment.control[number] = shared_from_this();
        napi_value id = env.Undefined(), settings = env.Undefined();
        if (kind == kCreate) {
            id = Napi::String::New(env, node_id);
            settings = to_js(env, value.get());
        } else if (kind == kLoad) {
            id = Napi::Number::New(env, version);
            settings = to_js(env, value.get());
        }
        try {
            dispatch(env, *core, kind,
                     {Napi::Number::New(env, node), Napi::Number::New(env, type),
                      Napi::Number::New(env, number), id, settings});
        } catch (const Napi::Error& error) {
            failure.status = REFLOW_ERROR_INTERNAL;
            failure.message = error.Message();
            finish(env);
        }
    }
    void finish(Napi::Env) {
        core->environment->control.erase(number);
        end();
    }
    [[nodiscard]] std::size_t emitted_to(std::uint32_t port) const override {
        return static_cast<std::size_t>(std::count_if(
            emitted.begin(), emitted.end(), [port](const auto& one) { return Place(one.first).port == port; }));
    }
    ~ControlCall() override {
        for (auto& [port, message] : emitted) reflow_message_unref(message);
    }

    std::shared_ptr<Core> core;
    Kind kind = kCreate;
    std::uint32_t node = 0, type = 0, number = 0;
    std::uint32_t version = 0;  // of what is loaded
    std::string node_id;
    Message value;  // the configuration; what is loaded; what was saved
    Failure failure;
    std::vector<std::pair<std::uint32_t, reflow_message>> emitted;
};

std::shared_ptr<ControlCall> control_of(const Napi::CallbackInfo& info) {
    auto& all = Environment::of(info.Env()).control;
    auto found = all.find(info[0].As<Napi::Number>().Uint32Value());
    return found == all.end() ? nullptr : std::static_pointer_cast<ControlCall>(found->second);
}

std::shared_ptr<ControlCall> control(Kind kind, const Node& node) {
    auto call = std::make_shared<ControlCall>();
    call->core = node.type->core->shared_from_this();
    call->kind = kind;
    call->node = node.index;
    call->type = node.type->index;
    return call;
}

reflow_status emit_one(reflow_context* context, Place place, reflow_message message) {
    return place.index == REFLOW_NO_INDEX
               ? reflow_context_emit(context, place.port, message)
               : reflow_context_emit_at(context, place.port, place.index, message);
}

reflow_status ask(reflow_context* context, ControlCall& call) {
    call.context = context;
    call.core->environment->wait(call.shared_from_this());
    if (!call.done()) {
        if (!call.core->environment->alive()) return gone(context);
        const char* hint = call.core->hosted ? "in mode hosted finish is not asynchronous"
                                             : "in modes inline and simulated setup, finish, save, load and "
                                               "teardown are not asynchronous";
        return reflow_context_fail(context, REFLOW_ERROR_UNSUPPORTED,
                                   reflow_str("a promise, which a network without threads cannot wait for"),
                                   reflow_str(hint));
    }
    for (auto& [port, message] : call.emitted) {
        (void)emit_one(context, Place(port), reflow_message_take(&message));
    }
    if (!call.failure) return REFLOW_OK;
    reflow_failure failure = failure_view(call.failure);
    return reflow_context_fail_with(context, &failure);
}

reflow_status on_create(reflow_context* context, void* user_data, void** state) {
    auto* type = static_cast<ActorType*>(user_data);
    auto node = std::make_unique<Node>();
    node->type = type;
    node->index = type->core->next_node++;
    auto call = control(kCreate, *node);
    call->node_id = text_of(reflow_context_node(context));
    call->value = Message(reflow_message_ref(reflow_context_config(context)));
    reflow_status status = ask(context, *call);
    if (status != REFLOW_OK) return status;
    ++type->core->environment->nodes;
    *state = node.release();
    return REFLOW_OK;
}

reflow_status on_setup(reflow_context* context, void* state) {
    return ask(context, *control(kSetup, *static_cast<Node*>(state)));
}

reflow_status on_finish(reflow_context* context, void* state) {
    return ask(context, *control(kFinish, *static_cast<Node*>(state)));
}

reflow_status on_save(reflow_context* context, void* state, reflow_message* out) {
    auto call = control(kSave, *static_cast<Node*>(state));
    reflow_status status = ask(context, *call);
    if (status == REFLOW_OK) *out = call->value.leak();
    return status;
}

reflow_status on_load(reflow_context* context, void* state, std::uint32_t version,
                      reflow_message saved) {
    auto call = control(kLoad, *static_cast<Node*>(state));
    call->version = version;
    call->value = Message(reflow_message_ref(saved));
    return ask(context, *call);
}

void on_teardown(reflow_context* context, void* state) {
    const auto call = control(kTeardown, *static_cast<Node*>(state));
    if (ask(context, *call) == REFLOW_OK || !call->core->environment->alive()) return;
    // The node ends whatever has failed, and nobody else hears of it.
    const Failure& failure = call->failure;
    std::string text = "teardown has failed: ";
    text += failure ? failure.message : "a promise, which a network without threads cannot wait for";
    if (!failure.hint.empty()) text += " (" + failure.hint + ")";
    reflow_context_log(context, REFLOW_LOG_WARN, view_of(text));
}

void on_destroy(void* state) {
    std::unique_ptr<Node> node(static_cast<Node*>(state));
    Core& core = *node->type->core;
    --core.environment->nodes;
    auto held = core.weak_from_this().lock();
    if (!held) return;
    core.environment->post([held, index = node->index](Napi::Env env) {
        dispatch(env, *held, kDestroy, {Napi::Number::New(env, index)});
    });
}

// ---- run, for functions that return what they emit

// The firing that JavaScript goes on with: kept open here, since only here is the call of the engine.
void keep_open(reflow_context* context, RunCall& call) {
    reflow_completion completion{};
    std::size_t firing = call.firings == 0 ? 0 : call.completed - 1;
    reflow_status status = reflow_context_defer(context, firing, &completion);
    if (status == REFLOW_OK) {
        call.core->environment->lookout.watch(call.node, completion, reflow_context_watchdog_ms(context));
    }
    ++call.core->open_firings;
    call.core->environment->post([pending = call.pending, completion, status](Napi::Env env) {
        if (status == REFLOW_OK) pending->bind(env, completion);
        else pending->lose(env);
    });
}

reflow_status emit_all(reflow_context* context, RunCall& call) {
    std::size_t count = call.messages.size();
    auto envelope = call.envelopes.begin();
    reflow_status status = REFLOW_OK;
    for (std::size_t from = 0; from < count && status == REFLOW_OK;) {
        for (; envelope != call.envelopes.end() && envelope->first <= from; ++envelope) {
            (void)reflow_context_set_envelope(context, envelope->second ? envelope->second->get() : nullptr);
        }
        std::size_t end = envelope == call.envelopes.end() ? count : envelope->first;
        std::size_t to = from + 1;
        while (to < end && call.ports[to] == call.ports[from]) ++to;
        Place place(call.ports[from]);
        if (place.index == REFLOW_NO_INDEX) {
            status = reflow_context_emit_many(context, place.port, call.messages.data() + from,
                                              to - from);
        } else {
            for (std::size_t i = from; i < to && status == REFLOW_OK; ++i) {
                status = reflow_context_emit_at(context, place.port, place.index,
                                                reflow_message_take(&call.messages[i]));
            }
            if (status != REFLOW_OK) break;  // the rest is released with the call
        }
        std::fill(call.messages.begin() + static_cast<std::ptrdiff_t>(from),
                  call.messages.begin() + static_cast<std::ptrdiff_t>(to), reflow_message{});
        from = to;
    }
    return status;
}

reflow_status on_run(reflow_context* context, void* state, reflow_packet* inputs,
                     std::size_t count) {
    auto* node = static_cast<Node*>(state);
    auto call = std::make_shared<RunCall>();
    call->core = node->type->core->shared_from_this();
    call->node = node;
    call->context = context;
    call->inputs = inputs;
    call->count = count;
    call->firings = count / node->type->firing_size;
    if (call->core->envelopes) call->envelope = envelope_of(context);
    call->core->environment->wait(call);
    if (!call->done()) return gone(context);
    reflow_status status = emit_all(context, *call);
    if (status != REFLOW_OK) return status;
    if (call->pending) keep_open(context, *call);
    bool again = (call->flags & kAgain) != 0;
    if (call->failure || again || call->completed < call->firings) {
        (void)reflow_context_advance(context, call->completed);
    }
    if (call->failure) {
        reflow_failure failure = failure_view(call->failure);
        return reflow_context_fail_with(context, &failure);
    }
    if (again || call->completed < call->firings) return reflow_context_again(context);
    return REFLOW_OK;
}

// ---- run, for functions that return promises: nobody waits here

struct AsyncRun final : Job {
    void run(Napi::Env env) override {
        core->busy(env);
        Frames& frames = *core->environment->frames;
        for (std::size_t i = 0; i < inputs.size(); ++i) {
            frames.put(env, i, inputs[i].get(), type->typed);
            frames.set_port(i, ports[i]);
            if (type->indexed) frames.set_index(i, indexes[i]);
        }
        std::uint32_t first = core->environment->next_pending;
        for (reflow_completion completion : completions) {
            Pending::create(core, known)->bind(env, completion);
        }
        dispatch(env, *core, kRunAsync,
                 {Napi::Number::New(env, node),
                  Napi::Number::New(env, inputs.empty() ? 0.0 : double(completions.size())),
                  Napi::Number::New(env, first), envelope_to_js(env, envelope.get())});
    }
    void abort() noexcept override {}

    std::shared_ptr<Core> core;
    const ActorType* type = nullptr;
    std::uint32_t node = 0;
    std::vector<Message> inputs;
    std::vector<std::uint32_t> ports;
    std::vector<std::uint32_t> indexes;  // of array ports, if there are any
    std::shared_ptr<Envelope> envelope;
    std::shared_ptr<const Known> known;
    std::vector<reflow_completion> completions;
};

reflow_status on_run_async(reflow_context* context, void* state, reflow_packet* inputs,
                           std::size_t count) {
    auto* node = static_cast<Node*>(state);
    std::size_t size = node->type->firing_size;
    std::size_t firings = count == 0 ? 1 : count / size;
    auto job = std::make_shared<AsyncRun>();
    reflow_status status = REFLOW_OK;
    for (std::size_t firing = 0; firing < firings; ++firing) {
        reflow_completion completion{};
        status = reflow_context_defer(context, firing, &completion);
        if (status != REFLOW_OK) break;
        job->completions.push_back(completion);
    }
    if (job->completions.empty()) return status;
    node->type->core->open_firings += static_cast<std::int64_t>(job->completions.size());
    std::size_t taken = count == 0 ? 0 : job->completions.size() * size;
    for (std::size_t i = 0; i < taken; ++i) {
        job->inputs.emplace_back(reflow_message_ref(inputs[i].message));
        job->ports.push_back(inputs[i].port);
        if (node->type->indexed) job->indexes.push_back(inputs[i].index);
    }
    job->core = node->type->core->shared_from_this();
    if (job->core->envelopes) job->envelope = envelope_of(context);
    job->type = node->type;
    job->node = node->index;
    job->known = std::make_shared<Known>(context, node->type->outports, job->core->simulated);
    if (const std::uint64_t limit_ms = reflow_context_watchdog_ms(context)) {
        Lookout& lookout = job->core->environment->lookout;
        for (reflow_completion completion : job->completions) lookout.watch(node, completion, limit_ms);
    }
    if (taken < count) {
        (void)reflow_context_advance(context, job->completions.size());
        (void)reflow_context_again(context);
    }
    job->core->environment->post(job);
    return REFLOW_OK;
}

// ---- registration

std::string text(Napi::Object from, const char* key) {
    Napi::Value value = from.Get(key);
    return value.IsString() ? value.As<Napi::String>().Utf8Value() : std::string();
}

std::uint32_t number(Napi::Object from, const char* key) {
    Napi::Value value = from.Get(key);
    return value.IsNumber() ? value.As<Napi::Number>().Uint32Value() : 0;
}

struct Ports {
    explicit Ports(Napi::Array from) {
        std::uint32_t count = from.Length();
        texts.reserve(count * 3);
        for (std::uint32_t i = 0; i < count; ++i) {
            Napi::Object port = from.Get(i).As<Napi::Object>();
            reflow_port made{};
            texts.push_back(text(port, "name"));
            made.name = view_of(texts.back());
            texts.push_back(text(port, "type"));
            made.type = view_of(texts.back());
            texts.push_back(text(port, "description"));
            made.description = view_of(texts.back());
            made.flags = number(port, "flags");
            made.capacity = number(port, "capacity");
            ports.push_back(made);
        }
    }
    std::vector<std::string> texts;
    std::vector<reflow_port> ports;
};

}  // namespace

// ---- seen from JavaScript

void RunCall::run(Napi::Env env) {
    core->busy(env);
    Frames& frames = *core->environment->frames;
    const ActorType& type = *node->type;
    bool any_port = type.firing_size == 1 && type.inports > 1;
    for (std::size_t i = 0; i < count; ++i) {
        frames.put(env, i, inputs[i].message, type.typed);
        if (any_port) frames.set_port(i, inputs[i].port);
        if (type.indexed) frames.set_index(i, inputs[i].index);
    }
    frames.set_state(kCompleted, 0);
    frames.set_state(kOut, 0);
    frames.set_state(kFlags, 0);
    core->environment->running = this;
    auto self_kept = core->environment->shared_from_this();
    try {
        dispatch(env, *core, kRun,
                 {Napi::Number::New(env, node->index),
                  Napi::Number::New(env, static_cast<double>(firings)),
                  envelope_to_js(env, envelope.get())});
        frames.take(static_cast<std::size_t>(frames.state(kOut)), messages, ports);
        completed = static_cast<std::size_t>(frames.state(kCompleted));
        flags = frames.state(kFlags);
    } catch (const Napi::Error& error) {
        failure.status = REFLOW_ERROR_INTERNAL;
        failure.message = "dispatch failed";
    }
    self_kept->running = nullptr;
    end();
}

// Those that were flushed; JavaScript knows of the others.
std::size_t RunCall::emitted_to(std::uint32_t port) const {
    return static_cast<std::size_t>(std::count_if(
        ports.begin(), ports.end(), [port](std::uint32_t place) { return Place(place).port == port; }));
}

Napi::Value put(const Napi::CallbackInfo& info) {
    Message made = from_js(info.Env(), info[1]);
    Environment::of(info.Env()).frames->keep(info[0].As<Napi::Number>().Uint32Value(), made.leak());
    return info.Env().Undefined();
}

Napi::Value put_io(const Napi::CallbackInfo& info) {
    Message made = from_js_at(info.Env(), info[1], info[2].As<Napi::Number>().Uint32Value());
    Environment::of(info.Env()).io->keep(info[0].As<Napi::Number>().Uint32Value(), made.leak());
    return info.Env().Undefined();
}

Napi::Value flush(const Napi::CallbackInfo& info) {
    Environment& environment = Environment::of(info.Env());
    RunCall* call = environment.running;
    if (call == nullptr) return info.Env().Undefined();
    environment.frames->take(info[0].As<Napi::Number>().Uint32Value(), call->messages, call->ports);
    // More would be refused by the engine when it is too late to tell the function.
    if (call->messages.size() > REFLOW_MAX_EMITS) {
        raise(info.Env(), REFLOW_ERROR_LIMIT,
              "more than " + std::to_string(REFLOW_MAX_EMITS) + " messages in one call");
    }
    return info.Env().Undefined();
}

Napi::Value discard(const Napi::CallbackInfo& info) {
    Environment& environment = Environment::of(info.Env());
    const std::uint32_t from = info[0].As<Napi::Number>().Uint32Value();
    const std::uint32_t to = info[1].As<Napi::Number>().Uint32Value();
    for (std::uint32_t at = from; at < to; ++at) environment.frames->keep(at, {});
    RunCall* call = environment.running;
    if (!info[2].ToBoolean() || call == nullptr) return info.Env().Undefined();
    for (reflow_message message : call->messages) reflow_message_unref(message);
    call->messages.clear();
    call->ports.clear();
    call->envelopes.clear();
    return info.Env().Undefined();
}

Napi::Value set_envelope(const Napi::CallbackInfo& info) {
    auto envelope = envelope_from_js(info.Env(), info[1]);
    (void)flush(info);
    RunCall* call = Environment::of(info.Env()).running;
    if (call != nullptr) call->envelopes.emplace_back(call->messages.size(), std::move(envelope));
    return info.Env().Undefined();
}

Failure failure_of_arguments(const Napi::CallbackInfo& info, std::size_t first) {
    Failure failure;
    if (!info[first].IsNumber()) return failure;
    failure.status = info[first].As<Napi::Number>().Int32Value();
    failure.message = info[first + 1].ToString();
    failure.hint = info[first + 2].ToString();
    failure.trace = info[first + 3].ToString();
    return failure;
}

reflow_failure failure_view(const Failure& failure) {
    reflow_failure view{};
    view.struct_size = sizeof view;
    view.status = failure.status;
    view.message = view_of(failure.message);
    view.hint = view_of(failure.hint);
    view.trace = view_of(failure.trace);
    return view;
}

Napi::Value fail(const Napi::CallbackInfo& info) {
    RunCall* call = Environment::of(info.Env()).running;
    if (call != nullptr) call->failure = failure_of_arguments(info, 0);
    return info.Env().Undefined();
}

Napi::Value pend(const Napi::CallbackInfo& info) {
    RunCall* call = Environment::of(info.Env()).running;
    if (call == nullptr) return info.Env().Undefined();
    call->pending = Pending::create(
        call->core, std::make_shared<Known>(call->context, call->node->type->outports, call->core->simulated));
    return Napi::Number::New(info.Env(), call->pending->number);
}

Napi::Value answer(const Napi::CallbackInfo& info) {
    if (auto call = control_of(info)) {
        call->failure = failure_of_arguments(info, 1);
        call->finish(info.Env());
    }
    return info.Env().Undefined();
}

Napi::Value saved(const Napi::CallbackInfo& info) {
    auto call = control_of(info);
    // undefined says that there is nothing to save.
    if (call && !info[1].IsUndefined()) call->value = from_js(info.Env(), info[1]);
    return info.Env().Undefined();
}

Napi::Value control_emit(const Napi::CallbackInfo& info) {
    auto call = control_of(info);
    if (!call || call->kind != kFinish) return Napi::Boolean::New(info.Env(), false);
    Message made = from_js(info.Env(), info[2]);
    call->emitted.emplace_back(info[1].As<Napi::Number>().Uint32Value(), made.leak());
    return Napi::Boolean::New(info.Env(), true);
}

Napi::Value register_actor(const Napi::CallbackInfo& info) {
    Napi::Env env = info.Env();
    auto core = Core::of(info);
    core->check_open(env);
    Napi::Object spec = info[1].As<Napi::Object>();
    auto type = std::make_unique<ActorType>();
    type->core = core.get();
    type->index = static_cast<std::uint32_t>(core->types.size());
    type->id = text(spec, "id");
    type->async = spec.Get("async").ToBoolean();
    type->typed = spec.Get("typed").ToBoolean();
    Ports inports(spec.Get("inports").As<Napi::Array>());
    Ports outports(spec.Get("outports").As<Napi::Array>());
    type->inports = static_cast<std::uint32_t>(inports.ports.size());
    type->outports = static_cast<std::uint32_t>(outports.ports.size());
    std::string title = text(spec, "title"), description = text(spec, "description");
    std::string category = text(spec, "category"), schema = text(spec, "configSchema");
    reflow_component component{};
    component.struct_size = sizeof component;
    component.port_size = sizeof(reflow_port);
    component.id = view_of(type->id);
    component.title = view_of(title);
    component.description = view_of(description);
    component.category = view_of(category);
    component.config_schema = view_of(schema);
    component.inports = inports.ports.data();
    component.outports = outports.ports.data();
    component.inport_count = type->inports;
    component.outport_count = type->outports;
    component.await = static_cast<reflow_await>(number(spec, "await"));
    for (const reflow_port& port : inports.ports) {
        type->indexed = type->indexed || (port.flags & REFLOW_PORT_ARRAY) != 0;
    }
    type->firing_size = component.await == REFLOW_AWAIT_ANY ? 1 : std::max(type->inports, 1u);
    component.max_batch = number(spec, "maxBatch");
    component.flags = number(spec, "flags");
    component.max_concurrency = number(spec, "maxConcurrency");
    component.timeout_ms = number(spec, "timeoutMs");
    component.create = on_create;
    component.setup = on_setup;
    component.run = type->async ? on_run_async : on_run;
    component.finish = spec.Get("finish").ToBoolean() ? on_finish : nullptr;
    if (spec.Get("save").ToBoolean()) {
        component.save = on_save;
        component.load = on_load;
        component.state_version = number(spec, "stateVersion");
    }
    component.teardown = on_teardown;
    component.destroy_state = on_destroy;
    component.user_data = type.get();
    reflow_error* error = nullptr;
    check(env, reflow_runtime_register(core->runtime, &component, &error), error);
    core->types.push_back(std::move(type));
    return Napi::Number::New(env, core->types.back()->index);
}

}  // namespace reflow_node
