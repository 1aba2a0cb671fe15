// The native half of peer.events(): a subscription that JavaScript takes from, and is woken for. Thread: JS.
#pragma once

#include <napi.h>
#include <reflow.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <utility>

#include "values.h"

namespace reflow_node {

class Waker;
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
    bool poll();
    void close_subscription();
    void end();

    struct Held {
        Message event;
        std::uint64_t missed = 0;  // just before it
    };
    std::shared_ptr<PeerCore> core_;
    std::shared_ptr<Waker> waker_;
    Napi::FunctionReference ready_;
    reflow_peer_subscription* subscription_ = nullptr;
    std::deque<Held> held_;
    // Of events that were lost: how many stood before them, counted from the first that ever came, and how many they were.
    std::deque<std::pair<std::uint64_t, std::uint64_t>> losses_;
    std::uint64_t taken_ = 0;  // from the engine
    std::uint32_t capacity_ = 0;
    bool finished_ = false;
};

}  // namespace reflow_node
