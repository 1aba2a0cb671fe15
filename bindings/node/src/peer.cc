// The native half of Peer: its life, links and messages. What waits runs on a thread for such calls.
#include "peer.h"

#include <optional>

#include "async.h"
#include "bridge.h"
#include "core.h"
#include "envelope.h"
#include "environment.h"

namespace reflow_node {

// ---- what is shared -----------------------------------------------------------------------------

PeerCore::~PeerCore() {
    if (owned) reflow_peer_destroy(peer);
    reflow_runtime_destroy(runtime);
}

void PeerCore::begin() {
    const std::lock_guard lock(mutex_);
    ++calls_;
}

void PeerCore::end() {
    const std::lock_guard lock(mutex_);
    --calls_;
    changed_.notify_all();
}

void PeerCore::wait_for_others() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return calls_ == 0; });
}

namespace {

// How long links have to close in order when the process ends, in milliseconds.
constexpr std::int64_t kExitTimeout = 200;

// A call on another thread that keeps the peer. JavaScript's thread never ends a peer by it.
Napi::Value call(Napi::Env env, std::shared_ptr<PeerCore> core,
                 std::function<reflow_status(reflow_peer*, reflow_error**)> work,
                 std::function<Napi::Value(Napi::Env)> make = nullptr) {
    core->begin();
    return in_background(
        env,
        [core, work = std::move(work)](reflow_error** error) {
            const reflow_status status = work(core->peer, error);
            core->end();
            return status;
        },
        std::move(make));
}

// A result that travels from the other thread.
struct Result {
    Message message;
};

std::function<Napi::Value(Napi::Env)> value_of(std::shared_ptr<Result> result) {
    return [result](Napi::Env env) { return to_value(env, result->message.get()); };
}

}  // namespace

std::shared_ptr<PeerCore> PeerHandle::use(Napi::Env env) const {
    if (!core_) raise(env, REFLOW_ERROR_CLOSED, "the peer is closed");
    return core_;
}

