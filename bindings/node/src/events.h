// The native half of net.events(): a subscription, whose callback comes on threads of the engine, and the
// bounded queue that it fills.
#pragma once

#include <napi.h>
#include <reflow.h>

#include <cstdint>
#include <memory>

namespace reflow_node {

class Queue;

// Names of the details of a node's state, from bits REFLOW_NODE_IS_...
Napi::Array details_of(Napi::Env env, std::uint32_t bits);

class EventsHandle : public Napi::ObjectWrap<EventsHandle> {
public:
    static Napi::Function define(Napi::Env env);

    // new EventsHandle(ready): ready is called when there is something to take, once until it is taken.
    explicit EventsHandle(const Napi::CallbackInfo& info);
    ~EventsHandle() override;

    // Subscribes, once; network is borrowed. Throws.
    void open(Napi::Env env, reflow_network* network, Napi::Value options);

private:
    Napi::Value take(const Napi::CallbackInfo& info);
    Napi::Value finish(const Napi::CallbackInfo& info);
    Napi::Value close(const Napi::CallbackInfo& info);
    void end();

    std::shared_ptr<Queue> queue_;
    Napi::FunctionReference ready_;
    reflow_subscription* subscription_ = nullptr;
    bool finished_ = false;
};

}  // namespace reflow_node
