// Networks: how they are made, begin, keep the process alive while something goes on, and end.
#include "core.h"

#include <algorithm>

#include "actors.h"
#include "events.h"
#include "log.h"
#include "pending.h"
#include "ports.h"

namespace reflow_node {

namespace {

template <typename T>
T number(Napi::Object from, const char* key, T fallback) {
    Napi::Value value = from.Get(key);
    return value.IsNumber() ? static_cast<T>(value.As<Napi::Number>().Int64Value()) : fallback;
}

// Packets of one actor in JavaScript that cross at once, at most.
constexpr std::uint32_t kBatch = 4096;
constexpr std::uint32_t kPortCapacity = 4096;
// How long a hosted network keeps the loop at once.
constexpr std::uint64_t kPumpNs = 2'000'000;

}  // namespace

std::shared_ptr<Core> Core::create(Napi::Env env, Napi::Object self, Napi::Object options) {
    Environment& environment = Environment::of(env);
    auto core = std::make_shared<Core>(environment.shared_from_this());
    environment.enter(*core);
    reflow_runtime_options runtime{};
    runtime.struct_size = sizeof runtime;
    runtime.mode = number<reflow_mode>(options, "mode", REFLOW_MODE_OWN);
    core->hosted = runtime.mode == REFLOW_MODE_HOSTED;
    core->simulated = runtime.mode == REFLOW_MODE_SIMULATED;
    core->single = runtime.mode != REFLOW_MODE_OWN && !core->hosted;
    runtime.seed = number<std::uint64_t>(options, "seed", 0);
    runtime.workers = number<std::uint32_t>(options, "workers", 0);
    runtime.batch_packets = number<std::uint32_t>(options, "batchPackets", kBatch);
    runtime.port_capacity = number<std::uint32_t>(options, "portCapacity", kPortCapacity);
    runtime.port_capacity_bytes =
        number<std::uint64_t>(options, "portCapacityBytes", 0);
    runtime.blocking_threads = number<std::uint32_t>(options, "blockingThreads", 0);
    runtime.watchdog_ms = number<std::uint64_t>(options, "watchdogMs", 0);
    runtime.check_types = options.Get("checkTypes").ToBoolean() ? 1 : 0;
    core->envelopes = options.Get("envelopes").ToBoolean();
    LogHandle::attach(options.Get("hooks"), core, runtime);
    reflow_error* error = nullptr;
    if (options.Get("record").IsString()) core->record = options.Get("record").As<Napi::String>();
    if (options.Get("replay").IsString()) {
        const std::string path = options.Get("replay").As<Napi::String>();
        check(env, reflow_x_recording_open(view_of(path), &core->recording, &error), error);
        check(env, reflow_x_recording_options(core->recording, &runtime, &error), error);
    }
    check(env, reflow_runtime_create(&runtime, &core->runtime, &error), error);
    std::string name;
    if (options.Get("name").IsString()) name = options.Get("name").As<Napi::String>();
    check(env, reflow_graph_create(view_of(name), &core->graph, &error), error);
    napi_create_reference(env, self, 0, &core->self_);
    return core;
}

Core::~Core() {
    end();
    --environment->cores;
}

std::shared_ptr<Core> Core::of(const Napi::CallbackInfo& info) {
    return *info[0].As<Napi::External<std::shared_ptr<Core>>>().Data();
}

reflow_network* Core::running(Napi::Env env) const {
    if (closing) raise(env, REFLOW_ERROR_CLOSED, "the network is closed");
    if (!built.load(std::memory_order_acquire)) {
        raise(env, REFLOW_ERROR_INVALID_STATE, "the network has not been started",
              "call start() and wait for it first");
    }
    return network;
}

void Core::check_open(Napi::Env env) const {
    if (closing) raise(env, REFLOW_ERROR_CLOSED, "the network is closed");
}

reflow_graph* Core::edited(Napi::Env env) {
    check_open(env);
    if (!built.load(std::memory_order_acquire) || editing) return graph;
    reflow_graph* copy = nullptr;
    reflow_error* error = nullptr;
    check(env, reflow_network_graph(network, &copy, &error), error);
    reflow_graph_destroy(std::exchange(graph, copy));
    editing = true;
    return graph;
}

void Core::check_building(Napi::Env env, const char* what) const {
    check_open(env);
    if (!built.load(std::memory_order_acquire)) return;
    raise(env, REFLOW_ERROR_INVALID_STATE, std::string(what) + " after the network was started",
          "make the graph first, and start it then");
}

napi_value Core::self(Napi::Env env) const {
    napi_value value = nullptr;
    if (self_ != nullptr) napi_get_reference_value(env, self_, &value);
    return value;
}

void Core::busy(Napi::Env env) {
    if (single || busy_ || self_ == nullptr) return;
    busy_ = true;
    environment->retain(env);
    // A network that works is not collected, even if nobody looks at it.
    std::uint32_t count = 0;
    napi_reference_ref(env, self_, &count);
}

void Core::look_idle(Napi::Env env) {
    look_posted_.store(false, std::memory_order_release);
    wake_outputs(*this);
    tell_later();
    const bool made = built.load(std::memory_order_acquire);
    const reflow_network_state state = closing || !made ? REFLOW_NETWORK_STOPPED : reflow_network_get_state(network);
    if (!busy_) {
        if (state == REFLOW_NETWORK_STOPPED && !single) (void)tell_events(env);
        return;
    }
    bool over = state >= REFLOW_NETWORK_DRAINED;
    if (!over) {
        const reflow_status idle = reflow_network_wait_idle(network, 0, nullptr);
        // Idle, but who sends does not know yet that there is room: the loop must not end before that is told.
        if (idle == REFLOW_OK && flush_inports(env, *this)) return;
        over = idle != REFLOW_ERROR_TIMEOUT;
    }
    if (!over) return hosted ? ask_idle() : look_again();
    // The engine has kept all events up to this rest already, but who waits for one does not know yet.
    if (tell_events(env)) {
        if (look_posted_.exchange(true)) return;
        return environment->post([self = shared_from_this()](Napi::Env inside) { self->look_idle(inside); });
    }
    busy_ = false;
    environment->release(env);
    std::uint32_t count = 0;
    napi_reference_unref(env, self_, &count);
}

// A hosted network asks once for each time that it is not idle behind a run: a subscription would need the loop to
// end, which may be gone by then.
void Core::ask_idle() {
    if (std::exchange(idle_asked_, true)) return;
    const reflow_status status = reflow_network_on_idle(
        network,
        [](void* user_data, const reflow_error*) {
            if (auto held = static_cast<std::weak_ptr<Core>*>(user_data)->lock()) {
                held->environment->post([held](Napi::Env env) {
                    held->idle_asked_ = false;
                    held->look_idle(env);
                });
            }
        },
        new std::weak_ptr<Core>(weak_from_this()),
        [](void* user_data) { delete static_cast<std::weak_ptr<Core>*>(user_data); }, nullptr, nullptr);
    if (status != REFLOW_OK) idle_asked_ = false;
}

// The event may be told a moment before a look agrees, and does not come twice. So wait a little for that; who
// is not idle by then works, and will be told of again.
void Core::look_again() {
    if (std::exchange(looking_again_, true)) return;
    environment->background([self = shared_from_this()] {
        Failure failure = self->with_network([](reflow_network* waited, reflow_error** error) {
            return reflow_network_wait_idle(waited, 50, error);
        });
        self->environment->post([self, idle = !failure](Napi::Env env) {
            self->looking_again_ = false;
            if (idle) self->look_idle(env);
        });
    });
}

void Core::told_idle(void* user_data, const reflow_event_batch*, std::uint64_t) {
    auto* core = static_cast<std::weak_ptr<Core>*>(user_data);
    auto held = core->lock();
    if (!held || held->look_posted_.exchange(true)) return;
    held->environment->post([held](Napi::Env env) { held->look_idle(env); });
}

// Whether anybody has taken anything. They may open and close others meanwhile.
bool Core::tell_events(Napi::Env env) {
    bool some = false;
    const std::vector<EventsHandle*> all = events;
    for (EventsHandle* handle : all) {
        const Napi::HandleScope scope(env);
        if (std::find(events.begin(), events.end(), handle) == events.end()) continue;
        some = handle->tell(env) || some;
    }
    return some;
}

// In a job, since nobody is called inside of a call of his own. The process lives until it is done.
void Core::tell_later() {
    if (!single || events.empty() || std::exchange(tells_, true)) return;
    environment->post_kept(
        [self = shared_from_this()](Napi::Env env) {
            self->tells_ = false;
            if (self->tell_events(env)) self->tell_later();
        },
        true);
}

void Core::told_end(void* user_data, const reflow_event_batch*, std::uint64_t) {
    auto held = static_cast<std::weak_ptr<Core>*>(user_data)->lock();
    if (!held || held->shut.exchange(true, std::memory_order_acq_rel)) return;
    held->environment->post([held](Napi::Env env) { (void)held->tell_events(env); });
}

// A subscription of its own: it has one event only, so that one is never lost, and those of JavaScript do not count it.
reflow_status Core::watch_end(reflow_error** error) {
    if (end_ != nullptr) return REFLOW_OK;
    reflow_event_options options{};
    options.struct_size = sizeof options;
    options.kinds = UINT64_C(1) << REFLOW_EVENT_NETWORK_SHUTDOWN;
    options.callback = told_end;
    options.user_data = new std::weak_ptr<Core>(weak_from_this());
    options.destroy = [](void* data) { delete static_cast<std::weak_ptr<Core>*>(data); };
    return reflow_network_subscribe(network, &options, &end_, error);
}

// Without threads nothing goes on by itself, so nobody has to be told that it is over.
reflow_status Core::watch_idle(reflow_error** error) {
    if (single || hosted) return REFLOW_OK;
    reflow_event_options options{};
    options.struct_size = sizeof options;
    options.kinds = (1u << REFLOW_EVENT_NETWORK_IDLE) | (1u << REFLOW_EVENT_NETWORK_SHUTDOWN);
    options.callback = told_idle;
    options.user_data = new std::weak_ptr<Core>(weak_from_this());
    options.destroy = [](void* data) { delete static_cast<std::weak_ptr<Core>*>(data); };
    return reflow_network_subscribe(network, &options, &idle_, error);
}

reflow_status Core::make_network(reflow_error** error) {
    if (recording != nullptr) {
        reflow_status status = reflow_x_replay_create(runtime, recording, &replay, error);
        if (status == REFLOW_OK) network = reflow_x_replay_network(replay);
        return status;
    }
    if (!record.empty()) return reflow_x_record_create(runtime, graph, view_of(record), &network, error);
    return reflow_network_create(runtime, graph, &network, error);
}

Failure Core::build() {
    std::shared_lock lock(users_);
    reflow_error* error = nullptr;
    if (ended_) return failure_of(REFLOW_ERROR_CLOSED, nullptr);
    reflow_status status = make_network(&error);
    if (status == REFLOW_OK) status = watch_idle(&error);
    if (status == REFLOW_OK && envelopes) status = reflow_network_carry_envelopes(network, &error);
    if (status != REFLOW_OK) {
        end_network();
        return failure_of(status, error);
    }
    built.store(true, std::memory_order_release);
    return {};
}

void Core::end_network() noexcept {
    reflow_subscription_destroy(std::exchange(idle_, nullptr));
    reflow_subscription_destroy(std::exchange(end_, nullptr));
    reflow_network* ended = std::exchange(network, nullptr);
    if (replay != nullptr) reflow_x_replay_destroy(std::exchange(replay, nullptr));
    else reflow_network_destroy(ended);
}

// ---- mode hosted: the loop of Node is that of the runtime. The engine wakes it by a job, and its timers are one of
// JavaScript, armed behind each run.

void Core::woken() {
    if (pump_posted_.exchange(true)) return;
    environment->post([self = shared_from_this()](Napi::Env env) { self->pump(env); });
}

void Core::pump(Napi::Env env) {
    // Before the run: what comes during it is either run by it, or wakes again.
    pump_posted_.store(false);
    bool more = false;
    {
        // A lock of its own: a stop that another thread waits for, under the other one, needs these runs.
        std::lock_guard lock(pumping_);
        if (runtime == nullptr) return;
        (void)reflow_runtime_run_for(runtime, 0, kPumpNs, &more, nullptr);
    }
    retry_stalled(env);
    if (more) return woken();
    arm(env);
    look_idle(env);
}

void Core::arm(Napi::Env env) {
    std::uint64_t due = UINT64_MAX;
    {
        std::lock_guard lock(pumping_);
        if (runtime != nullptr) due = reflow_runtime_next_due_ns(runtime);
    }
    if (due == 0) return woken();
    napi_value own = self(env);
    if ((due == UINT64_MAX && !armed_) || own == nullptr) return;
    armed_ = due != UINT64_MAX;
    environment->dispatch.Call({own, Napi::Number::New(env, kTimer),
                                Napi::Number::New(env, armed_ ? static_cast<double>(due) / 1e6 : -1)});
}

void Core::retry_stalled(Napi::Env env) {
    for (const auto& each : std::exchange(stalled, {})) {
        if (const auto held = each.lock()) held->try_again(env);
    }
}

// In mode simulated time jumps to the next timer when nothing is ready. That would be the time limit of a firing that
// goes on in JavaScript, so as long as there is one no turn begins that would jump.
reflow_status Core::turn(std::uint64_t max, bool* more, reflow_error** error) {
    return in_call([&]() -> reflow_status {
        if (!simulated) return reflow_runtime_run(runtime, max, more, error);
        *more = false;
        for (std::uint64_t ran = 0; max == 0 || ran < max; ++ran) {
            const std::uint64_t due = reflow_runtime_next_due_ns(runtime);
            if (due > 0 && due != UINT64_MAX && open_firings.load() > 0) return REFLOW_OK;
            const reflow_status status = reflow_runtime_run(runtime, 1, more, error);
            if (status != REFLOW_OK) return status;
            if (!*more && reflow_runtime_next_due_ns(runtime) == UINT64_MAX) return REFLOW_OK;
        }
        return REFLOW_OK;
    });
}

void Core::pass(std::int64_t milliseconds) {
    // Who waits for idle has time pass, and no more than that.
    if (network != nullptr) in_call([&] { return reflow_network_wait_idle(network, milliseconds, nullptr); });
}

void Core::task(std::function<void()> work, std::function<void(Napi::Env)> done) {
    if (!single) return environment->task(std::move(work), std::move(done));
    auto now = [self = shared_from_this(), work = std::move(work), done = std::move(done)](Napi::Env env) {
        self->calling_ = true;
        work();
        self->calling_ = false;
        done(env);
    };
    // Inside a callback of the engine it would wait for itself.
    environment->post_kept(std::move(now), calling_);
}

void Core::forget(Napi::Env env) {
    closing = true;  // jobs that are on their way must not look at the network any more
    if (self_ != nullptr) napi_delete_reference(env, self_);
    self_ = nullptr;
}

void Core::stop_now() noexcept {
    if (!built.load(std::memory_order_acquire)) return;
    std::shared_lock lock(users_);
    if (network != nullptr) (void)reflow_network_stop(network, REFLOW_FOREVER, nullptr);
}

void Core::try_stop(std::int64_t timeout_ms) noexcept {
    std::shared_lock lock(users_, std::try_to_lock);
    if (!lock.owns_lock() || network == nullptr) return;
    (void)reflow_network_stop(network, timeout_ms, nullptr);
}

void Core::end() noexcept {
    stop_now();  // so that those who wait come back
    {
        std::lock_guard lock(users_);
        if (ended_) return;
        ended_ = true;
        end_network();
        reflow_x_recording_destroy(std::exchange(recording, nullptr));
        reflow_graph_destroy(std::exchange(graph, nullptr));
        std::lock_guard pumping(pumping_);
        reflow_runtime_destroy(std::exchange(runtime, nullptr));
    }
    environment->leave(*this);
}

}  // namespace reflow_node
