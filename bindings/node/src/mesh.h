// The native half of PeerMesh.
#pragma once

#include <napi.h>
#include <reflow.h>

#include <map>
#include <memory>
#include <string>

#include "exit_hook.h"

namespace reflow_node {

class Environment;
struct PeerCore;
struct MeshCore;

class MeshHandle : public Napi::ObjectWrap<MeshHandle> {
public:
    static Napi::Function define(Napi::Env env);
    // new MeshHandle(network or undefined, options, first port, number of ports)
    explicit MeshHandle(const Napi::CallbackInfo& info);
    ~MeshHandle() override;

private:
    Napi::Value assign(const Napi::CallbackInfo& info);
    Napi::Value connect(const Napi::CallbackInfo& info);
    Napi::Value peer(const Napi::CallbackInfo& info);
    Napi::Value size(const Napi::CallbackInfo& info);
    Napi::Value teardown(const Napi::CallbackInfo& info);
    Napi::Value close(const Napi::CallbackInfo& info);
    [[nodiscard]] std::shared_ptr<MeshCore> use(Napi::Env env) const;
    // What is under way with the peer of an execution.
    std::shared_ptr<PeerCore> core_of(Napi::Env env, const std::string& execution);

    std::weak_ptr<Environment> environment_;
    ExitHook hook_;
    std::shared_ptr<MeshCore> mesh_;
    std::map<std::string, std::shared_ptr<PeerCore>> peers_;
};

}  // namespace reflow_node
