// The native half of net.events(): a subscription that JavaScript takes from, so that what has come is there whenever it
// looks, and one beside it whose callback, on threads of the engine, only wakes it.
// Thread: JS.
#pragma once

#include <napi.h>
#include <reflow.h>

#include <cstdint>
#include <deque>
#include <memory>

namespace reflow_node {

class Core;
class KeptEvent;
class Waker;

// Names of the details of a node's state, from bits REFLOW_NODE_IS_...
Napi::Array details_of(Napi::Env env, std::uint32_t bits);

class EventsHandle : public Napi::ObjectWrap<EventsHandle> {
public:
    static Napi::Function define(Napi::Env env);

    // new EventsHandle(ready): ready is called when there is something to take, once until it is taken.
    explicit EventsHandle(const Napi::CallbackInfo& info);
    ~EventsHandle() override;

    // Subscribes, once. Throws.
    void open(Napi::Env env, const std::shared_ptr<Core>& core, Napi::Value options);
    // Has JavaScript take what it wants; whether there was anything.
    bool tell(Napi::Env env);

private:
    Napi::Value take(const Napi::CallbackInfo& info);
    Napi::Value finish(const Napi::CallbackInfo& info);
    Napi::Value close(const Napi::CallbackInfo& info);
    void poll();
    void close_subscriptions();
    void end();

    Napi::FunctionReference ready_;
    std::weak_ptr<Core> core_;
    std::shared_ptr<Waker> waker_;
    reflow_subscription* wakes_ = nullptr;
    reflow_subscription* subscription_ = nullptr;
    std::deque<std::unique_ptr<KeptEvent>> held_;  // polled, and not taken yet
    std::uint64_t missed_ = 0;                     // behind the last of them
    std::uint32_t capacity_ = 0;
    bool finished_ = false;  // no more come
    bool given_ = false;     // since tell() has begun
};

}  // namespace reflow_node