PeerHandle::PeerHandle(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<PeerHandle>(info), environment_(Environment::of(info.Env()).weak_from_this()) {}

PeerHandle::~PeerHandle() { let_go(); }

void PeerHandle::let_go() {
    hook_.clear();
    std::shared_ptr<PeerCore> core = std::exchange(core_, nullptr);
    if (!core) core = std::exchange(halted_, nullptr);
    if (!core) return;
    const std::shared_ptr<Environment> environment = environment_.lock();
    if (environment) environment->background([core = std::move(core)]() mutable { core.reset(); });
}

// ---- life ---------------------------------------------------------------------------------------

// (network or undefined, options or text of TOML, name of the file): replaces what was made before
Napi::Value PeerHandle::create(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    auto core = std::make_shared<PeerCore>();
    reflow_runtime* runtime = nullptr;
    if (info[0].IsExternal()) {
        const std::shared_ptr<Core> network = Core::of(info);
        runtime = network->runtime;
        core->network = network;
    } else {
        reflow_runtime_options plain{};
        plain.struct_size = sizeof plain;
        plain.mode = REFLOW_MODE_INLINE;
        must(env, [&](reflow_error** error) {
            return reflow_runtime_create(&plain, &core->runtime, error);
        });
        runtime = core->runtime;
    }
    if (info[1].IsString()) {
        const std::string toml = text_argument(info, 1, "toml");
        const std::string file = text_argument(info, 2, "file");
        must(env, [&](reflow_error** error) {
            return reflow_peer_create_from_toml(runtime, view_of(toml), view_of(file), 0,
                                                &core->peer, error);
        });
    } else {
        const PeerSettings settings(env, info[1]);
        must(env, [&](reflow_error** error) {
            return reflow_peer_create(runtime, &settings.options, &core->peer, error);
        });
    }
    let_go();
    core_ = std::move(core);
    // Calls that wait for the peer return then, and no thread of it is left.
    hook_.set(env, [ended = std::weak_ptr<PeerCore>(core_)] {
        if (const auto held = ended.lock()) (void)reflow_peer_stop(held->peer, kExitTimeout, nullptr);
    });
    return env.Undefined();
}

// (network): its core, built and not yet started
Napi::Value PeerHandle::attach(const Napi::CallbackInfo& info) {
    const std::shared_ptr<Core> network = Core::of(info);
    const auto core = use(info.Env());
    must(info.Env(), [&](reflow_error** error) {
        return reflow_peer_attach(core->peer, network->network, error);
    });
    return info.Env().Undefined();
}

Napi::Value PeerHandle::bind(const Napi::CallbackInfo& info) {
    const std::string address = text_argument(info, 0, "address");
    const std::uint32_t wanted = info[1].ToNumber().Uint32Value();
    const auto core = use(info.Env());
    must(info.Env(), [&](reflow_error** error) {
        return reflow_peer_bind(core->peer, view_of(address), wanted, error);
    });
    return info.Env().Undefined();
}

Napi::Value PeerHandle::start(const Napi::CallbackInfo& info) {
    return call(info.Env(), use(info.Env()), [](reflow_peer* peer, reflow_error** error) {
        return reflow_peer_start(peer, error);
    });
}

Napi::Value PeerHandle::port(const Napi::CallbackInfo& info) {
    return Napi::Number::New(info.Env(), core_ ? reflow_peer_port(core_->peer) : 0);
}

// (timeout)
Napi::Value PeerHandle::stop(const Napi::CallbackInfo& info) {
    const std::int64_t timeout = info[0].ToNumber().Int64Value();
    return call(info.Env(), use(info.Env()), [timeout](reflow_peer* peer, reflow_error** error) {
        return reflow_peer_stop(peer, timeout, error);
    });
}

// Stops the peer, and refuses every call from now on. Its events may still be read behind it.
Napi::Value PeerHandle::halt(const Napi::CallbackInfo& info) {
    if (core_) halted_ = std::exchange(core_, nullptr);
    return in_background(info.Env(), [core = halted_](reflow_error** error) {
        return core ? reflow_peer_stop(core->peer, 5000, error) : reflow_status{REFLOW_OK};
    });
}

// Ends a halted peer when calls that are under way have returned, which the stop has seen to.
Napi::Value PeerHandle::close(const Napi::CallbackInfo& info) {
    std::shared_ptr<PeerCore> core = std::exchange(halted_, nullptr);
    hook_.clear();
    return in_background(info.Env(), [core](reflow_error**) mutable {
        if (core) core->wait_for_others();
        core.reset();
        return reflow_status{REFLOW_OK};
    });
}

// ---- links --------------------------------------------------------------------------------------

// (endpoint, timeout)
Napi::Value PeerHandle::connect(const Napi::CallbackInfo& info) {
    const std::string endpoint = text_argument(info, 0, "endpoint");
    const std::int64_t timeout = info[1].ToNumber().Int64Value();
    auto result = std::make_shared<Result>();
    return call(
        info.Env(), use(info.Env()),
        [endpoint, timeout, result](reflow_peer* peer, reflow_error** error) {
            reflow_message network{};
            const reflow_status status =
                reflow_peer_connect(peer, view_of(endpoint), timeout, &network, error);
            result->message = Message(network);
            return status;
        },
        value_of(result));
}

Napi::Value PeerHandle::disconnect(const Napi::CallbackInfo& info) {
    const std::string network = text_argument(info, 0, "the id of a network");
    const auto core = use(info.Env());
    must(info.Env(), [&](reflow_error** error) {
        return reflow_peer_disconnect(core->peer, view_of(network), error);
    });
    return info.Env().Undefined();
}

Napi::Value PeerHandle::connected(const Napi::CallbackInfo& info) {
    const std::string network = text_argument(info, 0, "the id of a network");
    const auto core = use(info.Env());
    return Napi::Boolean::New(info.Env(), reflow_peer_connected(core->peer, view_of(network)));
}

// ---- messages -----------------------------------------------------------------------------------

namespace {

// One message with where it goes: (network, actor, port, value, source, confirmed, timeout, envelope)
struct Parcel {
    explicit Parcel(const Napi::CallbackInfo& info)
        : network(text_argument(info, 0, "the id of a network")),
          actor(text_argument(info, 1, "an actor")),
          port(text_argument(info, 2, "a port")),
          source(text_argument(info, 4, "option 'source'")),
          confirmed(info[5].ToBoolean()),
          timeout(info[6].ToNumber().Int64Value()),
          envelope(envelope_from_js(info.Env(), info[7])),
          message(from_js(info.Env(), info[3])) {}

    reflow_status send(reflow_peer* peer, reflow_error** error) {
        const reflow_peer_send_options how = options();
        return taken(reflow_peer_send_with(peer, view_of(network), view_of(actor), view_of(port),
                                           message.get(), &how, error));
    }

    // told gets user_data once, unless this fails.
    reflow_status send_told(reflow_peer* peer, reflow_peer_fate_fn told, void* user_data,
                            reflow_error** error) {
        const reflow_peer_send_options how = options();
        return taken(reflow_peer_send_told(peer, view_of(network), view_of(actor), view_of(port),
                                           message.get(), &how, told, user_data, error));
    }

    reflow_peer_send_options options() const {
        reflow_peer_send_options options{};
        options.struct_size = sizeof options;
        options.source = view_of(source);
        options.envelope = envelope ? envelope->get() : nullptr;
        options.timeout_ms = timeout;
        return options;
    }
    reflow_status taken(reflow_status status) {
        if (status == REFLOW_OK) (void)message.leak();
        return status;
    }

    std::string network, actor, port, source;
    bool confirmed;
    std::int64_t timeout;
    std::shared_ptr<Envelope> envelope;
    Message message;
};

}  // namespace

namespace {

// A confirmed message on its way: no thread waits for it, and the process lives until its fate is told.
struct Awaited {
    Awaited(Napi::Env env, std::shared_ptr<PeerCore> of)
        : core(std::move(of)),
          environment(Environment::of(env).weak_from_this()),
          deferred(Napi::Promise::Deferred::New(env)) {}

    std::shared_ptr<PeerCore> core;
    std::weak_ptr<Environment> environment;
    Napi::Promise::Deferred deferred;
    Failure failure;

    // JS
    void settle(Napi::Env env) {
        Environment& here = Environment::of(env);
        here.release(env);
        if (failure) deferred.Reject(error_of(env, failure).Value());
        else deferred.Resolve(env.Undefined());
        // The last one ends the peer, which waits.
        if (core.use_count() == 1) here.background([last = std::move(core)]() mutable { last.reset(); });
        core.reset();
    }

    // On any thread.
    static void tell(void* user_data, reflow_peer_fate, reflow_status status, reflow_view reason) {
        const std::unique_ptr<std::shared_ptr<Awaited>> mine(
            static_cast<std::shared_ptr<Awaited>*>(user_data));
        const std::shared_ptr<Awaited> self = *mine;
        self->failure.status = status;
        self->failure.message = copy_of(reason);
        self->core->end();
        if (const auto there = self->environment.lock()) {
            there->post([self](Napi::Env env) { self->settle(env); });
        }
    }
};

Napi::Value send_confirmed(Napi::Env env, const std::shared_ptr<PeerCore>& core, Parcel& parcel) {
    auto awaited = std::make_shared<Awaited>(env, core);
    auto held = std::make_unique<std::shared_ptr<Awaited>>(awaited);
    core->begin();
    Environment::of(env).retain(env);
    reflow_error* error = nullptr;
    const reflow_status status = parcel.send_told(core->peer, Awaited::tell, held.get(), &error);
    if (status == REFLOW_OK) {
        (void)held.release();
    } else {
        core->end();
        awaited->failure = failure_of(status, error);
        awaited->settle(env);
    }
    return awaited->deferred.Promise();
}

}  // namespace

Napi::Value PeerHandle::send(const Napi::CallbackInfo& info) {
    const auto core = use(info.Env());
    auto parcel = std::make_shared<Parcel>(info);
    if (parcel->confirmed) return send_confirmed(info.Env(), core, *parcel);
    return call(info.Env(), core,
                [parcel](reflow_peer* peer, reflow_error** error) { return parcel->send(peer, error); });
}

// The same without waiting: whether there was room.
Napi::Value PeerHandle::send_now(const Napi::CallbackInfo& info) {
    const auto core = use(info.Env());
    Parcel parcel(info);
    parcel.timeout = 0;
    reflow_error* error = nullptr;
    const reflow_status status = parcel.send(core->peer, &error);
    const bool full = status == REFLOW_ERROR_TIMEOUT || status == REFLOW_ERROR_WOULD_BLOCK;
    if (!full) check(info.Env(), status, error);
    reflow_error_destroy(error);
    return Napi::Boolean::New(info.Env(), !full);
}

// (network, actor, port, values, source, timeout) -> how many have gone
Napi::Value PeerHandle::send_many(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    const auto core = use(env);
    const std::string network = text_argument(info, 0, "the id of a network");
    const std::string actor = text_argument(info, 1, "an actor");
    const std::string port = text_argument(info, 2, "a port");
    if (!info[3].IsArray()) refuse(env, "values have to be an array");
    const auto values = info[3].As<Napi::Array>();
    const std::string source = text_argument(info, 4, "option 'source'");
    const std::int64_t timeout = info[5].ToNumber().Int64Value();
    struct Many {
        std::vector<Message> messages;
        std::size_t accepted = 0;
    };
    auto many = std::make_shared<Many>();
    for (std::uint32_t i = 0; i < values.Length(); ++i) {
        const Napi::HandleScope scope(env);
        many->messages.push_back(from_js_at(env, values.Get(i), i));
    }
    return call(
        env, core,
        [=](reflow_peer* peer, reflow_error** error) {
            std::vector<reflow_message> raw;
            raw.reserve(many->messages.size());
            for (const Message& each : many->messages) raw.push_back(each.get());
            const reflow_status status = reflow_peer_send_many(
                peer, view_of(network), view_of(actor), view_of(port), raw.data(), raw.size(),
                view_of(source), timeout, &many->accepted, error);
            for (std::size_t i = 0; i < many->accepted; ++i) (void)many->messages[i].leak();
            return status;
        },
        [many](Napi::Env inside) -> Napi::Value {
            return Napi::Number::New(inside, static_cast<double>(many->accepted));
        });
}

// (actor, network, options)
Napi::Value PeerHandle::register_remote_actor(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    const std::string actor = text_argument(info, 0, "an actor");
    const std::string network = text_argument(info, 1, "the id of a network");
    const Options given(env, info[2]);
    struct Names {
        std::string alias;
        std::vector<std::string> inports, outports, capabilities;
        std::uint32_t strategy = 0;
        Message node;
    };
    auto names = std::make_shared<Names>();
    names->alias = given.text("alias");
    names->inports = given.texts("inports");
    names->outports = given.texts("outports");
    names->capabilities = given.texts("capabilities");
    names->strategy = given.u32("strategy");
    return call(
        env, use(env),
        [=](reflow_peer* peer, reflow_error** error) {
            const auto inports = views_of(names->inports);
            const auto outports = views_of(names->outports);
            const auto capabilities = views_of(names->capabilities);
            reflow_remote_actor_options options{};
            options.struct_size = sizeof options;
            options.strategy = static_cast<reflow_name_strategy>(names->strategy);
            options.alias = view_of(names->alias);
            options.inports = inports.empty() ? nullptr : inports.data();
            options.inports_count = inports.size();
            options.outports = outports.empty() ? nullptr : outports.data();
            options.outports_count = outports.size();
            options.capabilities = capabilities.empty() ? nullptr : capabilities.data();
            options.capabilities_count = capabilities.size();
            reflow_message node{};
            const reflow_status status = reflow_peer_register_remote_actor(
                peer, view_of(actor), view_of(network), &options, &node, error);
            names->node = Message(node);
            return status;
        },
        [names](Napi::Env inside) { return to_value(inside, names->node.get()); });
}

// ---- looking at it ------------------------------------------------------------------------------

Napi::Value PeerHandle::status(const Napi::CallbackInfo& info) {
    const auto core = use(info.Env());
    reflow_message out{};
    must(info.Env(),
         [&](reflow_error** error) { return reflow_peer_status(core->peer, &out, error); });
    return take_value(info.Env(), out);
}

Napi::Value PeerHandle::networks(const Napi::CallbackInfo& info) {
    const auto core = use(info.Env());
    reflow_message out{};
    must(info.Env(),
         [&](reflow_error** error) { return reflow_peer_networks(core->peer, &out, error); });
    return take_value(info.Env(), out);
}

// (network, timeout)
Napi::Value PeerHandle::actors(const Napi::CallbackInfo& info) {
    const std::string network = text_argument(info, 0, "the id of a network");
    const std::int64_t timeout = info[1].ToNumber().Int64Value();
    auto result = std::make_shared<Result>();
    return call(
        info.Env(), use(info.Env()),
        [network, timeout, result](reflow_peer* peer, reflow_error** error) {
            reflow_message out{};
            const reflow_status status =
                reflow_peer_actors(peer, view_of(network), timeout, &out, error);
            result->message = Message(out);
            return status;
        },
        value_of(result));
}

// (network, timeout) -> milliseconds
Napi::Value PeerHandle::ping(const Napi::CallbackInfo& info) {
    const std::string network = text_argument(info, 0, "the id of a network");
    const std::int64_t timeout = info[1].ToNumber().Int64Value();
    auto taken = std::make_shared<std::int64_t>(0);
    return call(
        info.Env(), use(info.Env()),
        [network, timeout, taken](reflow_peer* peer, reflow_error** error) {
            return reflow_peer_ping(peer, view_of(network), timeout, taken.get(), error);
        },
        [taken](Napi::Env env) -> Napi::Value {
            return Napi::Number::New(env, static_cast<double>(*taken) / 1e6);
        });
}

// (timeout)
Napi::Value PeerHandle::discover(const Napi::CallbackInfo& info) {
    const std::int64_t timeout = info[0].ToNumber().Int64Value();
    return call(info.Env(), use(info.Env()), [timeout](reflow_peer* peer, reflow_error** error) {
        return reflow_peer_discover(peer, timeout, error);
    });
}

Napi::Function PeerHandle::define(Napi::Env env) {
    return DefineClass(env, "PeerHandle",
                       {InstanceMethod<&PeerHandle::create>("create"),
                        InstanceMethod<&PeerHandle::attach>("attach"),
                        InstanceMethod<&PeerHandle::bind>("bind"),
                        InstanceMethod<&PeerHandle::start>("start"),
                        InstanceMethod<&PeerHandle::port>("port"),
                        InstanceMethod<&PeerHandle::connect>("connect"),
                        InstanceMethod<&PeerHandle::disconnect>("disconnect"),
                        InstanceMethod<&PeerHandle::connected>("connected"),
                        InstanceMethod<&PeerHandle::send>("send"),
                        InstanceMethod<&PeerHandle::send_now>("sendNow"),
                        InstanceMethod<&PeerHandle::send_many>("sendMany"),
                        InstanceMethod<&PeerHandle::register_remote_actor>("registerRemoteActor"),
                        InstanceMethod<&PeerHandle::set_delivery>("setDelivery"),
                        InstanceMethod<&PeerHandle::on_http>("onHttp"),
                        InstanceMethod<&PeerHandle::status>("status"),
                        InstanceMethod<&PeerHandle::networks>("networks"),
                        InstanceMethod<&PeerHandle::actors>("actors"),
                        InstanceMethod<&PeerHandle::ping>("ping"),
                        InstanceMethod<&PeerHandle::discover>("discover"),
                        InstanceMethod<&PeerHandle::stop>("stop"),
                        InstanceMethod<&PeerHandle::halt>("halt"),
                        InstanceMethod<&PeerHandle::close>("close")});
}

}  // namespace reflow_node
