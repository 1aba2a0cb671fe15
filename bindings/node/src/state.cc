// Keys and pools of nodes (reflow.h, section 17): values that the engine keeps for a node. An actor reaches its
// own through the callback that waits for it, a host those of any node by withState().
// Thread: JS; the visit itself comes on a thread of the engine, and crosses.
#include "actors.h"
#include "async.h"
#include "bridge.h"
#include "exports.h"

namespace reflow_node {

namespace {

// A table of a node, as lib/state.cjs names it: (call, pool or undefined for the keys, name, ...).
struct Table {
    explicit Table(const Napi::CallbackInfo& info) : env(info.Env()), keys(info[1].IsUndefined()) {
        if (!keys) pool = text_argument(info, 1, "the name of a pool");
        find(info[0].As<Napi::Number>().Uint32Value());
    }
    // The context of a call, by its number; 0 is the firing that goes on.
    void find(std::uint32_t number) {
        Environment& environment = Environment::of(env);
        const Call* call = environment.running;
        if (number != 0) {
            auto found = environment.control.find(number);
            call = found == environment.control.end() ? nullptr : found->second.get();
        }
        if (call != nullptr && environment.alive()) context = call->context;
        if (context != nullptr) return;
        raise(env, REFLOW_ERROR_CLOSED, "the call that this state belongs to has ended",
              "await net.withState(node, (state) => ...) reaches it at any time");
    }
    [[nodiscard]] reflow_view pool_view() const { return view_of(pool); }
    [[nodiscard]] std::string where(std::string_view name) const {
        const std::string node(text_of(reflow_context_node(context)));
        const std::string what = keys ? "key '" + std::string(name) + "'"
                                      : "'" + std::string(name) + "' of pool '" + pool + "'";
        return what + " of node '" + node + "'";
    }

    Napi::Env env;
    bool keys;
    std::string pool;
    reflow_context* context = nullptr;
};

std::string name_argument(const Napi::CallbackInfo& info, const Table& table) {
    return text_argument(info, 2, table.keys ? "a key" : "an id in a pool");
}

reflow_message found(const Table& table, const std::string& name) {
    return table.keys ? reflow_context_state_get(table.context, view_of(name))
                      : reflow_context_pool_find(table.context, table.pool_view(), view_of(name));
}

// A signal stays one, since undefined says that there is nothing.
Napi::Value stored(Napi::Env env, reflow_message value) {
    if (reflow_message_kind(value) != REFLOW_KIND_FLOW) return to_value(env, value);
    return wrap_message(env, Message(reflow_message_ref(value)));
}

// stateGet(call, pool, name): the value, or undefined if there is none.
Napi::Value get(const Napi::CallbackInfo& info) {
    const Table table(info);
    const Message kept(reflow_message_ref(found(table, name_argument(info, table))));
    return stored(info.Env(), kept.get());
}

// stateHas(call, pool, name)
Napi::Value has(const Napi::CallbackInfo& info) {
    const Table table(info);
    const reflow_kind kind = reflow_message_kind(found(table, name_argument(info, table)));
    return Napi::Boolean::New(info.Env(), kind != REFLOW_KIND_NONE);
}

// stateSet(call, pool, name, value)
Napi::Value set(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    Message value = from_js(env, info[3]);  // may run JavaScript, so the table is looked for behind it
    const Table table(info);
    const std::string name = name_argument(info, table);
    const reflow_status status =
        table.keys ? reflow_context_state_set(table.context, view_of(name), value.leak())
                   : reflow_context_pool_upsert(table.context, table.pool_view(), view_of(name), value.leak());
    if (status == REFLOW_ERROR_LIMIT) {
        raise(env, status, "there is no room for " + table.where(name),
              "a node keeps at most " + std::to_string(REFLOW_MAX_STATE_ENTRIES) + " values, and " +
                  std::to_string(REFLOW_MAX_STATE_BYTES) + " bytes of names and payload");
    }
    if (status != REFLOW_OK) raise(env, status, table.where(name) + " cannot be set");
    return env.Undefined();
}

// stateDelete(call, pool, name): whether there was one.
Napi::Value remove(const Napi::CallbackInfo& info) {
    const Table table(info);
    const std::string name = name_argument(info, table);
    const reflow_status status =
        table.keys ? reflow_context_state_remove(table.context, view_of(name))
                   : reflow_context_pool_remove(table.context, table.pool_view(), view_of(name));
    return Napi::Boolean::New(info.Env(), status == REFLOW_OK);
}

// stateClear(call, pool)
Napi::Value clear(const Napi::CallbackInfo& info) {
    const Table table(info);
    (void)(table.keys ? reflow_context_state_clear(table.context)
                      : reflow_context_pool_clear(table.context, table.pool_view()));
    return info.Env().Undefined();
}

// stateCount(call, pool)
Napi::Value count(const Napi::CallbackInfo& info) {
    const Table table(info);
    const std::size_t there = table.keys ? reflow_context_state_count(table.context)
                                         : reflow_context_pool_count(table.context, table.pool_view());
    return Napi::Number::New(info.Env(), static_cast<double>(there));
}

// stateEntries(call, pool): [name, value] of all, in the order in which the names came in.
Napi::Value entries(const Napi::CallbackInfo& info) {
    const Table table(info);
    reflow_message made{};
    const reflow_status status = table.keys
                                     ? reflow_context_state_all(table.context, &made)
                                     : reflow_context_pool_get(table.context, table.pool_view(), &made);
    if (status != REFLOW_OK) {
        raise(info.Env(), status, "a value of " + table.where("*") + " is nested as deep as a message can be",
              "get() gives each value by itself");
    }
    const Message kept(made);
    const std::size_t size = reflow_message_count(made);
    Napi::Array list = Napi::Array::New(info.Env(), size);
    for (std::size_t i = 0; i < size; ++i) {
        const Napi::HandleScope scope(info.Env());
        reflow_view name{};
        reflow_message value{};
        (void)reflow_message_get_key(made, i, &name);
        (void)reflow_message_get_at(made, i, &value);
        Napi::Array pair = Napi::Array::New(info.Env(), 2);
        pair.Set(0u, string_of(info.Env(), name));
        pair.Set(1u, stored(info.Env(), value));
        list.Set(static_cast<std::uint32_t>(i), pair);
    }
    return list;
}

// ---- the state of a node in the hands of a host

// The crossing of a visit: lib/dispatch.cjs calls the function of that number, which ends with this call.
struct VisitCall final : Call, std::enable_shared_from_this<VisitCall> {
    void run(Napi::Env env) override {
        Environment& environment = *core->environment;
        const std::uint32_t number = environment.next_control++;
        environment.control[number] = shared_from_this();
        napi_value self = core->self(env);
        if (self == nullptr) self = env.Undefined();
        auto kept = core->environment;
        try {
            kept->dispatch.Call({self, Napi::Number::New(env, kVisit), Napi::Number::New(env, visit),
                                 Napi::Number::New(env, number)});
        } catch (const Napi::Error& error) {
            failed = error.Message();
        }
        kept->control.erase(number);
        end();
    }

