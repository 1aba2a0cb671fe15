// The native half of DiscoveryServer.
#pragma once

#include <napi.h>
#include <reflow.h>

#include <memory>

#include "exit_hook.h"

namespace reflow_node {

class DiscoveryHandle : public Napi::ObjectWrap<DiscoveryHandle> {
public:
    static Napi::Function define(Napi::Env env);

    // new DiscoveryHandle(options)
    explicit DiscoveryHandle(const Napi::CallbackInfo& info);

private:
    struct Server;

    Napi::Value serve(const Napi::CallbackInfo& info);
    Napi::Value port(const Napi::CallbackInfo& info);
    Napi::Value handle(const Napi::CallbackInfo& info);
    Napi::Value stop(const Napi::CallbackInfo& info);
    Napi::Value close(const Napi::CallbackInfo& info);
    // The server, or an error if it was closed.
    [[nodiscard]] reflow_discovery* use(Napi::Env env) const;

    ExitHook hook_;
    std::shared_ptr<Server> server_;
};

}  // namespace reflow_node
