// The native half of peer.events().
#pragma once

#include <napi.h>
#include <reflow.h>

#include <memory>

namespace reflow_node {

class Queue;
struct PeerCore;

class PeerEventsHandle : public Napi::ObjectWrap<PeerEventsHandle> {
public:
    static Napi::Function define(Napi::Env env);
    explicit PeerEventsHandle(const Napi::CallbackInfo& info);
    ~PeerEventsHandle() override;

private:
    Napi::Value take(const Napi::CallbackInfo& info);
    Napi::Value finish(const Napi::CallbackInfo& info);
    Napi::Value close(const Napi::CallbackInfo& info);
    void end();

    std::shared_ptr<PeerCore> core_;
    std::shared_ptr<Queue> queue_;
    reflow_peer_subscription* subscription_ = nullptr;
};

}  // namespace reflow_node
