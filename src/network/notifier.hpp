// Events handed to a callback of the host: an actor of its own, outside of the network, whose turns
// empty the queue of a subscription.
// Neighbours: events (the queue), capi (the callback). Thread: turns of the runtime.
#pragma once

#include <memory>

#include "network/runtime.hpp"
#include "runtime/actor.hpp"
#include "runtime/group.hpp"

namespace reflow::network {

class Event;
class Subscription;

// The callback; its end is that of the host's user data.
class EventSink : public Allocated {
public:
    virtual ~EventSink() = default;
    // The events are moved out, and the memory of the vector given back.
    virtual void receive(Vector<Ref<Event>>& events, std::uint64_t missed) noexcept = 0;
};

class Notifier : public Allocated, private runtime::Observer {
public:
    // The subscription owns this, and lives until it has ended.
    Notifier(Subscription& subscription, Runtime& runtime, std::unique_ptr<EventSink> sink,
             std::size_t max_batch);
    ~Notifier() override;

    // Something waits in the queue. Without locks; the caller keeps the subscription.
    void wake() noexcept;
    // Hands over what waits and ends, then drops a reference of the subscription. Inside a callback
    // of the runtime that comes later; otherwise it has happened when this returns.
    void finish() noexcept;

private:
    static reflow_status run(reflow_context* context, void* self, reflow_packet*, std::size_t);
    void deliver(reflow_context& context) noexcept;

    void completed(const runtime::Actor&, std::uint64_t, std::uint64_t) override {}
    void failed(const runtime::FailedFiring&) override {}
    void letter(const runtime::FailedFiring&) noexcept override {}
    runtime::AfterFailure escalated(const runtime::FailedFiring&, std::uint64_t) noexcept override {
        return runtime::AfterFailure::go_on;
    }
    void stop_for(const runtime::FailedFiring&) noexcept override {}
    void state(const runtime::Actor&, std::int32_t, std::uint32_t) override {}
    void emitted(const runtime::Actor&, std::uint32_t, std::uint32_t, MessageRef) override {}
    void sent(const runtime::Actor&, std::uint32_t, const runtime::Actor&, std::uint32_t,
              MessageRef) override {}
    void idle() override {}
    void stalled(const runtime::Stall&) override {}
    void stopped() override;

    Subscription& subscription_;
    Runtime& runtime_;
    runtime::Group group_;
    std::unique_ptr<EventSink> sink_;
    std::unique_ptr<runtime::Actor> actor_;
    Vector<Ref<Event>> events_;  // of the turn; its memory is there from the beginning
    const std::size_t max_batch_;
    // release and acquire: the turn that sees it sees deferred_ and all events before it.
    std::atomic<bool> closing_{false};
    bool deferred_ = false;  // the end drops the reference of the handle
    bool stopped_ = false;   // guarded by the lock of the group (publish, wait)
};

}  // namespace reflow::network
