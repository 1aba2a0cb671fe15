// What a firing asks of the engine beside its packets: attempts, the time, its deadline, whether an outport leads
// anywhere and has room, timers; and what it logs and prints.
// Thread: JS, while the engine waits for the call, or with what was known when the firing was kept open.
#include <algorithm>

#include "actors.h"
#include "bridge.h"
#include "exports.h"
#include "log.h"
#include "pending.h"
#include "queue.h"

namespace reflow_node {

namespace {

enum What : std::uint32_t { kAttempts = 0, kNow = 1, kDeadline = 2, kConnected = 3, kRoom = 4, kTimers = 5 };

constexpr double kMillisecond = 1e6;  // nanoseconds

Napi::Value deadline_to_js(Napi::Env env, std::uint64_t deadline_ns) {
    if (deadline_ns == UINT64_MAX) return env.Null();
    return Napi::Number::New(env, static_cast<double>(deadline_ns) / kMillisecond);
}

// The call of the engine that goes on with a firing. Throws if there is none.
RunCall& running_of(Napi::Env env) {
    Environment& environment = Environment::of(env);
    RunCall* call = environment.running;
    if (call == nullptr || call->context == nullptr || !environment.alive()) {
        raise(env, REFLOW_ERROR_CLOSED, "the call that this is asked of has ended");
    }
    return *call;
}

// How many packets an outport takes beside those that the call has for it already; -1: it is not connected.
Napi::Value room(Napi::Env env, const Call& call, std::uint32_t port, std::uint64_t taken) {
    const std::size_t free = reflow_context_room(call.context, port);
    if (free == SIZE_MAX) return Napi::Number::New(env, -1);
    return Napi::Number::New(env, static_cast<double>(free - std::min<std::size_t>(free, taken)));
}

Napi::Value timers_to_js(Napi::Env env, std::uint64_t bits) {
    Napi::Array ids = Napi::Array::New(env);
    for (std::uint32_t id = 0; id < REFLOW_MAX_TIMERS; ++id) {
        if ((bits >> id & 1U) != 0) ids.Set(ids.Length(), id);
    }
    return ids;
}

std::uint64_t nanoseconds(const Napi::Value& milliseconds) {
    return static_cast<std::uint64_t>(milliseconds.ToNumber().DoubleValue() * kMillisecond);
}

// setTimer(id, delay, period, cron or undefined, zone), in milliseconds
Napi::Value set_timer(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    reflow_context* context = running_of(env).context;
    const std::uint32_t id = info[0].ToNumber().Uint32Value();
    const std::uint64_t delay = nanoseconds(info[1]);
    const std::uint64_t period = nanoseconds(info[2]);
    must(env, [&](reflow_error** error) {
        if (info[3].IsString()) {
            const std::string times = info[3].ToString();
            const std::string zone = info[4].ToString();
            return reflow_context_set_cron(context, id, view_of(times), view_of(zone), error);
        }
        return period == 0 ? reflow_context_set_timer(context, id, delay, error)
                           : reflow_context_set_periodic(context, id, delay, period, error);
    });
    return env.Undefined();
}

// cancelTimer(id)
Napi::Value cancel_timer(const Napi::CallbackInfo& info) {
    reflow_context* context = running_of(info.Env()).context;
    must(info.Env(), [&](reflow_error** error) {
        return reflow_context_cancel_timer(context, info[0].ToNumber().Uint32Value(), error);
    });
    return info.Env().Undefined();
}

// wakeAfter(milliseconds)
Napi::Value wake_after(const Napi::CallbackInfo& info) {
    reflow_context* context = running_of(info.Env()).context;
    must(info.Env(), [&](reflow_error**) { return reflow_context_wake_after(context, nanoseconds(info[0])); });
    return info.Env().Undefined();
}

// ask(call, what, port): of a call by its number; 0 is the firing that goes on.
Napi::Value ask(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    Environment& environment = Environment::of(env);
    const Call* call = environment.running;
    if (const std::uint32_t number = info[0].ToNumber().Uint32Value()) {
        auto found = environment.control.find(number);
        call = found == environment.control.end() ? nullptr : found->second.get();
    }
    if (call == nullptr || call->context == nullptr || !environment.alive()) {
        raise(env, REFLOW_ERROR_CLOSED, "the call that this is asked of has ended");
    }
    switch (info[1].ToNumber().Uint32Value()) {
        case kAttempts:
            return Napi::Number::New(env, reflow_context_attempts(call->context));
        case kNow:
            return Napi::Number::New(
                env, static_cast<double>(reflow_context_now_ns(call->context)) / kMillisecond);
        case kDeadline:
            return deadline_to_js(env, reflow_context_deadline_ns(call->context));
        case kTimers:
            return timers_to_js(env, reflow_context_timers(call->context));
        case kRoom: {
            const std::uint32_t port = info[2].ToNumber().Uint32Value();
            return room(env, *call, port, call->emitted_to(port));
        }
        default:
            return Napi::Boolean::New(
                env, reflow_context_connected(call->context, info[2].ToNumber().Uint32Value()));
    }
}

// askPending(firing, what, port)
Napi::Value ask_pending(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    const auto& all = Environment::of(env).pendings;
    const auto found = all.find(info[0].ToNumber().Uint32Value());
    if (found == all.end()) raise(env, REFLOW_ERROR_CLOSED, "the firing that this is asked of has ended");
    const Known& known = *found->second->known;
    const std::uint32_t port = info[2].ToNumber().Uint32Value();
    switch (info[1].ToNumber().Uint32Value()) {
        case kAttempts:
            return Napi::Number::New(env, known.attempts);
        case kNow:
            return Napi::Number::New(env, static_cast<double>(known.now_ns()) / kMillisecond);
        case kDeadline:
            return deadline_to_js(env, known.deadline_ns);
        default:
            return Napi::Boolean::New(env, port < known.connected.size() && known.connected[port]);
    }
}

// say(core, level, type, node, text): a line of the log, or something printed, with level 0.
Napi::Value say(const Napi::CallbackInfo& info) {
    const auto core = Core::of(info);
    const auto level = static_cast<reflow_log_level>(info[1].ToNumber().Int32Value());
    const auto lines = core->lines.lock();
    if (!lines || level > core->log_level) return info.Env().Undefined();
    const ActorType& type = *core->types.at(info[2].ToNumber().Uint32Value());
    const std::string node = info[3].ToString();
    const std::string text = info[4].ToString();
    push_line(*lines, level, view_of(level == 0 ? std::string() : type.id), view_of(node), view_of(text));
    return info.Env().Undefined();
}

}  // namespace

Known::Known(const reflow_context* context, std::uint32_t outports, bool clock_stands)
    : attempts(reflow_context_attempts(context)),
      deadline_ns(reflow_context_deadline_ns(context)),
      then_ns_(reflow_context_now_ns(context)),
      begun_(std::chrono::steady_clock::now()),
      clock_stands_(clock_stands) {
    connected.reserve(outports + 1);
    for (std::uint32_t port = 0; port <= outports; ++port) {  // the last one is 'error'
        connected.push_back(reflow_context_connected(context, port));
    }
}

std::uint64_t Known::now_ns() const {
    if (clock_stands_) return then_ns_;
    const auto since = std::chrono::steady_clock::now() - begun_;
    return then_ns_ + static_cast<std::uint64_t>(std::chrono::nanoseconds(since).count());
}

void export_asking(Napi::Object exports) {
    export_function(exports, "ask", ask);
    export_function(exports, "askPending", ask_pending);
    export_function(exports, "setTimer", set_timer);
    export_function(exports, "cancelTimer", cancel_timer);
    export_function(exports, "wakeAfter", wake_after);
    export_function(exports, "say", say);
}

}  // namespace reflow_node
