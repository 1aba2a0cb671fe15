// The native half of PeerMesh: a peer for each execution, on a runtime that all of them share.
#include "mesh.h"

#include "async.h"
#include "bridge.h"
#include "core.h"
#include "discovery.h"
#include "environment.h"
#include "exports.h"
#include "peer.h"
#include "peer_events.h"

namespace reflow_node {

struct MeshCore {
    reflow_runtime* runtime = nullptr;  // its own, if it was made without a network
    reflow_mesh* mesh = nullptr;
    std::shared_ptr<Core> network;

    MeshCore() = default;
    MeshCore(const MeshCore&) = delete;
    MeshCore& operator=(const MeshCore&) = delete;
    ~MeshCore() {
        reflow_mesh_destroy(mesh);
        reflow_runtime_destroy(runtime);
    }
};

namespace {

// How long links have to close in order, usually and when the process ends, in milliseconds.
constexpr std::int64_t kStopTimeout = 5000;
constexpr std::int64_t kExitTimeout = 200;

// Calls that wait for the peer of an execution return then.
void stop_peer(const MeshCore& mesh, const std::string& execution, std::int64_t timeout_ms) {
    reflow_peer* peer = nullptr;
    if (reflow_mesh_peer(mesh.mesh, view_of(execution), &peer, nullptr) == REFLOW_OK) {
        (void)reflow_peer_stop(peer, timeout_ms, nullptr);
    }
}

// hold(more): one reason more, or less, for the process not to end by itself.
Napi::Value hold(const Napi::CallbackInfo& info) {
    Environment& environment = Environment::of(info.Env());
    if (info[0].ToBoolean()) {
        environment.retain(info.Env());
    } else {
        environment.release(info.Env());
    }
    return info.Env().Undefined();
}

}  // namespace

Napi::Function MeshHandle::define(Napi::Env env) {
    return DefineClass(env, "MeshHandle",
                       {InstanceMethod<&MeshHandle::assign>("assign"),
                        InstanceMethod<&MeshHandle::connect>("connect"),
                        InstanceMethod<&MeshHandle::peer>("peer"),
                        InstanceMethod<&MeshHandle::size>("size"),
                        InstanceMethod<&MeshHandle::teardown>("teardown"),
                        InstanceMethod<&MeshHandle::close>("close")});
}

MeshHandle::MeshHandle(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<MeshHandle>(info), environment_(Environment::of(info.Env()).weak_from_this()) {
    const Napi::Env env = info.Env();
    const PeerSettings settings(env, info[1]);
    auto made = std::make_shared<MeshCore>();
    reflow_runtime* runtime = nullptr;
    if (info[0].IsExternal()) {
        made->network = Core::of(info);
        runtime = made->network->runtime;
    } else {
        reflow_runtime_options plain{};
        plain.struct_size = sizeof plain;
        plain.mode = REFLOW_MODE_INLINE;
        must(env, [&](reflow_error** error) {
            return reflow_runtime_create(&plain, &made->runtime, error);
        });
        runtime = made->runtime;
    }
    reflow_mesh_options options{};
    options.struct_size = sizeof options;
    options.base_port = info[2].ToNumber().Uint32Value();
    options.ports_count = info[3].ToNumber().Uint32Value();
    options.peer = &settings.options;
    must(env, [&](reflow_error** error) {
        return reflow_mesh_create(runtime, &options, &made->mesh, error);
    });
    mesh_ = std::move(made);
    hook_.set(env, [this] {
        for (auto& [execution, core] : peers_) stop_peer(*mesh_, execution, kExitTimeout);
    });
}

// Its end waits for links: that is done elsewhere.
MeshHandle::~MeshHandle() {
    hook_.clear();
    auto mesh = std::exchange(mesh_, nullptr);
    const std::shared_ptr<Environment> environment = environment_.lock();
    if (mesh && environment) environment->background([mesh = std::move(mesh)]() mutable { mesh.reset(); });
}

std::shared_ptr<MeshCore> MeshHandle::use(Napi::Env env) const {
    if (!mesh_) raise(env, REFLOW_ERROR_CLOSED, "the mesh is closed");
    return mesh_;
}

std::shared_ptr<PeerCore> MeshHandle::core_of(Napi::Env env, const std::string& execution) {
    std::shared_ptr<PeerCore>& core = peers_[execution];
    if (!core) {
        core = std::make_shared<PeerCore>();
        core->owned = false;
        core->network = use(env);
    }
    return core;
}

// (network or undefined, execution) -> port
Napi::Value MeshHandle::assign(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    const std::string execution = text_argument(info, 1, "an execution");
    reflow_network* network = nullptr;
    if (info[0].IsExternal()) network = Core::of(info)->network;
    std::uint32_t port = 0;
    const auto mesh = use(env);
    must(env, [&](reflow_error** error) {
        return reflow_mesh_assign(mesh->mesh, view_of(execution), network, &port, error);
    });
    (void)core_of(env, execution);
    return Napi::Number::New(env, port);
}

// (execution, endpoint, timeout)
Napi::Value MeshHandle::connect(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    const std::string execution = text_argument(info, 0, "an execution");
    const std::string endpoint = text_argument(info, 1, "endpoint");
    const std::int64_t timeout = info[2].ToNumber().Int64Value();
    const auto mesh = use(env);
    const auto core = core_of(env, execution);
    auto result = std::make_shared<Message>();
    core->begin();
    return in_background(
        env,
        [=](reflow_error** error) {
            reflow_message network{};
            const reflow_status status = reflow_mesh_connect(
                mesh->mesh, view_of(execution), view_of(endpoint), timeout, &network, error);
            *result = Message(network);
            core->end();
            return status;
        },
        [result](Napi::Env inside) { return to_value(inside, result->get()); });
}

// (execution, a PeerHandle without a peer)
Napi::Value MeshHandle::peer(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    const std::string execution = text_argument(info, 0, "an execution");
    const auto mesh = use(env);
    reflow_peer* found = nullptr;
    must(env, [&](reflow_error** error) {
        return reflow_mesh_peer(mesh->mesh, view_of(execution), &found, error);
    });
    const auto core = core_of(env, execution);
    core->peer = found;
    PeerHandle::Unwrap(info[1].As<Napi::Object>())->adopt(core);
    return env.Undefined();
}

Napi::Value MeshHandle::size(const Napi::CallbackInfo& info) {
    return Napi::Number::New(info.Env(),
                             mesh_ ? static_cast<double>(reflow_mesh_count(mesh_->mesh)) : 0);
}

// (execution): calls that are under way with the peer return first, which the stop sees to.
Napi::Value MeshHandle::teardown(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    const std::string execution = text_argument(info, 0, "an execution");
    const auto mesh = use(env);
    const auto core = core_of(env, execution);
    peers_.erase(execution);
    return in_background(env, [=](reflow_error** error) {
        stop_peer(*mesh, execution, kStopTimeout);
        core->wait_for_others();
        return reflow_mesh_teardown(mesh->mesh, view_of(execution), error);
    });
}

Napi::Value MeshHandle::close(const Napi::CallbackInfo& info) {
    std::shared_ptr<MeshCore> mesh = std::exchange(mesh_, nullptr);
    hook_.clear();
    auto peers = std::exchange(peers_, {});
    return in_background(info.Env(), [mesh, peers](reflow_error**) mutable {
        for (auto& [execution, core] : peers) {
            if (mesh) stop_peer(*mesh, execution, kStopTimeout);
            core->wait_for_others();
        }
        peers.clear();
        mesh.reset();
        return reflow_status{REFLOW_OK};
    });
}

void export_peers(Napi::Object exports) {
    const Napi::Env env = exports.Env();
    exports.Set("PeerHandle", PeerHandle::define(env));
    exports.Set("PeerEventsHandle", PeerEventsHandle::define(env));
    exports.Set("MeshHandle", MeshHandle::define(env));
    exports.Set("DiscoveryHandle", DiscoveryHandle::define(env));
    export_function(exports, "hold", hold);
}

}  // namespace reflow_node
