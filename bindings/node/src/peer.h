// The native half of Peer and of the peers of a PeerMesh.
#pragma once

#include <napi.h>
#include <reflow.h>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "exit_hook.h"

namespace reflow_node {

class Environment;
class Options;

// A peer and what is under way with it. Shared by the object of JavaScript and by calls on other threads;
// the last of them ends the peer.
struct PeerCore {
    reflow_runtime* runtime = nullptr;  // its own, if it has no network
    reflow_peer* peer = nullptr;
    bool owned = true;  // a mesh owns its peers
    std::shared_ptr<void> network;  // keeps it

    PeerCore() = default;
    PeerCore(const PeerCore&) = delete;
    PeerCore& operator=(const PeerCore&) = delete;
    ~PeerCore();

    // Calls that are under way on other threads, for a mesh, whose teardown has to come after them.
    void begin();
    void end();
    void wait_for_others();

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::size_t calls_ = 0;
};

// The options of a peer, with the texts that their views look into.
struct PeerSettings {
    PeerSettings(Napi::Env env, Napi::Value value);
    PeerSettings(const PeerSettings&) = delete;
    PeerSettings& operator=(const PeerSettings&) = delete;

    reflow_peer_options options{};

private:
    std::string network_, instance_, address_, token_, discovery_token_, advertise_;
    std::string certificate_, key_, ca_;
    std::vector<std::string> allowed_, endpoints_, origins_;
    std::vector<reflow_view> allowed_views_, endpoint_views_, origin_views_;
};

class PeerHandle : public Napi::ObjectWrap<PeerHandle> {
public:
    static Napi::Function define(Napi::Env env);
    explicit PeerHandle(const Napi::CallbackInfo& info);
    ~PeerHandle() override;

    // The peer of a mesh.
    void adopt(std::shared_ptr<PeerCore> core) { core_ = std::move(core); }
    [[nodiscard]] const std::shared_ptr<PeerCore>& core() const { return core_; }
    // From now on every call is refused.
    void forget() { core_.reset(); }
    // The peer, or an error if it was closed.
    [[nodiscard]] std::shared_ptr<PeerCore> use(Napi::Env env) const;

private:
    Napi::Value create(const Napi::CallbackInfo& info);
    Napi::Value attach(const Napi::CallbackInfo& info);
    Napi::Value bind(const Napi::CallbackInfo& info);
    Napi::Value start(const Napi::CallbackInfo& info);
    Napi::Value port(const Napi::CallbackInfo& info);
    Napi::Value connect(const Napi::CallbackInfo& info);
    Napi::Value disconnect(const Napi::CallbackInfo& info);
    Napi::Value connected(const Napi::CallbackInfo& info);
    Napi::Value send(const Napi::CallbackInfo& info);
    Napi::Value send_now(const Napi::CallbackInfo& info);
    Napi::Value send_many(const Napi::CallbackInfo& info);
    Napi::Value register_remote_actor(const Napi::CallbackInfo& info);
    Napi::Value set_delivery(const Napi::CallbackInfo& info);
    Napi::Value on_http(const Napi::CallbackInfo& info);
    Napi::Value status(const Napi::CallbackInfo& info);
    Napi::Value networks(const Napi::CallbackInfo& info);
    Napi::Value actors(const Napi::CallbackInfo& info);
    Napi::Value ping(const Napi::CallbackInfo& info);
    Napi::Value discover(const Napi::CallbackInfo& info);
    Napi::Value stop(const Napi::CallbackInfo& info);
    Napi::Value halt(const Napi::CallbackInfo& info);
    Napi::Value close(const Napi::CallbackInfo& info);

    // Ends the peer elsewhere: that waits for its links.
    void let_go();

    std::shared_ptr<PeerCore> core_;
    std::shared_ptr<PeerCore> halted_;  // refuses calls, and is not closed yet
    std::weak_ptr<Environment> environment_;
    ExitHook hook_;
};

}  // namespace reflow_node