    std::shared_ptr<Core> core;
    std::uint32_t visit = 0;
    std::string failed;
};

struct Visit {
    std::shared_ptr<Core> core;
    std::uint32_t number = 0;
};

reflow_status visited(reflow_context* context, void*, void* user_data) {
    const auto* visit = static_cast<const Visit*>(user_data);
    auto call = std::make_shared<VisitCall>();
    call->core = visit->core;
    call->visit = visit->number;
    call->context = context;
    visit->core->environment->wait(call);
    if (!call->done()) {
        return reflow_context_fail(context, REFLOW_ERROR_CANCELLED,
                                   reflow_str("the JavaScript environment has ended"), {"", 0});
    }
    if (call->failed.empty()) return REFLOW_OK;
    return reflow_context_fail(context, REFLOW_ERROR_INTERNAL, view_of(call->failed), {"", 0});
}

// withState(core, node, component, visit, timeout): a promise; visit is a number that the dispatch knows.
Napi::Value with_state(const Napi::CallbackInfo& info) {
    auto core = Core::of(info);
    const std::string node = text_argument(info, 1, "the id of a node");
    const std::string component = text_argument(info, 2, "option 'component'");
    const auto visit = std::make_shared<Visit>();
    visit->core = core;
    visit->number = info[3].As<Napi::Number>().Uint32Value();
    const std::int64_t timeout = info[4].As<Napi::Number>().Int64Value();
    return with_network(info.Env(), core, [=](reflow_network* network, reflow_error** error) {
        return reflow_network_with_state(network, view_of(node), view_of(component), visited, visit.get(),
                                         timeout, error);
    });
}

}  // namespace

void export_state(Napi::Object exports) {
    export_function(exports, "stateGet", get);
    export_function(exports, "stateHas", has);
    export_function(exports, "stateSet", set);
    export_function(exports, "stateDelete", remove);
    export_function(exports, "stateClear", clear);
    export_function(exports, "stateCount", count);
    export_function(exports, "stateEntries", entries);
    export_function(exports, "withState", with_state);
}

}  // namespace reflow_node
